import type { Clock } from './clock.ts';

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

/**
 * Keys that wait for a worker. A key is there once however often it is added, and never with two workers: added while
 * a worker has it, it comes again after `done`.
 */
export class WorkQueue {
  constructor(_options: WorkQueueOptions) {}

  add(_key: string): void {
    throw new Error('not implemented');
  }
  /** Of several times for one key the earliest counts; a key that already waits stays where it is. */
  addAfter(_key: string, _milliseconds: number): void {
    throw new Error('not implemented');
  }
  /** Adds after the key's back-off, which grows with each call until `forget`. */
  addRateLimited(_key: string): void {
    throw new Error('not implemented');
  }
  forget(_key: string): void {
    throw new Error('not implemented');
  }
  /** Failures since the last `forget`. */
  failures(_key: string): number {
    throw new Error('not implemented');
  }
  /** The next key, when there is one; undefined once the queue is shut down. */
  take(_signal: AbortSignal): Promise<string | undefined> {
    throw new Error('not implemented');
  }
  done(_key: string): void {
    throw new Error('not implemented');
  }
  /** No more keys are given out or taken in; resolves when all that were taken are done. */
  shutDown(): Promise<void> {
    throw new Error('not implemented');
  }
  /** Keys that wait for a worker now. */
  get length(): number {
    throw new Error('not implemented');
  }
}
