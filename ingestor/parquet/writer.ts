/**
 * Rows to Parquet files: gathered in a kernel's columns and written as row groups of bounded size, each row in the files of
 * its partition, and a file rolled to the next one when it is large enough. Memory is bounded for all partitions together,
 * however many there are.
 */
import type { TableLayout } from '../contract/layout.ts';
import type { Compression } from '../contract/task.ts';
import type { ByteSink, DataFile } from '../engine/engine.ts';
import type { Column } from '../engine/schema.ts';
import { ColumnSet, rowsBetween } from '../kernel/columnset.ts';
import { Kernel } from '../kernel/kernel.ts';
import { shapeOf } from '../kernel/shape.ts';
import type { MeasuredLeaf } from './metrics.ts';
import { createForm, type FileForm, OpenFile } from './openfile.ts';
import type { OrderedRows } from './order.ts';
import { createPartitioner, type Partitioner, type PartitionRows } from './partitioning.ts';

export interface WriterSettings {
  readonly columns: readonly Column[];
  readonly compression: Compression;
  /** Field ids, partitions and sorting; absent: none of them. */
  readonly layout?: TableLayout | undefined;
  readonly targetFileSizeBytes: number;
  /** Opens the k-th file; called only when there is a row for it. */
  open(k: number): ByteSink;
  /** Whose columns the rows are gathered in; absent: one of its own. */
  readonly kernel?: Kernel | undefined;
  /** Rows of a row group. Default: 122,880, as others' files have. */
  readonly rowGroupRows?: number | undefined;
  /** Rows are written when they take this much memory, however few they are. Default: 48 MiB. */
  readonly heldBytes?: number | undefined;
  /** A page ends at so many bytes before compression (default: 1 MiB), or rows (default: 20,480). */
  readonly pageBytes?: number | undefined;
  readonly pageRows?: number | undefined;
}

const defaultRowGroupRows = 122_880;
const defaultHeldBytes = 48 * 1024 * 1024;
/** Of several partitions so many times as many rows may wait, so that each has larger row groups. */
const rowGroupsOfPartitions = 4;

/** Most files that are open at once; of more, the one not written to for longest is closed, and its partition gets another later. */
const mostOpenFiles = 100;
/** What open files may hold back in all: an upload keeps up to a part of 8 MiB until it is sent. */
const mostHeldBytes = 128 * 1024 * 1024;
const mostHeldByFile = 8 * 1024 * 1024;
/** What is told of columns, in all files together: some 6 MiB of a receipt. Of further files, only what rows are found by. */
const mostMetrics = 50_000;
/** Files that are being completed beside the work on others: small ones wait for the store, not for the processor. */
const mostClosing = 8;

interface NumberedFile {
  readonly k: number;
  readonly file: OpenFile;
}

export class DataWriter {
  /** The rows that wait to be written: whoever can may append to them. */
  readonly columns: ColumnSet;
  readonly #settings: WriterSettings;
  readonly #form: FileForm;
  readonly #partition: Partitioner;
  readonly #mostRows: number;
  readonly #mostWaiting: number;
  readonly #mostBytes: number;
  /** By partition; the one written to last is last. */
  readonly #open = new Map<string, NumberedFile>();
  readonly #closing = new Set<Promise<void>>();
  #failure: { readonly error: unknown } | undefined;
  #opened = 0;
  #metrics = 0;
  /** By k. */
  readonly #files: DataFile[] = [];

  /** Throws Error for a layout that is not of the columns. */
  constructor(settings: WriterSettings) {
    const { columns, layout, kernel, rowGroupRows = defaultRowGroupRows } = settings;
    const shape = shapeOf(columns);
    this.#settings = settings;
    this.#form = createForm(settings, shape);
    this.#partition = createPartitioner(shape, layout);
    this.#mostRows = rowGroupRows;
    this.#mostWaiting = rowGroupRows * (layout && layout.partitionBy.length > 0 ? rowGroupsOfPartitions : 1);
    this.#mostBytes = settings.heldBytes ?? defaultHeldBytes;
    // Iceberg's own readers in Spark have long refused delta encodings; a table with field ids is one of theirs.
    const deltas = Object.keys(layout?.fieldIDs ?? {}).length === 0;
    this.columns = new ColumnSet(kernel ?? new Kernel(), shape, { deltas });
  }

  /** Takes a copy of one value for each column, as `convert` gives them. */
  add(row: readonly unknown[]): void {
    this.columns.add(row);
  }

  get isFull(): boolean {
    return this.room === 0;
  }

  /** Nine tenths full. */
  get isNearlyFull(): boolean {
    const { rows, heldBytes } = this.columns;
    return rows > 0.9 * this.#mostWaiting || heldBytes > 0.9 * this.#mostBytes;
  }

