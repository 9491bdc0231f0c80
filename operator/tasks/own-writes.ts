import type { KubeObject } from '../runtime/index.ts';

/**
 * What was written since a cache told of an object: the cache learns of it a moment later, and until then would have a
 * reconcile do everything again. Forgets by itself when the cache moves on.
 */
export class OwnWrites {
  readonly #newer = new WeakMap<KubeObject, KubeObject>();

  remember<T extends KubeObject>(before: T, after: T): void {
    if (before !== after) this.#newer.set(before, after);
  }

  newest<T extends KubeObject>(object: T): T {
    const newer = this.#newer.get(object);
    // `remember` takes two objects of one type.
    return newer === undefined ? object : this.newest(newer as T);
  }
}
