/** A SourceConnection: asks the source whether it answers, makes runs when they are due, counts them, keeps some. */
import { hasSchemaInForce, isEnded } from '../api/conditions.ts';
import { requestOf, requestRunName, slotRunName } from '../api/names.ts';
import { type Outlook, requeue } from '../api/outlook.ts';
import { batches, sourceConnections } from '../api/resources.ts';
import type { Batch, Dataset, SourceConnection } from '../api/types.gen.ts';
import { keyOf, type Reconcile, type ReconcileResult, timestamp } from '../runtime/index.ts';
import { digestOf } from '../specs/canonical.ts';
import { checkTask, runBatch } from '../specs/connection.ts';
import type { OperatorContext } from '../tasks/context.ts';
import { createOrAdopt } from '../tasks/ensure.ts';
import { asObstacle } from '../tasks/obstacle.ts';
import { reconciler } from '../tasks/reconciler.ts';
import { deleteOtherAttempts, runTask, type TaskOrder } from '../tasks/run-task.ts';
import { writeStatus } from '../tasks/write-status.ts';
import { agenda, nextSlot, scheduleProblem } from './schedule.ts';
import {
  type Connected,
  connectedBy,
  connectedOf,
  followed,
  lost,
  outdatedRuns,
  started,
  withConnected,
  withNextRun,
  withOutlook,
} from './status.ts';

/** Each changes the status or makes something, and lowers the time until the next look. */
const steps: readonly Step[] = [findDataset, check, followLastRun, deleteOutdatedRuns, makeRun];

type Step = (work: Work) => Promise<void>;

interface Work {
  readonly context: OperatorContext;
  readonly signal: AbortSignal;
  readonly stored: SourceConnection;
  /** With the status as the steps make it. */
  connection: SourceConnection;
  dataset?: Dataset;
  /** What is in the way of further runs. */
  problem?: Outlook;
  /** The check of something new is under way. */
  isChecking?: boolean;
  lookAgainInSeconds?: number;
}

export function reconcileConnection(context: OperatorContext): Reconcile {
  return reconciler(context, {
    resources: context.caches.connections,
    reconcile: async (connection, { signal }) => {
      const work: Work = { context, signal, stored: connection, connection };
      await takeSteps(work);
      return await conclude(work);
    },
  });
}

async function takeSteps(work: Work): Promise<void> {
  try {
    for (const step of steps) await step(work);
  } catch (error) {
    const obstacle = asObstacle(error);
    if (obstacle === undefined) throw error;
    work.problem = waitFor(obstacle.reason, obstacle.message);
    lookAgain(work, 30);
  }
}

async function conclude(work: Work): Promise<ReconcileResult> {
  const { context, signal, stored, connection, lookAgainInSeconds } = work;
  const outlook = outlookOf(work);
  const status = withOutlook(connection, outlook, now(work));
  await writeStatus(context, sourceConnections, stored, status, outlook, signal);
  return requeue({ ...outlook, ...(lookAgainInSeconds !== undefined && { requeueAfterSeconds: lookAgainInSeconds }) });
}

async function findDataset(work: Work): Promise<void> {
  const { namespace } = work.connection.metadata;
  const { name } = work.connection.spec.datasetRef;
  const dataset = work.context.caches.datasets.store.get({ namespace, name });
  if (dataset === undefined || dataset.metadata.deletionTimestamp !== undefined) {
    work.problem = waitFor('DatasetNotFound', `Dataset ${name} does not exist`);
  } else {
    work.dataset = dataset;
    if (!hasSchemaInForce(dataset)) {
      work.problem = { ...waitFor('DatasetNotReady', `Dataset ${name} has no schema in force yet`), isProblem: false };
    }
  }
}

