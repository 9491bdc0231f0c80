/** The kernel's walkers as readers use them: a block of records is copied to the kernel's memory and taken there. */
import type { Kernel } from '../kernel/kernel.ts';
import type { EngineSettings } from './engine.ts';
import type { Intake } from './intake.ts';
import type { Move } from './mapping.ts';
import { planRecords } from './plan/index.ts';
import type { Bulk } from './readers/reader.ts';
import { parseSchemaDocument } from './schemadocument.ts';
import { JsonLinesWalker, type Taken } from './walkers/jsonlines.ts';

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
  const plan = plain ? undefined : planRecords(parseSchemaDocument(schema));
  if (!plan) return { lines: undefined, rows: () => undefined };
  const { format, maxRecordBytes } = read;
  const lines =
    format.type === 'JSONLines' && moves.length === 0
      ? new KernelBulk(kernel, intake, new JsonLinesWalker(kernel, plan, maxRecordBytes))
      : undefined;
  return { lines, rows: () => undefined };
}

/** What a walker does with records that lie in the kernel's memory. */
interface Walker {
  take(start: number, end: number, maxRows: number): Taken;
}

/** Row groups are looked at between blocks, so a block is taken to its end. */
const anyRows = 0x7fff_ffff;
/** The kernel reads whole vectors, past the end too. */
const paddingBytes = 64;

class KernelBulk implements Bulk {
  readonly #kernel: Kernel;
  readonly #intake: Intake;
  readonly #walker: Walker;
  #block = 0;
  #room = 0;
  #length = 0;

  constructor(kernel: Kernel, intake: Intake, walker: Walker) {
    this.#kernel = kernel;
    this.#intake = intake;
    this.#walker = walker;
  }

  load(block: Uint8Array): number {
    this.#reserve(block.length);
    this.#kernel.bytes.set(block, this.#block);
    this.#length = block.length;
    return block.length;
  }

  take(at: number): number {
    const { rows, warned, next } = this.#walker.take(this.#block + at, this.#block + this.#length, anyRows);
    this.#intake.took(rows, warned);
    return next - this.#block;
  }

  #reserve(bytes: number): void {
    if (bytes + paddingBytes <= this.#room) return;
    const { run } = this.#kernel;
    if (this.#room > 0) run.release(this.#block, this.#room);
    this.#room = bytes + paddingBytes;
    this.#block = run.allocate(this.#room) >>> 0;
  }
}
