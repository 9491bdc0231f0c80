import type { Waiting } from '../contract/environment.ts';
import type { Store } from '../store/store.ts';
import { untilClear } from '../table/back-off.ts';
import { clockKey } from './names.ts';

/** What time it is for the store, milliseconds since 1970: ages of its objects are told by its own clock. */
export async function storeTime(store: Store, waiting: Waiting): Promise<number> {
  const { random, signal } = waiting;
  await untilClear(() => store.put(clockKey, random.nonce(), { signal }), waiting);
  const facts = await untilClear(() => store.head(clockKey, { signal }), waiting);
  return facts?.lastModified ?? 0;
}
