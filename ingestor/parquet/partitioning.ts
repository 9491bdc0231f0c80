/** Which partition each row goes to. */
import type { PartitionValue, TableLayout } from '../contract/layout.ts';
import type { PartitionField } from '../contract/task.ts';
import { createTransform, type Transform } from '../engine/transforms.ts';
import type { ColumnSet } from '../kernel/columnset.ts';
import type { Shape } from '../kernel/shape.ts';
import { leafAt } from './fields.ts';

/** Rows of one partition that wait to be written. */
export interface PartitionRows {
  /** Of each field of the layout's `partitionBy`; undefined in a table without partitions. */
  readonly values: readonly PartitionValue[] | undefined;
  readonly count: number;
  /** Ascending; undefined: all rows. */
  readonly rows: Uint32Array | undefined;
}

/** The partitions of all rows, in the order in which they first come. */
export type Partitioner = (columns: ColumnSet) => PartitionRows[];

/** Throws Error for a layout that is not of these columns. */
export function createPartitioner(shape: Shape, layout: TableLayout | undefined): Partitioner {
  const fields = (layout?.partitionBy ?? []).map((field) => {
    const { index, type } = leafAt(shape, field.field);
    return { leaf: index, transform: createTransform(field, type), isCached: !isOfTime(field) };
  });
  if (fields.length === 0)
    return ({ rows }) => (rows === 0 ? [] : [{ values: undefined, count: rows, rows: undefined }]);
  return (columns) => {
    const numberings = fields.map(({ leaf, transform, isCached }) => {
      const read = columns.reader(leaf);
      return isCached ? numberByValue(columns.rows, read, transform) : numberByResult(columns.rows, read, transform);
    });
    return groupRows(numberings.reduce(combine));
  };
}

/** Quick to compute, and of values that seldom come again; the others are computed once for each value. */
function isOfTime({ transform }: PartitionField): boolean {
  return transform === 'Year' || transform === 'Month' || transform === 'Day' || transform === 'Hour';
}

type Read = (row: number) => unknown;

/** Each row's partition by its number; numbers are in the order in which partitions first come. */
interface Numbering {
  readonly ofRow: Uint32Array;
  readonly partitions: (readonly PartitionValue[])[];
}

function numberByResult(rows: number, read: Read, transform: Transform): Numbering {
  const numbers = new Map<PartitionValue, number>();
  const partitions: (readonly PartitionValue[])[] = [];
  const ofRow = new Uint32Array(rows);
  for (let row = 0; row < rows; row += 1) {
    const value = transform(read(row));
    let number = numbers.get(value);
    if (number === undefined) {
      number = partitions.push([value]) - 1;
      numbers.set(value, number);
    }
    ofRow[row] = number;
  }
  return { ofRow, partitions };
}

function numberByValue(rows: number, read: Read, transform: Transform): Numbering {
  const results = new Map<unknown, PartitionValue>();
  const cached: Transform = (value) => {
    const known = results.get(value);
    if (known !== undefined) return known;
    const result = transform(value);
    results.set(value, result);
    return result;
  };
  return numberByResult(rows, read, cached);
}

function combine(first: Numbering, second: Numbering): Numbering {
  const numbers = new Map<number, number>();
  const partitions: (readonly PartitionValue[])[] = [];
  const ofRow = first.ofRow.map((one, row) => {
    const other = second.ofRow[row] ?? 0;
    const both = one * second.partitions.length + other;
    const known = numbers.get(both);
    if (known !== undefined) return known;
    const number = partitions.push([...(first.partitions[one] ?? []), ...(second.partitions[other] ?? [])]) - 1;
    numbers.set(both, number);
    return number;
  });
  return { ofRow, partitions };
}

function groupRows({ ofRow, partitions }: Numbering): PartitionRows[] {
  const [only] = partitions;
  if (only && partitions.length === 1) return [{ values: only, count: ofRow.length, rows: undefined }];
  const counts = new Uint32Array(partitions.length);
  for (const number of ofRow) counts[number] = (counts[number] ?? 0) + 1;
  let end = 0;
  const ends = counts.map((count) => (end += count));
  const rows = new Uint32Array(ofRow.length);
  const next = ends.map((one, number) => one - (counts[number] ?? 0));
  for (let row = 0; row < ofRow.length; row += 1) {
    const number = ofRow[row] ?? 0;
    const at = next[number] ?? 0;
    rows[at] = row;
    next[number] = at + 1;
  }
  return partitions.map((values, number) => {
    const [count, stop] = [counts[number] ?? 0, ends[number] ?? 0];
    return { values, count, rows: rows.subarray(stop - count, stop) };
  });
}
