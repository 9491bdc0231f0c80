import type { Waiting } from '../contract/environment.ts';
import { ForebayError } from '../contract/errors.ts';

/**
 * Calls with a signal that is aborted after `milliseconds`, with StoreUnavailable and `message` as its reason, or with
 * the outer one. Nothing is left behind on the outer signal, which lives as long as the process.
 */
export async function within<T>(
  milliseconds: number,
  message: string,
  waiting: Waiting,
  call: (waiting: Waiting) => Promise<T>,
): Promise<T> {
  const inner = new AbortController();
  const stop = () => inner.abort(waiting.signal.reason);
  if (waiting.signal.aborted) stop();
  waiting.signal.addEventListener('abort', stop, { once: true });
  const timeUp = () => inner.abort(new ForebayError('StoreUnavailable', message));
  waiting.clock.sleep(milliseconds, inner.signal).then(timeUp, () => {});
  try {
    return await call({ ...waiting, signal: inner.signal });
  } finally {
    waiting.signal.removeEventListener('abort', stop);
    inner.abort();
  }
}
