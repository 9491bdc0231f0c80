/** The engine: it reads inputs in its own thread and, where there is enough of them, in others. */
import { addRecords, addsUp, zeroRecords } from '../contract/counts.ts';
import { ForebayError } from '../contract/errors.ts';
import { Kernel } from '../kernel/kernel.ts';
import { DataWriter } from '../parquet/writer.ts';
import { type Content, contentsOf } from './archives/contents.ts';
import { decompress } from './decompress.ts';
import type {
  ByteSink,
  DataFile,
  Engine,
  EngineInput,
  EngineOutput,
  EngineSettings,
  IngestedInput,
  InputRange,
} from './engine.ts';
import { createExaminer, type Examiner } from './examine.ts';
import { Intake } from './intake.ts';
import { compileMoves, type Move } from './mapping.ts';
import type { WalkPlan } from './plan/plan.ts';
import { readAhead } from './readers/ahead.ts';
import { readAvro } from './readers/avro.ts';
import { readCsv } from './readers/csv.ts';
import { readJson } from './readers/json.ts';
import { firstByte, readJsonLines } from './readers/jsonlines.ts';
import { MovingSink } from './readers/moving.ts';
import { readParquet } from './readers/parquet.ts';
import { bytesOfRange, columnsOfRange } from './readers/range.ts';
import { type Span, wholeFile } from './readers/reader.ts';
import { readRejects } from './readers/rejected.ts';
import { RowRecords } from './readers/rows.ts';
import { RejectWriter } from './rejects.ts';
import { parseSchemaDocument } from './schemadocument.ts';
import { InputSink, type Parts } from './sink.ts';
import { ErrorTally } from './tally.ts';
import { Threads } from './threads/threads.ts';
import { createWalkers, type Walkers, walkPlan } from './walk.ts';

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
  const document = parseSchemaDocument(settings.schema);
  const plan = walkPlan(document, settings);
  const examiner = createExaminer(document, true);
  const moves = compileMoves(settings.read.mapping, examiner.columns);
  return new ReadingEngine(settings, plan, examiner, moves);
}

class ReadingEngine implements Engine {
  readonly #settings: EngineSettings;
  readonly #examiner: Examiner;
  readonly #moves: readonly Move[];
  readonly #data: DataWriter;
  readonly #intake: Intake;
  readonly #walkers: Walkers;
  readonly #threads: Threads;
  readonly #rejects: RejectWriter;
  readonly #errors: ErrorTally;
  #records = zeroRecords();
  #walked = 0;
  #openedFiles = 0;
  #inputBytes = 0;

  constructor(settings: EngineSettings, plan: WalkPlan | undefined, examiner: Examiner, moves: readonly Move[]) {
    this.#settings = settings;
    this.#examiner = examiner;
    this.#moves = moves;
    const { compression, layout, targetFileSizeBytes } = settings;
    const open = () => this.#openDataFile();
    const kernel = new Kernel();
    const { columns } = examiner;
    this.#data = new DataWriter({ columns, compression, layout, targetFileSizeBytes, open, kernel });
    this.#intake = new Intake(examiner, this.#data);
    this.#walkers = createWalkers(plan, settings.read, columns, moves, kernel, this.#intake);
    this.#threads = new Threads(settings, open, () => this.#data.isNearlyFull);
    this.#rejects = new RejectWriter(() => settings.openRejectFile());
    this.#errors = new ErrorTally(examiner.columns);
  }

