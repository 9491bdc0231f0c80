import { beforeEach, expect, test } from 'vitest';
import { filesInput, finishTask, Lake, planTask, shardTask } from '../../test/support/lake-in-memory.ts';
import { runFinish } from '../tasks/finish.ts';
import { runPlan } from '../tasks/plan.ts';
import { runShard } from '../tasks/shard.ts';

/** Names no file that exists: such a batch fails without reading anything. */
const nothing = { input: filesInput({ keys: ['missing.jsonl'] }) };
/** Two files of one shard each: planned here, run by others. */
const twoShards = { shardBytes: 1 };

let lake: Lake;

beforeEach(async () => {
  lake = new Lake();
  await lake.prepare();
  for (const key of ['a.jsonl', 'b.jsonl']) await lake.bucket('source').put(key, `{"id":"${key}"}\n`);
});

async function commitTwoShards(id: string): Promise<void> {
  for (const index of [0, 1]) await runShard(shardTask(id, index), lake.process());
  await runFinish(finishTask(id), lake.process());
}

test('a failed batch reports the same when the same is asked again, and is counted once', async () => {
  const first = await runPlan(planTask('x', nothing), lake.process());
  const second = await runPlan(planTask('x', nothing), lake.process());
  expect(first.batch).toMatchObject({
    run: 1,
    outcome: 'Failed',
    reason: 'NoInput',
    message: 'missing.jsonl does not exist',
  });
  expect(second).toEqual(first);
  expect(lake.table.totals.batches).toEqual({ succeeded: 0, failed: 1 });
});

test('a failed batch runs again for a new token, once', async () => {
  await runPlan(planTask('x', nothing), lake.process());
  const again = await runPlan(planTask('x', { ...nothing, requestToken: 'again' }), lake.process());
  const twice = await runPlan(planTask('x', { ...nothing, requestToken: 'again' }), lake.process());
  expect([again.run, twice.run]).toEqual([2, 2]);
});

test('a token that was served is not served again after later runs', async () => {
  await runPlan(planTask('x', nothing), lake.process());
  await runPlan(planTask('x', { ...nothing, requestToken: 'again' }), lake.process());
  const restored = await runPlan(planTask('x', nothing), lake.process());
  expect(restored.batch).toMatchObject({ run: 1, reason: 'NoInput' });
});

test('an edited failed batch is a new run without a new token', async () => {
  await runPlan(planTask('x', nothing), lake.process());
  const edited = await runPlan(planTask('x', { ...twoShards, requestDigest: 'edited' }), lake.process());
  expect(edited).toMatchObject({ run: 2, plan: { shards: 2 } });
  expect(edited.batch).toBeUndefined();
});

test('a run that is under way is joined by its twin', async () => {
  const first = await runPlan(planTask('x', twoShards), lake.process());
  const second = await runPlan(planTask('x', twoShards), lake.process());
  expect(second).toEqual(first);
});

test('a run that is under way for another request is ended, and its own request is told so', async () => {
  await runPlan(planTask('x', twoShards), lake.process());
  const newer = await runPlan(planTask('x', { ...twoShards, requestDigest: 'other' }), lake.process());
  expect(newer.run).toBe(2);
  const older = await runPlan(planTask('x', twoShards), lake.process());
  expect(older.batch).toMatchObject({ run: 1, outcome: 'Failed', reason: 'Superseded' });
});

test('a request that slept does not follow on a later one that was aborted', async () => {
  const later = { token: '', digest: 'later', order: '2026-01-01T00:00:00Z/000000002' };
  const abort = { reason: 'Aborted', message: 'as asked' };
  await runFinish(finishTask('x', { request: later, abort }), lake.process());
  const slept = await runPlan(planTask('x', { requestOrder: '2026-01-01T00:00:00Z/000000001' }), lake.process());
  expect(slept.batch).toMatchObject({ run: 1, outcome: 'Failed', reason: 'Superseded', records: { read: 0 } });
  expect(await lake.ids()).toEqual([]);
});

test('a request that slept does not end a later one that is under way', async () => {
  const order = '2026-01-01T00:00:00Z/000000002';
  await runPlan(planTask('x', { ...twoShards, requestDigest: 'later', requestOrder: order }), lake.process());
  const slept = await runPlan(planTask('x', { requestOrder: '2026-01-01T00:00:00Z/000000001' }), lake.process());
  expect(slept.batch).toMatchObject({ run: 1, outcome: 'Failed', reason: 'Superseded' });
  await commitTwoShards('x');
  expect(await lake.ids()).toEqual(['a.jsonl', 'b.jsonl']);
});

