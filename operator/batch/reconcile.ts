/**
 * A Batch from its resource to its outcome: plan, shards, finish. A small batch is planned, read and finished by one
 * pod. The operator decides nothing: an outcome comes from the bucket, by the result of a task.
 */
import { parseDocument } from '../../ingestor/contract/documents.ts';
import type { BatchOutcome, TableTotals } from '../../ingestor/contract/result.ts';
import { type BatchInput, Task } from '../../ingestor/contract/task.ts';
import { hasSchemaInForce, isEnded } from '../api/conditions.ts';
import { annotationNames, labelNames } from '../api/names.ts';
import { type Outlook, requeue } from '../api/outlook.ts';
import { batches } from '../api/resources.ts';
import type { Batch, Dataset, SourceConnection } from '../api/types.gen.ts';
import {
  configMaps,
  type Job,
  keyOf,
  keyString,
  type Pod,
  type Reconcile,
  type ReconcileResult,
  timestamp,
} from '../runtime/index.ts';
import { attemptDigest, finishTask, planTask, type ResolvedInput, resolveInput, shardTask } from '../specs/batch.ts';
import { type DatasetPlace, datasetPlace } from '../specs/dataset.ts';
import { taskKey } from '../specs/pod.ts';
import type { OperatorContext } from '../tasks/context.ts';
import { deleteTask } from '../tasks/ensure.ts';
import { type FailedTask, indexOf } from '../tasks/observe.ts';
import { asObstacle } from '../tasks/obstacle.ts';
import { terminationOf } from '../tasks/pods.ts';
import { reconciler } from '../tasks/reconciler.ts';
import { jobOf, runShards, runTask, type TaskOrder, type Underway } from '../tasks/run-task.ts';
import { writeStatus } from '../tasks/write-status.ts';
import { isReplacedBy } from './replacement.ts';
import {
  answerRequest,
  type BatchOutlook,
  desiredStateOf,
  type End,
  ended,
  endOf,
  expiryOf,
  openAttempt,
  outlookAfterStop,
  outlookAtEnd,
  planned,
  progressed,
  refused,
  type ShardProgress,
  standingOf,
  succeededEnd,
  wantedAttempt,
  withOutlook,
} from './status.ts';

/** Each returns how the batch stands, or nothing when the next step is to be taken. */
const steps: readonly Step[] = [
  restAtEnd,
  openNextAttempt,
  findDataset,
  lookAgainIfReplaced,
  stopAsAsked,
  findConnection,
  plan,
  readShards,
  finish,
];

type Step = (work: Work) => Promise<BatchOutlook | undefined>;

interface Work {
  readonly context: OperatorContext;
  readonly signal: AbortSignal;
  /** As the API server has it. */
  stored: Batch;
  /** The same, with the status as the steps make it. */
  batch: Batch;
  dataset?: Dataset;
  connection?: SourceConnection;
  /** Of a batch that ended and is worked on once more: its rows are to be taken out, or were replaced. */
  end?: End;
  /** Why the attempt is given up; `finish` makes it so. */
  abort?: { readonly reason: string; readonly message: string };
}

export function reconcileBatch(context: OperatorContext): Reconcile {
  return reconciler(context, {
    resources: context.caches.batches,
    reconcile: async (batch, { signal }) => {
      const work: Work = { context, signal, stored: batch, batch };
      return await conclude(work, await takeSteps(work));
    },
  });
}

async function takeSteps(work: Work): Promise<BatchOutlook> {
  try {
    for (const step of steps) {
      const outlook = await step(work);
      if (outlook !== undefined) return outlook;
    }
    throw new Error('no step told how the batch stands');
  } catch (error) {
    const obstacle = asObstacle(error);
    if (obstacle === undefined) throw error;
    return { ...waitFor(obstacle.reason, obstacle.message), requeueAfterSeconds: 30 };
  }
}

async function conclude(work: Work, outlook: BatchOutlook): Promise<ReconcileResult> {
  const { context, signal, stored, batch, end } = work;
  const status = withOutlook(batch, batch.status, { ...(end && { succeeded: end }), ...outlook }, now(context));
  await writeStatus(context, batches, stored, status, outlook, signal);
  return requeue(outlook);
}

