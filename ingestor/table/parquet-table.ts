/** Table format `Parquet`: data files, and versions that each have the whole list of files (see version-files.ts). */
import { type Static, Type } from 'typebox';
import { parseDocument } from '../contract/documents.ts';
import { ForebayError } from '../contract/errors.ts';
import { TableSettings } from '../contract/task.ts';
import type { Store } from '../store/store.ts';
import { addCounts, Counts } from './counts.ts';
import { tableGone } from './missing.ts';
import { requireFormat } from './settings.ts';
import type { CommitStamp, SnapshotFacts, Table, TableChange, TableCounts, TableFile, TableState } from './table.ts';
import { type VersionFile, VersionFiles } from './version-files.ts';

const count = Type.Integer({ minimum: 0 });

/** What a version says: the state of the table, and the list of its files. */
export const TableMetadata = Type.Object({
  version: Type.Literal(1),
  uuid: Type.String(),
  sequence: Type.Integer({ minimum: 1 }),
  snapshotID: Type.Optional(Type.String()),
  snapshotTime: Type.Optional(count),
  schemaDigest: Type.String(),
  settings: TableSettings,
  properties: Type.Record(Type.String(), Type.String()),
  totals: Type.Object({
    records: count,
    files: count,
    sizeBytes: count,
    ...Counts.properties,
  }),
  lastCommitTime: count,
  files: Type.Array(
    Type.Object({ key: Type.String(), rows: count, bytes: count, batch: Type.Optional(Type.String()) }),
  ),
});
export type TableMetadata = Static<typeof TableMetadata>;

/** Its files have no field ids, and lie in one partition. */
type ParquetState = TableMetadata & Pick<TableState, 'layout'>;

const noLayout = { fieldIDs: {}, partitionBy: [], sortBy: [] } as const satisfies TableState['layout'];

export function tableFolder(uuid: string): string {
  return `table-${uuid}/`;
}

export interface ParquetTableOptions {
  readonly store: Store;
  readonly uuid: string;
  /** The table was there before: that it is gone is no reason to make it anew. */
  readonly created: boolean;
  readonly signal: AbortSignal;
}

export class ParquetTable implements Table {
  readonly uuid: string;
  readonly location: string;
  readonly dataFolder: string;
  readonly #store: Store;
  readonly #versions: VersionFiles;
  readonly #created: boolean;
  readonly #signal: AbortSignal;

  constructor({ store, uuid, created, signal }: ParquetTableOptions) {
    const folder = tableFolder(uuid);
    this.uuid = uuid;
    this.location = `${store.url}/${folder.slice(0, -1)}`;
    this.dataFolder = `${folder}data/`;
    this.#store = store;
    this.#versions = new VersionFiles(store, `${folder}metadata/`, signal);
    this.#created = created;
    this.#signal = signal;
  }

