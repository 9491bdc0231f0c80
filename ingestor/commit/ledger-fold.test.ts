import { beforeEach, expect, test } from 'vitest';
import { Crash } from '../../test/support/faulty-store.ts';
import { finishTask, Lake, planTask } from '../../test/support/lake-in-memory.ts';
import { runFinish } from '../tasks/finish.ts';
import { runPlan } from '../tasks/plan.ts';
import { foldLedger, type LedgerFold } from './ledger-fold.ts';
import { ledgerKey } from './names.ts';
import { openLake } from './testing.ts';

let lake: Lake;

beforeEach(async () => {
  lake = new Lake();
  await lake.prepare();
});

async function put(...names: string[]): Promise<void> {
  for (const name of names) await lake.bucket('source').put(`${name}.jsonl`, `{"id":"${name}"}\n`);
}

/** A run of a connection over all there is: committed, or left after its plan. */
async function ingest(id: string, end: 'commit' | 'abort' | 'leave' = 'commit') {
  const shardBytes = end === 'commit' ? 2 ** 20 : 1;
  const planned = await runPlan(planTask(id, { shardBytes, ledger: { source: 's3://source' } }), lake.process());
  const abort = { reason: 'Aborted', message: 'as asked' };
  if (end === 'abort') await runFinish(finishTask(id, { abort }), lake.process());
  return planned;
}

async function fold(least = 1): Promise<number> {
  const { dataset, waiting } = await openLake(lake);
  return await foldLedger(dataset, waiting, least);
}

function newest(): LedgerFold {
  const folds = keys('ingest/ledger/folds/').length;
  return JSON.parse(lake.text(`ingest/ledger/folds/${folds}.json`));
}

function keys(prefix: string): string[] {
  return [...lake.bucket('lake').objects.keys()].filter((key) => key.startsWith(prefix));
}

function ifCrash(thrown: unknown): void {
  if (!(thrown instanceof Crash)) throw thrown;
}

/** Two runs that took two files each. */
async function ingestTwice(): Promise<void> {
  await put('a', 'b');
  await ingest('first');
  await put('c', 'd');
  await ingest('second');
}

test('folded entries are empty, and their files stay known', async () => {
  await ingestTwice();
  expect(await fold()).toBe(2);
  expect([lake.text(ledgerKey(1)), lake.text(ledgerKey(2))]).toEqual(['', '']);
  await put('e', 'f');
  expect(await ingest('third')).toMatchObject({ batch: { files: { input: 6, skipped: 4 } } });
  expect(await lake.ids()).toEqual(['a', 'b', 'c', 'd', 'e', 'f']);
});

test('few entries are not worth a fold, but for their files', async () => {
  await ingestTwice();
  expect(await fold(3)).toBe(0);
  expect(keys('ingest/ledger/folds/')).toEqual([]);
});

test('a plan folds when enough entries have gathered', async () => {
  for (let n = 0; n < 17; n += 1) {
    await put(`a-${n}`, `b-${n}`);
    await ingest(`run-${n}`);
  }
  expect(newest()).toMatchObject({ upTo: 17, open: [17], segments: [{ groups: 16, digests: 32 }] });
});

test('a claim without an outcome stays in its entry until it has one', async () => {
  await put('a', 'b');
  await ingest('first', 'leave');
  await put('c', 'd');
  await ingest('second');
  expect(await fold()).toBe(1);
  expect(newest()).toMatchObject({ upTo: 2, open: [1], folded: [2] });
  expect((await ingest('third')).batch?.files).toMatchObject({ input: 4, skipped: 4 });
  await ingest('first', 'abort');
  expect(await fold()).toBe(1);
  expect(newest()).toMatchObject({ upTo: 2, open: [], folded: [1] });
  expect((await ingest('fourth')).batch?.files).toMatchObject({ input: 4, skipped: 2 });
});

test("files of a batch that was taken out again are its own to take, and nobody else's", async () => {
  await put('a', 'b');
  await ingest('first');
  await runFinish(finishTask('first', { abort: { reason: 'Aborted', message: 'back' }, revert: true }), lake.process());
  await fold();
  expect((await ingest('second')).batch?.files).toMatchObject({ input: 2, skipped: 2 });
  const connection = { shardBytes: 1, ledger: { source: 's3://source' }, requestToken: 'again' };
  expect(await runPlan(planTask('first', connection), lake.process())).toMatchObject({ run: 2, plan: { shards: 2 } });
});

