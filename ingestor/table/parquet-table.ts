/**
 * Table format `Parquet`: data files, and a dense row of versions `v<N>.metadata.json`, each with the whole list of
 * files. A version is made by a conditional create, so one writer wins each number. `version-hint.text` names a
 * version for readers and as a place to start looking; it only moves forward.
 */
import { type Static, Type } from 'typebox';
import { parseDocument } from '../contract/documents.ts';
import { ForebayError } from '../contract/errors.ts';
import { TableSettings } from '../contract/task.ts';
import type { Store } from '../store/store.ts';
import type { CommitStamp, SnapshotFacts, Table, TableChange, TableCounts, TableFile, TableState } from './table.ts';
import { findLast } from './versions.ts';

const count = Type.Integer({ minimum: 0 });
const BatchMark = Type.Object({ id: Type.String(), time: count });

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
    ingested: count,
    failed: count,
    batches: Type.Object({ succeeded: count, failed: count }),
    lastBatch: Type.Optional(BatchMark),
    lastFailedBatch: Type.Optional(BatchMark),
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

/** Versions whose bodies are kept for readers that are behind; older ones are emptied, their names stay. */
const keptVersions = 100;
/** A backlog is worked off over several calls. */
const mostEmptied = 1_000;

export function tableFolder(uuid: string): string {
  return `table-${uuid}/`;
}

export class ParquetTable implements Table {
  readonly uuid: string;
  readonly location: string;
  readonly dataFolder: string;
  readonly #store: Store;
  readonly #signal: AbortSignal;
  readonly #metadataFolder: string;
  /** A version that exists: the newest is this one or a later one. */
  #known = 0;

  constructor(store: Store, uuid: string, signal: AbortSignal) {
    this.uuid = uuid;
    this.location = `${store.url}/${tableFolder(uuid).slice(0, -1)}`;
    this.dataFolder = `${tableFolder(uuid)}data/`;
    this.#store = store;
    this.#signal = signal;
    this.#metadataFolder = `${tableFolder(uuid)}metadata/`;
  }

  async load(): Promise<ParquetState | undefined> {
    if (this.#known === 0) this.#known = (await this.#hint())?.sequence ?? 0;
    const [likely, isOld] = await Promise.all([this.#read(this.#known), this.#exists(this.#known + 1)]);
    if (!isOld) return likely;
    this.#known = await findLast(this.#known + 1, (n) => this.#exists(n));
    return await this.#read(this.#known);
  }

  async commit(
    base: TableState | undefined,
    change: TableChange,
    stamp: CommitStamp,
  ): Promise<ParquetState | undefined> {
    const metadata = applyChange(this.uuid, base, change, stamp);
    const body = JSON.stringify(metadata);
    const { created } = await this.#store.putIfAbsent(this.#key(metadata.sequence), body, { signal: this.#signal });
    if (!created) return undefined;
    this.#known = metadata.sequence;
    return withLayout(metadata);
  }

  async publish(state: TableState): Promise<void> {
    for (;;) {
      const hint = await this.#hint();
      if (hint !== undefined && hint.sequence >= state.sequence) return;
      await this.#writeHint(state.sequence, hint?.etag);
    }
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

  /** Oldest first, so that one who is interrupted leaves no gap that hides the rest. */
  async emptyOldVersions(newest: TableState): Promise<number> {
    const old: number[] = [];
    for (let n = newest.sequence - keptVersions; n >= 1 && (await this.#size(n)) > 0; n -= 1) old.push(n);
    const emptied = old.reverse().slice(0, mostEmptied);
    for (const n of emptied) await this.#store.put(this.#key(n), '', { signal: this.#signal });
    return emptied.length;
  }

  #key(sequence: number): string {
    return `${this.#metadataFolder}v${sequence}.metadata.json`;
  }

  get #hintKey(): string {
    return `${this.#metadataFolder}version-hint.text`;
  }

  async #hint(): Promise<{ sequence: number; etag: string } | undefined> {
    const object = await this.#store.get(this.#hintKey, { signal: this.#signal });
    if (object === undefined) return undefined;
    const text = Buffer.from(object.body).toString().trim();
    if (!/^[1-9][0-9]{0,14}$/.test(text)) throw damaged(this.#store, this.#hintKey, 'is no version number');
    return { sequence: Number(text), etag: object.etag };
  }

  /** A race that was lost is seen by whoever looks at the hint next. */
  async #writeHint(sequence: number, etag: string | undefined): Promise<void> {
    const options = { signal: this.#signal };
    if (etag === undefined) await this.#store.putIfAbsent(this.#hintKey, String(sequence), options);
    else await this.#store.putIfMatch(this.#hintKey, String(sequence), etag, options);
  }

  async #exists(sequence: number): Promise<boolean> {
    return (await this.#store.head(this.#key(sequence), { signal: this.#signal })) !== undefined;
  }

  async #size(sequence: number): Promise<number> {
    return (await this.#store.head(this.#key(sequence), { signal: this.#signal }))?.size ?? 0;
  }

  /** Undefined also for a version whose body was emptied: there are newer ones then. */
  async #read(sequence: number): Promise<ParquetState | undefined> {
    if (sequence === 0) return undefined;
    const key = this.#key(sequence);
    const object = await this.#store.get(key, { signal: this.#signal });
    if (object === undefined || object.size === 0) return undefined;
    const text = Buffer.from(object.body).toString();
    return withLayout(parseDocument(TableMetadata, text, `${this.#store.url}/${key}`, 'DamagedDocument'));
  }
}

function applyChange(
  uuid: string,
  base: TableState | undefined,
  change: TableChange,
  stamp: CommitStamp,
): TableMetadata {
  const files = changeFiles(filesOf(base), change);
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
    totals: addTotals(base?.totals ?? noTotals, change, files),
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
  if (change.addFiles !== undefined || change.removeFiles !== undefined) return { snapshotID, snapshotTime: time };
  if (base?.snapshotID === undefined || base.snapshotTime === undefined) return {};
  return { snapshotID: base.snapshotID, snapshotTime: base.snapshotTime };
}

function changeProperties(properties: Readonly<Record<string, string>>, change: TableChange): Record<string, string> {
  const dropped = new Set(change.dropProperties);
  const kept = Object.entries(properties).filter(([name]) => !dropped.has(name));
  return { ...Object.fromEntries(kept), ...change.setProperties };
}

const noTotals: TableCounts = {
  records: 0,
  files: 0,
  sizeBytes: 0,
  ingested: 0,
  failed: 0,
  batches: { succeeded: 0, failed: 0 },
};

function addTotals(totals: TableCounts, { count = {} }: TableChange, files: readonly FileEntry[]): TableCounts {
  const { lastBatch = totals.lastBatch, lastFailedBatch = totals.lastFailedBatch } = count;
  return {
    records: files.reduce((sum, file) => sum + file.rows, 0),
    files: files.length,
    sizeBytes: files.reduce((sum, file) => sum + file.bytes, 0),
    ingested: totals.ingested + (count.ingested ?? 0),
    failed: totals.failed + (count.failed ?? 0),
    batches: {
      succeeded: totals.batches.succeeded + (count.batchesSucceeded ?? 0),
      failed: totals.batches.failed + (count.batchesFailed ?? 0),
    },
    ...(lastBatch === undefined ? {} : { lastBatch }),
    ...(lastFailedBatch === undefined ? {} : { lastFailedBatch }),
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

function damaged(store: Store, key: string, what: string): ForebayError {
  return new ForebayError('DamagedDocument', `${store.url}/${key} ${what}`);
}
