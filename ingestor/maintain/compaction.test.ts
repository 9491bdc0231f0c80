import { beforeEach, expect, test } from 'vitest';
import { filesInput, finishTask, Lake, planTask, records, target } from '../../test/support/lake-in-memory.ts';
import type { MaintainTask, Retention } from '../contract/task.ts';
import type { Environment } from '../tasks/environment.ts';
import { runFinish } from '../tasks/finish.ts';
import { runMaintain } from '../tasks/maintain.ts';
import { runPlan } from '../tasks/plan.ts';

const minute = 60_000;
const day = 24 * 60 * minute;
const retention: Retention = { snapshotDays: 7, revertDays: 0, diagnosticsDays: 30 };

let lake: Lake;

beforeEach(async () => {
  lake = new Lake();
  await lake.prepare();
});

async function maintain(change: Partial<MaintainTask> = {}, environment: Environment = lake.process()) {
  return await runMaintain({ version: 1, verb: 'maintain', dataset: target, retention, ...change }, environment);
}

/** Batches of one file with two rows each. */
async function ingest(...names: string[]): Promise<void> {
  for (const name of names) {
    const { batch } = await runPlan(planTask(name, { input: { inline: { data: records(name, 2) } } }), lake.process());
    expect(batch?.outcome).toBe('Committed');
  }
}

const six = ['a', 'b', 'c', 'd', 'e', 'f'];

function idsOf(names: readonly string[]): string[] {
  return names.flatMap((name) => [`${name}-0`, `${name}-1`]).sort();
}

function dataObjects(): string[] {
  return [...lake.bucket('lake').objects.keys()].filter((key) => key.includes('/data/')).sort();
}

test('small files of batches become one, and the rows and counts are what they were', async () => {
  await ingest(...six);
  const before = lake.table.totals;
  const { did, table } = await maintain();
  expect(did).toMatchObject({ compactedFiles: 6, compactedInto: 1, unreadableFiles: 0 });
  expect(await lake.ids()).toEqual(idsOf(six));
  expect(lake.table.files).toHaveLength(1);
  const { files, sizeBytes, ...counts } = before;
  expect(lake.table.totals).toMatchObject(counts);
  expect(table).toMatchObject({ files: 1, records: 12, ingested: 12, batches: { succeeded: 6, failed: 0 } });
});

test('nothing is left to do for the next one', async () => {
  await ingest(...six);
  await maintain();
  const { sequence } = lake.table;
  expect((await maintain()).did).toMatchObject({ compactedFiles: 0 });
  expect(lake.table.sequence).toBe(sequence);
});

test('files of batches that can still be reverted stay as they are', async () => {
  await ingest(...six);
  const days = { retention: { ...retention, revertDays: 30 } };
  lake.clock.advance(29 * day);
  expect((await maintain(days)).did).toMatchObject({ compactedFiles: 0 });
  lake.clock.advance(day + minute);
  expect((await maintain(days)).did).toMatchObject({ compactedFiles: 6 });
});

test('a compaction is compacted again once there is more', async () => {
  await ingest(...six);
  await maintain();
  const more = ['g', 'h', 'i', 'j', 'k'];
  await ingest(...more);
  expect((await maintain()).did).toMatchObject({ compactedFiles: 6, compactedInto: 1 });
  expect(await lake.ids()).toEqual(idsOf([...six, ...more]));
});

test('bytes and files of one compaction are bounded, and so are compactions', async () => {
  await ingest(...six);
  const limits = { compactionFiles: 2, smallestCompaction: 2, compactions: 2 };
  expect((await maintain({ limits })).did).toMatchObject({ compactedFiles: 4, compactedInto: 2 });
  expect((await maintain({ limits: { compactionBytes: 1 } })).did).toMatchObject({ compactedFiles: 0 });
  expect(await lake.ids()).toEqual(idsOf(six));
});

