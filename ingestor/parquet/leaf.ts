/**
 * The values of one leaf column in one row group with their levels, decoded a slice at a time: the bytes of one page and
 * the dictionary are in memory, and values of the rows that are being assembled.
 */
import { parquetHeader } from 'hyparquet/src/column.js';
import type { PageHeader } from 'hyparquet/src/types.js';
import { hasBigInt } from '../engine/exact.ts';
import { type LeafColumn, openDataPage, openDictionary, type Page } from './page.ts';
import type { RangeReader } from './rangedfile.ts';
import type { Dictionary } from './valuereader.ts';

/** A page larger than this is taken for damage: writers aim at 1 MiB, dictionaries at a few. 256 MiB. */
const maxPageBytes = 256 * 1024 * 1024;
/** A page header is some 50 bytes, more with statistics of long texts; one larger than the last is taken for damage. */
const [headerBytes, maxHeaderBytes] = [16 * 1024, 1024 * 1024];
/** Most entries of a slice, and most bytes of a page that they are likely to take. */
const [mostSliceEntries, sliceBytes] = [4096, 1024 * 1024];
/** Entries of all leaves of a row group that may be at hand together: more than this are only there where one row has them. */
const mostHeldEntries = 8 * 1024 * 1024;

/** What the leaves of a row group share. */
export interface Held {
  /** That are decoded and not dropped yet, of all leaves. */
  entries: number;
  /** Of a leaf at once. */
  readonly sliceEntries: number;
}

/** The more leaves, the fewer entries of each are decoded at once: some 128 Ki of all. */
export function heldOf(leaves: number): Held {
  return {
    entries: 0,
    sliceEntries: Math.max(16, Math.min(mostSliceEntries, Math.floor(2 ** 17 / Math.max(1, leaves)))),
  };
}

export class LeafCursor {
  /** Entries from `at` to `end` are decoded and not taken yet: whoever takes one moves `at`, and `valueAt` behind its value. */
  at = 0;
  end = 0;
  definitions = new Uint8Array(0);
  repetitions = new Uint8Array(0);
  /** Of the entries that are no nulls. */
  readonly values: unknown[] = [];
  valueAt = 0;
  readonly column: LeafColumn;
  /** There are bigints among the values at hand, or in them. */
  hasBig = false;
  readonly #name: string;
  readonly #bytes: RangeReader;
  readonly #held: Held;
  #valueEnd = 0;
  /** Rows that begin at `at` or behind. */
  #rows = 0;
  #dictionary: Dictionary | undefined;
  #page: Page | undefined;
  /** Entries of the page that are not decoded yet. */
  #left = 0;

  constructor(name: string, column: LeafColumn, bytes: RangeReader, held: Held) {
    if (Math.max(column.maxDefinition, column.maxRepetition) > 255) throw new Error(`${name} is nested too deep`);
    this.#name = name;
    this.column = column;
    this.#bytes = bytes;
    this.#held = held;
  }

  /** Number of whole rows that are decoded; the last row of a repeated column may go on in the next slice. */
  get rows(): number {
    return this.column.maxRepetition === 0 || this.#exhausted ? this.#rows : Math.max(0, this.#rows - 1);
  }

  /** Decodes until there is a whole row, or the column ends. Throws Error for what is damaged. */
  async fill(): Promise<void> {
    while (this.rows === 0 && !this.#exhausted) {
      if (this.#left === 0) await this.#readPage();
      else this.#decodeSlice();
    }
  }

  /** Rows were taken by moving `at`. */
  took(rows: number): void {
    this.#rows -= rows;
  }

  /** Throws Error where rows are left. */
  finish(): void {
    if (this.at < this.end || this.#left > 0) throw new Error(`${this.#name} has more rows than its row group`);
  }

  /** The levels contradict those of other columns, or each other. */
  misplaced(): Error {
    return new Error(`${this.#name} has levels that make no record`);
  }

  get #exhausted(): boolean {
    return this.#left === 0 && this.#bytes.done;
  }

  async #readPage(): Promise<void> {
    const [header, size] = await this.#header();
    const { compressed_page_size: bodySize, uncompressed_page_size: fullSize } = header;
    if (!(bodySize >= 0 && fullSize >= 0 && Math.max(bodySize, fullSize) <= maxPageBytes))
      throw new Error(`page of ${fullSize} bytes`);
    const bytes = await this.#bytes.peek(size + bodySize);
    if (bytes.length < size + bodySize) throw new Error('page is longer than its column chunk');
    this.#bytes.skip(size + bodySize);
    const body = bytes.subarray(size, size + bodySize);
    this.#page = undefined;
    if (header.type === 'DICTIONARY_PAGE') {
      this.#dictionary = openDictionary(header, body, this.column);
      return;
    }
    this.#page = openDataPage(header, body, this.column, this.#dictionary);
    this.#left = this.#page?.entries ?? 0;
  }

