/**
 * What code is given instead of reaching for it: time, chance, a log. Tests give their own, so that a run is decided by
 * its seed alone.
 */
import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';

export interface Clock {
  /** Whole milliseconds since 1970. */
  now(): number;
  /** Rejects with the signal's reason when it is aborted. */
  sleep(milliseconds: number, signal?: AbortSignal): Promise<void>;
}

export interface Random {
  /** In [0, 1). */
  number(): number;
  /** 128 bits as 32 hexadecimal digits: a name nobody else gives. */
  nonce(): string;
}

/** Constant message, facts as key-value pairs; no secret, no record content, no URL query. Fits pino. */
export interface Log {
  debug(facts: object, message: string): void;
  info(facts: object, message: string): void;
  warn(facts: object, message: string): void;
  error(facts: object, message: string): void;
}

/** What everything that waits or tries again is given. */
export interface Waiting {
  readonly clock: Clock;
  readonly random: Random;
  readonly signal: AbortSignal;
}

export const systemClock: Clock = {
  now: () => Date.now(),
  sleep: (milliseconds, signal) => sleep(milliseconds, undefined, { signal }),
};

export const systemRandom: Random = {
  number: () => Math.random(),
  nonce: () => randomBytes(16).toString('hex'),
};

const ignore = () => {};
export const silentLog: Log = { debug: ignore, info: ignore, warn: ignore, error: ignore };
