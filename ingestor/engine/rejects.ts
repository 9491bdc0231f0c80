/** The reject file: a line of JSON for each refused record, compressed with Zstandard frame by frame. */
import { isUtf8 } from 'node:buffer';
import { isDeepStrictEqual } from 'node:util';
import { constants, zstdCompressSync } from 'node:zlib';
import type { ByteSink } from './engine.ts';
import type { RecordSource } from './readers/reader.ts';
import type { RecordError } from './schema.ts';

/** Raw text past this many bytes is cut: enough to look at, and a reject file stays smaller than its input. */
export const maxRawBytes = 64 * 1024;
/** Text of a frame: large enough to compress well, small enough to hold. */
const frameBytes = 1024 * 1024;

/** UTF-8 has at most so many bytes for a unit of UTF-16. */
const mostBytesOfUnit = 3;

/** A record that is refused: why, and what its line in a reject file says of it. Travels between threads. */
export interface Refused {
  readonly errors: readonly RecordError[];
  /** The members of the line from `offset` to `rawBytes`, as JSON text. */
  readonly text: string;
  readonly columns?: readonly string[] | undefined;
}

/** Most lists of errors that are kept because they came before. */
const mostKnownErrors = 1000;

/** Writes down what is to be said of refused records while they are at hand. */
export class RefusalWriter {
  /** By their text: most records are refused for what others were refused for. */
  readonly #known = new Map<string, readonly RecordError[]>();

  refused(errors: readonly RecordError[], source: RecordSource): Refused {
    const { offset, columns } = source;
    const text = JSON.stringify(errors);
    const place = offset === undefined ? '' : `"offset":${offset},`;
    return { errors: this.#keep(text, errors), text: `${place}"errors":${text},${rawOf(source)}`, columns };
  }

  #keep(text: string, errors: readonly RecordError[]): readonly RecordError[] {
    const known = this.#known.get(text);
    if (!known && this.#known.size < mostKnownErrors) this.#known.set(text, errors);
    return known ?? errors;
  }
}

export class RejectWriter {
  readonly #open: () => ByteSink;
  #sink: ByteSink | undefined;
  #text = Buffer.alloc(0);
  #length = 0;
  #rows = 0;
  #file: { readonly name: string; readonly text: string } | undefined;
  #columns: readonly string[] | undefined;

  constructor(open: () => ByteSink) {
    this.#open = open;
  }

  /** A line of a `RejectedRecord`. */
  add(file: string, record: number, { text, columns }: Refused): void {
    if (this.#file?.name !== file) this.#file = { name: file, text: JSON.stringify(file) };
    const line = `{"file":${this.#file.text},"record":${record},${text}${this.#changed(columns)}}\n`;
    this.#reserve(mostBytesOfUnit * line.length);
    this.#length += this.#text.write(line, this.#length);
    this.#rows += 1;
  }

  /** Writes what was gathered when it is enough. */
  async drain(): Promise<void> {
    if (this.#length >= frameBytes) await this.#flush();
  }

  async finish(): Promise<{ readonly key: string; readonly rows: number; readonly bytes: number } | undefined> {
    await this.#flush();
    if (!this.#sink) return undefined;
    return { key: this.#sink.key, rows: this.#rows, bytes: await this.#sink.complete() };
  }

  async abort(): Promise<void> {
    await this.#sink?.abort();
  }

  /** They hold for the lines that follow, so they are written where they are others. */
  #changed(columns: readonly string[] | undefined): string {
    if (columns === undefined || columns === this.#columns) return '';
    const known = this.#columns;
    this.#columns = columns;
    return known && isDeepStrictEqual(known, columns) ? '' : `,"columns":${JSON.stringify(columns)}`;
  }

  /** Bytes rather than strings, which the garbage collector would move around until there are enough of them. */
  #reserve(bytes: number): void {
    if (this.#length + bytes <= this.#text.length) return;
    const larger = Buffer.allocUnsafeSlow(Math.max(frameBytes, 2 * this.#length) + bytes);
    this.#text.copy(larger, 0, 0, this.#length);
    this.#text = larger;
  }

  async #flush(): Promise<void> {
    if (this.#length === 0) return;
    const frame = compressed(this.#text.subarray(0, this.#length));
    this.#length = 0;
    this.#sink ??= this.#open();
    await this.#sink.write(frame);
  }
}

/** The record as it came: as text, or in base64 where it is none; cut with its whole length where it is long. */
function rawOf(source: RecordSource): string {
  const bytes = source.raw();
  const raw = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  const cut = raw.subarray(0, raw.length > maxRawBytes ? endOfCharacter(raw, maxRawBytes) : raw.length);
  const length = source.size > cut.length ? `,"rawBytes":${source.size}` : '';
  const kept = isUtf8(cut) ? `"raw":${JSON.stringify(cut.toString())}` : `"rawBase64":"${cut.toString('base64')}"`;
  return kept + length;
}

/** The last place up to `at` that is not within a character of UTF-8. */
function endOfCharacter(bytes: Uint8Array, at: number): number {
  let end = at;
  while (end > at - 4 && ((bytes[end] ?? 0) & 0xc0) === 0x80) end -= 1;
  return end;
}

function compressed(text: Uint8Array): Uint8Array {
  return zstdCompressSync(text, { params: { [constants.ZSTD_c_compressionLevel]: 1 }, pledgedSrcSize: text.length });
}
