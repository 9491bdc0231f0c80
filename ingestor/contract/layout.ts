/**
 * What a table fixes about its data files, and what it keeps about each of them. Both travel in documents: the layout
 * in a run's plan, the facts from a shard's receipt to the table.
 */
import { type Static, Type } from 'typebox';
import { PartitionField } from './task.ts';

const count = Type.Integer({ minimum: 0 });

/**
 * A value of a partition, or null. Numbers are 32-bit integers (also days, months, years and hours since 1970, and
 * buckets) and doubles; 64-bit integers, and microseconds since 1970 of a timestamp, are text of decimal digits.
 */
export const PartitionValue = Type.Union([Type.Null(), Type.Boolean(), Type.Number(), Type.String()]);
export type PartitionValue = Static<typeof PartitionValue>;

export const TableLayout = Type.Object({
  /**
   * Field ids by path: dots separate, `\.` is a dot in a name, `\\` a backslash; a list's items are `<path>.element`,
   * a map's parts `<path>.key` and `<path>.value`. Every column of the schema has one. Empty in a table whose format has no ids.
   */
  fieldIDs: Type.Record(Type.String(), Type.Integer({ minimum: 1 })),
  partitionBy: Type.Array(PartitionField),
  /** Paths of fields, ascending, nulls first. */
  sortBy: Type.Array(Type.String()),
});
export type TableLayout = Static<typeof TableLayout>;

/** Of one leaf column in one file. Bounds are Iceberg's single-value serialization in base64; absent: not known. */
export const ColumnMetrics = Type.Object({
  id: Type.Integer({ minimum: 1 }),
  /** Stored bytes of all its pages. */
  bytes: count,
  /** Values, nulls and nested ones included. */
  values: count,
  nulls: count,
  /** Of float columns. */
  nans: Type.Optional(count),
  lower: Type.Optional(Type.String()),
  upper: Type.Optional(Type.String()),
});
export type ColumnMetrics = Static<typeof ColumnMetrics>;

/** Absent members are not known; `partition` is absent in a table without partitions. */
export const DataFileFacts = Type.Object({
  /** One value for each field of the layout's `partitionBy`. */
  partition: Type.Optional(Type.Array(PartitionValue)),
  columns: Type.Optional(Type.Array(ColumnMetrics)),
  /** Byte offsets of the row groups, ascending. */
  splitOffsets: Type.Optional(Type.Array(count)),
  /** True when the rows are in the layout's order. */
  sorted: Type.Optional(Type.Boolean()),
});
export type DataFileFacts = Static<typeof DataFileFacts>;
