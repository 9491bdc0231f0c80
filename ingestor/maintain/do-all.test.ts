import { beforeEach, expect, test } from 'vitest';
import type { Lake } from '../../test/support/lake-in-memory.ts';
import { newLake, openLake, tableOf } from '../commit/testing.ts';
import { silentLog } from '../contract/environment.ts';
import { ForebayError } from '../contract/errors.ts';
import { loadState } from '../table/commit.ts';
import { doAll } from './do-all.ts';
import { type Did, defaultLimits, type Maintenance, type Work } from './maintenance.ts';
import { ingest, maintain, objects, retention, six } from './testing.ts';

let lake: Lake;

beforeEach(async () => {
  lake = await newLake('Parquet');
});

async function maintenance(signal?: AbortSignal): Promise<Maintenance> {
  const { dataset, waiting } = await openLake(lake, lake.process(undefined, signal));
  const began = { time: 0, state: await loadState(dataset.table) };
  return { dataset, retention, limits: defaultLimits, began, waiting, log: silentLog, progress: () => {} };
}

function does(name: string, did: Did): Work {
  return { name, do: async () => did };
}

function fails(name: string, error: Error): Work {
  return {
    name,
    do: async () => {
      throw error;
    },
  };
}

test('what was done is added up', async () => {
  expect(
    await doAll([does('a', { deletedObjects: 1 }), does('b', { deletedObjects: 2 })], await maintenance()),
  ).toEqual({ deletedObjects: 3 });
});

test('one kind of work that fails does not stop the others, and is told of at the end', async () => {
  const done: string[] = [];
  const last: Work = {
    name: 'last',
    do: async () => {
      done.push('last');
      return {};
    },
  };
  const damaged = new ForebayError('DamagedDocument', 'x is damaged');
  const away = new ForebayError('StoreUnavailable', 'the store is away');
  await expect(doAll([fails('a', damaged), fails('b', away), last], await maintenance())).rejects.toMatchObject({
    code: 'StoreUnavailable',
    exitCode: 10,
    message: 'a: x is damaged; b: the store is away',
  });
  expect(done).toEqual(['last']);
});

test('a failure that does not pass by itself is told as one', async () => {
  const damaged = new ForebayError('DamagedDocument', 'x is damaged');
  await expect(doAll([fails('a', damaged)], await maintenance())).rejects.toMatchObject({ exitCode: 42 });
});

test('a process that is to stop does nothing more', async () => {
  const stop = new AbortController();
  const stopping: Work = {
    name: 'stopping',
    do: async () => {
      stop.abort(new ForebayError('Interrupted', 'told to stop'));
      throw new Error('broken off');
    },
  };
  const never = fails('never', new Error('never'));
  await expect(doAll([stopping, never], await maintenance(stop.signal))).rejects.toThrow('broken off');
});

test('a damaged ledger does not keep small files from being compacted', async () => {
  await ingest(lake, ...six);
  await lake.bucket('lake').put('ingest/ledger/1.json', 'damaged');
  await expect(maintain(lake)).rejects.toMatchObject({ code: 'DamagedDocument' });
  expect((await tableOf(lake)).files).toHaveLength(1);
});

test('a damaged run does not keep the others from being settled', async () => {
  await ingest(lake, 'a', 'b');
  const [plan = ''] = objects(lake, '/plan.json');
  await lake.bucket('lake').put(plan, 'damaged');
  await lake.bucket('lake').delete([plan.replace('plan.json', 'committed.json')]);
  lake.clock.advance(3 * 24 * 3_600_000);
  await expect(maintain(lake)).rejects.toMatchObject({ code: 'DamagedDocument' });
  expect(objects(lake, 'ingest/open/')).toHaveLength(1);
});