test('external ids and resource names do not meet', async () => {
  await runPlan(planTask('x', nothing), lake.process());
  const external = await runPlan(
    planTask('x', { ...nothing, batch: { kind: 'external', id: 'default/x' } }),
    lake.process(),
  );
  expect(external.run).toBe(1);
});

test('plans made at once by twins are one plan', async () => {
  const plans = await Promise.all(Array.from({ length: 8 }, () => runPlan(planTask('x', twoShards), lake.process())));
  expect(new Set(plans.map((plan) => plan.plan.digest)).size).toBe(1);
});

test('a run waits for its shards', async () => {
  await runPlan(planTask('x', twoShards), lake.process());
  await expect(runFinish(finishTask('x'), lake.process())).rejects.toMatchObject({
    code: 'ReceiptsMissing',
    exitCode: 10,
  });
});

test('a run that nobody planned cannot be finished', async () => {
  await expect(runFinish(finishTask('x'), lake.process())).rejects.toMatchObject({ code: 'RunUndecided' });
});

test('a run whose Job failed is ended, and counted as failed', async () => {
  await runPlan(planTask('x', twoShards), lake.process());
  const abort = { reason: 'JobFailed', message: 'OOMKilled' };
  const { batch, table } = await runFinish(finishTask('x', { abort }), lake.process());
  expect(batch).toMatchObject({ outcome: 'Failed', reason: 'JobFailed', message: 'OOMKilled' });
  expect(table?.batches.failed).toBe(1);
});

test('a run that is stopped as asked is no failure', async () => {
  await runPlan(planTask('x', twoShards), lake.process());
  const abort = { reason: 'Aborted', message: 'desiredState' };
  const { batch, table } = await runFinish(finishTask('x', { abort }), lake.process());
  expect(batch.outcome).toBe('Aborted');
  expect(table?.batches).toEqual({ succeeded: 0, failed: 0 });
});

test('a request that is aborted before it was planned starts no run later', async () => {
  const abort = { reason: 'JobFailed', message: 'OOMKilled' };
  const asked = { token: '', digest: 'digest' };
  const { batch } = await runFinish(finishTask('x', { abort, request: asked }), lake.process());
  expect(batch).toMatchObject({ run: 1, reason: 'JobFailed' });
  const late = await runPlan(planTask('x', twoShards), lake.process());
  expect(late.batch).toMatchObject({ run: 1, reason: 'JobFailed' });
});

test('to abort a request whose number is not known ends its run, not an earlier one', async () => {
  await runPlan(planTask('x', nothing), lake.process());
  const abort = { reason: 'JobFailed', message: 'OOMKilled' };
  const { batch } = await runFinish(
    finishTask('x', { run: 1, abort, request: { token: 'again', digest: 'digest' } }),
    lake.process(),
  );
  expect(batch).toMatchObject({ run: 2, reason: 'JobFailed' });
});

test('a committed batch reports its outcome when it is asked again, with any token', async () => {
  await runPlan(planTask('x', twoShards), lake.process());
  await commitTwoShards('x');
  const again = await runPlan(planTask('x', { ...twoShards, requestToken: 'again' }), lake.process());
  expect(again.batch).toMatchObject({ run: 1, outcome: 'Committed' });
  expect(await lake.ids()).toEqual(['a.jsonl', 'b.jsonl']);
});

test('a committed batch refuses another request', async () => {
  await runPlan(planTask('x', twoShards), lake.process());
  await commitTwoShards('x');
  const other = await runPlan(planTask('x', { ...twoShards, requestDigest: 'other' }), lake.process());
  expect(other.batch).toMatchObject({ outcome: 'Failed', reason: 'AlreadyCommitted' });
  expect(await lake.ids()).toEqual(['a.jsonl', 'b.jsonl']);
});

test('to abort what is committed changes nothing', async () => {
  await runPlan(planTask('x', twoShards), lake.process());
  await commitTwoShards('x');
  const abort = { reason: 'Aborted', message: 'too late' };
  const { batch } = await runFinish(finishTask('x', { abort }), lake.process());
  expect(batch.outcome).toBe('Committed');
});