/** On a new spec, on request, and when a run could not get in: by whose fault, the check tells. */
async function check(work: Work): Promise<void> {
  const { context, connection, dataset, signal } = work;
  const plan = checkTask(connection);
  const digest = digestOf({ ...plan, request: requestOf(connection), doubt: doubtOf(connection) });
  if (connection.status.checkedDigest === digest) return;
  const order: TaskOrder = {
    resource: connection,
    verb: 'check',
    attempt: digest.slice(0, 32),
    plan: () => plan,
    podTemplates: [dataset?.spec.podTemplate, connection.spec.podTemplate],
    givesUpOn: () => false,
  };
  await deleteOtherAttempts(context, order, signal);
  const progress = await runTask(context, order, signal);
  if (progress.phase === 'done' && progress.result.verb === 'check') {
    tell(work, connectedBy(progress.result));
    const status = { ...work.connection.status, checkedDigest: digest, lastCheckTime: now(work) };
    work.connection = { ...work.connection, status };
  } else if (progress.phase === 'pausing') {
    const { kind, code, message } = progress.failure;
    tell(work, { status: 'False', reason: code, message });
    const isFinal = kind === 'permanent';
    work.problem ??= { state: isFinal ? 'Stalled' : 'Reconciling', reason: code, message, isProblem: true };
    lookAgain(work, (progress.until - context.clock.now()) / 1_000);
  } else if (progress.phase === 'working') {
    const { problem } = progress;
    // Runs can be made while a source that answered before is asked again.
    if (problem !== undefined && connectedOf(connection)?.status !== 'True') {
      tell(work, { status: 'Unknown', ...problem });
      work.problem ??= waitFor(problem.reason, problem.message);
    }
    keepStall(work, progress.isRepeated);
    work.isChecking = true;
    lookAgain(work, context.config.progressSeconds);
  }
}

/** The name of a run that failed since it could not get in: at the source, or at the Dataset's place. */
function doubtOf({ status: { lastRun } }: SourceConnection): string | undefined {
  const codes = ['CredentialsRefused', 'BucketNotFound'];
  return lastRun?.completionTime !== undefined && codes.includes(lastRun.reason ?? '') ? lastRun.name : undefined;
}

/** A try that repeats a failed one does not hide why it failed. */
function keepStall(work: Work, isRepeated: boolean): void {
  const connected = connectedOf(work.connection);
  if (!isRepeated || connected?.status !== 'False') return;
  work.problem ??= { state: 'Stalled', reason: connected.reason, message: connected.message, isProblem: true };
}

function tell(work: Work, connected: Connected): void {
  work.connection = { ...work.connection, status: withConnected(work.connection, connected, now(work)) };
}

async function followLastRun(work: Work): Promise<void> {
  const { context, connection, signal } = work;
  const { lastRun } = connection.status;
  if (lastRun?.name === undefined) return;
  const key = { namespace: connection.metadata.namespace, name: lastRun.name };
  const run = context.caches.batches.store.get(key);
  if (run !== undefined) {
    work.connection = { ...connection, status: followed(connection.status, run) };
    if (isEnded(run) && run.status.completionTime !== lastRun.completionTime) confirmBy(work, run);
  } else if (lastRun.completionTime === undefined) {
    // The cache may not know a run that was just made.
    const found = await context.client.find(batches, key, { signal });
    if (found === undefined) work.connection = { ...connection, status: lost(connection.status, now(work)) };
  }
}

/** A run that got through shows that the source answers. */
function confirmBy(work: Work, run: Batch): void {
  if (work.connection.status.lastSuccessfulRun?.name !== run.metadata.name) return;
  tell(work, { status: 'True', reason: 'Connected', message: 'the source answered the last run' });
}

async function deleteOutdatedRuns(work: Work): Promise<void> {
  const { context, connection, signal } = work;
  for (const run of outdatedRuns(connection, runsOf(work))) {
    const { uid } = run.metadata;
    await context.client.delete(batches, keyOf(run), { signal, preconditions: { uid } });
  }
}

