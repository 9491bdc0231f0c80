/** One Parquet file that is being written, row group by row group. */
import { setImmediate } from 'node:timers/promises';
import type { SchemaElement } from 'hyparquet';
import type { PartitionValue } from '../contract/layout.ts';
import type { ByteSink, DataFile } from '../engine/engine.ts';
import type { Column } from '../engine/schema.ts';
import type { ColumnSet } from '../kernel/columnset.ts';
import type { Shape } from '../kernel/shape.ts';
import { appendColumn } from './column.ts';
import { type Codec, codecOf } from './compress.ts';
import { fieldIDs, leafAt } from './fields.ts';
import {
  bloomFilterHeader,
  type ChunkFacts,
  fileMetadata,
  type IndexPlaces,
  type RowGroupFacts,
  type Span,
  startOf,
} from './footer.ts';
import { FileMetrics, type MeasuredLeaf, measuredLeaves, mostMeasured } from './metrics.ts';
import { compareRows, type OrderedRows, RowOrder, type SortValues } from './order.ts';
import { schemaElements } from './schema.ts';
import { SinkWriter } from './sinkwriter.ts';
import type { WriterSettings } from './writer.ts';

/** What all files of a writer have in common. */
export interface FileForm {
  readonly codec: Codec;
  readonly pageBytes: number;
  readonly pageRows: number;
  readonly elements: readonly SchemaElement[];
  /** Of one of few files, and of one of so many that what is kept about all of them would be too large to send around. */
  readonly measured: readonly MeasuredLeaf[];
  readonly measuredOfMany: readonly MeasuredLeaf[];
  /** False: nothing is kept about the columns of files. */
  readonly hasIDs: boolean;
  readonly order?: RowOrder | undefined;
  /** Leaves that rows are looked for by: they have bloom filters. */
  readonly bloomLeaves: readonly number[];
}

/** Throws Error for a layout that is not of these columns. */
export function createForm(settings: WriterSettings, shape: Shape): FileForm {
  const { columns, compression, layout } = settings;
  const idOf = fieldIDs(layout);
  const measured = measuredLeaves(shape, layout, idOf, mostMeasured);
  const codec = codecOf(compression);
  return {
    codec,
    pageBytes: settings.pageBytes ?? defaultPageBytes,
    pageRows: settings.pageRows ?? defaultPageRows,
    elements: schemaElements(columns, idOf),
    measured,
    measuredOfMany: measuredLeaves(shape, layout, idOf, 0),
    hasIDs: measured.some((leaf) => leaf !== undefined),
    order: layout && layout.sortBy.length > 0 ? new RowOrder(shape, layout) : undefined,
    bloomLeaves: isTimeSeries(columns) ? [leafAt(shape, '_id').index] : [],
  };
}

/** Its records are named by `_id`, as its schema alone says (see `compileSchema`). */
function isTimeSeries(columns: readonly Column[]): boolean {
  const has = (name: string, type: Column['type']) =>
    columns.some((column) => column.name === name && column.type === type && column.required);
  return has('_id', 'string') && has('timestamp', 'timestamptz');
}

const defaultPageBytes = 1024 * 1024;
/** A sixth of a row group: readers gain by passing over pages, and to compress them one by one costs nothing yet. */
const defaultPageRows = 20_480;
/** After so many bytes of pages the thread looks at what else there is to do. */
const bytesBetweenTurns = 512 * 1024;

const magic = Buffer.from('PAR1');

