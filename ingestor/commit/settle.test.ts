import { beforeEach, describe, expect, test } from 'vitest';
import { type Lake, planTask, records } from '../../test/support/lake-in-memory.ts';
import { retentionDefaults } from '../contract/task.ts';
import { runPlan } from '../tasks/plan.ts';
import type { Plan } from './documents.ts';
import { finishRun } from './finish.ts';
import { batchDigest, rejectKey } from './names.ts';
import { listOpenRuns, settleRun } from './settle.ts';
import { formats, newLake, openLake, planOf, receiptOf, resourceID, saveRun } from './testing.ts';

const minute = 60_000;
const hour = 60 * minute;
const day = 24 * hour;

describe.each(formats)('a table of format %s', (format) => {
  let lake: Lake;

  beforeEach(async () => {
    lake = await newLake(format);
  });

  /** As `maintain` does. Answers what was done. */
  async function settle(diagnosticsDays = 30): Promise<string[]> {
    const { dataset, waiting } = await openLake(lake);
    const retention = { ...retentionDefaults, diagnosticsDays };
    const did: string[] = [];
    for (const open of await listOpenRuns(dataset, waiting)) {
      const settled = await settleRun(dataset, open, lake.clock.now(), waiting, retention);
      did.push('deletedObjects' in settled ? `${settled.did} ${settled.deletedObjects}` : settled.did);
    }
    return did;
  }

  /** Each hour for so long. */
  async function settleFor(milliseconds: number, diagnosticsDays?: number): Promise<void> {
    for (let passed = 0; passed < milliseconds; passed += hour) {
      lake.clock.advance(hour);
      await settle(diagnosticsDays);
    }
  }

  function keys(part: string): string[] {
    return [...lake.bucket('lake').objects.keys()].filter((key) => key.includes(part));
  }

  async function ingest(id: string, data: string, maxFailed = 0) {
    return (await runPlan(planTask(id, { input: { inline: { data } }, maxFailed }), lake.process())).batch;
  }

  /** Of these ids the last is refused by the table: the one it replaces is gone. */
  async function refusedRun(): Promise<Plan> {
    await ingest('old', records('old', 1));
    const { dataset, waiting } = await openLake(lake);
    const replaces = [{ batch: batchDigest(resourceID('old')), id: 'default/old', run: 1 }];
    const plans = ['new', 'newer'].map((id) => planOf(dataset, id, { replaces }));
    for (const plan of plans) {
      const { batch, run } = plan;
      const key = `${dataset.table.dataFolder}${batchDigest(batch)}/${run}/0-attempt-0.parquet`;
      await saveRun(lake, plan, [receiptOf(plan, 0, { dataFiles: [{ key, rows: 2, bytes: 4 }] })]);
      await finishRun(dataset, plan, undefined, waiting);
    }
    return plans[1] ?? expect.unreachable();
  }

  test('data files that the table did not take are garbage, those that landed are not', async () => {
    const refused = await refusedRun();
    expect(keys('/data/')).toHaveLength(3);
    await settleFor(23 * hour);
    expect(keys('/data/')).toHaveLength(3);
    await settleFor(3 * hour);
    expect(keys('/data/')).toHaveLength(2);
    expect(keys(`/data/${batchDigest(refused.batch)}`)).toEqual([]);
  });

  test('files of a batch that was taken out stay: only expiry knows who still reads them', async () => {
    await refusedRun();
    await settleFor(4 * day);
    expect(keys(`/data/${batchDigest(resourceID('old'))}`)).toHaveLength(1);
  });

  test('plan, decision and markers stay, all else of a run goes', async () => {
    await refusedRun();
    await settleFor(3 * day);
    expect(keys('ingest/open/')).toEqual([]);
    const left = keys('ingest/batches/').map((key) => key.split('/').at(-1));
    expect(new Set(left)).toEqual(new Set(['plan.json', 'decision.json', 'committed.json', 'reverted.json']));
  });

  test('what a process that slept writes on the second day is found by the last look', async () => {
    await ingest('x', records('x', 1));
    await settleFor(25 * hour);
    const late = rejectKey(batchDigest(resourceID('x')), 1, 0, 'late');
    await lake.bucket('lake').put(late, '');
    await settleFor(day);
    expect(keys('/rejects/')).toEqual([]);
  });

  test('reject files are kept as long as they are to be, though nothing else of the run is left', async () => {
    await ingest('x', `${records('x', 1)}no json\n`, 1);
    await settleFor(3 * day);
    expect(keys('ingest/open/')).toEqual([]);
    expect(keys('/rejects/')).toHaveLength(1);
    await settleFor(26 * day);
    expect(keys('/rejects/')).toHaveLength(1);
    await settleFor(2 * day);
    expect([...keys('/rejects/'), ...keys('ingest/kept/')]).toEqual([]);
  });

  test('reject files that need not be kept go with the rest', async () => {
    await ingest('x', `${records('x', 1)}no json\n`, 1);
    await settleFor(50 * hour, 1);
    expect([...keys('/rejects/'), ...keys('ingest/kept/'), ...keys('ingest/open/')]).toEqual([]);
  });

  test('a report names the reject files as long as they are kept', async () => {
    const data = `${records('x', 1)}no json\n`;
    const before = await ingest('x', data, 1);
    expect(before?.diagnostics).toBe(`memory://lake/ingest/batches/${batchDigest(resourceID('x'))}/1/rejects/`);
    await settleFor(3 * day);
    expect(await ingest('x', data, 1)).toEqual(before);
    await settleFor(30 * day);
    const { diagnostics: _, ...rest } = before ?? expect.unreachable();
    expect(await ingest('x', data, 1)).toEqual(rest);
  });

  test('runs whose rejects are kept are asked nothing meanwhile', async () => {
    await ingest('x', `${records('x', 1)}no json\n`, 1);
    await settleFor(3 * day);
    expect(await settle()).toEqual(['nothing']);
  });

  test('a run whose data files still come is not abandoned', async () => {
    const { dataset } = await openLake(lake);
    const plan = planOf(dataset, 'x');
    await saveRun(lake, plan, []);
    lake.clock.advance(6 * day);
    const key = `${dataset.table.dataFolder}${batchDigest(plan.batch)}/1/0-attempt-0.parquet`;
    await lake.bucket('lake').put(key, 'rows');
    lake.clock.advance(6 * day);
    expect(await settle()).toEqual(['nothing']);
    lake.clock.advance(2 * day);
    expect(await settle()).toEqual(['abandoned']);
  });
});
