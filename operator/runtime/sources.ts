import type { KubeObject, ObjectKey, ResourceType } from './objects.ts';
import type { Predicate } from './predicates.ts';
import type { Informer } from './reflector.ts';

/** Where a controller's keys come from. */
export interface Source {
  readonly name: string;
  readonly synced: Promise<void>;
  /** Calls `enqueue` with the key of a primary object for each change that matters to it, until the result is called. */
  start(enqueue: (key: ObjectKey) => void): () => void;
}

/** The objects the controller is for. */
export function primary<T extends KubeObject>(_informer: Informer<T>, _predicate?: Predicate<T>): Source {
  throw new Error('not implemented');
}

/** Objects whose controlling owner is of `ownerType`: a change of one is work for its owner. */
export function owned<T extends KubeObject>(
  _ownerType: ResourceType,
  _informer: Informer<T>,
  _predicate?: Predicate<T>,
): Source {
  throw new Error('not implemented');
}

/** Any other objects; `map` says whose work a change of one is. Asked for the object before and after the change. */
export function mapped<T extends KubeObject>(
  _informer: Informer<T>,
  _map: (object: T) => readonly ObjectKey[],
  _predicate?: Predicate<T>,
): Source {
  throw new Error('not implemented');
}
