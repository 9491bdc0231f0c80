/** Many objects of the bucket at once. */
import type { Waiting } from '../contract/environment.ts';
import type { ObjectFacts, Store } from '../store/store.ts';
import { untilClear } from '../table/back-off.ts';

/** Those below a prefix that a test lets through. Asked again from the start where a page fails. */
export async function listFacts(
  store: Store,
  prefix: string,
  isWanted: (facts: ObjectFacts) => boolean,
  waiting: Waiting,
): Promise<ObjectFacts[]> {
  return await untilClear(async () => {
    const found: ObjectFacts[] = [];
    for await (const facts of store.list(prefix, { signal: waiting.signal })) if (isWanted(facts)) found.push(facts);
    return found;
  }, waiting);
}

export async function deleteKeys(store: Store, keys: readonly string[], waiting: Waiting): Promise<void> {
  if (keys.length > 0) await untilClear(() => store.delete(keys, { signal: waiting.signal }), waiting);
}
