/**
 * Exactly once rests on conditional writes, and no answer of a store says whether it honours them: some ignore the
 * condition, some check first and act then. So they are raced on the very store.
 */
import { ForebayError } from '../contract/errors.ts';
import type { Store } from './store.ts';

/** A store that checks and then acts was caught in about one race of ten with 16 racers: 20 races miss it once in ten. */
const races = 20;
const racers = 16;

/** A race whose answers prove nothing is run again on another key, so often. */
const mostTries = 3;

export interface Proving {
  /** Names of objects that nobody else gives. */
  readonly random: { nonce(): string };
  readonly signal: AbortSignal;
}

/**
 * Throws StoreUnsuitable unless, of 16 creates of one object, one wins and the object is its, on each of 20 keys; and
 * unless an object is overwritten with its present ETag and with no other. Works below `folder`, which ends with a
 * slash, and takes away what it made. Throws StoreUnavailable when answers stay unclear.
 */
export async function proveConditionalWrites(store: Store, folder: string, proving: Proving): Promise<void> {
  const own = `${folder}${proving.random.nonce()}/`;
  const used: string[] = [];
  const newKey = () => {
    const key = `${own}${used.length}`;
    used.push(key);
    return key;
  };
  // Alone, so that a key that may not write is refused once and not 320 times; nothing is to be taken away then.
  await untilProven(store, newKey, proveOverwrite, proving);
  try {
    // All at once: a server that makes losers wait (SeaweedFS: for whole seconds) would take a minute one by one.
    await allOf(Array.from({ length: races }, () => untilProven(store, newKey, proveCreate, proving)));
  } finally {
    await store.delete(used).catch(() => {});
  }
}

/** `undefined` is what a proof answers that proved nothing. */
type Proof = (store: Store, key: string, signal: AbortSignal) => Promise<'proven' | undefined>;

async function untilProven(store: Store, newKey: () => string, proof: Proof, { signal }: Proving): Promise<void> {
  for (let tries = 1; ; tries += 1) {
    try {
      if ((await proof(store, newKey(), signal)) === 'proven') return;
      if (tries === mostTries) throw unsuitable(store, `of ${racers} creates of one object, none succeeded`);
    } catch (thrown) {
      const isUnclear = thrown instanceof ForebayError && thrown.code === 'StoreUnavailable';
      if (!isUnclear || tries === mostTries) throw thrown;
    }
  }
}

/** Whose answer was lost is told "there is one already" when it asks again: then nobody seems to have won. */
async function proveCreate(store: Store, key: string, signal: AbortSignal): Promise<'proven' | undefined> {
  const bodies = Array.from({ length: racers }, (_, racer) => `racer ${racer}`);
  const outcomes = await allOf(bodies.map((body) => store.putIfAbsent(key, body, { signal })));
  const winners = bodies.filter((_, racer) => outcomes[racer]?.created);
  if (winners.length > 1) throw unsuitable(store, `of ${racers} creates of one object, ${winners.length} succeeded`);
  if ((await store.putIfAbsent(key, 'late', { signal })).created) {
    throw unsuitable(store, 'an object was created that was there already');
  }
  const object = await store.get(key, { signal });
  const body = Buffer.from(object?.body ?? '').toString();
  if (!bodies.includes(body)) throw unsuitable(store, 'an object that was created is gone or is another');
  if (winners.length === 0) return undefined;
  if (body !== winners[0]) throw unsuitable(store, 'an object is not of the writer that was told it created it');
  return 'proven';
}

/** No race: a lost update of the version hint is mended by whoever reads it next. */
async function proveOverwrite(store: Store, key: string, signal: AbortSignal): Promise<'proven' | undefined> {
  await store.putIfAbsent(key, 'base', { signal });
  const before = await store.head(key, { signal });
  if (before === undefined) throw unsuitable(store, 'an object that was created is gone');
  await store.putIfMatch(key, 'first', before.etag, { signal });
  const { created } = await store.putIfMatch(key, 'second', before.etag, { signal });
  const body = Buffer.from((await store.get(key, { signal }))?.body ?? '').toString();
  if (body === 'base') throw unsuitable(store, 'an object cannot be overwritten with its ETag (If-Match)');
  if (created || body !== 'first') throw unsuitable(store, 'an object was overwritten with an ETag it no longer had');
  return 'proven';
}

/** Waits for all, so that nothing is written any more once it throws. */
async function allOf<T>(calls: readonly Promise<T>[]): Promise<T[]> {
  await Promise.allSettled(calls);
  return Promise.all(calls);
}

function unsuitable(store: Store, what: string): ForebayError {
  return new ForebayError('StoreUnsuitable', `${store.url}: ${what}; exactly once cannot be kept there`);
}
