import { type AsyncCommand, assert, asyncModelRun, asyncProperty, commands, constantFrom, integer } from 'fast-check';
import { describe, expect, test } from 'vitest';
import { SimulatedClock } from './clock.ts';
import { WorkQueue } from './workqueue.ts';

const never = new AbortController().signal;

function queueAt0() {
  const clock = new SimulatedClock(0);
  return { clock, queue: new WorkQueue({ clock }) };
}

describe('a work queue', () => {
  test('holds a key once however often it was added, in the order of the first', async () => {
    const { queue } = queueAt0();
    for (const key of ['a', 'b', 'a', 'a']) queue.add(key);
    expect(queue.length).toBe(2);
    expect([await queue.take(never), await queue.take(never)]).toEqual(['a', 'b']);
  });

  test('gives a key added while a worker has it again only after that worker is done', async () => {
    const { clock, queue } = queueAt0();
    queue.add('a');
    await queue.take(never);
    queue.add('a');
    let second: string | undefined;
    const taking = queue.take(never).then((key) => {
      second = key;
    });
    await clock.settle();
    expect(second).toBeUndefined();
    queue.done('a');
    await taking;
    expect(second).toBe('a');
  });

  test('gives a key to a worker that waited for one', async () => {
    const { queue } = queueAt0();
    const taking = queue.take(never);
    queue.add('a');
    expect(await taking).toBe('a');
  });

  test('lets go of a worker whose signal aborts, and gives the key to the next', async () => {
    const { queue } = queueAt0();
    const controller = new AbortController();
    const first = queue.take(controller.signal);
    const second = queue.take(never);
    controller.abort(new Error('stop'));
    await expect(first).rejects.toThrow('stop');
    queue.add('a');
    expect(await second).toBe('a');
  });

  test('refuses done for a key that no worker has', () => {
    expect(() => queueAt0().queue.done('a')).toThrow('no worker has a');
  });
});

describe('a key to come later', () => {
  test.each([
    [[100, 50], 50],
    [[50, 100], 50],
    [[50, 0], 0],
  ])('added after %j ms comes after %i', async (delays, expected) => {
    const { clock, queue } = queueAt0();
    for (const delay of delays) queue.addAfter('a', delay);
    await clock.advance(expected - 1);
    expect(queue.length).toBe(expected === 0 ? 1 : 0);
    await clock.advance(1);
    expect(queue.length).toBe(1);
    expect(clock.pendingTimers).toBe(0);
  });

  test('comes only once when it was added at once in between', async () => {
    const { clock, queue } = queueAt0();
    queue.addAfter('a', 100);
    queue.add('a');
    await queue.take(never);
    queue.done('a');
    await clock.advance(1000);
    expect(queue.length).toBe(0);
  });

  test('waits for its worker when its time comes while it is in work', async () => {
    const { clock, queue } = queueAt0();
    queue.add('a');
    await queue.take(never);
    queue.addAfter('a', 10);
    await clock.advance(20);
    expect(queue.length).toBe(0);
    queue.done('a');
    expect(queue.length).toBe(1);
  });
});

describe('the back-off of a key', () => {
  test('doubles from half a second to a quarter of an hour', async () => {
    const { clock, queue } = queueAt0();
    const waits: number[] = [];
    for (let failure = 0; failure < 13; failure++) {
      const start = clock.now();
      queue.addRateLimited('a');
      while (queue.length === 0) await clock.advance(500);
      waits.push((clock.now() - start) / 1000);
      queue.done((await queue.take(never)) ?? '');
    }
    expect(waits).toEqual([0.5, 1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 900, 900]);
  });

  test('starts again once it is forgotten, and is each key its own', async () => {
    const { clock, queue } = queueAt0();
    for (let failure = 0; failure < 5; failure++) queue.addRateLimited('a');
    queue.forget('a');
    expect([queue.failures('a'), queue.failures('b')]).toEqual([0, 0]);
    queue.addRateLimited('b');
    await clock.advance(500);
    expect(await queue.take(never)).toBe('a');
    expect(await queue.take(never)).toBe('b');
  });
});

