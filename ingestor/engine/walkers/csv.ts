/** Takes rows of CSV straight from a kernel's memory into its columns. */
import { isUtf8 } from 'node:buffer';
import type { CsvOptions } from '../../contract/task.ts';
import {
  csvMarker,
  csvMarkerLength,
  csvPlanSize,
  csvQuote,
  csvSteps,
  csvStepsEnd,
  csvWidth,
  kindExtra,
  kindNothing,
  kindOfFields,
  kindUndecided,
  stepEndLeaf,
  stepField,
  stepFieldCount,
  stepFields,
  stepFirstLeaf,
  stepKind,
  stepNext,
  stepNode,
  stepNullable,
  stepNullLevel,
  stepSize,
} from '../../kernel/assembly/csvsteps.ts';
import { nodeKind } from '../../kernel/assembly/nodes.ts';
import type { Kernel } from '../../kernel/kernel.ts';
import type { ShapeNode } from '../../kernel/shape.ts';
import type { ColumnPlan } from '../columns.ts';
import type { Move } from '../mapping.ts';
import { type LeafCheck, planRows, type RowPlan, type RowStep } from '../plan/csv.ts';
import type { WalkPlan } from '../plan/plan.ts';
import type { Taken } from './jsonlines.ts';
import { writePowersOfFive } from './powers.ts';
import { writeNode } from './tables.ts';

/** Each header has tables of its own in the kernel, which stay: files of more headers than these go the plain way. */
const mostHeaders = 256;

/** Makes walkers for files of one dialect, by their headers. */
export class CsvWalkers {
  readonly #kernel: Kernel;
  readonly #plan: WalkPlan;
  readonly #columns: readonly ColumnPlan[];
  readonly #moves: readonly Move[];
  readonly #dialect: Dialect | undefined;
  readonly #walkers = new Map<string, CsvWalker | undefined>();
  /** The nodes of leaves, by their numbers. */
  readonly #nodes = new Map<number, number>();

  /** Rows go to the kernel's columns, which are made for the plan's shape. */
  constructor(
    kernel: Kernel,
    plan: WalkPlan,
    columns: readonly ColumnPlan[],
    options: CsvOptions,
    moves: readonly Move[],
  ) {
    this.#kernel = kernel;
    this.#plan = plan;
    this.#columns = columns;
    this.#moves = moves;
    this.#dialect = dialectOf(options);
    writePowersOfFive(kernel);
  }

