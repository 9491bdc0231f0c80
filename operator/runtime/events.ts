import type { Client } from './client.ts';
import type { Clock } from './clock.ts';
import type { Logger } from './logger.ts';
import type { KubeObject, ResourceType } from './objects.ts';

export interface EventNote {
  readonly type: 'Normal' | 'Warning';
  /** The condition's reason. */
  readonly reason: string;
  /** What was done or tried, one word: `Reconcile`, `CreateJob`. */
  readonly action: string;
  /** At most 1,024 bytes; longer ones are cut. */
  readonly note: string;
}

export interface EventRecorderOptions {
  readonly client: Client;
  readonly clock: Clock;
  readonly log: Logger;
  /** `example.org/operator`. */
  readonly controller: string;
  /** The pod's name. */
  readonly instance: string;
}

/** Tells people what happened, in events.k8s.io/v1. Never throws, never waits; what cannot be sent is dropped. */
export class EventRecorder {
  constructor(_options: EventRecorderOptions) {}

  record<T extends KubeObject>(_type: ResourceType<T>, _regarding: T, _event: EventNote): void {
    throw new Error('not implemented');
  }

  /** Sends what waits, then no more. */
  close(_signal: AbortSignal): Promise<void> {
    throw new Error('not implemented');
  }
}
