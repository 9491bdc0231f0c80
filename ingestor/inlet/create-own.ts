/** To create an object of a name nobody else gives, and to know that it is there. */
import type { Waiting } from '../contract/environment.ts';
import { ForebayError, toForebayError } from '../contract/errors.ts';
import type { Store } from '../store/store.ts';
import { within } from './within.ts';

export interface OwnObject {
  readonly key: string;
  readonly body: Uint8Array;
  /** Stands in `body`, and in no other object. */
  readonly nonce: string;
}

/**
 * Returns only after a clear yes: the store says it created the object, or that it is there and the nonce stands in it.
 * Any other answer is a question that the same call settles. Throws what the store said last when there was no clear
 * answer for `patience` milliseconds, and DamagedDocument when the object is another writer's.
 */
export async function createOwn(store: Store, own: OwnObject, patience: number, waiting: Waiting): Promise<void> {
  const message = `the store gave no clear answer about ${own.key} for ${patience} ms`;
  await within(patience, message, waiting, async ({ clock, random, signal }) => {
    let lastError: unknown;
    for (let wait = 100; !signal.aborted; wait = Math.min(2 * wait, 5_000)) {
      try {
        const { created } = await store.putIfAbsent(own.key, own.body, { signal });
        if (created || (await isThere(store, own, signal))) return;
      } catch (thrown) {
        if (isForeign(thrown)) throw thrown;
        lastError = signal.aborted ? (lastError ?? thrown) : thrown;
      }
      await clock.sleep(wait * (0.5 + random.number() / 2), signal).catch(() => {});
    }
    throw new ForebayError(toForebayError(lastError).code, message, { cause: lastError });
  });
}

/** False also for an object that is gone again: then the next try tells. */
async function isThere(store: Store, { key, nonce }: OwnObject, signal: AbortSignal): Promise<boolean> {
  const object = await store.get(key, { signal });
  if (object === undefined) return false;
  if (Buffer.from(object.body).includes(nonce)) return true;
  throw new ForebayError('DamagedDocument', `${store.url}/${key} was written by another program`);
}

function isForeign(thrown: unknown): boolean {
  return thrown instanceof ForebayError && thrown.code === 'DamagedDocument';
}
