/** Data files as the table's interface tells of them, and as manifests do. */
import type { ColumnMetrics } from '../../contract/layout.ts';
import type { TableFile } from '../table.ts';
import type { DataFileEntry } from './manifest.ts';
import { currentSchema } from './metadata.ts';
import { type PartitionColumn, partitionColumns } from './partition.ts';
import type { Places } from './places.ts';
import { walkSchema } from './schema.ts';
import type { Long, PartitionSpec, TableMetadata } from './spec.ts';
import { fromPartitionValue, type SingleValue, toPartitionValue } from './values.ts';

/** Of wider tables only so many columns have bounds and counts, beside those that readers look for files by. */
const measuredColumns = 100;

/** What data files are described by. */
export interface FileContext {
  readonly places: Places;
  readonly columns: readonly PartitionColumn[];
  readonly measured: ReadonlySet<number>;
  /** Of files whose rows are in the table's order. */
  readonly sortOrderID: number;
}

export function fileContext(metadata: TableMetadata, spec: PartitionSpec, places: Places): FileContext {
  return {
    places,
    columns: partitionColumns(spec, [currentSchema(metadata), ...metadata.schemas]),
    measured: measuredIDs(metadata, spec),
    sortOrderID: sortOrderID(metadata),
  };
}

export function toDataFile(file: TableFile, { places, columns, measured, sortOrderID }: FileContext): DataFileEntry {
  const { partition = [] } = file;
  if (partition.length !== columns.length) {
    throw new TypeError(`${file.key} has ${partition.length} partition values, the table has ${columns.length}`);
  }
  const metrics = (file.columns ?? []).filter(({ id }) => measured.has(id));
  return {
    content: 0,
    file_path: places.toURL(file.key),
    file_format: 'PARQUET',
    partition: partition.map((value, index) => fromPartitionValue(value, columns[index]?.type ?? 'string')),
    record_count: file.rows,
    file_size_in_bytes: file.bytes,
    column_sizes: pairs(metrics, ({ bytes }) => bytes),
    value_counts: pairs(metrics, ({ values }) => values),
    null_value_counts: pairs(metrics, ({ nulls }) => nulls),
    nan_value_counts: pairs(metrics, ({ nans }) => nans),
    lower_bounds: pairs(metrics, ({ lower }) => fromBase64(lower)),
    upper_bounds: pairs(metrics, ({ upper }) => fromBase64(upper)),
    key_metadata: null,
    split_offsets: file.splitOffsets ?? null,
    equality_ids: null,
    sort_order_id: file.sorted ? sortOrderID : 0,
  };
}

export function toTableFile(file: DataFileEntry, { places, columns, sortOrderID }: FileContext): TableFile {
  const metrics = columnMetrics(file);
  return {
    key: places.toKey(file.file_path) ?? file.file_path,
    rows: Number(file.record_count),
    bytes: Number(file.file_size_in_bytes),
    ...(columns.length === 0 ? {} : { partition: columns.map((column, index) => partitionValue(file, column, index)) }),
    ...(metrics.length === 0 ? {} : { columns: metrics }),
    ...(file.split_offsets === null ? {} : { splitOffsets: file.split_offsets.map(Number) }),
    ...(sortOrderID === 0 ? {} : { sorted: file.sort_order_id === sortOrderID }),
  };
}

/** Columns in the schema's order, those of partitions, of the sort order and of the rows' identity. */
function measuredIDs(metadata: TableMetadata, spec: PartitionSpec): ReadonlySet<number> {
  const schema = currentSchema(metadata);
  const leaves = [...walkSchema(schema)].filter(({ type }) => typeof type === 'string');
  return new Set([
    ...leaves.slice(0, measuredColumns).map(({ id }) => id),
    ...spec.fields.map((field) => field['source-id']),
    ...metadata['sort-orders'].flatMap(({ fields }) => fields.map((field) => field['source-id'])),
    ...(schema['identifier-field-ids'] ?? []),
  ]);
}

/** A run may have been planned under an earlier order, so files are called sorted where there was only ever one. */
function sortOrderID(metadata: TableMetadata): number {
  const orders = metadata['sort-orders'].filter((order) => order['order-id'] !== 0);
  return orders.length === 1 ? metadata['default-sort-order-id'] : 0;
}

function partitionValue(file: DataFileEntry, { type }: PartitionColumn, index: number) {
  const value: SingleValue = file.partition[index] ?? null;
  return toPartitionValue(value, type);
}

function columnMetrics(file: DataFileEntry): ColumnMetrics[] {
  const [bytes, nulls, nans] = [file.column_sizes, file.null_value_counts, file.nan_value_counts].map(numbers);
  const [lower, upper] = [file.lower_bounds, file.upper_bounds].map(base64);
  return [...numbers(file.value_counts)].map(([id, values]) => {
    const column: ColumnMetrics = { id, bytes: bytes?.get(id) ?? 0, values, nulls: nulls?.get(id) ?? 0 };
    const more = { nans: nans?.get(id), lower: lower?.get(id), upper: upper?.get(id) };
    return { ...column, ...present(more) };
  });
}

function numbers(pairs: readonly { key: number; value: Long }[] | null): Map<number, number> {
  return new Map((pairs ?? []).map(({ key, value }) => [key, Number(value)]));
}

function base64(pairs: readonly { key: number; value: Uint8Array }[] | null): Map<number, string> {
  return new Map((pairs ?? []).map(({ key, value }) => [key, Buffer.from(value).toString('base64')]));
}

function fromBase64(text: string | undefined): Uint8Array | undefined {
  return text === undefined ? undefined : Buffer.from(text, 'base64');
}

/** Without the members that are undefined. */
function present<T extends object>(members: T): { [K in keyof T]?: Exclude<T[K], undefined> };
function present(members: object): object {
  return Object.fromEntries(Object.entries(members).filter(([, value]) => value !== undefined));
}

/** Null rather than no pairs: nothing is known then. */
function pairs<V>(metrics: readonly ColumnMetrics[], get: (column: ColumnMetrics) => V | undefined) {
  const found = metrics.flatMap((column) => {
    const value = get(column);
    return value === undefined ? [] : [{ key: column.id, value }];
  });
  return found.length === 0 ? null : found;
}
