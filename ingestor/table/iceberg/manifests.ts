/**
 * Manifests and manifest lists as objects of the store: reading them, and writing new ones. What was written for one try
 * of a commit is used again by its later tries, which are known by the snapshot id they share.
 */
import type { Waiting } from '../../contract/environment.ts';
import { ForebayError } from '../../contract/errors.ts';
import type { Store } from '../../store/store.ts';
import { type ManifestEntry, type ManifestHeader, readManifest, writeManifest } from './manifest.ts';
import { type ManifestFile, readManifestList, writeManifestList } from './manifest-list.ts';
import { partitionColumns } from './partition.ts';
import { summarizePartitions } from './partition-summary.ts';
import type { Places } from './places.ts';
import type { Long, PartitionSpec, Snapshot } from './spec.ts';

/**
 * Garbage collection spares what is younger than a day. A try that begins with a manifest this young ends long before.
 */
const reusedMilliseconds = 3_600_000;

/** Objects read at a time. */
const readsAtOnce = 3;

/** Damage, unless the snapshot that needs it has left the table meanwhile. */
export class ManifestGone extends ForebayError {
  constructor(url: string) {
    super('DamagedDocument', `${url} is gone, and the table needs it: restore it from a backup`);
  }
}

/** A manifest that was written for a commit whose sequence number is not known yet. */
export interface NewManifest extends Omit<ManifestFile, 'sequence' | 'minSequence'> {
  /** Lowest of its entries that keep their own; absent: all are new. */
  readonly minSequence?: Long;
}

export class Manifests {
  readonly #store: Store;
  /** Ends with a slash. */
  readonly #folder: string;
  readonly #places: Places;
  readonly #waiting: Waiting;
  readonly #written = new Map<string, { readonly manifest: NewManifest; readonly time: number }>();
  /** The list written or read last: the next commit begins with it. Lists never change. */
  #lastList: { readonly path: string; readonly manifests: readonly ManifestFile[] } | undefined;

  constructor(store: Store, folder: string, places: Places, waiting: Waiting) {
    this.#store = store;
    this.#folder = folder;
    this.#places = places;
    this.#waiting = waiting;
  }

