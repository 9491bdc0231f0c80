import { type Dataset, openDataset } from '../commit/dataset.ts';
import { reportTable } from '../commit/report.ts';
import { listOpenRuns, settleRun } from '../commit/settle.ts';
import { storeTime } from '../commit/store-time.ts';
import type { MaintainResult } from '../contract/result.ts';
import type { MaintainTask } from '../contract/task.ts';
import { takeStrandedSegments } from '../inlet/stranded.ts';
import { untilClear } from '../table/back-off.ts';
import { loadState } from '../table/commit.ts';
import { type Environment, withStore } from './environment.ts';

/** Settles what no resource will: hourly, whatever resources exist, beside everything else and beside its own twin. */
export async function runMaintain(task: MaintainTask, environment: Environment): Promise<MaintainResult> {
  return await withStore(environment, task.dataset.storage, async (store) => {
    const dataset = await openDataset(store, task.dataset, environment);
    const runs = await settleRuns(dataset, environment);
    const inlets = await takeStrandedSegments(dataset, environment, environment.log);
    const state = await untilClear(() => loadState(dataset.table), environment);
    await untilClear(() => dataset.table.publish(state), environment);
    return {
      version: 1,
      verb: 'maintain',
      table: reportTable(dataset.table, state),
      did: {
        finishedRuns: runs.finished,
        abandonedRuns: runs.abandoned,
        strandedSegments: inlets.strandedSegments,
        deletedObjects: runs.deletedObjects + inlets.deletedObjects,
        emptiedVersions: await dataset.table.emptyOldVersions(state),
      },
    };
  });
}

async function settleRuns(
  dataset: Dataset,
  environment: Environment,
): Promise<{ finished: number; abandoned: number; deletedObjects: number }> {
  const did = { finished: 0, abandoned: 0, deletedObjects: 0 };
  const now = await storeTime(dataset.store, environment);
  for (const open of await listOpenRuns(dataset, environment)) {
    environment.signal.throwIfAborted();
    const settled = await settleRun(dataset, open, now, environment);
    if (settled.did === 'nothing') continue;
    if (settled.did === 'cleaned') did.deletedObjects += settled.deletedObjects;
    else did[settled.did] += 1;
    environment.log.info({ batch: open.batch, run: open.run, ...settled }, 'run settled');
  }
  return did;
}
