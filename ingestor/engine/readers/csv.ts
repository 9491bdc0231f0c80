/**
 * CSV as RFC 4180 has it, strictly: a row with more or fewer fields than the header is refused and never slides, text
 * after a closing quote and a quote that never closes cost the line they begin in. A quote inside of an unquoted field is
 * a character like any other. Blank lines are passed over, but of a file with one column, where they are a null.
 */
import { release } from '../../contract/memory.ts';
import type { CsvOptions } from '../../contract/task.ts';
import type { RecordError } from '../schema.ts';
import { CsvScanner, type ScannedRow } from './csvscanner.ts';
import {
  type Bulk,
  type Bytes,
  byteOrderMark,
  Oversized,
  type Part,
  type RecordSink,
  type RecordSource,
  type Span,
  unreadable,
  wholeFile,
} from './reader.ts';
import { Window } from './window.ts';

/** Makes records of rows: told the names of the fields once, then given each row (null: empty and unquoted). */
export interface RowTaker {
  header(names: readonly string[]): void;
  row(fields: readonly (string | null)[], source: RecordSource): void;
}

/** Takes rows in bulk, once the names of their fields are known; undefined where it cannot. */
export type BulkOfRows = (names: readonly string[]) => Bulk | undefined;

/**
 * A part begins where a row, a comment or a blank line begins; past the start of the file, `options` has no header and
 * names the columns. Its bytes are those of the file from its start on, as far as the reader wants them.
 */
export async function readCsv(
  bytes: Bytes,
  options: CsvOptions,
  maxRecordBytes: number,
  taker: RowTaker,
  sink: RecordSink,
  part = wholeFile,
  bulkOf: BulkOfRows = () => undefined,
): Promise<Span> {
  const reader = new CsvReader(options, maxRecordBytes, taker, sink, part, bulkOf);
  for await (const chunk of bytes) {
    for (const _turn of reader.push(chunk)) await sink.drain();
    await sink.drain();
    release(chunk);
    if (reader.isDone) break;
  }
  for (const _turn of reader.end()) await sink.drain();
  await sink.drain();
  return reader.span;
}

/** Whole rows that stand at `offset` of a file, past its header; `options` names the columns. */
export async function readRows(
  block: Uint8Array,
  offset: number,
  options: CsvOptions,
  maxRecordBytes: number,
  taker: RowTaker,
  sink: RecordSink,
  bulkOf: BulkOfRows,
): Promise<void> {
  const part = { start: offset, end: Number.POSITIVE_INFINITY };
  const reader = new CsvReader(options, maxRecordBytes, taker, sink, part, bulkOf);
  for (const _turn of reader.whole(block)) await sink.drain();
}

const lineFeed = 0x0a;
/** Each costs some 500 bytes before the first row is read. */
const mostFields = 100_000;
/** Where a quote too many held back a record's worth of short rows, they do not all come at once. */
const rowsPerTurn = 10_000;
const leastBulkBytes = 4 * 1024;
const mostBulkBytes = 1024 * 1024;

class CsvReader implements RecordSource {
  readonly #window: Window;
  readonly #part: Part;
  readonly #scanner: CsvScanner;
  readonly #options: CsvOptions;
  readonly #maxRecordBytes: number;
  /** A whole row of the largest size and its line end are known for what they are within so many bytes. */
  readonly #mostBytes: number;
  readonly #taker: RowTaker;
  readonly #sink: RecordSink;
  readonly #bulkOf: BulkOfRows;
  #bulk: Bulk | undefined;
  /** How much is loaded in bulk at once: little after a row that could not be. */
  #bulkBytes = mostBulkBytes;
  #begun: boolean;
  #linesToSkip: number;
  /** Within a line that is passed over and is too large to hold. */
  #passing = false;
  columns: readonly string[] | undefined;
  /** Number of fields of each row; undefined before the header. */
  #width: number | undefined;
  /** An unfinished row is scanned again only when there are twice as many bytes: linear in all. */
  #retryAt = 0;
  /** The row at hand. */
  #rowStart = 0;
  #rowEnd = 0;
  /** The line at hand, when it is too large to hold. */
  #oversized: Oversized | undefined;

