import { beforeEach, describe, expect, test } from 'vitest';
import { finishTask, type Lake, planTask, schema } from '../../test/support/lake-in-memory.ts';
import { formats, idsOf, newLake, tableOf } from '../commit/testing.ts';
import { runFinish } from '../tasks/finish.ts';
import { runPlan } from '../tasks/plan.ts';
import { dataObjects, day, ingest, maintain, minute, retention, rowsOf, six } from './testing.ts';

describe.each(formats)('a table of format %s', (format) => {
  let lake: Lake;

  beforeEach(async () => {
    lake = await newLake(format);
  });

  test('small files of batches become one, and the rows and counts are what they were', async () => {
    await ingest(lake, ...six);
    const before = (await tableOf(lake)).totals;
    const { did, table } = await maintain(lake);
    expect(did).toMatchObject({ compactedFiles: 6, compactedInto: 1, unreadableFiles: 0 });
    expect(await idsOf(lake)).toEqual(rowsOf(six));
    expect((await tableOf(lake)).files).toHaveLength(1);
    const { files, sizeBytes, ...counts } = before;
    expect((await tableOf(lake)).totals).toMatchObject(counts);
    expect(table).toMatchObject({ files: 1, records: 12, ingested: 12, batches: { succeeded: 6, failed: 0 } });
  });

  test('nothing is left to do for the next one', async () => {
    await ingest(lake, ...six);
    await maintain(lake);
    const { sequence } = await tableOf(lake);
    expect((await maintain(lake)).did).toMatchObject({ compactedFiles: 0 });
    expect((await tableOf(lake)).sequence).toBe(sequence);
  });

  test('files of batches that can still be reverted stay as they are', async () => {
    await ingest(lake, ...six);
    const days = { retention: { ...retention, revertDays: 30 } };
    lake.clock.advance(29 * day);
    expect((await maintain(lake, days)).did).toMatchObject({ compactedFiles: 0 });
    lake.clock.advance(day + minute);
    expect((await maintain(lake, days)).did).toMatchObject({ compactedFiles: 6 });
  });

  test('what a compaction made need not wait as batches do', async () => {
    await ingest(lake, ...six.slice(0, 3));
    lake.clock.advance(31 * day);
    const days = { retention: { ...retention, revertDays: 30 }, limits: { smallestCompaction: 2 } };
    expect((await maintain(lake, days)).did).toMatchObject({ compactedFiles: 3 });
    await ingest(lake, ...six.slice(3));
    lake.clock.advance(31 * day);
    await ingest(lake, 'g');
    expect((await maintain(lake, days)).did).toMatchObject({ compactedFiles: 4, compactedInto: 1 });
    expect((await tableOf(lake)).files).toHaveLength(2);
  });

  test('a compaction is compacted again once there is more', async () => {
    await ingest(lake, ...six);
    await maintain(lake);
    const more = ['g', 'h', 'i', 'j', 'k'];
    await ingest(lake, ...more);
    expect((await maintain(lake)).did).toMatchObject({ compactedFiles: 6, compactedInto: 1 });
    expect(await idsOf(lake)).toEqual(rowsOf([...six, ...more]));
  });

  test('bytes and files of one compaction are bounded, and so are compactions', async () => {
    await ingest(lake, ...six);
    const limits = { compactionFiles: 2, smallestCompaction: 2, compactions: 2 };
    expect((await maintain(lake, { limits })).did).toMatchObject({ compactedFiles: 4, compactedInto: 2 });
    expect((await maintain(lake, { limits: { compactionBytes: 1 } })).did).toMatchObject({ compactedFiles: 0 });
    expect(await idsOf(lake)).toEqual(rowsOf(six));
  });

  test('a compaction that was left in the middle is gone on with', async () => {
    await ingest(lake, ...six);
    const dying = lake.process((_call, method, key) =>
      method === 'putIfAbsent' && key.includes('/shards/') ? 'crash before' : undefined,
    );
    await expect(maintain(lake, {}, dying)).rejects.toThrow('crash');
    expect((await maintain(lake)).did).toMatchObject({ compactedFiles: 6, compactedInto: 1 });
    expect(await idsOf(lake)).toEqual(rowsOf(six));
  });

  test('a batch is not taken out of files that hold other rows too', async () => {
    await ingest(lake, ...six);
    await maintain(lake);
    const abort = { reason: 'Aborted', message: 'not wanted' };
    const { batch } = await runFinish(finishTask('a', { abort, revert: true }), lake.process());
    expect(batch).toMatchObject({ outcome: 'Committed' });
    expect(await idsOf(lake)).toEqual(rowsOf(six));
  });

  test('files that left the table while they were rewritten do not come back', async () => {
    await ingest(lake, ...six);
    const abort = { reason: 'Aborted', message: 'not wanted' };
    const racing = lake.process(async (_call, method, key) => {
      if (method === 'putIfAbsent' && key.endsWith('/decision.json')) {
        await runFinish(finishTask('a', { abort, revert: true }), lake.process());
      }
      return undefined;
    });
    await maintain(lake, {}, racing);
    expect(await idsOf(lake)).toEqual(rowsOf(six.slice(1)));
    expect((await tableOf(lake)).totals.records).toBe(10);
  });

  test('batches that are committed meanwhile are kept', async () => {
    await ingest(lake, ...six);
    let more = 0;
    const racing = lake.process(async (_call, method, key) => {
      if (method === 'putIfAbsent' && key.includes('/metadata/v') && more < 3) {
        more += 1;
        await ingest(lake, `more-${more}`);
      }
      return undefined;
    });
    expect((await maintain(lake, {}, racing)).did).toMatchObject({ compactedFiles: 6 });
    expect(await idsOf(lake)).toEqual([...rowsOf(six), ...rowsOf(['more-1', 'more-2', 'more-3'])].sort());
  });

  test('a file that is gone from the bucket is told of, and its group stays as it is', async () => {
    await ingest(lake, ...six);
    const [lost = ''] = dataObjects(lake);
    await lake.bucket('lake').delete([lost]);
    expect((await maintain(lake)).did).toMatchObject({ compactedFiles: 0, unreadableFiles: 1 });
    expect((await tableOf(lake)).files).toHaveLength(6);
  });

  test('a damaged file is told of, and its group stays as it is', async () => {
    await ingest(lake, ...six);
    const [damaged = ''] = dataObjects(lake);
    const { size } = lake.bucket('lake').objects.get(damaged) ?? { size: 0 };
    await lake.bucket('lake').put(damaged, Buffer.alloc(size));
    const { did } = await maintain(lake);
    expect(did.compactedFiles).toBe(0);
    expect(did.unreadableFiles).toBeGreaterThan(0);
    expect((await tableOf(lake)).files).toHaveLength(6);
  });

  test('files from before a column was added are compacted with those from after', async () => {
    await ingest(lake, 'a', 'b', 'c');
    const wider = JSON.parse(schema);
    wider.properties.added = { type: 'string' };
    const table = { format, compression: 'Zstd', targetFileSizeBytes: 2 ** 28 } as const;
    await lake.prepare({ schema: JSON.stringify(wider), table });
    const input = { inline: { data: '{"id":"d-0","n":7,"added":"x"}\n' } };
    await runPlan(planTask('d', { input }), lake.process());
    expect((await maintain(lake, { limits: { smallestCompaction: 4 } })).did).toMatchObject({ compactedFiles: 4 });
    const rows = (await lake.rows()).map(({ id, added }) => [id, added ?? null]).sort();
    expect(rows).toEqual([...rowsOf(['a', 'b', 'c']).map((id) => [id, null]), ['d-0', 'x']]);
  });

  test.for([
    ['before it leaves its receipt', 'putIfAbsent', '/shards/'],
    ['before it decides', 'putIfAbsent', '/decision.json'],
    ['before it commits', 'putIfAbsent', '/metadata/v'],
    ['before it leaves its marker', 'putIfAbsent', '/committed.json'],
  ] as const)('one that sleeps %s until all was collected changes nothing', async ([, at, where]) => {
    await ingest(lake, ...six);
    let slept = false;
    const sleeping = lake.process(async (_call, method, key) => {
      if (method === at && key.includes(where) && !slept) {
        slept = true;
        for (let n = 0; n < 5; n += 1) {
          await maintain(lake);
          lake.clock.advance(2 * day);
        }
      }
      return undefined;
    });
    await maintain(lake, {}, sleeping);
    expect(slept).toBe(true);
    const { files, totals } = await tableOf(lake);
    expect(files).toHaveLength(1);
    expect(totals).toMatchObject({ records: 12, ingested: 12, batches: { succeeded: 6, failed: 0 } });
    expect(await idsOf(lake)).toEqual(rowsOf(six));
  });
});
