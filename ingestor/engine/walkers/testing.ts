/** For tests: what a walker takes against what the examiner says of the same records. */
import { ColumnSet } from '../../kernel/columnset.ts';
import { Kernel } from '../../kernel/kernel.ts';
import { contentOf, type LeafContent, readContent } from '../../kernel/testing.ts';
import { parseExact } from '../exact.ts';
import { createExaminer } from '../examine.ts';
import { planRecords } from '../plan/index.ts';
import type { WalkPlan } from '../plan/plan.ts';
import { isObject, parseSchemaDocument } from '../schemadocument.ts';
import { JsonLinesWalker } from './jsonlines.ts';

export interface Comparison {
  /** Records that the walker took, and those that it left though the examiner accepts them. */
  readonly taken: readonly string[];
  readonly left: readonly string[];
  /** Taken although the examiner refuses them, or not warned of as it does. */
  readonly wrong: readonly string[];
  /** What the leaves hold, and what they should. */
  readonly held: readonly LeafContent[];
  readonly expected: readonly LeafContent[];
}

export function planOf(schema: object): WalkPlan | undefined {
  return planRecords(parseSchemaDocument(JSON.stringify(schema)));
}

/** A walker, columns, and lines that it is given one by one. */
export class LineTaker {
  readonly columns: ColumnSet;
  readonly #kernel = new Kernel();
  readonly #walker: JsonLinesWalker;
  #block = 0;
  #room = 0;

  constructor(plan: WalkPlan, maxRecordBytes = 1_000_000) {
    this.columns = new ColumnSet(this.#kernel, plan.shape);
    this.#walker = new JsonLinesWalker(this.#kernel, plan, maxRecordBytes);
  }

  /** All from the text's first line on; `next` in bytes from its start. */
  take(text: string | Uint8Array, maxRows = 1_000_000): { rows: number; warned: number; next: number } {
    const bytes = Buffer.from(text);
    if (bytes.length > this.#room) {
      this.#room = bytes.length * 2;
      this.#block = this.#kernel.run.allocate(this.#room + 64) >>> 0;
    }
    bytes.copy(this.#kernel.bytes, this.#block);
    // What lies behind the end must not matter.
    this.#kernel.bytes.fill('"}]{1,\n', this.#block + bytes.length, this.#block + bytes.length + 64);
    const { rows, warned, next } = this.#walker.take(this.#block, this.#block + bytes.length, maxRows);
    return { rows, warned, next: next - this.#block };
  }
}

/** Undefined where the schema goes the plain way as a whole. */
export function compare(schema: object, lines: readonly string[]): Comparison | undefined {
  const plan = planOf(schema);
  if (!plan) return undefined;
  const taker = new LineTaker(plan);
  const examiner = createExaminer(parseSchemaDocument(JSON.stringify(schema)));
  const taken: string[] = [];
  const left: string[] = [];
  const wrong: string[] = [];
  const rows: unknown[][] = [];
  for (const line of lines) {
    const row: unknown[] = [];
    const verdict = examine(line, row);
    const { rows: took, warned, next } = taker.take(`${line}\n`);
    if (next !== (took === 1 ? Buffer.byteLength(line) + 1 : 0) && line.trim() !== '') wrong.push(line);
    if (took === 0) {
      if (verdict !== undefined) left.push(line);
      continue;
    }
    taken.push(line);
    rows.push(row);
    if (verdict !== warned) wrong.push(line);
  }
  const held = plan.shape.leaves.map((leaf) =>
    readContent(taker.columns.encode(leaf.index, { pageBytes: 1_000_000, pageRows: 100_000 }), leaf),
  );
  return { taken, left, wrong, held, expected: contentOf(plan.shape, rows) };

  /** How many rows are warned of, 0 or 1, where it is accepted. */
  function examine(line: string, row: unknown[]): number | undefined {
    let record: unknown;
    try {
      record = JSON.parse(line);
    } catch {
      return undefined;
    }
    if (!isObject(record) || examiner.examine(record, row, () => parseExact(line)).length > 0) return undefined;
    return examiner.extra ? 1 : 0;
  }
}