  constructor(
    options: CsvOptions,
    maxRecordBytes: number,
    taker: RowTaker,
    sink: RecordSink,
    part: Part,
    bulkOf: BulkOfRows,
  ) {
    this.#bulkOf = bulkOf;
    this.#window = new Window(part.start);
    this.#part = part;
    this.#begun = part.start > 0;
    this.#options = options;
    this.#scanner = new CsvScanner(options);
    this.#maxRecordBytes = maxRecordBytes;
    this.#mostBytes = maxRecordBytes + 1 + Buffer.byteLength(options.delimiter);
    this.#taker = taker;
    this.#sink = sink;
    this.#linesToSkip = options.skipLines;
    if (options.header) return;
    if (options.columns?.length) this.#header(options.columns);
  }

  /** What follows is of the next part. */
  get isDone(): boolean {
    return (
      this.#begun && !this.#oversized && !this.#passing && this.#window.offsetOf(this.#window.start) >= this.#part.end
    );
  }

  get span(): Span {
    return { from: this.#part.start, to: this.#window.offsetOf(this.#window.start) };
  }

  /** Yields where the sink may drain. */
  *push(chunk: Uint8Array): Generator<void> {
    this.#window.append(chunk);
    this.#begin(false);
    if (!this.#begun || this.#window.length < this.#retryAt) return;
    if (this.#window.waits(this.#part.end, this.#maxRecordBytes)) return;
    do yield* this.#rows(false);
    while (!this.isDone && this.#window.length > this.#mostBytes && this.#skipTooLarge());
    this.#retryAt = this.#oversized || this.#passing ? 0 : Math.min(2 * this.#window.length, this.#mostBytes + 1);
  }

  *whole(block: Uint8Array): Generator<void> {
    this.#begun = true;
    this.#window.adopt(block);
    yield* this.#rows(true);
  }

  *end(): Generator<void> {
    this.#begin(true);
    if (!this.isDone) yield* this.#rows(true);
  }

  get offset(): number {
    return this.#window.offsetOf(this.#rowStart);
  }

  get size(): number {
    return this.#rowEnd - this.#rowStart;
  }

  raw(): Uint8Array {
    return this.#window.buffer.subarray(this.#rowStart, this.#rowEnd);
  }

  #begin(atEnd: boolean): void {
    if (this.#begun || (!atEnd && this.#window.length < 3)) return;
    const { buffer, start, end } = this.#window;
    if (this.#options.charset === 'UTF-8') this.#window.dropTo(start + byteOrderMark(buffer.subarray(start, end)));
    this.#begun = true;
  }

  /** All whole rows that are there, turn by turn. */
  *#rows(atEnd: boolean): Generator<void> {
    const window = this.#window;
    if (this.#oversized && !this.#finishTooLarge(atEnd)) return;
    if (this.#passing && !this.#finishPassing()) return;
    this.#scanner.load(window.buffer, window.start, window.end);
    let loaded = { start: 0, end: 0 };
    for (let rows = 1; window.start < window.end && !this.isDone; rows += 1) {
      if (rows % rowsPerTurn === 0) yield;
      if (this.#bulk && this.#linesToSkip === 0) {
        if (window.start >= loaded.end) {
          loaded = this.#load(this.#bulk);
          if (loaded.end > loaded.start) yield;
        }
        if (window.start < loaded.end) {
          window.dropTo(loaded.start + this.#bulk.take(window.start - loaded.start));
          if (window.start >= loaded.end) continue;
        }
      }
      const lineEnd = this.#passedOver();
      if (lineEnd === undefined) {
        const { start } = window;
        const wasTried = this.#bulk !== undefined && loaded.start === start && loaded.end === start;
        if (!this.#row(atEnd)) return;
        if (wasTried) this.#bulkBytes = this.#bulkBytesAfter(window.start - start);
      } else {
        if (lineEnd < 0 && !atEnd) return;
        window.dropTo(lineEnd < 0 ? window.end : lineEnd + 1);
      }
    }
  }

  /** The whole rows at the window's start that are loaded in bulk now: none where the first one is none for it. */
  #load(bulk: Bulk): { readonly start: number; readonly end: number } {
    const { buffer, start, end } = this.#window;
    const partEnd = this.#window.positionOf(this.#part.end);
    const most = Math.min(this.#bulkBytes, this.#maxRecordBytes);
    const until = Math.min(end, partEnd, start + most);
    const rows = bulk.load(buffer.subarray(start, until), this.#window.offsetOf(start));
    // Enough for some rows like the one that was read by itself before.
    const few = Math.min(mostBulkBytes, Math.max(leastBulkBytes, 4 * this.size));
    if (rows > 0) this.#bulkBytes = Math.min(mostBulkBytes, 2 * this.#bulkBytes);
    // At the end of what is there, the row may just not be whole yet.
    else if (until < end) this.#bulkBytes = few;
    return { start, end: start + rows };
  }

  /** After a row that was not taken in bulk: it was too long for what was loaded, or else the next ones may be as odd. */
  #bulkBytesAfter(rowBytes: number): number {
    return rowBytes > this.#bulkBytes ? Math.min(mostBulkBytes, 2 * rowBytes) : leastBulkBytes;
  }

  /** For a line to be passed over, its line feed's position (-1: not there yet); else undefined. */
  #passedOver(): number | undefined {
    const { buffer, start, end } = this.#window;
    if (this.#linesToSkip > 0) {
      const lineEnd = this.#lineEnd();
      if (lineEnd >= 0) this.#linesToSkip -= 1;
      return lineEnd;
    }
    if (this.#scanner.isComment(start)) return this.#lineEnd();
    if (this.#width === 1) return undefined;
    if (buffer[start] === lineFeed) return start;
    if (buffer[start] === 0x0d && start + 1 < end && buffer[start + 1] === lineFeed) return start + 1;
    return undefined;
  }

  #lineEnd(): number {
    const { buffer, start, end } = this.#window;
    const found = buffer.indexOf(lineFeed, start);
    return found < end ? found : -1;
  }

  /** Takes one row; false when its end is not there yet. */
  #row(atEnd: boolean): boolean {
    const window = this.#window;
    const scanned = this.#scanner.scan(window.start, atEnd);
    if (scanned === undefined) return false;
    this.#rowStart = window.start;
    const isTooLarge = scanned.end - window.start > this.#maxRecordBytes;
    if (scanned.error || isTooLarge) {
      // What the quotes enclose is not known: the next line begins after the first line feed.
      const lineEnd = this.#lineEnd();
      if (lineEnd < 0 && !atEnd) return false;
      this.#rowEnd = lineEnd < 0 ? window.end : lineEnd;
      if (isTooLarge) this.#refuseTooLarge(this.#rowEnd);
      else if (scanned.error) this.#refuse(scanned.error);
      window.dropTo(lineEnd < 0 ? window.end : lineEnd + 1);
    } else {
      this.#rowEnd = scanned.end;
      this.#take(scanned);
      window.dropTo(scanned.next);
    }
    return true;
  }

  #take({ fields, invalid }: ScannedRow): void {
    if (this.#width === undefined) {
      if (invalid) throw unreadable(`the header is no valid ${this.#options.charset}`);
      if (this.#options.header) {
        if (hasLoneReturn(this.raw())) throw unreadable('the header has a carriage return: lines end with a line feed');
        this.#header(this.#options.columns?.length ? this.#options.columns : fields.map((field) => field ?? ''));
        if (this.#width !== fields.length)
          throw unreadable(`the header has ${fields.length} fields, columns ${this.#width}`);
        return;
      }
      this.#header(fields.map((_, index) => `_${index + 1}`));
    }
    if (fields.length !== this.#width) this.#refuse(ragged(fields.length, this.#width ?? 0));
    else if (invalid) this.#refuse(invalidIn(this.#options.charset));
    else this.#taker.row(fields, this);
  }

  #header(names: readonly string[]): void {
    if (names.length > mostFields)
      throw unreadable(`the header has ${names.length} fields; at most ${mostFields} are read`);
    const empty = names.indexOf('');
    if (empty >= 0) throw unreadable(`field ${empty + 1} of the header has no name`);
    const seen = new Set<string>();
    for (const [index, name] of names.entries()) {
      if (seen.has(name)) throw unreadable(`field ${index + 1} of the header has the name of an earlier one`);
      seen.add(name);
    }
    this.#width = names.length;
    this.columns = names;
    this.#taker.header(names);
    if (this.#options.comment === '') this.#bulk = this.#bulkOf(names);
  }

  #refuse(error: RecordError): void {
    if (this.#width === undefined) throw unreadable(`the header ${error.message}`);
    this.#sink.refuse(error, this);
  }

  /**
   * More than a record's worth of bytes without an end: the line they begin in is refused, where a quote may have been
   * opened by mistake. True when there are more lines after it.
   */
  #skipTooLarge(): boolean {
    const lineEnd = this.#lineEnd();
    if (this.#passedOver() !== undefined) {
      this.#passing = true;
      this.#window.dropTo(this.#window.end);
      return false;
    }
    this.#requireHeader();
    this.#drop(lineEnd < 0 ? this.#window.end : lineEnd);
    return lineEnd >= 0;
  }

  /** Lets go of the rest of a line that is passed over; false before its end is there. */
  #finishPassing(): boolean {
    const lineEnd = this.#lineEnd();
    this.#window.dropTo(lineEnd < 0 ? this.#window.end : lineEnd + 1);
    if (lineEnd < 0) return false;
    this.#passing = false;
    if (this.#linesToSkip > 0) this.#linesToSkip -= 1;
    return true;
  }

  /** Refuses the line that was too large once its end is there; false before. */
  #finishTooLarge(atEnd: boolean): boolean {
    const lineEnd = this.#lineEnd();
    if (lineEnd < 0 && !atEnd) return false;
    this.#refuseTooLarge(lineEnd < 0 ? this.#window.end : lineEnd);
    if (lineEnd >= 0) this.#window.dropTo(lineEnd + 1);
    return true;
  }

  /** Lets go of what has come so far of a line that is too large. */
  #drop(end: number): Oversized {
    const { buffer, start } = this.#window;
    this.#oversized ??= new Oversized(this.#window.offsetOf(start), this.columns);
    this.#oversized.add(buffer.subarray(start, end));
    this.#window.dropTo(end);
    return this.#oversized;
  }

  #requireHeader(): void {
    if (this.#width === undefined) throw unreadable(`the header is longer than ${this.#maxRecordBytes} bytes`);
  }

  #refuseTooLarge(end: number): void {
    this.#requireHeader();
    const message = `is longer than ${this.#maxRecordBytes} bytes, or opens a quote that does not close within them`;
    this.#sink.refuse({ code: 'RecordTooLarge', path: '', message }, this.#drop(end));
    this.#oversized = undefined;
  }
}

/** The fields of bytes that are one row without its line end, or why they are not. */
export function scanRow(
  bytes: Buffer,
  scanner: CsvScanner,
  width: number,
  charset: CsvOptions['charset'],
): readonly (string | null)[] | RecordError {
  scanner.load(bytes, 0, bytes.length);
  const { fields, invalid, next, error } = scanner.scan(0, true) ?? { fields: [], invalid: false, next: 0 };
  if (error) return error;
  if (next < bytes.length) return { code: 'MalformedRecord', path: '', message: 'is more than one row' };
  if (fields.length !== width) return ragged(fields.length, width);
  return invalid ? invalidIn(charset) : fields;
}

function invalidIn(charset: CsvOptions['charset']): RecordError {
  return { code: 'InvalidEncoding', path: '', message: `is no valid ${charset}` };
}

function ragged(found: number, expected: number): RecordError {
  return { code: 'RaggedRow', path: '', message: `has ${found} fields where the header has ${expected}` };
}

/** Where lines end with carriage returns alone, all of the file would pass for its header. */
function hasLoneReturn(row: Uint8Array): boolean {
  for (let at = row.indexOf(0x0d); at >= 0; at = row.indexOf(0x0d, at + 1)) {
    if (row[at + 1] !== lineFeed) return true;
  }
  return false;
}
