/** What happened, from the objects in the bucket alone: whoever asks, and however often, is told the same. */
import { mergeErrorClasses, zeroRecords } from '../contract/counts.ts';
import type { BatchOutcome, TableTotals } from '../contract/result.ts';
import type { Table, TableState } from '../table/table.ts';
import type { Dataset } from './dataset.ts';
import type { Decision, Landing, Plan, RunRequest } from './documents.ts';
import { batchDigest, rejectFolder, sha256 } from './names.ts';

/** So that a report fits a termination message whatever a name in it is like. */
const longestMessage = 1_000;

export function reportRun(dataset: Dataset, plan: Plan, decision: Decision, landing: Landing): BatchOutcome {
  return {
    batchID: plan.batch.id,
    run: plan.run,
    outcome: decision.outcome,
    reason: decision.reason,
    message: decision.message.slice(0, longestMessage),
    ...(landing.snapshotID === undefined ? {} : { snapshotID: landing.snapshotID }),
    records: decision.records,
    files: decision.files,
    bytes: decision.bytes,
    errors: mergeErrorClasses([decision.errors]),
    ...(decision.rejectFiles.length > 0
      ? { diagnostics: `${dataset.store.url}/${rejectFolder(batchDigest(plan.batch), plan.run)}` }
      : {}),
    plan: reportPlan(plan),
    completionTime: formatTime(landing.time),
  };
}

/** The batch was committed for another request: this one ingested nothing, and never will. */
export function reportRefused(committed: Plan, request: RunRequest, landing: Landing): BatchOutcome {
  return {
    batchID: committed.batch.id,
    run: committed.run,
    outcome: 'Failed',
    reason: 'AlreadyCommitted',
    message: `${committed.batch.id} was committed at ${formatTime(landing.time)} for another request (digest ${request.digest.slice(0, 12)} is not that of the committed one)`,
    records: zeroRecords(),
    files: { input: 0, skipped: 0, failed: 0, output: 0 },
    bytes: { input: 0, output: 0 },
    errors: [],
    plan: reportPlan(committed),
    completionTime: formatTime(landing.time),
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
  };
}

function formatTime(milliseconds: number): string {
  return new Date(milliseconds).toISOString();
}
