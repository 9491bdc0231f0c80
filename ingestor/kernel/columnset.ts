/** The columns of rows that wait to be written, in a kernel's memory: filled by the kernel's walkers, or row by row. */
import type { EncodedColumn, EncodeSettings } from '../parquet/encoded.ts';
import { readEncodedColumn } from './encodedcolumn.ts';
import type { Kernel } from './kernel.ts';
import { leafReader } from './leafreader.ts';
import { RowFeed } from './rowfeed.ts';
import type { LeafType, Shape, ShapeLeaf } from './shape.ts';

/** Numbers of physical types in parquet.thrift. */
const physicalTypes: Readonly<Record<LeafType, number>> = {
  boolean: 0,
  int: 1,
  date: 1,
  long: 2,
  timestamptz: 2,
  double: 5,
  string: 6,
  json: 6,
};

/** Numbers of encodings in parquet.thrift. */
const encodings = { plain: 0, deltas: 5, deltaLengths: 6, dictionary: 8 } as const;

export class ColumnSet {
  readonly shape: Shape;
  readonly #kernel: Kernel;
  readonly #feed: RowFeed;
  /** Where numbers of rows are put for the kernel, and how many it has room for. */
  #rowsAt = 0;
  #rowsRoom = 0;

  constructor(kernel: Kernel, shape: Shape) {
    this.shape = shape;
    this.#kernel = kernel;
    const { run } = kernel;
    run.makeColumns(shape.leaves.length);
    for (const { index, type, maxDefinition, maxRepetition } of shape.leaves) {
      run.setLeaf(index, physicalTypes[type], maxDefinition, maxRepetition);
    }
    this.#feed = new RowFeed(kernel, shape);
  }

  /** Whole rows held. */
  get rows(): number {
    return this.#kernel.run.rows();
  }

  /** What they take in memory, about. */
  get heldBytes(): number {
    return this.#kernel.run.heldBytes() >>> 0;
  }

  /**
   * A row as `convert` gives it (ingestor/engine/convert.ts): one value a column, structs as objects, lists as arrays,
   * maps as arrays of `{key, value}`, longs as number or bigint, dates as days, timestamps as microseconds, json as text.
   */
  add(row: readonly unknown[]): void {
    this.#feed.add(row);
  }

  /** Of a leaf that is not repeated: a row's value as `convert` gives it, null where there is none. Good until rows are added or dropped. */
  reader(leaf: number): (row: number) => unknown {
    return leafReader(this.#kernel, this.#leaf(leaf));
  }

  /** The rows that the settings name, or all: as pages that lie in the kernel's memory until its next call. */
  encode(leaf: number, { rows, pageBytes, pageRows }: EncodeSettings): EncodedColumn {
    const { type, index } = this.#leaf(leaf);
    const { run } = this.#kernel;
    const encoding = type === 'string' || type === 'json' ? encodings.dictionary : encodings.plain;
    const at = run.encodeLeaf(index, encoding, this.#pass(rows), rows?.length ?? 0, pageBytes, pageRows) >>> 0;
    return readEncodedColumn(this.#kernel.bytes, at, type);
  }

  /** Adds the leaf's values to a split-block bloom filter of the Parquet format, which has a power of two of 32-byte blocks. */
  addToBloom(leaf: number, rows: Uint32Array | undefined, filter: Uint8Array): void {
    const { run } = this.#kernel;
    const block = run.allocate(filter.length) >>> 0;
    this.#kernel.bytes.set(filter, block);
    run.addToBloom(this.#leaf(leaf).index, this.#pass(rows), rows?.length ?? 0, block, filter.length);
    filter.set(this.#kernel.bytes.subarray(block, block + filter.length));
    run.release(block, filter.length);
  }

  /** Forgets all rows but these, which are then 0, 1, ... in this order. */
  keep(rows: Uint32Array): void {
    this.#kernel.run.keepRows(this.#pass(rows), rows.length);
  }

  /** Forgets all rows; what was learnt about encodings stays. */
  clear(): void {
    this.#kernel.run.clearColumns();
  }

  #leaf(leaf: number): ShapeLeaf {
    const found = this.shape.leaves[leaf];
    if (!found) throw new Error(`the columns have no leaf ${leaf}`);
    return found;
  }

  /** Where the kernel finds numbers of rows; 0 stands for all rows. */
  #pass(rows: Uint32Array | undefined): number {
    if (!rows) return 0;
    const { run } = this.#kernel;
    if (this.#rowsAt === 0 || rows.length > this.#rowsRoom) {
      if (this.#rowsAt !== 0) run.release(this.#rowsAt, this.#rowsRoom * 4);
      this.#rowsRoom = Math.max(rows.length, 1024);
      this.#rowsAt = run.allocate(this.#rowsRoom * 4) >>> 0;
    }
    new Uint32Array(run.memory.buffer, this.#rowsAt, rows.length).set(rows);
    return this.#rowsAt;
  }
}
