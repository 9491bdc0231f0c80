import type { KubeObject, ObjectKey } from './objects.ts';

/** One change: `before` is absent when the object is new, `after` when it is gone. */
export interface Change<T> {
  readonly before?: T;
  readonly after?: T;
}

export type Listener<T> = (change: Change<T>) => void;

/** The values an object is found by; several or none. */
export type IndexFunction<T> = (object: T) => readonly string[];

/** Objects by key and by declared indexes. What it holds is frozen. */
export class Store<T extends KubeObject> {
  constructor(_indexes?: Readonly<Record<string, IndexFunction<T>>>) {}

  get(_key: ObjectKey | string): T | undefined {
    throw new Error('not implemented');
  }
  list(): T[] {
    throw new Error('not implemented');
  }
  byIndex(_index: string, _value: string): T[] {
    throw new Error('not implemented');
  }
  get size(): number {
    throw new Error('not implemented');
  }

  /** `listener` first hears of all that is there, then of every change. The result ends it. */
  subscribe(_listener: Listener<T>): () => void {
    throw new Error('not implemented');
  }

  set(_object: T): void {
    throw new Error('not implemented');
  }
  delete(_key: ObjectKey | string): void {
    throw new Error('not implemented');
  }
  /** Makes the store hold exactly these; emits what differs (by resourceVersion). */
  replace(_objects: Iterable<T>): void {
    throw new Error('not implemented');
  }
}
