/**
 * The two ends of a process. It is asked to stop and finishes what it began; when the grace period is over, or the
 * process ends by itself, everything that still waits is broken off.
 */
import type { Waiting } from '../contract/environment.ts';
import { ForebayError } from '../contract/errors.ts';

export class Lifetime implements Disposable {
  /** Asked to stop. */
  readonly stop: AbortSignal;
  /** For all work of the process: its signal is the second end. */
  readonly waiting: Waiting;
  readonly #end = new AbortController();
  readonly #startGrace: () => void;

  constructor(environment: Waiting, graceMilliseconds: number) {
    const { clock, random, signal } = environment;
    this.stop = signal;
    this.waiting = { clock, random, signal: this.#end.signal };
    this.#startGrace = () => {
      clock.sleep(graceMilliseconds, this.#end.signal).then(
        () => this.end(),
        () => {},
      );
    };
    if (signal.aborted) this.#startGrace();
    else signal.addEventListener('abort', this.#startGrace, { once: true });
  }

  end(): void {
    this.#end.abort(new ForebayError('Interrupted', 'the inlet was told to stop'));
  }

  [Symbol.dispose](): void {
    this.stop.removeEventListener('abort', this.#startGrace);
    this.end();
  }
}

/** Resolves when the signal is aborted. */
export async function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return;
  await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
}
