/** From a change of files to a snapshot: its manifests, its manifest list, its summary. */
import { createHash } from 'node:crypto';
import { ForebayError } from '../../contract/errors.ts';
import { printJSON } from './json.ts';
import type { DataFileEntry, ManifestEntry } from './manifest.ts';
import { hasLiveFiles, type ManifestFile } from './manifest-list.ts';
import type { Manifests, NewManifest } from './manifests.ts';
import { currentSchema, currentSnapshot, specOf } from './metadata.ts';
import type { Long, PartitionSpec, Snapshot, TableMetadata } from './spec.ts';

export interface FileChange {
  readonly snapshotID: Long;
  /** Milliseconds since 1970. */
  readonly time: number;
  readonly spec: PartitionSpec;
  readonly added: readonly DataFileEntry[];
  /** URLs. */
  readonly removed: ReadonlySet<string>;
  readonly rewrites: boolean;
  /** Of the table before. */
  readonly totals: { readonly records: number; readonly files: number; readonly sizeBytes: number };
  readonly summary: Readonly<Record<string, string>>;
}

/** So many small manifests of one partition spec are made into few. */
const mergedCount = 100;
/** And so large they become, in bytes: what is held in memory at once. Those over half of it are not small any more. */
const mergedBytes = 2 * 2 ** 20;
/** Files in one new manifest: about as much. */
const filesInManifest = 2_000;

/**
 * Writes what the snapshot needs and answers it. Throws TypeError when a file that is to leave is not in the table, and
 * FilesRewritten when rows cannot be put into other files.
 */
export async function buildSnapshot(
  manifests: Manifests,
  metadata: TableMetadata,
  change: FileChange,
): Promise<Snapshot> {
  const parent = currentSnapshot(metadata);
  const before = (await manifests.list(parent)).filter(hasLiveFiles);
  if (change.rewrites) refuseDeletes(before);
  const { kept, rewritten, removed } = await removeFiles(manifests, metadata, before, change);
  const merged = await mergeManifests(manifests, metadata, kept, change);
  const added = await addFiles(manifests, metadata, change);
  const sequence = BigInt(metadata['last-sequence-number']) + 1n;
  const numbered = [...added, ...rewritten, ...merged.written].map((one) => giveSequence(one, sequence));
  const snapshot = {
    'snapshot-id': change.snapshotID,
    ...(parent === undefined ? {} : { 'parent-snapshot-id': parent['snapshot-id'] }),
    'sequence-number': Number(sequence),
  };
  return {
    ...snapshot,
    'timestamp-ms': change.time,
    'manifest-list': await manifests.writeList(snapshot, [...numbered, ...merged.kept]),
    summary: summarize(change, removed, parent),
    'schema-id': metadata['current-schema-id'],
  };
}

/** What another engine took out of a file row by row would come back with the file's rows in another one. */
function refuseDeletes(manifests: readonly ManifestFile[]): void {
  if (manifests.every(({ content }) => content === 'data')) return;
  throw new ForebayError(
    'FilesRewritten',
    'another engine deletes single rows of the table by files of their own: let it rewrite the data files first',
  );
}

function giveSequence(manifest: NewManifest, sequence: Long): ManifestFile {
  return { ...manifest, sequence, minSequence: manifest.minSequence ?? sequence };
}

async function addFiles(
  manifests: Manifests,
  metadata: TableMetadata,
  { added, snapshotID, spec }: FileChange,
): Promise<NewManifest[]> {
  const header = { schema: currentSchema(metadata), spec, content: 'data' } as const;
  const written: NewManifest[] = [];
  for (let first = 0; first < added.length; first += filesInManifest) {
    const files = added.slice(first, first + filesInManifest);
    const content = digest(['added', String(spec['spec-id']), ...files.map(({ file_path }) => file_path)]);
    const entries = () => files.map((file): ManifestEntry => ({ status: 'added', snapshotID, file }));
    written.push(await manifests.write(snapshotID, content, header, entries));
  }
  return written;
}

interface Removal {
  readonly kept: readonly ManifestFile[];
  readonly rewritten: readonly NewManifest[];
  readonly removed: readonly DataFileEntry[];
}

/** Only manifests that hold a file that leaves are written anew; the newest are looked at first. */
async function removeFiles(
  manifests: Manifests,
  metadata: TableMetadata,
  before: readonly ManifestFile[],
  { removed: urls, snapshotID }: FileChange,
): Promise<Removal> {
  if (urls.size === 0) return { kept: before, rewritten: [], removed: [] };
  const removed: DataFileEntry[] = [];
  const rewritten: NewManifest[] = [];
  const touched = new Set<ManifestFile>();
  const data = before.filter(({ content }) => content === 'data').sort((a, b) => (a.sequence < b.sequence ? 1 : -1));
  for await (const { manifest, entries } of manifests.read(data, (id) => specOf(metadata, id))) {
    const live = entries.filter(({ status }) => status !== 'deleted');
    const leaving = live.filter(({ file }) => urls.has(file.file_path));
    if (leaving.length === 0) continue;
    touched.add(manifest);
    removed.push(...leaving.map(({ file }) => file));
    const content = digest(['removed', manifest.path, ...leaving.map(({ file }) => file.file_path)]);
    const header = headerOf(metadata, manifest);
    rewritten.push(
      await manifests.write(snapshotID, content, header, () =>
        live.map((entry) =>
          urls.has(entry.file.file_path)
            ? { ...entry, status: 'deleted', snapshotID }
            : { ...entry, status: 'existing' },
        ),
      ),
    );
    if (removed.length === urls.size) break;
  }
  if (removed.length !== urls.size) throw new TypeError('a file that is to leave is not in the table');
  return { kept: before.filter((manifest) => !touched.has(manifest)), rewritten, removed };
}

