import { beforeEach, expect, test } from 'vitest';
import { Lake } from '../../test/support/lake-in-memory.ts';
import type { Waiting } from '../contract/environment.ts';
import type { Dataset } from './dataset.ts';
import { decideRun } from './decision.ts';
import type { Decision, Plan, Receipt } from './documents.ts';
import { batchDigest } from './names.ts';
import { openLake, planOf, readingOf, receiptOf, saveRun } from './testing.ts';

let lake: Lake;
let dataset: Dataset;
let waiting: Waiting;

beforeEach(async () => {
  lake = new Lake();
  await lake.prepare();
  ({ dataset, waiting } = await openLake(lake));
});

async function decided(plan: Plan, receipts: readonly Receipt[]): Promise<Decision> {
  return await decideRun(dataset, await saveRun(lake, plan, receipts), undefined, waiting);
}

function shards(count: number): Pick<Plan, 'shards' | 'files'> {
  return {
    shards: Array.from({ length: count }, () => ({ files: 1, bytes: 100, inputs: [] })),
    files: { input: count, skipped: 0 },
  };
}

const counts = { read: 2, ingested: 2, failed: 0, skipped: 0, warnings: 0 };

test.for<[string, Partial<Receipt>, string]>([
  [
    'a file whose counts do not add up',
    { inputs: [{ name: 'a', bytes: 1, records: { ...counts, read: 3 } }] },
    'the counts of a do not add up',
  ],
  [
    'counts that are not the sum of the files',
    { inputs: [{ name: 'a', bytes: 1, records: { ...counts, read: 1, ingested: 1 } }] },
    'its counts are not the sum of its files',
  ],
  ['rows that were not written', { dataFiles: [] }, '0 rows written for 2 records'],
  [
    'rejects that were not kept',
    {
      records: { ...counts, read: 3, failed: 1 },
      inputs: [{ name: 'a', bytes: 1, records: { ...counts, read: 3, failed: 1 } }],
    },
    '0 rejects kept of 1',
  ],
  [
    'a file that nobody speaks of',
    { inputs: [], records: { ...counts, read: 0, ingested: 0 }, dataFiles: [] },
    '0 files accounted for, 1 planned',
  ],
])('%s: nothing is ingested', async ([, change, message]) => {
  const plan = planOf(dataset, 'x');
  const decision = await decided(plan, [receiptOf(plan, 0, change)]);
  expect(decision).toMatchObject({ outcome: 'Failed', reason: 'CountsDoNotAddUp', dataFiles: [] });
  expect(decision.message).toContain(message);
});

function part(start: number, end: number, from = start, to = end): Partial<Receipt> {
  return { inputs: [{ name: 'big.csv', bytes: 100, records: counts, range: { start, end, from, to } }] };
}

test('a cut file whose parts meet is one file', async () => {
  const plan = planOf(dataset, 'x', { ...shards(2), files: { input: 1, skipped: 0 } });
  const receipts = [receiptOf(plan, 0, part(0, 10, 0, 12)), receiptOf(plan, 1, part(10, 20, 12, 20))];
  expect(await decided(plan, receipts)).toMatchObject({
    outcome: 'Committed',
    records: { read: 4, ingested: 4 },
    files: { input: 1, skipped: 0, failed: 0, output: 2 },
  });
});

test('a cut file whose parts do not meet is not ingested, and the message names it', async () => {
  const plan = planOf(dataset, 'x', shards(2));
  const receipts = [receiptOf(plan, 0, part(0, 10)), receiptOf(plan, 1, part(10, 20, 12, 20))];
  const decision = await decided(plan, receipts);
  expect(decision).toMatchObject({ outcome: 'Failed', reason: 'CountsDoNotAddUp' });
  expect(decision.message).toContain('big.csv');
});