/** An ended batch waits for a request, an edit, another state, or the time to go. */
async function restAtEnd(work: Work): Promise<BatchOutlook | undefined> {
  const { context, signal, batch } = work;
  const standing = standingOf(batch);
  const isAskedAgain = wantedAttempt(batch) !== undefined && !batch.spec.suspend;
  if (isAskedAgain) return undefined;
  work.end = succeededEnd(batch);
  if (standing === undefined || isReplaced(work)) return undefined;
  if (standing.state === 'Ready') work.batch = { ...batch, status: answerRequest(batch) };
  const expiry = expiryOf(batch);
  if (expiry === undefined) return standing;
  const seconds = (expiry - context.clock.now()) / 1_000;
  if (seconds <= 0) await context.client.delete(batches, keyOf(batch), { signal });
  return { ...standing, requeueAfterSeconds: Math.ceil(seconds) };
}

/**
 * The first attempt may start at once: what it reads is immutable. A later one is written down first, which makes an
 * edited spec immutable again; what the API server then holds is what is attempted.
 */
async function openNextAttempt(work: Work): Promise<undefined> {
  const { context, signal } = work;
  const attempt = wantedAttempt(work.batch);
  if (attempt === undefined) return followEdit(work);
  const opened = openAttempt(work.batch, attempt, now(context));
  const { attempts = 1 } = opened;
  if (attempts === 1) {
    work.batch = { ...work.batch, status: opened };
    return;
  }
  for (const job of jobsOf(work)) if (attemptOf(job) < attempts) await deleteTask(context, job, signal);
  const outlook = working('Queued', `attempt ${attempts} is to be planned`);
  const status = withOutlook(work.batch, opened, outlook, now(context));
  work.stored = await writeStatus(context, batches, work.stored, status, outlook, signal);
  work.batch = work.stored;
  return followEdit(work);
}

/** An edit that came just before the attempt was opened is part of it, as long as no pod was told anything else. */
function followEdit(work: Work): undefined {
  const { batch } = work;
  const digest = attemptDigest(batch);
  const { request } = batch.status;
  if (isEnded(batch) || request?.digest === digest || jobsOf(work).length > 0) return;
  work.batch = { ...batch, status: { ...batch.status, request: { ...request, digest } } };
}

async function findDataset(work: Work): Promise<BatchOutlook | undefined> {
  const { namespace } = work.batch.metadata;
  const { name } = work.batch.spec.datasetRef;
  const dataset = work.context.caches.datasets.store.get({ namespace, name });
  if (dataset === undefined || dataset.metadata.deletionTimestamp !== undefined) {
    return waitFor('DatasetNotFound', `Dataset ${name} does not exist`);
  }
  if (!hasSchemaInForce(dataset)) {
    return working('DatasetNotReady', `Dataset ${name} has no schema in force yet`);
  }
  work.dataset = dataset;
  return undefined;
}

/** Rows that another batch replaced are out of the table: the bucket tells how the batch stands now. */
async function lookAgainIfReplaced(work: Work): Promise<BatchOutlook | undefined> {
  if (!isReplaced(work)) return undefined;
  const { batch } = work;
  const order = orderOf(work, 'finish', (place) => finishTask(place, batch, batch.status.run ?? 1, undefined));
  const attempt = `${order.attempt}-replaced`;
  const progress = await runTask(work.context, { ...order, attempt, suspend: false, givesUpOn: never }, work.signal);
  if (progress.phase !== 'done') {
    const { requeueAfterSeconds = 30 } = standWhile(work, progress, 'Reverting');
    return { ...outlookAtEnd(batch, requireEnd(work)), requeueAfterSeconds };
  }
  if (progress.result.verb !== 'finish') throw new Error(`a finish task answered as ${progress.result.verb}`);
  return end(work, progress.result.batch, progress.result.table);
}

/** By the Batches that are there. */
function isReplaced({ context, batch, end }: Work): boolean {
  if (end?.status !== 'True' || desiredStateOf(batch) === 'Reverted') return false;
  const dataset = { namespace: batch.metadata.namespace, name: batch.spec.datasetRef.name };
  const others = context.caches.batches.store.byIndex('dataset', keyString(dataset));
  return others.some((other) => isReplacedBy(batch, other));
}

