/**
 * A task from being wanted to its result, over as many Jobs as it takes. Everything is read from the Jobs and pods that
 * are there, so that it goes on where another life of the operator left it.
 */
import { annotationNames, labelNames, type Resource } from '../api/names.ts';
import type { PodTemplate } from '../api/types.gen.ts';
import { type Job, keyOf, type Pod, pods as podsType } from '../runtime/index.ts';
import type { TaskInput, TaskPlan } from '../specs/task.ts';
import type { OperatorContext } from './context.ts';
import { deleteTask, keepPace, makeTask } from './ensure.ts';
import { explainDelay } from './explain-delay.ts';
import { type FailedTask, findJob, nextRetryAt, observeTask, retryOf, type TaskState } from './observe.ts';
import { hasStarted, type Note, terminationOf } from './pods.ts';

/** How long past its end a pod may still be there. */
const stuckMilliseconds = 60_000;

export interface TaskOrder {
  readonly resource: Resource;
  readonly verb: string;
  readonly attempt: string;
  readonly plan: () => TaskPlan | Promise<TaskPlan>;
  readonly podTemplates: readonly (PodTemplate | undefined)[];
  readonly shards?: TaskInput['shards'];
  readonly ttlSeconds?: number;
  /** No Job is made while true, and a running one is stopped. */
  readonly suspend?: boolean;
  /** Failures that are given up at once; all others are tried again. */
  readonly givesUpOn: (failure: FailedTask) => boolean;
}

/** Under way, or given up. */
export type Underway =
  | FailedTask
  /** Pods are to come or run. */
  | {
      readonly phase: 'working';
      readonly pods: readonly Pod[];
      readonly isRunning: boolean;
      /** Another Job gave up before. */
      readonly isRepeated: boolean;
      readonly problem?: Note;
      readonly lastFailure?: string;
    }
  | { readonly phase: 'suspended' }
  /** The last Job gave up; the next one comes at this time, in milliseconds since 1970. */
  | { readonly phase: 'pausing'; readonly until: number; readonly failure: FailedTask };

/** A task of one pod. */
export async function runTask(
  context: OperatorContext,
  order: TaskOrder,
  signal: AbortSignal,
): Promise<Extract<TaskState, { phase: 'done' }> | Underway> {
  const progress = await advance(context, order, signal);
  if (progress.phase === 'complete') throw new TypeError('a Job of shards gives no result');
  return progress;
}

/** A task of a pod for each shard, whose results are in the bucket. */
export async function runShards(
  context: OperatorContext,
  order: TaskOrder & Required<Pick<TaskOrder, 'shards'>>,
  signal: AbortSignal,
): Promise<Extract<TaskState, { phase: 'complete' }> | Underway> {
  const progress = await advance(context, order, signal);
  if (progress.phase === 'done') throw new TypeError('a Job without shards');
  return progress;
}

async function advance(
  context: OperatorContext,
  order: TaskOrder,
  signal: AbortSignal,
): Promise<Extract<TaskState, { phase: 'done' | 'complete' }> | Underway> {
  const job = jobOf(context, order);
  const state = observeTask(job, podsOf(context, job));
  if (state.phase === 'done' || state.phase === 'complete') return state;
  if (state.phase === 'failed') {
    if (order.givesUpOn(state)) return state;
    if (order.suspend) return { phase: 'suspended' };
    const until = nextRetryAt(state);
    if (context.clock.now() < until) return { phase: 'pausing', until, failure: state };
    await start(context, order, retryOf(state.job) + 1, signal);
    await deleteTask(context, state.job, signal);
    return { phase: 'working', pods: [], isRunning: false, isRepeated: true, lastFailure: state.message };
  }
  if (state.phase === 'absent') {
    if (order.suspend) return { phase: 'suspended' };
    await start(context, order, 0, signal);
    return { phase: 'working', pods: [], isRunning: false, isRepeated: false };
  }
  const { suspend = false, shards } = order;
  await keepPace(context, state.job, { suspend, ...(shards && { parallelism: shards.parallelism }) }, signal);
  if (suspend) return { phase: 'suspended' };
  const { pods, lastFailure } = state;
  await releaseStuckPods(context, pods, signal);
  const problem = await explainDelay(context, state, signal);
  return {
    phase: 'working',
    pods,
    isRunning: pods.some((pod) => hasStarted(pod) && terminationOf(pod) === undefined),
    isRepeated: retryOf(state.job) > 0,
    ...(problem && { problem }),
    ...(lastFailure !== undefined && { lastFailure }),
  };
}

/** On a node that is gone nobody ends a pod, and its Job waits for ever. The pod may still run: its twin does no harm. */
async function releaseStuckPods(
  { client, clock }: OperatorContext,
  pods: readonly Pod[],
  signal: AbortSignal,
): Promise<void> {
  for (const pod of pods) {
    const { deletionTimestamp, uid } = pod.metadata;
    // The time of deletion is that of the request and the grace period.
    if (deletionTimestamp === undefined || terminationOf(pod) !== undefined) continue;
    if (clock.now() - Date.parse(deletionTimestamp) < stuckMilliseconds) continue;
    const preconditions = uid === undefined ? {} : { preconditions: { uid } };
    await client.delete(podsType, keyOf(pod), { gracePeriodSeconds: 0, signal, ...preconditions });
  }
}

async function start(context: OperatorContext, order: TaskOrder, retry: number, signal: AbortSignal): Promise<Job> {
  const { resource, attempt, podTemplates, shards, ttlSeconds } = order;
  const plan = await order.plan();
  const extras = { ...(shards && { shards }), ...(ttlSeconds !== undefined && { ttlSeconds }) };
  const input = { resource, installation: context.config, plan, attempt, retry, podTemplates, ...extras };
  return await makeTask(context, input, signal);
}

/**
 * Jobs of earlier attempts go when something else is asked for: should the same be asked for again, an answer from
 * before would no longer be true.
 */
export async function deleteOtherAttempts(
  context: OperatorContext,
  { resource, verb, attempt }: Pick<TaskOrder, 'resource' | 'verb' | 'attempt'>,
  signal: AbortSignal,
): Promise<void> {
  for (const job of context.caches.jobs.store.byIndex('owner', resource.metadata.uid)) {
    const { labels, annotations, deletionTimestamp } = job.metadata;
    const isOther = labels?.[labelNames.verb] === verb && annotations?.[annotationNames.attempt] !== attempt;
    if (isOther && deletionTimestamp === undefined) await deleteTask(context, job, signal);
  }
}

/** The newest Job of the attempt, when there is one. */
export function jobOf(
  { caches }: OperatorContext,
  { resource, verb, attempt }: Pick<TaskOrder, 'resource' | 'verb' | 'attempt'>,
): Job | undefined {
  return findJob(caches.jobs.store.byIndex('owner', resource.metadata.uid), verb, attempt);
}

export function podsOf({ caches }: OperatorContext, job: Job | undefined): Pod[] {
  return job?.metadata.uid === undefined ? [] : caches.pods.store.byIndex('owner', job.metadata.uid);
}
