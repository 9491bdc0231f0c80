/**
 * Rows to Parquet files: gathered by column into a row group of bounded size, written as a whole, and the file rolled to
 * the next one when it is large enough. Dictionary, levels, pages and statistics are hyparquet-writer's.
 */
import { constants, gzipSync, zstdCompressSync } from 'node:zlib';
import type { CompressionCodec } from 'hyparquet';
import { ByteWriter, ParquetWriter } from 'hyparquet-writer';
import type { Compression } from '../contract/task.ts';
import type { ByteSink, DataFile } from '../engine/engine.ts';
import type { Column } from '../engine/schema.ts';
import { schemaElements } from './schema.ts';

export interface WriterSettings {
  readonly columns: readonly Column[];
  readonly compression: Compression;
  readonly targetFileSizeBytes: number;
  /** Opens the k-th file; called only when there is a row for it. */
  open(k: number): ByteSink;
}

/**
 * A row group is written when its rows came from this many bytes: 16 MiB of input are some 60 MB of JavaScript values,
 * and as much again while they are encoded. Twice as many gain nothing in size or speed, but cost 100 MB.
 */
const rowGroupBytes = 16 * 1024 * 1024;
/** And at this many rows, whose values take memory however short their text was. */
const rowGroupRows = 100_000;
/** A value weighs this much beside its text. */
const bytesPerValue = 8;

export class DataWriter {
  readonly #settings: WriterSettings;
  readonly #weightOfRow: number;
  #columns: unknown[][];
  #rows = 0;
  #weight = 0;
  #file: OpenFile | undefined;
  readonly #files: DataFile[] = [];

  constructor(settings: WriterSettings) {
    this.#settings = settings;
    this.#weightOfRow = bytesPerValue * settings.columns.length;
    this.#columns = settings.columns.map(() => []);
  }

  /** Takes one value for each column, as `convert` gives them; `bytes` is what the row took in its input. */
  add(row: readonly unknown[], bytes: number): void {
    for (let index = 0; index < this.#columns.length; index += 1) this.#columns[index]?.push(row[index]);
    this.#rows += 1;
    this.#weight += bytes + this.#weightOfRow;
  }

  get isFull(): boolean {
    return this.#weight >= rowGroupBytes || this.#rows >= rowGroupRows;
  }

  /** Writes the rows gathered, and closes the file when it has its size. */
  async flush(): Promise<void> {
    if (this.#rows === 0) return;
    const columns = this.#columns;
    const rows = this.#rows;
    this.#columns = columns.map(() => []);
    this.#rows = 0;
    this.#weight = 0;
    this.#file ??= new OpenFile(this.#settings, this.#settings.open(this.#files.length));
    await this.#file.writeRowGroup(columns, rows);
    if (this.#file.bytes >= this.#settings.targetFileSizeBytes) await this.#close();
  }

  async finish(): Promise<readonly DataFile[]> {
    await this.flush();
    await this.#close();
    return this.#files;
  }

  async abort(): Promise<void> {
    await this.#file?.abort();
  }

  async #close(): Promise<void> {
    if (!this.#file) return;
    const file = this.#file;
    this.#files.push(await file.finish());
    this.#file = undefined;
  }
}

class OpenFile {
  readonly #columns: readonly Column[];
  readonly #sink: ByteSink;
  readonly #out: SinkWriter;
  readonly #writer: ParquetWriter;
  #rows = 0;

  constructor({ columns, compression }: WriterSettings, sink: ByteSink) {
    this.#columns = columns;
    this.#sink = sink;
    this.#out = new SinkWriter(sink);
    this.#writer = new ParquetWriter({
      writer: this.#out,
      schema: schemaElements(columns),
      codec: codecs[compression],
      compressors: { ZSTD: compressZstd, GZIP: (bytes) => gzipSync(bytes) },
      createdBy: 'forebay',
    });
  }

  get bytes(): number {
    return this.#out.offset;
  }

  async writeRowGroup(values: readonly unknown[][], rows: number): Promise<void> {
    const columnData = this.#columns.map((column, index) => ({
      name: column.name,
      data: physical(column, values[index] ?? []),
    }));
    await this.#writer.write({ columnData, rowGroupSize: rows });
    this.#rows += rows;
  }

  async finish(): Promise<DataFile> {
    await this.#writer.finish();
    await this.#out.flush();
    return { key: this.#sink.key, rows: this.#rows, bytes: await this.#sink.complete() };
  }

  async abort(): Promise<void> {
    await this.#sink.abort();
  }
}

/** Longs travel as numbers as far as numbers go; the writer wants bigints. */
function physical({ type }: Column, values: unknown[]): unknown[] {
  if (type !== 'long') return values;
  return values.map((value) => (typeof value === 'number' ? BigInt(value) : value));
}

const codecs: Readonly<Record<Compression, CompressionCodec>> = {
  Zstd: 'ZSTD',
  Snappy: 'SNAPPY',
  Gzip: 'GZIP',
  None: 'UNCOMPRESSED',
};

/** Level 1: half the time of the default 3 for a few per cent more bytes. Pages are 1 MiB, so one chunk takes them. */
function compressZstd(bytes: Uint8Array): Uint8Array {
  const params = { [constants.ZSTD_c_compressionLevel]: 1 };
  return zstdCompressSync(bytes, { params, chunkSize: Math.max(64, bytes.length + 1024) });
}

/** Hands the bytes of each row group over to a sink. */
class SinkWriter extends ByteWriter {
  readonly #sink: ByteSink;

  constructor(sink: ByteSink) {
    super(initialBytes);
    this.#sink = sink;
  }

  async flush(): Promise<void> {
    if (this.index === 0) return;
    const bytes = this.getBytes();
    this.buffer = new ArrayBuffer(initialBytes);
    this.view = new DataView(this.buffer);
    this.index = 0;
    await this.#sink.write(bytes);
  }
}

/** It doubles as needed. */
const initialBytes = 1024 * 1024;
