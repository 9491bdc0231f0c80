/** The reject file: a line of JSON for each refused record, compressed with Zstandard frame by frame. */
import { isUtf8 } from 'node:buffer';
import { isDeepStrictEqual } from 'node:util';
import { constants, zstdCompressSync } from 'node:zlib';
import type { ByteSink, RejectedRecord } from './engine.ts';
import type { RecordSource } from './readers/reader.ts';
import type { RecordError } from './schema.ts';

/** Raw text past this many bytes is cut: enough to look at, and a reject file stays smaller than its input. */
export const maxRawBytes = 64 * 1024;
/** Text of a frame: large enough to compress well, small enough to hold. */
const frameBytes = 1024 * 1024;

/** What a reject file says of a record, but for its place in its file. */
export type Refused = Omit<RejectedRecord, 'file' | 'record' | 'errors'> & { readonly errors: readonly RecordError[] };

export function refusedOf(errors: readonly RecordError[], source: RecordSource): Refused {
  const { offset, columns } = source;
  return { ...(offset === undefined ? {} : { offset }), errors, ...rawOf(source), ...(columns ? { columns } : {}) };
}

export class RejectWriter {
  readonly #open: () => ByteSink;
  #sink: ByteSink | undefined;
  #lines: string[] = [];
  #buffered = 0;
  #rows = 0;
  #columns: readonly string[] | undefined;

  constructor(open: () => ByteSink) {
    this.#open = open;
  }

  add(file: string, record: number, { columns, ...refused }: Refused): void {
    const rejected: RejectedRecord = { file, record, ...refused, ...this.#changed(columns) };
    const line = `${JSON.stringify(rejected)}\n`;
    this.#lines.push(line);
    this.#buffered += line.length;
    this.#rows += 1;
  }

  /** Writes what was gathered when it is enough. */
  async drain(): Promise<void> {
    if (this.#buffered >= frameBytes) await this.#flush();
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
  #changed(columns: readonly string[] | undefined): Pick<RejectedRecord, 'columns'> {
    if (columns === undefined || columns === this.#columns) return {};
    const known = this.#columns;
    this.#columns = columns;
    return known && isDeepStrictEqual(known, columns) ? {} : { columns };
  }

  async #flush(): Promise<void> {
    if (this.#lines.length === 0) return;
    const text = this.#lines.join('');
    this.#lines = [];
    this.#buffered = 0;
    this.#sink ??= this.#open();
    await this.#sink.write(zstdCompressSync(text, { params: { [constants.ZSTD_c_compressionLevel]: 1 } }));
  }
}

/** The record as it came: as text, or in base64 where it is none; cut with its whole length where it is long. */
function rawOf(source: RecordSource): Pick<RejectedRecord, 'raw' | 'rawBase64' | 'rawBytes'> {
  const bytes = source.raw();
  const raw = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  const cut = raw.subarray(0, raw.length > maxRawBytes ? endOfCharacter(raw, maxRawBytes) : raw.length);
  const length = source.size > cut.length ? { rawBytes: source.size } : {};
  return isUtf8(cut) ? { raw: cut.toString(), ...length } : { rawBase64: cut.toString('base64'), ...length };
}

/** The last place up to `at` that is not within a character of UTF-8. */
function endOfCharacter(bytes: Uint8Array, at: number): number {
  let end = at;
  while (end > at - 4 && ((bytes[end] ?? 0) & 0xc0) === 0x80) end -= 1;
  return end;
}
