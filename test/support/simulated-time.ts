/**
 * Time for simulations: it stands still while code runs, and jumps to the next thing that is waited for once all code
 * waits. An hour of back-offs passes in milliseconds, and the same seed gives the same run.
 */
import type { Clock } from '../../ingestor/contract/environment.ts';

interface Waiter {
  readonly at: number;
  readonly wake: () => void;
}

/** Turns of the event loop without anything to wait for, after which nothing is going to happen any more. */
const deadlockTurns = 2_000;

export class SimulatedTime implements Clock {
  #now: number;
  /** The latest first; of equals, who came last: the next one is at the end. */
  readonly #waiters: Waiter[] = [];

  constructor(start = Date.UTC(2026, 0, 1)) {
    this.#now = start;
  }

  now(): number {
    return Math.floor(this.#now);
  }

  /** Calls back after so long. Whoever has given up meanwhile must know that it has. */
  schedule(milliseconds: number, wake: () => void): void {
    this.#insert({ at: this.#now + Math.max(0, milliseconds), wake });
  }

  async sleep(milliseconds: number, signal?: AbortSignal): Promise<void> {
    signal?.throwIfAborted();
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const waiter = { at: this.#now + Math.max(0, milliseconds), wake: resolve };
    this.#insert(waiter);
    if (signal === undefined) return await promise;
    const giveUp = () => {
      this.#remove(waiter);
      reject(signal.reason);
    };
    signal.addEventListener('abort', giveUp, { once: true });
    await promise.finally(() => signal.removeEventListener('abort', giveUp));
  }

  /** The clock of a machine that is wrong by so much. */
  offBy(milliseconds: number): Clock {
    return { now: () => this.now() + milliseconds, sleep: (wait, signal) => this.sleep(wait, signal) };
  }

  /**
   * Lets time pass until `work` has ended. Throws when nothing is waited for and nothing happens, or when there is no
   * end to what happens.
   */
  async run<T>(work: Promise<T>, mostSteps = Number.POSITIVE_INFINITY): Promise<T> {
    let ended = false;
    const end = () => {
      ended = true;
    };
    work.then(end, end);
    for (let [idle, steps] = [0, 0]; !ended; steps += 1) {
      await turn();
      if (ended) break;
      if (steps > mostSteps) throw new Error(`after ${steps} steps the work has not ended`);
      if (this.#step()) idle = 0;
      else if (++idle > deadlockTurns) throw new Error('nothing is waited for, and the work has not ended');
    }
    return work;
  }

  /** Lets so much time pass, with all that is waited for until then. */
  async pass(milliseconds: number): Promise<void> {
    await this.run(this.sleep(milliseconds));
  }

  /** Wakes who waits for the next moment. False when nobody waits. */
  #step(): boolean {
    const next = this.#waiters.pop();
    if (next === undefined) return false;
    this.#now = Math.max(this.#now, next.at);
    next.wake();
    return true;
  }

  #insert(waiter: Waiter): void {
    let low = 0;
    for (let high = this.#waiters.length; low < high; ) {
      const middle = (low + high) >>> 1;
      if ((this.#waiters[middle]?.at ?? 0) > waiter.at) low = middle + 1;
      else high = middle;
    }
    this.#waiters.splice(low, 0, waiter);
  }

  #remove(waiter: Waiter): void {
    const index = this.#waiters.indexOf(waiter);
    if (index >= 0) this.#waiters.splice(index, 1);
  }
}

/** Everything that is ready runs first, and what that makes ready. */
function turn(): Promise<void> {
  return new Promise((done) => setImmediate(done));
}
