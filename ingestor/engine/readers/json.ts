/**
 * JSON values in one file: arrays of objects, or objects one after the other, pretty-printed or not. Elements are found by
 * their brackets and parsed one by one, so that a broken one costs its record only; brackets that do not match leave
 * nothing to find the next one by, and the file is unreadable.
 */

import { isUtf8 } from 'node:buffer';
import { release } from '../../contract/memory.ts';
import { parseExact } from '../exact.ts';
import { notAnObject } from '../examine.ts';
import { isObject } from '../schemadocument.ts';
import {
  type Bytes,
  byteOrderMark,
  invalidUtf8,
  malformedJson,
  Oversized,
  type RecordSink,
  type RecordSource,
  tooLarge,
  unreadable,
} from './reader.ts';
import { Window } from './window.ts';

/** Takes the objects of many values at once; what it leaves, the reader takes by itself. */
export interface ValueBulk {
  /** Bytes of a file, good until the next call. */
  load(block: Uint8Array): void;
  /** Takes objects, and what is between them, from `at` of the block on, which stands at `place`; where it stops and why is for the reader to see. */
  take(place: PlaceBetween, at: number): { readonly place: PlaceBetween; readonly next: number };
}

export async function readJson(
  bytes: Bytes,
  maxRecordBytes: number,
  sink: RecordSink,
  bulk?: ValueBulk,
): Promise<void> {
  const reader = new JsonReader(maxRecordBytes, sink, bulk);
  for await (const chunk of bytes) {
    reader.push(chunk);
    release(chunk);
    await sink.drain();
  }
  reader.end();
  await sink.drain();
}

/**
 * Where the scanner stands: `outside` any value; in an array before its first element (`first`), before one after a
 * comma (`next`), or after one (`after`)...
 */
export type PlaceBetween = 'outside' | 'first' | 'next' | 'after';
/** ... or inside of an element made of brackets (`nested`), of a text (`text`), or of anything else (`scalar`). */
type Place = PlaceBetween | 'nested' | 'text' | 'scalar';

const [quote, backslash, comma] = [0x22, 0x5c, 0x2c];
const [openArray, closeArray, openObject, closeObject] = [0x5b, 0x5d, 0x7b, 0x7d];
/** Deeper nesting than this is refused by every walker of the value anyway. */
const maxDepth = 1_000_000;

class JsonReader implements RecordSource {
  readonly #window = new Window();
  readonly #maxRecordBytes: number;
  readonly #sink: RecordSink;
  readonly #bulk: ValueBulk | undefined;
  /** The bytes that are loaded in bulk; none where they are no UTF-8. */
  #loaded = { start: 0, end: 0 };
  #begun = false;
  #place: Place = 'outside';
  #inArray = false;
  #inText = false;
  #escaped = false;
  /** Closing brackets that are awaited, the innermost last. */
  #awaited = new Uint8Array(64);
  #depth = 0;
  /** Where the scan goes on. */
  #at = 0;
  #elementStart = 0;
  #elementEnd = 0;
  #text = '';
  /** The element at hand, when it is too large to hold. */
  #oversized: Oversized | undefined;

  constructor(maxRecordBytes: number, sink: RecordSink, bulk: ValueBulk | undefined) {
    this.#maxRecordBytes = maxRecordBytes;
    this.#sink = sink;
    this.#bulk = bulk;
  }

