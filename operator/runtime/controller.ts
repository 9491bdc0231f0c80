import type { Clock } from './clock.ts';
import type { Logger } from './logger.ts';
import type { Registry } from './metrics.ts';
import type { ObjectKey } from './objects.ts';
import type { Source } from './sources.ts';

export interface ReconcileContext {
  /** Aborts at the deadline, on shutdown past the grace period, and when the lease is lost. Pass it on. */
  readonly signal: AbortSignal;
  /** Knows controller, namespace and name. */
  readonly log: Logger;
}

/** Nothing: done until something changes. `requeueAfterSeconds`: look again then, at the latest. */
// biome-ignore lint/suspicious/noConfusingVoidType: a reconcile without a return statement is the usual one
export type ReconcileResult = { readonly requeueAfterSeconds: number } | void;

/**
 * Brings one object nearer to what it says: level-based, from what is there, idempotent. An object that is gone is
 * asked about too. Throws to be tried again with back-off, TerminalError not to be.
 */
export type Reconcile = (key: ObjectKey, context: ReconcileContext) => Promise<ReconcileResult>;

export interface ControllerOptions {
  readonly name: string;
  readonly sources: readonly Source[];
  readonly reconcile: Reconcile;
  /** Objects in work at once. Default 4. */
  readonly workers?: number;
  /** Of one reconcile. Default 60. */
  readonly deadlineSeconds?: number;
}

export interface ControllerEnvironment {
  readonly clock: Clock;
  readonly log: Logger;
  readonly metrics: Registry;
}

export class Controller {
  readonly name: string;

  constructor(_options: ControllerOptions, _environment: ControllerEnvironment) {
    throw new Error('not implemented');
  }

  /** For what no source sees: a poll of a pod, a timer of one's own. */
  enqueue(_key: ObjectKey, _afterSeconds?: number): void {
    throw new Error('not implemented');
  }

  /**
   * Waits for the caches, then works until `stop` aborts and what is in work is done; `abort` cuts that short.
   */
  run(_signals: { readonly stop: AbortSignal; readonly abort: AbortSignal }): Promise<void> {
    throw new Error('not implemented');
  }
}
