/**
 * Who runs the rounds of an inlet at the moment. It saves the work of doing a round twice and decides nothing: a round
 * that two processes run has one outcome all the same.
 *
 * No clock is compared with another: a lease is over when its holder gave it back, or when its object did not change
 * for a while that the one who looks has measured.
 */

import { parseDocument } from '../contract/documents.ts';
import type { Waiting } from '../contract/environment.ts';
import type { Store, StoredObject } from '../store/store.ts';
import { isUnclear } from '../table/back-off.ts';
import { Lease } from './documents.ts';
import { leaseKey } from './names.ts';

/** A lease whose object did not change for so long is free. */
const leaseMilliseconds = 15_000;
const renewMilliseconds = 5_000;

export class RoundLease {
  readonly #store: Store;
  readonly #key: string;
  readonly #holder: string;
  readonly #waiting: Waiting;
  #seen: { readonly etag: string; readonly since: number } | undefined;

  constructor(store: Store, inlet: string, waiting: Waiting) {
    this.#store = store;
    this.#key = leaseKey(inlet);
    this.#holder = waiting.random.nonce();
    this.#waiting = waiting;
  }

  /** Works while it holds the lease; `undefined` when another process does. */
  async hold<T>(work: () => Promise<T>): Promise<T | undefined> {
    const etag = await this.#acquire();
    if (etag === undefined) return undefined;
    const renewal = new AbortController();
    const renewed = this.#renew(etag, renewal.signal);
    try {
      return await work();
    } finally {
      renewal.abort();
      await this.#release(await renewed);
    }
  }

  /** The ETag of the object that says we hold it; undefined when another does, or when the store does not say. */
  async #acquire(): Promise<string | undefined> {
    const { signal, clock } = this.#waiting;
    try {
      const object = await this.#store.get(this.#key, { signal });
      if (object === undefined) return (await this.#store.putIfAbsent(this.#key, this.#body(), { signal })).etag;
      if (!this.#isFree(object, clock.now())) return undefined;
      return await this.#write(object.etag, this.#body());
    } catch (thrown) {
      if (isUnclear(thrown)) return undefined;
      throw thrown;
    }
  }

  #isFree(object: StoredObject, now: number): boolean {
    const { holder } = parseDocument(Lease, Buffer.from(object.body).toString(), this.#key, 'DamagedDocument');
    if (holder === '' || holder === this.#holder) return true;
    if (this.#seen?.etag !== object.etag) this.#seen = { etag: object.etag, since: now };
    return now - this.#seen.since >= leaseMilliseconds;
  }

  /** Until it is told to end; answers the ETag that stands then. */
  async #renew(etag: string, signal: AbortSignal): Promise<string | undefined> {
    let current: string | undefined = etag;
    while (current !== undefined && !signal.aborted) {
      await this.#waiting.clock.sleep(renewMilliseconds, signal).catch(() => {});
      if (!signal.aborted) current = await this.#write(current, this.#body()).catch(() => current);
    }
    return current;
  }

  async #release(etag: string | undefined): Promise<void> {
    if (etag !== undefined) await this.#write(etag, this.#body('')).catch(() => undefined);
  }

  async #write(etag: string, body: string): Promise<string | undefined> {
    return (await this.#store.putIfMatch(this.#key, body, etag, { signal: this.#waiting.signal })).etag;
  }

  #body(holder = this.#holder): string {
    const lease: Lease = { version: 1, holder, nonce: this.#waiting.random.nonce() };
    return JSON.stringify(lease);
  }
}