/**
 * Once there are many small manifests they become few: readers open each, and the list names each. It happens once in
 * so many commits, so that the cost of a commit stays the same however old the table is.
 */
async function mergeManifests(
  manifests: Manifests,
  metadata: TableMetadata,
  before: readonly ManifestFile[],
  { snapshotID }: FileChange,
): Promise<{ kept: readonly ManifestFile[]; written: readonly NewManifest[] }> {
  const small = before.filter(isSmall);
  const gone = new Set<ManifestFile>();
  const written: NewManifest[] = [];
  for (const [specID, group] of Map.groupBy(small, (manifest) => manifest.specID)) {
    if (group.length < mergedCount) continue;
    for (const bin of packBins(group.toSorted((a, b) => (a.sequence < b.sequence ? -1 : 1)))) {
      const [first] = bin;
      if (first === undefined || bin.length < 2) continue;
      const content = digest(['merged', ...bin.map(({ path }) => path)]);
      const entries = async () => await liveEntries(manifests, bin, specOf(metadata, specID));
      written.push(await manifests.write(snapshotID, content, headerOf(metadata, first), entries));
      for (const manifest of bin) gone.add(manifest);
    }
  }
  return { kept: before.filter((manifest) => !gone.has(manifest)), written };
}

/** An encrypted one is left to the engine that has its key. */
function isSmall({ content, length, keyMetadata }: ManifestFile): boolean {
  return content === 'data' && keyMetadata === undefined && Number(length) < mergedBytes / 2;
}

function packBins(manifests: readonly ManifestFile[]): ManifestFile[][] {
  const bins: ManifestFile[][] = [];
  let size = Number.POSITIVE_INFINITY;
  for (const manifest of manifests) {
    if (size + Number(manifest.length) > mergedBytes) {
      bins.push([]);
      size = 0;
    }
    bins.at(-1)?.push(manifest);
    size += Number(manifest.length);
  }
  return bins;
}

async function liveEntries(
  manifests: Manifests,
  bin: readonly ManifestFile[],
  spec: PartitionSpec,
): Promise<ManifestEntry[]> {
  const all: ManifestEntry[] = [];
  for await (const { entries } of manifests.read(bin, () => spec)) {
    for (const entry of entries) if (entry.status !== 'deleted') all.push({ ...entry, status: 'existing' });
  }
  return all;
}

function headerOf(metadata: TableMetadata, { specID, content }: ManifestFile) {
  return { schema: currentSchema(metadata), spec: specOf(metadata, specID), content };
}

/** All that the specification names and that is known here; counts of nothing are left out. */
function summarize(
  { added, totals, rewrites, summary }: FileChange,
  removed: readonly DataFileEntry[],
  parent: Snapshot | undefined,
): Snapshot['summary'] {
  const [addedRows, removedRows] = [added, removed].map((files) => sum(files, (file) => file.record_count));
  const [addedBytes, removedBytes] = [added, removed].map((files) => sum(files, (file) => file.file_size_in_bytes));
  const counts = {
    'added-data-files': added.length,
    'deleted-data-files': removed.length,
    'added-records': addedRows,
    'deleted-records': removedRows,
    'added-files-size': addedBytes,
    'removed-files-size': removedBytes,
  };
  const carried = (name: string) => parent?.summary[name] ?? '0';
  return {
    ...summary,
    operation: operationOf(added.length > 0, removed.length > 0, rewrites),
    ...Object.fromEntries(Object.entries(counts).flatMap(([name, value]) => (value ? [[name, String(value)]] : []))),
    'changed-partition-count': String(new Set([...added, ...removed].map((file) => printJSON(file.partition))).size),
    'total-records': String(totals.records + (addedRows ?? 0) - (removedRows ?? 0)),
    'total-files-size': String(totals.sizeBytes + (addedBytes ?? 0) - (removedBytes ?? 0)),
    'total-data-files': String(totals.files + added.length - removed.length),
    'total-delete-files': carried('total-delete-files'),
    'total-position-deletes': carried('total-position-deletes'),
    'total-equality-deletes': carried('total-equality-deletes'),
  };
}

function operationOf(adds: boolean, removes: boolean, rewrites: boolean): Snapshot['summary']['operation'] {
  if (rewrites && removes) return 'replace';
  if (!removes) return 'append';
  return adds ? 'overwrite' : 'delete';
}

function sum(files: readonly DataFileEntry[], of: (file: DataFileEntry) => Long): number {
  return files.reduce((total, file) => total + Number(of(file)), 0);
}

function digest(parts: readonly string[]): string {
  const hash = createHash('sha256');
  for (const part of parts) hash.update(part).update('\0');
  return hash.digest('hex');
}
