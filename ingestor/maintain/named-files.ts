import type { Table, TableState } from '../table/table.ts';

/** Those of `keys` that neither the table as it is nor any snapshot of it names. Reads all its lists of files. */
export async function withoutNamedFiles(
  table: Table,
  state: TableState,
  keys: Iterable<string>,
): Promise<ReadonlySet<string>> {
  const left = new Set(keys);
  for (const key of (await table.find(state, left)).keys()) left.delete(key);
  // Of all snapshots and no others: every file that any of them names.
  const snapshotIDs = new Set(table.snapshots(state).map(({ snapshotID }) => snapshotID));
  for await (const key of table.filesOnlyIn(state, snapshotIDs)) left.delete(key);
  return left;
}
