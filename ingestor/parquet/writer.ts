/**
 * Rows to Parquet files: gathered into row groups of bounded size, each row in the files of its partition, and a file
 * rolled to the next one when it is large enough. Memory is bounded for all partitions together, however many there are.
 */
import type { PartitionValue, TableLayout } from '../contract/layout.ts';
import type { Compression } from '../contract/task.ts';
import type { ByteSink, DataFile } from '../engine/engine.ts';
import type { Column } from '../engine/schema.ts';
import type { MeasuredLeaf } from './metrics.ts';
import { createForm, type FileForm, OpenFile } from './openfile.ts';
import { createPartitioner, type Partitioner } from './partitioning.ts';

export interface WriterSettings {
  readonly columns: readonly Column[];
  readonly compression: Compression;
  /** Field ids, partitions and sorting; absent: none of them. */
  readonly layout?: TableLayout | undefined;
  readonly targetFileSizeBytes: number;
  /** Opens the k-th file; called only when there is a row for it. */
  open(k: number): ByteSink;
}

/**
 * Rows are written when they came from this many bytes: 16 MiB of input are some 60 MB of JavaScript values, and as much
 * again while they are encoded. Twice as many gain nothing in size or speed, but cost 100 MB.
 */
const gatheredBytes = 16 * 1024 * 1024;
/** Of several partitions one is encoded at a time, so twice as much may wait, and its row groups are twice as large. */
const gatheredBytesOfPartitions = 2 * gatheredBytes;
/** And at this many rows, whose values take memory however short their text was. */
const gatheredRows = 100_000;
/** A value weighs this much beside its text. */
const bytesPerValue = 8;
/** A partition without rows weighs this much: its values and what holds them. */
const bytesPerPartition = 512;

/** Most files that are open at once; of more, the one not written to for longest is closed, and its partition gets another later. */
const mostOpenFiles = 100;
/** What open files may hold back in all: an upload keeps up to a part of 8 MiB until it is sent. */
const mostHeldBytes = 128 * 1024 * 1024;
const mostHeldByFile = 8 * 1024 * 1024;
/** What is told of columns, in all files together: some 6 MiB of a receipt. Of further files, only what rows are found by. */
const mostMetrics = 50_000;
/** Files that are being completed beside the work on others: small ones wait for the store, not for the processor. */
const mostClosing = 8;

/** Rows that wait, and the file that the next ones go to. */
interface Partition {
  readonly key: unknown;
  readonly values: readonly PartitionValue[] | undefined;
  rows: (readonly unknown[])[];
  weight: number;
  file: { readonly k: number; readonly open: OpenFile } | undefined;
}

export class DataWriter {
  readonly #settings: WriterSettings;
  readonly #form: FileForm;
  readonly #partitionOf: Partitioner | undefined;
  readonly #weightOfRow: number;
  /** Those with rows or a file. */
  readonly #partitions = new Map<unknown, Partition>();
  /** Of those with a file, the one written to last is last. */
  readonly #open = new Set<Partition>();
  readonly #closing = new Set<Promise<void>>();
  #failure: { readonly error: unknown } | undefined;
  #rows = 0;
  #weight = 0;
  #opened = 0;
  #metrics = 0;
  /** By k. */
  readonly #files: DataFile[] = [];

  /** Throws Error for a layout that is not of the columns. */
  constructor(settings: WriterSettings) {
    const { columns, compression, layout } = settings;
    this.#settings = settings;
    this.#form = createForm(columns, compression, layout);
    this.#partitionOf = layout && createPartitioner(columns, layout);
    this.#weightOfRow = bytesPerValue * columns.length;
  }

  /** Takes a copy of one value for each column, as `convert` gives them; `bytes` is what the row took in its input. */
  add(row: readonly unknown[], bytes: number): void {
    const partition = this.#partition(row);
    const weight = bytes + this.#weightOfRow;
    partition.rows.push(row.slice());
    partition.weight += weight;
    this.#weight += weight;
    this.#rows += 1;
  }

