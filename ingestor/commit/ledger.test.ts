import { beforeEach, expect, test } from 'vitest';
import { filesInput, finishTask, Lake, planTask, shardTask } from '../../test/support/lake-in-memory.ts';
import type { BatchRequest } from '../contract/task.ts';
import { runFinish } from '../tasks/finish.ts';
import { runPlan } from '../tasks/plan.ts';
import { runShard } from '../tasks/shard.ts';

/** One shard for each file, so that planning does not run them too. */
const connection: Partial<BatchRequest> = { shardBytes: 1, maxFailed: '100%', ledger: { source: 's3://source' } };

let lake: Lake;

beforeEach(async () => {
  lake = new Lake();
  await lake.prepare();
  await putFiles('a', 'b');
});

async function putFiles(...names: string[]): Promise<void> {
  for (const name of names) await lake.bucket('source').put(`${name}.jsonl`, `{"id":"${name}"}\n`);
}

async function plan(id: string, change: Partial<BatchRequest> = {}) {
  return await runPlan(planTask(id, { ...connection, ...change }), lake.process());
}

async function commit(id: string, shards: number): Promise<void> {
  for (let index = 0; index < shards; index += 1) await runShard(shardTask(id, index), lake.process());
  await runFinish(finishTask(id), lake.process());
}

async function abort(id: string): Promise<void> {
  await runFinish(finishTask(id, { abort: { reason: 'JobFailed', message: 'gone' } }), lake.process());
}

/** Files that a run may take, of those it found. */
async function taken(id: string): Promise<[number, number]> {
  const { files, plan: made, batch } = await plan(id);
  return [batch?.files.skipped === files ? 0 : made.shards, files];
}

test('files of a run that is under way are held', async () => {
  expect(await taken('first')).toEqual([2, 2]);
  expect(await taken('second')).toEqual([0, 2]);
});

test('files of a committed run are held for good', async () => {
  await plan('first');
  await commit('first', 2);
  expect(await taken('second')).toEqual([0, 2]);
  expect(await lake.ids()).toEqual(['a', 'b']);
});

test('files of a run that failed are free again', async () => {
  await plan('first');
  await abort('first');
  expect(await taken('second')).toEqual([2, 2]);
});

test('new files are taken, known ones are not', async () => {
  await plan('first');
  await commit('first', 2);
  await putFiles('c', 'd');
  expect(await taken('second')).toEqual([2, 4]);
  await commit('second', 2);
  expect(await lake.ids()).toEqual(['a', 'b', 'c', 'd']);
});

test('a file that was changed is a new one', async () => {
  await plan('first');
  await commit('first', 2);
  await lake.bucket('source').put('a.jsonl', '{"id":"changed"}\n{"id":"more"}\n');
  await putFiles('c');
  expect(await taken('second')).toEqual([2, 3]);
});

test('the same file of another place is another file', async () => {
  await plan('first');
  await commit('first', 2);
  expect((await plan('second', { ledger: { source: 's3://elsewhere' } })).plan.shards).toBe(2);
});

test('a connection whose prefix moved knows its files again', async () => {
  await putFiles('sub/c');
  await plan('first', { input: filesInput({ keys: ['sub/c.jsonl'] }) });
  await commit('first', 1);
  // The same object, as a connection sees it whose place is the folder.
  const { objects } = lake.bucket('source');
  const object = objects.get('sub/c.jsonl');
  if (object) objects.set('c.jsonl', { ...object, key: 'c.jsonl' });
  const below = { input: filesInput({ keys: ['c.jsonl'] }), ledger: { source: 's3://source/sub' } };
  expect((await plan('second', below)).batch?.files).toMatchObject({ input: 1, skipped: 1 });
});

test('a run that finds nothing new is committed without a version of the table', async () => {
  await plan('first');
  await commit('first', 2);
  const { sequence } = lake.table;
  const { batch, table } = await plan('second');
  expect(batch).toMatchObject({
    outcome: 'Committed',
    files: { input: 2, skipped: 2, failed: 0, output: 0 },
    records: { read: 0 },
  });
  expect(batch?.snapshotID).toBeUndefined();
  expect(table?.sequence).toBe(sequence);
});

test('a run that names a file that is not there fails, and claims nothing', async () => {
  const named = await plan('first', { input: filesInput({ keys: ['a.jsonl', 'gone.jsonl'] }) });
  expect(named.batch).toMatchObject({ outcome: 'Failed', reason: 'NoInput', message: 'gone.jsonl does not exist' });
  expect(await taken('second')).toEqual([2, 2]);
});

test('a run of the same batch takes the files of its earlier run that failed', async () => {
  await plan('first');
  await abort('first');
  const again = await plan('first', { requestToken: 'again' });
  expect(again).toMatchObject({ run: 2, plan: { shards: 2 } });
});

test('a claim fixes the files: what comes between claim and plan is for the next run', async () => {
  const crashing = lake.process((_call, _method, key) =>
    key.endsWith('/plan.json') && _method === 'putIfAbsent' ? 'crash before' : undefined,
  );
  await expect(runPlan(planTask('first', connection), crashing)).rejects.toThrow('crash');
  await putFiles('c');
  expect(await taken('first')).toEqual([2, 2]);
  await putFiles('d');
  expect(await taken('second')).toEqual([2, 4]);
});

test('a claim holds before there is a plan', async () => {
  const crashing = lake.process((_call, method, key) =>
    key.endsWith('/plan.json') && method === 'putIfAbsent' ? 'crash before' : undefined,
  );
  await expect(runPlan(planTask('first', connection), crashing)).rejects.toThrow('crash');
  expect(await taken('second')).toEqual([0, 2]);
});

test('of runs that claim at once, each file goes to one', async () => {
  await putFiles('c', 'd', 'e', 'f');
  const runs = await Promise.all(Array.from({ length: 10 }, (_, n) => plan(`run-${n}`)));
  const shards = runs.map((run) => (run.batch === undefined ? run.plan.shards : 0));
  expect(shards.reduce((sum, n) => sum + n, 0)).toBe(6);
});

test('a claim of a request that another overtook holds nothing', async () => {
  const sleeping = lake.process((_call, method, key) =>
    key.endsWith('/plan.json') && method === 'putIfAbsent' ? 'crash before' : undefined,
  );
  await expect(runPlan(planTask('first', connection), sleeping)).rejects.toThrow('crash');
  const overtaking = await plan('first', { requestDigest: 'other', ledger: { source: 's3://elsewhere' } });
  expect(overtaking.plan.shards).toBe(2);
  await commit('first', 2);
  expect(await taken('second')).toEqual([2, 2]);
});
