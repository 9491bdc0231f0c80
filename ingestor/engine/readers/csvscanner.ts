/** Splits the bytes of CSV rows into fields. Works on bytes; text is decoded at once where it is ASCII, else by field. */
import { isUtf8 } from 'node:buffer';
import { ForebayError } from '../../contract/errors.ts';
import type { CsvOptions } from '../../contract/task.ts';
import type { RecordError } from '../schema.ts';

export interface ScannedRow {
  /** null: empty and unquoted, or the null marker. */
  readonly fields: readonly (string | null)[];
  /** A field is not valid in the character set. */
  readonly invalid: boolean;
  /** Where the row ends, without its line end, and where the next one begins; both where an error shows. */
  readonly end: number;
  readonly next: number;
  readonly error?: RecordError;
}

const [lineFeed, carriageReturn] = [0x0a, 0x0d];
/** Decoded at once: little at first, since a row may be the only one that is scanned here, then more. */
const leastTextBytes = 1024;
const mostTextBytes = 16 * 1024;

export class CsvScanner {
  readonly #charset: CsvOptions['charset'];
  readonly #delimiter: Buffer;
  readonly #quote: number;
  readonly #escape: number;
  readonly #nullMarker: string | undefined;
  readonly #comment: Buffer;
  #buffer: Buffer = Buffer.alloc(0);
  #end = 0;
  /** Some of the bytes, from `#textStart` on, each as one character. */
  #text = '';
  #textStart = 0;
  #textBytes = leastTextBytes;

