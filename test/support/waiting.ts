/** Time and chance for tests: time passes when code waits for it, names come from a seed. */
import type { Clock, Random, Waiting } from '../../ingestor/contract/environment.ts';

/** A clock that is moved by sleeping; real time does not pass. */
export function virtualClock(start = Date.UTC(2026, 0, 1)): Clock & { advance(milliseconds: number): void } {
  let now = start;
  return {
    now: () => now,
    advance: (milliseconds) => {
      now += Math.round(milliseconds);
    },
    sleep: async (milliseconds, signal) => {
      signal?.throwIfAborted();
      now += Math.round(milliseconds);
    },
  };
}

/** Mulberry32: small, and the same numbers for the same seed. */
export function seededRandom(seed: number): Random {
  let state = seed >>> 0;
  const number = () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
  const hex8 = () =>
    Math.floor(number() * 2 ** 32)
      .toString(16)
      .padStart(8, '0');
  return { number, nonce: () => `${hex8()}${hex8()}${hex8()}${hex8()}` };
}

export function testWaiting(seed = 1): Waiting & { clock: ReturnType<typeof virtualClock> } {
  return { clock: virtualClock(), random: seededRandom(seed), signal: new AbortController().signal };
}
