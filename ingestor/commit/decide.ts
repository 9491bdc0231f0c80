import type { Static, TSchema } from 'typebox';
import { parseDocument } from '../contract/documents.ts';
import type { Waiting } from '../contract/environment.ts';
import { ForebayError } from '../contract/errors.ts';
import type { Store } from '../store/store.ts';
import { untilClear } from '../table/back-off.ts';

/** What stands under a name that decides. `own`: this call's value, told by its attempt. */
export interface Decided<T> {
  readonly value: T;
  readonly own: boolean;
}

/**
 * Creates an object whose name decides something, and answers what stands under the name now. Unclear answers are
 * settled by asking again: only the same conditional create proves anything. A refusal may be for one's own object,
 * that landed although its answer was lost.
 */
export async function decide<S extends TSchema>(
  store: Store,
  key: string,
  schema: S,
  value: Static<S> & { readonly attempt: string },
  waiting: Waiting,
): Promise<Decided<Static<S> & { readonly attempt: string }>> {
  const body = JSON.stringify(value);
  const { created } = await untilClear(() => store.putIfAbsent(key, body, { signal: waiting.signal }), waiting);
  if (created) return { value, own: true };
  const there = await readDocument(store, key, schema, waiting);
  if (there === undefined) throw vanished(store, key);
  if (!hasAttempt(there)) throw new ForebayError('DamagedDocument', `${store.url}/${key} names no attempt`);
  return { value: there, own: there.attempt === value.attempt };
}

/** The document under a key, checked; undefined when there is none. Throws NewerDocument and DamagedDocument. */
export async function readDocument<S extends TSchema>(
  store: Store,
  key: string,
  schema: S,
  waiting: Waiting,
): Promise<Static<S> | undefined> {
  const object = await untilClear(() => store.get(key, { signal: waiting.signal }), waiting);
  if (object === undefined) return undefined;
  return parseDocument(schema, Buffer.from(object.body).toString(), `${store.url}/${key}`, 'DamagedDocument');
}

function hasAttempt<T>(value: T): value is T & { readonly attempt: string } {
  return typeof value === 'object' && value !== null && 'attempt' in value && typeof value.attempt === 'string';
}

/** The store refused a create for an object that it then does not have. */
function vanished(store: Store, key: string): ForebayError {
  return new ForebayError('StoreUnavailable', `${store.url}/${key} exists and is gone at once`);
}
