import { type Static, Type } from 'typebox';
import { parseDocument } from '../contract/documents.ts';
import type { Waiting } from '../contract/environment.ts';
import { ForebayError } from '../contract/errors.ts';
import { type DatasetTarget, Owner, type RestCatalog, TableSettings } from '../contract/task.ts';
import type { Store } from '../store/store.ts';
import { untilClear } from '../table/back-off.ts';
import type { Catalog } from '../table/iceberg/catalog.ts';
import { FileCatalog } from '../table/iceberg/file-catalog.ts';
import { IcebergTable } from '../table/iceberg/iceberg-table.ts';
import { ParquetTable, tableFolder } from '../table/parquet-table.ts';
import type { Table } from '../table/table.ts';
import { decide, readDocument } from './decide.ts';
import { datasetKey } from './names.ts';

/** A dataset's place in the bucket, opened by its owner. */
export interface Dataset {
  readonly store: Store;
  readonly owner: Owner;
  /** Absent: the table's metadata files in its place are all there is. */
  readonly catalog?: DatasetTarget['catalog'];
  readonly table: Table;
}

/** A dataset as a task names it. */
export type DatasetName = Pick<DatasetTarget, 'owner' | 'catalog'>;

/** What datasets are opened with; a task's environment fits. */
export interface Opening extends Waiting {
  /** `waiting`: for as long as the catalog is used; that of the opening when absent. */
  openCatalog?(location: RestCatalog, waiting?: Waiting): Promise<Catalog>;
}

/** Who owns the place, and the one table that is ever in it. `purged`: a tombstone; nothing may be written any more. */
export const DatasetDocument = Type.Object({
  version: Type.Literal(1),
  attempt: Type.String(),
  owner: Owner,
  /** `created`: it was there once. From then on a table that is missing was taken away, and is not made anew. */
  table: Type.Object({
    uuid: Type.String(),
    format: Type.Index(TableSettings, ['format']),
    created: Type.Optional(Type.Boolean()),
  }),
  purged: Type.Optional(Type.Boolean()),
});
export type DatasetDocument = Static<typeof DatasetDocument>;

/**
 * Opens a dataset that `prepare` has claimed. Throws DatasetNotPrepared, StorageInUse (another owner's), DatasetPurged,
 * NewerDocument.
 */
export async function openDataset(store: Store, name: DatasetName, opening: Opening): Promise<Dataset> {
  const document = await readDocument(store, datasetKey, DatasetDocument, opening);
  if (document === undefined) throw new ForebayError('DatasetNotPrepared', `${store.url} holds no dataset yet`);
  return await open(store, name, document, opening);
}

/** Claims the place for its owner, or opens it when that was done before. Throws StorageInUse, DatasetPurged. */
export async function claimDataset(
  store: Store,
  name: DatasetName,
  format: TableSettings['format'],
  waiting: Opening,
): Promise<Dataset> {
  const { owner } = name;
  const attempt = waiting.random.nonce();
  const claim: DatasetDocument = {
    version: 1,
    attempt,
    owner,
    table: { uuid: toUUID(waiting.random.nonce()), format },
  };
  const document =
    (await readDocument(store, datasetKey, DatasetDocument, waiting)) ??
    (await decide(store, datasetKey, DatasetDocument, claim, waiting)).value;
  return await open(store, name, document, waiting);
}

/** Version 4: random, of 32 hexadecimal digits. */
function toUUID(nonce: string): string {
  const digits = `${nonce.slice(0, 12)}4${nonce.slice(13, 16)}8${nonce.slice(17)}`;
  return digits.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
}

async function open(
  store: Store,
  { owner, catalog }: DatasetName,
  document: DatasetDocument,
  opening: Opening,
): Promise<Dataset> {
  requireOwner(store, owner, document);
  if (document.purged) throw new ForebayError('DatasetPurged', `${store.url} held a dataset that was deleted`);
  const table = await openTable(store, catalog, document.table, opening);
  return { store, owner, ...(catalog === undefined ? {} : { catalog }), table };
}

async function openTable(
  store: Store,
  catalog: DatasetTarget['catalog'],
  { uuid, format, created = false }: DatasetDocument['table'],
  opening: Opening,
): Promise<Table> {
  if (format === 'Parquet') return new ParquetTable({ store, uuid, created, signal: opening.signal });
  const folder = tableFolder(uuid);
  const opened =
    catalog === undefined
      ? new FileCatalog(store, `${folder}metadata/`, uuid, opening.signal)
      : await openRest(catalog.rest, opening);
  return new IcebergTable({ store, catalog: opened, uuid, folder, created, waiting: opening });
}

async function openRest(location: RestCatalog, opening: Opening): Promise<Catalog> {
  if (opening.openCatalog === undefined) throw new TypeError('nothing was given to open a catalog with');
  return await opening.openCatalog(location);
}

/** Remembers that the table is there now. The tombstone of a purge stays as it is. */
export async function noteCreated(dataset: Dataset, waiting: Waiting): Promise<void> {
  const { store, owner } = dataset;
  const { signal } = waiting;
  for (;;) {
    signal.throwIfAborted();
    const object = await untilClear(() => store.get(datasetKey, { signal }), waiting);
    if (object === undefined) throw new ForebayError('DatasetNotPrepared', `${store.url} holds no dataset any more`);
    const text = Buffer.from(object.body).toString();
    const document = parseDocument(DatasetDocument, text, `${store.url}/${datasetKey}`, 'DamagedDocument');
    requireOwner(store, owner, document);
    if (document.table.created || document.purged) return;
    const noted = JSON.stringify({ ...document, table: { ...document.table, created: true } });
    await untilClear(() => store.putIfMatch(datasetKey, noted, object.etag, { signal }), waiting);
  }
}

/** The message names the other owner: whoever may read the bucket could see it anyway. */
export function requireOwner(store: Store, owner: Owner, document: DatasetDocument): void {
  if (isSame(owner, document.owner)) return;
  const { installation, namespace, name } = document.owner;
  throw new ForebayError('StorageInUse', `${store.url} belongs to Dataset ${namespace}/${name} of ${installation}`);
}

function isSame(a: Owner, b: Owner): boolean {
  return a.installation === b.installation && a.namespace === b.namespace && a.name === b.name;
}
