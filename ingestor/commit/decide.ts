import type { Static, TSchema } from 'typebox';
import type { Waiting } from '../contract/environment.ts';
import type { Store } from '../store/store.ts';

/**
 * Creates an object whose name decides something, and answers what stands under the name now: `own` when it is this
 * call's value (same `attempt`), else what another writer put there first. Unclear answers are settled by asking again.
 */
export declare function decide<S extends TSchema>(
  store: Store,
  key: string,
  schema: S,
  value: Static<S> & { readonly attempt: string },
  waiting: Waiting,
): Promise<{ readonly value: Static<S>; readonly own: boolean }>;

/** The document under a key, checked against its schema; undefined when there is none. Throws NewerDocument. */
export declare function readDocument<S extends TSchema>(
  store: Store,
  key: string,
  schema: S,
  waiting: Waiting,
): Promise<Static<S> | undefined>;