test('a compaction that was left in the middle is gone on with', async () => {
  await ingest(...six);
  const dying = lake.process((_call, method, key) =>
    method === 'putIfAbsent' && key.includes('/shards/') ? 'crash before' : undefined,
  );
  await expect(maintain({}, dying)).rejects.toThrow('crash');
  expect((await maintain()).did).toMatchObject({ compactedFiles: 6, compactedInto: 1 });
  expect(await lake.ids()).toEqual(idsOf(six));
});

test('files of attempts that did not count go, and so do those that were compacted, once nobody reads them', async () => {
  await ingest(...six);
  const dying = lake.process((_call, method, key) =>
    method === 'putIfAbsent' && key.includes('/shards/') ? 'crash before' : undefined,
  );
  await expect(maintain({}, dying)).rejects.toThrow('crash');
  await maintain();
  expect(dataObjects()).toHaveLength(8);
  lake.clock.advance(day + minute);
  await maintain();
  expect(dataObjects()).toHaveLength(7);
  lake.clock.advance(61 * minute);
  await maintain();
  expect(dataObjects()).toEqual(lake.table.files.map(({ key }) => key));
});

test('a batch is not taken out of files that hold other rows too', async () => {
  await ingest(...six);
  await maintain();
  const abort = { reason: 'Aborted', message: 'not wanted' };
  const { batch } = await runFinish(finishTask('a', { abort, revert: true }), lake.process());
  expect(batch).toMatchObject({ outcome: 'Committed' });
  expect(await lake.ids()).toEqual(idsOf(six));
});

test('files that left the table while they were rewritten do not come back', async () => {
  await ingest(...six);
  const abort = { reason: 'Aborted', message: 'not wanted' };
  const racing = lake.process(async (_call, method, key) => {
    if (method === 'putIfAbsent' && key.endsWith('/decision.json')) {
      await runFinish(finishTask('a', { abort, revert: true }), lake.process());
    }
    return undefined;
  });
  await maintain({}, racing);
  expect(await lake.ids()).toEqual(idsOf(six.slice(1)));
  expect(lake.table.totals.records).toBe(10);
});

test('batches that are committed meanwhile are kept', async () => {
  await ingest(...six);
  let more = 0;
  const racing = lake.process(async (_call, method, key) => {
    if (method === 'putIfAbsent' && key.includes('/metadata/v') && more < 3) {
      more += 1;
      await ingest(`more-${more}`);
    }
    return undefined;
  });
  expect((await maintain({}, racing)).did).toMatchObject({ compactedFiles: 6 });
  expect(await lake.ids()).toEqual([...idsOf(six), ...idsOf(['more-1', 'more-2', 'more-3'])].sort());
});

test('a file that is gone from the bucket is told of, and its group stays as it is', async () => {
  await ingest(...six);
  const [lost = ''] = dataObjects();
  await lake.bucket('lake').delete([lost]);
  expect((await maintain()).did).toMatchObject({ compactedFiles: 0, unreadableFiles: 1 });
  expect(lake.table.files).toHaveLength(6);
});

test('a damaged file is told of, and its group stays as it is', async () => {
  await ingest(...six);
  const [damaged = ''] = dataObjects();
  const { size } = lake.bucket('lake').objects.get(damaged) ?? { size: 0 };
  await lake.bucket('lake').put(damaged, Buffer.alloc(size));
  const { did } = await maintain();
  expect(did.compactedFiles).toBe(0);
  expect(did.unreadableFiles).toBeGreaterThan(0);
  expect(lake.table.files).toHaveLength(6);
});

test('a file that another program brought is left alone', async () => {
  await ingest(...six.slice(0, 4));
  await lake.bucket('source').put('x', records('x', 1));
  await runPlan(planTask('x', { input: filesInput({ keys: ['x'] }) }), lake.process());
  expect((await maintain({ limits: { smallestCompaction: 6 } })).did).toMatchObject({ compactedFiles: 0 });
});
