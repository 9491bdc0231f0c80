/** One JSON object a line. Blank lines are passed over; a line that is broken costs its record only. */

import { isAscii, isUtf8 } from 'node:buffer';
import { release } from '../../contract/memory.ts';
import { parseExact } from '../exact.ts';
import { notAnObject } from '../examine.ts';
import { isObject } from '../schemadocument.ts';
import {
  type Bulk,
  type Bytes,
  byteOrderMark,
  invalidUtf8,
  malformedJson,
  Oversized,
  type Part,
  type RecordSink,
  type RecordSource,
  type Span,
  tooLarge,
  wholeFile,
} from './reader.ts';
import { Window } from './window.ts';

/** Of a part, the bytes are those of the file from `firstByte` on, as far as the reader wants them. */
export async function readJsonLines(
  bytes: Bytes,
  maxRecordBytes: number,
  sink: RecordSink,
  part = wholeFile,
  bulk?: Bulk,
): Promise<Span> {
  const reader = new JsonLinesReader(maxRecordBytes, sink, part, bulk);
  for await (const chunk of bytes) {
    reader.push(chunk);
    await sink.drain();
    release(chunk);
    if (reader.isDone) break;
  }
  reader.end();
  await sink.drain();
  return reader.span;
}

/** Whole lines that stand at `offset` of a file. */
export function readLines(
  block: Uint8Array,
  offset: number,
  maxRecordBytes: number,
  sink: RecordSink,
  bulk?: Bulk,
): void {
  const reader = new JsonLinesReader(maxRecordBytes, sink, { start: offset + 1, end: Number.POSITIVE_INFINITY }, bulk);
  reader.pushLines(block);
}

/** Whether a record begins at the start of a part is told by the byte before. */
export function firstByte({ start }: Part): number {
  return Math.max(0, start - 1);
}

const lineFeed = 0x0a;
/** Where text is no UTF-8, lines are read in pieces of so many bytes, of which those that are valid go in bulk. */
const invalidPiece = 16 * 1024;

class JsonLinesReader implements RecordSource {
  readonly #window: Window;
  readonly #maxRecordBytes: number;
  readonly #sink: RecordSink;
  readonly #part: Part;
  readonly #bulk: Bulk | undefined;
  /** Lines that begin here or later are of the next part. */
  #end: number;
  #from = 0;
  /** Where the search for the next line feed goes on. */
  #searched = 0;
  #begun = false;
  /** The line at hand. */
  #lineStart = 0;
  #lineEnd = 0;
  #text = '';
  /** The line at hand, when it is too large to hold. */
  #oversized: Oversized | undefined;

  constructor(maxRecordBytes: number, sink: RecordSink, part: Part, bulk: Bulk | undefined) {
    this.#window = new Window(firstByte(part));
    this.#maxRecordBytes = maxRecordBytes;
    this.#sink = sink;
    this.#part = part;
    this.#bulk = bulk;
    this.#end = part.end;
  }

  /** What follows is of the next part. */
  get isDone(): boolean {
    return this.#begun && !this.#oversized && this.#window.offsetOf(this.#window.start) >= this.#end;
  }

