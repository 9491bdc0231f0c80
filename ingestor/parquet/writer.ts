/**
 * Rows to Parquet files: gathered by column into a row group of bounded size, written as a whole, and the file rolled to
 * the next one when it is large enough. Dictionary, levels, pages and statistics are hyparquet-writer's.
 */
import { constants, gzipSync, zstdCompressSync } from 'node:zlib';
import type { CompressionCodec, SchemaElement } from 'hyparquet';
import { ByteWriter, ParquetWriter } from 'hyparquet-writer';
import type { TableLayout } from '../contract/layout.ts';
import type { Compression } from '../contract/task.ts';
import type { ByteSink, DataFile } from '../engine/engine.ts';
import type { Column } from '../engine/schema.ts';
import { fieldIDs } from './fields.ts';
import { FileMetrics, type MeasuredLeaf, measuredLeaves } from './metrics.ts';
import { schemaElements } from './schema.ts';

export interface WriterSettings {
  readonly columns: readonly Column[];
  readonly compression: Compression;
  readonly layout?: TableLayout | undefined;
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
  readonly #form: FileForm;
  readonly #weightOfRow: number;
  #columns: unknown[][];
  #rows = 0;
  #weight = 0;
  #file: OpenFile | undefined;
  readonly #files: DataFile[] = [];

  constructor(settings: WriterSettings) {
    this.#settings = settings;
    this.#form = formOf(settings);
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
    this.#file ??= new OpenFile(this.#form, this.#settings.open(this.#files.length));
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

/** What all files of a writer have in common. */
interface FileForm {
  readonly columns: readonly Column[];
  readonly compression: Compression;
  readonly elements: SchemaElement[];
  /** Absent: nothing is kept about the files. */
  readonly measured?: readonly MeasuredLeaf[];
}

function formOf({ columns, compression, layout }: WriterSettings): FileForm {
  const idOf = fieldIDs(layout);
  const measured = measuredLeaves(columns, layout, idOf);
  return {
    columns,
    compression,
    elements: schemaElements(columns, idOf),
    ...(measured.some((leaf) => leaf !== undefined) ? { measured } : {}),
  };
}

class OpenFile {
  readonly #form: FileForm;
  readonly #sink: ByteSink;
  readonly #out: SinkWriter;
  readonly #writer: ParquetWriter;
  readonly #metrics: FileMetrics;
  #rows = 0;

  constructor(form: FileForm, sink: ByteSink) {
    this.#form = form;
    this.#sink = sink;
    this.#out = new SinkWriter(sink);
    this.#metrics = new FileMetrics(form.measured ?? []);
    this.#writer = new ParquetWriter({
      writer: this.#out,
      schema: form.elements,
      codec: codecs[form.compression],
      compressors: { ZSTD: compressZstd, GZIP: (bytes) => gzipSync(bytes) },
      createdBy: 'forebay',
    });
  }

  get bytes(): number {
    return this.#out.offset;
  }

  async writeRowGroup(values: readonly unknown[][], rows: number): Promise<void> {
    const columnData = this.#form.columns.map((column, index) => ({
      name: column.name,
      data: physical(column, values[index] ?? []),
    }));
    await this.#writer.write({ columnData, rowGroupSize: rows });
    const rowGroup = this.#writer.row_groups.at(-1);
    if (rowGroup) this.#metrics.add(rowGroup);
    this.#rows += rows;
  }

  async finish(): Promise<DataFile> {
    await this.#writer.finish();
    await this.#out.flush();
    const file = { key: this.#sink.key, rows: this.#rows, bytes: await this.#sink.complete() };
    if (!this.#form.measured) return file;
    return { ...file, columns: this.#metrics.columns(), splitOffsets: this.#metrics.splitOffsets };
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