  async #header(): Promise<[PageHeader, number]> {
    for (let size = headerBytes; ; size *= 4) {
      const bytes = await this.#bytes.peek(size);
      const reader = { view: new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength), offset: 0 };
      try {
        return [parquetHeader(reader), reader.offset];
      } catch (error) {
        // A header with long statistics may not have been there whole.
        if (bytes.length < size || size >= maxHeaderBytes) throw error;
      }
    }
  }

  #decodeSlice(): void {
    const page = this.#page;
    if (!page) return;
    this.#dropTaken();
    const count = Math.min(this.#left, this.#sliceOf(page));
    this.#reserve(this.end + count);
    const { maxDefinition, maxRepetition } = this.column;
    page.repetition?.read(this.repetitions, this.end, count);
    page.definition?.read(this.definitions, this.end, count);
    this.#rows += maxRepetition === 0 ? count : this.#rowsFrom(this.end, count);
    const present = maxDefinition === 0 ? count : this.#presentFrom(this.end, count);
    page.values.read(this.values, this.#valueEnd, present);
    if (this.column.values.mayBeBig) this.#lookForBig(this.#valueEnd, present);
    this.#valueEnd += present;
    this.end += count;
    this.#left -= count;
    this.#held.entries += count;
    if (this.#held.entries > mostHeldEntries) throw new Error(`a row has more than ${mostHeldEntries} values`);
    if (this.#left === 0) this.#page = undefined;
  }

  #sliceOf({ bytes, entries }: Page): number {
    return Math.max(1, Math.min(this.#held.sliceEntries, Math.floor(sliceBytes / Math.max(1, bytes / entries))));
  }

  #dropTaken(): void {
    this.#held.entries -= this.at;
    this.definitions.copyWithin(0, this.at, this.end);
    this.repetitions.copyWithin(0, this.at, this.end);
    this.values.copyWithin(0, this.valueAt, this.#valueEnd);
    this.end -= this.at;
    this.#valueEnd -= this.valueAt;
    this.at = 0;
    this.valueAt = 0;
    // What was there before must not be kept alive: a slice of long texts may be followed by one of nulls.
    this.values.length = this.#valueEnd;
    if (this.#valueEnd === 0) this.hasBig = false;
  }

  #reserve(entries: number): void {
    const size = this.definitions.length;
    if (entries <= size) return;
    const larger = Math.max(entries, 2 * size);
    this.definitions = enlarged(this.definitions, larger);
    this.repetitions = enlarged(this.repetitions, larger);
  }

  /** Rows that begin among these entries. */
  #rowsFrom(from: number, count: number): number {
    const { repetitions } = this;
    let rows = 0;
    for (let at = from; at < from + count; at += 1) if (repetitions[at] === 0) rows += 1;
    if (this.end === 0 && repetitions[0] !== 0) throw this.misplaced();
    return rows;
  }

  /** Those of these entries that have values. */
  #presentFrom(from: number, count: number): number {
    const { definitions } = this;
    const { maxDefinition } = this.column;
    let present = 0;
    for (let at = from; at < from + count; at += 1) {
      const level = definitions[at] ?? 0;
      if (level === maxDefinition) present += 1;
      else if (level > maxDefinition) throw this.misplaced();
    }
    return present;
  }

  #lookForBig(from: number, count: number): void {
    for (let at = from; at < from + count && !this.hasBig; at += 1) this.hasBig = hasBigInt(this.values[at]);
  }
}

function enlarged(levels: Uint8Array, size: number): Uint8Array<ArrayBuffer> {
  const larger = new Uint8Array(size);
  larger.set(levels);
  return larger;
}
