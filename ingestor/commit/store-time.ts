import type { Waiting } from '../contract/environment.ts';
import type { Store } from '../store/store.ts';
import { untilClear } from '../table/back-off.ts';

/** What time it is for the store, milliseconds since 1970: ages of its objects are told by its own clock. */
export async function storeTime(store: Store, waiting: Waiting): Promise<number> {
  return await untilClear(() => store.now({ signal: waiting.signal }), waiting);
}
