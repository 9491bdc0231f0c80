/** One JSON object a line. Blank lines are passed over; a line that is broken costs its record only. */
import { isAscii, isUtf8 } from 'node:buffer';
import { parseExact } from '../exact.ts';
import { notAnObject } from '../examine.ts';
import { isObject } from '../schemadocument.ts';
import {
  type Bytes,
  byteOrderMark,
  invalidUtf8,
  keptOfTooLarge,
  malformedJson,
  type RecordSink,
  type RecordSource,
  tooLarge,
} from './reader.ts';
import { Window } from './window.ts';

export async function readJsonLines(bytes: Bytes, maxRecordBytes: number, sink: RecordSink): Promise<void> {
  const reader = new JsonLinesReader(maxRecordBytes, sink);
  for await (const chunk of bytes) {
    reader.push(chunk);
    await sink.drain();
  }
  reader.end();
  await sink.drain();
}

const lineFeed = 0x0a;

class JsonLinesReader implements RecordSource {
  readonly #window = new Window();
  readonly #maxRecordBytes: number;
  readonly #sink: RecordSink;
  /** Where the search for the next line feed goes on. */
  #searched = 0;
  #begun = false;
  /** The line at hand. */
  #lineStart = 0;
  #lineEnd = 0;
  #text = '';
  /** Bytes dropped of the line at hand because it is too large, after those in `#kept`. */
  #dropped = 0;
  #kept: Buffer | undefined;
  #keptOffset = 0;

  constructor(maxRecordBytes: number, sink: RecordSink) {
    this.#maxRecordBytes = maxRecordBytes;
    this.#sink = sink;
  }

  push(chunk: Uint8Array): void {
    const { moved } = this.#window.append(chunk);
    this.#searched -= moved;
    this.#begin(false);
    if (!this.#begun) return;
    const { buffer, end } = this.#window;
    const last = buffer.subarray(0, end).lastIndexOf(lineFeed);
    if (last >= this.#searched) this.#lines(last + 1);
    this.#searched = end;
    if (this.#kept || this.#window.length > this.#maxRecordBytes) this.#drop();
  }

  end(): void {
    this.#begin(true);
    const { start, end } = this.#window;
    if (end > start || this.#kept) this.#line(end, false);
  }

  get offset(): number {
    return this.#kept ? this.#keptOffset : this.#window.offsetOf(this.#lineStart);
  }

  get size(): number {
    return (this.#kept?.length ?? 0) + this.#dropped + this.#lineEnd - this.#lineStart;
  }

  raw(): Uint8Array {
    return this.#kept ?? this.#window.buffer.subarray(this.#lineStart, this.#lineEnd);
  }

  exact(): unknown {
    return parseExact(this.#text);
  }

  /** Passes over a byte-order mark, once there are bytes enough to tell. */
  #begin(atEnd: boolean): void {
    if (this.#begun || (!atEnd && this.#window.length < 3)) return;
    const { buffer, start, end } = this.#window;
    this.#window.dropTo(start + byteOrderMark(buffer.subarray(start, end)));
    this.#searched = this.#window.start;
    this.#begun = true;
  }

  /** All whole lines up to `end`, which stands after a line feed. One look at the whole block spares one at each line. */
  #lines(end: number): void {
    const { buffer, start } = this.#window;
    const block = buffer.subarray(start, end);
    // Pure ASCII is decoded at once: one non-ASCII character would make all of it twice as wide and slow.
    const ascii = isAscii(block) ? block.toString('latin1') : undefined;
    const valid = ascii !== undefined || isUtf8(block);
    let at = start;
    while (at < end) {
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
    if (this.#kept || end - start > this.#maxRecordBytes) this.#sink.refuse(tooLarge(this.#maxRecordBytes), this);
    else if (!valid && !isUtf8(buffer.subarray(start, end))) this.#sink.refuse(invalidUtf8, this);
    else this.#parse(known ?? buffer.toString('utf8', start, end));
    this.#kept = undefined;
    this.#dropped = 0;
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

  /** Keeps the beginning of a line that is too large and forgets what has come of it so far. */
  #drop(): void {
    const { buffer, start, end } = this.#window;
    if (this.#kept) {
      this.#dropped += end - start;
    } else {
      this.#kept = Buffer.from(buffer.subarray(start, start + keptOfTooLarge));
      this.#keptOffset = this.#window.offsetOf(start);
      this.#dropped = Math.max(0, end - start - keptOfTooLarge);
    }
    this.#window.dropTo(end);
    this.#searched = end;
  }
}
