/** For tests: CSV read with a walker against the same read without, record by record. */
import type { CsvOptions, Mapping } from '../../contract/task.ts';
import { ColumnSet } from '../../kernel/columnset.ts';
import { Kernel } from '../../kernel/kernel.ts';
import { shapeOf } from '../../kernel/shape.ts';
import { contentOf, type LeafContent, readContent } from '../../kernel/testing.ts';
import { createExaminer, type Examiner } from '../examine.ts';
import { compileMoves, type Move } from '../mapping.ts';
import { planRecords } from '../plan/index.ts';
import { readCsv } from '../readers/csv.ts';
import type { Bulk, RecordSink, RecordSource } from '../readers/reader.ts';
import { inPieces } from '../readers/recorded.ts';
import { RowRecords } from '../readers/rows.ts';
import type { RecordError } from '../schema.ts';
import { type JsonObject, parseSchemaDocument } from '../schemadocument.ts';
import { type CsvWalker, CsvWalkers } from './csv.ts';

export const plainCsv: CsvOptions = {
  delimiter: ',',
  quote: '"',
  escape: '"',
  header: true,
  charset: 'UTF-8',
  skipLines: 0,
  comment: '',
};

export interface Reading {
  /** In their order: how many rows went in, and what was refused and where. */
  readonly said: readonly (number | string)[];
  readonly warned: number;
  readonly columns: readonly LeafContent[];
  /** Rows that the walker took. */
  readonly walked: number;
  /** What else went in. */
  readonly left: readonly string[];
}

export interface Case {
  readonly schema: object;
  readonly text: string | Uint8Array;
  readonly options?: Partial<CsvOptions>;
  readonly mapping?: Mapping;
  readonly maxRecordBytes?: number;
  /** Sizes of the pieces in which it comes, and most bytes and rows at once for the walker. */
  readonly pieces?: readonly number[];
  readonly blockBytes?: number;
  readonly rows?: number;
}

/** As the engine reads it without a kernel. */
export async function readPlain(one: Case): Promise<Reading> {
  const { examiner, moves } = prepare(one);
  const rows: unknown[][] = [];
  const sink = new CountingSink(examiner, (row) => rows.push(row));
  await read(one, examiner, moves, sink);
  return { ...sink.reading(), columns: contentOf(shapeOf(examiner.columns), rows), walked: 0 };
}

/** As the engine reads it with one; undefined where the schema is none for walkers. */
export async function readWalked(one: Case): Promise<Reading | undefined> {
  const { examiner, moves } = prepare(one);
  const plan = planRecords(parseSchemaDocument(JSON.stringify(one.schema)));
  if (!plan) return undefined;
  const kernel = new Kernel();
  const columns = new ColumnSet(kernel, plan.shape);
  const walkers = new CsvWalkers(kernel, plan, examiner.columns, { ...plainCsv, ...one.options }, moves);
  const sink = new CountingSink(examiner, (row) => columns.add(row));
  await read(one, examiner, moves, sink, (names) => {
    const walker = walkers.rows(names);
    return walker && new TestBulk(kernel, walker, sink, one);
  });
  const held = plan.shape.leaves.map((leaf) =>
    readContent(columns.encode(leaf.index, { pageBytes: 1_000_000, pageRows: 100_000 }), leaf),
  );
  return { ...sink.reading(), columns: held };
}

/** Made once, since many tests read by the same schema. */
const examiners = new WeakMap<object, Examiner>();

function prepare({ schema, mapping = [] }: Case): { examiner: Examiner; moves: readonly Move[] } {
  const examiner = examiners.get(schema) ?? createExaminer(parseSchemaDocument(JSON.stringify(schema)));
  examiners.set(schema, examiner);
  return { examiner, moves: compileMoves(mapping, examiner.columns) };
}

async function read(
  { text, options, maxRecordBytes = 1_000_000, pieces = [1_000_000] }: Case,
  examiner: Examiner,
  moves: readonly Move[],
  sink: CountingSink,
  bulkOf?: (names: readonly string[]) => Bulk | undefined,
): Promise<void> {
  const taker = new RowRecords(examiner.columns, moves, sink);
  const csv = { ...plainCsv, ...options };
  try {
    await readCsv(inPieces(text, ...pieces), csv, maxRecordBytes, taker, sink, undefined, bulkOf);
  } catch (error) {
    sink.say(String(error));
  }
}

class CountingSink implements RecordSink {
  readonly #examiner: Examiner;
  readonly #add: (row: unknown[]) => void;
  readonly #said: (number | string)[] = [];
  readonly #left: string[] = [];
  #warned = 0;
  #walked = 0;

  constructor(examiner: Examiner, add: (row: unknown[]) => void) {
    this.#examiner = examiner;
    this.#add = add;
  }

  accept(record: JsonObject, source: RecordSource, warned = false): void {
    const row: unknown[] = [];
    this.#settle(this.#examiner.examine(record, row), row, source, warned);
  }

  acceptExact(record: JsonObject, source: RecordSource, warned = false): void {
    const row: unknown[] = [];
    this.#settle(this.#examiner.examineExact(record, row), row, source, warned);
  }

  refuse(error: RecordError, source: RecordSource): void {
    this.#settle([error], [], source, false);
  }

  async drain(): Promise<void> {}

  took(rows: number, warned: number): void {
    this.#count(rows);
    this.#walked += rows;
    this.#warned += warned;
  }

  say(what: string): void {
    this.#said.push(what);
  }

  reading(): Omit<Reading, 'columns'> {
    return { said: this.#said, warned: this.#warned, walked: this.#walked, left: this.#left };
  }

  #settle(errors: readonly RecordError[], row: unknown[], source: RecordSource, warned: boolean): void {
    const raw = Buffer.from(source.raw()).toString('latin1');
    if (errors.length > 0) {
      const reasons = errors.map(({ code, path }) => `${code} ${path}`).join();
      this.say(`${source.offset} ${source.size} ${raw}: ${reasons}`);
      return;
    }
    this.#count(1);
    this.#left.push(raw);
    if (warned || this.#examiner.extra) this.#warned += 1;
    this.#add(row);
  }

  #count(rows: number): void {
    const last = this.#said.at(-1);
    if (typeof last === 'number') this.#said[this.#said.length - 1] = last + rows;
    else if (rows > 0) this.#said.push(rows);
  }
}

class TestBulk implements Bulk {
  readonly #kernel: Kernel;
  readonly #walker: CsvWalker;
  readonly #sink: CountingSink;
  readonly #case: Case;
  #start = 0;
  #room = 0;

  constructor(kernel: Kernel, walker: CsvWalker, sink: CountingSink, one: Case) {
    this.#kernel = kernel;
    this.#walker = walker;
    this.#sink = sink;
    this.#case = one;
  }

  load(whole: Uint8Array): number {
    const block = whole.subarray(0, this.#case.blockBytes ?? whole.length);
    if (block.length > this.#room) {
      this.#room = block.length * 2;
      this.#start = this.#kernel.run.allocate(this.#room + 64) >>> 0;
    }
    const end = this.#start + block.length;
    this.#kernel.bytes.set(block, this.#start);
    // What lies behind the end must not matter.
    this.#kernel.bytes.fill('",\n"\r\n', end, end + 64);
    return this.#walker.scan(this.#start, end) - this.#start;
  }

  take(at: number): number {
    let from = at;
    for (;;) {
      const { rows, warned, next } = this.#walker.take(this.#start + from, this.#case.rows ?? 1_000_000);
      this.#sink.took(rows, warned);
      from = next - this.#start;
      if (rows < (this.#case.rows ?? 1_000_000)) return from;
    }
  }
}