  get isFull(): boolean {
    const most = this.#partitions.size > 1 ? gatheredBytesOfPartitions : gatheredBytes;
    return this.#weight >= most || this.#rows >= gatheredRows;
  }

  /** Makes room: writes the partitions with most rows until half of what was gathered is out. */
  async flush(): Promise<void> {
    const half = this.#weight / 2;
    for (const partition of [...this.#partitions.values()].sort((a, b) => b.weight - a.weight)) {
      if (this.#weight <= half) break;
      await this.#write(partition);
    }
  }

  async finish(): Promise<readonly DataFile[]> {
    for (const partition of [...this.#partitions.values()]) {
      await this.#write(partition);
      await this.#close(partition);
    }
    await Promise.all(this.#closing);
    this.#throwFailure();
    return this.#files;
  }

  async abort(): Promise<void> {
    await Promise.allSettled([...this.#open].map((partition) => partition.file?.open.abort()));
    await Promise.allSettled(this.#closing);
  }

  #partition(row: readonly unknown[]): Partition {
    const values = this.#partitionOf?.(row);
    const key = values?.length === 1 ? values[0] : JSON.stringify(values);
    const known = this.#partitions.get(key);
    if (known) return known;
    const partition: Partition = { key, values, rows: [], weight: bytesPerPartition, file: undefined };
    this.#weight += bytesPerPartition;
    this.#partitions.set(key, partition);
    return partition;
  }

  async #write(partition: Partition): Promise<void> {
    const { rows } = partition;
    if (rows.length === 0) return;
    const { open } = await this.#fileOf(partition);
    partition.rows = [];
    this.#rows -= rows.length;
    this.#weight -= partition.weight - bytesPerPartition;
    partition.weight = bytesPerPartition;
    await open.writeRowGroup(rows);
    if (open.bytes >= this.#settings.targetFileSizeBytes) await this.#close(partition);
    await this.#closeSome();
  }

  async #fileOf(partition: Partition): Promise<NonNullable<Partition['file']>> {
    if (!partition.file) {
      const k = this.#opened;
      this.#opened += 1;
      const open = new OpenFile(this.#form, partition.values, this.#measured(), this.#settings.open(k));
      partition.file = { k, open };
    }
    this.#open.delete(partition);
    this.#open.add(partition);
    return partition.file;
  }

  #measured(): readonly MeasuredLeaf[] {
    const { measured, measuredOfMany } = this.#form;
    this.#metrics += measured.length;
    return this.#metrics <= mostMetrics ? measured : measuredOfMany;
  }

  async #closeSome(): Promise<void> {
    while (this.#open.size > mostOpenFiles || this.#held() > mostHeldBytes) {
      const [oldest] = this.#open;
      if (!oldest || this.#open.size === 1) return;
      await this.#close(oldest);
    }
  }

  #held(): number {
    let bytes = 0;
    for (const { file } of this.#open) bytes += Math.min(mostHeldByFile, file?.open.bytes ?? 0);
    return bytes;
  }

  /** Resolves when the file is complete or others may be begun meanwhile. */
  async #close(partition: Partition): Promise<void> {
    const { file } = partition;
    if (file) {
      this.#open.delete(partition);
      partition.file = undefined;
      const closing = this.#complete(file).finally(() => this.#closing.delete(closing));
      this.#closing.add(closing);
    }
    if (partition.rows.length === 0 && this.#partitions.delete(partition.key)) this.#weight -= partition.weight;
    if (this.#closing.size >= mostClosing) await Promise.race(this.#closing);
    this.#throwFailure();
  }

  /** Never rejects: what fails is thrown by the next call. */
  async #complete({ k, open }: NonNullable<Partition['file']>): Promise<void> {
    try {
      this.#files[k] = await open.finish();
    } catch (error) {
      this.#failure ??= { error };
      await open.abort();
    }
  }

  #throwFailure(): void {
    if (this.#failure) throw this.#failure.error;
  }
}
