/** The kernel's walkers as readers use them: a block of records is copied to the kernel's memory and taken there. */
import type { Kernel } from '../kernel/kernel.ts';
import { planRecord } from './columns.ts';
import type { EngineSettings } from './engine.ts';
import type { Intake } from './intake.ts';
import type { Move } from './mapping.ts';
import { planRecords } from './plan/index.ts';
import type { Bulk } from './readers/reader.ts';
import { parseSchemaDocument } from './schemadocument.ts';
import { type CsvWalker, CsvWalkers } from './walkers/csv.ts';
import { JsonLinesWalker } from './walkers/jsonlines.ts';

/** Each is undefined where the schema, the mapping or the dialect is none for the kernel. */
export interface Walkers {
  readonly lines: Bulk | undefined;
  rows(names: readonly string[]): Bulk | undefined;
}

type WalkSettings = Pick<EngineSettings, 'schema' | 'read' | 'plain'>;

/** They put rows into the kernel's columns, and tell the intake how many. */
export function createWalkers(
  { schema, read, plain }: WalkSettings,
  moves: readonly Move[],
  kernel: Kernel,
  intake: Intake,
): Walkers {
  const document = parseSchemaDocument(schema);
  const plan = plain ? undefined : planRecords(document);
  if (!plan) return { lines: undefined, rows: () => undefined };
  const { format, maxRecordBytes } = read;
  const block = new KernelBlock(kernel);
  if (format.type === 'CSV') {
    const walkers = new CsvWalkers(kernel, plan, planRecord(document).columns, format.csv, moves);
    const rows = (names: readonly string[]) => {
      const walker = walkers.rows(names);
      return walker && new BulkOfRows(block, intake, walker);
    };
    return { lines: undefined, rows };
  }
  const isLines = format.type === 'JSONLines' && moves.length === 0;
  const lines = isLines ? new BulkOfLines(block, intake, new JsonLinesWalker(kernel, plan, maxRecordBytes)) : undefined;
  return { lines, rows: () => undefined };
}

/** Row groups are looked at between blocks, so a block is taken to its end. */
const anyRows = 0x7fff_ffff;

class BulkOfLines implements Bulk {
  readonly #block: KernelBlock;
  readonly #intake: Intake;
  readonly #walker: JsonLinesWalker;

  constructor(block: KernelBlock, intake: Intake, walker: JsonLinesWalker) {
    this.#block = block;
    this.#intake = intake;
    this.#walker = walker;
  }

  load(lines: Uint8Array): number {
    this.#block.load(lines);
    return lines.length;
  }

  take(at: number): number {
    const { start, end } = this.#block;
    const { rows, warned, next } = this.#walker.take(start + at, end, anyRows);
    this.#intake.took(rows, warned);
    return next - start;
  }
}

class BulkOfRows implements Bulk {
  readonly #block: KernelBlock;
  readonly #intake: Intake;
  readonly #walker: CsvWalker;

  constructor(block: KernelBlock, intake: Intake, walker: CsvWalker) {
    this.#block = block;
    this.#intake = intake;
    this.#walker = walker;
  }

  load(bytes: Uint8Array): number {
    this.#block.load(bytes);
    const { start, end } = this.#block;
    return this.#walker.scan(start, end) - start;
  }

  take(at: number): number {
    const { start } = this.#block;
    const { rows, warned, next } = this.#walker.take(start + at, anyRows);
    this.#intake.took(rows, warned);
    return next - start;
  }
}

/** The kernel reads whole vectors, past the end too. */
const paddingBytes = 64;

/** The bytes at hand, in the kernel's memory. */
class KernelBlock {
  readonly #kernel: Kernel;
  #room = 0;
  start = 0;
  end = 0;

  constructor(kernel: Kernel) {
    this.#kernel = kernel;
  }

  load(bytes: Uint8Array): void {
    this.#reserve(bytes.length);
    this.#kernel.bytes.set(bytes, this.start);
    this.end = this.start + bytes.length;
  }

  #reserve(bytes: number): void {
    if (bytes + paddingBytes <= this.#room) return;
    const { run } = this.#kernel;
    if (this.#room > 0) run.release(this.start, this.#room);
    this.#room = bytes + paddingBytes;
    this.start = run.allocate(this.#room) >>> 0;
  }
}
