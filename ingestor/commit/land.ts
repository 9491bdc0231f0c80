/** From a decision to the table: the one step that makes rows visible, and the marker that remembers it. */
import type { Waiting } from '../contract/environment.ts';
import { commitToTable } from '../table/commit.ts';
import { type CommitStamp, revertProperty, runProperty, type TableChange, type TableState } from '../table/table.ts';
import type { Dataset } from './dataset.ts';
import { readDocument } from './decide.ts';
import { type Decision, Landing, type Plan, type Refusal } from './documents.ts';
import { findLive } from './live.ts';
import { markedProperties, readLanding, writeMarker } from './markers.ts';
import { batchDigest, markerKey, revertedKey } from './names.ts';
import { watchOwnFiles } from './own-files.ts';

/**
 * Lands what was decided, once, however often and by however many it is called. The table's property says that it is
 * done; once the marker exists anyone may drop the property, so the marker is looked at *after* the table was loaded.
 * What the table cannot take (files that are to leave it are not there, own files are gone) lands as a refusal, under
 * the same name, so that twins meet it.
 */
export async function landRun(dataset: Dataset, plan: Plan, decision: Decision, waiting: Waiting): Promise<Landing> {
  const key = markerKey(batchDigest(plan.batch), plan.run);
  const marked = await readDocument(dataset.store, key, Landing, waiting);
  if (marked !== undefined) return marked;
  if (!changesTable(plan, decision)) return await writeMarker(dataset, key, landingOf(decision), waiting);
  const landing = await commitRun(dataset, plan, decision, waiting);
  await markReplaced(dataset, plan, landing, waiting);
  return await writeMarker(dataset, key, landing, waiting);
}

/**
 * Nothing to add, to take out or to count: a connection's run that found nothing new, a run stopped as asked, one of
 * the program's own that failed.
 */
function changesTable({ batch }: Plan, { outcome, files, removeFiles = [] }: Decision): boolean {
  if (outcome === 'Committed') return files.input > files.skipped || removeFiles.length > 0;
  return outcome === 'Failed' && batch.kind !== 'internal';
}

/** Twins must write the same, so everything comes from the decision. */
function landingOf({ attempt, outcome, time }: Decision): Landing {
  return { version: 1, attempt, outcome, time };
}

async function commitRun(dataset: Dataset, plan: Plan, decision: Decision, waiting: Waiting): Promise<Landing> {
  const property = runProperty(batchDigest(plan.batch), plan.run);
  const findLost = await watchOwnFiles(dataset, plan, decision, waiting);
  return await commitToTable<Landing>(
    dataset.table,
    async (state, stamp) => {
      const landed = await readLanding(dataset, state, property, waiting);
      if (landed !== undefined) return { done: landed };
      const taken = await takeOut(dataset, state, plan, decision, waiting);
      const refusal = 'reason' in taken ? taken : await findLost();
      const landing = toLanding(decision, refusal, stamp, waiting);
      return {
        change: {
          ...(landing.outcome === 'Committed' && 'live' in taken
            ? committedChange(plan, decision, taken.live, stamp)
            : failedChange(plan, stamp)),
          setProperties: { [property]: JSON.stringify(landing), ...replacedProperties(plan, landing) },
          dropProperties: await markedProperties(dataset, state, waiting),
        },
      };
    },
    waiting,
  );
}

/** The files that leave with this commit; or why they cannot: all of it stays as it is then. */
async function takeOut(
  dataset: Dataset,
  state: TableState,
  { replaces = [] }: Plan,
  { outcome, removeFiles = [], rewrites = false }: Decision,
  waiting: Waiting,
): Promise<{ readonly live: readonly string[] } | Refusal> {
  if (outcome !== 'Committed' || removeFiles.length === 0) return { live: [] };
  for (const { batch, id, run } of replaces) {
    const reversal = await readLanding(dataset, state, revertProperty(batch, run), waiting);
    if (reversal !== undefined) return takenOutBefore(id, reversal);
  }
  if (rewrites && state.deleteFiles !== undefined) return rowsDeleted;
  const found = await findLive(dataset, state, removeFiles, waiting);
  return rewrites && 'live' in found ? requireAll(found.live, removeFiles) : found;
}

