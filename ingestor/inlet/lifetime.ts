/**
 * The two ends of a process. It is asked to stop and finishes what it began; when the grace period is over, or the
 * process ends by itself, everything that still waits is broken off.
 */
import type { Opening } from '../commit/dataset.ts';
import type { Waiting } from '../contract/environment.ts';
import { ForebayError } from '../contract/errors.ts';

export class Lifetime implements Disposable {
  /** Asked to stop. */
  readonly stop: AbortSignal;
  /** For all work of the process: its signal is the second end. */
  readonly waiting: Opening;
  readonly #end = new AbortController();
  readonly #startGrace: () => void;

  constructor(environment: Opening, graceMilliseconds: number) {
    const { clock, random, signal } = environment;
    this.stop = signal;
    this.waiting = withCatalogs({ clock, random, signal: this.#end.signal }, environment);
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

/** Catalogs are opened for all work of the process, too: last rounds come after it was asked to stop. */
function withCatalogs(waiting: Waiting, environment: Opening): Opening {
  const openCatalog = environment.openCatalog?.bind(environment);
  return openCatalog === undefined
    ? waiting
    : { ...waiting, openCatalog: async (location) => await openCatalog(location, waiting) };
}

/** Resolves when the signal is aborted. */
export async function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return;
  await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
}