  async ingest(input: EngineInput): Promise<IngestedInput> {
    const sink = new InputSink(input, this.#parts(), () => this.#progress(sink));
    const span = await this.#readNamed(readAhead(input), sink);
    await sink.end();
    const { records, bytes } = sink;
    this.#walked += sink.walked;
    if (!addsUp(records)) throw new ForebayError('CountsDoNotAddUp', `${input.name}: ${JSON.stringify(records)}`);
    this.#records = addRecords(this.#records, records);
    this.#inputBytes += bytes;
    this.#settings.onProgress?.(this.#records, this.#inputBytes);
    return { name: input.name, records, bytes, ...(span ? { span } : {}) };
  }

  async finish(): Promise<EngineOutput> {
    const [others, own] = await Promise.all([this.#threads.finish(), this.#data.finish()]);
    const dataFiles: DataFile[] = [...own, ...others];
    const rejectFile = await this.#rejects.finish();
    const rows = dataFiles.reduce((sum, file) => sum + file.rows, 0);
    const { ingested, failed } = this.#records;
    if (rows !== ingested || (rejectFile?.rows ?? 0) !== failed) {
      const written = `${rows} rows and ${rejectFile?.rows ?? 0} rejects were written`;
      throw new ForebayError('CountsDoNotAddUp', `${written} of ${ingested} records ingested and ${failed} failed`);
    }
    return {
      records: this.#records,
      walked: this.#walked,
      inputBytes: this.#inputBytes,
      dataFiles,
      ...(rejectFile ? { rejectFile } : {}),
      errors: this.#errors.classes(),
    };
  }

  async abort(): Promise<void> {
    await Promise.allSettled([this.#data.abort(), this.#threads.abort(), this.#rejects.abort()]);
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
      throw aboutFile(sink.file, error);
    }
  }

  /** Bytes count where they are owned: what is read after the end is of the next range. */
  async #readRange(input: EngineInput, range: InputRange, sink: InputSink): Promise<Span> {
    const { format, maxRecordBytes } = this.#settings.read;
    let span: Span;
    if (format.type === 'JSONLines') {
      const bytes = sink.counted(bytesOfRange(input, firstByte(range), range.end));
      const lines = this.#threads.lines(sink, this.#walkers.lines);
      span = await readJsonLines(bytes, maxRecordBytes, new MovingSink(sink, this.#moves), range, lines);
    } else if (format.type === 'CSV') {
      const bytes = sink.counted(bytesOfRange(input, range.start, range.end));
      const rows = new RowRecords(this.#examiner.columns, this.#moves, sink);
      const bulkOf = (names: readonly string[]) => this.#threads.rows(sink, names, this.#walkers.rows(names));
      span = await readCsv(bytes, columnsOfRange(format.csv, range), maxRecordBytes, rows, sink, range, bulkOf);
    } else {
      throw new ForebayError('InvalidTask', `${format.type} is read in one piece`);
    }
    sink.setBytes(span.to - span.from);
    return span;
  }

  async #read(input: EngineInput, sink: InputSink): Promise<void> {
    const { format } = this.#settings.read;
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
    for await (const content of contentsOf(input, this.#settings.read, sink)) {
      await sink.within(content.name, () => this.#readContent(content, sink));
    }
  }

  /** A whole file, decompressed. */
  async #readContent({ bytes, expanded }: Content, sink: InputSink): Promise<void> {
    const { format, maxRecordBytes } = this.#settings.read;
    const { columns } = this.#examiner;
    switch (format.type) {
      case 'CSV': {
        const bulkOf = (names: readonly string[]) => this.#threads.rows(sink, names, this.#walkers.rows(names));
        const rows = new RowRecords(columns, this.#moves, sink);
        await readCsv(bytes, format.csv, maxRecordBytes, rows, sink, wholeFile, bulkOf);
        break;
      }
      case 'JSONLines': {
        const lines = this.#threads.lines(sink, this.#walkers.lines);
        await readJsonLines(bytes, maxRecordBytes, new MovingSink(sink, this.#moves), wholeFile, lines);
        break;
      }
      case 'Avro':
        await readAvro(bytes, { columns, moves: this.#moves, sink }, { maxRecordBytes, expanded });
        break;
      case 'JSON':
        await readJson(bytes, maxRecordBytes, new MovingSink(sink, this.#moves), this.#walkers.values);
        break;
    }
  }

  /** Files are numbered in the order in which they are opened, whichever thread writes them. */
  #openDataFile(): ByteSink {
    this.#openedFiles += 1;
    return this.#settings.openDataFile(this.#openedFiles - 1);
  }

  #parts(): Parts {
    const { signal } = this.#settings;
    return { intake: this.#intake, threads: this.#threads, rejects: this.#rejects, errors: this.#errors, signal };
  }

  #progress(sink: InputSink): void {
    this.#settings.onProgress?.(addRecords(this.#records, sink.records), this.#inputBytes + sink.bytes);
  }
}

/** The file's name before what is wrong with it; what is no ForebayError is the source's own and stays. */
function aboutFile(name: string, error: unknown): unknown {
  if (!(error instanceof ForebayError) || error.code !== 'UnreadableFile') return error;
  return new ForebayError('UnreadableFile', `${name}: ${error.message}`, { cause: error.cause });
}
