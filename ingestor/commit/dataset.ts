import { type Static, Type } from 'typebox';
import type { Waiting } from '../contract/environment.ts';
import { ForebayError } from '../contract/errors.ts';
import { Owner, TableSettings } from '../contract/task.ts';
import type { Store } from '../store/store.ts';
import { ParquetTable } from '../table/parquet-table.ts';
import type { Table } from '../table/table.ts';
import { decide, readDocument } from './decide.ts';
import { datasetKey } from './names.ts';

/** A dataset's place in the bucket, opened by its owner. */
export interface Dataset {
  readonly store: Store;
  readonly owner: Owner;
  readonly table: Table;
}

/** Who owns the place, and the one table that is ever in it. `purged`: a tombstone; nothing may be written any more. */
export const DatasetDocument = Type.Object({
  version: Type.Literal(1),
  attempt: Type.String(),
  owner: Owner,
  table: Type.Object({ uuid: Type.String(), format: Type.Index(TableSettings, ['format']) }),
  purged: Type.Optional(Type.Boolean()),
});
export type DatasetDocument = Static<typeof DatasetDocument>;

/**
 * Opens a dataset that `prepare` has claimed. Throws DatasetNotPrepared, StorageInUse (another owner's), DatasetPurged,
 * NewerDocument.
 */
export async function openDataset(store: Store, owner: Owner, waiting: Waiting): Promise<Dataset> {
  const document = await readDocument(store, datasetKey, DatasetDocument, waiting);
  if (document === undefined) throw new ForebayError('DatasetNotPrepared', `${store.url} holds no dataset yet`);
  return open(store, owner, document, waiting);
}

/** Claims the place for its owner, or opens it when that was done before. Throws StorageInUse, DatasetPurged. */
export async function claimDataset(
  store: Store,
  owner: Owner,
  format: TableSettings['format'],
  waiting: Waiting,
): Promise<Dataset> {
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
  return open(store, owner, document, waiting);
}

/** Version 4: random, of 32 hexadecimal digits. */
function toUUID(nonce: string): string {
  const digits = `${nonce.slice(0, 12)}4${nonce.slice(13, 16)}8${nonce.slice(17)}`;
  return digits.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
}

function open(store: Store, owner: Owner, document: DatasetDocument, waiting: Waiting): Dataset {
  requireOwner(store, owner, document);
  if (document.purged) throw new ForebayError('DatasetPurged', `${store.url} held a dataset that was deleted`);
  return { store, owner, table: new ParquetTable(store, document.table.uuid, waiting.signal) };
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
