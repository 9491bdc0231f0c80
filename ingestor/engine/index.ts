/** The engine in force: parse to objects, ajv, hyparquet-writer. `createEngine` reads as the whole. */
import { addRecords, addsUp, type RecordCounts, zeroRecords } from '../contract/counts.ts';
import { ForebayError } from '../contract/errors.ts';
import { DataWriter } from '../parquet/writer.ts';
import { decompress } from './decompress.ts';
import type { Engine, EngineInput, EngineOutput, EngineSettings, IngestedInput, InputRange } from './engine.ts';
import { createExaminer, type Examiner } from './examine.ts';
import { compileMoves, type Move } from './mapping.ts';
import { readCsv } from './readers/csv.ts';
import { readJson } from './readers/json.ts';
import { firstByte, readJsonLines } from './readers/jsonlines.ts';
import { MovingSink } from './readers/moving.ts';
import { readParquet } from './readers/parquet.ts';
import { bytesOfRange, columnsOfRange } from './readers/range.ts';
import type { Bytes, RecordSource, Span } from './readers/reader.ts';
import { type Origin, type ReplaySink, readRejects } from './readers/rejected.ts';
import { RowRecords } from './readers/rows.ts';
import { RejectWriter } from './rejects.ts';
import type { RecordError } from './schema.ts';
import type { JsonObject } from './schemadocument.ts';
import { ErrorTally } from './tally.ts';

export {
  type Behavior,
  type Column,
  type ColumnType,
  type CompiledSchema,
  compileSchema,
  type RecordError,
} from './schema.ts';

/** Throws ForebayError InvalidSchema or InvalidMapping. */
export function createEngine(settings: EngineSettings): Engine {
  const examiner = createExaminer(settings.schema);
  const moves = compileMoves(settings.read.mapping, examiner.columns);
  return new LibraryEngine(settings, examiner, moves);
}

class LibraryEngine implements Engine {
  readonly #settings: EngineSettings;
  readonly #examiner: Examiner;
  readonly #moves: readonly Move[];
  readonly #data: DataWriter;
  readonly #rejects: RejectWriter;
  readonly #errors: ErrorTally;
  #records = zeroRecords();
  #inputBytes = 0;

  constructor(settings: EngineSettings, examiner: Examiner, moves: readonly Move[]) {
    this.#settings = settings;
    this.#examiner = examiner;
    this.#moves = moves;
    const { compression, layout, targetFileSizeBytes } = settings;
    const open = (k: number) => settings.openDataFile(k);
    this.#data = new DataWriter({ columns: examiner.columns, compression, layout, targetFileSizeBytes, open });
    this.#rejects = new RejectWriter(() => settings.openRejectFile());
    this.#errors = new ErrorTally(examiner.columns);
  }

