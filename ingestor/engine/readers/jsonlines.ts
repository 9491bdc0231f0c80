/** One JSON object a line. Blank lines are passed over; a line that is broken costs its record only. */
import { isAscii, isUtf8 } from 'node:buffer';
import { parseExact } from '../exact.ts';
import { notAnObject } from '../examine.ts';
import { isObject } from '../schemadocument.ts';
import {
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
): Promise<Span> {
  const reader = new JsonLinesReader(maxRecordBytes, sink, part);
  for await (const chunk of bytes) {
    reader.push(chunk);
    await sink.drain();
    if (reader.isDone) break;
  }
  reader.end();
  await sink.drain();
  return reader.span;
}

/** Whether a record begins at the start of a part is told by the byte before. */
export function firstByte({ start }: Part): number {
  return Math.max(0, start - 1);
}

const lineFeed = 0x0a;

class JsonLinesReader implements RecordSource {
  readonly #window: Window;
  readonly #maxRecordBytes: number;
  readonly #sink: RecordSink;
  readonly #part: Part;
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

  constructor(maxRecordBytes: number, sink: RecordSink, part: Part) {
    this.#window = new Window(firstByte(part));
    this.#maxRecordBytes = maxRecordBytes;
    this.#sink = sink;
    this.#part = part;
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
    if (!this.#begun) return;
    const { buffer, end } = this.#window;
    const last = buffer.subarray(0, end).lastIndexOf(lineFeed);
    if (last >= this.#searched) this.#lines(last + 1);
    if (this.isDone) return;
    this.#searched = end;
    if (this.#oversized || this.#window.length > this.#maxRecordBytes) this.#drop(end);
  }

  end(): void {
    this.#begin(true);
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

  /** All whole lines up to `end`, which stands after a line feed. One look at the whole block spares one at each line. */
  #lines(end: number): void {
    const { buffer, start } = this.#window;
    const block = buffer.subarray(start, end);
    // Pure ASCII is decoded at once: one non-ASCII character would make all of it twice as wide and slow.
    const ascii = isAscii(block) ? block.toString('latin1') : undefined;
    const valid = ascii !== undefined || isUtf8(block);
    const partEnd = this.#window.positionOf(this.#end);
    let at = start;
    while (at < end && (at < partEnd || this.#oversized)) {
      const lineEnd = buffer.indexOf(lineFeed, at);
      const text = ascii?.slice(at - start, lineEnd - start);
      this.#line(lineEnd, valid, text);
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
