import { type KubeObject, keyOf, keyString, type ObjectKey } from './objects.ts';

/** One change: `before` is absent when the object is new, `after` when it is gone. */
export interface Change<T> {
  readonly before?: T;
  readonly after?: T;
}

export type Listener<T> = (change: Change<T>) => void;

/** The values an object is found by; several or none. */
export type IndexFunction<T> = (object: T) => readonly string[];

export type Indexes<T> = Readonly<Record<string, IndexFunction<T>>>;

/** Objects by key and by declared indexes. What it holds is frozen. */
export class Store<T extends KubeObject> {
  readonly #objects = new Map<string, T>();
  readonly #indexes: readonly Index<T>[];
  readonly #listeners = new Set<Listener<T>>();

  readonly #onError: (thrown: unknown) => void;

  /**
   * `onError` hears what a listener or an index function threw; one object that upsets one of them stops nothing else.
   * Without it the process ends, as with any error that nobody catches.
   */
  constructor(indexes: Indexes<T> = {}, onError: (thrown: unknown) => void = throwLater) {
    this.#onError = onError;
    this.#indexes = Object.entries(indexes).map(
      ([name, values]) => new Index(name, (object) => this.#guarded(() => values(object)) ?? []),
    );
  }

  get(key: ObjectKey | string): T | undefined {
    return this.#objects.get(asString(key));
  }

  list(): T[] {
    return [...this.#objects.values()];
  }

  byIndex(index: string, value: string): T[] {
    const found = this.#indexes.find((candidate) => candidate.name === index);
    if (found === undefined) throw new TypeError(`the store has no index ${index}`);
    return found.keys(value).flatMap((key) => this.#objects.get(key) ?? []);
  }

  get size(): number {
    return this.#objects.size;
  }

  /** `listener` first hears of all that is there, then of every change. The result ends it. */
  subscribe(listener: Listener<T>): () => void {
    for (const after of this.list()) this.#guarded(() => listener({ after }));
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  set(object: T): void {
    const key = keyString(keyOf(object));
    const before = this.#objects.get(key);
    if (before !== undefined && sameVersion(before, object)) return;
    this.#change(key, before, deepFreeze(object));
  }

  delete(key: ObjectKey | string): void {
    const name = asString(key);
    const before = this.#objects.get(name);
    if (before !== undefined) this.#change(name, before, undefined);
  }

  /** Makes the store hold exactly these; emits what differs (by resourceVersion). */
  replace(objects: Iterable<T>): void {
    const next = new Map<string, T>();
    for (const object of objects) next.set(keyString(keyOf(object)), object);
    for (const key of [...this.#objects.keys()]) if (!next.has(key)) this.delete(key);
    for (const object of next.values()) this.set(object);
  }

  #change(key: string, before: T | undefined, after: T | undefined): void {
    if (after === undefined) this.#objects.delete(key);
    else this.#objects.set(key, after);
    for (const index of this.#indexes) index.move(key, before, after);
    const change: Change<T> = { ...(before && { before }), ...(after && { after }) };
    for (const listener of this.#listeners) this.#guarded(() => listener(change));
  }

  #guarded<Result>(call: () => Result): Result | undefined {
    try {
      return call();
    } catch (thrown) {
      this.#onError(thrown);
      return undefined;
    }
  }
}

/** Keys by one value computed from the object. */
class Index<T extends KubeObject> {
  readonly name: string;
  readonly #values: IndexFunction<T>;
  readonly #keys = new Map<string, Set<string>>();

  constructor(name: string, values: IndexFunction<T>) {
    this.name = name;
    this.#values = values;
  }

  keys(value: string): string[] {
    return [...(this.#keys.get(value) ?? [])];
  }

  move(key: string, before: T | undefined, after: T | undefined): void {
    for (const value of before === undefined ? [] : this.#values(before)) this.#remove(value, key);
    for (const value of after === undefined ? [] : this.#values(after)) this.#insert(value, key);
  }

  #insert(value: string, key: string): void {
    const keys = this.#keys.get(value) ?? new Set<string>();
    this.#keys.set(value, keys.add(key));
  }

  #remove(value: string, key: string): void {
    const keys = this.#keys.get(value);
    keys?.delete(key);
    if (keys?.size === 0) this.#keys.delete(value);
  }
}

function throwLater(thrown: unknown): void {
  queueMicrotask(() => {
    throw thrown;
  });
}

function asString(key: ObjectKey | string): string {
  return typeof key === 'string' ? key : keyString(key);
}

/** A resourceVersion names one state of one object; a re-created object has another uid too. */
function sameVersion(a: KubeObject, b: KubeObject): boolean {
  const { resourceVersion, uid } = a.metadata;
  return resourceVersion !== undefined && resourceVersion === b.metadata.resourceVersion && uid === b.metadata.uid;
}

function deepFreeze<T>(value: T): T {
  if (typeof value !== 'object' || value === null || Object.isFrozen(value)) return value;
  for (const member of Object.values(value)) deepFreeze(member);
  return Object.freeze(value);
}