/**
 * desiredState Aborted or Reverted: pods that plan and read are stopped, and `finish` ends the run in the bucket, which
 * knows whether it came too late. As long as it takes: nobody else would do it.
 */
async function stopAsAsked(work: Work): Promise<BatchOutlook | undefined> {
  const { context, batch, signal } = work;
  const wanted = desiredStateOf(batch);
  if (wanted === 'Active') return undefined;
  for (const job of jobsOf(work)) if (isReading(job)) await deleteTask(context, job, signal);
  const revert = wanted === 'Reverted';
  const token = batch.status.request?.token ?? '';
  const abort = { reason: 'Aborted', message: 'stopped as asked', token, revert };
  const order = orderOf(work, 'finish', (place) => finishTask(place, batch, batch.status.run ?? 1, abort));
  const attempt = `${order.attempt}-${wanted.toLowerCase()}`;
  const progress = await runTask(context, { ...order, attempt, suspend: false, givesUpOn: never }, signal);
  if (progress.phase !== 'done') return standWhile(work, progress, revert ? 'Reverting' : 'Aborting');
  if (progress.result.verb !== 'finish') throw new Error(`a finish task answered as ${progress.result.verb}`);
  const { batch: outcome, table } = progress.result;
  const { requeueAfterSeconds } = end(work, outcome, table);
  work.batch = { ...work.batch, status: answerRequest(work.batch) };
  const outlook = outlookAfterStop(batch, work.end, outcome);
  return { ...outlook, ...(requeueAfterSeconds !== undefined && { requeueAfterSeconds }) };
}

function isReading({ metadata }: Job): boolean {
  const verb = metadata.labels?.[labelNames.verb];
  return (verb === 'plan' || verb === 'shard') && metadata.deletionTimestamp === undefined;
}

function requireEnd({ end }: Work): End {
  if (end === undefined) throw new TypeError('the batch has not ended');
  return end;
}

const never = () => false;

async function findConnection(work: Work): Promise<BatchOutlook | undefined> {
  const name = work.batch.spec.input?.connection?.name;
  if (name === undefined) return undefined;
  const { namespace } = work.batch.metadata;
  const connection = work.context.caches.connections.store.get({ namespace, name });
  if (connection === undefined) return waitFor('ConnectionNotFound', `SourceConnection ${name} does not exist`);
  work.connection = connection;
  return undefined;
}

async function plan(work: Work): Promise<BatchOutlook | undefined> {
  const { batch } = work;
  if (batch.status.plan !== undefined) return undefined;
  const token = batch.status.request?.token ?? '';
  const order = orderOf(work, 'plan', (place) => planTask(place, batch, resolved(work), token));
  const progress = await runTask(work.context, order, work.signal);
  if (progress.phase === 'failed') return giveUp(work, progress);
  if (progress.phase !== 'done') return standAt(work, progress, 'plan');
  if (progress.result.verb !== 'plan') throw new Error(`a plan task answered as ${progress.result.verb}`);
  const { result } = progress;
  work.batch = { ...batch, status: planned(batch.status, result) };
  return result.batch === undefined ? undefined : end(work, result.batch, result.table);
}

async function readShards(work: Work): Promise<BatchOutlook | undefined> {
  const { batch, abort } = work;
  if (abort !== undefined) return undefined;
  const count = batch.status.plan?.shards ?? 0;
  const run = batch.status.run ?? 1;
  const order = {
    ...orderOf(work, 'shard', async (place) => shardTask(place, batch, run, await plannedInput(work), resolved(work))),
    shards: { count, parallelism: batch.spec.parallelism },
  };
  const progress = await runShards(work.context, order, work.signal);
  if (progress.phase === 'failed') {
    work.abort = { reason: progress.code, message: progress.message };
    return undefined;
  }
  return progress.phase === 'complete' ? undefined : standAt(work, progress, 'shard');
}