  push(chunk: Uint8Array): void {
    const { moved } = this.#window.append(chunk);
    this.#at -= moved;
    this.#elementStart -= moved;
    this.#begin(false);
    if (!this.#begun || this.#window.waits(Number.POSITIVE_INFINITY, this.#maxRecordBytes)) return;
    this.#scan();
    if (!this.#inElement()) this.#window.dropTo(this.#window.end);
    else if (this.#oversized || this.#window.end - this.#elementStart > this.#maxRecordBytes)
      this.#drop(this.#window.end);
    else this.#window.dropTo(this.#elementStart);
  }

  end(): void {
    this.#begin(true);
    this.#scan();
    if (this.#place === 'scalar' && !this.#inArray) this.#element(this.#window.end);
    if (this.#place === 'outside') return;
    throw unreadable(`ends at byte ${this.#window.offsetOf(this.#window.end)} in the middle of a JSON value`);
  }

  get offset(): number {
    return this.#window.offsetOf(this.#elementStart);
  }

  get size(): number {
    return this.#elementEnd - this.#elementStart;
  }

  raw(): Uint8Array {
    return this.#window.buffer.subarray(this.#elementStart, this.#elementEnd);
  }

  exact(): unknown {
    return parseExact(this.#text);
  }

  #begin(atEnd: boolean): void {
    if (this.#begun || (!atEnd && this.#window.length < 3)) return;
    const { buffer, start, end } = this.#window;
    this.#at = start + byteOrderMark(buffer.subarray(start, end));
    this.#begun = true;
  }

  #inElement(): boolean {
    return this.#place === 'nested' || this.#place === 'text' || this.#place === 'scalar';
  }

  #scan(): void {
    this.#load();
    while (this.#at < this.#window.end) {
      if (this.#place === 'nested') this.#scanNested();
      else if (this.#place === 'text') this.#scanText();
      else if (this.#place === 'scalar') this.#scanScalar();
      else this.#between(this.#place);
    }
  }

  #between(place: PlaceBetween): void {
    if (this.#bulk && this.#at < this.#loaded.end) this.#takeInBulk(this.#bulk, place);
    if (this.#at < this.#window.end) this.#scanBetween();
  }

  #load(): void {
    this.#loaded = { start: 0, end: 0 };
    const { buffer, end } = this.#window;
    const whole = this.#bulk ? endOfText(buffer, this.#at, end) : this.#at;
    if (whole === this.#at || !isUtf8(buffer.subarray(this.#at, whole))) return;
    this.#bulk?.load(buffer.subarray(this.#at, whole));
    this.#loaded = { start: this.#at, end: whole };
  }

  #takeInBulk(bulk: ValueBulk, from: PlaceBetween): void {
    const { start } = this.#loaded;
    const { place, next } = bulk.take(from, this.#at - start);
    this.#at = start + next;
    this.#place = place;
    this.#inArray = place !== 'outside';
  }

  /** Between elements: white space, commas, the brackets of the array, and the first byte of the next element. */
  #scanBetween(): void {
    const byte = this.#window.buffer[this.#at] ?? 0;
    if (isSpace(byte)) {
      this.#at += 1;
    } else if (this.#place === 'after') {
      if (byte !== comma && byte !== closeArray) this.#unexpected();
      this.#place = byte === comma ? 'next' : 'outside';
      this.#inArray = byte === comma;
      this.#at += 1;
    } else if (this.#place === 'first' && byte === closeArray) {
      this.#place = 'outside';
      this.#inArray = false;
      this.#at += 1;
    } else if (this.#place === 'outside' && byte === openArray) {
      this.#place = 'first';
      this.#inArray = true;
      this.#at += 1;
    } else {
      this.#begins(byte);
    }
  }

  #begins(byte: number): void {
    this.#elementStart = this.#at;
    if (byte === openObject || byte === openArray) {
      this.#place = 'nested';
      this.#depth = 0;
    } else if (byte === quote) {
      this.#place = 'text';
      this.#at += 1;
    } else if (isScalar(byte)) {
      this.#place = 'scalar';
    } else {
      this.#unexpected();
    }
  }

  #scanNested(): void {
    const { buffer, end } = this.#window;
    let at = this.#at;
    let [inText, escaped] = [this.#inText, this.#escaped];
    while (at < end) {
      const byte = buffer[at] ?? 0;
      at += 1;
      if (inText) {
        if (escaped) escaped = false;
        else if (byte === backslash) escaped = true;
        else if (byte === quote) inText = false;
      } else if (byte === quote) {
        inText = true;
      } else if (byte === openObject || byte === openArray) {
        this.#open(byte);
      } else if (byte === closeObject || byte === closeArray) {
        this.#at = at - 1;
        this.#close(byte);
        if (this.#depth > 0) continue;
        this.#inText = false;
        this.#escaped = false;
        this.#element(at);
        return;
      }
    }
    this.#at = at;
    this.#inText = inText;
    this.#escaped = escaped;
  }

  #open(byte: number): void {
    if (this.#depth === maxDepth) throw unreadable(`nests deeper than ${maxDepth} levels`);
    if (this.#depth === this.#awaited.length) {
      const larger = new Uint8Array(2 * this.#depth);
      larger.set(this.#awaited);
      this.#awaited = larger;
    }
    this.#awaited[this.#depth] = byte === openObject ? closeObject : closeArray;
    this.#depth += 1;
  }

  #close(byte: number): void {
    if (this.#awaited[this.#depth - 1] !== byte) this.#unexpected();
    this.#depth -= 1;
  }

  #scanText(): void {
    const { buffer, end } = this.#window;
    for (; this.#at < end; this.#at += 1) {
      const byte = buffer[this.#at];
      if (this.#escaped) this.#escaped = false;
      else if (byte === backslash) this.#escaped = true;
      else if (byte === quote) {
        this.#element(this.#at + 1);
        return;
      }
    }
  }

  #scanScalar(): void {
    const { buffer, end } = this.#window;
    for (; this.#at < end; this.#at += 1) {
      if (!isScalar(buffer[this.#at] ?? 0)) {
        this.#element(this.#at);
        return;
      }
    }
  }

  /** The element ends before `end`. */
  #element(end: number): void {
    this.#at = end;
    this.#elementEnd = end;
    this.#place = this.#inArray ? 'after' : 'outside';
    const { buffer } = this.#window;
    const bytes = buffer.subarray(this.#elementStart, end);
    if (this.#oversized || bytes.length > this.#maxRecordBytes) this.#refuseTooLarge(end);
    else if (!isUtf8(bytes)) this.#sink.refuse(invalidUtf8, this);
    else this.#parse(bytes.toString());
  }

  #parse(text: string): void {
    this.#text = text;
    let value: unknown;
    try {
      value = JSON.parse(text);
    } catch (error) {
      this.#sink.refuse(malformedJson(error), this);
      return;
    }
    if (isObject(value)) this.#sink.accept(value, this);
    else this.#sink.refuse(notAnObject, this);
  }

  /** Lets go of what has come so far of an element that is too large. */
  #drop(end: number): Oversized {
    this.#oversized ??= new Oversized(this.#window.offsetOf(this.#elementStart));
    this.#oversized.add(this.#window.buffer.subarray(this.#elementStart, end));
    this.#elementStart = end;
    this.#window.dropTo(end);
    return this.#oversized;
  }

  #refuseTooLarge(end: number): void {
    this.#sink.refuse(tooLarge(this.#maxRecordBytes), this.#drop(end));
    this.#oversized = undefined;
  }

  #unexpected(): never {
    throw unreadable(`is no JSON at byte ${this.#window.offsetOf(this.#at)}`);
  }
}

/** The last place up to `end` where no character is cut. */
function endOfText(bytes: Uint8Array, start: number, end: number): number {
  for (let at = end - 1; at >= Math.max(start, end - 3); at -= 1) {
    const byte = bytes[at] ?? 0;
    if ((byte & 0xc0) === 0x80) continue;
    const length = byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : byte >= 0xc0 ? 2 : 1;
    return at + length > end ? at : end;
  }
  return end;
}

function isSpace(byte: number): boolean {
  return byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09;
}

/** A byte of a number or a word: letters, digits, `+`, `-`, `.`. */
function isScalar(byte: number): boolean {
  return (
    (byte >= 0x30 && byte <= 0x39) ||
    (byte >= 0x61 && byte <= 0x7a) ||
    (byte >= 0x41 && byte <= 0x5a) ||
    byte === 0x2d ||
    byte === 0x2b ||
    byte === 0x2e
  );
}
