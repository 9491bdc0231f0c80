/** Manifests: lists of data files with what is known about each. */
import type { AvroRecord, AvroSchema } from './avro.ts';
import { readAvro, writeAvro } from './avro.ts';
import {
  avroName,
  avroType,
  type FieldTable,
  fieldsOf,
  fieldType,
  intMap,
  isObject,
  list,
  optional,
  record,
  renameBy,
  required,
} from './avro-fields.ts';
import { printJSON } from './json.ts';
import type { ManifestFile } from './manifest-list.ts';
import { type PartitionColumn, partitionColumns } from './partition.ts';
import type { IcebergSchema, Long, PartitionSpec } from './spec.ts';
import type { SingleValue } from './values.ts';

export interface ManifestEntry {
  readonly status: EntryStatus;
  readonly snapshotID: Long;
  /** Absent in an entry to be written: it is the sequence number of the commit, which is not known before. */
  readonly sequence?: Long;
  readonly fileSequence?: Long;
  readonly file: DataFileEntry;
}

export type EntryStatus = 'existing' | 'added' | 'deleted';

type Pairs<V> = readonly { readonly key: number; readonly value: V }[];

/** Members are named as in the specification; null is not known. */
export interface DataFileEntry {
  /** 0: data, 1: position deletes, 2: equality deletes. */
  readonly content: number;
  /** URL. */
  readonly file_path: string;
  readonly file_format: string;
  /** In the order of the spec's fields. */
  readonly partition: readonly SingleValue[];
  readonly record_count: Long;
  readonly file_size_in_bytes: Long;
  readonly column_sizes: Pairs<Long> | null;
  readonly value_counts: Pairs<Long> | null;
  readonly null_value_counts: Pairs<Long> | null;
  readonly nan_value_counts: Pairs<Long> | null;
  readonly lower_bounds: Pairs<Uint8Array> | null;
  readonly upper_bounds: Pairs<Uint8Array> | null;
  readonly key_metadata: Uint8Array | null;
  readonly split_offsets: readonly Long[] | null;
  readonly equality_ids: readonly number[] | null;
  readonly sort_order_id: number | null;
}

const entryFields = {
  status: 0,
  snapshot_id: 1,
  sequence_number: 3,
  file_sequence_number: 4,
  data_file: 2,
} satisfies FieldTable;

const fileFields = {
  content: 134,
  file_path: 100,
  file_format: 101,
  partition: 102,
  record_count: 103,
  file_size_in_bytes: 104,
  column_sizes: 108,
  value_counts: 109,
  null_value_counts: 110,
  nan_value_counts: 137,
  lower_bounds: 125,
  upper_bounds: 128,
  key_metadata: 131,
  split_offsets: 132,
  equality_ids: 135,
  sort_order_id: 140,
} satisfies FieldTable;

const statuses = ['existing', 'added', 'deleted'] as const;

export interface ManifestHeader {
  readonly schema: IcebergSchema;
  readonly spec: PartitionSpec;
  readonly content: 'data' | 'deletes';
}

/** The bytes of a manifest, format version 2. `sync`: 16 random bytes. */
export async function writeManifest(
  { schema, spec, content }: ManifestHeader,
  entries: readonly ManifestEntry[],
  sync: Uint8Array,
): Promise<Uint8Array> {
  const columns = partitionColumns(spec, [schema]);
  const metadata = {
    schema: printJSON(schema),
    'schema-id': String(schema['schema-id']),
    'partition-spec': printJSON(spec.fields),
    'partition-spec-id': String(spec['spec-id']),
    'format-version': '2',
    content,
  };
  const names = columns.map(({ name }) => avroName(name));
  const records = entries.map((entry) => toRecord(entry, names));
  return await writeAvro(entrySchema(columns), metadata, records, sync);
}

/**
 * The entries of a manifest, with what they inherit from the manifest list. `spec` says in which order the values of a
 * partition are wanted. Throws DamagedDocument.
 */
export async function readManifest(
  body: Uint8Array,
  manifest: ManifestFile,
  spec: PartitionSpec,
): Promise<ManifestEntry[]> {
  const { schema, records } = await readAvro(body, manifest.path);
  const fileSchema = fieldType(schema, entryFields.data_file, 'data_file');
  const asEntry = renameBy(schema, entryFields);
  const asFile = renameBy(fileSchema, fileFields);
  const partition = partitionReader(fieldType(fileSchema, fileFields.partition, 'partition'), spec);
  return records.map((one) => {
    const entry = asEntry(one);
    const file = asFile(toObject(entry.data_file));
    return toEntry(entry, { ...file, partition: partition(toObject(file.partition)) }, manifest);
  });
}

function entrySchema(columns: readonly PartitionColumn[]): AvroSchema {
  return record('manifest_entry', [
    required('status', 0, 'int'),
    optional('snapshot_id', 1, 'long'),
    optional('sequence_number', 3, 'long'),
    optional('file_sequence_number', 4, 'long'),
    required('data_file', 2, fileSchema(columns)),
  ]);
}

