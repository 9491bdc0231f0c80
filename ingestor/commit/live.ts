/** Files that are to leave the table must be in it; what became of those that are not. */
import type { Waiting } from '../contract/environment.ts';
import type { BatchID } from '../contract/task.ts';
import { untilClear } from '../table/back-off.ts';
import { runProperty, type TableState } from '../table/table.ts';
import { findLast } from '../table/versions.ts';
import type { Dataset } from './dataset.ts';
import { readDocument } from './decide.ts';
import { Decision, type Refusal } from './documents.ts';
import { readLanding } from './markers.ts';
import { batchDigest, compactionBatch, decisionKey, planKey, rowExpiryBatch } from './names.ts';

/** Decisions read at the same time. */
const readAhead = 16;

/**
 * Those of the files that the state has, where all others were dropped by row retention: their rows are out already.
 * Else why they cannot leave: nothing is changed then.
 */
export async function findLive(
  dataset: Dataset,
  state: TableState,
  keys: readonly string[],
  waiting: Waiting,
): Promise<{ readonly live: readonly string[] } | Refusal> {
  const found = await dataset.table.find(state, new Set(keys));
  const missing = new Set(keys.filter((key) => !found.has(key)));
  if (missing.size > 0) await leaveOutRemoved(dataset, state, rowExpiryBatch, missing, waiting);
  if (missing.size === 0) return { live: keys.filter((key) => found.has(key)) };
  const gone = `${missing.size} of ${keys.length} files that were to leave the table`;
  await leaveOutRemoved(dataset, state, compactionBatch, missing, waiting);
  return missing.size === 0
    ? { reason: 'FilesRewritten', message: `${gone} were compacted; their rows are in other files now` }
    : { reason: 'FilesGone', message: `${gone} are not in it any more` };
}

/** Takes out of `keys` what the runs of one of the program's own batches removed, newest first, until none is left. */
async function leaveOutRemoved(
  dataset: Dataset,
  state: TableState,
  id: BatchID,
  keys: Set<string>,
  waiting: Waiting,
): Promise<void> {
  const batch = batchDigest(id);
  for (let last = await lastRun(dataset, batch, waiting); last > 0 && keys.size > 0; last -= readAhead) {
    const runs = Array.from({ length: Math.min(readAhead, last) }, (_, n) => last - n);
    for (const removed of await Promise.all(runs.map((run) => removedBy(dataset, state, batch, run, keys, waiting)))) {
      for (const key of removed) keys.delete(key);
    }
  }
}

async function lastRun({ store }: Dataset, batch: string, waiting: Waiting): Promise<number> {
  const isPlanned = async (run: number) =>
    (await store.head(planKey(batch, run), { signal: waiting.signal })) !== undefined;
  return await findLast(0, (run) => untilClear(() => isPlanned(run), waiting));
}

/** Of `keys`, those that a run removed from the table, as the state or a marker tells. */
async function removedBy(
  dataset: Dataset,
  state: TableState,
  batch: string,
  run: number,
  keys: ReadonlySet<string>,
  waiting: Waiting,
): Promise<readonly string[]> {
  const decision = await readDocument(dataset.store, decisionKey(batch, run), Decision, waiting);
  const removed = decision?.removeFiles?.filter((key) => keys.has(key)) ?? [];
  if (removed.length === 0) return [];
  const landing = await readLanding(dataset, state, runProperty(batch, run), waiting);
  return landing?.outcome === 'Committed' ? removed : [];
}
