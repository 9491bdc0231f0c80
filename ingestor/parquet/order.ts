/** The order of rows within a file: ascending as Iceberg has it, nulls first, NaN last, text by its UTF-8 bytes. */
import type { TableLayout } from '../contract/layout.ts';
import type { ColumnSet } from '../kernel/columnset.ts';
import type { Shape } from '../kernel/shape.ts';
import { leafAt } from './fields.ts';

export class RowOrder {
  /** First by the values of the first one. */
  readonly leaves: readonly number[];

  /** Throws Error for a layout that is not of these columns. */
  constructor(shape: Shape, { sortBy }: TableLayout) {
    this.leaves = sortBy.map((path) => leafAt(shape, path).index);
  }

  /** Reads the values that rows are sorted by. Good until rows are added or dropped. */
  read(columns: ColumnSet): OrderedRows {
    return new OrderedRows(columns, this.leaves);
  }
}

/** Values of one row, one for each leaf of the order. */
export type SortValues = readonly unknown[];

export class OrderedRows {
  readonly #count: number;
  readonly #values: readonly (readonly unknown[])[];
  /** Numbers that are in the order of the values. */
  readonly #ranks: readonly Float64Array[];

  constructor(columns: ColumnSet, leaves: readonly number[]) {
    const { rows } = columns;
    this.#count = rows;
    this.#values = leaves.map((leaf) => {
      const read = columns.reader(leaf);
      return Array.from({ length: rows }, (_, row) => read(row));
    });
    this.#ranks = this.#values.map(rankValues);
  }

  /** These rows (undefined: all) in order; equal ones stay as they came. Undefined: all, as they are. */
  sort(rows: Uint32Array | undefined): Uint32Array | undefined {
    const comesAfter = comparison(this.#ranks);
    const all = rows ?? Uint32Array.from({ length: this.#count }, (_, row) => row);
    return isSorted(all, comesAfter) ? rows : mergeSort(all, comesAfter);
  }

  valuesOf(row: number): SortValues {
    return this.#values.map((values) => values[row]);
  }
}

/** Negative when a row of these values comes before one of those. */
export function compareRows(a: SortValues, b: SortValues): number {
  for (const [index, value] of a.entries()) {
    const order = compareValues(value, b[index]);
    if (order !== 0) return order;
  }
  return 0;
}

function rankValues(values: readonly unknown[]): Float64Array {
  return ranksOfNumbers(values) ?? ranksOfDistinct(values);
}

/** Numbers are their own ranks, unless among them are some that operators do not order. */
function ranksOfNumbers(values: readonly unknown[]): Float64Array | undefined {
  const ranks = new Float64Array(values.length);
  for (let row = 0; row < values.length; row += 1) {
    const value = values[row];
    if (value === null) ranks[row] = Number.NEGATIVE_INFINITY;
    else if (typeof value === 'number' && Number.isFinite(value) && !Object.is(value, -0)) ranks[row] = value;
    else return undefined;
  }
  return ranks;
}

function ranksOfDistinct(values: readonly unknown[]): Float64Array {
  const distinct = new Map<unknown, unknown>();
  for (const value of values) distinct.set(keyOf(value), value);
  const ranks = new Map(inOrder([...distinct.values()]).map((value, rank) => [keyOf(value), rank]));
  return Float64Array.from(values, (value) => ranks.get(keyOf(value)) ?? 0);
}

function inOrder(values: readonly unknown[]): unknown[] {
  const [nulls, others] = [values.filter((value) => value === null), values.filter((value) => value !== null)];
  // Without a comparing function texts are sorted by UTF-16 units, twice as fast.
  const isPlain = others.every((value) => typeof value === 'string' && !pastSurrogates.test(value));
  return [...nulls, ...(isPlain ? others.sort() : others.sort(compareValues))];
}

/** Units from which on the order of UTF-16 is not that of UTF-8. */
const pastSurrogates = /[\ud800-\uffff]/;

const negativeZero = Symbol('-0');

/** Maps take the two zeros for one. */
function keyOf(value: unknown): unknown {
  return Object.is(value, -0) ? negativeZero : value;
}

/** Whether one row has its place after another. */
type ComesAfter = (a: number, b: number) => boolean;

function comparison(ranks: readonly Float64Array[]): ComesAfter {
  const [first, ...others] = ranks;
  if (!first) return () => false;
  if (others.length === 0) return (a, b) => (first[a] ?? 0) > (first[b] ?? 0);
  return (a, b) => {
    for (const rank of ranks) {
      const difference = (rank[a] ?? 0) - (rank[b] ?? 0);
      // Of two nulls it is NaN.
      if (difference < 0 || difference > 0) return difference > 0;
    }
    return false;
  };
}

function isSorted(rows: Uint32Array, comesAfter: ComesAfter): boolean {
  for (let at = 1; at < rows.length; at += 1) if (comesAfter(rows[at - 1] ?? 0, rows[at] ?? 0)) return false;
  return true;
}

/** From this length on copying as a whole is worth a look at where two runs meet. */
const longRun = 64;

/** Several times as fast as sorting through a comparing function, and stable. */
function mergeSort(rows: Uint32Array, comesAfter: ComesAfter): Uint32Array {
  const { length } = rows;
  let [from, to] = [rows.slice(), new Uint32Array(length)];
  for (let width = 1; width < length; width *= 2) {
    for (let start = 0; start < length; start += 2 * width) {
      const [middle, end] = [Math.min(start + width, length), Math.min(start + 2 * width, length)];
      const isInOrder = width >= longRun && !comesAfter(from[middle - 1] ?? 0, from[middle] ?? 0);
      if (isInOrder) to.set(from.subarray(start, end), start);
      else merge(from, start, middle, end, to, comesAfter);
    }
    [from, to] = [to, from];
  }
  return from;
}

function merge(
  from: Uint32Array,
  start: number,
  middle: number,
  end: number,
  to: Uint32Array,
  comesAfter: ComesAfter,
): void {
  let [left, right] = [start, middle];
  for (let at = start; at < end; at += 1) {
    const takeRight = left === middle || (right < end && comesAfter(from[left] ?? 0, from[right] ?? 0));
    to[at] = (takeRight ? from[right] : from[left]) ?? 0;
    if (takeRight) right += 1;
    else left += 1;
  }
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
