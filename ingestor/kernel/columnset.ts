/** The columns of rows that wait to be written, in a kernel's memory: filled by the kernel's walkers, or row by row. */
import type { EncodedColumn, EncodeSettings } from '../parquet/encoded.ts';
import { readEncodedColumn } from './encodedcolumn.ts';
import {
  type Candidates,
  candidates,
  costOf,
  type Encoding,
  encodings,
  leastTried,
  mostTried,
  withoutDeltas,
} from './encodingchoice.ts';
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

/** As a trial encodes them. */
const wholePages = { pageBytes: 1 << 20, pageRows: 1 << 20 };
/** So many values for each distinct one, and a dictionary pays whatever they are. */
const manyRepeats = 8;

export class ColumnSet {
  readonly shape: Shape;
  readonly #kernel: Kernel;
  readonly #feed: RowFeed;
  readonly #candidates: Candidates;
  /** By leaf: what suited its values when there were enough to tell. */
  readonly #encodings: (Encoding | undefined)[] = [];
  /** Leaves whose dictionary does not pay: they have none from the next row group on. */
  readonly #plainNext = new Set<number>();
  /** Where numbers of rows are put for the kernel, and how many it has room for. */
  #rowsAt = 0;
  #rowsRoom = 0;

  /** `deltas`: whether columns may have the delta encodings of the Parquet format. */
  constructor(kernel: Kernel, shape: Shape, { deltas = true }: { readonly deltas?: boolean } = {}) {
    this.shape = shape;
    this.#kernel = kernel;
    this.#candidates = deltas ? candidates : withoutDeltas;
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
  encode(leaf: number, settings: EncodeSettings): EncodedColumn {
    const found = this.#leaf(leaf);
    this.#encodings[leaf] ??= this.#choose(found, settings.rows);
    const encoding = this.#encodings[leaf] ?? defaultEncoding(found.type);
    const encoded = this.#encode(found, encoding, settings);
    const lostDictionary = encoding === encodings.dictionary && !encoded.dictionary && encoded.nulls < encoded.entries;
    if (lostDictionary) this.#encodings[leaf] = undefined;
    return encoded;
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
    if (rows.length === 0) this.clear();
    else this.#kernel.run.keepRows(this.#pass(rows), rows.length);
  }

  /** Forgets all rows; what was learnt about encodings stays. */
  clear(): void {
    const { run } = this.#kernel;
    run.clearColumns();
    for (const leaf of this.#plainNext) run.setPlain(leaf);
    this.#plainNext.clear();
  }

  #encode(
    { index, type }: ShapeLeaf,
    encoding: Encoding,
    { rows, pageBytes, pageRows }: EncodeSettings,
  ): EncodedColumn {
    const { run } = this.#kernel;
    const at = run.encodeLeaf(index, encoding, this.#pass(rows), rows?.length ?? 0, pageBytes, pageRows) >>> 0;
    return readEncodedColumn(this.#kernel.bytes, at, type);
  }

  /** The encoding that takes least, in the order of `sorted` where that is all rows; undefined while there are too few values to tell. */
  #choose(leaf: ShapeLeaf, sorted: Uint32Array | undefined): Encoding | undefined {
    const { run } = this.#kernel;
    const present = run.presentValues(leaf.index);
    if (present < leastTried) return undefined;
    const order = sorted?.length === this.rows ? sorted : undefined;
    const distinct = run.distinctValues(leaf.index);
    if (distinct > 0) return this.#chooseForDictionary(leaf, order, present / distinct);
    const count = Math.ceil((this.rows * mostTried) / Math.max(mostTried, present));
    const rows = order?.subarray(0, count) ?? rowsBetween(0, count);
    return this.#cheapest(leaf, this.#candidates[leaf.type], { rows, ...wholePages });
  }

  /** A dictionary of few values pays; of many, all values tell. */
  #chooseForDictionary(leaf: ShapeLeaf, rows: Uint32Array | undefined, repeats: number): Encoding {
    if (repeats > manyRepeats) return encodings.dictionary;
    const tried = [encodings.dictionary, ...this.#candidates[leaf.type]];
    const cheapest = this.#cheapest(leaf, tried, { rows, ...wholePages });
    if (cheapest !== encodings.dictionary) this.#plainNext.add(leaf.index);
    return cheapest;
  }

  #cheapest(leaf: ShapeLeaf, tried: readonly Encoding[], settings: EncodeSettings): Encoding {
    const [only, ...others] = tried;
    if (only !== undefined && others.length === 0) return only;
    let [cheapest, least]: [Encoding, number] = [encodings.plain, Number.POSITIVE_INFINITY];
    for (const encoding of tried) {
      const cost = costOf(this.#encode(leaf, encoding, settings));
      if (cost < least) [cheapest, least] = [encoding, cost];
    }
    return cheapest;
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

/** The numbers from `start` to before `end`. */
export function rowsBetween(start: number, end: number): Uint32Array {
  const rows = new Uint32Array(end - start);
  for (let index = 0; index < rows.length; index += 1) rows[index] = start + index;
  return rows;
}

function defaultEncoding(type: LeafType): Encoding {
  return type === 'string' || type === 'json' ? encodings.dictionary : encodings.plain;
}
