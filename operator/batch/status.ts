/** What becomes of a Batch's status: pure, so that the CLI writes the same. */
import { zeroRecords } from '../../ingestor/contract/counts.ts';
import type { TaskProgress } from '../../ingestor/contract/progress.ts';
import type { BatchOutcome, PlanResult, ShardResult } from '../../ingestor/contract/result.ts';
import { conditionTypes, hasFailed, isEnded, succeededCondition } from '../api/conditions.ts';
import { batchID, requestOf } from '../api/names.ts';
import { type Outlook, ownConditions } from '../api/outlook.ts';
import type { Batch, BatchStatus, Condition } from '../api/types.gen.ts';
import { setCondition, summarise } from '../runtime/conditions.ts';
import { attemptDigest } from '../specs/batch.ts';

/** What an attempt is opened for. */
export interface Attempt {
  readonly token: string;
  readonly digest: string;
}

/**
 * The attempt that the resource asks for and that was not opened yet: the first; after a failure one for a new value of
 * the request annotation, or for an edit. A request made during a run is seen here when the run has failed.
 */
export function wantedAttempt(batch: Batch): Attempt | undefined {
  const { attempts = 0, request, lastHandledRequest } = batch.status;
  const digest = attemptDigest(batch);
  const asked = requestOf(batch);
  if (attempts === 0) return { token: asked ?? '', digest };
  if (!hasFailed(batch)) return undefined;
  if (asked !== undefined && asked !== lastHandledRequest) return { token: asked, digest };
  if (digest !== request?.digest) return { token: `edit-${attempts + 1}-${batch.metadata.uid}`, digest };
  return undefined;
}

/** Nothing of the attempt before stays but the conditions. `now`: RFC 3339. */
export function openAttempt(batch: Batch, attempt: Attempt, now: string): BatchStatus {
  const { conditions, attempts = 0 } = batch.status;
  return {
    observedGeneration: batch.metadata.generation,
    ...handledRequest(batch),
    ...(conditions && { conditions }),
    batchID: batchID(batch).id,
    attempts: attempts + 1,
    request: { ...attempt },
    startTime: now,
  };
}

/** A request for a batch that was committed is answered by its outcome. */
export function answerRequest(batch: Batch): BatchStatus {
  return { ...batch.status, ...handledRequest(batch) };
}

function handledRequest(batch: Batch): Pick<BatchStatus, 'lastHandledRequest'> {
  const request = requestOf(batch) ?? batch.status.lastHandledRequest;
  return request === undefined ? {} : { lastHandledRequest: request };
}

export function planned(status: BatchStatus, { run, plan }: PlanResult): BatchStatus {
  return { ...status, run, plan };
}

/** What pods at work told, by shard; of a small batch the one pod is its shard. */
export interface ShardProgress {
  readonly report?: TaskProgress;
  readonly result?: ShardResult;
}

/** Numbers only rise: a pod that cannot be reached, or is gone, takes nothing back. */
export function progressed(status: BatchStatus, pods: readonly ShardProgress[], shards: number): BatchStatus {
  const records = zeroRecords();
  const bytes = { input: 0, output: 0 };
  let done = 0;
  for (const { report, result } of pods) {
    const told = result ?? report;
    if (told === undefined) continue;
    for (const key of ['read', 'ingested', 'failed', 'skipped', 'warnings'] as const) records[key] += told.records[key];
    for (const key of ['input', 'output'] as const) bytes[key] += told.bytes[key];
    done += result === undefined ? share(report) : 1;
  }
  const percent = Math.min(99, Math.floor((done / Math.max(1, shards)) * 100));
  const isFurther = records.read >= (status.records?.read ?? 0);
  return {
    ...status,
    ...(isFurther && records.read > 0 && { records, bytes }),
    progressPercent: Math.max(percent, status.progressPercent ?? 0),
  };
}

function share(report: TaskProgress | undefined): number {
  if (report?.totalInputBytes === undefined || report.totalInputBytes === 0) return 0;
  return Math.min(1, report.bytes.input / report.totalInputBytes);
}

/** The end, as the bucket tells it. */
export function ended(status: BatchStatus, outcome: BatchOutcome): BatchStatus {
  const { batchID, run, snapshotID, records, files, bytes, errors, diagnostics, plan, completionTime } = outcome;
  const { snapshotID: _, errors: __, diagnostics: ___, progressPercent: ____, ...kept } = status;
  return {
    ...kept,
    batchID,
    run,
    completionTime: wholeSeconds(completionTime),
    ...(outcome.outcome === 'Committed' && { progressPercent: 100 }),
    ...(snapshotID !== undefined && { snapshotID }),
    records,
    files,
    bytes,
    ...(errors.length > 0 && { errors }),
    ...(diagnostics !== undefined && { diagnostics: { location: diagnostics } }),
    plan,
  };
}

export function outlookOf({ outcome, reason, message }: BatchOutcome): Outlook {
  return { state: outcome === 'Committed' ? 'Ready' : 'Stalled', reason, message };
}

/** The end of an attempt that a pod refused to work on: nothing was read. */
export function refused(status: BatchStatus, now: string): BatchStatus {
  const { progressPercent: _, ...kept } = status;
  return { ...kept, completionTime: now };
}

/** Conditions by the table of docs/batch.md. Only an end is Stalled: before it, the operator goes on waiting. */
export function withOutlook(batch: Batch, status: BatchStatus, outlook: Outlook, now: string): BatchStatus {
  const { reason, message, state } = outlook;
  const { generation } = batch.metadata;
  const succeeded = ({ Ready: 'True', Stalled: 'False', Reconciling: 'Unknown', Waiting: 'Unknown' } as const)[state];
  const told = { reason, message, observedGeneration: generation };
  let conditions = ownConditions(status.conditions);
  conditions = setCondition(conditions, { type: conditionTypes.succeeded, status: succeeded, ...told }, now);
  conditions = summarise(conditions, { state, ...told }, now);
  return { ...status, observedGeneration: generation, conditions };
}

/** How an ended batch stands; undefined for one that has not ended. */
export function standingOf(batch: Batch): Outlook | undefined {
  const condition: Condition | undefined = succeededCondition(batch);
  if (condition === undefined || !isEnded(batch)) return undefined;
  const { status, reason, message } = condition;
  return { state: status === 'True' ? 'Ready' : 'Stalled', reason, message };
}

/** When an ended batch deletes itself, in milliseconds since 1970. */
export function expiryOf(batch: Batch): number | undefined {
  const { ttlSecondsAfterFinished } = batch.spec;
  const { completionTime } = batch.status;
  if (ttlSecondsAfterFinished === undefined || completionTime === undefined || !isEnded(batch)) return undefined;
  return Date.parse(completionTime) + ttlSecondsAfterFinished * 1_000;
}

/** As the API server keeps times. */
function wholeSeconds(time: string): string {
  return time.replace(/\.\d+Z$/, 'Z');
}
