import type { Client } from './client.ts';
import type { Clock } from './clock.ts';
import type { Logger } from './logger.ts';
import type { Gauge } from './metrics.ts';

export interface LeaderOptions {
  readonly client: Client;
  readonly clock: Clock;
  readonly log: Logger;
  readonly namespace: string;
  readonly name: string;
  /** Of this process, unique: the pod's name and something random. */
  readonly identity: string;
  /** How long others wait for a silent leader. Default 15. */
  readonly leaseDurationSeconds?: number;
  /** A leader that could not renew for this long gives up; less than the lease's duration. Default 10. */
  readonly renewDeadlineSeconds?: number;
  /** Between two tries. Default 2. */
  readonly retryPeriodSeconds?: number;
  readonly random?: () => number;
  /** `leader_election_master_status`. */
  readonly status?: Gauge;
}

export interface Leadership {
  /** Aborts, with LeadershipLostError, when the lease could not be renewed or another took it. */
  readonly lost: AbortSignal;
  /** Stops renewing and lets the next one in at once. Never throws. */
  release(): Promise<void>;
}

/** Resolves when this process holds the lease, however long it takes. */
export function lead(_options: LeaderOptions, _signal: AbortSignal): Promise<Leadership> {
  throw new Error('not implemented');
}
