/** Which encoding suits the values of a column: tried on the first rows there are enough of, and kept from then on. */
import { constants, zstdCompressSync } from 'node:zlib';
import type { EncodedColumn } from '../parquet/encoded.ts';
import type { LeafType } from './shape.ts';

/** Numbers of encodings in parquet.thrift. */
export const encodings = { plain: 0, deltas: 5, deltaLengths: 6, dictionary: 8 } as const;
export type Encoding = (typeof encodings)[keyof typeof encodings];

/** Fewer values say nothing about those that follow. */
export const leastTried = 2048;
/** And more need not be looked at. */
export const mostTried = 16_384;

export type Candidates = Readonly<Record<LeafType, readonly Encoding[]>>;

/** What can be tried, the simplest first; text that has a dictionary is another matter. */
export const candidates: Candidates = {
  string: [encodings.plain, encodings.deltaLengths],
  json: [encodings.plain, encodings.deltaLengths],
  boolean: [encodings.plain],
  int: [encodings.plain, encodings.deltas, encodings.dictionary],
  date: [encodings.plain, encodings.deltas, encodings.dictionary],
  long: [encodings.plain, encodings.deltas, encodings.dictionary],
  timestamptz: [encodings.plain, encodings.deltas, encodings.dictionary],
  double: [encodings.plain, encodings.dictionary],
};

/** What every reader knows. */
export const withoutDeltas: Candidates = {
  string: [encodings.plain],
  json: [encodings.plain],
  boolean: [encodings.plain],
  int: [encodings.plain, encodings.dictionary],
  date: [encodings.plain, encodings.dictionary],
  long: [encodings.plain, encodings.dictionary],
  timestamptz: [encodings.plain, encodings.dictionary],
  double: [encodings.plain, encodings.dictionary],
};

/** A byte to be compressed counts so much of one that is stored: compression takes time. */
const weightOfRaw = 1 / 20;

/** What a column takes, in bytes as they are stored. */
export function costOf({ dictionary, pages }: EncodedColumn): number {
  let cost = 0;
  for (const { bytes } of dictionary ? [dictionary, ...pages] : pages) {
    cost += zstdCompressSync(bytes, fastest).length + bytes.length * weightOfRaw;
  }
  return cost;
}

const fastest = { params: { [constants.ZSTD_c_compressionLevel]: 1 } };
