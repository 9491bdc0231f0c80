import { beforeEach, expect, test } from 'vitest';
import { faultyStore } from '../../test/support/faulty-store.ts';
import { MemoryStore } from '../../test/support/memory-store.ts';
import { seededRandom } from '../../test/support/waiting.ts';
import type { Clock } from '../contract/environment.ts';
import type { Store } from '../store/store.ts';
import { RoundLease } from './lease.ts';

const id = 'd'.repeat(64);
let now: number;
let bucket: MemoryStore;

beforeEach(() => {
  now = 1_000_000;
  bucket = new MemoryStore();
});

/** Its holder does not renew: as one that is cut off. */
const clock: Clock = {
  now: () => now,
  sleep: async (_milliseconds, signal) => {
    await new Promise<void>((_, reject) => signal?.addEventListener('abort', () => reject(signal.reason)));
  },
};

function open(seed: number, store: Store = bucket): RoundLease {
  return new RoundLease(store, id, { clock, random: seededRandom(seed), signal: new AbortController().signal });
}

test('of two processes one works, and the other may when it is done', async () => {
  const [first, second] = [open(1), open(2)];
  const inner = await first.hold(async () => await second.hold(async () => 'second'));
  expect(inner).toBeUndefined();
  expect(await second.hold(async () => 'second')).toBe('second');
  expect(await first.hold(async () => 'first')).toBe('first');
});

test('a holder that is gone is followed after a while that the other one has measured', async () => {
  const second = open(2);
  await open(1).hold(async () => {
    expect(await second.hold(async () => 'taken')).toBeUndefined();
    now += 14_000;
    expect(await second.hold(async () => 'taken')).toBeUndefined();
    now += 1_000;
    expect(await second.hold(async () => 'taken')).toBe('taken');
  });
});

test('work that fails gives the lease back', async () => {
  const failing = open(1).hold(async () => {
    throw new Error('failed');
  });
  await expect(failing).rejects.toThrow('failed');
  expect(await open(2).hold(async () => 'second')).toBe('second');
});

test('without an answer of the store there is no lease, and no error', async () => {
  const silent = faultyStore(bucket, () => 'refused');
  expect(await open(1, silent).hold(async () => 'worked')).toBeUndefined();
});
