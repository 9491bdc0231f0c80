/**
 * The contract of a reader: it takes the decompressed bytes of one file and gives its records, one after the other, to a
 * sink. A reader holds at most one record of `maxRecordBytes` and one chunk. It throws UnreadableFile when it cannot tell
 * any more where records begin; what is wrong within one record it says to `refuse`, and goes on with the next.
 */
import { ForebayError } from '../../contract/errors.ts';
import type { RecordError } from '../schema.ts';
import type { JsonObject } from '../schemadocument.ts';

export interface RecordSink {
  /** A record of numbers as JSON.parse gives them; `warned`: the reader left something of it out. */
  accept(record: JsonObject, source: RecordSource, warned?: boolean): void;
  /** A record whose integers past 2^53 are bigints. */
  acceptExact(record: JsonObject, source: RecordSource, warned?: boolean): void;
  refuse(error: RecordError, source: RecordSource): void;
  /** Called between chunks; resolves when more may come. */
  drain(): Promise<void>;
}

/** Takes many records at once, faster than a reader does it; what it leaves, the reader takes by itself. */
export interface Bulk {
  /**
   * A block that begins with a record and stands at `offset` of the file. Answers how many bytes of it are whole records
   * that it may take (and what is between them): 0 where the first one is none for it.
   */
  load(block: Uint8Array, offset: number): number;
  /** Takes records from `at` of those bytes on, and answers where the first one begins that it leaves, or their end. */
  take(at: number): number;
}

/** The record at hand, as it came. Good only until the sink returns. */
export interface RecordSource {
  /** Of its first byte in the decompressed file. */
  readonly offset: number | undefined;
  /** Bytes of the whole record. */
  readonly size: number;
  /** The record, or its beginning when it was too large to keep. */
  raw(): Uint8Array;
  /** Of CSV: the names of its fields. */
  readonly columns?: readonly string[] | undefined;
  /** The record with integers past 2^53 as bigints; absent where `accept` got them exactly. */
  exact?(): unknown;
}

export type Bytes = AsyncIterable<Uint8Array>;

/** A part of a file, in bytes: it has the records that begin at `start` or later, and before `end`. */
export interface Part {
  readonly start: number;
  readonly end: number;
}

export const wholeFile: Part = { start: 0, end: Number.POSITIVE_INFINITY };

/**
 * Where the first record of a part begins and its last one ends: the first places at or after its start and its end where
 * a record may begin (0 at the start of the file, its size where there is none). So the parts of a file meet, whoever
 * read them, and one that has no record begins where it ends.
 */
export interface Span {
  readonly from: number;
  readonly to: number;
}

/** Of a record over the limit, this much is kept for its reject. 64 KiB: enough to recognise it by. */
const keptOfTooLarge = 64 * 1024;

/** A record over the limit, which goes by without being held: its beginning, its place and its size. */
export class Oversized implements RecordSource {
  readonly offset: number;
  readonly columns: readonly string[] | undefined;
  size = 0;
  readonly #kept: Buffer[] = [];

  constructor(offset: number, columns?: readonly string[]) {
    this.offset = offset;
    this.columns = columns;
  }

  add(bytes: Uint8Array): void {
    const room = keptOfTooLarge - this.size;
    if (room > 0) this.#kept.push(Buffer.from(bytes.subarray(0, room)));
    this.size += bytes.length;
  }

  raw(): Uint8Array {
    return Buffer.concat(this.#kept);
  }
}

export function tooLarge(maxRecordBytes: number): RecordError {
  return { code: 'RecordTooLarge', path: '', message: `is longer than ${maxRecordBytes} bytes` };
}

export const invalidUtf8: RecordError = { code: 'InvalidEncoding', path: '', message: 'is no valid UTF-8' };

/** JSON.parse's message quotes the text, which is record content; its position is not. */
export function malformedJson(error: unknown): RecordError {
  const position = /at position (\d+)/.exec(error instanceof Error ? error.message : '')?.[1];
  const place = position === undefined ? '' : ` at character ${Number(position) + 1}`;
  return { code: 'MalformedRecord', path: '', message: `is no valid JSON${place}` };
}

export function unreadable(problem: string, cause?: unknown): ForebayError {
  return new ForebayError('UnreadableFile', problem, { cause });
}

/** Length of a byte-order mark of UTF-8. Throws UnreadableFile for one of UTF-16. */
export function byteOrderMark(bytes: Uint8Array): number {
  const [a, b, c] = bytes;
  if ((a === 0xff && b === 0xfe) || (a === 0xfe && b === 0xff)) throw unreadable('is UTF-16; write it as UTF-8');
  return a === 0xef && b === 0xbb && c === 0xbf ? 3 : 0;
}
