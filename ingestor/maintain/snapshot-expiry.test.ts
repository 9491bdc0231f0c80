import { beforeEach, describe, expect, test } from 'vitest';
import { finishTask, type Lake } from '../../test/support/lake-in-memory.ts';
import { idsOf, newLake, openLake, tableOf } from '../commit/testing.ts';
import { untilClear } from '../table/back-off.ts';
import { commitToTable, loadState } from '../table/commit.ts';
import type { SnapshotFacts } from '../table/table.ts';
import { runFinish } from '../tasks/finish.ts';
import { chooseOld } from './snapshot-expiry.ts';
import { dataObjects, day, hour, ingest, maintain, minute, objects, retention, rowsOf } from './testing.ts';

describe('which snapshots leave', () => {
  const limits = { expiredSnapshots: 100, keptSnapshots: 2, mostSnapshots: 8 };

  function snapshots(count: number, pinned: readonly number[] = []): SnapshotFacts[] {
    return Array.from({ length: count }, (_, n) => ({
      snapshotID: String(n),
      time: n,
      sequence: n,
      pinned: n === count - 1 || pinned.includes(n),
    }));
  }

  test.for([
    ['those that are older', 6, [], 3, ['0', '1', '2']],
    ['never the last few', 6, [], 100, ['0', '1', '2', '3']],
    ['none of so few', 2, [], 100, []],
    ['never those that a branch or tag names', 6, [1], 3, ['0', '2']],
    ['those that are too many however young they are', 10, [], 0, ['0', '1']],
  ] as const)('%s', ([, count, pinned, before, expected]) => {
    expect(chooseOld(snapshots(count, pinned), before, limits)).toEqual(expected);
  });

  test('no more at once than the limit allows, the oldest first', () => {
    expect(chooseOld(snapshots(6), 100, { ...limits, expiredSnapshots: 2 })).toEqual(['0', '1']);
  });
});

