/** What happened, from the objects in the bucket alone: whoever asks, and however often, is told the same. */
import { mergeErrorClasses, zeroRecords } from '../contract/counts.ts';
import type { Waiting } from '../contract/environment.ts';
import type { BatchOutcome, TableTotals } from '../contract/result.ts';
import type { RunRequest } from '../contract/task.ts';
import { untilClear } from '../table/back-off.ts';
import type { BatchMark, Table, TableState } from '../table/table.ts';
import type { Dataset } from './dataset.ts';
import type { Decision, Landing, Plan, Refusal } from './documents.ts';
import { batchDigest, rejectFolder, sha256 } from './names.ts';
import { readReverted } from './runs.ts';

/** So that a report fits a termination message whatever a name in it is like. */
const longestMessage = 1_000;

export async function reportRun(
  dataset: Dataset,
  plan: Plan,
  decision: Decision,
  landing: Landing,
  waiting: Waiting,
): Promise<BatchOutcome> {
  const batch = batchDigest(plan.batch);
  const reversal = landing.outcome === 'Committed' ? await readReverted(dataset, batch, plan.run, waiting) : undefined;
  const diagnostics = await findDiagnostics(dataset, plan, decision, waiting);
  return {
    batchID: plan.batch.id,
    run: plan.run,
    ...endOf(plan, decision, landing, reversal),
    ...countsOf(decision, landing),
    errors: mergeErrorClasses([decision.errors]),
    ...(diagnostics === undefined ? {} : { diagnostics }),
    plan: reportPlan(plan),
    completionTime: formatTime(reversal?.refusal === undefined ? (reversal?.time ?? landing.time) : landing.time),
  };
}

type End = Pick<BatchOutcome, 'outcome' | 'reason' | 'message' | 'snapshotID'>;

/** What was decided; unless the table did not take it, or gave it up again. */
function endOf({ batch }: Plan, decision: Decision, landing: Landing, reversal: Landing | undefined): End {
  const { refusal, outcome } = landing;
  if (refusal !== undefined) return { outcome, ...cut(refusal) };
  const snapshot = landing.snapshotID === undefined ? {} : { snapshotID: landing.snapshotID };
  if (reversal === undefined) return { outcome, ...cut(decision), ...snapshot };
  // Its rows are where they were: a revert that cannot be done changes nothing.
  if (reversal.refusal !== undefined) return { outcome, ...cut(reversal.refusal), ...snapshot };
  const { by, snapshotID } = reversal;
  const end = by === undefined ? reverted(batch.id, decision) : replaced(by, decision);
  return { outcome: 'Reverted', ...cut(end), ...(snapshotID === undefined ? {} : { snapshotID }) };
}

function cut({ reason, message }: Refusal): Refusal {
  return { reason, message: message.slice(0, longestMessage) };
}

function reverted(id: string, { records }: Decision): Refusal {
  return { reason: 'Reverted', message: `${records.ingested} records of ${id} were taken out again` };
}

function replaced(by: NonNullable<Landing['by']>, { records }: Decision): Refusal {
  const message = `${records.ingested} records were taken out by batch ${by.id}, run ${by.run}, which replaces this one`;
  return { reason: 'Replaced', message };
}

/** A reverted run tells what it had ingested; one whose files the table did not take ingested nothing. */
function countsOf(
  { records, files, bytes }: Decision,
  { refusal }: Landing,
): Pick<BatchOutcome, 'records' | 'files' | 'bytes'> {
  if (refusal === undefined) return { records, files, bytes };
  const { ingested, skipped } = records;
  return {
    records: { ...records, ingested: 0, skipped: skipped + ingested, warnings: 0 },
    files: { ...files, output: 0 },
    bytes: { ...bytes, output: 0 },
  };
}

/** The folder of the reject files, as long as they are kept. */
async function findDiagnostics(
  { store }: Dataset,
  { batch, run }: Plan,
  { rejectFiles: [first] }: Decision,
  waiting: Waiting,
): Promise<string | undefined> {
  if (first === undefined) return undefined;
  const facts = await untilClear(() => store.head(first, { signal: waiting.signal }), waiting);
  return facts === undefined ? undefined : `${store.url}/${rejectFolder(batchDigest(batch), run)}`;
}

/** The batch was committed for another request: this one ingested nothing, and never will. */
export function reportRefused(committed: Plan, request: RunRequest, landing: Landing): BatchOutcome {
  const message = `${committed.batch.id} was committed at ${formatTime(landing.time)} for another request (digest ${request.digest.slice(0, 12)} is not that of the committed one)`;
  return nothingDone(committed, { reason: 'AlreadyCommitted', message }, landing.time);
}

/** The request woke up after a later one for the same batch was answered by `latest`: it ingests nothing any more. */
export function reportOutdated(latest: Plan): BatchOutcome {
  const message = `a later request for ${latest.batch.id} came before this one: see its run ${latest.run}`;
  return nothingDone(latest, { reason: 'Superseded', message }, latest.time);
}

function nothingDone(plan: Plan, refusal: Refusal, time: number): BatchOutcome {
  return {
    batchID: plan.batch.id,
    run: plan.run,
    outcome: 'Failed',
    ...refusal,
    records: zeroRecords(),
    files: { input: 0, skipped: 0, failed: 0, output: 0 },
    bytes: { input: 0, output: 0 },
    errors: [],
    plan: reportPlan(plan),
    completionTime: formatTime(time),
  };
}

export function reportPlan(plan: Plan): BatchOutcome['plan'] {
  return { digest: sha256(JSON.stringify(plan)), shards: plan.shards.length };
}

export function reportTable(table: Table, state: TableState): TableTotals {
  const { totals } = state;
  return {
    location: table.location,
    format: state.settings.format,
    sequence: state.sequence,
    ...(state.snapshotID === undefined ? {} : { snapshotID: state.snapshotID }),
    records: totals.records,
    files: totals.files,
    sizeBytes: totals.sizeBytes,
    ...(state.snapshotTime === undefined ? {} : { lastCommitTime: formatTime(state.snapshotTime) }),
    ingested: totals.ingested,
    failed: totals.failed,
    batches: totals.batches,
    ...(totals.lastBatch === undefined ? {} : { lastBatch: formatMark(totals.lastBatch) }),
    ...(totals.lastFailedBatch === undefined ? {} : { lastFailedBatch: formatMark(totals.lastFailedBatch) }),
  };
}

function formatMark({ id, time }: BatchMark): NonNullable<TableTotals['lastBatch']> {
  return { id, time: formatTime(time) };
}

function formatTime(milliseconds: number): string {
  return new Date(milliseconds).toISOString();
}
