import { beforeEach, describe, expect, test } from 'vitest';
import type { Lake } from '../../test/support/lake-in-memory.ts';
import { formats, idsOf, newLake, openLake, tableOf } from '../commit/testing.ts';
import { retentionDefaults } from '../contract/task.ts';
import { listBacklog } from '../inlet/backlog.ts';
import type { InletSettings } from '../inlet/documents.ts';
import { roundPlanKey, settingsKey } from '../inlet/names.ts';
import { runRound } from '../inlet/round.ts';
import { SegmentWriter } from '../inlet/writer.ts';
import { maintain, minute } from './testing.ts';

const [one, other] = ['1'.repeat(64), '2'.repeat(64)] as const;
const settings: InletSettings = {
  version: 1,
  namespace: 'default',
  name: 'inlet',
  mapping: [],
  maxRecordBytes: 1_000,
  maxRoundBytes: 1_000_000,
};

describe.each(formats)('a table of format %s', (format) => {
  let lake: Lake;

  beforeEach(async () => {
    lake = await newLake(format);
  });

  /** A segment of one record. */
  async function write(inlet: string, record: string): Promise<void> {
    await lake.bucket('lake').put(settingsKey(inlet), JSON.stringify(settings));
    const limits = { unclearMilliseconds: minute, idleMilliseconds: 30 * minute };
    const listener = { introduced: () => {}, durable: () => {} };
    const writer = new SegmentWriter(lake.bucket('lake'), inlet, limits, listener, lake.process());
    await writer.write({ lines: Buffer.from(`{"id":"${record}"}\n`), records: 1, firstReceivedTime: 0 });
  }

  async function round(inlet: string): Promise<void> {
    const { dataset, waiting } = await openLake(lake);
    const backlog = (taken: Parameters<typeof listBacklog>[2]) =>
      listBacklog(lake.bucket('lake'), inlet, taken, waiting);
    await runRound({ dataset, id: inlet, settings, failures: new Map(), listBacklog: backlog }, waiting);
  }

  test('files of rounds become one at once, and the inlet goes on', async () => {
    const names = ['a', 'b', 'c', 'd', 'e'];
    for (const name of names) {
      await write(one, name);
      await round(one);
    }
    const { did, table } = await maintain(lake, { retention: retentionDefaults });
    expect(did).toMatchObject({ compactedFiles: 5, compactedInto: 1 });
    expect(table).toMatchObject({ records: 5, ingested: 5 });
    await write(one, 'f');
    await round(one);
    expect(await idsOf(lake)).toEqual([...names, 'f']);
  });

  test('segments that nobody took are taken, and small files made so are compacted', async () => {
    await write(one, 'a');
    await write(other, 'b');
    lake.clock.advance(11 * minute);
    const { did } = await maintain(lake, { limits: { smallestCompaction: 2 } });
    expect(did).toMatchObject({ strandedSegments: 2, compactedFiles: 2, compactedInto: 1 });
    expect(await idsOf(lake)).toEqual(['a', 'b']);
  });

  test('an inlet that is damaged does not keep the others waiting', async () => {
    await write(one, 'a');
    await write(other, 'b');
    await lake.bucket('lake').put(roundPlanKey(one, 1), 'damaged');
    lake.clock.advance(11 * minute);
    await expect(maintain(lake)).rejects.toMatchObject({ code: 'DamagedDocument' });
    expect(await idsOf(lake)).toEqual(['b']);
    expect((await tableOf(lake)).totals.ingested).toBe(1);
  });
});