  async ingest(input: EngineInput): Promise<IngestedInput> {
    const sink = new InputSink(input, this.#parts(), () => this.#progress(sink));
    const span = await this.#readNamed(input, sink);
    const { records, bytes } = sink;
    if (!addsUp(records)) throw new ForebayError('CountsDoNotAddUp', `${input.name}: ${JSON.stringify(records)}`);
    this.#records = addRecords(this.#records, records);
    this.#inputBytes += bytes;
    this.#settings.onProgress?.(this.#records, this.#inputBytes);
    return { name: input.name, records, bytes, ...(span ? { span } : {}) };
  }

  async finish(): Promise<EngineOutput> {
    const dataFiles = await this.#data.finish();
    const rejectFile = await this.#rejects.finish();
    const rows = dataFiles.reduce((sum, file) => sum + file.rows, 0);
    const { ingested, failed } = this.#records;
    if (rows !== ingested || (rejectFile?.rows ?? 0) !== failed) {
      const written = `${rows} rows and ${rejectFile?.rows ?? 0} rejects were written`;
      throw new ForebayError('CountsDoNotAddUp', `${written} of ${ingested} records ingested and ${failed} failed`);
    }
    return {
      records: this.#records,
      walked: 0,
      inputBytes: this.#inputBytes,
      dataFiles,
      ...(rejectFile ? { rejectFile } : {}),
      errors: this.#errors.classes(),
    };
  }

  async abort(): Promise<void> {
    await Promise.allSettled([this.#data.abort(), this.#rejects.abort()]);
  }

  /** The span of a range. */
  async #readNamed(input: EngineInput, sink: InputSink): Promise<Span | undefined> {
    try {
      if (input.range && this.#settings.read.format.type !== 'Parquet') {
        return await this.#readRange(input, input.range, sink);
      }
      await this.#read(input, sink);
      return input.range && { from: input.range.start, to: input.range.end };
    } catch (error) {
      throw aboutInput(input, error);
    }
  }

  /** Bytes count where they are owned: what is read after the end is of the next range. */
  async #readRange(input: EngineInput, range: InputRange, sink: InputSink): Promise<Span> {
    const { format, maxRecordBytes } = this.#settings.read;
    let span: Span;
    if (format.type === 'JSONLines') {
      const bytes = sink.counted(bytesOfRange(input, firstByte(range), range.end));
      span = await readJsonLines(bytes, maxRecordBytes, new MovingSink(sink, this.#moves), range);
    } else if (format.type === 'CSV') {
      const bytes = sink.counted(bytesOfRange(input, range.start, range.end));
      const rows = new RowRecords(this.#examiner.columns, this.#moves, sink);
      span = await readCsv(bytes, columnsOfRange(format.csv, range), maxRecordBytes, rows, sink, range);
    } else {
      throw new ForebayError('InvalidTask', `${format.type} is read in one piece`);
    }
    sink.setBytes(span.to - span.from);
    return span;
  }

  async #read(input: EngineInput, sink: InputSink): Promise<void> {
    const { format, compression, maxRecordBytes } = this.#settings.read;
    const { columns } = this.#examiner;
    if (input.rejects) {
      const bytes = decompress(sink.counted(input.read(0)), 'Zstd');
      await readRejects(bytes, this.#settings.read, { columns, moves: this.#moves, sink });
      return;
    }
    if (format.type === 'Parquet') {
      const records = { columns, moves: this.#moves, sink };
      const counted = (bytes: number) => sink.countBytes(bytes);
      await readParquet(input, records, counted, (before) => sink.setBefore(before));
      return;
    }
    const bytes = decompress(sink.counted(input.read(0)), compression);
    switch (format.type) {
      case 'CSV':
        await readCsv(bytes, format.csv, maxRecordBytes, new RowRecords(columns, this.#moves, sink), sink);
        break;
      case 'JSONLines':
        await readJsonLines(bytes, maxRecordBytes, new MovingSink(sink, this.#moves));
        break;
      case 'JSON':
        await readJson(bytes, maxRecordBytes, new MovingSink(sink, this.#moves));
        break;
    }
  }

  #parts(): Parts {
    const { signal } = this.#settings;
    return { examiner: this.#examiner, data: this.#data, rejects: this.#rejects, errors: this.#errors, signal };
  }

  #progress(sink: InputSink): void {
    this.#settings.onProgress?.(addRecords(this.#records, sink.records), this.#inputBytes + sink.bytes);
  }
}

interface Parts {
  readonly examiner: Examiner;
  readonly data: DataWriter;
  readonly rejects: RejectWriter;
  readonly errors: ErrorTally;
  readonly signal: AbortSignal;
}

/** Input bytes between two calls of onProgress. */
const progressBytes = 4 * 1024 * 1024;

/** Most bytes handled between two looks at whether a row group is full. */
const pieceBytes = 1024 * 1024;

/** Takes the records of one input: each is counted once, and goes to the data files or to the reject file. */
class InputSink implements ReplaySink {
  readonly #name: string;
  #origin: Origin | undefined;
  readonly #parts: Parts;
  readonly #progress: () => void;
  readonly #row: unknown[] = [];
  /** Records of the file that lie before those that are read. */
  #before: number;
  #read = 0;
  #ingested = 0;
  #failed = 0;
  #warnings = 0;
  #bytes = 0;
  #reported = 0;

  constructor({ name, range }: EngineInput, parts: Parts, progress: () => void) {
    this.#name = name;
    this.#before = range?.records ?? 0;
    this.#parts = parts;
    this.#progress = progress;
  }

  accept(record: JsonObject, source: RecordSource, warned = false): void {
    const exact = source.exact && (() => source.exact?.());
    this.#settle(this.#parts.examiner.examine(record, this.#row, exact), source, warned);
  }

  acceptExact(record: JsonObject, source: RecordSource, warned = false): void {
    this.#settle(this.#parts.examiner.examineExact(record, this.#row), source, warned);
  }

  refuse(error: RecordError, source: RecordSource): void {
    this.#settle([error], source, false);
  }

  async drain(): Promise<void> {
    if (this.#parts.signal.aborted) throw new ForebayError('Interrupted', `stopped in the middle of ${this.#name}`);
    if (this.#parts.data.isFull) await this.#parts.data.flush();
    await this.#parts.rejects.drain();
    if (this.#bytes - this.#reported < progressBytes) return;
    this.#reported = this.#bytes;
    this.#progress();
  }

  /** The same bytes, counted as they were stored, in pieces that do not overfill a row group. */
  async *counted(bytes: Bytes): AsyncGenerator<Uint8Array> {
    for await (const chunk of bytes) {
      this.#bytes += chunk.length;
      for (let at = 0; at < chunk.length; at += pieceBytes) yield chunk.subarray(at, at + pieceBytes);
    }
  }

  countBytes(bytes: number): void {
    this.#bytes += bytes;
  }

  setBytes(bytes: number): void {
    this.#bytes = bytes;
  }

  standFor(origin: Origin): void {
    this.#origin = origin;
  }

  setBefore(records: number): void {
    this.#before = records;
  }

  get bytes(): number {
    return this.#bytes;
  }

  get records(): RecordCounts {
    return { read: this.#read, ingested: this.#ingested, failed: this.#failed, skipped: 0, warnings: this.#warnings };
  }

  #settle(errors: readonly RecordError[], source: RecordSource, warned: boolean): void {
    const { examiner, data, rejects } = this.#parts;
    this.#read += 1;
    if (errors.length === 0) {
      this.#ingested += 1;
      if (warned || examiner.extra) this.#warnings += 1;
      data.add(this.#row, source.weight ?? source.size);
      return;
    }
    this.#failed += 1;
    const { file, record } = this.#origin ?? { file: this.#name, record: this.#before + this.#read };
    this.#parts.errors.add(errors, file, record);
    rejects.add(file, record, errors, source);
  }
}

/** The file's name before what is wrong with it; what is no ForebayError is the source's own and stays. */
function aboutInput(input: EngineInput, error: unknown): unknown {
  if (!(error instanceof ForebayError) || error.code !== 'UnreadableFile') return error;
  return new ForebayError('UnreadableFile', `${input.name}: ${error.message}`, { cause: error.cause });
}
