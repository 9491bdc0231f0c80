import { type Dataset, openDataset } from '../commit/dataset.ts';
import { finishRun, reportCommitted } from '../commit/finish.ts';
import { batchDigest } from '../commit/names.ts';
import { planRefusal } from '../commit/plan.ts';
import { reportTable } from '../commit/report.ts';
import { chooseRun, latestPlan, readPlan, requirePlan } from '../commit/runs.ts';
import type { BatchOutcome, FinishResult } from '../contract/result.ts';
import type { FinishTask } from '../contract/task.ts';
import { loadState } from '../table/commit.ts';
import { type Environment, withStore } from './environment.ts';

/** Adds up a run, commits or aborts it, reports. */
export async function runFinish(task: FinishTask, environment: Environment): Promise<FinishResult> {
  return await withStore(environment, task.dataset.storage, async (store) => {
    environment.progress({ phase: 'Committing' });
    const dataset = await openDataset(store, task.dataset, environment);
    const batch = await finish(dataset, task, environment);
    return { version: 1, verb: 'finish', batch, table: reportTable(dataset.table, await loadState(dataset.table)) };
  });
}

async function finish(dataset: Dataset, task: FinishTask, environment: Environment): Promise<BatchOutcome> {
  const { batch, run, abort, request } = task;
  if (abort === undefined) {
    return await finishRun(dataset, await requirePlan(dataset, batch, run, environment), undefined, environment);
  }
  return request === undefined
    ? await abortRun(dataset, task, abort, environment)
    : await abortRequest(dataset, task, abort, request, environment);
}

type Abort = NonNullable<FinishTask['abort']>;

/** Ends the run of this number; where it was never planned, a plan that ends it takes the name. */
async function abortRun(
  dataset: Dataset,
  { batch, run }: FinishTask,
  abort: Abort,
  environment: Environment,
): Promise<BatchOutcome> {
  const planned = await readPlan(dataset, batchDigest(batch), run, environment);
  if (planned !== undefined) return await finishRun(dataset, planned, abort, environment);
  const latest = await latestPlan(dataset, batch, environment);
  const newRun = { batch, run: (latest?.run ?? 0) + 1, earlier: latest?.requests ?? [] };
  return await finishRun(dataset, await planRefusal(dataset, newRun, abort, environment), abort, environment);
}

/** Ends the run that serves the request, and every other of the batch that is under way. */
async function abortRequest(
  dataset: Dataset,
  { batch }: FinishTask,
  abort: Abort,
  request: NonNullable<FinishTask['request']>,
  environment: Environment,
): Promise<BatchOutcome> {
  for (;;) {
    environment.signal.throwIfAborted();
    const choice = await chooseRun(dataset, batch, request, environment);
    if (choice.kind === 'join') return await finishRun(dataset, choice.plan, abort, environment);
    if (choice.kind === 'refuse') return await reportCommitted(dataset, choice.committed, request, environment);
    if (choice.kind === 'supersede') await finishRun(dataset, choice.undecided, abort, environment);
    else await planRefusal(dataset, { batch, run: choice.run, request, earlier: choice.earlier }, abort, environment);
  }
}
