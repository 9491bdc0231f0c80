/** Which partition a row goes to, and the order of rows within a file. */
import type { PartitionValue, TableLayout } from '../contract/layout.ts';
import type { Column } from '../engine/schema.ts';
import { createTransform } from '../engine/transforms.ts';
import { fieldReader } from './fields.ts';

type Row = readonly unknown[];

/** One value for each field of the layout's `partitionBy`. */
export type Partitioner = (row: Row) => PartitionValue[];

/** Undefined where there is one partition. Throws for a layout that is not of these columns. */
export function createPartitioner(columns: readonly Column[], { partitionBy }: TableLayout): Partitioner | undefined {
  if (partitionBy.length === 0) return undefined;
  const fields = partitionBy.map((field) => {
    const { type, read } = fieldReader(columns, field.field);
    return { read, transform: createTransform(field, type) };
  });
  return (row) => fields.map(({ read, transform }) => transform(read(row)));
}

export type CompareRows = (a: Row, b: Row) => number;

/** Undefined where rows are in no order. Ascending as Iceberg has it: nulls first, NaN last, text by its UTF-8 bytes. */
export function createOrder(columns: readonly Column[], { sortBy }: TableLayout): CompareRows | undefined {
  if (sortBy.length === 0) return undefined;
  const fields = sortBy.map((path) => fieldReader(columns, path));
  return (a, b) => {
    for (const { read } of fields) {
      const order = compareValues(read(a), read(b));
      if (order !== 0) return order;
    }
    return 0;
  };
}

function compareValues(a: unknown, b: unknown): number {
  const [noA, noB] = [a === null || a === undefined, b === null || b === undefined];
  if (noA || noB) return Number(noB) - Number(noA);
  if (typeof a === 'string' && typeof b === 'string') return compareText(a, b);
  if (typeof a === 'boolean' || typeof b === 'boolean') return Number(a) - Number(b);
  return compareNumbers(a, b);
}

/** Of either kind. */
function compareNumbers(a: unknown, b: unknown): number {
  if (!isNumber(a) || !isNumber(b)) return 0;
  if (a < b) return -1;
  if (a > b) return 1;
  // Equal, or NaN is among them; the negative zero is below the other one.
  const [nanA, nanB] = [Number.isNaN(a), Number.isNaN(b)];
  if (nanA || nanB) return Number(nanA) - Number(nanB);
  return a === 0 && b === 0 ? Number(Object.is(b, -0)) - Number(Object.is(a, -0)) : 0;
}

function isNumber(value: unknown): value is number | bigint {
  return typeof value === 'number' || typeof value === 'bigint';
}

/** By UTF-8 bytes, which is by code points; JavaScript's own comparison is by UTF-16 units. */
function compareText(a: string, b: string): number {
  const length = Math.min(a.length, b.length);
  for (let at = 0; at < length; at += 1) {
    const [left, right] = [a.charCodeAt(at), b.charCodeAt(at)];
    if (left !== right) return rankOf(left) - rankOf(right);
  }
  return a.length - b.length;
}

/** Halves of surrogate pairs stand for the characters past U+FFFF, so they come after all others. */
function rankOf(unit: number): number {
  if (unit < 0xd800) return unit;
  return unit < 0xe000 ? unit + 0x2000 : unit - 0x800;
}
