/** Rows of a committed run leave the table again: the same loop as landing, with a property and a marker of its own. */

import type { Waiting } from '../contract/environment.ts';
import type { RunRequest } from '../contract/task.ts';
import { commitToTable } from '../table/commit.ts';
import { revertProperty, type TableChange } from '../table/table.ts';
import type { Dataset } from './dataset.ts';
import { readDocument } from './decide.ts';
import { type Decision, Landing, type Plan } from './documents.ts';
import { findLive } from './live.ts';
import { markedProperties, readLanding, writeMarker } from './markers.ts';
import { batchDigest, revertedKey } from './names.ts';

/**
 * Takes the rows of a run that landed as committed out of the table, once, however often and by however many it is
 * called. Answers what became of them: who was first (a replacing run sets the same property) is met by all others.
 * Where a file of the run is not in the table any more, nothing is changed, and a refusal says so for good.
 */
export async function revertRun(
  dataset: Dataset,
  plan: Plan,
  decision: Decision,
  request: RunRequest | undefined,
  waiting: Waiting,
): Promise<Landing> {
  const batch = batchDigest(plan.batch);
  const key = revertedKey(batch, plan.run);
  const marked = await readDocument(dataset.store, key, Landing, waiting);
  if (marked !== undefined) return marked;
  const asked = request === undefined ? {} : { request };
  const reversal = { version: 1, attempt: waiting.random.nonce(), outcome: 'Reverted', ...asked } as const;
  if (decision.dataFiles.length === 0) {
    return await writeMarker(dataset, key, { ...reversal, time: waiting.clock.now() }, waiting);
  }
  const property = revertProperty(batch, plan.run);
  const landing = await commitToTable<Landing>(
    dataset.table,
    async (state, { snapshotID, time }) => {
      const landed = await readLanding(dataset, state, property, waiting);
      if (landed !== undefined) return { done: landed };
      const files = decision.dataFiles.map((file) => file.key);
      const found = await findLive(dataset, state, files, waiting);
      const value: Landing =
        'reason' in found ? { ...reversal, refusal: found, time } : { ...reversal, snapshotID, time };
      return {
        change: {
          ...('reason' in found ? {} : revertChange(plan, found.live)),
          setProperties: { [property]: JSON.stringify(value) },
          dropProperties: await markedProperties(dataset, state, waiting),
        },
      };
    },
    waiting,
  );
  return await writeMarker(dataset, key, landing, waiting);
}

/** Nothing is taken back from the totals: they tell what was ever ingested; rows and files follow from the files. */
function revertChange({ batch, run }: Plan, live: readonly string[]): TableChange {
  return {
    snapshot: true,
    ...(live.length > 0 ? { removeFiles: live } : {}),
    summary: { 'forebay.reverts': batch.id, 'forebay.run': String(run) },
  };
}
