/** One Parquet file that is being written, row group by row group. Encoding is hyparquet-writer's. */
import { constants, gzipSync, zstdCompressSync } from 'node:zlib';
import type { CompressionCodec, SchemaElement } from 'hyparquet';
import { ByteWriter, ParquetWriter } from 'hyparquet-writer';
import type { PartitionValue, TableLayout } from '../contract/layout.ts';
import type { Compression } from '../contract/task.ts';
import type { ByteSink, DataFile } from '../engine/engine.ts';
import type { Column } from '../engine/schema.ts';
import { fieldIDs } from './fields.ts';
import { FileMetrics, type MeasuredLeaf, measuredLeaves, mostMeasured } from './metrics.ts';
import { type CompareRows, createOrder } from './partitioning.ts';
import { schemaElements } from './schema.ts';

/** What all files of a writer have in common. */
export interface FileForm {
  readonly columns: readonly Column[];
  readonly compression: Compression;
  readonly elements: SchemaElement[];
  /** Of one of few files, and of one of so many that what is kept about all of them would be too large to send around. */
  readonly measured: readonly MeasuredLeaf[];
  readonly measuredOfMany: readonly MeasuredLeaf[];
  /** False: nothing is kept about the columns of files. */
  readonly hasIDs: boolean;
  readonly order?: CompareRows | undefined;
}

/** Throws Error for a layout that is not of these columns. */
export function createForm(
  columns: readonly Column[],
  compression: Compression,
  layout: TableLayout | undefined,
): FileForm {
  const idOf = fieldIDs(layout);
  const measured = measuredLeaves(columns, layout, idOf, mostMeasured);
  return {
    columns,
    compression,
    elements: schemaElements(columns, idOf),
    measured,
    measuredOfMany: measuredLeaves(columns, layout, idOf, 0),
    hasIDs: measured.some((leaf) => leaf !== undefined),
    order: layout && createOrder(columns, layout),
  };
}

type Row = readonly unknown[];

export class OpenFile {
  readonly #form: FileForm;
  readonly #partition: readonly PartitionValue[] | undefined;
  readonly #sink: ByteSink;
  readonly #out: SinkWriter;
  readonly #writer: ParquetWriter;
  readonly #metrics: FileMetrics;
  #rows = 0;
  #last: Row | undefined;
  #sorted = true;

  constructor(
    form: FileForm,
    partition: readonly PartitionValue[] | undefined,
    measured: readonly MeasuredLeaf[],
    sink: ByteSink,
  ) {
    this.#form = form;
    this.#partition = partition;
    this.#sink = sink;
    this.#out = new SinkWriter(sink);
    this.#metrics = new FileMetrics(measured);
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

  /**
   * Where there is an order, the rows are put into it (equal ones stay as they came), so every row group is in order, and
   * its bounds let readers pass it over. The file is called sorted when each of its row groups also follows on the one
   * before: always where there is one, and where rows came about in order, as those of streams do. Files that end with
   * each row group would all be sorted, but be a tenth of their target size, which costs readers more than it spares.
   */
  async writeRowGroup(rows: Row[]): Promise<void> {
    this.#sort(rows);
    const columnData = this.#form.columns.map((column, index) => ({
      name: column.name,
      data: valuesOf(rows, index, column.type),
    }));
    await this.#writer.write({ columnData, rowGroupSize: rows.length });
    const rowGroup = this.#writer.row_groups.at(-1);
    if (rowGroup) this.#metrics.add(rowGroup);
    this.#rows += rows.length;
  }

  async finish(): Promise<DataFile> {
    await this.#writer.finish();
    await this.#out.flush();
    const { hasIDs, order } = this.#form;
    return {
      key: this.#sink.key,
      rows: this.#rows,
      bytes: await this.#sink.complete(),
      ...(this.#partition ? { partition: [...this.#partition] } : {}),
      ...(hasIDs ? { columns: this.#metrics.columns(), splitOffsets: this.#metrics.splitOffsets } : {}),
      ...(order ? { sorted: this.#sorted } : {}),
    };
  }

  async abort(): Promise<void> {
    await this.#sink.abort();
  }

  #sort(rows: Row[]): void {
    const { order } = this.#form;
    const [first, last] = [rows[0], rows.at(-1)];
    if (!order || !first || !last) return;
    rows.sort(order);
    const [lowest, highest] = [rows[0] ?? first, rows.at(-1) ?? last];
    if (this.#last && order(this.#last, lowest) > 0) this.#sorted = false;
    this.#last = highest;
  }
}

/** Longs travel as numbers as far as numbers go; the writer wants bigints. */
function valuesOf(rows: readonly Row[], index: number, type: Column['type']): unknown[] {
  const values: unknown[] = new Array(rows.length);
  for (let at = 0; at < rows.length; at += 1) {
    const value = rows[at]?.[index];
    values[at] = type === 'long' && typeof value === 'number' ? BigInt(value) : value;
  }
  return values;
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
    // Sinks gather: a small row group must not keep a large buffer.
    const handed = 2 * bytes.length < this.buffer.byteLength ? bytes.slice() : bytes;
    this.buffer = new ArrayBuffer(initialBytes);
    this.view = new DataView(this.buffer);
    this.index = 0;
    await this.#sink.write(handed);
  }
}

/** It doubles as needed; many files may be open. */
const initialBytes = 16 * 1024;