export class OpenFile {
  readonly #form: FileForm;
  readonly #partition: readonly PartitionValue[] | undefined;
  readonly #sink: ByteSink;
  readonly #out: SinkWriter;
  readonly #metrics: FileMetrics;
  readonly #rowGroups: RowGroupFacts[] = [];
  #last: SortValues | undefined;
  #sorted = true;
  #sinceTurn = 0;

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
    this.#out.append(magic);
  }

  get bytes(): number {
    return this.#out.offset;
  }

  /**
   * Writes these rows (undefined: all). Where there is an order, the rows are put into it (equal ones stay as they came),
   * so every row group is in order, and its bounds let readers pass it over. The file is called sorted when each of its row
   * groups also follows on the one before: always where there is one, and where rows came about in order, as those of
   * streams do. Files that end with each row group would all be sorted, but be a tenth of their target size, which costs
   * readers more than it spares.
   */
  async writeRowGroup(columns: ColumnSet, rows: Uint32Array | undefined, ordered?: OrderedRows): Promise<void> {
    const count = rows?.length ?? columns.rows;
    const inOrder = ordered ? this.#sort(ordered, rows, count) : rows;
    const chunks = await this.#writeColumns(columns, inOrder);
    for (const leaf of this.#form.bloomLeaves) this.#appendBloomFilter(columns, leaf, inOrder, chunks[leaf]);
    await this.#out.flush();
    this.#rowGroups.push({ rows: count, chunks });
  }

  async finish(): Promise<DataFile> {
    this.#appendFooter();
    await this.#out.flush();
    const { hasIDs, order } = this.#form;
    const splitOffsets = this.#rowGroups.flatMap(({ chunks: [first] }) => (first ? [startOf(first)] : []));
    return {
      key: this.#sink.key,
      rows: this.#rowGroups.reduce((sum, { rows }) => sum + rows, 0),
      bytes: await this.#sink.complete(),
      ...(this.#partition ? { partition: [...this.#partition] } : {}),
      ...(hasIDs ? { columns: this.#metrics.columns(), splitOffsets } : {}),
      ...(order ? { sorted: this.#sorted } : {}),
    };
  }

  async abort(): Promise<void> {
    await this.#sink.abort();
  }

  #sort(ordered: OrderedRows, rows: Uint32Array | undefined, count: number): Uint32Array | undefined {
    const sorted = ordered.sort(rows);
    const lowest = ordered.valuesOf(sorted?.[0] ?? 0);
    if (this.#last && compareRows(this.#last, lowest) > 0) this.#sorted = false;
    this.#last = ordered.valuesOf(sorted?.[count - 1] ?? count - 1);
    return sorted;
  }

  async #writeColumns(columns: ColumnSet, rows: Uint32Array | undefined): Promise<ChunkFacts[]> {
    const { codec, pageBytes, pageRows } = this.#form;
    const chunks: ChunkFacts[] = [];
    for (const { index, type } of columns.shape.leaves) {
      const encoded = columns.encode(index, { rows, pageBytes, pageRows });
      const chunk = await appendColumn(type, encoded, codec, this.#out, (bytes) => this.#takeTurns(bytes));
      this.#metrics.add(index, encoded, chunk.compressedBytes);
      chunks.push(chunk);
    }
    return chunks;
  }

  async #takeTurns(bytes: number): Promise<void> {
    this.#sinceTurn += bytes;
    if (this.#sinceTurn < bytesBetweenTurns) return;
    this.#sinceTurn = 0;
    await setImmediate();
  }

  #appendBloomFilter(
    columns: ColumnSet,
    leaf: number,
    rows: Uint32Array | undefined,
    chunk: ChunkFacts | undefined,
  ): void {
    if (!chunk || chunk.nulls === chunk.entries) return;
    const filter = new Uint8Array(bloomBytes(chunk.entries - chunk.nulls));
    columns.addToBloom(leaf, rows, filter);
    chunk.bloomFilter = this.#append(Buffer.concat([bloomFilterHeader(filter.length), filter]));
  }

  /** Indexes of pages lie side by side before the footer, as readers want them. */
  #appendFooter(): void {
    const { elements, codec, order } = this.#form;
    const chunks = this.#rowGroups.map((rowGroup) => rowGroup.chunks);
    const columnIndexes = chunks.map((group) => group.map((chunk) => this.#append(chunk.columnIndex)));
    const places = chunks.map((group, index) =>
      group.map((chunk, leaf): IndexPlaces => {
        return { columnIndex: columnIndexes[index]?.[leaf], offsetIndex: this.#place(chunk.offsetIndex) };
      }),
    );
    const file = {
      elements,
      codec: codec.number,
      rowGroups: this.#rowGroups,
      sortedBy: order?.leaves ?? [],
      createdBy,
    };
    const { length } = this.#place(fileMetadata(file, places));
    const end = Buffer.alloc(8);
    end.writeUInt32LE(length);
    magic.copy(end, 4);
    this.#out.append(end);
  }

  #append(bytes: Uint8Array | undefined): Span | undefined {
    return bytes && this.#place(bytes);
  }

  #place(bytes: Uint8Array): Span {
    const offset = this.#out.offset;
    this.#out.append(bytes);
    return { offset, length: bytes.length };
  }
}

/** Bits of a filter for each value: with eight, one in forty values that are not there seems to be. */
const bloomBits = 8;
const leastBloomBytes = 32;

/** A power of two, which some readers ask for. */
function bloomBytes(values: number): number {
  return Math.max(leastBloomBytes, 2 ** Math.ceil(Math.log2((values * bloomBits) / 8)));
}

/** In the form that the format gives, by which readers tell what writers they trust. */
const createdBy = `forebay version ${process.env.FOREBAY_VERSION ?? '0.0.0'} (build ${process.env.FOREBAY_VERSION ? 'release' : 'source'})`;
