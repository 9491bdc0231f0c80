import type { Waiting } from '../contract/environment.ts';
import { ForebayError } from '../contract/errors.ts';

/** Unclear answers in a row before a task gives up and leaves the rest to its next attempt (about 25 s). */
const mostUnclear = 8;

/** True for an answer that proves nothing: the request may have landed, or may still land. */
export function isUnclear(thrown: unknown): boolean {
  return thrown instanceof ForebayError && (thrown.code === 'StoreUnavailable' || thrown.code === 'CatalogUnavailable');
}

/** Waits between tries of one loop. Make one for each loop. */
export class BackOff {
  readonly #waiting: Waiting;
  #conflicts = 0;
  #unclear = 0;

  constructor(waiting: Waiting) {
    this.#waiting = waiting;
  }

  /** Another writer was faster. Each lost try means that a version passed: the more, the longer the wait. */
  async afterConflict(): Promise<void> {
    this.#unclear = 0;
    await this.#sleep(Math.min(10 * 2 ** this.#conflicts, 2_000));
    this.#conflicts += 1;
  }

  /** Throws `thrown` when it is no unclear answer, or when there were too many in a row. */
  async afterError(thrown: unknown): Promise<void> {
    if (!isUnclear(thrown) || this.#unclear >= mostUnclear) throw thrown;
    await this.#sleep(100 * 2 ** this.#unclear);
    this.#unclear += 1;
  }

  async #sleep(milliseconds: number): Promise<void> {
    const { clock, random, signal } = this.#waiting;
    await clock.sleep(Math.round(milliseconds * (0.5 + random.number() / 2)), signal);
  }
}

/** Asks again while the answer is unclear. Only for calls that may land twice. */
export async function untilClear<T>(call: () => Promise<T>, waiting: Waiting): Promise<T> {
  const backOff = new BackOff(waiting);
  for (;;) {
    waiting.signal.throwIfAborted();
    try {
      return await call();
    } catch (thrown) {
      await backOff.afterError(thrown);
    }
  }
}
