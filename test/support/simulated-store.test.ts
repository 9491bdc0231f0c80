import { describe, expect, test } from 'vitest';
import { describeStore, listAll, textOf } from '../../ingestor/store/conformance.ts';
import type { Store } from '../../ingestor/store/store.ts';
import { SimulatedBucket, type SimulatedFaults } from './simulated-store.ts';
import { SimulatedTime } from './simulated-time.ts';
import { seededRandom, virtualClock } from './waiting.ts';

for (const order of ['byte', 'folder'] as const) {
  const bucket = new SimulatedBucket({ clock: virtualClock(), random: seededRandom(1), order });
  const traits = { order, takesAnyKey: true };
  describeStore(`a simulated store in ${order} order`, traits, async () => bucket.open('some/prefix'));
}

/** One call of one writer under one fault that always strikes, and the bucket after an hour. */
async function under(faults: SimulatedFaults, call: (store: Store) => Promise<unknown>) {
  const time = new SimulatedTime();
  const bucket = new SimulatedBucket({ clock: time, random: seededRandom(1), faults });
  const outcome = await time.run(call(bucket.open()).catch((thrown: unknown) => thrown));
  const atOnce = textOf(bucket.objects.get('key')?.body);
  await time.pass(3_600_000);
  return { outcome, atOnce, later: textOf(bucket.objects.get('key')?.body), writes: bucket.writes.length };
}

const unclear = expect.objectContaining({ code: 'StoreUnavailable' });

test.for<[SimulatedFaults, object]>([
  [{ unavailable: 1 }, { outcome: unclear, atOnce: undefined, later: undefined, writes: 0 }],
  [{ lost: 1 }, { outcome: unclear, atOnce: 'text', later: 'text', writes: 1 }],
  [{ late: 1 }, { outcome: unclear, atOnce: undefined, later: 'text', writes: 1 }],
  [{ repeated: 1 }, { outcome: { created: false }, atOnce: 'text', later: 'text', writes: 1 }],
  [{ twice: 1 }, { outcome: expect.objectContaining({ created: true }), later: 'text', writes: 1 }],
  [{ slow: 1 }, { outcome: expect.objectContaining({ created: true }), later: 'text', writes: 1 }],
])('a create under %j', async ([faults, wanted]) => {
  expect(await under(faults, (store) => store.putIfAbsent('key', 'text'))).toMatchObject(wanted);
});

test('a put that lands twice overwrites what came between', async () => {
  const time = new SimulatedTime();
  const faults: { twice: number } = { twice: 1 };
  const bucket = new SimulatedBucket({ clock: time, random: seededRandom(1), faults });
  const store = bucket.open();
  await time.run(store.put('key', 'first'));
  faults.twice = 0;
  await time.run(store.put('key', 'second'));
  await time.pass(3_600_000);
  expect(textOf(bucket.objects.get('key')?.body)).toBe('first');
});

describe('time', () => {
  test('passes only while everything waits', async () => {
    const time = new SimulatedTime(0);
    const seen: [string, number][] = [];
    const sleeper = async (name: string, milliseconds: number) => {
      await time.sleep(milliseconds);
      seen.push([name, time.now()]);
    };
    await time.run(Promise.all([sleeper('day', 86_400_000), sleeper('second', 1_000), sleeper('nothing', 0)]));
    expect(seen).toEqual([
      ['nothing', 0],
      ['second', 1_000],
      ['day', 86_400_000],
    ]);
  });

  test('is given up by a signal, and does not go on to it', async () => {
    const time = new SimulatedTime(0);
    const stop = new AbortController();
    const sleeping = time.sleep(1_000_000, stop.signal);
    stop.abort(new Error('told to stop'));
    await expect(time.run(sleeping)).rejects.toThrow('told to stop');
    await time.pass(10);
    expect(time.now()).toBe(10);
  });

  test('does not wait for what never comes', async () => {
    await expect(new SimulatedTime().run(new Promise(() => {}))).rejects.toThrow('nothing is waited for');
  });

  test('may be wrong on a machine', async () => {
    const time = new SimulatedTime(1_000_000);
    expect(time.offBy(-3_600).now()).toBe(996_400);
  });
});

test('a process that crashed hears nothing more, though its request lands', async () => {
  const time = new SimulatedTime();
  const bucket = new SimulatedBucket({ clock: time, random: seededRandom(1) });
  const store = bucket.open();
  let heard = false;
  const hear = () => {
    heard = true;
  };
  // Between its landing and its answer.
  const landing = bucket.set.bind(bucket);
  bucket.set = (key, body) => {
    store.crash();
    return landing(key, body);
  };
  store.put('key', 'text').then(hear, hear);
  await time.pass(60_000);
  expect(textOf(bucket.objects.get('key')?.body)).toBe('text');
  expect(heard).toBe(false);
});

test('a listing shows each page as the bucket is then', async () => {
  const time = new SimulatedTime();
  const bucket = new SimulatedBucket({ clock: time, random: seededRandom(1) });
  for (const key of ['a', 'b', 'c', 'd']) bucket.set(key, '');
  const listing = async () => {
    const keys: string[] = [];
    for await (const { key } of bucket.open().list('', { pageSize: 2 })) {
      keys.push(key);
      if (key === 'b') {
        bucket.delete('c');
        bucket.set('aa', '');
        bucket.set('e', '');
      }
    }
    return keys;
  };
  expect(await time.run(listing())).toEqual(['a', 'b', 'd', 'e']);
});

test.each([1, 2, 3, 4, 5])('the same seed gives the same run, another another: %i', async (seed) => {
  const run = async (by: number) => {
    const time = new SimulatedTime();
    const faults = { unavailable: 0.1, lost: 0.1, late: 0.1, repeated: 0.1, twice: 0.1, slow: 0.1 };
    const bucket = new SimulatedBucket({ clock: time, random: seededRandom(by), faults });
    const writer = async (name: string) => {
      const store = bucket.open();
      for (let i = 0; i < 20; i += 1) await store.putIfAbsent(`${i % 7}`, `${name} ${i}`).catch(() => {});
    };
    await time.run(Promise.all(['a', 'b', 'c'].map(writer)));
    await time.pass(3_600_000);
    return JSON.stringify([bucket.writes, await time.run(listAll(bucket.open(), ''))]);
  };
  const first = await run(seed);
  expect(await run(seed)).toBe(first);
  expect(await run(seed + 100)).not.toBe(first);
});
