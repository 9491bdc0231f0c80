import { gzipSync } from 'node:zlib';
import { beforeEach, expect, test } from 'vitest';
import { filesInput, finishTask, Lake, planTask, records, shardTask } from '../../test/support/lake-in-memory.ts';
import type { Receipt } from '../commit/documents.ts';
import type { BatchRequest } from '../contract/task.ts';
import { runFinish } from './finish.ts';
import { runPlan } from './plan.ts';
import { runShard } from './shard.ts';

const connection: Partial<BatchRequest> = { ledger: { source: 'source' }, maxFailed: '100%' };
const truncated = gzipSync(records('bad', 1_000)).subarray(0, 2_000);

let lake: Lake;

beforeEach(async () => {
  lake = new Lake();
  await lake.prepare();
});

async function putFiles(files: Record<string, string | Uint8Array>): Promise<void> {
  for (const [key, body] of Object.entries(files)) await lake.bucket('source').put(key, body);
}

async function run(id: string, change: Partial<BatchRequest> = {}) {
  return (await runPlan(planTask(id, change), lake.process())).batch;
}

function filesOfRun(folder: string): string[] {
  return [...lake.bucket('lake').objects.keys()].filter((key) => key.includes(folder));
}

test('an empty file is a batch of no records', async () => {
  await putFiles({ 'a.jsonl': '' });
  expect(await run('x')).toMatchObject({
    outcome: 'Committed',
    records: { read: 0 },
    files: { input: 1, skipped: 0, failed: 0, output: 0 },
  });
});

test('a file that cannot be read fails the batch, and leaves nothing in the table folder', async () => {
  await putFiles({ 'a.jsonl': records('a', 5), 'b.jsonl.gz': truncated });
  const batch = await run('x');
  expect(batch).toMatchObject({ outcome: 'Failed', reason: 'UnreadableFile', records: { ingested: 0 } });
  expect(batch?.message).toContain('b.jsonl.gz');
  expect(filesOfRun('/data/')).toEqual([]);
});

test('a connection sets files aside that cannot be read, and takes the others', async () => {
  await putFiles({ a: records('a', 2), b: truncated, c: records('c', 1), d: truncated, e: records('e', 1) });
  const batch = await run('x', connection);
  expect(batch).toMatchObject({
    outcome: 'Committed',
    records: { read: 4, ingested: 4, failed: 0 },
    files: { input: 5, skipped: 0, failed: 2, output: 1 },
  });
  expect(batch?.errors).toMatchObject([{ code: 'UnreadableFile', count: 2, sample: { file: 'b' } }]);
  expect(await lake.ids()).toEqual(['a-0', 'a-1', 'c-0', 'e-0']);
  expect(filesOfRun('/data/')).toHaveLength(1);
});

test('a file that was set aside is not tried again by the next run', async () => {
  await putFiles({ a: truncated });
  await run('x', connection);
  expect(await run('y', connection)).toMatchObject({ files: { input: 1, skipped: 1 } });
});

test('a connection that lets no record fail stops at a file that cannot be read', async () => {
  await putFiles({ a: truncated });
  expect(await run('x', { ...connection, maxFailed: 0 })).toMatchObject({ reason: 'UnreadableFile' });
});

/** Planned as two shards, then one of the files is changed. */
async function changeAfterPlan(change: Partial<BatchRequest>) {
  await putFiles({ a: records('a', 1), b: records('b', 1) });
  await runPlan(planTask('x', { ...change, shardBytes: 1 }), lake.process());
  await putFiles({ b: records('changed', 2) });
  for (const index of [0, 1]) await runShard(shardTask('x', index), lake.process());
  return (await runFinish(finishTask('x'), lake.process())).batch;
}

test('a file that changed after the plan fails the batch', async () => {
  expect(await changeAfterPlan({})).toMatchObject({
    outcome: 'Failed',
    reason: 'FileChanged',
    records: { read: 1, ingested: 0, skipped: 1 },
  });
});

test('a file that changed is left out by a connection, which takes it with the next run', async () => {
  expect(await changeAfterPlan(connection)).toMatchObject({
    outcome: 'Committed',
    records: { read: 1, ingested: 1 },
    files: { input: 2, skipped: 1, failed: 0, output: 1 },
  });
  expect(await run('y', connection)).toMatchObject({ records: { ingested: 2 }, files: { input: 2, skipped: 1 } });
  expect(await lake.ids()).toEqual(['a-0', 'changed-0', 'changed-1']);
});

test('inline data that are not those of the plan are not read', async () => {
  const task = planTask('x', { input: { inline: { data: records('a', 1) } } });
  await expect(runPlan(task, lake.process(dieBeforeReceipt))).rejects.toThrow('crash');
  await runShard(shardTask('x', 0, { inline: { data: records('other', 1) } }), lake.process());
  const { batch } = await runFinish(finishTask('x'), lake.process());
  expect(batch).toMatchObject({ outcome: 'Failed', reason: 'FileChanged' });
});

function dieBeforeReceipt(_call: number, method: string, key: string) {
  return key.includes('/shards/') && method === 'putIfAbsent' ? 'crash before' : undefined;
}

