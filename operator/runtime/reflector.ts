import type { Client, Selection } from './client.ts';
import type { Clock } from './clock.ts';
import type { Logger } from './logger.ts';
import type { KubeObject, ResourceType } from './objects.ts';
import type { IndexFunction, Store } from './store.ts';

export interface InformerOptions<T extends KubeObject> extends Selection {
  readonly indexes?: Readonly<Record<string, IndexFunction<T>>>;
  /** Cuts away what nobody reads before it is kept. Managed fields always go. */
  readonly trim?: (object: T) => T;
}

export interface ReflectorOptions<T extends KubeObject> extends InformerOptions<T> {
  readonly client: Client;
  readonly clock: Clock;
  readonly log: Logger;
  readonly random?: () => number;
}

/** Keeps a store equal to what the API server holds, whatever happens to either: list, watch, resume, list again. */
export class Reflector<T extends KubeObject> {
  readonly type: ResourceType<T>;
  readonly store: Store<T>;
  /** Resolves after the first complete list. */
  readonly synced: Promise<void>;

  constructor(_type: ResourceType<T>, _options: ReflectorOptions<T>) {
    throw new Error('not implemented');
  }

  get hasSynced(): boolean {
    throw new Error('not implemented');
  }

  /** Until the signal aborts; resolves then. */
  run(_signal: AbortSignal): Promise<void> {
    throw new Error('not implemented');
  }
}

/** What others see of a reflector: a read-only cache. */
export type Informer<T extends KubeObject> = Pick<Reflector<T>, 'type' | 'synced' | 'hasSynced'> & {
  readonly store: Pick<Store<T>, 'get' | 'list' | 'byIndex' | 'size' | 'subscribe'>;
};
