/** What `encodeLeaf` left in the kernel's memory (`assembly/pages.ts`), as the writer of files takes it. */
import type { EncodedColumn, EncodedDataPage, EncodedPage } from '../parquet/encoded.ts';
import type { LeafType } from './shape.ts';

/** Bounds: whether there are some, where the texts lie, the values; then what a page or a column has beside them. */
const leastText = 4;
const greatestText = 8;
const leastValue = 16;
const greatestValue = 24;
const afterBounds = 32;
const pageSize = 64;

const dictionaryEncoding = 8;

export function readEncodedColumn(memory: Buffer, at: number, type: LeafType): EncodedColumn {
  const field = (index: number) => memory.readUInt32LE(at + afterBounds + index * 4);
  const [entries, nulls, nans, encoding, pages, pageCount] = [0, 1, 2, 3, 4, 5].map(field);
  const [dictionaryAt = 0, dictionaryBytes = 0, dictionaryEntries = 0] = [6, 7, 8].map(field);
  const dictionary: EncodedPage | undefined =
    encoding === dictionaryEncoding
      ? {
          bytes: memory.subarray(dictionaryAt, dictionaryAt + dictionaryBytes),
          encoding: 0,
          entries: dictionaryEntries,
        }
      : undefined;
  return {
    ...(dictionary ? { dictionary } : {}),
    pages: Array.from({ length: pageCount ?? 0 }, (_, index) =>
      readPage(memory, (pages ?? 0) + index * pageSize, encoding ?? 0, type),
    ),
    entries: entries ?? 0,
    nulls: nulls ?? 0,
    nans: nans ?? 0,
    ...readBounds(memory, at, type),
  };
}

function readPage(memory: Buffer, at: number, encoding: number, type: LeafType): EncodedDataPage {
  const field = (index: number) => memory.readUInt32LE(at + afterBounds + index * 4);
  const start = field(0);
  return {
    bytes: memory.subarray(start, start + field(1)),
    encoding,
    entries: field(2),
    rows: field(3),
    nulls: field(4),
    ...readBounds(memory, at, type),
  };
}

/** Copies, since they are kept for longer than the pages. */
function readBounds(memory: Buffer, at: number, type: LeafType): { min: Uint8Array; max: Uint8Array } | undefined {
  if (memory.readUInt32LE(at) === 0) return undefined;
  if (type === 'string' || type === 'json') {
    return { min: readText(memory, at + leastText), max: readText(memory, at + greatestText) };
  }
  const size = valueSizes[type];
  return {
    min: Uint8Array.prototype.slice.call(memory, at + leastValue, at + leastValue + size),
    max: Uint8Array.prototype.slice.call(memory, at + greatestValue, at + greatestValue + size),
  };
}

const valueSizes = { boolean: 1, int: 4, date: 4, long: 8, timestamptz: 8, double: 8 } as const;

function readText(memory: Buffer, pointer: number): Uint8Array {
  const record = memory.readUInt32LE(pointer);
  const start = record + 4;
  return Uint8Array.prototype.slice.call(memory, start, start + memory.readUInt32LE(record));
}
