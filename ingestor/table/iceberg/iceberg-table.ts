/**
 * Table format `Iceberg`, version 2 of the specification. A commit becomes a list of metadata updates, which the
 * table's own folder or a REST catalog applies as one (`catalog.ts`); data files and manifests lie in the folder anyway.
 */
import type { Waiting } from '../../contract/environment.ts';
import { ForebayError } from '../../contract/errors.ts';
import type { Store } from '../../store/store.ts';
import { tableGone } from '../missing.ts';
import { requireFormat } from '../settings.ts';
import type { CommitStamp, SnapshotFacts, Table, TableChange, TableFile, TableState } from '../table.ts';
import type { Catalog, LoadedTable } from './catalog.ts';
import {
  bySequence,
  changeOrder,
  changeProperties,
  changeSchema,
  findSpec,
  pinnedIDs,
  removeSnapshots,
} from './changes.ts';
import { type FileContext, fileContext, toDataFile, toTableFile } from './data-file.ts';
import { toLong } from './json.ts';
import { hasLiveFiles } from './manifest-list.ts';
import { ManifestGone, Manifests } from './manifests.ts';
import { currentSnapshot, specOf } from './metadata.ts';
import { createSortOrder, createSpec } from './partition.ts';
import { Places } from './places.ts';
import { filesOnlyIn } from './reachability.ts';
import { createSchema } from './schema.ts';
import { buildSnapshot } from './snapshot.ts';
import type { MetadataUpdate, Snapshot, TableMetadata, TableRequirement } from './spec.ts';
import { type FileTotals, type IcebergState, readState, summaryTotals, writeProperties } from './state.ts';
import { mainBranch } from './updates.ts';

export interface IcebergTableOptions {
  readonly store: Store;
  readonly catalog: Catalog;
  readonly uuid: string;
  /** Of the table, below the dataset, ending with a slash. */
  readonly folder: string;
  /** The table was there before: that it is gone is no reason to make it anew. */
  readonly created: boolean;
  readonly waiting: Waiting;
}

export class IcebergTable implements Table {
  readonly uuid: string;
  readonly location: string;
  readonly dataFolder: string;
  readonly #catalog: Catalog;
  readonly #store: Store;
  readonly #signal: AbortSignal;
  readonly #places: Places;
  readonly #manifests: Manifests;
  readonly #created: boolean;

  constructor({ store, catalog, uuid, folder, created, waiting }: IcebergTableOptions) {
    this.uuid = uuid;
    this.location = `${store.url}/${folder.slice(0, -1)}`;
    this.dataFolder = `${folder}data/`;
    this.#catalog = catalog;
    this.#store = store;
    this.#signal = waiting.signal;
    this.#places = new Places(store.url);
    this.#manifests = new Manifests(store, `${folder}metadata/`, this.#places, waiting);
    this.#created = created;
  }