test('a changed file that lies in one shard is skipped', async () => {
  const plan = planOf(dataset, 'x', shards(2));
  const nothing = { records: { ...counts, read: 0, ingested: 0 }, inputs: [], dataFiles: [] };
  const leftOut = [{ name: 'a', reason: 'FileChanged' as const }];
  const skipping = receiptOf(plan, 0, { ...nothing, files: { failed: 0, skipped: 1 }, leftOut });
  expect(await decided(plan, [skipping, receiptOf(plan, 1)])).toMatchObject({
    outcome: 'Committed',
    files: { input: 2, skipped: 1, output: 1 },
  });
});

test('a cut file that cannot be read in one part ends the run', async () => {
  const plan = planOf(dataset, 'x', shards(2));
  const nothing = { records: { ...counts, read: 0, ingested: 0 }, inputs: [], dataFiles: [] };
  const leftOut = [{ name: 'big.csv', reason: 'UnreadableFile' as const, range: true }];
  const bad = receiptOf(plan, 1, { ...nothing, files: { failed: 1, skipped: 0 }, leftOut });
  const decision = await decided(plan, [receiptOf(plan, 0, part(0, 10)), bad]);
  expect(decision).toMatchObject({
    outcome: 'Failed',
    reason: 'UnreadableFile',
    dataFiles: [],
    records: { ingested: 0 },
  });
});

const validating = { reading: readingOf({ validateOnly: true, maxFailed: 1 }) };

function validated(plan: Plan, failed: number): Receipt {
  const records = { read: 5, ingested: 5 - failed, failed, skipped: 0, warnings: 0 };
  return receiptOf(plan, 0, { records, inputs: [{ name: 'a', bytes: 1, records }], dataFiles: [] });
}

test('a batch that is only to be checked ends as validated, with real counts', async () => {
  const plan = planOf(dataset, 'x', validating);
  expect(await decided(plan, [validated(plan, 1)])).toMatchObject({
    outcome: 'Aborted',
    reason: 'Validated',
    message: '4 of 5 records are good; nothing was ingested, as asked',
    records: { read: 5, ingested: 0, failed: 1, skipped: 4 },
    dataFiles: [],
  });
});

test('a batch that is only to be checked fails when too many records do', async () => {
  const plan = planOf(dataset, 'x', validating);
  expect(await decided(plan, [validated(plan, 2)])).toMatchObject({
    outcome: 'Failed',
    reason: 'TooManyFailed',
    records: { read: 5, ingested: 0, failed: 2, skipped: 3 },
  });
});

test('a batch that is only to be checked must not write rows', async () => {
  const plan = planOf(dataset, 'x', validating);
  expect(await decided(plan, [receiptOf(plan)])).toMatchObject({ outcome: 'Failed', reason: 'CountsDoNotAddUp' });
});

test('error classes of all shards are counted exactly', async () => {
  const plan = planOf(dataset, 'x', shards(40));
  const errors = Array.from({ length: 50 }, (_, n) => ({
    code: 'WrongType',
    path: `/${n}`,
    message: 'no',
    count: n + 1,
  }));
  const decision = await decided(
    plan,
    plan.shards.map((_, index) => receiptOf(plan, index, { errors })),
  );
  expect(decision.errors).toHaveLength(50);
  expect(decision.errors[0]).toMatchObject({ path: '/49', count: 40 * 50 });
});

test('a run that is to replace one without rows is refused', async () => {
  const plan = planOf(dataset, 'x', { replaces: [{ batch: '0'.repeat(32), id: 'old', run: 1 }] });
  expect(await decided(plan, [receiptOf(plan)])).toMatchObject({
    outcome: 'Failed',
    reason: 'NothingToReplace',
    message: 'old has no rows in the table',
  });
});

test('a decision takes out all files of the runs it replaces', async () => {
  const old = planOf(dataset, 'old', shards(2));
  await decided(old, [receiptOf(old, 0), receiptOf(old, 1)]);
  const plan = planOf(dataset, 'new', { replaces: [{ batch: batchDigest(old.batch), id: 'old', run: 1 }] });
  const decision = await decided(plan, [receiptOf(plan)]);
  expect(decision.outcome).toBe('Committed');
  expect(decision.removeFiles).toEqual(
    [receiptOf(old, 0), receiptOf(old, 1)].flatMap((it) => it.dataFiles.map(({ key }) => key)),
  );
});
