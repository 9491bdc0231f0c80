/**
 * What a table keeps about the columns of a data file, gathered from the statistics of its row groups as they are
 * written. Counts and bounds are those of the Iceberg specification (appendix D: single-value serialization).
 */
import type { ColumnChunk, RowGroup, Statistics } from 'hyparquet';
import type { ColumnMetrics, TableLayout } from '../contract/layout.ts';
import { parsePath } from '../engine/mapping.ts';
import type { Column } from '../engine/schema.ts';
import { type FieldID, formatPath, type Leaf, leavesOf } from './fields.ts';

/** A leaf whose metrics are kept; undefined for one whose are not. */
export type MeasuredLeaf = (Leaf & { readonly id: number }) | undefined;

/** As many columns as Iceberg's own writers measure by default: a table's metadata holds all of this for each file. */
export const mostMeasured = 100;
/** Those by which rows are found and expire. */
const alwaysMeasured = ['_id', 'timestamp'];

/** The first `most` leaves, and those that rows are placed, sorted or named by: one entry for each leaf of the file. */
export function measuredLeaves(
  columns: readonly Column[],
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
  return leavesOf(columns).map((leaf, index) => {
    const id = idOf(leaf.path);
    if (id === undefined || (index >= most && !always.has(formatPath(leaf.path)))) return undefined;
    return { ...leaf, id };
  });
}

/** Adds up the row groups of one file. */
export class FileMetrics {
  readonly #leaves: readonly MeasuredLeaf[];
  readonly #columns: ColumnSum[];
  readonly #splitOffsets: number[] = [];

  constructor(leaves: readonly MeasuredLeaf[]) {
    this.#leaves = leaves;
    this.#columns = leaves.map(() => new ColumnSum());
  }

  /** Takes a row group whose statistics are still whole, and cuts them to what is needed of them. */
  add(rowGroup: RowGroup): void {
    for (const [index, chunk] of rowGroup.columns.entries()) {
      cutStatistics(chunk);
      if (this.#leaves[index]) this.#columns[index]?.add(chunk);
    }
    const offsets = rowGroup.columns.map(
      ({ meta_data: meta }) => meta?.dictionary_page_offset ?? meta?.data_page_offset,
    );
    this.#splitOffsets.push(Number(offsets[0] ?? 0));
  }

  columns(): ColumnMetrics[] {
    return this.#leaves.flatMap((leaf, index) => {
      const sum = this.#columns[index];
      return leaf && sum ? [sum.metrics(leaf)] : [];
    });
  }

  /** Where the row groups begin in the file, ascending. */
  get splitOffsets(): number[] {
    return this.#splitOffsets;
  }
}

type Bound = Statistics['min_value'];

class ColumnSum {
  #bytes = 0;
  #values = 0;
  #nulls = 0;
  #nans = 0;
  #min: Bound;
  #max: Bound;

  add({ meta_data: meta }: ColumnChunk): void {
    if (!meta) return;
    const { statistics } = meta;
    this.#bytes += Number(meta.total_compressed_size);
    this.#values += Number(meta.num_values);
    this.#nulls += Number(statistics?.null_count ?? 0n);
    this.#nans += nanCount(statistics);
    const { min_value: min, max_value: max } = statistics ?? {};
    if (min !== undefined && (this.#min === undefined || isBefore(min, this.#min))) this.#min = min;
    if (max !== undefined && (this.#max === undefined || isBefore(this.#max, max))) this.#max = max;
  }

  metrics({ id, type, repeated }: Leaf & { readonly id: number }): ColumnMetrics {
    const lower = repeated ? undefined : lowerBound(type, this.#min);
    const upper = repeated ? undefined : upperBound(type, this.#max);
    return {
      id,
      bytes: this.#bytes,
      values: this.#values,
      nulls: this.#nulls,
      ...(type === 'double' ? { nans: this.#nans } : {}),
      ...(lower ? { lower: lower.toString('base64') } : {}),
      ...(upper ? { upper: upper.toString('base64') } : {}),
    };
  }
}

/** hyparquet-writer counts them, hyparquet's type does not say so yet. */
function nanCount(statistics: Statistics | undefined): number {
  const count = statistics && 'nan_count' in statistics ? statistics.nan_count : undefined;
  return typeof count === 'bigint' ? Number(count) : 0;
}

/** Characters of a string's bound, as Iceberg's own writers have by default. */
const boundCharacters = 16;
/** UTF-16 units that hold one character more than a bound has, so that a cut one is known for one; Parquet's own are shorter. */
const keptUnits = 2 * (boundCharacters + 1);

/** A string may be a slice of all the text it was read in, which must not be kept alive by it. */
function cutStatistics({ meta_data: meta }: ColumnChunk): void {
  const statistics = meta?.statistics;
  if (!statistics) return;
  statistics.min_value = cutText(statistics.min_value);
  statistics.max_value = cutText(statistics.max_value);
}

function cutText(value: Bound): Bound {
  return typeof value === 'string' ? Buffer.from(value.slice(0, keptUnits), 'utf16le').toString('utf16le') : value;
}

/** Numbers of either kind compare by value; text by its UTF-8 bytes. */
function isBefore(a: NonNullable<Bound>, b: NonNullable<Bound>): boolean {
  if (typeof a === 'string' && typeof b === 'string') return Buffer.compare(Buffer.from(a), Buffer.from(b)) < 0;
  return a < b;
}

function lowerBound(type: Leaf['type'], value: Bound): Buffer | undefined {
  if (typeof value !== 'string') return serialize(type, value);
  const characters = [...value];
  return Buffer.from(characters.length <= boundCharacters ? value : characters.slice(0, boundCharacters).join(''));
}

/** Of cut text, the shortest that is greater: undefined where all of its characters are the last there is. */
function upperBound(type: Leaf['type'], value: Bound): Buffer | undefined {
  if (typeof value !== 'string') return serialize(type, value);
  const characters = [...value];
  if (characters.length <= boundCharacters) return Buffer.from(value);
  for (let length = boundCharacters; length > 0; length -= 1) {
    const next = characterAfter(characters[length - 1] ?? '');
    if (next !== undefined) return Buffer.from(characters.slice(0, length - 1).join('') + next);
  }
  return undefined;
}

const lastCharacter = 0x10ffff;
/** Halves of surrogate pairs are no characters. */
const [beforeSurrogates, afterSurrogates] = [0xd7ff, 0xe000];

function characterAfter(character: string): string | undefined {
  const code = character.codePointAt(0) ?? lastCharacter;
  if (code === lastCharacter) return undefined;
  return String.fromCodePoint(code === beforeSurrogates ? afterSurrogates : code + 1);
}

/** Iceberg's single-value serialization. */
function serialize(type: Leaf['type'], value: Bound): Buffer | undefined {
  if (type === 'boolean') return typeof value === 'boolean' ? Buffer.of(value ? 1 : 0) : undefined;
  if (typeof value !== 'number' && typeof value !== 'bigint') return undefined;
  const long = type === 'long' || type === 'timestamptz';
  const bytes = Buffer.alloc(long || type === 'double' ? 8 : 4);
  if (long) bytes.writeBigInt64LE(BigInt(value));
  else if (type === 'double') bytes.writeDoubleLE(Number(value));
  else bytes.writeInt32LE(Number(value));
  return bytes;
}