test('small digest objects are joined, large ones are left', async () => {
  const names = Array.from({ length: 40 }, (_, n) => `large-${n}`);
  await put(...names);
  await ingest('large');
  await fold();
  const [large] = newest().segments;
  for (const n of [1, 2, 3]) {
    await put(`small-${n}`, `more-${n}`);
    await ingest(`small-${n}`);
    await fold();
  }
  expect(newest().segments.map(({ key, digests }) => [key === large?.key, digests])).toEqual([
    [true, 40],
    [false, 6],
  ]);
  expect(keys('ingest/ledger/digests/').sort()).toEqual(
    newest()
      .segments.map(({ key }) => key)
      .sort(),
  );
});

test('digests that are damaged or gone are told, and nothing is planned', async () => {
  await ingestTwice();
  await fold();
  const [key = ''] = keys('ingest/ledger/digests/');
  const whole = lake.bucket('lake').objects.get(key);
  const body = Buffer.from(whole?.body ?? '');
  body.writeUInt8(body.readUInt8(60) ^ 1, 60);
  await lake.bucket('lake').put(key, body);
  await expect(ingest('third')).rejects.toMatchObject({ code: 'DamagedDocument', exitCode: 42 });
  await lake.bucket('lake').delete([key]);
  await expect(ingest('third')).rejects.toMatchObject({ code: 'DamagedDocument' });
});

test('an entry that is empty though no fold names it is damaged', async () => {
  await ingestTwice();
  await lake.bucket('lake').put(ledgerKey(1), '');
  await expect(ingest('third')).rejects.toMatchObject({ code: 'DamagedDocument' });
});

test('a fold that dies at any call is finished by the next', async () => {
  await ingestTwice();
  const before = new Map(lake.bucket('lake').objects);
  // The first call opens the dataset.
  for (let call = 2, calls = 2; call <= calls; call += 1) {
    for (const fault of ['crash before', 'crash after', 'lost'] as const) {
      lake.bucket('lake').objects.clear();
      for (const [key, object] of before) lake.bucket('lake').objects.set(key, object);
      const dying = lake.process((n) => {
        calls = Math.max(calls, n);
        return n === call ? fault : undefined;
      });
      const { dataset, waiting } = await openLake(lake, dying);
      await foldLedger(dataset, waiting, 1).catch(ifCrash);
      await fold();
      expect([lake.text(ledgerKey(1)), lake.text(ledgerKey(2))]).toEqual(['', '']);
      expect(newest().segments).toMatchObject([{ digests: 4 }]);
    }
  }
});

test('of folds at once one counts, and the others leave nothing', async () => {
  await ingestTwice();
  const folded = await Promise.all(Array.from({ length: 8 }, () => fold()));
  expect(folded.reduce((sum, n) => sum + n, 0)).toBe(2);
  await put('e', 'f');
  await ingest('third');
  await fold();
  expect(keys('ingest/ledger/digests/').sort()).toEqual(
    newest()
      .segments.map(({ key }) => key)
      .sort(),
  );
  expect((await ingest('fourth')).batch?.files).toMatchObject({ input: 6, skipped: 6 });
});

test('a plan whose digest objects were joined while it slept reads those that are there now', async () => {
  await ingestTwice();
  await fold();
  await put('e', 'f', 'g');
  await ingest('third');
  await put('h', 'i');
  let slept = false;
  const slow = lake.process(async (_call, method, key) => {
    if (slept || method !== 'get' || !key.startsWith('ingest/ledger/digests/')) return undefined;
    slept = true;
    await fold();
    expect(lake.bucket('lake').objects.has(key)).toBe(false);
    return undefined;
  });
  const { batch } = await runPlan(planTask('fourth', { ledger: { source: 's3://source' } }), slow);
  expect(batch?.files).toMatchObject({ input: 9, skipped: 7 });
  expect(slept).toBe(true);
});

test('a plan whose entries were emptied while it slept finds their files in the fold', async () => {
  await ingestTwice();
  await put('e');
  let slept = false;
  const slow = lake.process(async (_call, method, key) => {
    if (slept || method !== 'get' || key !== ledgerKey(1)) return undefined;
    slept = true;
    await fold();
    return undefined;
  });
  const { batch } = await runPlan(planTask('third', { ledger: { source: 's3://source' } }), slow);
  expect(batch?.files).toMatchObject({ input: 5, skipped: 4 });
  expect(slept).toBe(true);
});