async function finish(work: Work): Promise<BatchOutlook | undefined> {
  const { batch, abort } = work;
  const token = batch.status.request?.token ?? '';
  const run = batch.status.run ?? 1;
  const order = orderOf(work, 'finish', (place) => finishTask(place, batch, run, abort && { ...abort, token }));
  const attempt = abort === undefined ? order.attempt : `${order.attempt}-abort`;
  // Nobody else can tell how the batch ended: a finish that crashed is tried again, however often.
  const givesUpOn = ({ kind }: FailedTask) => kind === 'permanent';
  const progress = await runTask(work.context, { ...order, attempt, givesUpOn }, work.signal);
  if (progress.phase === 'failed') return endRefused(work, progress);
  if (progress.phase !== 'done') return standAt(work, progress, 'finish');
  if (progress.result.verb !== 'finish') throw new Error(`a finish task answered as ${progress.result.verb}`);
  return end(work, progress.result.batch, progress.result.table);
}

/** A pod that said why has the last word. Of one that died the bucket knows how far it came: `finish` tells. */
function giveUp(work: Work, failure: FailedTask): Outlook | undefined {
  if (failure.kind === 'permanent') return endRefused(work, failure);
  work.abort = { reason: 'JobFailed', message: failure.message };
  return undefined;
}

function endRefused(work: Work, { code, message }: FailedTask): BatchOutlook {
  work.batch = { ...work.batch, status: refused(work.batch.status, now(work.context)) };
  return outlookAtEnd(work.batch, { status: 'False', reason: code, message });
}

function end(work: Work, outcome: BatchOutcome, table: TableTotals | undefined): BatchOutlook {
  const { context, batch, dataset } = work;
  if (dataset !== undefined && table !== undefined) context.totals.offer(keyOf(dataset), table);
  work.batch = { ...batch, status: ended(batch.status, outcome) };
  const { ttlSecondsAfterFinished: seconds } = batch.spec;
  return { ...outlookAtEnd(batch, endOf(outcome)), ...(seconds !== undefined && { requeueAfterSeconds: seconds }) };
}

function orderOf(
  work: Work,
  verb: string,
  makePlan: (place: DatasetPlace) => ReturnType<TaskOrder['plan']>,
): TaskOrder {
  const { batch, dataset, context } = work;
  if (dataset === undefined) throw new TypeError('the dataset is looked for first');
  return {
    resource: batch,
    verb,
    attempt: String(batch.status.attempts ?? 1),
    plan: () => makePlan(datasetPlace(dataset, context.config.installation)),
    podTemplates: [dataset.spec.podTemplate, batch.spec.podTemplate],
    suspend: batch.spec.suspend,
    givesUpOn: ({ kind }) => kind === 'permanent' || kind === 'crashed',
  };
}

function resolved({ batch, connection }: Work): ResolvedInput {
  return resolveInput(batch, connection);
}

/**
 * As the plan was made, and shards before: a connection may have been edited since, and its files would be looked for
 * elsewhere. What is gone with its Job is made anew.
 */
async function plannedInput(work: Work): Promise<BatchInput | undefined> {
  const { context, batch, signal } = work;
  const attempt = String(batch.status.attempts ?? 1);
  for (const verb of ['shard', 'plan']) {
    const job = jobOf(context, { resource: batch, verb, attempt });
    const told = job && (await context.client.find(configMaps, keyOf(job), { signal }));
    const text = told?.data?.[taskKey];
    if (text === undefined) continue;
    const task = parseDocument(Task, text, `the task of ${job?.metadata.name}`, 'InvalidTask');
    if (task.verb === 'plan' && task.request.input !== undefined) return task.request.input;
    if (task.verb === 'shard' && task.input !== undefined) return task.input;
  }
  return resolved(work).input;
}

