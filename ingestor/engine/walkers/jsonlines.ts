/** Takes lines of JSON straight from a kernel's memory into its columns. */
import type { Kernel } from '../../kernel/kernel.ts';
import type { WalkPlan } from '../plan/plan.ts';
import { writeTables } from './tables.ts';

export interface Taken {
  readonly rows: number;
  /** Of them, those that have fields which no column holds. */
  readonly warned: number;
  /** Where it stopped. */
  readonly next: number;
}

export class JsonLinesWalker {
  readonly #kernel: Kernel;
  readonly #root: number;
  readonly #maxRecordBytes: number;

  /** Rows go to the kernel's columns, which are made for the plan's shape; lines longer than `maxRecordBytes` are not decided. */
  constructor(kernel: Kernel, plan: WalkPlan, maxRecordBytes: number) {
    this.#kernel = kernel;
    this.#root = writeTables(kernel, plan);
    this.#maxRecordBytes = maxRecordBytes;
  }

  /**
   * Takes the lines from `start` on, places in the kernel's memory, each as a row. It stops at `end`, which stands behind
   * a line feed and has 64 bytes after it that may be read; or after `maxRows`; or before the first line that it does not
   * decide. Blank lines are passed over. The bytes must be UTF-8.
   */
  take(start: number, end: number, maxRows: number): Taken {
    const { run } = this.#kernel;
    const next = run.takeJsonLines(this.#root, start, end, maxRows, this.#maxRecordBytes) >>> 0;
    return { rows: run.takenRows(), warned: run.warnedRows(), next };
  }
}
