/** Time as everything that waits sees it: the system's, or a simulated one that tests move by hand. */

export interface Timer {
  cancel(): void;
}

export interface Clock {
  /** Milliseconds since 1970. May jump. */
  now(): number;
  /** Milliseconds since some start. Never jumps, never goes back: for measuring and for leases. */
  monotonic(): number;
  /** Calls `fire` once after `milliseconds`, of any length. A pending timer keeps the process alive: cancel it. */
  setTimer(milliseconds: number, fire: () => void): Timer;
  /** Resolves after `milliseconds`; rejects with the signal's reason when it aborts first. */
  sleep(milliseconds: number, signal: AbortSignal): Promise<void>;
}

/** Node fires a timer longer than this at once (its delay is a signed 32-bit number): about 24.8 days. */
const longestNodeTimer = 2 ** 31 - 1;

export function systemClock(): Clock {
  return {
    now: () => Date.now(),
    monotonic: () => performance.now(),
    setTimer: setLongTimer,
    sleep: (milliseconds, signal) => sleepWith(setLongTimer, milliseconds, signal),
  };
}

function setLongTimer(milliseconds: number, fire: () => void): Timer {
  let timeout: NodeJS.Timeout;
  const wait = (remaining: number) => {
    const step = Math.min(Math.max(remaining, 0), longestNodeTimer);
    timeout = setTimeout(() => (remaining > step ? wait(remaining - step) : fire()), step);
  };
  wait(milliseconds);
  return { cancel: () => clearTimeout(timeout) };
}

function sleepWith(setTimer: Clock['setTimer'], milliseconds: number, signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.reject(signal.reason);
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const onAbort = () => {
    timer.cancel();
    reject(signal.reason);
  };
  const timer = setTimer(milliseconds, () => {
    signal.removeEventListener('abort', onAbort);
    resolve();
  });
  signal.addEventListener('abort', onAbort, { once: true });
  return promise;
}

/** Resolves when the signal aborts. */
export function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  const { promise, resolve } = Promise.withResolvers<void>();
  signal.addEventListener('abort', () => resolve(), { once: true });
  return promise;
}

/** A signal that aborts after a time, unless disposed of before: `using limit = new Deadline(...)`. */
export class Deadline implements Disposable {
  readonly #controller = new AbortController();
  readonly #timer: Timer;

  constructor(clock: Clock, milliseconds: number, message: string) {
    this.#timer = clock.setTimer(milliseconds, () => this.#controller.abort(new Error(message)));
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  [Symbol.dispose](): void {
    this.#timer.cancel();
  }
}

interface Pending {
  readonly due: number;
  readonly fire: () => void;
}

/** A clock that stands still until `advance`: timers fire in order, each at its own time. */
export class SimulatedClock implements Clock {
  #elapsed = 0;
  #epoch: number;
  readonly #pending = new Set<Pending>();

  constructor(start: string | number = '2026-01-01T00:00:00Z') {
    this.#epoch = typeof start === 'number' ? start : Date.parse(start);
    if (Number.isNaN(this.#epoch)) throw new TypeError(`no time: ${start}`);
  }

  now(): number {
    return this.#epoch + this.#elapsed;
  }

  monotonic(): number {
    return this.#elapsed;
  }

  setTimer(milliseconds: number, fire: () => void): Timer {
    const pending = { due: this.#elapsed + Math.max(milliseconds, 0), fire };
    this.#pending.add(pending);
    return { cancel: () => this.#pending.delete(pending) };
  }

  sleep(milliseconds: number, signal: AbortSignal): Promise<void> {
    return sleepWith((delay, fire) => this.setTimer(delay, fire), milliseconds, signal);
  }

  /** Moves time forward, firing what falls due on the way and letting everything that then can run, run. */
  async advance(milliseconds: number): Promise<void> {
    const until = this.#elapsed + milliseconds;
    await this.settle();
    for (let next = this.#next(); next !== undefined && next.due <= until; next = this.#next()) {
      this.#elapsed = next.due;
      this.#pending.delete(next);
      next.fire();
      await this.settle();
    }
    this.#elapsed = until;
  }

  /** Moves the wall clock alone (NTP, a person): no timer fires. */
  jump(milliseconds: number): void {
    this.#epoch += milliseconds;
  }

  /** Lets everything that can run without time or input passing, run: promises are settled between immediates. */
  async settle(): Promise<void> {
    for (let turn = 0; turn < 3; turn++) await new Promise((resolve) => setImmediate(resolve));
  }

  /** Timers that have not fired. */
  get pendingTimers(): number {
    return this.#pending.size;
  }

  /** The earliest; of several at one time the one set first, as sets keep their order. */
  #next(): Pending | undefined {
    let earliest: Pending | undefined;
    for (const pending of this.#pending) if (earliest === undefined || pending.due < earliest.due) earliest = pending;
    return earliest;
  }
}

/** The time as API objects carry it: RFC 3339, whole seconds, UTC. */
export function timestamp(milliseconds: number): string {
  return new Date(milliseconds).toISOString().replace(/\.\d+Z$/, 'Z');
}

/** MicroTime takes exactly six fractional digits; fewer are refused. */
export function microTime(milliseconds: number): string {
  return new Date(milliseconds).toISOString().replace('Z', '000Z');
}
