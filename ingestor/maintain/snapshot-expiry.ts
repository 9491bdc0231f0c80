/**
 * Snapshots past `retention.snapshotDays` leave the table, and those beyond the most that it carries. Never the current
 * one, nor those that a branch or tag names, nor the last few. Their data files are written down first; `expired-files.ts`
 * deletes them later.
 */
import type { Dataset } from '../commit/dataset.ts';
import { storeTime } from '../commit/store-time.ts';
import type { MaintainLimits } from '../contract/task.ts';
import { commitToTable } from '../table/commit.ts';
import type { SnapshotFacts, TableState } from '../table/table.ts';
import { writeExpiredFiles } from './expired-documents.ts';
import { type Did, day, type Maintenance, type Work } from './maintenance.ts';

export const expireSnapshots: Work = {
  name: 'snapshot expiry',
  async do(maintenance: Maintenance): Promise<Did> {
    const { dataset, retention, limits, waiting, log } = maintenance;
    const { table } = dataset;
    const before = (await storeTime(dataset.store, waiting)) - retention.snapshotDays * day;
    // Chosen once: what becomes old while the commit is tried waits for the next maintain.
    let chosen: ReadonlySet<string> | undefined;
    await commitToTable<undefined>(
      table,
      async (state) => {
        chosen ??= worthACommit(dataset, chooseOld(table.snapshots(state), before, limits));
        const leaving = table.snapshots(state).filter((it) => chosen?.has(it.snapshotID) && !it.pinned);
        if (leaving.length === 0) return { done: undefined };
        const snapshotIDs = leaving.map(({ snapshotID }) => snapshotID);
        // Of this very state: what a snapshot alone names depends on which others there are.
        await writeDown(maintenance, state, snapshotIDs);
        return { change: { expireSnapshots: snapshotIDs } };
      },
      waiting,
    );
    const expiredSnapshots = chosen?.size ?? 0;
    if (expiredSnapshots > 0) log.info({ snapshots: expiredSnapshots }, 'snapshots expired');
    return { expiredSnapshots };
  },
};

/**
 * With a catalog each commit brings a snapshot, which is to leave some day itself: fewer than so many wait for more, or a
 * table that nobody writes to would never come to rest.
 */
const fewestWithCatalog = 10;

function worthACommit({ catalog }: Dataset, snapshotIDs: readonly string[]): ReadonlySet<string> {
  const fewest = catalog === undefined ? 1 : fewestWithCatalog;
  return new Set(snapshotIDs.length < fewest ? [] : snapshotIDs);
}

/** Ids of the snapshots to leave, oldest first. */
export function chooseOld(
  snapshots: readonly SnapshotFacts[],
  before: number,
  limits: Pick<Required<MaintainLimits>, 'expiredSnapshots' | 'keptSnapshots' | 'mostSnapshots'>,
): string[] {
  const mayLeave = snapshots.slice(0, Math.max(0, snapshots.length - limits.keptSnapshots));
  const tooMany = snapshots.length - limits.mostSnapshots;
  return mayLeave
    .filter(({ pinned, time }, index) => !pinned && (time < before || index < tooMany))
    .slice(0, limits.expiredSnapshots)
    .map(({ snapshotID }) => snapshotID);
}

async function writeDown({ dataset, waiting }: Maintenance, state: TableState, snapshotIDs: string[]): Promise<void> {
  const files: string[] = [];
  for await (const key of dataset.table.filesOnlyIn(state, new Set(snapshotIDs))) files.push(key);
  if (files.length > 0) await writeExpiredFiles(dataset.store, snapshotIDs, files, waiting);
}