  get span(): Span {
    return { from: this.#from, to: this.#end === 0 ? 0 : this.#window.offsetOf(this.#window.start) };
  }

  push(chunk: Uint8Array): void {
    const { moved } = this.#window.append(chunk);
    this.#searched -= moved;
    this.#begin(false);
    if (this.#begun && !this.#window.waits(this.#end, this.#maxRecordBytes)) this.#read();
  }

  #read(): void {
    const { buffer, end } = this.#window;
    const last = buffer.subarray(0, end).lastIndexOf(lineFeed);
    if (last >= this.#searched) this.#lines(last + 1);
    if (this.isDone) return;
    this.#searched = end;
    if (this.#oversized || this.#window.length > this.#maxRecordBytes) this.#drop(end);
  }

  /** Whole lines, the first of which begins where the window does. */
  pushLines(block: Uint8Array): void {
    this.#begun = true;
    this.#window.adopt(block);
    this.#read();
  }

  end(): void {
    this.#begin(true);
    if (this.#begun) this.#read();
    if (this.isDone) return;
    const { start, end } = this.#window;
    if (end > start || this.#oversized) this.#line(end, false);
    this.#window.dropTo(end);
    if (!this.#begun) this.#from = this.#window.offsetOf(end);
  }

  get offset(): number {
    return this.#window.offsetOf(this.#lineStart);
  }

  get size(): number {
    return this.#lineEnd - this.#lineStart;
  }

  raw(): Uint8Array {
    return this.#window.buffer.subarray(this.#lineStart, this.#lineEnd);
  }

  exact(): unknown {
    return parseExact(this.#text);
  }

  /** Passes over a byte-order mark, once there are bytes enough to tell. */
  #begin(atEnd: boolean): void {
    if (this.#begun) return;
    const { buffer, start, end } = this.#window;
    if (this.#part.start > 0) {
      this.#skipLine();
    } else if (atEnd || this.#window.length >= 3) {
      const mark = byteOrderMark(buffer.subarray(start, end));
      this.#window.dropTo(start + mark);
      // The line after the mark begins at 0, whatever of the mark is in this part.
      if (this.#end > 0) this.#end = Math.max(this.#end, mark + 1);
      this.#begun = true;
    }
    this.#searched = this.#window.start;
  }

  /** Passes over the end of a line of the part before. */
  #skipLine(): void {
    const { buffer, start, end } = this.#window;
    const lineEnd = buffer.indexOf(lineFeed, start);
    this.#begun = lineEnd >= 0 && lineEnd < end;
    this.#window.dropTo(this.#begun ? lineEnd + 1 : end);
    this.#from = this.#window.offsetOf(this.#window.start);
  }

  /** All whole lines up to `end`, which stands after a line feed. */
  #lines(end: number): void {
    const { buffer } = this.#window;
    if (this.#oversized) {
      const lineEnd = buffer.indexOf(lineFeed, this.#window.start);
      this.#line(lineEnd, false);
      this.#window.dropTo(lineEnd + 1);
    }
    const last = this.#endOfPart(end);
    while (this.#window.start < last) {
      const { start } = this.#window;
      let until = last;
      let valid = isUtf8(buffer.subarray(start, until));
      if (!valid && this.#bulk) {
        until = this.#piece(last, invalidPiece);
        valid = isUtf8(buffer.subarray(start, until));
      }
      if (valid && this.#bulk) this.#inBulk(this.#bulk, until);
      else this.#eachLine(until, valid);
    }
  }

  /** Where the lines of this part end, up to `end`. */
  #endOfPart(end: number): number {
    const partEnd = this.#window.positionOf(this.#end);
    if (partEnd >= end) return end;
    return partEnd <= this.#window.start ? this.#window.start : this.#window.buffer.indexOf(lineFeed, partEnd - 1) + 1;
  }

  /** Whole lines of no more than `most` bytes in all; or one line. */
  #piece(end: number, most: number): number {
    const { buffer, start } = this.#window;
    if (end - start <= most) return end;
    const last = buffer.subarray(start, start + most + 1).lastIndexOf(lineFeed);
    return last >= 0 ? start + last + 1 : buffer.indexOf(lineFeed, start) + 1;
  }

  /** Lines up to `end`; those that bulk leaves one by one. */
  #inBulk(bulk: Bulk, end: number): void {
    const window = this.#window;
    const { start } = window;
    bulk.load(window.buffer.subarray(start, end), window.offsetOf(start));
    while (window.start < end) {
      window.dropTo(start + bulk.take(window.start - start));
      if (window.start < end) this.#eachLine(window.buffer.indexOf(lineFeed, window.start) + 1, true);
    }
  }

  /** Pure ASCII is decoded at once: one non-ASCII character would make all of it twice as wide and slow. */
  #eachLine(end: number, valid: boolean): void {
    const { buffer, start } = this.#window;
    const block = buffer.subarray(start, end);
    const ascii = isAscii(block) ? block.toString('latin1') : undefined;
    for (let at = start; at < end; ) {
      const lineEnd = buffer.indexOf(lineFeed, at);
      this.#line(lineEnd, valid, ascii?.slice(at - start, lineEnd - start));
      at = lineEnd + 1;
      this.#window.dropTo(at);
    }
  }

  /** The line from the window's start to `end`; `valid`: it is known to be UTF-8. */
  #line(end: number, valid: boolean, known?: string): void {
    const { buffer, start } = this.#window;
    this.#lineStart = start;
    this.#lineEnd = end;
    if (this.#oversized || end - start > this.#maxRecordBytes) this.#refuseTooLarge(end);
    else if (!valid && !isUtf8(buffer.subarray(start, end))) this.#sink.refuse(invalidUtf8, this);
    else this.#parse(known ?? buffer.toString('utf8', start, end));
  }

  #parse(text: string): void {
    this.#text = text;
    let value: unknown;
    try {
      value = JSON.parse(text);
    } catch (error) {
      if (text.trim() !== '') this.#sink.refuse(malformedJson(error), this);
      return;
    }
    if (isObject(value)) this.#sink.accept(value, this);
    else this.#sink.refuse(notAnObject, this);
  }

  /** Lets go of what has come so far of a line that is too large. */
  #drop(end: number): Oversized {
    const { buffer, start } = this.#window;
    this.#oversized ??= new Oversized(this.#window.offsetOf(start));
    this.#oversized.add(buffer.subarray(start, end));
    this.#window.dropTo(end);
    return this.#oversized;
  }

  #refuseTooLarge(end: number): void {
    this.#sink.refuse(tooLarge(this.#maxRecordBytes), this.#drop(end));
    this.#oversized = undefined;
  }
}
