/**
 * A Dataset: its place is claimed and its schema put in force by `prepare`, whenever schema, settings or a request say
 * something new; `maintain` looks after the bucket; with deletionPolicy Delete `purge` empties it before the end.
 */
import { hasSchemaInForce } from '../api/conditions.ts';
import { purgeFinalizer, requestOf } from '../api/names.ts';
import { type Outlook, requeue } from '../api/outlook.ts';
import { datasets } from '../api/resources.ts';
import type { Dataset } from '../api/types.gen.ts';
import {
  isNamespaceTerminating,
  isNotFound,
  keyOf,
  keyString,
  type Logger,
  type Reconcile,
  type ReconcileContext,
  type ReconcileResult,
  timestamp,
} from '../runtime/index.ts';
import { digestOf } from '../specs/canonical.ts';
import { datasetPlace, maintainTask, prepareTask, purgeTask } from '../specs/dataset.ts';
import { describePlace } from '../specs/place.ts';
import { maxTaskBytes, type TaskPlan } from '../specs/task.ts';
import type { OperatorContext } from '../tasks/context.ts';
import type { FailedTask } from '../tasks/observe.ts';
import { asObstacle } from '../tasks/obstacle.ts';
import { reconciler } from '../tasks/reconciler.ts';
import { deleteOtherAttempts, runTask, type TaskOrder, type Underway } from '../tasks/run-task.ts';
import { writeStatus } from '../tasks/write-status.ts';
import { maintainSlot } from './maintain-slot.ts';
import { SchemaReader } from './schema-reader.ts';
import {
  keptSchema,
  maintained,
  prepared,
  preparedOutlook,
  standingOf,
  withBatches,
  withOutlook,
  withTotals,
} from './status.ts';

/** Each adds to status and outlook, or ends the reconcile. */
const steps: readonly Step[] = [keepFinalizer, prepareSchema, maintain, addTotals];

type Step = (work: Work) => Promise<void>;

interface Work {
  readonly context: OperatorContext;
  readonly signal: AbortSignal;
  readonly log: Logger;
  readonly schemas: SchemaReader;
  /** By Dataset: the last failed Job of `maintain` that the log told of. */
  readonly told: Map<string, string>;
  readonly stored: Dataset;
  /** With the status as the steps make it. */
  dataset: Dataset;
  outlook: Outlook;
}

export function reconcileDataset(context: OperatorContext): Reconcile {
  const schemas = new SchemaReader();
  const told = new Map<string, string>();
  const begin = (dataset: Dataset, { signal, log }: ReconcileContext): Work => {
    const outlook: Outlook = { state: 'Reconciling', reason: 'Preparing', message: 'the schema is read' };
    return { context, signal, log, schemas, told, stored: dataset, dataset, outlook };
  };
  return reconciler(context, {
    resources: context.caches.datasets,
    reconcile: async (dataset, reconcileContext) => await keep(begin(dataset, reconcileContext)),
    release: async (dataset, reconcileContext) => await release(begin(dataset, reconcileContext)),
    forget: (key) => {
      context.totals.forget(key);
      schemas.forget(key);
      told.delete(keyString(key));
    },
  });
}

async function keep(work: Work): Promise<ReconcileResult> {
  try {
    for (const step of steps) await step(work);
  } catch (error) {
    const obstacle = asObstacle(error);
    if (obstacle === undefined) throw error;
    look(work, { state: 'Reconciling', ...obstacleNote(obstacle), isProblem: true, requeueAfterSeconds: 30 });
  }
  return await conclude(work);
}

async function conclude({ context, signal, stored, dataset, outlook }: Work): Promise<ReconcileResult> {
  const status = withOutlook(dataset, dataset.status, outlook, timestamp(context.clock.now()));
  await writeStatus(context, datasets, stored, status, outlook, signal);
  return requeue(outlook);
}

/** The policy may change at any time: the finalizer follows it. */
async function keepFinalizer({ context, signal, stored }: Work): Promise<void> {
  const wanted = stored.spec.deletionPolicy === 'Delete';
  if (wanted !== (stored.metadata.finalizers?.includes(purgeFinalizer) ?? false)) {
    await setFinalizer(context, stored, wanted, signal);
  }
}

/** Others may keep finalizers too; the resource version makes sure that none of theirs is lost. */
async function setFinalizer(
  { client }: OperatorContext,
  dataset: Dataset,
  wanted: boolean,
  signal: AbortSignal,
): Promise<void> {
  const others = (dataset.metadata.finalizers ?? []).filter((name) => name !== purgeFinalizer);
  const finalizers = wanted ? [...others, purgeFinalizer] : others;
  const { resourceVersion } = dataset.metadata;
  await client.patch(datasets, keyOf(dataset), { metadata: { finalizers, resourceVersion } }, { signal });
}

