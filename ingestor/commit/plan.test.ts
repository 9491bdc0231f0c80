import { randomBytes } from 'node:crypto';
import { gzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { finishTask, Lake, planTask, shardTask } from '../../test/support/lake-in-memory.ts';
import type { BatchRequest, ReadSettings } from '../contract/task.ts';
import { runFinish } from '../tasks/finish.ts';
import { runPlan } from '../tasks/plan.ts';
import { runShard } from '../tasks/shard.ts';
import type { Plan } from './documents.ts';
import { batchDigest, planKey } from './names.ts';
import { inputsOf, type Piece, packShards } from './plan.ts';
import { requirePlan } from './runs.ts';
import { openLake } from './testing.ts';

function files(...sizes: number[]): Piece[] {
  return sizes.map((bytes, n) => ({ input: { key: `${n}`, name: `${n}`, size: bytes, etag: '' }, bytes }));
}

function sizes(shards: Piece[][]): number[][] {
  return shards.map((shard) => shard.map(({ bytes }) => bytes));
}

test.for([
  [[], []],
  [[0], [[0]]],
  [
    [4, 4, 4],
    [[4, 4], [4]],
  ],
  [
    [20, 1],
    [[20], [1]],
  ],
  [
    [1, 20],
    [[1], [20]],
  ],
  [[5, 5, 0, 0], [[5, 5, 0, 0]]],
] as [number[], number[][]][])('files of %j bytes go to shards %j of ten', ([input, shards]) => {
  expect(sizes(packShards(files(...input), 10))).toEqual(shards);
});

test('when shards would be too many, they are made larger', () => {
  const shards = packShards(files(...Array.from({ length: 5_000 }, () => 10)), 10, 1_000);
  expect(shards.length).toBeLessThanOrEqual(1_000);
  expect(shards.flat().length).toBe(5_000);
});

test('a plan of many files keeps the list of each shard in an object of its own', async () => {
  const lake = new Lake();
  await lake.prepare();
  for (let n = 0; n < 1_001; n += 1) await lake.bucket('source').put(`${n}.jsonl`, '{"id":"1"}\n');
  const { plan, files: input } = await runPlan(planTask('x', { shardBytes: 6_000 }), lake.process());
  expect(plan.shards).toBeGreaterThan(1);
  expect(input).toBe(1_001);
  const parts = [...lake.bucket('lake').objects.keys()].filter((key) => key.includes('/parts/'));
  expect(parts.length).toBe(plan.shards);
});

test('a list that is gone is damage, unless the run ended while its reader slept', async () => {
  const lake = new Lake();
  await lake.prepare();
  for (let n = 0; n < 1_001; n += 1) await lake.bucket('source').put(`${n}.jsonl`, '{"id":"1"}\n');
  await runPlan(planTask('x', { shardBytes: 6_000 }), lake.process());
  const { dataset, waiting } = await openLake(lake);
  const plan = await requirePlan(dataset, planTask('x').request.batch, 1, waiting);
  await dataset.store.delete([...lake.bucket('lake').objects.keys()].filter((key) => key.includes('/parts/')));
  await expect(inputsOf(dataset, plan, 0, waiting)).rejects.toMatchObject({ code: 'DamagedDocument' });
  await runFinish(finishTask('x', { abort: { reason: 'Aborted', message: 'as asked' } }), lake.process());
  await expect(inputsOf(dataset, plan, 0, waiting)).rejects.toMatchObject({ code: 'StoreUnavailable' });
});

describe('large files', () => {
  const rows = 60_000;
  const lines = Array.from({ length: rows }, (_, n) => `{"id":"${n}","n":${n}}\n`)
    .join('')
    .padEnd(2 ** 20, '\n');
  const csv = `id,n\n${Array.from({ length: rows }, (_, n) => `"${n}\n",${n}\n`).join('')}`;
  const csvOptions = {
    delimiter: ',',
    quote: '"',
    escape: '"',
    header: true,
    charset: 'UTF-8',
    skipLines: 0,
    comment: '',
  } as const;
  const mebibyte = 2 ** 20;

  async function ingest(body: Uint8Array | string, change: Partial<BatchRequest> = {}) {
    const lake = new Lake();
    await lake.prepare();
    for (const name of ['a', 'b']) await lake.bucket('source').put(name, `{"id":"${name}"}\n`);
    await lake.bucket('source').put('large', body);
    const task = planTask('x', { shardBytes: mebibyte, maxFailed: '100%', ...change });
    const planned = await runPlan(task, lake.process());
    const { shards, bytes }: Plan = JSON.parse(lake.text(planKey(batchDigest(task.request.batch), 1)));
    expect(bytes).toBe(body.length + 22);
    if (planned.batch !== undefined) return { inputs: [], batch: planned.batch };
    for (const index of shards.keys()) await runShard(shardTask('x', index, task.request.input), lake.process());
    const { batch } = await runFinish(finishTask('x'), lake.process());
    return { inputs: shards.flatMap(({ inputs = [] }) => inputs), batch };
  }

  test('of JSON lines are cut, and packed with the others', async () => {
    const { inputs, batch } = await ingest(lines.repeat(3));
    const ranges = inputs.flatMap(({ key, range }) => (key === 'large' && range ? [[range.start, range.end]] : []));
    expect(ranges.length).toBeGreaterThan(2);
    expect(ranges.map(([, end]) => end).slice(0, -1)).toEqual(ranges.map(([start]) => start).slice(1));
    expect([ranges[0]?.[0], ranges.at(-1)?.[1]]).toEqual([0, lines.length * 3]);
    expect(batch).toMatchObject({ files: { input: 3 }, records: { ingested: rows * 3 + 2 } });
  });

  test('of CSV are cut where records begin', async () => {
    const read: ReadSettings = {
      format: { type: 'CSV', csv: csvOptions },
      compression: 'Auto',
      mapping: [],
      maxRecordBytes: 2 ** 20,
    };
    const { inputs, batch } = await ingest(csv.repeat(1).concat(csv.slice(5).repeat(2)), { read });
    expect(inputs.filter(({ range }) => range !== undefined).length).toBeGreaterThan(1);
    expect(batch?.records.ingested).toBe(rows * 3);
  });

  test('that are compressed are read whole', async () => {
    const { inputs } = await ingest(gzipSync(randomBytes(2 * mebibyte)));
    expect(inputs.filter(({ key }) => key === 'large')).toMatchObject([{ key: 'large' }]);
    expect(inputs.some(({ range }) => range !== undefined)).toBe(false);
  });

  test('not so large as a shard are read whole', async () => {
    const { inputs } = await ingest(lines.repeat(3), { shardBytes: 4 * lines.length });
    expect(inputs).toEqual([]);
  });
});

test('a batch that only checks adds nothing, and says so', async () => {
  const lake = new Lake();
  await lake.prepare();
  await lake.bucket('source').put('a.jsonl', '{"id":"a"}\n');
  const { batch } = await runPlan(planTask('x', { validateOnly: true }), lake.process());
  expect(batch).toMatchObject({ outcome: 'Aborted', reason: 'Validated', records: { read: 1, skipped: 1 } });
  expect(await lake.ids()).toEqual([]);
});
