/**
 * An engine for simulations, in place of the one in force: JSON lines in, JSON lines out, no files of real formats. The
 * protocol does not look into data files, so it does not tell the difference; a seed takes milliseconds.
 */
import { zstdCompressSync, zstdDecompressSync } from 'node:zlib';
import { addRecords, type ErrorClass, type RecordCounts, zeroRecords } from '../../ingestor/contract/counts.ts';
import type { Engine, EngineInput, EngineOutput, EngineSettings, IngestedInput } from '../../ingestor/engine/engine.ts';
import {
  type Behavior,
  type CompiledSchema,
  compileSchema as compile,
  createEngine as createRealEngine,
} from '../../ingestor/engine/index.ts';

import { inForce, parseRow, type SmallRow, writeSmallFiles, writeWhole } from '../support/small-files.ts';

export * from '../../ingestor/engine/index.ts';

export function createEngine(settings: EngineSettings): Engine {
  return inForce.isReal || settings.read.format.type !== 'JSONLines'
    ? createRealEngine(settings)
    : new SmallEngine(settings);
}

const compiled = new Map<string, CompiledSchema>();

/** Seeds use the same few schemas. */
export function compileSchema(text: string, behavior: Behavior): CompiledSchema {
  const key = `${behavior} ${text}`;
  const known = compiled.get(key) ?? compile(text, behavior);
  compiled.set(key, known);
  return known;
}

interface Line {
  readonly text: string;
  /** Byte offset of its first byte. */
  readonly start: number;
  /** After its line feed. */
  readonly end: number;
}

class SmallEngine implements Engine {
  readonly #settings: EngineSettings;
  readonly #rows: SmallRow[] = [];
  readonly #rejects: string[] = [];
  #records = zeroRecords();
  #inputBytes = 0;

  constructor(settings: EngineSettings) {
    this.#settings = settings;
  }

  async ingest(input: EngineInput): Promise<IngestedInput> {
    const { name, range } = input;
    const bytes = input.rejects ? rawRecords(await readAll(input)) : await readAll(input);
    const all = linesOf(bytes);
    const from = range === undefined ? 0 : begins(all, range.start);
    const to = range === undefined ? bytes.length : begins(all, range.end);
    const lines = all.filter(({ start }) => start >= from && start < to);
    const records = lines.map(({ text }, index) => this.#take(name, index + 1, text)).reduce(addRecords, zeroRecords());
    this.#records = addRecords(this.#records, records);
    this.#inputBytes += to - from;
    this.#settings.onProgress?.(this.#records, this.#inputBytes);
    return { name, records, bytes: to - from, ...(range === undefined ? {} : { span: { from, to } }) };
  }

  async finish(): Promise<EngineOutput> {
    const rejectFile = await this.#writeRejects();
    return {
      records: this.#records,
      walked: 0,
      inputBytes: this.#inputBytes,
      dataFiles: await writeSmallFiles(this.#settings, this.#rows),
      ...(rejectFile === undefined ? {} : { rejectFile }),
      errors: this.#errors(),
    };
  }

  async abort(): Promise<void> {}

  #take(file: string, record: number, raw: string): RecordCounts {
    const row = parseRow(raw);
    if (row === undefined) {
      const errors = [{ code: 'RequiredMissing', path: '/id', message: 'id is missing' }];
      this.#rejects.push(JSON.stringify({ file, record, errors, raw }));
    } else this.#rows.push(row);
    const isGood = row !== undefined;
    return { read: 1, ingested: isGood ? 1 : 0, failed: isGood ? 0 : 1, skipped: 0, warnings: 0 };
  }

  async #writeRejects(): Promise<EngineOutput['rejectFile']> {
    if (this.#rejects.length === 0) return undefined;
    const text = this.#rejects.map((line) => `${line}\n`).join('');
    const { key, bytes } = await writeWhole(this.#settings.openRejectFile(), zstdCompressSync(text));
    return { key, bytes, rows: this.#rejects.length };
  }

  #errors(): ErrorClass[] {
    const count = this.#rejects.length;
    return count === 0 ? [] : [{ code: 'RequiredMissing', message: 'id is missing', path: '/id', count }];
  }
}

async function readAll(input: EngineInput): Promise<Buffer> {
  const pieces: Uint8Array[] = [];
  for await (const piece of input.read(0)) pieces.push(piece);
  return Buffer.concat(pieces);
}

/** A reject file's records as they came. */
function rawRecords(file: Buffer): Buffer {
  const rejects = zstdDecompressSync(file).toString().trimEnd().split('\n');
  return Buffer.from(rejects.map((line) => `${JSON.parse(line).raw}\n`).join(''));
}

/** Where the first record begins at or after `at`: the start of the file, or its end where there is none. */
function begins(lines: readonly Line[], at: number): number {
  if (at === 0) return 0;
  return lines.find(({ start }) => start >= at)?.start ?? lines.at(-1)?.end ?? 0;
}

function linesOf(bytes: Buffer): Line[] {
  const lines: Line[] = [];
  for (let start = 0; start < bytes.length; ) {
    const feed = bytes.indexOf(0x0a, start);
    const end = feed === -1 ? bytes.length : feed + 1;
    const text = bytes.toString('utf8', start, feed === -1 ? end : feed);
    if (text !== '') lines.push({ text, start, end });
    start = end;
  }
  return lines;
}
