import type { Client } from './client.ts';
import type { Clock } from './clock.ts';
import type { Controller, ControllerOptions } from './controller.ts';
import type { Check } from './health.ts';
import type { LeaderOptions } from './leader.ts';
import type { Logger } from './logger.ts';
import type { Registry } from './metrics.ts';
import type { KubeObject, ResourceType } from './objects.ts';
import type { Informer, InformerOptions } from './reflector.ts';

export interface ManagerOptions {
  readonly client: Client;
  readonly clock: Clock;
  readonly log: Logger;
  readonly metrics: Registry;
  /** Absent: no /healthz, /readyz, /metrics. */
  readonly health?: { readonly host?: string; readonly port: number };
  /** Absent: works without a lease, as only a single process may. */
  readonly leader?: Pick<LeaderOptions, 'namespace' | 'name' | 'identity'> &
    Partial<Pick<LeaderOptions, 'leaseDurationSeconds' | 'renewDeadlineSeconds' | 'retryPeriodSeconds'>>;
  /** How long reconciles may go on after the signal to stop. Default 30. */
  readonly drainSeconds?: number;
}

/** Something else that runs while this process leads. Resolves soon after the signal; a throw stops the process. */
export interface Runnable {
  readonly name: string;
  run(signal: AbortSignal): Promise<void>;
}

/** Runs everything in order: health server, leader election, caches, workers; and stops it the other way round. */
export class Manager {
  constructor(_options: ManagerOptions) {}

  /** A cache, to be filled while running. One each call: share it between controllers. */
  informer<T extends KubeObject>(_type: ResourceType<T>, _options?: InformerOptions<T>): Informer<T> {
    throw new Error('not implemented');
  }

  controller(_options: ControllerOptions): Controller {
    throw new Error('not implemented');
  }

  add(_runnable: Runnable): void {
    throw new Error('not implemented');
  }

  addHealthCheck(_name: string, _check: Check): void {
    throw new Error('not implemented');
  }

  /** The health server's port, once it runs. */
  get healthPort(): number | undefined {
    throw new Error('not implemented');
  }

  /** Until the signal aborts and all is drained. Throws LeadershipLostError, and what a runnable throws. */
  run(_signal: AbortSignal): Promise<void> {
    throw new Error('not implemented');
  }
}

/**
 * `manager.run` as the main work of this process: SIGTERM and SIGINT stop it cleanly, a second one at once; gives the
 * exit code: 0 after a clean stop, else 1.
 */
export function runUntilSignal(_manager: Manager, _log: Logger): Promise<number> {
  throw new Error('not implemented');
}
