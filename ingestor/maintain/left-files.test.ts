import { beforeEach, expect, test } from 'vitest';
import { finishTask, type Lake } from '../../test/support/lake-in-memory.ts';
import { idsOf, newLake, tableOf } from '../commit/testing.ts';
import { runFinish } from '../tasks/finish.ts';
import { dataObjects, day, hour, ingest, ingestBy, maintain, minute, retention, rowsOf, six } from './testing.ts';

const abort = { reason: 'Aborted', message: 'not wanted' };

let lake: Lake;

beforeEach(async () => {
  lake = await newLake('Parquet');
});

async function liveFiles(): Promise<string[]> {
  return (await tableOf(lake)).files.map(({ key }) => key).sort();
}

test('files of attempts that did not count go, and so do those that were compacted, once nobody reads them', async () => {
  await ingest(lake, ...six);
  const dying = lake.process((_call, method, key) =>
    method === 'putIfAbsent' && key.includes('/shards/') ? 'crash before' : undefined,
  );
  await expect(maintain(lake, {}, dying)).rejects.toThrow('crash');
  await maintain(lake);
  expect(dataObjects(lake)).toHaveLength(8);
  lake.clock.advance(day + minute);
  await maintain(lake);
  expect(dataObjects(lake)).toHaveLength(7);
  lake.clock.advance(hour);
  await maintain(lake);
  expect(dataObjects(lake)).toEqual(await liveFiles());
});

test('files of a batch that was reverted go an hour after they were missed', async () => {
  await ingest(lake, 'a', 'b');
  lake.clock.advance(day + minute);
  await runFinish(finishTask('a', { abort, revert: true }), lake.process());
  await maintain(lake);
  expect(dataObjects(lake)).toHaveLength(2);
  lake.clock.advance(59 * minute);
  await maintain(lake);
  expect(dataObjects(lake)).toHaveLength(2);
  lake.clock.advance(minute);
  await maintain(lake);
  expect(dataObjects(lake)).toEqual(await liveFiles());
  expect(await idsOf(lake)).toEqual(rowsOf(['b']));
});

test('files of a run that is not over stay', async () => {
  const dying = lake.process((_call, method, key) =>
    method === 'putIfAbsent' && key.endsWith('/decision.json') ? 'crash before' : undefined,
  );
  await ingest(lake, 'b');
  await expect(ingestBy(dying, 'a')).rejects.toThrow('crash');
  for (let n = 0; n < 3; n += 1) {
    lake.clock.advance(2 * day - minute);
    await maintain(lake, { retention: { ...retention, revertDays: 30 } });
  }
  expect(dataObjects(lake)).toHaveLength(2);
  await ingest(lake, 'a');
  expect(await idsOf(lake)).toEqual(rowsOf(['a', 'b']));
});

test('what another program keeps among the data files stays', async () => {
  await ingest(lake, 'a');
  const [file = ''] = dataObjects(lake);
  const foreign = file.replace(/data\/.*/, 'data/other.parquet');
  await lake.bucket('lake').put(foreign, 'x');
  lake.clock.advance(3 * day);
  for (let n = 0; n < 3; n += 1) {
    await maintain(lake);
    lake.clock.advance(hour);
  }
  expect(dataObjects(lake)).toContain(foreign);
});
