import {
  controllerOf,
  type KubeObject,
  keyOf,
  type ObjectKey,
  type OwnerReference,
  type ResourceType,
} from './objects.ts';
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
export function primary<T extends KubeObject>(informer: Informer<T>, predicate?: Predicate<T>): Source {
  return sourceOf(informer, (object) => [keyOf(object)], predicate);
}

/** Objects whose controlling owner is of `ownerType`: a change of one is work for its owner. */
export function owned<T extends KubeObject>(
  ownerType: ResourceType,
  informer: Informer<T>,
  predicate?: Predicate<T>,
): Source {
  const ownerKey = (object: T): ObjectKey[] => {
    const owner = controllerOf(object);
    if (owner?.kind !== ownerType.kind || groupOf(owner) !== ownerType.group) return [];
    const { namespace } = object.metadata;
    return [ownerType.namespaced && namespace !== undefined ? { namespace, name: owner.name } : { name: owner.name }];
  };
  return sourceOf(informer, ownerKey, predicate);
}

/** Any other objects; `map` says whose work a change of one is. Asked for the object before and after the change. */
export function mapped<T extends KubeObject>(
  informer: Informer<T>,
  map: (object: T) => readonly ObjectKey[],
  predicate?: Predicate<T>,
): Source {
  return sourceOf(informer, map, predicate);
}

/** The version says only through which one the reference was written. */
function groupOf({ apiVersion }: OwnerReference): string {
  return apiVersion.includes('/') ? apiVersion.slice(0, apiVersion.indexOf('/')) : '';
}

function sourceOf<T extends KubeObject>(
  informer: Informer<T>,
  map: (object: T) => readonly ObjectKey[],
  predicate: Predicate<T> = () => true,
): Source {
  return {
    name: informer.type.plural,
    synced: informer.synced,
    start: (enqueue) =>
      informer.store.subscribe((change) => {
        if (!predicate(change)) return;
        for (const object of [change.before, change.after]) if (object) for (const key of map(object)) enqueue(key);
      }),
  };
}