  /** The manifests of a snapshot; none of no snapshot. */
  async list(snapshot: Snapshot | undefined): Promise<readonly ManifestFile[]> {
    const path = snapshot?.['manifest-list'];
    if (path === undefined) return [];
    if (this.#lastList?.path === path) return this.#lastList.manifests;
    const manifests = await readManifestList(await this.#read(path), path);
    this.#lastList = { path, manifests };
    return manifests;
  }

  /** Of many snapshots, each once, in no order. */
  async *lists(snapshots: readonly Snapshot[]): AsyncGenerator<readonly ManifestFile[]> {
    yield* ahead(snapshots, async ({ 'manifest-list': path }) => readManifestList(await this.#read(path), path));
  }

  async entries(manifest: ManifestFile, spec: PartitionSpec): Promise<ManifestEntry[]> {
    return await readManifest(await this.#read(manifest.path), manifest, spec);
  }

  /** Manifests with their entries, in their order, few at a time. */
  async *read(
    manifests: readonly ManifestFile[],
    specOf: (id: number) => PartitionSpec,
  ): AsyncGenerator<{ manifest: ManifestFile; entries: ManifestEntry[] }> {
    yield* ahead(manifests, async (manifest) => ({
      manifest,
      entries: await this.entries(manifest, specOf(manifest.specID)),
    }));
  }

  /**
   * Writes a manifest of the snapshot, unless an earlier try wrote it. `content` is what tells the manifests of one
   * snapshot apart: equal text, equal entries.
   */
  async write(
    snapshotID: Long,
    content: string,
    header: ManifestHeader,
    entries: () => Promise<readonly ManifestEntry[]> | readonly ManifestEntry[],
  ): Promise<NewManifest> {
    const now = this.#waiting.clock.now();
    for (const [name, { time }] of this.#written) if (now - time > reusedMilliseconds) this.#written.delete(name);
    const name = `${snapshotID} ${content}`;
    const known = this.#written.get(name);
    if (known !== undefined) return known.manifest;
    const manifest = await this.#writeAnew(snapshotID, header, await entries());
    this.#written.set(name, { manifest, time: now });
    return manifest;
  }

  /** Writes the list of a snapshot; answers its URL. */
  async writeList(
    snapshot: Pick<Snapshot, 'snapshot-id' | 'parent-snapshot-id' | 'sequence-number'>,
    manifests: readonly ManifestFile[],
  ): Promise<string> {
    const body = await writeManifestList(snapshot, manifests, this.#sync());
    const path = await this.#put(snapshot['snapshot-id'], 'list', body);
    this.#lastList = { path, manifests };
    return path;
  }

  /** Whether the object of a key is one that was written here. */
  isOwn(key: string): boolean {
    return key.startsWith(this.#folder) && ownName.test(key.slice(this.#folder.length));
  }

  async #writeAnew(snapshotID: Long, header: ManifestHeader, entries: readonly ManifestEntry[]): Promise<NewManifest> {
    const body = await writeManifest(header, entries, this.#sync());
    const live = entries.flatMap(({ status, sequence }) =>
      status === 'deleted' || sequence === undefined ? [] : [sequence],
    );
    const least = live.reduce<Long | undefined>((min, one) => (min === undefined || one < min ? one : min), undefined);
    return {
      path: await this.#put(snapshotID, 'm', body),
      length: body.length,
      specID: header.spec['spec-id'],
      content: header.content,
      addedSnapshotID: snapshotID,
      files: countEntries(entries, () => 1),
      rows: countEntries(entries, ({ file }) => file.record_count),
      partitions: summarizePartitions(
        partitionColumns(header.spec, [header.schema]),
        entries.map(({ file }) => file.partition),
      ),
      ...(least === undefined ? {} : { minSequence: least }),
    };
  }

  /** Names are never given twice, so it does not matter whether an earlier write landed. */
  async #put(snapshotID: Long, kind: 'm' | 'list', body: Uint8Array): Promise<string> {
    const key = `${this.#folder}forebay-${snapshotID}-${this.#waiting.random.nonce()}-${kind}.avro`;
    await this.#store.put(key, body, { signal: this.#waiting.signal });
    return this.#places.toURL(key);
  }

  async #read(url: string): Promise<Uint8Array> {
    const key = this.#places.toKey(url);
    if (key === undefined) {
      throw new ForebayError('TableReplaced', `the table names ${url}, which is not below ${this.#store.url}`);
    }
    const object = await this.#store.get(key, { signal: this.#waiting.signal });
    if (object === undefined) throw new ManifestGone(url);
    return object.body;
  }

  #sync(): Uint8Array {
    return Buffer.from(this.#waiting.random.nonce(), 'hex');
  }
}

const ownName = /^forebay-[0-9]+-[0-9a-f]{32}-(m|list)\.avro$/;

function countEntries(entries: readonly ManifestEntry[], of: (entry: ManifestEntry) => Long) {
  const sum = (status: ManifestEntry['status']) =>
    entries.reduce((total, entry) => total + (entry.status === status ? Number(of(entry)) : 0), 0);
  return { added: sum('added'), existing: sum('existing'), deleted: sum('deleted') };
}

/** Results in the order of `items`, a few of them under way at a time. */
async function* ahead<T, R>(items: readonly T[], work: (item: T) => Promise<R>): AsyncGenerator<R> {
  const started: Promise<R>[] = [];
  for (let next = 0; next < items.length || started.length > 0; ) {
    for (const item of items.slice(next, next + readsAtOnce - started.length)) {
      const result = work(item);
      // Looked at when its turn comes; until then a failure is not an unhandled one.
      result.catch(() => {});
      started.push(result);
      next += 1;
    }
    const first = started.shift();
    if (first !== undefined) yield await first;
  }
}
