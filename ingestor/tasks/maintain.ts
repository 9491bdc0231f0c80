import { openDataset } from '../commit/dataset.ts';
import { reportTable } from '../commit/report.ts';
import { storeTime } from '../commit/store-time.ts';
import type { MaintainResult } from '../contract/result.ts';
import { type MaintainTask, retentionDefaults } from '../contract/task.ts';
import { compact } from '../maintain/compaction.ts';
import { doAll } from '../maintain/do-all.ts';
import { deleteExpiredFiles } from '../maintain/expired-files.ts';
import { settleInlets } from '../maintain/inlets.ts';
import { tidyLedger } from '../maintain/ledger.ts';
import { findLeftFiles } from '../maintain/left-files.ts';
import { defaultLimits, type Work } from '../maintain/maintenance.ts';
import { deleteOrphanedMetadata } from '../maintain/orphans.ts';
import { expireRows } from '../maintain/row-expiry.ts';
import { settleRuns } from '../maintain/runs.ts';
import { expireSnapshots } from '../maintain/snapshot-expiry.ts';
import { abandonUploads } from '../maintain/uploads.ts';
import { tidyVersions } from '../maintain/versions.ts';
import { untilClear } from '../table/back-off.ts';
import { loadState } from '../table/commit.ts';
import { type Environment, withStore } from './environment.ts';

/** In this order: what needs no memory first, what changes the table before what cleans up behind it, compaction last. */
const works: readonly Work[] = [
  settleRuns,
  settleInlets,
  deleteExpiredFiles,
  findLeftFiles,
  expireRows,
  expireSnapshots,
  deleteOrphanedMetadata,
  tidyLedger,
  abandonUploads,
  compact,
  tidyVersions,
];

/**
 * Looks after what no resource does: hourly, whatever resources exist, beside everything else and beside its own twin.
 * Each kind of work is done though another failed; the failure is thrown at the end.
 */
export async function runMaintain(task: MaintainTask, environment: Environment): Promise<MaintainResult> {
  return await withStore(environment, task.dataset.storage, async (store) => {
    environment.progress({ phase: 'Running' });
    const dataset = await openDataset(store, task.dataset, environment);
    const time = await storeTime(store, environment);
    const state = await untilClear(() => loadState(dataset.table), environment);
    const did = await doAll(works, {
      dataset,
      retention: task.retention ?? retentionDefaults,
      limits: { ...defaultLimits, ...task.limits },
      began: { time, state },
      waiting: environment,
      log: environment.log,
      progress: (bytes) => environment.progress({ bytes }),
    });
    const newest = await untilClear(() => loadState(dataset.table), environment);
    return { version: 1, verb: 'maintain', table: reportTable(dataset.table, newest), did };
  });
}
