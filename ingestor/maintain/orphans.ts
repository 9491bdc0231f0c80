/**
 * Manifests and manifest lists that no snapshot names: of tries that were not landed, and of snapshots that left. They are
 * deleted behind a commit. A writer may sleep between writing a manifest and committing it; but what it commits is
 * compared with the version it was built on, so once a commit was seen, whoever lands later has loaded a version of then
 * or after, and reuses no manifest that is older than an hour. Those a day older than that commit cannot land any more.
 */
import type { Dataset } from '../commit/dataset.ts';
import { untilClear } from '../table/back-off.ts';
import { commitToTable, loadState } from '../table/commit.ts';
import type { TableState } from '../table/table.ts';
import { deleteKeys, listFacts } from './bucket.ts';
import { type Did, day, type Maintenance, type Work } from './maintenance.ts';

/** So few wait for a commit that comes anyway: one made for them would itself leave one behind some day. */
const tolerated = 100;

export const deleteOrphanedMetadata: Work = {
  name: 'orphaned metadata',
  async do({ dataset, began, waiting }: Maintenance): Promise<Did> {
    const { store, table } = dataset;
    const folder = table.dataFolder.replace(/data\/$/, 'metadata/');
    const before = began.time - day;
    const old = await listFacts(
      store,
      folder,
      ({ key, lastModified }) => lastModified < before && table.isOwnMetadata(key),
      waiting,
    );
    if (old.length === 0) return {};
    let state = await untilClear(() => loadState(table), waiting);
    let orphans = await withoutNamed(
      dataset,
      state,
      began.state,
      old.map(({ key }) => key),
    );
    if (orphans.length === 0) return {};
    if (!movedOn(dataset, began.state, state)) {
      if (orphans.length < tolerated) return {};
      state = await moveOn(dataset, began.state, waiting);
      orphans = await withoutNamed(dataset, state, began.state, orphans);
    }
    const newest = state;
    await untilClear(() => table.publish(newest), waiting);
    await deleteKeys(store, orphans, waiting);
    return { deletedObjects: orphans.length };
  },
};

/** Those of the keys that neither state names: the snapshots that this very maintain expired may still be read. */
async function withoutNamed(
  { table }: Dataset,
  state: TableState,
  began: TableState,
  keys: readonly string[],
): Promise<string[]> {
  const named = await table.metadataKeys(state);
  const orphans = keys.filter((key) => !named.has(key));
  const present = new Set(table.snapshots(state).map(({ snapshotID }) => snapshotID));
  const isExpired = table.snapshots(began).some(({ snapshotID }) => !present.has(snapshotID));
  if (orphans.length === 0 || !isExpired) return orphans;
  const namedBefore = await table.metadataKeys(began);
  return orphans.filter((key) => !namedBefore.has(key));
}

/** A commit came after this maintain began that every later one is compared with: a REST catalog compares snapshots. */
function movedOn({ catalog }: Dataset, began: TableState, state: TableState): boolean {
  return catalog === undefined ? state.sequence > began.sequence : state.snapshotID !== began.snapshotID;
}

async function moveOn(dataset: Dataset, began: TableState, waiting: Maintenance['waiting']): Promise<TableState> {
  return await commitToTable<TableState>(
    dataset.table,
    (state) => (movedOn(dataset, began, state) ? { done: state } : { change: { snapshot: true } }),
    waiting,
  );
}
