/**
 * The engine: from the bytes of input files to the bytes of Parquet files, every record checked against the schema.
 * The interface is coarse on purpose - whole files in, whole files out - so that an engine may fuse all steps between.
 *
 * Who calls what: one engine serves one shard. `ingest` is called once per input, one after the other; `finish` once
 * after the last, or `abort` after an error. Counts are exact when `ingest` has resolved.
 */
import type { ErrorClass, RecordCounts } from '../contract/counts.ts';
import type { DataFileFacts, TableLayout } from '../contract/layout.ts';
import type { Compression, ReadSettings } from '../contract/task.ts';

export interface Engine {
  /**
   * Reads an input to its end. Records that the schema refuses are counted and written to the reject file; they never
   * throw. Throws ForebayError UnreadableFile when the file as a whole cannot be read (truncated gzip, no Parquet file).
   */
  ingest(input: EngineInput): Promise<IngestedInput>;
  /** Closes the data and reject files. */
  finish(): Promise<EngineOutput>;
  /** Drops what was written. Never throws. */
  abort(): Promise<void>;
}

export interface EngineSettings {
  /** The JSON Schema in force, as text, which `compileSchema` has accepted. */
  readonly schema: string;
  readonly read: ReadSettings;
  readonly compression: Compression;
  /** Field ids, partitions and sorting of the data files; absent: none of them. */
  readonly layout?: TableLayout;
  /** A data file is closed when it has grown to this many bytes. */
  readonly targetFileSizeBytes: number;
  /** Threads that read at once, where there is input enough for more than one. Default: 1. */
  readonly threads?: number;
  /** Every record is judged by ajv and converted by itself, none by the kernel: slower, and what the kernel is compared with. */
  readonly plain?: boolean;
  readonly signal: AbortSignal;
  /** Opens the k-th data file (0, 1, ...) of this shard; called only when there is a record for it. */
  openDataFile(k: number): ByteSink;
  /** Opens the reject file of this shard; called only when a record is refused. */
  openRejectFile(): ByteSink;
  /** Called now and then with the counts so far of this engine. */
  onProgress?(records: RecordCounts, inputBytes: number): void;
}

/**
 * Where bytes go: an Upload of the store fits. `key` is what receipts name. `write` takes the bytes over and may free their
 * memory. Only one call at a time, but for `abort`.
 */
export interface ByteSink {
  readonly key: string;
  write(bytes: Uint8Array): Promise<void>;
  complete(): Promise<number>;
  abort(): Promise<void>;
}

/** One input file, or inline text. */
export interface EngineInput {
  /** As users know it: the key below the bucket; stands in rejects and samples. */
  readonly name: string;
  /** Bytes as stored, compressed or not. */
  readonly size: number;
  /** All bytes from `start` on (Parquet is read by ranges, the others from 0). Chunks are the engine's own: it may free their memory. */
  read(start?: number, end?: number): AsyncIterable<Uint8Array>;
  /** A part of the file, as a plan cut it (see `InputRange` of the plan); absent: the whole. */
  readonly range?: InputRange;
  /** It is a reject file of this program, whose records are read from their raw text; see `RejectedRecord`. */
  readonly rejects?: boolean;
}

/**
 * `end` exclusive; bytes, or row groups of a Parquet file. It owns the records that begin in it: of JSON lines `start` and
 * `end` may be anywhere; of CSV, both are where a record begins, as `cutCsv` found. Never of compressed files.
 */
export interface InputRange {
  readonly start: number;
  readonly end: number;
  /** Of CSV, in all ranges but the first: the names that the header gives, or the settings. */
  readonly columns?: readonly string[];
  /** How many records lie before it: their numbers go on from there. Absent: not known, they begin at 1. */
  readonly records?: number;
  /** How many line feeds lie before it. */
  readonly lines?: number;
}

export interface IngestedInput {
  readonly name: string;
  readonly records: RecordCounts;
  /** Bytes read as stored; of a range of bytes those from `from` to `to`, so that they add up to the file. */
  readonly bytes: number;
  /**
   * Of a range: where its first record begins and its last one ends. Exactly: the first places at or after its start and
   * its end where a record may begin, 0 for the start of the file and its size where there is none (of Parquet: the range
   * itself). So `to` is `from` of the next range, from 0 to the file's size, also where a range has no record: then its
   * `from` and `to` are the same.
   */
  readonly span?: { readonly from: number; readonly to: number };
}

/** With a layout, also what the table keeps about it. */
export interface DataFile extends Partial<DataFileFacts> {
  readonly key: string;
  readonly rows: number;
  readonly bytes: number;
}

export interface EngineOutput {
  readonly records: RecordCounts;
  /** Of the ingested records, those that the kernel took by itself. */
  readonly walked: number;
  readonly inputBytes: number;
  readonly dataFiles: readonly DataFile[];
  readonly rejectFile?: { readonly key: string; readonly rows: number; readonly bytes: number };
  /** All classes, most frequent first, counted exactly. */
  readonly errors: readonly ErrorClass[];
}

/**
 * One line of a reject file (JSON lines, zstd-compressed): where, what, and the record as it came.
 * `raw` is text; where the bytes were no valid text, `rawBase64` stands instead.
 */
export interface RejectedRecord {
  readonly file: string;
  /** Number of the record in its file, the first is 1. */
  readonly record: number;
  /** Byte offset of its first byte in the decompressed file; absent where the format has none (Parquet). */
  readonly offset?: number;
  readonly errors: readonly { readonly code: string; readonly path: string; readonly message: string }[];
  readonly raw?: string;
  readonly rawBase64?: string;
  /** Raw text over the limit is cut; its whole length in bytes stands here. */
  readonly rawBytes?: number;
  /** Of CSV: the names of the row's fields. They hold for the lines after it too, until others stand there. */
  readonly columns?: readonly string[];
}
