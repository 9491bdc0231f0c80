import { afterEach, beforeEach, expect, inject, test } from 'vitest';
import { InletPlace, type InletProcess, Sender } from './support/inlet.ts';

let place: InletPlace;

beforeEach(async () => {
  place = await InletPlace.make(inject('s3'));
});
afterEach(async () => {
  await place.close();
});

/** Ten processes are started, one after the other. */
const slow = { timeout: 180_000 };

function upTo(most: number): number {
  return 1 + Math.floor(Math.random() * most);
}

/** What was acknowledged is there; what was sent once is there once; and the counts are those of the rows. */
async function expectAllThere({ acknowledged, sent, bad }: Sender): Promise<void> {
  const [rows, rejected, { records }] = await Promise.all([place.rows(), place.rejected(), place.property()]);
  const lost = [...acknowledged].filter((id) => ((bad.has(id) ? rejected : rows).get(id) ?? 0) < 1);
  expect(lost).toEqual([]);
  const tooOften = [...rows, ...rejected].filter(([id, times]) => times > (sent.get(id) ?? 0));
  expect(tooOften).toEqual([]);
  const ingested = sum(rows);
  const failed = sum(rejected);
  expect(records).toEqual({ received: ingested + failed, ingested, failed, skipped: 0 });
}

function sum(counts: ReadonlyMap<string, number>): number {
  return [...counts.values()].reduce((total, count) => total + count, 0);
}

test('killed again and again while a sender sends, an inlet loses nothing and doubles nothing', slow, async () => {
  let inlet = await place.start();
  const sender = new Sender('a', () => inlet.ports.data);
  const sending = sender.run(20);
  for (let kills = 0; kills < 5; kills += 1) {
    await sender.acknowledges(upTo(400));
    await inlet.end('SIGKILL');
    inlet = await place.start();
  }
  await sender.acknowledges(100);
  sender.stop();
  await sending;
  await inlet.progressUntil(({ records }) => records.pending === 0);
  expect(await inlet.end()).toBe(0);
  await expectAllThere(sender);
});

test('two processes serve one inlet, die in turns, and the totals are of both', slow, async () => {
  const inlets: [InletProcess, InletProcess] = await Promise.all([place.start(), place.start()]);
  const sender = new Sender('b', () => inlets[sender.sent.size % 2 === 0 ? 0 : 1].ports.data);
  const sending = sender.run(20);
  for (const index of [0, 1, 0, 1] as const) {
    await sender.acknowledges(upTo(300));
    await inlets[index].end('SIGKILL');
    inlets[index] = await place.start();
  }
  await sender.acknowledges(300);
  sender.stop();
  await sending;
  for (const inlet of inlets) await inlet.progressUntil(({ records }) => records.pending === 0);
  expect(await Promise.all(inlets.map((inlet) => inlet.end()))).toEqual([0, 0]);
  await expectAllThere(sender);
});

test('told to stop, an inlet answers who is waiting and leaves nothing pending', async () => {
  let inlet = await place.start();
  const sender = new Sender('c', () => inlet.ports.data);
  const sending = sender.run(20);
  await sender.acknowledges(300);
  expect(await inlet.end('SIGTERM')).toBe(0);
  const acknowledged = sender.acknowledged.size;
  const { records } = await place.property();
  expect(records.received).toBeGreaterThanOrEqual(acknowledged);
  sender.stop();
  inlet = await place.start();
  await sending;
  expect(await inlet.end('SIGTERM')).toBe(0);
  await expectAllThere(sender);
});
