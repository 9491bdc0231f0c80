/** What becomes of a Dataset's status: pure, so that the CLI writes the same. */
import type { MaintainResult, PrepareResult, TableTotals } from '../../ingestor/contract/result.ts';
import { conditionTypes, isEnded } from '../api/conditions.ts';
import { requestOf } from '../api/names.ts';
import { type Outlook, ownConditions } from '../api/outlook.ts';
import type { Batch, BatchMention, Dataset, DatasetStatus } from '../api/types.gen.ts';
import { findCondition, isTrue, summarise } from '../runtime/conditions.ts';

/** `digest`: of what was asked for, whether it was taken or refused. */
export function prepared(dataset: Dataset, result: PrepareResult, digest: string): DatasetStatus {
  const request = requestOf(dataset) ?? dataset.status.lastHandledRequest;
  return {
    ...withTotals(dataset.status, result.table),
    ...(request !== undefined && { lastHandledRequest: request }),
    schema: result.schema,
    preparedDigest: digest,
  };
}

export function preparedOutlook({ refused, table }: Pick<PrepareResult, 'refused' | 'table'>): Outlook {
  if (refused === undefined) {
    return { state: 'Ready', reason: 'Prepared', message: `the table is at ${table.location}` };
  }
  return keptSchema(refused.code, refused.message);
}

/** The change is refused, but records can be ingested: Ready stays True for the schema in force. */
export function keptSchema(reason: string, message: string): Outlook {
  const kept = reason === 'PartitionFieldInvalid' ? 'the table stays as it is' : 'the earlier schema stays in force';
  return { state: 'Stalled', ready: 'True', reason, message: `${message}; ${kept}` };
}

export function maintained(status: DatasetStatus, { table }: MaintainResult): DatasetStatus {
  return withTotals(status, table);
}

/** Running totals of the bucket: the newest version counts, whoever told of it and in which order. */
export function withTotals(status: DatasetStatus, totals: TableTotals | undefined): DatasetStatus {
  if (totals === undefined || isOlder(totals, status)) return status;
  const { ingested, failed, batches, lastBatch, lastFailedBatch, ...table } = totals;
  return {
    ...status,
    table,
    records: { ingested, failed },
    batches: { ...status.batches, ...batches },
    ...(lastBatch && { lastBatch: mention(lastBatch) }),
    ...(lastFailedBatch && { lastFailedBatch: mention(lastFailedBatch) }),
  };
}

/** As the API server keeps times. */
function mention({ id, time }: NonNullable<TableTotals['lastBatch']>): BatchMention {
  return { batchID: id, time: time.replace(/\.\d+Z$/, 'Z') };
}

function isOlder(totals: TableTotals, { table }: DatasetStatus): boolean {
  return table !== undefined && table.location === totals.location && totals.sequence < (table.sequence ?? 0);
}

/** What the Batches there are tell: how many are under way. */
export function withBatches(status: DatasetStatus, batches: readonly Batch[]): DatasetStatus {
  const running = batches.filter((batch) => !isEnded(batch)).length;
  return { ...status, batches: { ...status.batches, running } };
}

/** How the Dataset stood before, for a reconcile that found nothing new to say. */
export function standingOf({ status }: Dataset): Outlook | undefined {
  const ready = findCondition(ownConditions(status.conditions), conditionTypes.ready);
  if (ready === undefined) return undefined;
  const { reason, message } = ready;
  const is = (type: string) => isTrue(ownConditions(status.conditions), type);
  if (is(conditionTypes.stalled)) return { state: 'Stalled', ready: ready.status, reason, message };
  if (is(conditionTypes.reconciling)) return { state: 'Reconciling', ready: ready.status, reason, message };
  return { state: ready.status === 'True' ? 'Ready' : 'Waiting', reason, message };
}

export function withOutlook(dataset: Dataset, status: DatasetStatus, outlook: Outlook, now: string): DatasetStatus {
  const { state, reason, message, ready } = outlook;
  const observedGeneration = dataset.metadata.generation;
  const summary = { state, reason, message, observedGeneration, ...(ready !== undefined && { ready }) };
  return { ...status, observedGeneration, conditions: summarise(ownConditions(status.conditions), summary, now) };
}
