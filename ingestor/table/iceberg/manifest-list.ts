/** Manifest lists: the manifests that are one snapshot. */
import type { AvroRecord } from './avro.ts';
import { readAvro, writeAvro } from './avro.ts';
import {
  type FieldTable,
  fieldType,
  isObject,
  itemsOf,
  list,
  optional,
  record,
  renameBy,
  required,
} from './avro-fields.ts';
import type { Long, Snapshot } from './spec.ts';

/** A manifest as a list tells of it. */
export interface ManifestFile {
  /** URL. */
  readonly path: string;
  /** Bytes. */
  readonly length: Long;
  readonly specID: number;
  readonly content: 'data' | 'deletes';
  /** 0 in lists of version 1. */
  readonly sequence: Long;
  readonly minSequence: Long;
  readonly addedSnapshotID: Long;
  /** Absent where an older writer did not count. */
  readonly files?: EntryCounts;
  readonly rows?: EntryCounts;
  /** One for each field of the spec; absent: not known. */
  readonly partitions?: readonly PartitionSummary[];
  readonly keyMetadata?: Uint8Array;
}

export interface EntryCounts {
  readonly added: Long;
  readonly existing: Long;
  readonly deleted: Long;
}

/** Bounds in single-value serialization, of the values that are neither null nor NaN. */
export interface PartitionSummary {
  readonly containsNull: boolean;
  readonly containsNaN?: boolean;
  readonly lower?: Uint8Array;
  readonly upper?: Uint8Array;
}

const listFields = {
  manifest_path: 500,
  manifest_length: 501,
  partition_spec_id: 502,
  content: 517,
  sequence_number: 515,
  min_sequence_number: 516,
  added_snapshot_id: 503,
  added_files_count: 504,
  existing_files_count: 505,
  deleted_files_count: 506,
  added_rows_count: 512,
  existing_rows_count: 513,
  deleted_rows_count: 514,
  partitions: 507,
  key_metadata: 519,
} satisfies FieldTable;

const summaryFields = {
  contains_null: 509,
  contains_nan: 518,
  lower_bound: 510,
  upper_bound: 511,
} satisfies FieldTable;

const summarySchema = record('r508', [
  required('contains_null', 509, 'boolean'),
  optional('contains_nan', 518, 'boolean'),
  optional('lower_bound', 510, 'bytes'),
  optional('upper_bound', 511, 'bytes'),
]);

const listSchema = record('manifest_file', [
  required('manifest_path', 500, 'string'),
  required('manifest_length', 501, 'long'),
  required('partition_spec_id', 502, 'int'),
  required('content', 517, 'int'),
  required('sequence_number', 515, 'long'),
  required('min_sequence_number', 516, 'long'),
  required('added_snapshot_id', 503, 'long'),
  required('added_files_count', 504, 'int'),
  required('existing_files_count', 505, 'int'),
  required('deleted_files_count', 506, 'int'),
  required('added_rows_count', 512, 'long'),
  required('existing_rows_count', 513, 'long'),
  required('deleted_rows_count', 514, 'long'),
  optional('partitions', 507, list(508, summarySchema)),
  optional('key_metadata', 519, 'bytes'),
]);

/** The bytes of a snapshot's list, format version 2. `sync`: 16 random bytes. */
export async function writeManifestList(
  snapshot: Pick<Snapshot, 'snapshot-id' | 'parent-snapshot-id' | 'sequence-number'>,
  manifests: readonly ManifestFile[],
  sync: Uint8Array,
): Promise<Uint8Array> {
  const metadata = {
    'snapshot-id': String(snapshot['snapshot-id']),
    'parent-snapshot-id': String(snapshot['parent-snapshot-id'] ?? 'null'),
    'sequence-number': String(snapshot['sequence-number']),
    'format-version': '2',
  };
  return await writeAvro(listSchema, metadata, manifests.map(toRecord), sync);
}