/** One run at a time. What is due while one is under way, or while something is missing, becomes one run afterwards. */
async function makeRun(work: Work): Promise<void> {
  const { context, connection } = work;
  const { schedule, suspend } = connection.spec;
  const request = requestOf(connection);
  const isAsked = request !== undefined && request !== connection.status.lastHandledRequest;
  const mayStart = work.dataset !== undefined && hasSchemaInForce(work.dataset) && !isRunUnderWay(work);
  if (suspend) return plan(work, undefined);

  if (isAsked && mayStart) {
    await start(work, requestRunName(connection.metadata.name, request), now(work));
    work.connection = { ...work.connection, status: { ...work.connection.status, lastHandledRequest: request } };
  }
  if (schedule === undefined) return plan(work, undefined);
  const invalid = scheduleProblem(schedule);
  if (invalid !== undefined) {
    work.problem = { state: 'Stalled', reason: 'InvalidSchedule', message: invalid };
    return plan(work, undefined);
  }
  const time = new Date(context.clock.now());
  const { nextRunTime } = connection.status;
  const { due, next } = agenda(schedule, nextRunTime === undefined ? undefined : new Date(nextRunTime), time);
  if (due === undefined || !mayStart || isAsked) return plan(work, next);
  await start(work, slotRunName(connection.metadata.name, due), timestamp(due.getTime()));
  return plan(work, nextSlot(schedule, time));
}

function plan(work: Work, next: Date | undefined): void {
  work.connection = { ...work.connection, status: withNextRun(work.connection.status, next) };
  const seconds = next === undefined ? 0 : (next.getTime() - work.context.clock.now()) / 1_000;
  if (seconds > 0) lookAgain(work, seconds);
}

async function start(work: Work, name: string, scheduledTime: string): Promise<void> {
  const { context, connection, signal } = work;
  const run = runBatch(connection, name, scheduledTime, context.config.installation);
  await createOrAdopt(context, batches, run, connection, signal);
  work.connection = { ...connection, status: started(connection.status, name, scheduledTime) };
}

/** By the last run that was made, too: the cache may not know it yet. */
function isRunUnderWay(work: Work): boolean {
  const { lastRun } = work.connection.status;
  const isLastOpen = lastRun?.name !== undefined && lastRun.completionTime === undefined;
  return isLastOpen || runsOf(work).some((run) => !isEnded(run));
}

function runsOf({ context, connection }: Work): Batch[] {
  return context.caches.batches.store.byIndex('owner', connection.metadata.uid);
}

function outlookOf({ connection, problem, isChecking }: Work): Outlook {
  if (problem !== undefined) return problem;
  const { lastRun } = connection.status;
  const { suspend, schedule } = connection.spec;
  if (isChecking && connectedOf(connection) === undefined) {
    return { state: 'Reconciling', reason: 'Checking', message: 'the source is asked whether it answers' };
  }
  if (suspend) return { state: 'Ready', reason: 'Suspended', message: 'suspended as asked: no runs are made' };
  if (lastRun?.completionTime !== undefined && isFailure(connection)) {
    return {
      state: 'Ready',
      reason: 'RunFailed',
      message: `run ${lastRun.name} failed: ${lastRun.reason}`,
      isProblem: true,
    };
  }
  if (schedule === undefined) return { state: 'Ready', reason: 'OnRequest', message: 'runs are made on request' };
  return { state: 'Ready', reason: 'Scheduled', message: `runs are made by ${schedule.cron} in ${schedule.timeZone}` };
}

function isFailure({ status: { lastRun, lastSuccessfulRun } }: SourceConnection): boolean {
  return lastRun?.name !== lastSuccessfulRun?.name && lastRun?.reason !== 'Deleted';
}

function waitFor(reason: string, message: string): Outlook {
  return { state: 'Reconciling', reason, message, isProblem: true };
}

function lookAgain(work: Work, seconds: number): void {
  work.lookAgainInSeconds = Math.min(work.lookAgainInSeconds ?? seconds, seconds);
}

function now({ context: { clock } }: Work): string {
  return timestamp(clock.now());
}
