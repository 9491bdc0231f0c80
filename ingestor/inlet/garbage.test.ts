import { beforeEach, expect, test } from 'vitest';
import { Lake, target } from '../../test/support/lake-in-memory.ts';
import { openDataset } from '../commit/dataset.ts';
import { runMaintain } from '../tasks/maintain.ts';
import { listBacklog } from './backlog.ts';
import type { InletSettings } from './documents.ts';
import { collectGarbage } from './garbage.ts';
import { inletFolder } from './names.ts';
import { runRound } from './round.ts';
import { SegmentWriter } from './writer.ts';

const id = 'e'.repeat(64);
const minute = 60_000;
const day = 24 * 60 * minute;
const settings: InletSettings = {
  version: 1,
  namespace: 'default',
  name: 'inlet',
  mapping: [],
  maxRecordBytes: 1_000,
  maxRoundBytes: 1_000_000,
};

let lake: Lake;
let write: (id: string) => Promise<unknown>;

beforeEach(async () => {
  lake = new Lake();
  await lake.prepare();
  const environment = lake.process();
  const limits = { unclearMilliseconds: minute, idleMilliseconds: 30 * minute };
  const listener = { introduced: () => {}, durable: () => {} };
  const writer = new SegmentWriter(lake.bucket('lake'), id, limits, listener, environment);
  write = async (name) => {
    const lines = Buffer.from(`{"id":"${name}"}\n`);
    return await writer.write({ lines, records: 1, firstReceivedTime: 0 });
  };
});

async function dataset(environment = lake.process()) {
  return await openDataset(await environment.openStore(target.storage), target, environment);
}

async function round(environment = lake.process()): Promise<void> {
  await runRound(
    {
      dataset: await dataset(environment),
      id,
      settings,
      failures: new Map(),
      listBacklog: (taken) => listBacklog(lake.bucket('lake'), id, taken, environment),
    },
    environment,
  );
}

/** What is left after garbage collection, by kind. */
async function left(): Promise<string[]> {
  await collectGarbage(await dataset(), id, lake.process());
  const keys = [...lake.bucket('lake').objects.keys()].filter((key) => key.startsWith(inletFolder(id)));
  return keys.map((key) => key.slice(inletFolder(id).length).replace(/[0-9a-f]{32}/, 'W')).sort();
}

test('segments go an hour after they came, once they are taken, and their writer after a day', async () => {
  await write('a');
  await round();
  await write('b');
  const first = 'segments/W/000000000001.seg';
  const second = 'segments/W/000000000002.seg';
  const others = ['rounds/1/plan.json', 'rounds/1/receipt.json'];
  expect(await left()).toEqual([...others, first, second, 'writers/W.json']);
  lake.clock.advance(61 * minute);
  expect(await left()).toEqual([...others, second, 'writers/W.json']);
  lake.clock.advance(2 * day);
  expect(await left()).toEqual([...others, second, 'writers/W.json']);
  await round();
  expect(await left()).toEqual(['rounds/2/plan.json', 'rounds/2/receipt.json', 'writers/W.json']);
  expect(await left()).toEqual(['rounds/2/plan.json', 'rounds/2/receipt.json']);
});

test('a round that is over goes after a day, never the one that says how far writers were taken', async () => {
  await write('a');
  await round();
  lake.clock.advance(day / 2);
  await write('b');
  await round();
  lake.clock.advance(day / 2 + minute);
  expect(await left()).toEqual(['rounds/2/plan.json', 'rounds/2/receipt.json', 'writers/W.json', 'writers/W.json']);
  lake.clock.advance(40 * day);
  expect(await left()).toEqual(['rounds/2/plan.json', 'rounds/2/receipt.json']);
});

/** A round whose process dies right before it would say what became of the segments. */
async function dieInRound(): Promise<void> {
  const dying = lake.process((_call, method, key) =>
    method === 'putIfAbsent' && key.endsWith('/receipt.json') ? 'crash before' : undefined,
  );
  await expect(round(dying)).rejects.toThrow('crash');
}

function dataFiles(): string[] {
  return [...lake.bucket('lake').objects.keys()].filter((key) => key.includes('/data/')).sort();
}

test('data files of a process that died within a round go with the next maintain but one, those of the table stay', async () => {
  await write('a');
  await dieInRound();
  await round();
  await write('b');
  await round();
  const [, ...others] = dataFiles();
  expect(others).toHaveLength(2);
  lake.clock.advance(day + minute);
  await left();
  expect(dataFiles()).toHaveLength(3);
  lake.clock.advance(60 * minute);
  await runMaintain({ version: 1, verb: 'maintain', dataset: target }, lake.process());
  expect(dataFiles()).toEqual(lake.table.files.map(({ key }) => key).sort());
});

test('a receipt that was made by a process that slept for days takes no file from the table', async () => {
  await write('a');
  await round();
  await write('b');
  const [file] = lake.table.files;
  const receipt = `${inletFolder(id)}rounds/1/receipt.json`;
  const slept = lake.text(receipt).replaceAll(file?.key ?? '', 'another file');
  await round();
  lake.clock.advance(2 * day);
  await left();
  expect(lake.bucket('lake').objects.has(receipt)).toBe(false);
  await lake.bucket('lake').put(receipt, slept);
  lake.clock.advance(2 * day);
  await left();
  expect(lake.bucket('lake').objects.has(receipt)).toBe(false);
  expect(dataFiles()).toEqual(lake.table.files.map(({ key }) => key).sort());
});

test('refused records are kept as long as told, unreadable segments for good', async () => {
  const unreadable = `${inletFolder(id)}rejects/unreadable/${'0'.repeat(32)}-1.seg`;
  await lake.bucket('lake').put(unreadable, 'x');
  await write('a');
  const rejects = `${inletFolder(id)}rejects/1-${'0'.repeat(32)}.jsonl.zst`;
  await lake.bucket('lake').put(rejects, 'x');
  lake.clock.advance(31 * day);
  const collect = async () => await collectGarbage(await dataset(), id, lake.process(), 30);
  await collect();
  expect(lake.bucket('lake').objects.has(rejects)).toBe(true);
  await round();
  await left();
  expect(lake.bucket('lake').objects.has(rejects)).toBe(true);
  await collect();
  expect(lake.bucket('lake').objects.has(rejects)).toBe(false);
  expect(lake.bucket('lake').objects.has(unreadable)).toBe(true);
});
