import { beforeEach, describe, expect, test } from 'vitest';
import { Crash, type Fault } from '../../test/support/faulty-store.ts';
import { type Decide, Lake, target } from '../../test/support/lake-in-memory.ts';
import { openDataset } from '../commit/dataset.ts';
import { ForebayError } from '../contract/errors.ts';
import { roundProperty } from '../table/table.ts';
import { runMaintain } from '../tasks/maintain.ts';
import { listBacklog } from './backlog.ts';
import { type InletSettings, type InletState, inletState } from './documents.ts';
import { roundReceiptKey, segmentKey, segmentsFolder, settingsKey, unreadableSegmentKey } from './names.ts';
import { type Inlet, type RoundOutcome, runRound } from './round.ts';
import { encodeSegment } from './segment.ts';
import { SegmentWriter } from './writer.ts';

const id = 'b'.repeat(64);
const settings: InletSettings = {
  version: 1,
  namespace: 'default',
  name: 'inlet',
  mapping: [],
  maxRecordBytes: 1_000,
  maxRoundBytes: 1_000_000,
};

let lake: Lake;

beforeEach(async () => {
  lake = new Lake();
  await lake.prepare();
  await lake.bucket('lake').put(settingsKey(id), JSON.stringify(settings));
});

/** A writer, and what it has written. */
async function openWriter() {
  const environment = lake.process();
  const limits = { unclearMilliseconds: 60_000, idleMilliseconds: 60_000 };
  const listener = { introduced: () => {}, durable: () => {} };
  const store = await environment.openStore(target.storage);
  const writer = new SegmentWriter(store, id, limits, listener, environment);
  return async (...records: object[]) => {
    const lines = Buffer.from(records.map((record) => `${JSON.stringify(record)}\n`).join(''));
    return await writer.write({ lines, records: records.length, firstReceivedTime: 0 });
  };
}

/** One round by a process of its own. */
async function round(decide?: Decide, failures: Inlet['failures'] = new Map()): Promise<RoundOutcome> {
  const environment = lake.process(decide);
  const store = await environment.openStore(target.storage);
  const dataset = await openDataset(store, target, environment);
  const backlog: Inlet['listBacklog'] = (taken) => listBacklog(store, id, taken, environment);
  return await runRound({ dataset, id, settings, failures, listBacklog: backlog }, environment);
}

function state(): InletState {
  return inletState(lake.table, id);
}

describe('a round', () => {
  test('takes what is there, and the next one what came since', async () => {
    const write = await openWriter();
    await write({ id: 'a' }, { id: 'b', n: 'bad' });
    await round();
    await write({ id: 'c' });
    expect(await lake.ids()).toEqual(['a']);
    await round();
    expect(await lake.ids()).toEqual(['a', 'c']);
    expect(state()).toMatchObject({ round: 2, taken: 2, records: { received: 3, ingested: 2, failed: 1, skipped: 0 } });
    expect(state().errors).toMatchObject([{ code: 'WrongType', path: '/n', count: 1 }]);
  });

  test('of nothing is none', async () => {
    const before = lake.table.sequence;
    expect(await round()).toMatchObject({ committed: false });
    expect(lake.table.sequence).toBe(before);
  });

  test('of bad records alone is committed without files', async () => {
    const write = await openWriter();
    await write({ n: 1 });
    await round();
    expect(lake.table.files).toEqual([]);
    expect(state().records).toEqual({ received: 1, ingested: 0, failed: 1, skipped: 0 });
  });

  test.each<Fault>(['crash before', 'crash after', 'lost', 'refused'])(
    'ends the same whichever of its calls is %s',
    async (fault) => {
      const write = await openWriter();
      let rounds = 0;
      for (let isThrough = false; !isThrough; ) {
        rounds += 1;
        await write({ id: `r${rounds}` }, { id: 'bad', n: 'bad' });
        isThrough = await roundWith(fault, rounds);
        await round();
      }
      expect(rounds).toBeGreaterThan(10);
      const ids = await lake.ids();
      expect(new Set(ids).size).toBe(rounds);
      expect(ids.length).toBe(rounds);
      expect(state().records).toEqual({ received: 2 * rounds, ingested: rounds, failed: rounds, skipped: 0 });
    },
  );
});

/** A round whose n-th call goes wrong; true when it has no such call. */
async function roundWith(fault: Fault, n: number): Promise<boolean> {
  let isThrough = true;
  const decide: Decide = (call) => {
    if (call !== n) return undefined;
    isThrough = false;
    return fault;
  };
  await round(decide).catch((thrown: unknown) => {
    const isUnclear = thrown instanceof ForebayError && thrown.code === 'StoreUnavailable';
    if (!(thrown instanceof Crash || isUnclear)) throw thrown;
  });
  return isThrough;
}

