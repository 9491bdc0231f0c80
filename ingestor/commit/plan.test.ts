import { expect, test } from 'vitest';
import { Lake, planTask } from '../../test/support/lake-in-memory.ts';
import { runPlan } from '../tasks/plan.ts';
import { type Piece, packShards } from './plan.ts';

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
