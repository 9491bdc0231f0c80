/**
 * What a table keeps about the columns of a data file, gathered from its row groups as they are written. Counts and bounds
 * are those of the Iceberg specification (appendix D: single-value serialization, which for all our types is what `PLAIN`
 * gives).
 */
import type { ColumnMetrics, TableLayout } from '../contract/layout.ts';
import { parsePath } from '../engine/mapping.ts';
import type { LeafType, Shape, ShapeLeaf } from '../kernel/shape.ts';
import { compareBounds, cutLower, cutUpper } from './bounds.ts';
import type { EncodedColumn } from './encoded.ts';
import { type FieldID, formatPath } from './fields.ts';

/** A leaf whose metrics are kept; undefined for one whose are not. */
export type MeasuredLeaf = (ShapeLeaf & { readonly id: number }) | undefined;

/** As many columns as Iceberg's own writers measure by default: a table's metadata holds all of this for each file. */
export const mostMeasured = 100;
/** Those by which rows are found and expire. */
const alwaysMeasured = ['_id', 'timestamp'];

/** The first `most` leaves, and those that rows are placed, sorted or named by: one entry for each leaf of the file. */
export function measuredLeaves(
  shape: Shape,
  layout: TableLayout | undefined,
  idOf: FieldID,
  most: number,
): readonly MeasuredLeaf[] {
  const named = [
    ...(layout?.partitionBy ?? []).map(({ field }) => field),
    ...(layout?.sortBy ?? []),
    ...alwaysMeasured,
  ];
  const always = new Set(named.map((path) => formatPath(parsePath(path))));
  return shape.leaves.map((leaf, index) => {
    const id = idOf(leaf.path);
    if (id === undefined || (index >= most && !always.has(formatPath(leaf.path)))) return undefined;
    return { ...leaf, id };
  });
}

/** Adds up the row groups of one file. */
export class FileMetrics {
  readonly #leaves: readonly MeasuredLeaf[];
  readonly #columns: ColumnSum[];

  constructor(leaves: readonly MeasuredLeaf[]) {
    this.#leaves = leaves;
    this.#columns = leaves.map((leaf) => new ColumnSum(leaf?.type ?? 'string'));
  }

  /** `bytes`: as stored, of all its pages. */
  add(leaf: number, column: EncodedColumn, bytes: number): void {
    if (this.#leaves[leaf]) this.#columns[leaf]?.add(column, bytes);
  }

  columns(): ColumnMetrics[] {
    return this.#leaves.flatMap((leaf, index) => {
      const sum = this.#columns[index];
      return leaf && sum ? [sum.metrics(leaf)] : [];
    });
  }
}

/** Characters of a text's bound, as Iceberg's own writers have by default. */
const boundLimit = { characters: 16, bytes: Number.POSITIVE_INFINITY };
/** One more is kept, so that a cut text is known for one. */
const keptLimit = { characters: 17, bytes: Number.POSITIVE_INFINITY };

class ColumnSum {
  readonly #type: LeafType;
  readonly #isText: boolean;
  #bytes = 0;
  #values = 0;
  #nulls = 0;
  #nans = 0;
  #min: Uint8Array | undefined;
  #max: Uint8Array | undefined;

  constructor(type: LeafType) {
    this.#type = type;
    this.#isText = type === 'string' || type === 'json';
  }

  add({ entries, nulls, nans, min, max }: EncodedColumn, bytes: number): void {
    this.#bytes += bytes;
    this.#values += entries;
    this.#nulls += nulls;
    this.#nans += nans;
    if (min && (!this.#min || compareBounds(this.#type, min, this.#min) < 0)) this.#min = this.#kept(min);
    if (max && (!this.#max || compareBounds(this.#type, this.#max, max) < 0)) this.#max = this.#kept(max);
  }

  metrics({ id, maxRepetition }: ShapeLeaf & { readonly id: number }): ColumnMetrics {
    const isBounded = maxRepetition === 0;
    const lower = isBounded ? this.#bound(this.#min, cutLower) : undefined;
    const upper = isBounded ? this.#bound(this.#max, cutUpper) : undefined;
    return {
      id,
      bytes: this.#bytes,
      values: this.#values,
      nulls: this.#nulls,
      ...(this.#type === 'double' ? { nans: this.#nans } : {}),
      ...(lower === undefined ? {} : { lower }),
      ...(upper === undefined ? {} : { upper }),
    };
  }

  /** Not the start of a long text that is kept alive by it. */
  #kept(value: Uint8Array): Uint8Array {
    return new Uint8Array(this.#isText ? cutLower(value, keptLimit) : value);
  }

  #bound(value: Uint8Array | undefined, cut: typeof cutUpper): string | undefined {
    const bytes = value && this.#isText ? cut(value, boundLimit) : value;
    return bytes && Buffer.from(bytes).toString('base64');
  }
}
