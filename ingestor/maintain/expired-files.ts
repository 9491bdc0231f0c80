/**
 * Deletes the data files of snapshots that left the table an hour ago or more, so that queries that were running then end
 * well. What the table names now is looked at again before: it may have been rolled back meanwhile, or the snapshots may
 * not have left at all.
 */
import { readDocument } from '../commit/decide.ts';
import { storeTime } from '../commit/store-time.ts';
import { untilClear } from '../table/back-off.ts';
import { loadState } from '../table/commit.ts';
import { deleteKeys, listFacts } from './bucket.ts';
import { ExpiredFiles, expiredFolder } from './expired-documents.ts';
import { type Did, hour, type Maintenance, type Work } from './maintenance.ts';
import { withoutNamedFiles } from './named-files.ts';

/** Lists of files in one maintain: each is held in memory. */
const mostDocuments = 20;

export const deleteExpiredFiles: Work = {
  name: 'expired files',
  async do({ dataset, waiting }: Maintenance): Promise<Did> {
    const { store, table } = dataset;
    const before = (await storeTime(store, waiting)) - hour;
    const written = await listFacts(store, expiredFolder, ({ lastModified }) => lastModified <= before, waiting);
    if (written.length === 0) return {};
    const state = await untilClear(() => loadState(table), waiting);
    const present = new Set(table.snapshots(state).map(({ snapshotID }) => snapshotID));
    const documents: string[] = [];
    const expiredFiles = new Set<string>();
    for (const { key } of written) {
      if (documents.length >= mostDocuments) break;
      const expired = await readDocument(store, key, ExpiredFiles, waiting);
      // They leave later, when whoever wrote it wakes, or with another's commit.
      if (expired === undefined || expired.snapshotIDs.some((id) => present.has(id))) continue;
      documents.push(key);
      for (const file of expired.files) if (file.startsWith(table.dataFolder)) expiredFiles.add(file);
    }
    if (documents.length === 0) return {};
    // Whoever committed it may have died before it moved the hint: readers must not be at a version that still names them.
    await untilClear(() => table.publish(state), waiting);
    const garbage = await withoutNamedFiles(table, state, expiredFiles);
    await deleteKeys(store, [...garbage], waiting);
    await deleteKeys(store, documents, waiting);
    return { deletedObjects: garbage.size + documents.length };
  },
};
