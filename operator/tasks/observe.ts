/** How a task stands, from its Job and pods alone. A result counts as soon as a pod gave it; the Job may lag behind. */
import { exitCodes } from '../../ingestor/contract/errors.ts';
import type { FailedResult, Result } from '../../ingestor/contract/result.ts';
import { annotationNames, labelNames } from '../api/names.ts';
import type { Job, Pod } from '../runtime/core.ts';
import { type Termination, terminationOf } from './pods.ts';

export type TaskState =
  | { readonly phase: 'absent' }
  | WorkingTask
  | { readonly phase: 'done'; readonly job: Job; readonly result: SuccessfulResult }
  /** All shards ended well. */
  | { readonly phase: 'complete'; readonly job: Job }
  | FailedTask;

export type SuccessfulResult = Exclude<Result, FailedResult>;

export interface WorkingTask {
  readonly phase: 'working';
  readonly job: Job;
  readonly pods: readonly Pod[];
  /** What happened to the last pod that failed: another takes its place. */
  readonly lastFailure?: string;
}

/** The Job gave up. */
export interface FailedTask {
  readonly phase: 'failed';
  readonly job: Job;
  /**
   * `permanent`: the pod said that trying again cannot help. `retryable`: it said that it may. `crashed`: it died
   * before it could say why. `lost`: nothing is left to be read.
   */
  readonly kind: 'permanent' | 'retryable' | 'crashed' | 'lost';
  readonly code: string;
  readonly message: string;
  /** Milliseconds since 1970. */
  readonly endedAt: number;
}

/** Of the Jobs of a resource the newest for this attempt. */
export function findJob(jobs: readonly Job[], verb: string, attempt: string): Job | undefined {
  return jobs
    .filter(
      ({ metadata }) =>
        metadata.labels?.[labelNames.verb] === verb &&
        metadata.annotations?.[annotationNames.attempt] === attempt &&
        metadata.deletionTimestamp === undefined,
    )
    .sort((a, b) => retryOf(b) - retryOf(a))[0];
}

/** Jobs of the attempt that came before this one. */
export function retryOf(job: Job): number {
  return Number(job.metadata.annotations?.[annotationNames.retry] ?? 0);
}

export function observeTask(job: Job | undefined, pods: readonly Pod[]): TaskState {
  if (job === undefined) return { phase: 'absent' };
  const ends = pods.flatMap((pod) => {
    const end = terminationOf(pod);
    return end === undefined ? [] : [{ pod, ...end }];
  });
  const isIndexed = job.spec?.completionMode === 'Indexed';
  const result = isIndexed ? undefined : findResult(ends);
  if (result !== undefined) return { phase: 'done', job, result };
  if (hasCondition(job, 'Complete') || hasCondition(job, 'SuccessCriteriaMet')) {
    return isIndexed ? { phase: 'complete', job } : failed(job, 'lost', 'the pod is gone, and its result with it');
  }
  if (hasCondition(job, 'Failed')) return explainFailure(job, ends);
  const failures = ends.filter(({ exitCode }) => exitCode !== exitCodes.done);
  const lastFailure = newest(failures)?.description;
  return { phase: 'working', job, pods, ...(lastFailure !== undefined && { lastFailure }) };
}

interface End extends Termination {
  readonly pod: Pod;
}

function findResult(ends: readonly End[]): SuccessfulResult | undefined {
  for (const { exitCode, result } of ends) {
    if (exitCode === exitCodes.done && result !== undefined && !('error' in result)) return result;
  }
  return undefined;
}

function explainFailure(job: Job, ends: readonly End[]): FailedTask {
  const refusal = ends.find(({ exitCode }) => exitCode === exitCodes.permanent);
  const last = refusal ?? newest(ofFailedIndexes(job, ends));
  if (last === undefined) return failed(job, 'lost', 'the pods are gone, and with them why they failed');
  const error = last.result !== undefined && 'error' in last.result ? last.result.error : undefined;
  if (refusal !== undefined && error !== undefined)
    return { ...failed(job, 'permanent', error.message), code: error.code };
  if (last.exitCode === exitCodes.retryable) {
    return { ...failed(job, 'retryable', error?.message ?? last.description), code: error?.code ?? 'Retrying' };
  }
  return { ...failed(job, 'crashed', last.description), code: 'JobFailed' };
}

/** Of an Indexed Job the pods of the shards that failed it: others were stopped because of them. */
function ofFailedIndexes(job: Job, ends: readonly End[]): readonly End[] {
  const failedIndexes = job.status?.failedIndexes;
  const failures = ends.filter(({ exitCode }) => exitCode !== exitCodes.done);
  if (failedIndexes === undefined || failedIndexes === '') return failures;
  const ranges = failedIndexes.split(',').map((range) => range.split('-').map(Number));
  return failures.filter(({ pod }) => {
    const index = indexOf(pod);
    return ranges.some(([first = 0, last = first]) => index >= first && index <= last);
  });
}

/** The shard of a pod; -1 for a pod of another task. */
export function indexOf(pod: Pod): number {
  return Number(pod.metadata.annotations?.['batch.kubernetes.io/job-completion-index'] ?? -1);
}

function newest<T extends { readonly finishedAt: number }>(ends: readonly T[]): T | undefined {
  return [...ends].sort((a, b) => b.finishedAt - a.finishedAt)[0];
}

function failed(job: Job, kind: FailedTask['kind'], message: string): FailedTask {
  const condition = job.status?.conditions?.find(({ type, status }) => isEnd(type) && status === 'True');
  return {
    phase: 'failed',
    job,
    kind,
    code: 'JobFailed',
    message,
    endedAt: Date.parse(condition?.lastTransitionTime ?? ''),
  };
}

function isEnd(type: string): boolean {
  return type === 'Failed' || type === 'Complete' || type === 'SuccessCriteriaMet';
}

function hasCondition(job: Job, wanted: string): boolean {
  return job.status?.conditions?.some(({ type, status }) => type === wanted && status === 'True') ?? false;
}

const firstPauseSeconds = 30;
const longestPauseSeconds = 15 * 60;

/**
 * When the next Job of the attempt is due, in milliseconds since 1970: 30 s, 1 min, 2 min, ... 15 min after the end; at
 * once the first time that only the answer is missing.
 */
export function nextRetryAt({ job, kind, endedAt }: FailedTask): number {
  const pauses = retryOf(job) - (kind === 'lost' ? 1 : 0);
  const seconds = pauses < 0 ? 0 : Math.min(firstPauseSeconds * 2 ** pauses, longestPauseSeconds);
  return endedAt + seconds * 1_000;
}
