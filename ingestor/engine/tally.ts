/** Counts why records were refused, by code and class of place. */
import type { ErrorClass } from '../contract/counts.ts';
import { mergeErrorClasses } from '../contract/counts.ts';
import type { ColumnPlan } from './columns.ts';
import { classPath } from './recorderrors.ts';
import type { RecordError } from './schema.ts';

/** Classes past this many are summed up in one: what names the classes are records, and memory is bounded. */
const maxClasses = 1000;

export class ErrorTally {
  readonly #columns: readonly ColumnPlan[];
  readonly #classes = new Map<string, ErrorClass>();
  /** The classes' paths of the first so many paths. */
  readonly #places = new Map<string, string>();
  #others = 0;

  constructor(columns: readonly ColumnPlan[]) {
    this.#columns = columns;
  }

  /** The errors of one record, which counts once in each class. */
  add(errors: readonly RecordError[], file: string, record: number): void {
    const counted: string[] = [];
    for (const { code, path, message } of errors) {
      const place = this.#placeOf(path);
      const key = `${code}\n${place}`;
      if (counted.includes(key)) continue;
      counted.push(key);
      const known = this.#classes.get(key);
      if (known) known.count += 1;
      else if (this.#classes.size === maxClasses) this.#others += 1;
      else
        this.#classes.set(key, {
          code,
          message,
          ...(place ? { path: place } : {}),
          count: 1,
          sample: { file, record },
        });
    }
  }

  #placeOf(path: string): string {
    const known = this.#places.get(path);
    if (known !== undefined) return known;
    const place = classPath(path, this.#columns);
    if (this.#places.size < maxClasses) this.#places.set(path, place);
    return place;
  }

  /** Most frequent first. */
  classes(): readonly ErrorClass[] {
    const message = `further kinds of errors past the first ${maxClasses}; see the diagnostics`;
    const others: ErrorClass[] = this.#others > 0 ? [{ code: 'Other', message, count: this.#others }] : [];
    return mergeErrorClasses([[...this.#classes.values(), ...others]], maxClasses + 1);
  }
}