const rowsDeleted: Refusal = {
  reason: 'FilesRewritten',
  message: 'another engine deletes single rows of the table by files of their own: they would come back',
};

/** Of files that are rewritten none may be missing: rows that left meanwhile, past retention, lie in the new files too. */
function requireAll(live: readonly string[], removeFiles: readonly string[]) {
  const gone = removeFiles.length - live.length;
  if (gone === 0) return { live };
  return {
    reason: 'FilesGone',
    message: `${gone} of ${removeFiles.length} files left the table while they were rewritten`,
  };
}

function takenOutBefore(id: string, { refusal, by }: Landing): Refusal {
  if (refusal !== undefined) return refusal;
  const how = by === undefined ? 'it was reverted' : `${by.id} replaced it`;
  return { reason: 'FilesGone', message: `the rows of ${id} were taken out before: ${how}` };
}

function toLanding(
  { outcome }: Decision,
  refusal: Refusal | undefined,
  { snapshotID, time }: CommitStamp,
  { random }: Waiting,
): Landing {
  const common = { version: 1, attempt: random.nonce(), time } as const;
  if (refusal !== undefined) return { ...common, outcome: 'Failed', refusal };
  return { ...common, outcome, ...(outcome === 'Committed' ? { snapshotID } : {}) };
}

function committedChange(
  plan: Plan,
  { dataFiles, rewrites, records }: Decision,
  live: readonly string[],
  { time }: CommitStamp,
): TableChange {
  const { id, kind } = plan.batch;
  const isOwn = kind === 'internal';
  const batch = batchDigest(plan.batch);
  const { ingested, failed } = records;
  return {
    snapshot: true,
    addFiles: dataFiles.map((file) => ({ ...file, batch })),
    ...(live.length > 0 ? { removeFiles: live } : {}),
    ...(rewrites === undefined ? {} : { rewrites }),
    summary: summaryOf(plan, records),
    ...(isOwn ? {} : { count: { ingested, failed, batchesSucceeded: 1, lastBatch: { id, time } } }),
  };
}

/** What stands in the snapshot's summary, for people who look at the table: which batch, and what came of its records. */
function summaryOf({ batch, run, replaces = [] }: Plan, records: Decision['records']): Record<string, string> {
  return {
    'forebay.batch': batch.id,
    'forebay.run': String(run),
    'forebay.records-read': String(records.read),
    'forebay.records-ingested': String(records.ingested),
    'forebay.records-failed': String(records.failed),
    'forebay.records-skipped': String(records.skipped),
    ...(replaces.length > 0 ? { 'forebay.replaces': JSON.stringify(replaces.map(({ id }) => id)) } : {}),
  };
}

/** Only counts: no file comes or goes. */
function failedChange({ batch: { id, kind } }: Plan, { time }: CommitStamp): TableChange {
  return kind === 'internal' ? {} : { count: { batchesFailed: 1, lastFailedBatch: { id, time } } };
}

/** The commit that replaces says so of each run it takes out: whoever reverts or replaces that one meets it. */
function replacedProperties(plan: Plan, landing: Landing): Record<string, string> {
  const reversal = reversalOf(plan, landing);
  if (reversal === undefined) return {};
  const value = JSON.stringify(reversal);
  return Object.fromEntries((plan.replaces ?? []).map(({ batch, run }) => [revertProperty(batch, run), value]));
}

/** Before the marker of the run itself: where that is, nothing is left to do. */
async function markReplaced(dataset: Dataset, plan: Plan, landing: Landing, waiting: Waiting): Promise<void> {
  const reversal = reversalOf(plan, landing);
  if (reversal === undefined) return;
  for (const { batch, run } of plan.replaces ?? []) {
    await writeMarker(dataset, revertedKey(batch, run), reversal, waiting);
  }
}

/** Word for word the same from the same landing. Undefined when nothing was taken out. */
function reversalOf({ batch, run }: Plan, { outcome, attempt, snapshotID, time }: Landing): Landing | undefined {
  if (outcome !== 'Committed' || snapshotID === undefined) return undefined;
  return { version: 1, attempt, outcome: 'Reverted', by: { id: batch.id, run }, snapshotID, time };
}
