/** Takes the objects of a JSON file, in arrays or one after the other, straight from a kernel's memory into its columns. */
import type { Kernel } from '../../kernel/kernel.ts';
import type { WalkPlan } from '../plan/plan.ts';
import type { Taken } from './jsonlines.ts';
import { writeTables } from './tables.ts';

/** Where a file is read: outside of arrays; in one, before its first value, before one after a comma, or after one. */
export type ValuePlace = 'outside' | 'first' | 'next' | 'after';
const places: readonly ValuePlace[] = ['outside', 'first', 'next', 'after'];

export interface TakenValues extends Taken {
  readonly place: ValuePlace;
}

export class JsonValuesWalker {
  readonly #kernel: Kernel;
  readonly #root: number;
  readonly #maxRecordBytes: number;

  /** Rows go to the kernel's columns, which are made for the plan's shape; longer values are not decided. */
  constructor(kernel: Kernel, plan: WalkPlan, maxRecordBytes: number) {
    this.#kernel = kernel;
    this.#root = writeTables(kernel, plan);
    this.#maxRecordBytes = maxRecordBytes;
  }

  /**
   * Takes the objects from `start` on, which stands at `place`, with the white space, commas and brackets around them. It
   * stops at `end`, which may be anywhere and has 64 bytes after it that may be read and written; or at a value after
   * `maxRows`; or before the first value that it does not decide or that is not whole; or at a byte that should not be
   * there. The bytes must be UTF-8.
   */
  take(place: ValuePlace, start: number, end: number, maxRows: number): TakenValues {
    const { run } = this.#kernel;
    const from = places.indexOf(place);
    const next = run.takeJsonValues(this.#root, from, start, end, maxRows, this.#maxRecordBytes) >>> 0;
    const at = places[run.placeInValues()] ?? 'outside';
    return { rows: run.takenRows(), warned: run.warnedRows(), next, place: at };
  }
}
