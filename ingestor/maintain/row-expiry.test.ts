import { beforeEach, expect, test } from 'vitest';
import { Lake, planTask } from '../../test/support/lake-in-memory.ts';
import { landRun } from '../commit/land.ts';
import { batchDigest, compactionBatch, rowExpiryBatch } from '../commit/names.ts';
import { readDecision, requirePlan } from '../commit/runs.ts';
import { idsOf, openLake, tableOf } from '../commit/testing.ts';
import { silentLog } from '../contract/environment.ts';
import type { PartitionField } from '../contract/task.ts';
import { loadState } from '../table/commit.ts';
import { runPlan } from '../tasks/plan.ts';
import { standingOf } from './internal-run.ts';
import { defaultLimits } from './maintenance.ts';
import { expireRows } from './row-expiry.ts';
import { day, maintain, minute, retention } from './testing.ts';

const schema = JSON.stringify({
  $schema: 'https://json-schema.org/draft/2020-12/schema',
  type: 'object',
  properties: { _id: { type: 'string' }, id: { type: 'string' }, timestamp: { type: 'string', format: 'date-time' } },
});

const tenDays = { retention: { ...retention, rowDays: 10 } };

let lake: Lake;

beforeEach(async () => {
  lake = await newTimeSeries();
});

async function newTimeSeries(partitionBy: PartitionField[] = []): Promise<Lake> {
  const made = new Lake();
  const table = { format: 'Iceberg', compression: 'Zstd', targetFileSizeBytes: 2 ** 28, partitionBy } as const;
  await made.prepare({ schema, behavior: 'TimeSeries', table });
  return made;
}

/** A batch with a row for each age in days. */
async function ingest(name: string, ...ages: number[]): Promise<void> {
  const rows = ages.map((age) => {
    const timestamp = new Date(lake.clock.now() - age * day).toISOString();
    return `${JSON.stringify({ _id: `${name}-${age}`, id: `${name}-${age}`, timestamp })}\n`;
  });
  const { batch } = await runPlan(planTask(name, { input: { inline: { data: rows.join('') } } }), lake.process());
  expect(batch?.outcome).toBe('Committed');
}

test('a file leaves the table when its newest row is past retention', async () => {
  await ingest('old', 11, 12);
  await ingest('mixed', 9, 12);
  const { did, table } = await maintain(lake, tenDays);
  expect(did).toMatchObject({ expiredFiles: 1 });
  expect(table).toMatchObject({ records: 2, ingested: 4, batches: { succeeded: 2, failed: 0 } });
  expect(await idsOf(lake)).toEqual(['mixed-12', 'mixed-9']);
  lake.clock.advance(day + minute);
  expect((await maintain(lake, tenDays)).did).toMatchObject({ expiredFiles: 1 });
  expect(await idsOf(lake)).toEqual([]);
});

test('rows are kept for ever unless told otherwise', async () => {
  await ingest('old', 10_000);
  expect((await maintain(lake)).did).toMatchObject({ expiredFiles: 0 });
  expect(await idsOf(lake)).toHaveLength(1);
});

test('with partitions by day the old days leave and the others stay', async () => {
  lake = await newTimeSeries([{ field: 'timestamp', transform: 'Day' }]);
  await ingest('x', 1, 5, 11, 12, 13);
  expect((await maintain(lake, tenDays)).did).toMatchObject({ expiredFiles: 3 });
  expect(await idsOf(lake)).toEqual(['x-1', 'x-5']);
});

test('so many files leave in one commit as the limit allows', async () => {
  for (const name of ['a', 'b', 'c', 'd']) await ingest(name, 20);
  const { did } = await maintain(lake, { ...tenDays, limits: { expiredFiles: 1 } });
  expect(did).toMatchObject({ expiredFiles: 3 });
  expect(await idsOf(lake)).toHaveLength(1);
});

test('in a table of format Parquet no rows expire', async () => {
  lake = new Lake();
  const table = { format: 'Parquet', compression: 'Zstd', targetFileSizeBytes: 2 ** 28 } as const;
  await lake.prepare({ schema, behavior: 'TimeSeries', table });
  await ingest('old', 100);
  expect((await maintain(lake, tenDays)).did).toMatchObject({ expiredFiles: 0 });
  expect(await idsOf(lake)).toHaveLength(1);
});

test('an expiry that was left in the middle is gone on with', async () => {
  await ingest('old', 11);
  const dying = lake.process((_call, method, key) =>
    method === 'putIfAbsent' && key.endsWith('/decision.json') ? 'crash before' : undefined,
  );
  await expect(maintain(lake, tenDays, dying)).rejects.toThrow('crash');
  expect(await idsOf(lake)).toEqual(['old-11']);
  expect((await maintain(lake, tenDays)).did).toMatchObject({ expiredFiles: 1 });
  expect(await idsOf(lake)).toEqual([]);
});