  /** Rows that may be added before the writer is full: none where they take enough memory. */
  get room(): number {
    return this.columns.heldBytes >= this.#mostBytes ? 0 : Math.max(0, this.#mostWaiting - this.columns.rows);
  }

  /** Makes room: writes the partitions with most rows until half of what was gathered is out. */
  async flush(): Promise<void> {
    const { columns } = this;
    const half = columns.rows / 2;
    const partitions = this.#partition(columns);
    const ordered = this.#form.order?.read(columns);
    let left = columns.rows;
    const kept = new Set(partitions);
    for (const partition of [...partitions].sort((a, b) => b.count - a.count)) {
      if (left <= half) break;
      await this.#write(partition, ordered);
      kept.delete(partition);
      left -= partition.count;
    }
    if (left === 0) columns.clear();
    else columns.keep(rowsOf(kept, left));
  }

  async finish(): Promise<readonly DataFile[]> {
    const ordered = this.#form.order?.read(this.columns);
    for (const partition of this.#partition(this.columns)) {
      await this.#write(partition, ordered);
      await this.#close(keyOf(partition.values));
    }
    this.columns.clear();
    for (const key of [...this.#open.keys()]) await this.#close(key);
    await Promise.all(this.#closing);
    this.#throwFailure();
    return this.#files;
  }

  async abort(): Promise<void> {
    await Promise.allSettled([...this.#open.values()].map(({ file }) => file.abort()));
    await Promise.allSettled(this.#closing);
  }

  async #write({ values, count, rows }: PartitionRows, ordered: OrderedRows | undefined): Promise<void> {
    const key = keyOf(values);
    const groups = Math.max(1, Math.round(count / this.#mostRows));
    for (let group = 0; group < groups; group += 1) {
      const { file } = this.#fileOf(key, values);
      const [start, end] = [Math.floor((group * count) / groups), Math.floor(((group + 1) * count) / groups)];
      await file.writeRowGroup(this.columns, groups === 1 ? rows : part(rows, start, end), ordered);
      if (file.bytes >= this.#settings.targetFileSizeBytes) await this.#close(key);
      await this.#closeSome();
    }
  }

  #fileOf(key: string, values: PartitionRows['values']): NumberedFile {
    let file = this.#open.get(key);
    if (file) {
      this.#open.delete(key);
    } else {
      const k = this.#opened;
      this.#opened += 1;
      file = { k, file: new OpenFile(this.#form, values, this.#measured(), this.#settings.open(k)) };
    }
    this.#open.set(key, file);
    return file;
  }

  #measured(): readonly MeasuredLeaf[] {
    const { measured, measuredOfMany } = this.#form;
    this.#metrics += measured.length;
    return this.#metrics <= mostMetrics ? measured : measuredOfMany;
  }

  async #closeSome(): Promise<void> {
    while (this.#open.size > mostOpenFiles || this.#held() > mostHeldBytes) {
      const [oldest] = this.#open.keys();
      if (oldest === undefined || this.#open.size === 1) return;
      await this.#close(oldest);
    }
  }

  #held(): number {
    let bytes = 0;
    for (const { file } of this.#open.values()) bytes += Math.min(mostHeldByFile, file.bytes);
    return bytes;
  }

  /** Resolves when the file is complete or others may be begun meanwhile. */
  async #close(key: string): Promise<void> {
    const file = this.#open.get(key);
    if (file) {
      this.#open.delete(key);
      const closing = this.#complete(file).finally(() => this.#closing.delete(closing));
      this.#closing.add(closing);
    }
    if (this.#closing.size >= mostClosing) await Promise.race(this.#closing);
    this.#throwFailure();
  }

  /** Never rejects: what fails is thrown by the next call. */
  async #complete({ k, file }: NumberedFile): Promise<void> {
    try {
      this.#files[k] = await file.finish();
    } catch (error) {
      this.#failure ??= { error };
      await file.abort();
    }
  }

  #throwFailure(): void {
    if (this.#failure) throw this.#failure.error;
  }
}

/** Tells partitions apart; unlike JSON it knows NaN. */
function keyOf(values: PartitionRows['values']): string {
  return (values ?? []).map((value) => (typeof value === 'number' ? String(value) : JSON.stringify(value))).join();
}

/** Those from `start` to before `end`, of these rows or, where undefined, of all. */
function part(rows: Uint32Array | undefined, start: number, end: number): Uint32Array {
  return rows?.subarray(start, end) ?? rowsBetween(start, end);
}

/** In the order in which they came. */
function rowsOf(partitions: Iterable<PartitionRows>, count: number): Uint32Array {
  const all = new Uint32Array(count);
  let at = 0;
  for (const { rows } of partitions) {
    if (!rows) continue;
    all.set(rows, at);
    at += rows.length;
  }
  return all.sort();
}
