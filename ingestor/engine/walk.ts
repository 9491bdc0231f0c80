/** The kernel's walkers as readers use them: a block of records is copied to the kernel's memory and taken there. */
import type { Kernel } from '../kernel/kernel.ts';
import type { ColumnPlan } from './columns.ts';
import type { EngineSettings } from './engine.ts';
import type { Intake } from './intake.ts';
import type { Move } from './mapping.ts';
import { planRecords } from './plan/index.ts';
import type { WalkPlan } from './plan/plan.ts';
import type { PlaceBetween, ValueBulk } from './readers/json.ts';
import type { Bulk } from './readers/reader.ts';
import type { SchemaDocument } from './schemadocument.ts';
import { type CsvWalker, CsvWalkers } from './walkers/csv.ts';
import { JsonLinesWalker, type Taken } from './walkers/jsonlines.ts';
import { JsonValuesWalker } from './walkers/jsonvalues.ts';

/** Each is undefined where the schema, the mapping or the dialect is none for the kernel. */
export interface Walkers {
  readonly lines?: Bulk | undefined;
  readonly values?: ValueBulk | undefined;
  rows(names: readonly string[]): Bulk | undefined;
}

type WalkSettings = Pick<EngineSettings, 'read' | 'plain'>;

/** What walkers check of records; undefined where the schema or the format is none for them. */
export function walkPlan(document: SchemaDocument, { read, plain }: WalkSettings): WalkPlan | undefined {
  return plain || !walked.includes(read.format.type) ? undefined : planRecords(document);
}

const walked: readonly string[] = ['JSONLines', 'JSON', 'CSV'];

/** They put rows into the kernel's columns, and tell the intake how many. */
export function createWalkers(
  plan: WalkPlan | undefined,
  { format, maxRecordBytes }: EngineSettings['read'],
  columns: readonly ColumnPlan[],
  moves: readonly Move[],
  kernel: Kernel,
  intake: Intake,
): Walkers {
  const none: Walkers = { rows: () => undefined };
  if (!plan) return none;
  const block = new KernelBlock(kernel, intake);
  switch (format.type) {
    case 'JSONLines':
      if (moves.length > 0) return none;
      return { ...none, lines: new LineBulk(block, new JsonLinesWalker(kernel, plan, maxRecordBytes)) };
    case 'JSON':
      if (moves.length > 0) return none;
      return { ...none, values: new KernelValueBulk(block, new JsonValuesWalker(kernel, plan, maxRecordBytes)) };
    case 'CSV': {
      const walkers = new CsvWalkers(kernel, plan, columns, format.csv, moves);
      return { rows: (names) => rowBulk(block, walkers.rows(names)) };
    }
    default:
      return none;
  }
}

function rowBulk(block: KernelBlock, walker: CsvWalker | undefined): Bulk | undefined {
  return walker && new RowBulk(block, walker);
}

/** Row groups are looked at between blocks, so a block is taken to its end. */
const anyRows = 0x7fff_ffff;
/** The kernel reads whole vectors, past the end too. */
const paddingBytes = 64;

/** The bytes of records in the kernel's memory. */
class KernelBlock {
  readonly #kernel: Kernel;
  readonly #intake: Intake;
  start = 0;
  end = 0;
  #room = 0;

  constructor(kernel: Kernel, intake: Intake) {
    this.#kernel = kernel;
    this.#intake = intake;
  }

  load(bytes: Uint8Array): void {
    this.#reserve(bytes.length + paddingBytes);
    this.#kernel.bytes.set(bytes, this.start);
    this.end = this.start + bytes.length;
  }

  /** Where the walker stopped. */
  took({ rows, warned, next }: Taken): number {
    this.#intake.took(rows, warned);
    return next - this.start;
  }

  #reserve(bytes: number): void {
    if (bytes <= this.#room) return;
    const { run } = this.#kernel;
    if (this.#room > 0) run.release(this.start, this.#room);
    this.#room = bytes;
    this.start = run.allocate(bytes) >>> 0;
  }
}

class LineBulk implements Bulk {
  readonly #block: KernelBlock;
  readonly #walker: JsonLinesWalker;

  constructor(block: KernelBlock, walker: JsonLinesWalker) {
    this.#block = block;
    this.#walker = walker;
  }

  load(block: Uint8Array): number {
    this.#block.load(block);
    return block.length;
  }

  take(at: number): number {
    const { start, end } = this.#block;
    return this.#block.took(this.#walker.take(start + at, end, anyRows));
  }
}

class RowBulk implements Bulk {
  readonly #block: KernelBlock;
  readonly #walker: CsvWalker;

  constructor(block: KernelBlock, walker: CsvWalker) {
    this.#block = block;
    this.#walker = walker;
  }

  load(block: Uint8Array): number {
    this.#block.load(block);
    const { start, end } = this.#block;
    return this.#walker.scan(start, end) - start;
  }

  take(at: number): number {
    return this.#block.took(this.#walker.take(this.#block.start + at, anyRows));
  }
}

class KernelValueBulk implements ValueBulk {
  readonly #block: KernelBlock;
  readonly #walker: JsonValuesWalker;

  constructor(block: KernelBlock, walker: JsonValuesWalker) {
    this.#block = block;
    this.#walker = walker;
  }

  load(block: Uint8Array): void {
    this.#block.load(block);
  }

  take(from: PlaceBetween, at: number): { readonly place: PlaceBetween; readonly next: number } {
    const { start, end } = this.#block;
    const taken = this.#walker.take(from, start + at, end, anyRows);
    return { place: taken.place, next: this.#block.took(taken) };
  }
}