describe('a queue that is shut down', () => {
  test('gives out nothing more, and is drained once what was taken is done', async () => {
    const { clock, queue } = queueAt0();
    queue.add('a');
    await queue.take(never);
    const waitingWorker = queue.take(never);
    queue.addAfter('b', 10);
    let drained = false;
    const draining = queue.shutDown().then(() => {
      drained = true;
    });
    expect(await waitingWorker).toBeUndefined();
    queue.add('c');
    expect(await queue.take(never)).toBeUndefined();
    await clock.settle();
    expect([drained, queue.length, clock.pendingTimers]).toEqual([false, 0, 0]);
    queue.add('a');
    queue.done('a');
    await draining;
    expect(queue.length).toBe(0);
  });
});

test('observers hear of depth, additions, retries and times', async () => {
  const clock = new SimulatedClock(0);
  const heard: string[] = [];
  const queue = new WorkQueue({
    clock,
    observer: {
      depth: (n) => heard.push(`depth ${n}`),
      added: () => heard.push('added'),
      retried: () => heard.push('retried'),
      taken: (ms) => heard.push(`waited ${ms}`),
      finished: (ms) => heard.push(`worked ${ms}`),
    },
  });
  queue.add('a');
  queue.add('a');
  await clock.advance(30);
  await queue.take(never);
  queue.addRateLimited('a');
  await clock.advance(40);
  queue.done('a');
  expect(heard).toEqual(['added', 'depth 1', 'waited 30', 'depth 0', 'retried', 'worked 40', 'depth 0']);
});

/** What a queue promises, over any order of calls: no key is lost, none is with two workers. */
describe('in any order of calls', () => {
  interface Model {
    /** Keys that must still be given out. */
    readonly owed: Set<string>;
    readonly working: Set<string>;
  }
  interface Real {
    readonly clock: SimulatedClock;
    readonly queue: WorkQueue;
  }
  type Command = AsyncCommand<Model, Real>;

  const add = (key: string): Command => ({
    check: () => true,
    run: async (model, { queue }) => {
      queue.add(key);
      model.owed.add(key);
    },
    toString: () => `add(${key})`,
  });
  const addAfter = (key: string, ms: number): Command => ({
    check: () => true,
    run: async (model, { queue }) => {
      queue.addAfter(key, ms);
      model.owed.add(key);
    },
    toString: () => `addAfter(${key}, ${ms})`,
  });
  const take = (): Command => ({
    check: () => true,
    run: async (model, { queue }) => {
      if (queue.length === 0) return;
      const key = (await queue.take(never)) ?? '';
      expect(model.working.has(key)).toBe(false);
      expect(model.owed.delete(key)).toBe(true);
      model.working.add(key);
    },
    toString: () => 'take()',
  });
  const done = (key: string): Command => ({
    check: (model) => model.working.has(key),
    run: async (model, { queue }) => {
      model.working.delete(key);
      queue.done(key);
    },
    toString: () => `done(${key})`,
  });
  const advance = (ms: number): Command => ({
    check: () => true,
    run: async (_model, { clock }) => clock.advance(ms),
    toString: () => `advance(${ms})`,
  });
  const key = constantFrom('a', 'b', 'c');
  const delay = integer({ min: 0, max: 50 });

  test('every key that was added is given out, never to two workers', async () => {
    await assert(
      asyncProperty(
        commands(
          [
            key.map(add),
            key.chain((k) => delay.map((ms) => addAfter(k, ms))),
            constantFrom(0).map(take),
            key.map(done),
            delay.map(advance),
          ],
          { maxCommands: 60 },
        ),
        async (sequence) => {
          const model: Model = { owed: new Set(), working: new Set() };
          const real = queueAt0();
          await asyncModelRun(() => ({ model, real }), sequence);
          for (const held of model.working) real.queue.done(held);
          await real.clock.advance(100);
          const rest = new Set<string>();
          while (real.queue.length > 0) rest.add((await real.queue.take(never)) ?? '');
          expect(rest).toEqual(model.owed);
        },
      ),
      { numRuns: 200 },
    );
  });
});