function fileSchema(columns: readonly PartitionColumn[]): AvroSchema {
  return record('r2', [
    required('content', 134, 'int'),
    required('file_path', 100, 'string'),
    required('file_format', 101, 'string'),
    required('partition', 102, record('r102', columns.map(partitionField))),
    required('record_count', 103, 'long'),
    required('file_size_in_bytes', 104, 'long'),
    optional('column_sizes', 108, intMap(117, 118, 'long')),
    optional('value_counts', 109, intMap(119, 120, 'long')),
    optional('null_value_counts', 110, intMap(121, 122, 'long')),
    optional('nan_value_counts', 137, intMap(138, 139, 'long')),
    optional('lower_bounds', 125, intMap(126, 127, 'bytes')),
    optional('upper_bounds', 128, intMap(129, 130, 'bytes')),
    optional('key_metadata', 131, 'bytes'),
    optional('split_offsets', 132, list(133, 'long')),
    optional('equality_ids', 135, list(136, 'int')),
    optional('sort_order_id', 140, 'int'),
  ]);
}

function partitionField({ id, name, type }: PartitionColumn): AvroSchema {
  const safe = avroName(name);
  const field = { name: safe, type: ['null', avroType(type, `partition_${id}`)], default: null, 'field-id': id };
  return safe === name ? field : { ...field, 'iceberg-field-name': name };
}

function toRecord(entry: ManifestEntry, partitionNames: readonly string[]): AvroRecord {
  const { file } = entry;
  const partition = Object.fromEntries(
    partitionNames.map((name, index) => [name, toBuffer(file.partition[index] ?? null)]),
  );
  return {
    status: statuses.indexOf(entry.status),
    snapshot_id: entry.snapshotID,
    sequence_number: entry.sequence ?? null,
    file_sequence_number: entry.fileSequence ?? null,
    data_file: {
      ...file,
      partition,
      lower_bounds: bytesOf(file.lower_bounds),
      upper_bounds: bytesOf(file.upper_bounds),
    },
  };
}

/** The library takes Node's own kind of bytes only. */
function toBuffer(value: SingleValue): SingleValue {
  return value instanceof Uint8Array ? Buffer.from(value) : value;
}

function bytesOf(pairs: Pairs<Uint8Array> | null): Pairs<Buffer> | null {
  return pairs?.map(({ key, value }) => ({ key, value: Buffer.from(value) })) ?? null;
}

/** Values by the ids of the spec's fields; a field that the file has not is null. */
function partitionReader(schema: unknown, spec: PartitionSpec): (tuple: AvroRecord) => SingleValue[] {
  const written = fieldsOf(schema);
  const names = spec.fields.map(
    (field) =>
      (
        written.find(({ id }) => id === field['field-id']) ??
        written.find(({ id, name }) => id === undefined && name === avroName(field.name))
      )?.name,
  );
  return (tuple) => names.map((name) => toValue(name === undefined ? null : tuple[name]));
}

function toEntry(entry: AvroRecord, file: AvroRecord, manifest: ManifestFile): ManifestEntry {
  const status = statuses[Number(entry.status)] ?? 'existing';
  // Manifests of version 1 name no sequence numbers: theirs are those of the list, which are 0.
  const inherits = status === 'added' || BigInt(manifest.sequence) === 0n;
  const inherited = inherits ? manifest.sequence : 0;
  return {
    status,
    snapshotID: longOr(entry.snapshot_id, manifest.addedSnapshotID),
    sequence: longOr(entry.sequence_number, inherited),
    fileSequence: longOr(entry.file_sequence_number, inherited),
    file: {
      content: Number(file.content ?? 0),
      file_path: String(file.file_path),
      file_format: String(file.file_format),
      partition: Array.isArray(file.partition) ? file.partition.map(toValue) : [],
      record_count: longOr(file.record_count, 0),
      file_size_in_bytes: longOr(file.file_size_in_bytes, 0),
      column_sizes: longPairs(file.column_sizes),
      value_counts: longPairs(file.value_counts),
      null_value_counts: longPairs(file.null_value_counts),
      nan_value_counts: longPairs(file.nan_value_counts),
      lower_bounds: bytePairs(file.lower_bounds),
      upper_bounds: bytePairs(file.upper_bounds),
      key_metadata: file.key_metadata instanceof Uint8Array ? file.key_metadata : null,
      split_offsets: Array.isArray(file.split_offsets) ? file.split_offsets.map((one) => longOr(one, 0)) : null,
      equality_ids: Array.isArray(file.equality_ids) ? file.equality_ids.map(Number) : null,
      sort_order_id: typeof file.sort_order_id === 'number' ? file.sort_order_id : null,
    },
  };
}

function longOr(value: unknown, otherwise: Long): Long {
  return typeof value === 'number' || typeof value === 'bigint' ? value : otherwise;
}

function toValue(value: unknown): SingleValue {
  if (value instanceof Uint8Array) return value;
  if (typeof value === 'string' || typeof value === 'number' || typeof value === 'bigint') return value;
  return typeof value === 'boolean' ? value : null;
}

function longPairs(value: unknown): Pairs<Long> | null {
  return pairsOf(value, (one) => longOr(one, 0));
}

function bytePairs(value: unknown): Pairs<Uint8Array> | null {
  return pairsOf(value, (one) => (one instanceof Uint8Array ? one : new Uint8Array()));
}

function pairsOf<V>(value: unknown, convert: (one: unknown) => V): Pairs<V> | null {
  if (!Array.isArray(value)) return null;
  return value.filter(isObject).map((pair) => ({ key: Number(pair.key), value: convert(pair.value) }));
}

function toObject(value: unknown): AvroRecord {
  return isObject(value) ? value : {};
}