  async load(): Promise<ParquetState | undefined> {
    const newest = await this.#versions.newest();
    if (newest === undefined && this.#created) throw tableGone(this.location);
    return newest && parseVersion(newest, this.uuid);
  }

  async commit(
    base: TableState | undefined,
    change: TableChange,
    stamp: CommitStamp,
  ): Promise<ParquetState | undefined> {
    const metadata = applyChange(this.uuid, base, change, stamp);
    const created = await this.#versions.create(metadata.sequence, JSON.stringify(metadata));
    return created ? withLayout(metadata) : undefined;
  }

  async publish(state: TableState): Promise<void> {
    await this.#versions.publish(state.sequence);
  }

  async now(): Promise<number> {
    return await this.#store.now({ signal: this.#signal });
  }

  async emptyOldVersions(newest: TableState): Promise<number> {
    return await this.#versions.emptyOld(newest.sequence);
  }

  async *files(state: TableState): AsyncGenerator<TableFile> {
    yield* filesOf(state);
  }

  async find(state: TableState, keys: ReadonlySet<string>): Promise<ReadonlyMap<string, TableFile>> {
    return new Map(filesOf(state).flatMap((file) => (keys.has(file.key) ? [[file.key, file]] : [])));
  }

  snapshots(): readonly SnapshotFacts[] {
    return [];
  }

  async *filesOnlyIn(): AsyncGenerator<string> {}

  async metadataKeys(): Promise<ReadonlySet<string>> {
    return new Set();
  }

  isOwnMetadata(): boolean {
    return false;
  }
}

function parseVersion({ body, location }: VersionFile, uuid: string): ParquetState {
  const metadata = parseDocument(TableMetadata, Buffer.from(body).toString(), location, 'DamagedDocument');
  if (metadata.uuid === uuid) return withLayout(metadata);
  throw new ForebayError('TableReplaced', `${location} is of table ${metadata.uuid}, the dataset made ${uuid}`);
}

function applyChange(
  uuid: string,
  base: TableState | undefined,
  change: TableChange,
  stamp: CommitStamp,
): TableMetadata {
  const files = changeFiles(filesOf(base), change);
  requireFormat(change.settings, 'Parquet');
  const schemaDigest = change.schemaDigest ?? base?.schemaDigest;
  const settings = change.settings ?? base?.settings;
  if (schemaDigest === undefined || settings === undefined)
    throw new Error('the first version needs schema and settings');
  return {
    version: 1,
    uuid,
    sequence: (base?.sequence ?? 0) + 1,
    ...snapshotOf(base, change, stamp),
    schemaDigest,
    settings,
    properties: changeProperties(base?.properties ?? {}, change),
    totals: addTotals(base, change, files),
    lastCommitTime: stamp.time,
    files,
  };
}

/** A change without files leaves the snapshot as it was: it only counts, or remembers. */
function snapshotOf(
  base: TableState | undefined,
  change: TableChange,
  { snapshotID, time }: CommitStamp,
): Pick<TableMetadata, 'snapshotID' | 'snapshotTime'> {
  if (change.addFiles !== undefined || change.removeFiles !== undefined || change.snapshot)
    return { snapshotID, snapshotTime: time };
  if (base?.snapshotID === undefined || base.snapshotTime === undefined) return {};
  return { snapshotID: base.snapshotID, snapshotTime: base.snapshotTime };
}

function changeProperties(properties: Readonly<Record<string, string>>, change: TableChange): Record<string, string> {
  const dropped = new Set(change.dropProperties);
  const kept = Object.entries(properties).filter(([name]) => !dropped.has(name));
  return { ...Object.fromEntries(kept), ...change.setProperties };
}

function addTotals(base: TableState | undefined, change: TableChange, files: readonly FileEntry[]): TableCounts {
  return {
    records: files.reduce((sum, file) => sum + file.rows, 0),
    files: files.length,
    sizeBytes: files.reduce((sum, file) => sum + file.bytes, 0),
    ...addCounts(base?.totals, change),
  };
}

type FileEntry = TableMetadata['files'][number];

function changeFiles(files: readonly FileEntry[], { addFiles = [], removeFiles = [] }: TableChange): FileEntry[] {
  const removed = new Set(removeFiles);
  const kept = files.filter(({ key }) => !removed.has(key));
  if (kept.length + removed.size !== files.length) throw new TypeError('a file that is to leave is not in the table');
  const added = addFiles.map(({ key, rows, bytes, batch }) => ({
    key,
    rows,
    bytes,
    ...(batch === undefined ? {} : { batch }),
  }));
  return [...kept, ...added];
}

function withLayout(metadata: TableMetadata): ParquetState {
  return { ...metadata, layout: noLayout };
}

/** The files of a state that a table of this format gave. */
export function filesOf(state: TableState | undefined): readonly FileEntry[] {
  return state !== undefined && isMetadata(state) ? state.files : [];
}

function isMetadata(state: TableState): state is ParquetState {
  return 'files' in state;
}
