/**
 * Exactly once stands on conditional creates. Some stores ignore the condition, some check and then act; so before a
 * dataset is claimed, creates are raced on the very store, and what was found is remembered there.
 */
import { Type } from 'typebox';
import { readDocument } from '../commit/decide.ts';
import type { Waiting } from '../contract/environment.ts';
import type { StoreLocation } from '../contract/task.ts';
import { proveConditionalWrites } from '../store/prove.ts';
import type { Store } from '../store/store.ts';
import { untilClear } from '../table/back-off.ts';

const folder = 'ingest/proof/';
const proofKey = 'ingest/proof.json';
const Proof = Type.Object({ version: Type.Literal(1), endpoint: Type.String(), time: Type.Integer() });

/** Throws StoreUnsuitable. Costs nothing when the store of this endpoint was proved before. */
export async function proveStore(store: Store, location: StoreLocation, waiting: Waiting): Promise<void> {
  const endpoint = endpointOf(location);
  const proof = await readDocument(store, proofKey, Proof, waiting);
  if (proof?.endpoint === endpoint) return;

  await proveConditionalWrites(store, folder, waiting);
  const body = JSON.stringify({ version: 1, endpoint, time: waiting.clock.now() });
  await untilClear(() => store.put(proofKey, body, { signal: waiting.signal }), waiting);
}

/** The same bucket behind another endpoint may be another store. */
function endpointOf(location: StoreLocation): string {
  return 's3' in location ? (location.s3.endpoint ?? 'default') : 'local';
}
