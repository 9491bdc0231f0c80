import { beforeEach, expect, test } from 'vitest';
import { faultyStore } from '../../test/support/faulty-store.ts';
import { MemoryStore } from '../../test/support/memory-store.ts';
import { seededRandom } from '../../test/support/waiting.ts';
import { type Clock, silentLog } from '../contract/environment.ts';
import type { Store } from '../store/store.ts';
import { segmentKey } from './names.ts';
import { decodeSegment, type SegmentHeader } from './segment.ts';
import { SegmentQueue, type SegmentQueueSettings } from './segment-queue.ts';

const id = 'c'.repeat(64);
const settings: SegmentQueueSettings = {
  maxDelayMilliseconds: 100,
  maxSegmentBytes: 30,
  writers: 1,
  unclearMilliseconds: 60_000,
  idleMilliseconds: 3_600_000,
};

/** Time passes when the test says so. */
class ManualClock implements Clock {
  #now = 1_000_000;
  #sleepers: { readonly until: number; wake(): void }[] = [];

  now(): number {
    return this.#now;
  }

  async sleep(milliseconds: number, signal?: AbortSignal): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      this.#sleepers.push({ until: this.#now + milliseconds, wake: resolve });
      signal?.addEventListener('abort', () => reject(signal.reason));
    });
  }

  /** Lets what is under way come to a rest before and after. */
  async pass(milliseconds: number): Promise<void> {
    await settle();
    this.#now += milliseconds;
    for (const sleeper of this.#sleepers) if (sleeper.until <= this.#now) sleeper.wake();
    this.#sleepers = this.#sleepers.filter(({ until }) => until > this.#now);
    await settle();
  }
}

async function settle(): Promise<void> {
  for (let turn = 0; turn < 20; turn += 1) await new Promise<void>((resolve) => setImmediate(resolve));
}

let clock: ManualClock;
let bucket: MemoryStore;
let written: SegmentHeader[];

beforeEach(() => {
  clock = new ManualClock();
  bucket = new MemoryStore();
  written = [];
});

function open(change: Partial<SegmentQueueSettings> = {}, store: Store = bucket) {
  const waiting = { clock, random: seededRandom(1), signal: new AbortController().signal };
  const listener = { introduced: () => {}, durable: (header: SegmentHeader) => void written.push(header) };
  const queue = new SegmentQueue(store, id, { ...settings, ...change }, waiting, silentLog, listener);
  const running = queue.run();
  running.catch(() => {});
  return { queue, running };
}

function line(text: string): Buffer {
  return Buffer.from(`"${text}"\n`);
}

function texts(): string[] {
  return written.map(({ writer, sequence }) => {
    const key = segmentKey(id, writer, sequence);
    return decodeSegment(bucket.objects.get(key)?.body ?? Buffer.alloc(0), key).lines.toString();
  });
}

test('requests gather for the delay and share a segment, each told its place', async () => {
  const { queue } = open();
  const answers = [queue.append(line('a'), 1), queue.append(line('b'), 3)];
  await clock.pass(60);
  answers.push(queue.append(line('c'), 1));
  await clock.pass(30);
  expect(written).toEqual([]);
  await clock.pass(10);
  expect(texts()).toEqual(['"a"\n"b"\n"c"\n']);
  expect((await Promise.all(answers)).map(({ sequence, index }) => [sequence, index])).toEqual([
    [1, 0],
    [1, 1],
    [1, 4],
  ]);
});

test('a full segment does not wait, and what is over goes into the next', async () => {
  const { queue } = open();
  for (const letter of ['a', 'b', 'c', 'd']) void queue.append(line(letter.repeat(12)), 1);
  await settle();
  expect(written.map(({ records }) => records)).toEqual([2, 2]);
});

test('no segment is begun before the one before it is there', async () => {
  const calls: string[] = [];
  let letGo = () => {};
  const slow = faultyStore(bucket, async (_call, method, key) => {
    if (method !== 'putIfAbsent' || !key.endsWith('.seg')) return undefined;
    calls.push(key);
    await new Promise<void>((resolve) => {
      letGo = resolve;
    });
    return undefined;
  });
  const { queue } = open({}, slow);
  void queue.append(line('a'.repeat(30)), 1);
  void queue.append(line('b'.repeat(30)), 1);
  await settle();
  expect(calls).toHaveLength(1);
  expect(queue.silence()).toBe(0);
  await clock.pass(500);
  expect(queue.silence()).toBe(500);
  letGo();
  await settle();
  expect(calls).toHaveLength(2);
});

test('an answer that is lost is asked for again, and the segment is one', async () => {
  let lost = 0;
  const { queue } = open(
    {},
    faultyStore(bucket, (_call, method, key) => {
      if (method !== 'putIfAbsent' || !key.endsWith('.seg') || lost === 3) return undefined;
      lost += 1;
      return 'lost';
    }),
  );
  const answer = queue.append(line('a'), 1);
  for (let wait = 0; wait < 20; wait += 1) await clock.pass(200);
  expect(await answer).toMatchObject({ sequence: 1, index: 0 });
  expect(lost).toBe(3);
  expect(texts()).toEqual(['"a"\n']);
});

test('when a segment stays unclear all who wait are told, and the queue has ended', async () => {
  const { queue, running } = open(
    {},
    faultyStore(bucket, (_call, _method, key) => (key.endsWith('.seg') ? 'refused' : undefined)),
  );
  const answers = Promise.allSettled([queue.append(line('a'.repeat(30)), 1), queue.append(line('b'), 1)]);
  for (let wait = 0; wait < 70; wait += 1) await clock.pass(1_000);
  for (const answer of await answers) {
    expect(answer).toMatchObject({ status: 'rejected', reason: { code: 'StoreUnavailable' } });
  }
  await expect(running).rejects.toMatchObject({ code: 'StoreUnavailable' });
  await expect(queue.append(line('c'), 1)).rejects.toMatchObject({ code: 'StoreUnavailable' });
});

test('several writers write side by side, each its own line of segments', async () => {
  const waiting: (() => void)[] = [];
  const slow = faultyStore(bucket, async (_call, method, key) => {
    if (method !== 'putIfAbsent' || !key.endsWith('.seg')) return undefined;
    await new Promise<void>((resolve) => waiting.push(resolve));
    return undefined;
  });
  const { queue } = open({ writers: 3 }, slow);
  for (const letter of ['a', 'b', 'c', 'd']) void queue.append(line(letter.repeat(30)), 1);
  await settle();
  expect(waiting).toHaveLength(3);
  for (const letGo of waiting) letGo();
  await settle();
  waiting[3]?.();
  await settle();
  expect(new Set(written.map(({ writer }) => writer)).size).toBe(3);
  expect(written.map(({ sequence }) => sequence).sort()).toEqual([1, 1, 1, 2]);
});

test('closed, a queue writes what it has at once and takes no more', async () => {
  const { queue, running } = open();
  const answer = queue.append(line('a'), 1);
  await settle();
  queue.close();
  await running;
  expect(await answer).toMatchObject({ sequence: 1 });
  await expect(queue.append(line('b'), 1)).rejects.toMatchObject({ code: 'Interrupted' });
});

test('a writer that was silent for long goes on under a new name', async () => {
  const { queue } = open({ maxDelayMilliseconds: 0 });
  const first = await queue.append(line('a'), 1);
  const second = await queue.append(line('b'), 1);
  await clock.pass(3_600_001);
  const third = await queue.append(line('c'), 1);
  expect(second).toMatchObject({ writer: first.writer, sequence: 2 });
  expect(third.writer).not.toBe(first.writer);
  expect(third.sequence).toBe(1);
});
