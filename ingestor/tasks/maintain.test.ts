import { beforeEach, expect, test } from 'vitest';
import { finishTask, Lake, planTask, records, shardTask, target } from '../../test/support/lake-in-memory.ts';
import { runFinish } from './finish.ts';
import { runMaintain } from './maintain.ts';
import { runPlan } from './plan.ts';
import { runPurge } from './purge.ts';
import { runShard } from './shard.ts';

const minute = 60_000;
const day = 24 * 60 * minute;

let lake: Lake;

beforeEach(async () => {
  lake = new Lake();
  await lake.prepare();
  for (const key of ['a', 'b']) await lake.bucket('source').put(key, records(key, 2));
});

async function maintain() {
  return await runMaintain({ version: 1, verb: 'maintain', dataset: target }, lake.process());
}

function keys(part: string): string[] {
  return [...lake.bucket('lake').objects.keys()].filter((key) => key.includes(part));
}

async function runTwoShards(): Promise<void> {
  await runPlan(planTask('x', { shardBytes: 1 }), lake.process());
  for (const index of [0, 1]) await runShard(shardTask('x', index), lake.process());
}

function dieAt(part: string, method: string) {
  return lake.process((_call, called, key) => (key.includes(part) && called === method ? 'crash before' : undefined));
}

test('a run that was decided is landed, once its own tasks had their time', async () => {
  await runTwoShards();
  await expect(runFinish(finishTask('x'), dieAt('/metadata/v', 'putIfAbsent'))).rejects.toThrow('crash');
  expect((await maintain()).did.finishedRuns).toBe(0);
  lake.clock.advance(11 * minute);
  const { did, table } = await maintain();
  expect(did.finishedRuns).toBe(1);
  expect(table).toMatchObject({ records: 4, batches: { succeeded: 1 } });
});

test('a run that nobody works on is ended after seven days', async () => {
  await runPlan(planTask('x', { shardBytes: 1 }), lake.process());
  lake.clock.advance(6 * day);
  await runShard(shardTask('x', 0), lake.process());
  lake.clock.advance(6 * day);
  expect((await maintain()).did.abandonedRuns).toBe(0);
  lake.clock.advance(2 * day);
  expect((await maintain()).did.abandonedRuns).toBe(1);
  const { batch } = await runFinish(finishTask('x'), lake.process());
  expect(batch).toMatchObject({
    outcome: 'Failed',
    reason: 'Abandoned',
    records: { read: 2, ingested: 0, skipped: 2 },
  });
});

test('a run that never got its plan is ended too, and its request starts none later', async () => {
  await expect(runPlan(planTask('x'), dieAt('/plan.json', 'putIfAbsent'))).rejects.toThrow('crash');
  lake.clock.advance(8 * day);
  expect((await maintain()).did.abandonedRuns).toBe(1);
  const { batch } = await runPlan(planTask('x'), lake.process());
  expect(batch).toMatchObject({ run: 1, outcome: 'Failed', reason: 'Abandoned' });
});

test('receipts go after a day, and the run is looked at once more on the next', async () => {
  await runTwoShards();
  await runFinish(finishTask('x'), lake.process());
  expect((await maintain()).did.deletedObjects).toBe(0);
  lake.clock.advance(day + minute);
  expect((await maintain()).did.deletedObjects).toBe(2);
  expect(keys('/shards/')).toEqual([]);
  expect(keys('ingest/open/')).toHaveLength(1);
  lake.clock.advance(day);
  await maintain();
  expect(keys('ingest/open/')).toEqual([]);
  expect(await lake.ids()).toHaveLength(4);
});

test('files of attempts that lost go, those of the table stay', async () => {
  const dying = dieAt('/shards/', 'putIfAbsent');
  await expect(runPlan(planTask('x'), dying)).rejects.toThrow('crash');
  await runPlan(planTask('x'), lake.process());
  expect(keys('/data/')).toHaveLength(2);
  lake.clock.advance(day + minute);
  await maintain();
  expect(keys('/data/')).toEqual(lake.table.files.map((file) => file.key));
});

test('the report of a batch is the same after its garbage went', async () => {
  await lake.bucket('source').put('c', 'no json\n');
  const before = await runPlan(planTask('x', { maxFailed: 1 }), lake.process());
  lake.clock.advance(3 * day);
  await maintain();
  expect(await runPlan(planTask('x', { maxFailed: 1 }), lake.process())).toEqual(before);
  expect(keys('/rejects/')).toHaveLength(1);
});

test('a hint that stayed behind is moved forward', async () => {
  await runPlan(planTask('x'), lake.process());
  const [hint = ''] = keys('version-hint.text');
  await lake.bucket('lake').put(hint, '1');
  await maintain();
  expect(lake.text(hint)).toBe('2');
});

test('a dataset that was purged leaves a tombstone, and another owner is not told it is free', async () => {
  await runPlan(planTask('x'), lake.process());
  const purge = { version: 1, verb: 'purge', dataset: target } as const;
  const { deletedObjects } = await runPurge(purge, lake.process());
  expect(deletedObjects).toBeGreaterThan(5);
  expect(keys('')).toEqual(['dataset.json']);
  expect((await runPurge(purge, lake.process())).deletedObjects).toBe(0);
  await expect(lake.prepare()).rejects.toMatchObject({ code: 'DatasetPurged', exitCode: 42 });
});

test('nothing of another owner is purged', async () => {
  const before = keys('');
  const dataset = { ...target, owner: { ...target.owner, name: 'other' } };
  const purge = { version: 1, verb: 'purge', dataset } as const;
  await expect(runPurge(purge, lake.process())).rejects.toMatchObject({ code: 'StorageInUse' });
  expect(keys('')).toEqual(before);
});

test('to purge a place where nothing was made is no error', async () => {
  const empty = new Lake();
  const purge = { version: 1, verb: 'purge', dataset: target } as const;
  expect(await runPurge(purge, empty.process())).toEqual({ version: 1, verb: 'purge', deletedObjects: 0 });
});

test('what others keep beside the dataset is not purged', async () => {
  await lake.bucket('lake').put('other/file', 'x');
  await runPurge({ version: 1, verb: 'purge', dataset: target }, lake.process());
  expect(keys('')).toEqual(['dataset.json', 'other/file']);
});
