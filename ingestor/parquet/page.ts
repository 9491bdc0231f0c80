/** Data pages taken apart: levels and values, of which nothing is decoded yet. */
import type { CompressionCodec } from 'hyparquet';
import type { PageHeader } from 'hyparquet/src/types.js';
import { ByteCursor } from './bits.ts';
import { decompress } from './decompress.ts';
import { HybridReader } from './hybrid.ts';
import { Dictionary, hybridWithLength, type ValueReader, type ValueType, valueReader } from './valuereader.ts';

/** A leaf column as its pages need it. */
export interface LeafColumn {
  readonly values: ValueType;
  readonly maxDefinition: number;
  readonly maxRepetition: number;
  readonly codec: CompressionCodec;
}

export interface Page {
  /** Values and nulls, each with its levels. */
  readonly entries: number;
  /** Without compression. */
  readonly bytes: number;
  /** Absent where the level is always 0. */
  readonly repetition: HybridReader | undefined;
  readonly definition: HybridReader | undefined;
  readonly values: ValueReader;
}

/** `body`: as stored. Throws Error for a page that is damaged. */
export function openDictionary(header: PageHeader, body: Uint8Array, column: LeafColumn): Dictionary {
  const count = sizeOf(header.dictionary_page_header?.num_values, 'values');
  const page = decompress(body, header.uncompressed_page_size, column.codec);
  return new Dictionary({ page, start: 0 }, count, column.values);
}

/** `body`: as stored. Throws Error for a page that is damaged; undefined for one that holds no data. */
export function openDataPage(
  header: PageHeader,
  body: Uint8Array,
  column: LeafColumn,
  dictionary: Dictionary | undefined,
): Page | undefined {
  switch (header.type) {
    case 'DATA_PAGE':
      return openFirstVersion(header, body, column, dictionary);
    case 'DATA_PAGE_V2':
      return openSecondVersion(header, body, column, dictionary);
    case 'INDEX_PAGE':
      return undefined;
    default:
      throw new Error(`pages of type ${header.type} are not read`);
  }
}

/** Levels are compressed with the values, and have their length before them. */
function openFirstVersion(
  { uncompressed_page_size: size, data_page_header: header }: PageHeader,
  body: Uint8Array,
  column: LeafColumn,
  dictionary: Dictionary | undefined,
): Page {
  if (!header) throw new Error('a page without its header');
  const { maxRepetition, maxDefinition, values: type } = column;
  const page = decompress(body, size, column.codec);
  const cursor = new ByteCursor(page, 0, page.length);
  const levels = (max: number, encoding: string | undefined) => {
    if (max === 0) return undefined;
    if (encoding === 'BIT_PACKED') throw new Error('levels of encoding BIT_PACKED are not read');
    return hybridWithLength(cursor, bitWidth(max));
  };
  const repetition = levels(maxRepetition, header.repetition_level_encoding);
  const definition = levels(maxDefinition, header.definition_level_encoding);
  const values = valueReader(header.encoding, { page, start: cursor.at }, type, dictionary);
  return { entries: sizeOf(header.num_values, 'values'), bytes: page.length, repetition, definition, values };
}

/** Levels stand before the compressed values; their lengths are in the header. */
function openSecondVersion(
  { uncompressed_page_size: size, data_page_header_v2: header }: PageHeader,
  body: Uint8Array,
  column: LeafColumn,
  dictionary: Dictionary | undefined,
): Page {
  if (!header) throw new Error('a page without its header');
  const { maxRepetition, maxDefinition, values: type } = column;
  const repetitionEnd = sizeOf(header.repetition_levels_byte_length, 'bytes');
  const levelsEnd = repetitionEnd + sizeOf(header.definition_levels_byte_length, 'bytes');
  if (levelsEnd > Math.min(size, body.length)) throw new Error('levels are longer than their page');
  const levels = (max: number, start: number, end: number) =>
    max === 0 ? undefined : new HybridReader(body, start, end, bitWidth(max));
  const repetition = levels(maxRepetition, 0, repetitionEnd);
  const definition = levels(maxDefinition, repetitionEnd, levelsEnd);
  const rest = body.subarray(levelsEnd);
  const isCompressed = header.is_compressed !== false && size > levelsEnd;
  const page = isCompressed ? decompress(rest, size - levelsEnd, column.codec) : asBuffer(rest);
  const values = valueReader(header.encoding, { page, start: 0 }, type, dictionary);
  return { entries: sizeOf(header.num_values, 'values'), bytes: page.length, repetition, definition, values };
}

function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

function bitWidth(level: number): number {
  return 32 - Math.clz32(level);
}

/** Headers may hold anything. */
function sizeOf(value: unknown, unit: string): number {
  if (typeof value === 'number' && value >= 0) return value;
  throw new Error(`a page with a wrong number of ${unit}`);
}
