import { type Dataset, openDataset } from '../commit/dataset.ts';
import type { Plan, Refusal } from '../commit/documents.ts';
import { finishRun, reportCommitted, takeBackRun } from '../commit/finish.ts';
import { batchDigest } from '../commit/names.ts';
import { planRefusal } from '../commit/plan.ts';
import { reportOutdated, reportTable } from '../commit/report.ts';
import { chooseRun, latestPlan, readPlan, requirePlan, servingRun } from '../commit/runs.ts';
import { ForebayError } from '../contract/errors.ts';
import type { BatchOutcome, FinishResult } from '../contract/result.ts';
import type { FinishTask, RunRequest } from '../contract/task.ts';
import { loadState } from '../table/commit.ts';
import { type Environment, withStore } from './environment.ts';

/** Adds up a run, commits, aborts or reverts it, reports. */
export async function runFinish(task: FinishTask, environment: Environment): Promise<FinishResult> {
  return await withStore(environment, task.dataset.storage, async (store) => {
    environment.progress({ phase: 'Committing' });
    const dataset = await openDataset(store, task.dataset, environment);
    const batch = await finish(dataset, task, environment);
    return { version: 1, verb: 'finish', batch, table: reportTable(dataset.table, await loadState(dataset.table)) };
  });
}

async function finish(dataset: Dataset, task: FinishTask, environment: Environment): Promise<BatchOutcome> {
  const { batch, run, request } = task;
  const end = endingOf(dataset, task, environment);
  if (end === undefined) {
    return await finishRun(dataset, await requirePlan(dataset, batch, run, environment), undefined, environment);
  }
  return request === undefined
    ? await endNumbered(dataset, task, end, environment)
    : await endRequested(dataset, task, end, request, environment);
}

/** How a run is to be ended before its time, or after it. */
interface Ending {
  /** Of a run that is not decided. */
  readonly abort: Refusal;
  /** Ends a planned run and reports. */
  readonly end: (plan: Plan) => Promise<BatchOutcome>;
}

/** `Aborted` leaves rows where they are, once they are in the table; only a revert takes them out. */
function endingOf(
  dataset: Dataset,
  { batch, abort, revert, request }: FinishTask,
  environment: Environment,
): Ending | undefined {
  if (!revert) {
    return abort && { abort, end: (plan) => finishRun(dataset, plan, abort, environment) };
  }
  if (batch.kind === 'internal') {
    throw new ForebayError(
      'InvalidTask',
      `${batch.id} is no batch that can be reverted: rows of others are in its files`,
    );
  }
  const order = { reason: 'Aborted', message: abort?.message ?? 'stopped as asked, before it was committed' };
  return { abort: order, end: (plan) => takeBackRun(dataset, plan, order, request, environment) };
}

/** Ends the run of this number; where it was never planned, a plan that ends it takes the name. */
async function endNumbered(
  dataset: Dataset,
  { batch, run }: FinishTask,
  { abort, end }: Ending,
  environment: Environment,
): Promise<BatchOutcome> {
  const planned = await readPlan(dataset, batchDigest(batch), run, environment);
  if (planned !== undefined) return await end(planned);
  const latest = await latestPlan(dataset, batch, environment);
  const newRun = { batch, run: (latest?.run ?? 0) + 1, earlier: latest?.requests ?? [] };
  return await end(await planRefusal(dataset, newRun, abort, environment));
}

/**
 * Ends the run that serves the request. Where none does, ends every other of the batch that is under way, and leaves a
 * plan that serves it and does nothing, so that a late twin of a planning pod starts none.
 */
async function endRequested(
  dataset: Dataset,
  { batch }: FinishTask,
  { abort, end }: Ending,
  request: RunRequest,
  environment: Environment,
): Promise<BatchOutcome> {
  for (;;) {
    environment.signal.throwIfAborted();
    // By its own run first: a task that slept must not end one that was asked for later.
    const serving = await servingRun(dataset, batch, request, environment);
    if (serving !== undefined) return await end(serving);
    const choice = await chooseRun(dataset, batch, request, environment);
    if (choice.kind === 'join') return await end(choice.plan);
    if (choice.kind === 'refuse') return await reportCommitted(dataset, choice.committed, request, environment);
    if (choice.kind === 'outdated') return reportOutdated(choice.latest);
    if (choice.kind === 'supersede') await finishRun(dataset, choice.undecided, abort, environment);
    else await planRefusal(dataset, { batch, run: choice.run, request, earlier: choice.earlier }, abort, environment);
  }
}
