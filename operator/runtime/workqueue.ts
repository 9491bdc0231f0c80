import type { Clock, Timer } from './clock.ts';

export interface WorkQueueOptions {
  readonly clock: Clock;
  /** Back-off of a key that fails: doubles from here ... Default 500 ms. */
  readonly minBackoffMilliseconds?: number;
  /** ... to here. Default 15 min. */
  readonly maxBackoffMilliseconds?: number;
  readonly observer?: WorkQueueObserver;
}

/** Hears what the queue does; metrics are one. Times in milliseconds. */
export interface WorkQueueObserver {
  depth(waiting: number): void;
  added(): void;
  retried(): void;
  /** How long the key waited for a worker. */
  taken(waitedMilliseconds: number): void;
  /** How long the worker had it. */
  finished(workedMilliseconds: number): void;
}

interface Delayed {
  readonly due: number;
  readonly timer: Timer;
}

/**
 * Keys that wait for a worker. A key is there once however often it is added, and never with two workers: added while
 * a worker has it, it comes again after `done`.
 */
export class WorkQueue {
  readonly #clock: Clock;
  readonly #observer: WorkQueueObserver | undefined;
  readonly #minBackoff: number;
  readonly #maxBackoff: number;
  /** Waiting keys in order, with the time each was added. */
  readonly #waiting = new Map<string, number>();
  /** Keys with a worker, with the time each was taken. */
  readonly #working = new Map<string, number>();
  /** Keys with a worker that were added again. */
  readonly #again = new Map<string, number>();
  readonly #delayed = new Map<string, Delayed>();
  readonly #failures = new Map<string, number>();
  readonly #takers: ((key: string | undefined) => void)[] = [];
  readonly #drained = Promise.withResolvers<void>();
  #shutDown = false;

  constructor(options: WorkQueueOptions) {
    this.#clock = options.clock;
    this.#observer = options.observer;
    this.#minBackoff = options.minBackoffMilliseconds ?? 500;
    this.#maxBackoff = options.maxBackoffMilliseconds ?? 15 * 60_000;
  }

  add(key: string): void {
    if (this.#shutDown) return;
    this.#cancelDelay(key);
    const into = this.#working.has(key) ? this.#again : this.#waiting;
    if (into.has(key)) return;
    into.set(key, this.#clock.monotonic());
    this.#observer?.added();
    this.#dispatch();
  }

  /** Of several times for one key the earliest counts; a key that already waits stays where it is. */
  addAfter(key: string, milliseconds: number): void {
    if (milliseconds <= 0) {
      this.add(key);
      return;
    }
    if (this.#shutDown || this.#waiting.has(key) || this.#again.has(key)) return;
    const due = this.#clock.monotonic() + milliseconds;
    if ((this.#delayed.get(key)?.due ?? Number.POSITIVE_INFINITY) <= due) return;
    this.#cancelDelay(key);
    this.#delayed.set(key, { due, timer: this.#clock.setTimer(milliseconds, () => this.add(key)) });
  }

  /** Adds after the key's back-off, which grows with each call until `forget`. */
  addRateLimited(key: string): void {
    if (this.#shutDown) return;
    const failures = this.failures(key);
    this.#failures.set(key, failures + 1);
    this.#observer?.retried();
    this.addAfter(key, Math.min(this.#minBackoff * 2 ** failures, this.#maxBackoff));
  }

  forget(key: string): void {
    this.#failures.delete(key);
  }

  /** Failures since the last `forget`. */
  failures(key: string): number {
    return this.#failures.get(key) ?? 0;
  }

  /** The next key, when there is one; undefined once the queue is shut down. */
  take(signal: AbortSignal): Promise<string | undefined> {
    if (signal.aborted) return Promise.reject(signal.reason);
    if (this.#shutDown) return Promise.resolve(undefined);
    const { promise, resolve, reject } = Promise.withResolvers<string | undefined>();
    const taker = (key: string | undefined) => {
      signal.removeEventListener('abort', onAbort);
      resolve(key);
    };
    const onAbort = () => {
      this.#takers.splice(this.#takers.indexOf(taker), 1);
      reject(signal.reason);
    };
    signal.addEventListener('abort', onAbort, { once: true });
    this.#takers.push(taker);
    this.#dispatch();
    return promise;
  }

  done(key: string): void {
    const takenAt = this.#working.get(key);
    if (takenAt === undefined) throw new Error(`no worker has ${key}`);
    this.#working.delete(key);
    this.#observer?.finished(this.#clock.monotonic() - takenAt);
    const addedAt = this.#again.get(key);
    this.#again.delete(key);
    if (addedAt !== undefined && !this.#shutDown) this.#waiting.set(key, addedAt);
    this.#dispatch();
    if (this.#shutDown && this.#working.size === 0) this.#drained.resolve();
  }

  /** No more keys are given out or taken in; resolves when all that were taken are done. */
  shutDown(): Promise<void> {
    this.#shutDown = true;
    for (const key of [...this.#delayed.keys()]) this.#cancelDelay(key);
    this.#waiting.clear();
    this.#observer?.depth(0);
    for (const taker of this.#takers.splice(0)) taker(undefined);
    if (this.#working.size === 0) this.#drained.resolve();
    return this.#drained.promise;
  }

  /** Keys that wait for a worker now. */
  get length(): number {
    return this.#waiting.size;
  }

  /** Gives waiting keys to waiting workers, first come first served. */
  #dispatch(): void {
    for (const [key, addedAt] of this.#waiting) {
      const taker = this.#takers.shift();
      if (taker === undefined) break;
      const now = this.#clock.monotonic();
      this.#waiting.delete(key);
      this.#working.set(key, now);
      this.#observer?.taken(now - addedAt);
      taker(key);
    }
    this.#observer?.depth(this.#waiting.size);
  }

  #cancelDelay(key: string): void {
    this.#delayed.get(key)?.timer.cancel();
    this.#delayed.delete(key);
  }
}