test('a mapping to a field that is not there fails the batch', async () => {
  await putFiles({ a: records('a', 1) });
  const read = { ...planTask('x').request.read, mapping: [{ source: 'id', destination: 'nowhere' }] };
  expect(await run('x', { read })).toMatchObject({ outcome: 'Failed', reason: 'InvalidMapping' });
});

test('the schema of the plan holds, whatever the table says by then', async () => {
  await putFiles({ a: '{"id":"1","new":"x"}\n', b: '{"id":"2","new":"x"}\n' });
  await runPlan(planTask('x', { shardBytes: 1 }), lake.process());
  const { schema } = await lake.prepare({
    schema: JSON.stringify({
      type: 'object',
      properties: { id: { type: 'string' }, n: { type: 'integer' }, new: { type: 'string' } },
      required: ['id'],
    }),
  });
  expect(schema.fields).toBe(3);
  for (const index of [0, 1]) await runShard(shardTask('x', index), lake.process());
  await runFinish(finishTask('x'), lake.process());
  expect((await lake.rows()).every((row) => !('new' in row))).toBe(true);
});

test('of twins that read one shard, one receipt counts and the files of the other go', async () => {
  await putFiles({ a: records('a', 3), b: '' });
  await runPlan(planTask('x', { shardBytes: 1, input: filesInput() }), lake.process());
  const twins = Array.from({ length: 4 }, () => runShard(shardTask('x', 0), lake.process()));
  const results = await Promise.all(twins);
  expect(new Set(results.map((result) => JSON.stringify(result))).size).toBe(1);
  await runShard(shardTask('x', 1), lake.process());
  await runFinish(finishTask('x'), lake.process());
  expect(await lake.ids()).toEqual(['a-0', 'a-1', 'a-2']);
  expect(filesOfRun('/data/')).toHaveLength(1);
});

test('rejected records are kept, and the report says where', async () => {
  await putFiles({ a: `${records('a', 1)}{"id":7}\nno json\n` });
  const batch = await run('x', { maxFailed: 2 });
  expect(batch).toMatchObject({ records: { read: 3, ingested: 1, failed: 2 } });
  expect(batch?.diagnostics).toMatch(/^memory:\/\/lake\/ingest\/batches\/[0-9a-f]{32}\/1\/rejects\/$/);
  expect(filesOfRun('/rejects/')).toHaveLength(1);
});

function receiptsOf(): Receipt[] {
  const keys = filesOfRun('/shards/').sort();
  return keys.map((key) => JSON.parse(Buffer.from(lake.bucket('lake').objects.get(key)?.body ?? '').toString()));
}

test('a batch that is only to be looked at counts and keeps rejects, and writes no data file', async () => {
  await putFiles({ a: `${records('a', 2)}no json\n` });
  const batch = await run('x', { validateOnly: true, maxFailed: 1 });
  expect(batch).toMatchObject({ outcome: 'Aborted', reason: 'Validated', records: { read: 3, failed: 1, skipped: 2 } });
  expect(filesOfRun('/data/')).toEqual([]);
  expect(filesOfRun('/rejects/')).toHaveLength(1);
  expect(receiptsOf()).toMatchObject([{ dataFiles: [], bytes: { output: 0 }, rejectFile: { rows: 1 } }]);
});

test('the parts of a cut file say in their receipts from where to where they were read', async () => {
  const padding = 'x'.repeat(10_000);
  const text = Array.from({ length: 400 }, (_, index) => `{"id":"a-${index}","padding":"${padding}"}\n`).join('');
  await putFiles({ 'a.jsonl': text });
  const { batch, plan } = await runPlan(planTask('x', { shardBytes: 1_000_000 }), lake.process());
  expect(batch).toBeUndefined();
  for (let index = 0; index < (plan?.shards ?? 0); index += 1) await runShard(shardTask('x', index), lake.process());
  const ranges = receiptsOf()
    .flatMap(({ inputs }) => inputs.map(({ range }) => range))
    .sort((a, b) => (a?.start ?? 0) - (b?.start ?? 0));
  expect(ranges.length).toBeGreaterThan(2);
  expect(ranges.map((range) => range?.from)).toEqual([0, ...ranges.slice(0, -1).map((range) => range?.to)]);
  expect(ranges.at(-1)).toMatchObject({ end: text.length, to: text.length });
  const finished = await runFinish(finishTask('x'), lake.process());
  expect(finished.batch).toMatchObject({ records: { read: 400, ingested: 400 } });
  expect(new Set(await lake.ids()).size).toBe(400);
});

test('receipts name the files that were left out', async () => {
  await changeAfterPlan(connection);
  expect(receiptsOf().flatMap(({ leftOut = [] }) => leftOut)).toEqual([{ name: 'b', reason: 'FileChanged' }]);
});

test('records that were refused are read again by a batch that takes them for input', async () => {
  await putFiles({ a: `${records('a', 1)}{"id":7}\n`, b: '{"id":8}\n' });
  await run('x', { maxFailed: 2 });
  const again = await run('y', {
    input: { rejects: { batch: planTask('x').request.batch } },
    read: { ...planTask('y').request.read, mapping: [] },
    maxFailed: 2,
  });
  expect(again).toMatchObject({ outcome: 'Committed', records: { read: 2, ingested: 0, failed: 2 } });
  expect(again?.errors).toMatchObject([{ code: 'WrongType', count: 2, sample: { file: 'a', record: 2 } }]);
});