/** Throws DamagedDocument. `name`: its URL. */
export async function readManifestList(body: Uint8Array, name: string): Promise<ManifestFile[]> {
  const { schema, records } = await readAvro(body, name);
  const rename = renameBy(schema, listFields);
  const renameSummary = renameBy(itemsOf(fieldType(schema, listFields.partitions, 'partitions')), summaryFields);
  return records.map((one) => toManifest(rename(one), renameSummary));
}

/** Whether any file of it is part of the snapshot; also when nobody counted. */
export function hasLiveFiles({ files }: ManifestFile): boolean {
  return files === undefined || Number(files.added) + Number(files.existing) > 0;
}

/** Where nobody counted, no reader may pass the manifest over. */
const unknownFiles: EntryCounts = { added: 0, existing: 1, deleted: 1 };
const unknownRows: EntryCounts = { added: 0, existing: 0, deleted: 0 };

function toRecord(manifest: ManifestFile): AvroRecord {
  const { files = unknownFiles, rows = unknownRows } = manifest;
  return {
    manifest_path: manifest.path,
    manifest_length: manifest.length,
    partition_spec_id: manifest.specID,
    content: manifest.content === 'data' ? 0 : 1,
    sequence_number: manifest.sequence,
    min_sequence_number: manifest.minSequence,
    added_snapshot_id: manifest.addedSnapshotID,
    added_files_count: files.added,
    existing_files_count: files.existing,
    deleted_files_count: files.deleted,
    added_rows_count: rows.added,
    existing_rows_count: rows.existing,
    deleted_rows_count: rows.deleted,
    partitions: manifest.partitions?.map(summaryRecord) ?? null,
    key_metadata: toBuffer(manifest.keyMetadata),
  };
}

function summaryRecord({ containsNull, containsNaN, lower, upper }: PartitionSummary): AvroRecord {
  return {
    contains_null: containsNull,
    contains_nan: containsNaN ?? null,
    lower_bound: toBuffer(lower),
    upper_bound: toBuffer(upper),
  };
}

function toBuffer(bytes: Uint8Array | undefined): Buffer | null {
  return bytes === undefined ? null : Buffer.from(bytes);
}

function toManifest(one: AvroRecord, renameSummary: (record: AvroRecord) => AvroRecord): ManifestFile {
  const files = counts(one.added_files_count, one.existing_files_count, one.deleted_files_count);
  const rows = counts(one.added_rows_count, one.existing_rows_count, one.deleted_rows_count);
  const partitions = Array.isArray(one.partitions)
    ? one.partitions.filter(isObject).map((summary) => toSummary(renameSummary(summary)))
    : undefined;
  return {
    path: String(one.manifest_path),
    length: long(one.manifest_length) ?? 0,
    specID: Number(one.partition_spec_id ?? 0),
    content: Number(one.content ?? 0) === 1 ? 'deletes' : 'data',
    sequence: long(one.sequence_number) ?? 0,
    minSequence: long(one.min_sequence_number) ?? 0,
    addedSnapshotID: long(one.added_snapshot_id) ?? 0,
    ...(files === undefined ? {} : { files }),
    ...(rows === undefined ? {} : { rows }),
    ...(partitions === undefined ? {} : { partitions }),
    ...(one.key_metadata instanceof Uint8Array ? { keyMetadata: one.key_metadata } : {}),
  };
}

function toSummary(one: AvroRecord): PartitionSummary {
  return {
    containsNull: one.contains_null === true,
    ...(typeof one.contains_nan === 'boolean' ? { containsNaN: one.contains_nan } : {}),
    ...(one.lower_bound instanceof Uint8Array ? { lower: one.lower_bound } : {}),
    ...(one.upper_bound instanceof Uint8Array ? { upper: one.upper_bound } : {}),
  };
}

function counts(added: unknown, existing: unknown, deleted: unknown): EntryCounts | undefined {
  const [a, e, d] = [long(added), long(existing), long(deleted)];
  return a === undefined || e === undefined || d === undefined ? undefined : { added: a, existing: e, deleted: d };
}

function long(value: unknown): Long | undefined {
  return typeof value === 'number' || typeof value === 'bigint' ? value : undefined;
}