async function prepareSchema(work: Work): Promise<void> {
  const { context, dataset, signal, schemas } = work;
  const schema = await schemas.read(context, dataset, signal);
  if ('missing' in schema)
    return look(work, { ...missingSchema(dataset, schema.missing), requeueAfterSeconds: schema.refreshSeconds });
  if (Buffer.byteLength(schema.text) > maxTaskBytes) return look(work, tooLarge(dataset, schema.text));

  const plan = prepareTask(datasetPlace(dataset, context.config.installation), dataset, schema.text);
  const digest = digestOf({ ...plan, request: requestOf(dataset) });
  const standing = standingOf(dataset);
  if (dataset.status.preparedDigest === digest && standing !== undefined) {
    return look(work, { ...standing, requeueAfterSeconds: schema.refreshSeconds });
  }
  const order = prepareOrder(work, plan, digest);
  await deleteOtherAttempts(context, order, signal);
  const progress = await runTask(context, order, signal);
  if (progress.phase !== 'done') return look(work, underway(work, progress, digest));
  const { result } = progress;
  if (result.verb !== 'prepare') throw new Error(`a prepare task answered as ${result.verb}`);
  work.dataset = { ...dataset, status: prepared(dataset, result, digest) };
  look(work, { ...preparedOutlook(result), requeueAfterSeconds: schema.refreshSeconds });
}

function missingSchema(dataset: Dataset, message: string): Outlook {
  const ready = hasSchemaInForce(dataset) ? { ready: 'True' as const } : {};
  return { state: 'Reconciling', ...ready, reason: 'SchemaNotFound', message, isProblem: true };
}

function tooLarge(dataset: Dataset, text: string): Outlook {
  const message = `the schema has ${Buffer.byteLength(text)} bytes; a pod can be handed ${maxTaskBytes}: remove descriptions and examples`;
  if (hasSchemaInForce(dataset)) return keptSchema('SchemaTooLarge', message);
  return { state: 'Stalled', reason: 'SchemaTooLarge', message };
}

/** What cannot be taken is not tried again before it is edited; a place that refuses may be mended meanwhile. */
const finalCodes = ['InvalidSchema', 'SchemaIncompatible', 'PartitionFieldInvalid'];

function prepareOrder(work: Work, plan: TaskPlan, digest: string): TaskOrder {
  return {
    ...orderOf(work, 'prepare', digest.slice(0, 32)),
    plan: () => plan,
    givesUpOn: ({ kind, code }) => kind === 'permanent' && finalCodes.includes(code),
  };
}

function underway(work: Work, progress: Underway, digest: string): Outlook {
  const { context, dataset } = work;
  if (progress.phase === 'failed') {
    work.dataset = { ...dataset, status: { ...dataset.status, preparedDigest: digest } };
    const { code, message } = progress;
    return hasSchemaInForce(dataset) ? keptSchema(code, message) : { state: 'Stalled', reason: code, message };
  }
  if (progress.phase === 'pausing') {
    const requeueAfterSeconds = Math.ceil((progress.until - context.clock.now()) / 1_000);
    return { ...failure(progress.failure), requeueAfterSeconds };
  }
  const requeueAfterSeconds = context.config.progressSeconds;
  if (progress.phase === 'suspended') throw new TypeError('a Dataset is not suspended');
  const { problem, lastFailure, isRepeated } = progress;
  const ready = hasSchemaInForce(dataset) ? { ready: 'True' as const } : {};
  if (problem !== undefined)
    return { state: 'Reconciling', ...ready, ...problem, isProblem: true, requeueAfterSeconds };
  // A try that repeats a failed one does not hide why it failed.
  const standing = standingOf(dataset);
  if (isRepeated && standing && dataset.status.observedGeneration === dataset.metadata.generation) {
    return { ...standing, requeueAfterSeconds };
  }
  const message = 'the place is claimed and the table prepared';
  const told = lastFailure === undefined ? message : `${message}; a pod is replaced: ${lastFailure}`;
  return { state: 'Reconciling', ...ready, reason: 'Preparing', message: told, requeueAfterSeconds };
}

function failure({ kind, code, message }: FailedTask): Outlook {
  const state = kind === 'permanent' ? 'Stalled' : 'Reconciling';
  return { state, reason: code, message, isProblem: true };
}

