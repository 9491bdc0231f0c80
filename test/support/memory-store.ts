/** A store in memory without any trouble, for tests that go through a task hundreds of times; see faultyStore. */
import type { StoredObject } from '../../ingestor/store/store.ts';
import { SimulatedBucket, SimulatedStore } from './simulated-store.ts';

export class MemoryStore extends SimulatedStore {
  /** The bucket: several stores may be opened on one. */
  readonly objects: Map<string, StoredObject>;

  constructor(
    objects = new Map<string, StoredObject>(),
    now: () => number = () => Date.now(),
    url = 'memory://bucket',
  ) {
    const options = { clock: { now, sleep: async () => {} }, random: { number: () => 0, nonce: () => '' } };
    super(new SimulatedBucket(options, objects), options, '', undefined, url);
    this.objects = objects;
  }

  /** Tasks close what they opened; the bucket is still looked at. */
  override async close(): Promise<void> {}
}
