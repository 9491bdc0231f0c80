import type { Log } from '../contract/environment.ts';
import { errorTable, ForebayError, toForebayError } from '../contract/errors.ts';

/** Things that are tried one after the other, where one that fails must not keep the next from being tried. */
export class Trials {
  readonly #log: Log;
  readonly #failures: { readonly name: string; readonly error: ForebayError }[] = [];

  constructor(log: Log) {
    this.#log = log;
  }

  /** Undefined when it failed. Throws only when the process is to stop. */
  async try<T>(name: string, signal: AbortSignal, call: () => Promise<T>): Promise<T | undefined> {
    try {
      return await call();
    } catch (thrown) {
      if (signal.aborted) throw thrown;
      const error = toForebayError(thrown);
      this.#log.warn({ work: name, code: error.code, error: error.message }, 'maintenance failed');
      this.#failures.push({ name, error });
      return undefined;
    }
  }

  /** The first failure that may pass if there is one, else the first; its message tells of all. */
  throwFirst(): void {
    const [first] = this.#failures;
    if (first === undefined) return;
    const passing = this.#failures.find(({ error }) => errorTable[error.code].kind === 'retryable');
    const { error } = passing ?? first;
    const message = this.#failures.map((failure) => `${failure.name}: ${failure.error.message}`).join('; ');
    throw new ForebayError(error.code, message, { cause: error });
  }
}
