import type { KubeObject } from './objects.ts';
import type { Change } from './store.ts';

/** Whether a change is worth a reconcile. */
export type Predicate<T extends KubeObject = KubeObject> = (change: Change<T>) => boolean;

/** New and vanished objects always pass the three below. */
export const generationChanged: Predicate = ({ before, after }) =>
  before?.metadata.generation !== after?.metadata.generation || isEdge(before, after);

export function annotationChanged(name: string): Predicate {
  return ({ before, after }) =>
    before?.metadata.annotations?.[name] !== after?.metadata.annotations?.[name] || isEdge(before, after);
}

/** The object was marked for deletion. */
export const deletionRequested: Predicate = ({ before, after }) =>
  before?.metadata.deletionTimestamp !== after?.metadata.deletionTimestamp || isEdge(before, after);

export function anyOf<T extends KubeObject>(...predicates: Predicate<T>[]): Predicate<T> {
  return (change) => predicates.some((predicate) => predicate(change));
}

export function allOf<T extends KubeObject>(...predicates: Predicate<T>[]): Predicate<T> {
  return (change) => predicates.every((predicate) => predicate(change));
}

function isEdge(before: KubeObject | undefined, after: KubeObject | undefined): boolean {
  return before === undefined || after === undefined;
}
