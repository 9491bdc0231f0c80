/** What becomes of a Batch's status: pure, so that the CLI writes the same. */
import { zeroRecords } from '../../ingestor/contract/counts.ts';
import type { TaskProgress } from '../../ingestor/contract/progress.ts';
import type { BatchOutcome, PlanResult, ShardResult } from '../../ingestor/contract/result.ts';
import { conditionTypes, endedWithoutRows, isEnded, succeededCondition } from '../api/conditions.ts';
import { annotationNames, batchID, requestOf } from '../api/names.ts';
import { type Outlook, ownConditions } from '../api/outlook.ts';
import type { Batch, BatchSpec, BatchStatus } from '../api/types.gen.ts';
import { isTrue, setCondition, summarise } from '../runtime/conditions.ts';
import { attemptDigest } from '../specs/batch.ts';

/** What an attempt is opened for. */
export interface Attempt {
  readonly token: string;
  readonly digest: string;
}

/** How a batch ended, in the words of the bucket: True when its rows are in the table. */
export interface End {
  readonly status: 'True' | 'False';
  readonly reason: string;
  readonly message: string;
}

export interface BatchOutlook extends Outlook {
  /** Of the condition Succeeded, when it is not what the state says: of a batch that ended, whatever is done with it now. */
  readonly succeeded?: End;
}

export function desiredStateOf({ spec }: Batch): NonNullable<BatchSpec['desiredState']> {
  return spec.desiredState ?? 'Active';
}

/**
 * The attempt that the resource asks for and that was not opened yet: the first; after an end without rows one for a new
 * value of the request annotation, or for an edit. A request made during a run is seen here when the run has failed.
 */
export function wantedAttempt(batch: Batch): Attempt | undefined {
  const { attempts = 0, request, lastHandledRequest } = batch.status;
  const digest = attemptDigest(batch);
  const asked = requestOf(batch);
  if (attempts === 0) return { token: asked ?? '', digest };
  if (!endedWithoutRows(batch) || desiredStateOf(batch) !== 'Active') return undefined;
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

/** A request for a batch that was committed, or that is to stay out, is answered by how it stands. */
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

/** Of a committed batch another reason says why its rows could not be taken out again: it stays what it is. */
export function endOf({ outcome, reason, message }: BatchOutcome): End {
  return outcome === 'Committed' ? { status: 'True', reason: 'Active', message } : { status: 'False', reason, message };
}

/** Ends without rows that nobody need mend: asked for, by this batch or by one that replaces it. */
const wantedEnds = ['Validated', 'Replaced'];

/** How a batch stands that ended so, by what is asked of it now. */
export function outlookAtEnd(batch: Batch, end: End): BatchOutlook {
  const { reason, message } = end;
  const told = { succeeded: end, reason, message };
  const isActiveWanted = desiredStateOf(batch) === 'Active';
  if (end.status === 'True') {
    const late = 'it was committed before it could be stopped; desiredState Reverted takes its rows out';
    return { ...told, state: 'Ready', ...(!isActiveWanted && { message: `${message}; ${late}` }) };
  }
  if (!isActiveWanted || wantedEnds.includes(reason)) return { ...told, state: 'Ready' };
  if (reason !== 'Aborted' && reason !== 'Reverted') return { ...told, state: 'Stalled' };
  const cure = `that is final; set the annotation ${annotationNames.requestedAt} to a new value to ingest it after all`;
  return { ...told, state: 'Stalled', message: `${message}; ${cure}` };
}

/**
 * True while rows may be in the table that desiredState wants out. A batch that failed may have been committed by
 * another life of it; one whose revert was refused stays as it is.
 */
export function isToBeReverted(batch: Batch): boolean {
  const end = succeededEnd(batch);
  if (end === undefined || desiredStateOf(batch) !== 'Reverted') return false;
  const conditions = ownConditions(batch.status.conditions);
  if (end.status === 'True') return !isTrue(conditions, conditionTypes.stalled);
  if (neverIn.includes(end.reason)) return false;
  return !isTrue(conditions, conditionTypes.ready);
}

/** Nothing of the request is in the table, for sure. Rows of another request of the same ID are not this batch's. */
const neverIn = ['Reverted', 'Replaced', 'Aborted', 'Validated', 'AlreadyCommitted'];

/**
 * How a batch stands after it was stopped or reverted, as asked. Where the table does not let the rows go, nothing was
 * changed. `before`: how the batch had ended.
 */
export function outlookAfterStop(batch: Batch, before: End | undefined, outcome: BatchOutcome): BatchOutlook {
  const end = endOf(outcome);
  if (end.status === 'False' || desiredStateOf(batch) === 'Aborted') return outlookAtEnd(batch, end);
  const succeeded = before?.status === 'True' ? before : end;
  return { state: 'Stalled', reason: outcome.reason, message: `the rows stay in: ${end.message}`, succeeded };
}

/** The end of an attempt that a pod refused to work on: nothing was read. */
export function refused(status: BatchStatus, now: string): BatchStatus {
  const { progressPercent: _, ...kept } = status;
  return { ...kept, completionTime: now };
}

/** Conditions by the table of docs/batch.md. Only an end is Stalled: before it, the operator goes on waiting. */
export function withOutlook(batch: Batch, status: BatchStatus, outlook: BatchOutlook, now: string): BatchStatus {
  const { reason, message, state } = outlook;
  const { generation: observedGeneration } = batch.metadata;
  const byState = ({ Ready: 'True', Stalled: 'False', Reconciling: 'Unknown', Waiting: 'Unknown' } as const)[state];
  const { succeeded = { status: byState, reason, message } } = outlook;
  let conditions = ownConditions(status.conditions);
  conditions = setCondition(conditions, { type: conditionTypes.succeeded, ...succeeded, observedGeneration }, now);
  conditions = summarise(conditions, { state, reason, message, observedGeneration }, now);
  return { ...status, observedGeneration, conditions };
}

/** How the batch ended; undefined for one that has not. */
export function succeededEnd(batch: Batch): End | undefined {
  const condition = succeededCondition(batch);
  if (condition === undefined || !isEnded(batch)) return undefined;
  const { status, reason, message } = condition;
  return { status: status === 'True' ? 'True' : 'False', reason, message };
}

/** How an ended batch stands; undefined for one that has not ended, or that is not done with. */
export function standingOf(batch: Batch): BatchOutlook | undefined {
  const end = succeededEnd(batch);
  if (end === undefined || isToBeReverted(batch)) return undefined;
  const ready = batch.status.conditions?.find(({ type }) => type === conditionTypes.ready);
  const isRefused = end.status === 'True' && isTrue(ownConditions(batch.status.conditions), conditionTypes.stalled);
  if (isRefused && ready !== undefined && desiredStateOf(batch) === 'Reverted') {
    return { state: 'Stalled', reason: ready.reason, message: ready.message, succeeded: end };
  }
  return outlookAtEnd(batch, end);
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
