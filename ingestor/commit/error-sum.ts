import { cutErrorClasses, type ErrorClass, mergeErrorClasses } from '../contract/counts.ts';

/** Classes that are counted each by itself. What names them may be data: past these, they are counted in one. */
const mostCounted = 10_000;

/** Classes that a decision keeps by name; a report cuts them further. */
const mostKept = 1_000;

/** Adds up the error classes of many receipts, exactly, in bounded memory. Whole lists of any order and length. */
export class ErrorSum {
  readonly #classes = new Map<string, ErrorClass>();
  #others = 0;

  add(classes: readonly ErrorClass[]): void {
    for (const one of classes) this.#addOne(one);
  }

  /** Most frequent first; those past the first thousand, and what came as `Other`, in one class of that name. */
  classes(): ErrorClass[] {
    const message = 'further kinds of errors; see the diagnostics';
    const others: ErrorClass[] = this.#others > 0 ? [{ code: 'Other', message, count: this.#others }] : [];
    return cutErrorClasses(
      mergeErrorClasses([[...this.#classes.values()], others], Number.POSITIVE_INFINITY),
      mostKept,
    );
  }

  #addOne(one: ErrorClass): void {
    const key = `${one.code}\n${one.path ?? ''}`;
    const known = this.#classes.get(key);
    if (one.code === 'Other') this.#others += one.count;
    else if (known !== undefined) this.#classes.set(key, { ...known, count: known.count + one.count });
    else if (this.#classes.size < mostCounted) this.#classes.set(key, one);
    else this.#others += one.count;
  }
}