/** How a batch stands whose task is under way. */
function standAt(work: Work, progress: Exclude<Underway, FailedTask>, verb: string): Outlook {
  const { context, batch } = work;
  if (progress.phase === 'suspended') {
    return { state: 'Waiting', reason: 'Suspended', message: 'suspended as asked; what is finished is kept' };
  }
  if (progress.phase === 'pausing') {
    const seconds = Math.ceil((progress.until - context.clock.now()) / 1_000);
    const message = `${progress.failure.message}; the next try is at ${timestamp(progress.until)}`;
    return { ...waitFor('Retrying', message), requeueAfterSeconds: seconds };
  }
  const requeueAfterSeconds = context.config.progressSeconds;
  const { problem, lastFailure, isRunning, pods } = progress;
  if (verb !== 'finish') {
    const shards = verb === 'shard' ? (batch.status.plan?.shards ?? 1) : 1;
    work.batch = {
      ...batch,
      status: progressed(
        batch.status,
        pods.map((pod) => shardProgress(context, pod)),
        shards,
      ),
    };
  }
  const failure = lastFailure === undefined ? '' : `; a pod is replaced: ${lastFailure}`;
  if (problem !== undefined) return { ...waitFor(problem.reason, `${problem.message}${failure}`), requeueAfterSeconds };
  const reason = isRunning ? phaseOf(context, pods, verb) : 'Queued';
  return { ...working(reason, `${phaseMessages[reason]}${failure}`), isProblem: failure !== '', requeueAfterSeconds };
}

/** How a batch stands that is being stopped or reverted. */
function standWhile({ context }: Work, progress: Underway, reason: 'Aborting' | 'Reverting'): BatchOutlook {
  if (progress.phase === 'pausing') {
    const { code, message } = progress.failure;
    const seconds = Math.ceil((progress.until - context.clock.now()) / 1_000);
    const next = `the next try is at ${timestamp(progress.until)}`;
    return { ...waitFor(code, `${message}; ${next}`), requeueAfterSeconds: seconds };
  }
  const requeueAfterSeconds = context.config.progressSeconds;
  if (progress.phase !== 'working') return { ...working(reason, stopMessages[reason]), requeueAfterSeconds };
  const { problem, lastFailure } = progress;
  const failure = lastFailure === undefined ? '' : `; a pod is replaced: ${lastFailure}`;
  if (problem !== undefined) return { ...waitFor(problem.reason, `${problem.message}${failure}`), requeueAfterSeconds };
  return { ...working(reason, `${stopMessages[reason]}${failure}`), isProblem: failure !== '', requeueAfterSeconds };
}

const stopMessages = {
  Aborting: 'it is stopped as asked',
  Reverting: 'its rows are taken out of the table',
} as const;

const phaseMessages = {
  Queued: 'waiting for the next pod to start',
  Planning: 'the files are listed and the plan is made',
  Running: 'the files are read',
  Committing: 'the records are committed',
} as const;

/** Of a small batch the one pod tells; where it cannot be reached, it is planning. */
function phaseOf(context: OperatorContext, pods: readonly Pod[], verb: string): keyof typeof phaseMessages {
  if (verb === 'shard') return 'Running';
  if (verb === 'finish') return 'Committing';
  for (const pod of pods) {
    const report = context.progress.of(pod)?.report;
    if (report !== undefined && 'phase' in report && report.phase in phaseMessages) {
      if (report.phase === 'Running' || report.phase === 'Committing') return report.phase;
    }
  }
  return 'Planning';
}

/** Of a pod that failed nothing counts: another reads its shard again. */
function shardProgress({ progress }: OperatorContext, pod: Pod): ShardProgress {
  const end = terminationOf(pod);
  if (end !== undefined) {
    const { result } = end;
    return result !== undefined && 'index' in result && result.index === indexOf(pod) ? { result } : {};
  }
  const report = progress.of(pod)?.report;
  return report === undefined || report.verb === 'inlet' || !('phase' in report) ? {} : { report };
}

function jobsOf({ context, batch }: Work): Job[] {
  return context.caches.jobs.store.byIndex('owner', batch.metadata.uid);
}

/** `2` and `2-abort` are of the second attempt. */
function attemptOf(job: Job): number {
  return Number.parseInt(job.metadata.annotations?.[annotationNames.attempt] ?? '', 10);
}

function waitFor(reason: string, message: string): BatchOutlook {
  return { state: 'Reconciling', reason, message, isProblem: true };
}

function working(reason: string, message: string): BatchOutlook {
  return { state: 'Reconciling', reason, message };
}

function now({ clock }: OperatorContext): string {
  return timestamp(clock.now());
}
