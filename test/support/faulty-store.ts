/**
 * A store whose calls go wrong as the test says. `crash`: the process ends there, so nothing it would do next happens;
 * `lost`: the call lands and its answer does not; `refused`: it does not land and the store is unavailable.
 */
import { ForebayError } from '../../ingestor/contract/errors.ts';
import type { Store, Upload } from '../../ingestor/store/store.ts';

export type Fault = 'crash before' | 'crash after' | 'lost' | 'refused' | undefined;

/** Thrown where the process is to end. No code of ours knows it. */
export class Crash extends Error {}

/** `decide` is asked before each call, and may wait there. `call` counts from 1. */
export function faultyStore(
  store: Store,
  decide: (call: number, method: string, key: string) => Fault | Promise<Fault>,
): Store {
  let calls = 0;
  let crashed = false;
  async function through<T>(method: string, key: string, call: () => Promise<T>): Promise<T> {
    calls += 1;
    const fault = crashed ? 'crash before' : await decide(calls, method, key);
    if (crashed || fault === 'crash before') {
      crashed = true;
      throw new Crash(`crash before ${method} ${key}`);
    }
    if (fault === 'refused') throw new ForebayError('StoreUnavailable', `${method} ${key} refused`);
    const answer = await call();
    if (fault === 'crash after') {
      crashed = true;
      throw new Crash(`crash after ${method} ${key}`);
    }
    if (fault === 'lost') throw new ForebayError('StoreUnavailable', `the answer to ${method} ${key} is lost`);
    return answer;
  }
  const throughUpload = (upload: Upload): Upload => ({
    key: upload.key,
    write: (bytes) => upload.write(bytes),
    complete: () => through('complete', upload.key, () => upload.complete()),
    abort: () => upload.abort(),
  });
  return {
    url: store.url,
    get: (key) => through('get', key, () => store.get(key)),
    read: async function* (key, options) {
      await through('read', key, async () => {});
      yield* store.read(key, options);
    },
    head: (key) => through('head', key, () => store.head(key)),
    list: async function* (prefix, options) {
      await through('list', prefix, async () => {});
      yield* store.list(prefix, options);
    },
    putIfAbsent: (key, body) => through('putIfAbsent', key, () => store.putIfAbsent(key, body)),
    putIfMatch: (key, body, etag) => through('putIfMatch', key, () => store.putIfMatch(key, body, etag)),
    put: (key, body) => through('put', key, () => store.put(key, body)),
    upload: (key) => throughUpload(store.upload(key)),
    delete: (keys) => through('delete', keys[0] ?? '', () => store.delete(keys)),
    abandonUploads: (prefix, olderThan) =>
      through('abandonUploads', prefix, () => store.abandonUploads(prefix, olderThan)),
    now: () => through('now', '', () => store.now()),
    close: () => store.close(),
  };
}
