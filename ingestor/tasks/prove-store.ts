/**
 * Exactly once stands on conditional creates. Some stores ignore the condition, some check and then act; so before a
 * dataset is claimed, creates are raced on the very store, and what was found is remembered there.
 */
import { Type } from 'typebox';
import { readDocument } from '../commit/decide.ts';
import type { Waiting } from '../contract/environment.ts';
import { ForebayError } from '../contract/errors.ts';
import type { StoreLocation } from '../contract/task.ts';
import type { Store } from '../store/store.ts';
import { untilClear } from '../table/back-off.ts';

/** Races and racers: a store that checks and then acts was caught in about one race of ten with 16 racers. */
const races = 20;
const racers = 16;

const folder = 'ingest/proof/';
const proofKey = 'ingest/proof.json';
const Proof = Type.Object({ version: Type.Literal(1), endpoint: Type.String(), time: Type.Integer() });

/** Throws StoreUnsuitable. Costs nothing when the store of this endpoint was proved before. */
export async function proveStore(store: Store, location: StoreLocation, waiting: Waiting): Promise<void> {
  const endpoint = endpointOf(location);
  const proof = await readDocument(store, proofKey, Proof, waiting);
  if (proof?.endpoint === endpoint) return;

  const folderOfThis = `${folder}${waiting.random.nonce()}/`;
  const keys = Array.from({ length: races }, (_, race) => `${folderOfThis}${race}`);
  try {
    for (const key of keys) await proveCreate(store, key, waiting);
    await proveOverwrite(store, `${folderOfThis}0`, waiting);
  } finally {
    await store.delete(keys, { signal: waiting.signal }).catch(() => {});
  }
  const body = JSON.stringify({ version: 1, endpoint, time: waiting.clock.now() });
  await untilClear(() => store.put(proofKey, body, { signal: waiting.signal }), waiting);
}

/** The same bucket behind another endpoint may be another store. */
function endpointOf(location: StoreLocation): string {
  return 's3' in location ? (location.s3.endpoint ?? 'default') : 'local';
}

/** Of all that create one object, one is told that it did, and the object is its. */
async function proveCreate(store: Store, key: string, { signal }: Waiting): Promise<void> {
  const bodies = Array.from({ length: racers }, (_, racer) => `racer ${racer}`);
  const outcomes = await Promise.all(bodies.map((body) => store.putIfAbsent(key, body, { signal })));
  const winners = bodies.filter((_, racer) => outcomes[racer]?.created);
  const body = Buffer.from((await store.get(key, { signal }))?.body ?? '').toString();
  if (winners.length !== 1) throw unsuitable(store, `of ${racers} creates of one object, ${winners.length} succeeded`);
  if (body !== winners[0]) throw unsuitable(store, 'an object is not of the writer that was told it created it');
}

/** An object is overwritten only with its present ETag. */
async function proveOverwrite(store: Store, key: string, { signal }: Waiting): Promise<void> {
  const before = await store.head(key, { signal });
  if (before === undefined) throw unsuitable(store, 'an object that was created is gone');
  const first = await store.putIfMatch(key, 'first', before.etag, { signal });
  const second = await store.putIfMatch(key, 'second', before.etag, { signal });
  if (!first.created) throw unsuitable(store, 'an object cannot be overwritten with its ETag (If-Match)');
  if (second.created) throw unsuitable(store, 'an object can be overwritten with an ETag it no longer has (If-Match)');
}

function unsuitable(store: Store, what: string): ForebayError {
  return new ForebayError('StoreUnsuitable', `${store.url}: ${what}`);
}