describe('a table', () => {
  const oneLeft = { limits: { keptSnapshots: 1, smallestCompaction: 2 } };
  let lake: Lake;

  beforeEach(async () => {
    lake = await newLake('Iceberg');
  });

  async function snapshotsNow(): Promise<readonly SnapshotFacts[]> {
    const { dataset } = await openLake(lake);
    return dataset.table.snapshots(await loadState(dataset.table));
  }

  test('keeps snapshots as long as told, and files of those that left an hour longer', async () => {
    await ingest(lake, 'a', 'b', 'c');
    await maintain(lake, oneLeft);
    expect(await snapshotsNow()).toHaveLength(4);
    lake.clock.advance(6 * day);
    expect((await maintain(lake, oneLeft)).did).toMatchObject({ expiredSnapshots: 0 });
    lake.clock.advance(day + minute);
    expect((await maintain(lake, oneLeft)).did).toMatchObject({ expiredSnapshots: 3 });
    expect(await snapshotsNow()).toHaveLength(1);
    expect(dataObjects(lake)).toHaveLength(4);
    lake.clock.advance(59 * minute);
    await maintain(lake, oneLeft);
    expect(dataObjects(lake)).toHaveLength(4);
    lake.clock.advance(minute);
    await maintain(lake, oneLeft);
    expect(dataObjects(lake)).toEqual((await tableOf(lake)).files.map(({ key }) => key));
    expect(objects(lake, 'ingest/expired/')).toEqual([]);
    expect(await idsOf(lake)).toEqual(rowsOf(['a', 'b', 'c']));
  });

  test('loses the files of a batch that was reverted with the last snapshot that held it', async () => {
    await ingest(lake, 'a', 'b');
    const abort = { reason: 'Aborted', message: 'not wanted' };
    await runFinish(finishTask('a', { abort, revert: true }), lake.process());
    expect(dataObjects(lake)).toHaveLength(2);
    lake.clock.advance(8 * day);
    await maintain(lake, oneLeft);
    lake.clock.advance(hour);
    await maintain(lake, oneLeft);
    expect(dataObjects(lake)).toHaveLength(1);
    expect(await idsOf(lake)).toEqual(rowsOf(['b']));
  });

  test('files that were written down and whose snapshots did not leave stay', async () => {
    await ingest(lake, 'a', 'b', 'c');
    await maintain(lake, oneLeft);
    lake.clock.advance(8 * day);
    const dying = lake.process((_call, method, key) =>
      method === 'putIfAbsent' && key.includes('/metadata/v') ? 'crash before' : undefined,
    );
    await expect(maintain(lake, oneLeft, dying)).rejects.toThrow('crash');
    expect(objects(lake, 'ingest/expired/')).toHaveLength(1);
    lake.clock.advance(2 * hour);
    const days = { ...oneLeft, retention: { ...retention, snapshotDays: 30 } };
    await maintain(lake, days);
    expect(dataObjects(lake)).toHaveLength(4);
  });

  test('files that are in a snapshot again when they are to be deleted stay', async () => {
    await ingest(lake, 'a', 'b');
    const [file] = (await tableOf(lake)).files;
    if (file === undefined) throw new Error('the table has no file');
    const abort = { reason: 'Aborted', message: 'not wanted' };
    for (const name of ['a', 'b']) await runFinish(finishTask(name, { abort, revert: true }), lake.process());
    lake.clock.advance(8 * day);
    await maintain(lake, oneLeft);
    await bringBack(file);
    lake.clock.advance(hour);
    await maintain(lake, oneLeft);
    expect(dataObjects(lake)).toEqual([file.key]);
    expect(await idsOf(lake)).toHaveLength(2);
  });

  /** As an engine does that goes back to what it knows. */
  async function bringBack(file: Awaited<ReturnType<typeof tableOf>>['files'][number]): Promise<void> {
    const { dataset, waiting } = await openLake(lake);
    await commitToTable(
      dataset.table,
      (state) => (state.totals.files > 0 ? { done: undefined } : { change: { addFiles: [file] } }),
      waiting,
    );
  }

  test('a twin that comes between expires nothing twice and loses nothing', async () => {
    await ingest(lake, 'a', 'b', 'c');
    await maintain(lake, oneLeft);
    lake.clock.advance(8 * day);
    let twins = 0;
    const racing = lake.process(async (_call, method, key) => {
      if (method === 'putIfAbsent' && key.includes('/metadata/v') && twins === 0) {
        twins += 1;
        await maintain(lake, oneLeft);
        await ingest(lake, 'd');
      }
      return undefined;
    });
    await maintain(lake, oneLeft, racing);
    for (let n = 0; n < 3; n += 1) {
      lake.clock.advance(hour);
      await maintain(lake, oneLeft);
    }
    expect(twins).toBe(1);
    expect(await idsOf(lake)).toEqual(rowsOf(['a', 'b', 'c', 'd']));
    expect(dataObjects(lake)).toEqual((await tableOf(lake)).files.map(({ key }) => key).sort());
  });

  test('one that sleeps for a week before it commits expires what is old then, and no other', async () => {
    await ingest(lake, 'a', 'b');
    lake.clock.advance(8 * day);
    let slept = false;
    const sleeping = lake.process(async (_call, method, key) => {
      if (method === 'putIfAbsent' && key.includes('/metadata/v') && !slept) {
        slept = true;
        await ingest(lake, 'c', 'd');
        lake.clock.advance(7 * day);
        await maintain(lake, oneLeft);
        await ingest(lake, 'e');
      }
      return undefined;
    });
    await maintain(lake, oneLeft, sleeping);
    lake.clock.advance(hour);
    await maintain(lake, oneLeft);
    expect(await idsOf(lake)).toEqual(rowsOf(['a', 'b', 'c', 'd', 'e']));
    for (const { key } of (await tableOf(lake)).files) expect(dataObjects(lake)).toContain(key);
  });

  test('manifests and lists that no snapshot names go behind a commit, a day after they were written', async () => {
    await ingest(lake, 'a');
    const { dataset, waiting } = await openLake(lake);
    const state = await untilClear(() => loadState(dataset.table), waiting);
    await ingest(lake, 'b');
    // A commit that lost: what it wrote is named by nothing.
    const lost = await dataset.table.commit(
      state,
      { addFiles: [{ key: 'lost', rows: 1, bytes: 1 }] },
      { snapshotID: '1', time: lake.clock.now() + 1_000 },
    );
    expect(lost).toBe(undefined);
    expect(orphans()).toHaveLength(2);
    lake.clock.advance(day + minute);
    await maintain(lake);
    expect(orphans()).toHaveLength(2);
    await seeCommit();
    expect(orphans()).toHaveLength(0);
    expect(await idsOf(lake)).toEqual(rowsOf(['a', 'b', 'c']));
  });

  function orphans(): string[] {
    return objects(lake, '/metadata/forebay-1-');
  }

  /** A maintain in whose time the batch c is committed. */
  async function seeCommit(): Promise<void> {
    let committed = false;
    const process = lake.process(async (_call, method) => {
      if (method === 'list' && !committed) {
        committed = true;
        await ingest(lake, 'c');
      }
      return undefined;
    });
    await maintain(lake, {}, process);
  }

  test('manifests of snapshots that left are deleted by a later maintain', async () => {
    await ingest(lake, 'a', 'b', 'd');
    await maintain(lake, oneLeft);
    lake.clock.advance(8 * day);
    const before = objects(lake, '.avro').length;
    await maintain(lake, oneLeft);
    expect(objects(lake, '.avro')).toHaveLength(before);
    lake.clock.advance(hour);
    await seeCommit();
    expect(objects(lake, '.avro').length).toBeLessThan(before);
    expect(await idsOf(lake)).toEqual(rowsOf(['a', 'b', 'c', 'd']));
  });
});
