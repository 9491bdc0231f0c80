/** Tables of both formats in a store in memory, for tests. */
import { MemoryStore } from '../../test/support/memory-store.ts';
import { testWaiting } from '../../test/support/waiting.ts';
import type { Waiting } from '../contract/environment.ts';
import type { TableSettings } from '../contract/task.ts';
import type { Column } from '../engine/schema.ts';
import type { Store } from '../store/store.ts';
import { type Builder, createTable, type FirstChange } from './commit.ts';
import { FileCatalog } from './iceberg/file-catalog.ts';
import { IcebergTable } from './iceberg/iceberg-table.ts';
import { ParquetTable } from './parquet-table.ts';
import type { Table, TableChange, TableFile, TableState } from './table.ts';

export type Format = TableSettings['format'];
export const formats: readonly Format[] = ['Parquet', 'Iceberg'];

export const testUUID = '9c12d441-03fe-4693-9a96-a0705ddf69c1';
export const testFolder = `table-${testUUID}/`;

export function openTestTable(format: Format, store: Store, waiting: Waiting = testWaiting(), created = false): Table {
  const uuid = testUUID;
  if (format === 'Parquet') return new ParquetTable({ store, uuid, created, signal: waiting.signal });
  const catalog = new FileCatalog(store, `${testFolder}metadata/`, uuid, waiting.signal);
  return new IcebergTable({ store, catalog, uuid, folder: testFolder, created, waiting });
}

export function column(name: string, type: Column['type'] = 'string', more: Partial<Column> = {}): Column {
  return { name, type, required: false, children: [], path: `/properties/${name}`, ...more };
}

export function firstChange(format: Format, more: Partial<TableSettings> = {}): FirstChange {
  const settings: TableSettings = { format, compression: 'Zstd', targetFileSizeBytes: 1, ...more };
  return { schemaDigest: 'digest', columns: [column('id'), column('n', 'long')], settings };
}

export async function emptyTable(format: Format, store = new MemoryStore()): Promise<MemoryStore> {
  await createTable(openTestTable(format, store), firstChange(format), testWaiting());
  return store;
}

export function testFile(name: string, more: Partial<TableFile> = {}): TableFile {
  return { key: `${testFolder}data/${name}.parquet`, rows: 1, bytes: 10, ...more };
}

/** Does a change once; a property tells that it was done. */
export function once(name: string, change: TableChange | ((state: TableState) => TableChange)): Builder<string> {
  return (state, { snapshotID }) => {
    const done = state.properties[name];
    if (done !== undefined) return { done };
    const asked = typeof change === 'function' ? change(state) : change;
    return { change: { ...asked, setProperties: { [name]: snapshotID } } };
  };
}

/** Adds one file of one row, once. */
export function addFile(name: string): Builder<string> {
  return once(name, { addFiles: [testFile(name, { batch: name })], count: { ingested: 1 } });
}

export async function keysOf(table: Table, state: TableState): Promise<string[]> {
  const keys: string[] = [];
  for await (const { key } of table.files(state)) keys.push(key);
  return keys.sort();
}