/** Hourly, each Dataset at a time of its own. Its failures change no condition: the next one does what was left. */
async function maintain(work: Work): Promise<void> {
  const { context, dataset, signal } = work;
  if (!hasSchemaInForce(dataset)) return;
  const { maintainSeconds } = context.config;
  const slot = maintainSlot(dataset, maintainSeconds, context.clock.now());
  lookAgain(work, slot.nextInSeconds);
  if (slot.number === undefined) return;
  const place = datasetPlace(dataset, context.config.installation);
  const order: TaskOrder = {
    ...orderOf(work, 'maintain', String(slot.number)),
    plan: () => maintainTask(place, dataset),
    // The Job tells that the slot is done with: it stays until the next one.
    ttlSeconds: maintainSeconds * 2,
    givesUpOn: () => true,
  };
  const progress = await runTask(context, order, signal);
  if (progress.phase === 'failed') tellOnce(work, progress);
  if (progress.phase === 'working') lookAgain(work, context.config.progressSeconds);
  if (progress.phase !== 'done' || progress.result.verb !== 'maintain') return;
  work.dataset = { ...work.dataset, status: maintained(work.dataset.status, progress.result) };
}

/** A failed Job stays until the next slot, and is seen again with every look. */
function tellOnce({ log, told, dataset }: Work, { job, code, message }: FailedTask): void {
  const key = keyString(keyOf(dataset));
  if (told.get(key) === job.metadata.name) return;
  told.set(key, job.metadata.name);
  log.warn({ job: job.metadata.name, code, error: message }, 'maintain failed');
}

async function addTotals(work: Work): Promise<void> {
  const { context, dataset } = work;
  const key = keyOf(dataset);
  const batches = context.caches.batches.store.byIndex('dataset', keyString(key));
  const status = withTotals(withBatches(dataset.status, batches), context.totals.of(key));
  work.dataset = { ...dataset, status };
}

/**
 * The Dataset is to go. With deletionPolicy Delete its data goes first; where nothing can be made any more, since the
 * namespace goes too, it stays, and the log says where.
 */
async function release(work: Work): Promise<ReconcileResult> {
  const { context, dataset, stored, signal, log } = work;
  if (!dataset.metadata.finalizers?.includes(purgeFinalizer)) return;
  try {
    if (dataset.spec.deletionPolicy === 'Delete' && !(await purge(work))) return await conclude(work);
  } catch (error) {
    const obstacle = asObstacle(error);
    if (obstacle !== undefined) {
      look(work, { state: 'Reconciling', ...obstacleNote(obstacle), isProblem: true, requeueAfterSeconds: 30 });
      return await conclude(work);
    }
    if (!isNamespaceTerminating(error)) throw error;
    const place = dataset.spec.storage.s3;
    log.warn({ place: place && describePlace(place) }, 'the namespace is deleted: the data of the Dataset stays');
  }
  await setFinalizer(context, stored, false, signal).catch((error: unknown) => {
    if (!isNotFound(error)) throw error;
  });
}

/** True when the data is gone. Tried again for as long as it takes, or until the policy is Retain. */
async function purge(work: Work): Promise<boolean> {
  const { context, dataset, signal } = work;
  const place = datasetPlace(dataset, context.config.installation);
  const order = { ...orderOf(work, 'purge', ''), plan: () => purgeTask(place), givesUpOn: () => false };
  const progress = await runTask(context, order, signal);
  if (progress.phase === 'done') return true;
  const purging: Outlook = { state: 'Reconciling', reason: 'Purging', message: 'the data is removed' };
  if (progress.phase === 'pausing') {
    const seconds = Math.ceil((progress.until - context.clock.now()) / 1_000);
    const hint = 'set deletionPolicy to Retain to let the data stay';
    const note = failure(progress.failure);
    look(work, { ...note, message: `${note.message}; ${hint}`, requeueAfterSeconds: seconds });
  } else {
    const problem = progress.phase === 'working' ? progress.problem : undefined;
    look(work, { ...purging, ...problem, requeueAfterSeconds: context.config.progressSeconds });
  }
  return false;
}

function orderOf({ dataset }: Work, verb: string, attempt: string): Omit<TaskOrder, 'plan' | 'givesUpOn'> {
  return { resource: dataset, verb, attempt, podTemplates: [dataset.spec.podTemplate] };
}

function look(work: Work, outlook: Outlook): void {
  work.outlook = outlook;
}

function lookAgain(work: Work, seconds: number): void {
  const { requeueAfterSeconds = seconds } = work.outlook;
  work.outlook = { ...work.outlook, requeueAfterSeconds: Math.min(requeueAfterSeconds, seconds) };
}

function obstacleNote({ reason, message }: { readonly reason: string; readonly message: string }) {
  return { reason, message };
}