  /** For rows of fields of these names; undefined where the dialect or the schema is none for walkers. */
  rows(names: readonly string[]): CsvWalker | undefined {
    const header = JSON.stringify(names);
    if (!this.#dialect || this.#walkers.has(header)) return this.#walkers.get(header);
    if (this.#walkers.size === mostHeaders) return undefined;
    const plan = planRows(this.#plan, this.#columns, this.#moves, names);
    const walker = plan && this.#walker(this.#dialect, plan);
    this.#walkers.set(header, walker);
    return walker;
  }

  #walker(dialect: Dialect, plan: RowPlan): CsvWalker {
    const tables = new StepWriter(this.#kernel, (check) => this.#node(check)).plan(dialect, plan);
    return new CsvWalker(this.#kernel, tables, dialect);
  }

  #node(check: LeafCheck): number {
    const { firstLeaf } = check.shape;
    const node = this.#nodes.get(firstLeaf) ?? writeNode(this.#kernel, check);
    this.#nodes.set(firstLeaf, node);
    return node;
  }
}

/** Places are those of the kernel's memory. */
export class CsvWalker {
  readonly #kernel: Kernel;
  readonly #plan: number;
  readonly #dialect: Dialect;

  constructor(kernel: Kernel, plan: number, dialect: Dialect) {
    this.#kernel = kernel;
    this.#plan = plan;
    this.#dialect = dialect;
  }

  /**
   * Finds the rows of a block in which one begins at `start`, and answers where the last one ends that may be taken:
   * whole, well formed and valid UTF-8 as all before it are. There it is not told why. 64 bytes behind `end` may be read.
   */
  scan(start: number, end: number): number {
    const { run } = this.#kernel;
    const { delimiter, quote } = this.#dialect;
    const rowsEnd = run.scanCsv(start, end, delimiter, quote) >>> 0;
    if (isUtf8(this.#kernel.bytes.subarray(start, rowsEnd))) return rowsEnd;
    run.keepScannedRows(this.#validRows());
    return run.endOfRows(run.scannedRows()) >>> 0;
  }

  /**
   * Takes rows of the block that was scanned last, from the one that begins at `start`: all of them, or `mostRows`, or
   * those before the first one that it does not decide, which `next` then is. Blank lines are passed over.
   */
  take(start: number, mostRows: number): Taken {
    const { run } = this.#kernel;
    const next = run.takeCsv(this.#plan, start, mostRows) >>> 0;
    return { rows: run.takenCsvRows(), warned: run.warnedCsvRows(), next };
  }

  /** How many rows there are before the first one that is no UTF-8. */
  #validRows(): number {
    const { bytes, run } = this.#kernel;
    let valid = 0;
    let invalid = run.scannedRows();
    while (invalid - valid > 1) {
      const middle = (valid + invalid) >>> 1;
      if (isUtf8(bytes.subarray(run.endOfRows(valid) >>> 0, run.endOfRows(middle) >>> 0))) valid = middle;
      else invalid = middle;
    }
    return valid;
  }
}

/** Bytes. */
interface Dialect {
  readonly delimiter: number;
  readonly quote: number;
  readonly marker: Buffer | undefined;
}

/** Stands for no quote: no UTF-8 text has this byte, and rows that are none are not taken. */
const noQuote = 0xff;

function dialectOf(options: CsvOptions): Dialect | undefined {
  const { charset, delimiter, quote, comment, nullMarker } = options;
  const escapesOtherwise = quote !== '' && options.escape !== '' && options.escape !== quote;
  if (charset !== 'UTF-8' || comment !== '' || escapesOtherwise || delimiter === quote) return undefined;
  if (!isOneByte(delimiter) || (quote !== '' && !isOneByte(quote))) return undefined;
  // A field that begins with a quote is never null; one that is valid text is never the same as half of a pair.
  const never =
    nullMarker === undefined || (quote !== '' && nullMarker.startsWith(quote)) || !nullMarker.isWellFormed();
  return {
    delimiter: delimiter.charCodeAt(0),
    quote: quote === '' ? noQuote : quote.charCodeAt(0),
    marker: never ? undefined : Buffer.from(nullMarker),
  };
}

function isOneByte(text: string): boolean {
  return text.length === 1 && text.charCodeAt(0) < 0x80 && text !== '\n' && text !== '\r';
}

/** Longer than any field. */
const noLength = 0xffff_ffff;

/** Writes a plan into the kernel's memory: see ingestor/kernel/assembly/csvsteps.ts. */
class StepWriter {
  readonly #kernel: Kernel;
  readonly #nodeOf: (check: LeafCheck) => number;

  constructor(kernel: Kernel, nodeOf: (check: LeafCheck) => number) {
    this.#kernel = kernel;
    this.#nodeOf = nodeOf;
  }

  plan({ quote, marker }: Dialect, { width, steps }: RowPlan): number {
    const at = this.#allocate(csvPlanSize);
    const first = this.#allocate(countSteps(steps) * stepSize);
    this.#word(at + csvSteps, first);
    this.#word(at + csvStepsEnd, this.#steps(first, steps));
    this.#word(at + csvWidth, width);
    this.#byte(at + csvQuote, quote);
    this.#word(at + csvMarkerLength, marker?.length ?? noLength);
    if (marker) {
      const text = this.#allocate(marker.length);
      this.#kernel.bytes.set(marker, text);
      this.#word(at + csvMarker, text);
    }
    return at;
  }

  /** Where the next one goes. */
  #steps(at: number, steps: readonly RowStep[]): number {
    let next = at;
    for (const step of steps) next = this.#step(next, step);
    return next;
  }

  #step(at: number, step: RowStep): number {
    const next = at + stepSize;
    switch (step.kind) {
      case 'leaf': {
        const node = this.#nodeOf(step.check);
        this.#byte(at + stepKind, this.#kernel.bytes[node + nodeKind] ?? 0);
        this.#word(at + stepField, step.field);
        this.#word(at + stepNode, node);
        this.#place(at, step.check.shape, step.nullable);
        return next;
      }
      case 'struct': {
        const behind = this.#steps(next, step.steps);
        this.#byte(at + stepKind, kindOfFields);
        this.#place(at, step.shape, step.nullable);
        this.#word(at + stepFields, this.#fields(step.fields));
        this.#word(at + stepFieldCount, step.fields.length);
        this.#word(at + stepNext, behind);
        return behind;
      }
      case 'nothing':
        this.#byte(at + stepKind, kindNothing);
        this.#place(at, step.shape, step.nullable);
        return next;
      default:
        this.#byte(at + stepKind, step.kind === 'extra' ? kindExtra : kindUndecided);
        this.#word(at + stepField, step.field);
        return next;
    }
  }

  #place(at: number, shape: ShapeNode | undefined, nullable: boolean): void {
    this.#byte(at + stepNullable, nullable ? 1 : 0);
    this.#byte(at + stepNullLevel, shape?.nullLevel ?? 0);
    this.#word(at + stepFirstLeaf, shape?.firstLeaf ?? 0);
    this.#word(at + stepEndLeaf, shape?.endLeaf ?? 0);
  }

  #fields(fields: readonly number[]): number {
    const list = this.#allocate(fields.length * 4);
    for (const [index, field] of fields.entries()) this.#word(list + index * 4, field);
    return list;
  }

  /** All zero, and some bytes more, so that whole vectors may be read. */
  #allocate(bytes: number): number {
    const at = this.#kernel.run.allocate(bytes + 16) >>> 0;
    this.#kernel.bytes.fill(0, at, at + bytes + 16);
    return at;
  }

  #byte(at: number, value: number): void {
    this.#kernel.bytes[at] = value;
  }

  #word(at: number, value: number): void {
    this.#kernel.bytes.writeUInt32LE(value, at);
  }
}

function countSteps(steps: readonly RowStep[]): number {
  return steps.reduce((sum, step) => sum + 1 + (step.kind === 'struct' ? countSteps(step.steps) : 0), 0);
}