  async load(): Promise<IcebergState | undefined> {
    const loaded = await this.#catalog.load();
    if (loaded !== undefined) return await this.#state(loaded);
    if (this.#created) throw tableGone(this.location);
    return undefined;
  }

  async commit(
    base: TableState | undefined,
    change: TableChange,
    stamp: CommitStamp,
  ): Promise<IcebergState | undefined> {
    const committed =
      base === undefined ? await this.#create(change, stamp) : await this.#change(asIceberg(base), change, stamp);
    return committed && (await this.#state(committed));
  }

  async publish(state: TableState): Promise<void> {
    await this.#catalog.publish(asIceberg(state).loaded);
  }

  async emptyOldVersions(newest: TableState): Promise<number> {
    return await this.#catalog.emptyOldVersions(asIceberg(newest).loaded);
  }

  async now(): Promise<number> {
    return await this.#store.now({ signal: this.#signal });
  }

  async *files(state: TableState): AsyncGenerator<TableFile> {
    const { metadata } = asIceberg(state).loaded;
    yield* this.#whileNamed(currentOf(metadata), this.#files(metadata));
  }

  async *#files(metadata: TableMetadata): AsyncGenerator<TableFile> {
    const manifests = (await this.#manifests.list(currentSnapshot(metadata))).filter(
      (manifest) => manifest.content === 'data' && hasLiveFiles(manifest),
    );
    const contexts = this.#contexts(metadata);
    for await (const { manifest, entries } of this.#manifests.read(manifests, (id) => specOf(metadata, id))) {
      const context = contexts(manifest.specID);
      for (const { status, file } of entries) if (status !== 'deleted') yield toTableFile(file, context);
    }
  }

  async find(state: TableState, keys: ReadonlySet<string>): Promise<ReadonlyMap<string, TableFile>> {
    const found = new Map<string, TableFile>();
    if (keys.size === 0) return found;
    for await (const file of this.files(state)) {
      if (keys.has(file.key)) found.set(file.key, file);
      if (found.size === keys.size) break;
    }
    return found;
  }

  snapshots(state: TableState): readonly SnapshotFacts[] {
    const { metadata } = asIceberg(state).loaded;
    const pinned = pinnedIDs(metadata);
    const current = currentSnapshot(metadata);
    const others = (metadata.snapshots ?? []).filter((snapshot) => snapshot !== current).sort(bySequence);
    return [...others, ...(current === undefined ? [] : [current])].map((snapshot) => {
      const snapshotID = String(snapshot['snapshot-id']);
      return {
        snapshotID,
        time: snapshot['timestamp-ms'],
        pinned: pinned.has(snapshotID),
        sequence: Number(snapshot['sequence-number']),
      };
    });
  }

  async *filesOnlyIn(state: TableState, snapshotIDs: ReadonlySet<string>): AsyncGenerator<string> {
    const { metadata } = asIceberg(state).loaded;
    const urls = filesOnlyIn(this.#manifests, metadata, snapshotIDs);
    for await (const url of this.#whileNamed(metadata.snapshots, urls)) yield this.#places.toKey(url) ?? url;
  }

  async metadataKeys(state: TableState): Promise<ReadonlySet<string>> {
    const { snapshots = [] } = asIceberg(state).loaded.metadata;
    const urls = new Set(snapshots.map((snapshot) => snapshot['manifest-list']));
    for await (const manifests of this.#whileNamed(snapshots, this.#manifests.lists(snapshots))) {
      for (const { path } of manifests) urls.add(path);
    }
    return new Set([...urls].flatMap((url) => this.#places.toKey(url) ?? []));
  }

  isOwnMetadata(key: string): boolean {
    return this.#manifests.isOwn(key);
  }

  async #create(change: TableChange, { time }: CommitStamp): Promise<LoadedTable | undefined> {
    if (change.columns === undefined) throw new TypeError('the first version needs columns');
    requireFormat(change.settings, 'Iceberg');
    const { schema } = createSchema(change.columns);
    return await this.#catalog.create({
      uuid: this.uuid,
      location: this.location,
      schema,
      'partition-spec': createSpec(schema, change.settings?.partitionBy ?? []),
      'write-order': createSortOrder(schema, change.settings?.sortBy ?? []),
      properties: writeProperties(this.uuid, undefined, change),
      time,
    });
  }

  async #change(base: IcebergState, change: TableChange, stamp: CommitStamp): Promise<LoadedTable | undefined> {
    const { loaded } = base;
    const { metadata } = loaded;
    const schema = changeSchema(metadata, change);
    const updates = [
      ...schema.updates,
      ...changeOrder(metadata, schema.schema, change),
      ...(await this.#snapshotUpdates(base, change, stamp).catch(async (thrown: unknown) => {
        throw await this.#explain(thrown, currentOf(metadata));
      })),
      ...changeProperties(this.uuid, base, change),
    ];
    const requirements: TableRequirement[] = [
      { type: 'assert-table-uuid', uuid: metadata['table-uuid'] },
      {
        type: 'assert-ref-snapshot-id',
        ref: mainBranch,
        'snapshot-id': currentSnapshot(metadata)?.['snapshot-id'] ?? null,
      },
      ...schema.requirements,
    ];
    return await this.#catalog.commit(loaded, { requirements, updates, time: stamp.time });
  }

  /** Snapshots that come and go. Where only snapshots are compared, each change brings one. */
  async #snapshotUpdates(
    { loaded: { metadata }, settings, totals }: IcebergState,
    change: TableChange,
    { snapshotID, time }: CommitStamp,
  ): Promise<MetadataUpdate[]> {
    const { addFiles, removeFiles, snapshot, rewrites = false, summary = {} } = change;
    const isNew = addFiles !== undefined || removeFiles !== undefined || snapshot === true;
    if (!isNew && !this.#catalog.comparesSnapshotsOnly) return removeSnapshots(metadata, change, 0);
    const spec = findSpec(metadata, settings.partitionBy ?? []);
    const context = fileContext(metadata, spec, this.#places);
    const built = await buildSnapshot(this.#manifests, metadata, {
      snapshotID: toLong(snapshotID),
      time,
      spec,
      added: (addFiles ?? []).map((file) => toDataFile(file, context)),
      removed: new Set((removeFiles ?? []).map((key) => this.#places.toURL(key))),
      rewrites,
      totals,
      summary,
    });
    return [
      { action: 'add-snapshot', snapshot: built },
      { action: 'set-snapshot-ref', 'ref-name': mainBranch, type: 'branch', 'snapshot-id': built['snapshot-id'] },
      ...removeSnapshots(metadata, change, 1),
    ];
  }

  async *#whileNamed<T>(snapshots: readonly Snapshot[] = [], items: AsyncIterable<T>): AsyncGenerator<T> {
    try {
      yield* items;
    } catch (thrown) {
      throw await this.#explain(thrown, snapshots);
    }
  }

  /**
   * Who slept meets manifests that were collected with their snapshots: nothing is damaged then, the newest state is to
   * be looked at.
   */
  async #explain(thrown: unknown, snapshots: readonly Snapshot[]): Promise<unknown> {
    if (!(thrown instanceof ManifestGone)) return thrown;
    const newest = await this.#catalog.load();
    const named = new Set(newest?.metadata.snapshots?.map((snapshot) => String(snapshot['snapshot-id'])));
    if (snapshots.every((snapshot) => named.has(String(snapshot['snapshot-id'])))) return thrown;
    return new ForebayError('StoreUnavailable', `a snapshot left ${this.location} while it was read`, {
      cause: thrown,
    });
  }

  async #state(loaded: LoadedTable): Promise<IcebergState> {
    const files = summaryTotals(currentSnapshot(loaded.metadata)) ?? (await this.#countFiles(loaded));
    return readState(this.uuid, loaded, files);
  }

  /** Of a snapshot whose writer did not count. */
  async #countFiles({ metadata }: LoadedTable): Promise<FileTotals> {
    let totals = { records: 0, files: 0, sizeBytes: 0 };
    const manifests = await this.#manifests.list(currentSnapshot(metadata));
    const data = manifests.filter(({ content }) => content === 'data');
    for await (const { entries } of this.#manifests.read(data, (id) => specOf(metadata, id))) {
      for (const { status, file } of entries) {
        if (status === 'deleted') continue;
        totals = {
          records: totals.records + Number(file.record_count),
          files: totals.files + 1,
          sizeBytes: totals.sizeBytes + Number(file.file_size_in_bytes),
        };
      }
    }
    return totals;
  }

  #contexts(metadata: TableMetadata): (specID: number) => FileContext {
    const known = new Map<number, FileContext>();
    return (specID) => {
      const context = known.get(specID) ?? fileContext(metadata, specOf(metadata, specID), this.#places);
      known.set(specID, context);
      return context;
    };
  }
}

function currentOf(metadata: TableMetadata): readonly Snapshot[] {
  const current = currentSnapshot(metadata);
  return current === undefined ? [] : [current];
}

function asIceberg(state: TableState): IcebergState {
  if (isIceberg(state)) return state;
  throw new TypeError('the state is not of an Iceberg table');
}

function isIceberg(state: TableState): state is IcebergState {
  return 'loaded' in state;
}