test('one that was left in the middle is dropped when rows are kept longer now', async () => {
  await ingest('old', 11);
  const dying = lake.process((_call, method, key) =>
    method === 'putIfAbsent' && key.endsWith('/decision.json') ? 'crash before' : undefined,
  );
  await expect(maintain(lake, tenDays, dying)).rejects.toThrow('crash');
  const twentyDays = { retention: { ...retention, rowDays: 20 } };
  expect((await maintain(lake, twentyDays)).did).toMatchObject({ expiredFiles: 0 });
  expect(await idsOf(lake)).toEqual(['old-11']);
  const { totals } = await tableOf(lake);
  expect(totals.batches).toEqual({ succeeded: 1, failed: 0 });
});

test('a twin that comes between finds the same outcome', async () => {
  await ingest('old', 11);
  let twins = 0;
  const racing = lake.process(async (_call, method, key) => {
    if (method === 'putIfAbsent' && key.includes('/metadata/v') && twins === 0) {
      twins += 1;
      await maintain(lake, tenDays);
    }
    return undefined;
  });
  await maintain(lake, tenDays, racing);
  expect(twins).toBe(1);
  expect(await idsOf(lake)).toEqual([]);
  const { dataset, waiting } = await openLake(lake);
  expect(await standingOf(dataset, rowExpiryBatch, waiting)).toEqual({ next: 2 });
});

test('rows of different days are not compacted into one file', async () => {
  for (const name of ['a', 'b', 'c', 'd', 'e']) await ingest(name, 1);
  for (const name of ['f', 'g', 'h', 'i', 'j']) await ingest(name, 5);
  expect((await maintain(lake, tenDays)).did).toMatchObject({ compactedFiles: 10, compactedInto: 2 });
  lake.clock.advance(6 * day);
  expect((await maintain(lake, tenDays)).did).toMatchObject({ expiredFiles: 1 });
  expect(await idsOf(lake)).toHaveLength(5);
});

test('files whose rows leave within a day are not compacted any more', async () => {
  for (const name of ['a', 'b', 'c', 'd', 'e']) await ingest(name, 9.5);
  expect((await maintain(lake, tenDays)).did).toMatchObject({ compactedFiles: 0, expiredFiles: 0 });
});

test('compacted files stay in their partition, and leave with it', async () => {
  lake = await newTimeSeries([{ field: 'timestamp', transform: 'Day' }]);
  for (const name of ['a', 'b', 'c', 'd', 'e']) await ingest(name, 1, 5);
  expect((await maintain(lake, tenDays)).did).toMatchObject({ compactedFiles: 10, compactedInto: 2 });
  const { files } = await tableOf(lake);
  const today = Math.floor(lake.clock.now() / day);
  expect(files.map(({ partition, rows }) => [...(partition ?? []), rows]).sort()).toEqual([
    [today - 5, 5],
    [today - 1, 5],
  ]);
  lake.clock.advance(6 * day);
  expect((await maintain(lake, tenDays)).did).toMatchObject({ expiredFiles: 1 });
  expect(await idsOf(lake)).toEqual(['a-1', 'b-1', 'c-1', 'd-1', 'e-1']);
});

test('rows that expired while they were compacted do not come back', async () => {
  for (const name of ['a', 'b', 'c', 'd', 'e']) await ingest(name, 5);
  const dying = lake.process((_call, method, key) =>
    method === 'get' && key.endsWith('/committed.json') && key.includes(batchDigest(compactionBatch))
      ? 'crash before'
      : undefined,
  );
  await expect(maintain(lake, tenDays, dying)).rejects.toThrow('crash');
  const { dataset, waiting } = await openLake(lake);
  const plan = await requirePlan(dataset, compactionBatch, 1, waiting);
  const decision = await readDecision(dataset, batchDigest(compactionBatch), 1, waiting);
  if (decision === undefined) throw new Error('the compaction was not decided');
  lake.clock.advance(6 * day);
  await expireOne();
  const landing = await landRun(dataset, plan, decision, waiting);
  expect(landing).toMatchObject({ outcome: 'Failed' });
  expect(await idsOf(lake)).toHaveLength(2);
});

/** By a maintain that does nothing else. */
async function expireOne(): Promise<void> {
  const { dataset, waiting } = await openLake(lake);
  const state = await loadState(dataset.table);
  await expireRows.do({
    dataset,
    retention: tenDays.retention,
    limits: { ...defaultLimits, expiredFiles: 1 },
    began: { time: lake.clock.now(), state },
    waiting,
    log: silentLog,
    progress: () => {},
  });
}