describe('segments that cannot be read', () => {
  test('are counted and kept when they are damaged', async () => {
    const write = await openWriter();
    await write({ id: 'a' });
    const { writer } = await write({ id: 'b' }, { id: 'c' });
    await write({ id: 'd' });
    await lake.bucket('lake').put(segmentKey(id, writer, 2), 'damaged');
    await round();
    expect(await lake.ids()).toEqual(['a', 'd']);
    expect(state()).toMatchObject({
      records: { received: 4, ingested: 2, failed: 2 },
      errors: [{ code: 'UnreadableSegment', count: 2 }],
    });
    expect(lake.text(unreadableSegmentKey(id, writer, 2))).toBe('damaged');
  });

  test('are counted when they are gone', async () => {
    const write = await openWriter();
    const { writer } = await write({ id: 'a' });
    await write({ id: 'b' });
    await write({ id: 'c' });
    await lake.bucket('lake').delete([segmentKey(id, writer, 1), segmentKey(id, writer, 2)]);
    await round();
    expect(await lake.ids()).toEqual(['c']);
    expect(state().records).toEqual({ received: 3, ingested: 1, failed: 2, skipped: 0 });
  });

  test('are set aside when the engine fails on them again and again', async () => {
    const write = await openWriter();
    const { writer, nonce } = await write({ id: 'a' });
    const facts = { nonce, writer, sequence: 1, firstReceivedTime: 0, records: 5, upTo: { records: 5, bytes: 60 } };
    const { body } = encodeSegment(facts, Buffer.from('{"id":"x"}\n'));
    await lake.bucket('lake').put(segmentKey(id, writer, 1), body);
    const failures = new Map<string, number>();
    for (let tries = 0; tries < 3; tries += 1) {
      await expect(round(undefined, failures)).rejects.toMatchObject({ code: 'CountsDoNotAddUp' });
    }
    expect(await round(undefined, failures)).toMatchObject({ committed: true });
    expect(await lake.ids()).toEqual([]);
    expect(lake.bucket('lake').objects.has(unreadableSegmentKey(id, writer, 1))).toBe(true);
  });

  test('of a newer version wait for a newer program', async () => {
    const write = await openWriter();
    const { writer } = await write({ id: 'a' });
    await lake.bucket('lake').put(segmentKey(id, writer, 1), '{"version":2}\n');
    await expect(round()).rejects.toMatchObject({ code: 'NewerDocument' });
    expect(state().round).toBe(0);
  });
});

test('a round whose files were cleaned away takes nothing, and the next one takes it all again', async () => {
  const write = await openWriter();
  await write({ id: 'a' });
  await round((_call, method, key) =>
    method === 'putIfAbsent' && key.includes('/metadata/') ? 'crash before' : undefined,
  ).catch((thrown: unknown) => expect(thrown).toBeInstanceOf(Crash));
  const { files } = JSON.parse(lake.text(roundReceiptKey(id, 1)));
  await lake.bucket('lake').delete([files[0].key]);
  await round();
  expect(state()).toMatchObject({ round: 1, taken: 0, records: { received: 0 } });
  await write({ id: 'b' });
  await round();
  expect(await lake.ids()).toEqual(['a', 'b']);
  expect(state()).toMatchObject({ round: 2, taken: 2, records: { received: 2, ingested: 2 } });
});

test('a table that went back is not written on', async () => {
  const write = await openWriter();
  await write({ id: 'a' });
  await round();
  await write({ id: 'b' });
  const went: InletState = { ...state(), round: 7, taken: 1 };
  await rewrite(went);
  await round((_call, method, key) =>
    method === 'putIfAbsent' && key.includes('/metadata/') ? 'crash before' : undefined,
  ).catch((thrown: unknown) => expect(thrown).toBeInstanceOf(Crash));
  let loads = 0;
  const back = round(async (_call, method, key) => {
    if (method === 'get' && /\/v\d+\.metadata\.json$/.test(key)) loads += 1;
    if (loads === 2) await rewrite({ ...went, round: 1 });
    return undefined;
  });
  await expect(back).rejects.toMatchObject({ code: 'DamagedDocument', message: expect.stringContaining('went back') });
  expect(await lake.ids()).toEqual(['a']);
});

/** Another program changes the newest version of the table. */
async function rewrite(changed: InletState): Promise<void> {
  const { table } = lake;
  const key = `table-${table.uuid}/metadata/v${table.sequence}.metadata.json`;
  const properties = { ...table.properties, [roundProperty(id)]: JSON.stringify(changed) };
  await lake.bucket('lake').put(key, JSON.stringify({ ...table, properties }));
}

describe('maintain', () => {
  const maintain = () => runMaintain({ version: 1, verb: 'maintain', dataset: target }, lake.process());

  test('takes what an inlet left that has no pods, and later collects its segments', async () => {
    const write = await openWriter();
    await write({ id: 'a' });
    await write({ id: 'b' });
    expect((await maintain()).did).toMatchObject({ strandedSegments: 0 });
    lake.clock.advance(11 * 60_000);
    expect((await maintain()).did).toMatchObject({ strandedSegments: 2 });
    expect(await lake.ids()).toEqual(['a', 'b']);
    lake.clock.advance(61 * 60_000);
    await maintain();
    expect([...lake.bucket('lake').objects.keys()].filter((key) => key.startsWith(segmentsFolder(id)))).toEqual([]);
  });

  test('finds what a process wrote that slept until everybody had forgotten it', async () => {
    const write = await openWriter();
    const { writer } = await write({ id: 'a' });
    await round();
    const other = await openWriter();
    for (let month = 0; month < 3; month += 1) {
      lake.clock.advance(31 * 24 * 3_600_000);
      await maintain();
      await other({ id: `other-${month}` });
      await round();
    }
    expect(JSON.parse(lake.text(roundReceiptKey(id, state().taken))).writers[writer]).toBeUndefined();
    const facts = {
      nonce: 'n',
      writer,
      sequence: 2,
      firstReceivedTime: 0,
      records: 1,
      upTo: { records: 2, bytes: 22 },
    };
    const late = encodeSegment(facts, Buffer.from('{"id":"z"}\n'));
    await lake.bucket('lake').put(segmentKey(id, writer, 2), late.body);
    lake.clock.advance(3_600_000);
    await maintain();
    expect(await lake.ids()).toEqual(['a', 'other-0', 'other-1', 'other-2', 'z']);
    expect(state().records).toEqual({ received: 5, ingested: 5, failed: 0, skipped: 0 });
  });
});