  constructor(options: CsvOptions) {
    this.#charset = options.charset;
    const encoding = options.charset === 'UTF-8' ? 'utf8' : 'latin1';
    this.#delimiter = Buffer.from(options.delimiter, encoding);
    this.#quote = oneByte(options.quote, 'quote');
    this.#escape = options.escape === '' ? this.#quote : oneByte(options.escape, 'escape');
    this.#nullMarker = options.nullMarker;
    this.#comment = Buffer.from(options.comment, encoding);
    if (this.#delimiter.length === 0) throw new ForebayError('InvalidTask', 'format.csv.delimiter is empty');
  }

  /** Must be called when the bytes have moved or more have come. */
  load(buffer: Buffer, start: number, end: number): void {
    this.#buffer = buffer;
    this.#end = end;
    this.#textStart = start;
    this.#text = '';
  }

  isComment(at: number): boolean {
    const { length } = this.#comment;
    return length > 0 && at + length <= this.#end && this.#comment.equals(this.#buffer.subarray(at, at + length));
  }

  /** The row that begins at `start`; undefined when more bytes are needed to tell its end. */
  scan(start: number, atEnd: boolean): ScannedRow | undefined {
    const buffer = this.#buffer;
    const end = this.#end;
    const first = this.#delimiter[0];
    const single = this.#delimiter.length === 1;
    const fields: (string | null)[] = [];
    let invalid = false;
    let at = start;
    for (;;) {
      if (buffer[at] === this.#quote && at < end && this.#quote >= 0) {
        const quoted = this.#quoted(at, atEnd);
        if (quoted === undefined) return undefined;
        if (quoted.error) return { fields, invalid, end: quoted.next, next: quoted.next, error: quoted.error };
        if (quoted.invalid) invalid = true;
        fields.push(quoted.text);
        at = quoted.next;
      } else {
        const fieldStart = at;
        let high = 0;
        while (at < end) {
          const byte = buffer[at] ?? 0;
          if (byte === lineFeed || (byte === first && (single || this.#isDelimiter(at)))) break;
          high |= byte;
          at += 1;
        }
        if (at === end && !atEnd) return undefined;
        const atLineEnd = at === end || buffer[at] === lineFeed;
        const fieldEnd = atLineEnd && at > fieldStart && buffer[at - 1] === carriageReturn ? at - 1 : at;
        if (high >= 0x80 && !this.#isValid(fieldStart, fieldEnd)) invalid = true;
        fields.push(this.#plain(fieldStart, fieldEnd, high >= 0x80));
      }
      if (at === end || buffer[at] === lineFeed) {
        const rowEnd = at > start && buffer[at - 1] === carriageReturn ? at - 1 : at;
        return { fields, invalid, end: rowEnd, next: at === end ? end : at + 1 };
      }
      at += this.#delimiter.length;
      if (at > end) return undefined;
    }
  }

  #isDelimiter(at: number): boolean {
    const { length } = this.#delimiter;
    return at + length <= this.#end && this.#delimiter.equals(this.#buffer.subarray(at, at + length));
  }

  /** An unquoted field. */
  #plain(start: number, end: number, high: boolean): string | null {
    if (start === end) return null;
    const text = this.#decode(start, end, high);
    return text === this.#nullMarker ? null : text;
  }

  #decode(start: number, end: number, high: boolean): string {
    if (high && this.#charset === 'UTF-8') return this.#buffer.toString('utf8', start, end);
    if (start < this.#textStart || end > this.#textStart + this.#text.length) {
      const goesOn = start < this.#textStart + 2 * this.#text.length;
      this.#textBytes = goesOn ? Math.min(mostTextBytes, 2 * this.#textBytes) : leastTextBytes;
      this.#textStart = start;
      this.#text = this.#buffer.toString('latin1', start, Math.min(this.#end, Math.max(end, start + this.#textBytes)));
    }
    return this.#text.slice(start - this.#textStart, end - this.#textStart);
  }

  #isValid(start: number, end: number): boolean {
    if (this.#charset === 'ISO-8859-1') return true;
    return this.#charset === 'UTF-8' && isUtf8(this.#buffer.subarray(start, end));
  }

  /** The field whose opening quote stands at `open`; `next` is where its delimiter or line end stands. */
  #quoted(open: number, atEnd: boolean): QuotedField | undefined {
    const [buffer, end, quote, escaping] = [this.#buffer, this.#end, this.#quote, this.#escape];
    let text = '';
    let from = open + 1;
    let at = from;
    let high = 0;
    let invalid = false;
    const take = (until: number): void => {
      if (high >= 0x80 && !this.#isValid(from, until)) invalid = true;
      text += this.#decode(from, until, high >= 0x80);
      high = 0;
    };
    for (; at < end; at += 1) {
      const byte = buffer[at] ?? 0;
      high |= byte;
      if (byte === escaping) {
        const next = buffer[at + 1];
        if (at + 1 === end && !atEnd) return undefined;
        if (at + 1 < end && (next === quote || (next === escaping && escaping !== quote))) {
          take(at);
          from = at + 1;
          at += 1;
          continue;
        }
      }
      if (byte === quote) {
        take(at);
        return this.#afterQuote(at + 1, text, invalid, atEnd);
      }
    }
    return atEnd ? failed('opens a quote that never closes', end) : undefined;
  }

  /** What follows a closing quote: a delimiter, a line end, the end of the file; nothing else. */
  #afterQuote(at: number, text: string, invalid: boolean, atEnd: boolean): QuotedField | undefined {
    const [buffer, end] = [this.#buffer, this.#end];
    if (at === end) return atEnd ? { text, invalid, next: at } : undefined;
    if (buffer[at] === lineFeed) return { text, invalid, next: at };
    if (buffer[at] === carriageReturn) {
      if (at + 1 === end) return atEnd ? { text, invalid, next: at + 1 } : undefined;
      if (buffer[at + 1] === lineFeed) return { text, invalid, next: at + 1 };
    }
    if (at + this.#delimiter.length > end && !atEnd) return undefined;
    return this.#isDelimiter(at) ? { text, invalid, next: at } : failed('has text after a closing quote', at);
  }
}

interface QuotedField {
  readonly text: string;
  readonly invalid: boolean;
  readonly next: number;
  readonly error?: RecordError;
}

/** `at`: where it shows. */
function failed(message: string, at: number): QuotedField {
  return { text: '', invalid: false, next: at, error: { code: 'MalformedRecord', path: '', message } };
}

/** -1 for none. */
function oneByte(text: string, name: string): number {
  if (text === '') return -1;
  const code = text.charCodeAt(0);
  if (text.length !== 1 || code >= 0x80) {
    throw new ForebayError('InvalidTask', `format.csv.${name} must be one ASCII character`);
  }
  return code;
}
