/** Which files nobody can read any more once some snapshots are gone. */
import type { ManifestEntry } from './manifest.ts';
import type { ManifestFile } from './manifest-list.ts';
import type { Manifests } from './manifests.ts';
import { specOf } from './metadata.ts';
import { type PartitionColumn, partitionColumns } from './partition.ts';
import { mayContain } from './partition-summary.ts';
import type { TableMetadata } from './spec.ts';

/**
 * URLs of data files that these snapshots name and none of the table's others does. Exact: every list is read, and every
 * manifest that one of the files may stand in.
 */
export async function* filesOnlyIn(
  manifests: Manifests,
  metadata: TableMetadata,
  snapshotIDs: ReadonlySet<string>,
): AsyncGenerator<string> {
  const { snapshots = [] } = metadata;
  const isGoing = (id: unknown) => snapshotIDs.has(String(id));
  const going = snapshots.filter((snapshot) => isGoing(snapshot['snapshot-id']));
  if (going.length === 0) return;
  const staying = snapshots.filter((snapshot) => !isGoing(snapshot['snapshot-id']));
  const kept = await dataManifests(manifests, staying);
  const left = [...(await dataManifests(manifests, going))].filter(([path]) => !kept.has(path)).map(([, one]) => one);

  const files = new Map<string, Candidate>();
  for await (const { manifest, entries } of manifests.read(left, (id) => specOf(metadata, id))) {
    for (const entry of liveOf(entries)) files.set(entry.file.file_path, { entry, specID: manifest.specID });
  }
  const columns = new Map(metadata['partition-specs'].map((spec) => [spec['spec-id'], columnsOf(metadata, spec)]));
  const candidates = [...files.values()];
  const suspects = [...kept.values()].filter((manifest) =>
    candidates.some((file) => mayHold(manifest, file, columns.get(manifest.specID) ?? [])),
  );
  for await (const { entries } of manifests.read(suspects, (id) => specOf(metadata, id))) {
    for (const { file } of liveOf(entries)) files.delete(file.file_path);
  }
  yield* files.keys();
}

interface Candidate {
  readonly entry: ManifestEntry;
  readonly specID: number;
}

/** By path: snapshots share most of them. */
async function dataManifests(
  manifests: Manifests,
  snapshots: TableMetadata['snapshots'] = [],
): Promise<Map<string, ManifestFile>> {
  const found = new Map<string, ManifestFile>();
  for await (const list of manifests.lists(snapshots)) {
    for (const manifest of list) if (manifest.content === 'data') found.set(manifest.path, manifest);
  }
  return found;
}

function liveOf(entries: readonly ManifestEntry[]): readonly ManifestEntry[] {
  return entries.filter(({ status }) => status !== 'deleted');
}

/** A file keeps its spec, its partition and its sequence number wherever it is listed. */
function mayHold(
  manifest: ManifestFile,
  { entry: { sequence = 0, file }, specID }: Candidate,
  columns: readonly PartitionColumn[],
): boolean {
  if (manifest.specID !== specID) return false;
  if (sequence < manifest.minSequence || sequence > manifest.sequence) return false;
  return mayContain(manifest.partitions, columns, file.partition);
}

function columnsOf(metadata: TableMetadata, spec: TableMetadata['partition-specs'][number]): PartitionColumn[] {
  return partitionColumns(spec, metadata.schemas.toReversed());
}
