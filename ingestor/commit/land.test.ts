import { beforeEach, describe, expect, test } from 'vitest';
import { finishTask, type Lake, planTask, records } from '../../test/support/lake-in-memory.ts';
import type { BatchOutcome } from '../contract/result.ts';
import type { Environment } from '../tasks/environment.ts';
import { runFinish } from '../tasks/finish.ts';
import { runPlan } from '../tasks/plan.ts';
import type { Plan } from './documents.ts';
import { finishRun } from './finish.ts';
import { batchDigest } from './names.ts';
import { formats, newLake, openLake, planOf, receiptOf, saveRun, tableOf } from './testing.ts';

const hour = 3_600_000;

describe.each(formats)('a table of format %s', (format) => {
  let lake: Lake;

  beforeEach(async () => {
    lake = await newLake(format);
  });

  /** Planned and read, into the file `data/<batch>/…`: only its end is missing. */
  async function readRun(id: string): Promise<Plan> {
    const plan = planOf((await openLake(lake)).dataset, id);
    return await saveRun(lake, plan, [receiptOf(plan)]);
  }

  async function finish(plan: Plan, process?: Environment): Promise<BatchOutcome> {
    const { dataset, waiting } = await openLake(lake, process);
    return await finishRun(dataset, plan, undefined, waiting);
  }

  function dataFile(plan: Plan): string {
    return receiptOf(plan).dataFiles[0]?.key ?? '';
  }

  async function runProperties(): Promise<string[]> {
    return Object.keys((await tableOf(lake)).properties).filter((name) => name.startsWith('forebay.run.'));
  }

  function inline(id: string, data: string) {
    return runPlan(planTask(id, { input: { inline: { data } } }), lake.process());
  }

  test('own files that went away before they were landed fail the run, and no version names them', async () => {
    const plan = await readRun('x');
    lake.clock.advance(25 * hour);
    await lake.bucket('lake').delete([dataFile(plan)]);
    const batch = await finish(plan);
    expect(batch).toMatchObject({
      outcome: 'Failed',
      reason: 'FilesGone',
      message: `${dataFile(plan)} was written and is not in the bucket any more; nothing was added`,
      records: { read: 2, ingested: 0, skipped: 2 },
      bytes: { output: 0 },
    });
    expect((await tableOf(lake)).files).toEqual([]);
    expect((await tableOf(lake)).totals).toMatchObject({ ingested: 0, batches: { succeeded: 0, failed: 1 } });
    expect(await finish(plan)).toEqual(batch);
  });

  test('twins meet the refusal, also when the file comes back', async () => {
    const plan = await readRun('x');
    lake.clock.advance(25 * hour);
    await lake.bucket('lake').delete([dataFile(plan)]);
    const dying = lake.process((_call, method, key) =>
      method === 'putIfAbsent' && key.endsWith('/committed.json') ? 'crash before' : undefined,
    );
    await expect(finish(plan, dying)).rejects.toThrow('crash');
    await lake.bucket('lake').put(dataFile(plan), 'rows');
    expect(await finish(plan)).toMatchObject({ outcome: 'Failed', reason: 'FilesGone' });
    expect((await tableOf(lake)).totals.batches.failed).toBe(1);
  });

  test('a process that sleeps for a day before it commits looks again', async () => {
    const plan = await readRun('x');
    const sleeping = lake.process(async (_call, method, key) => {
      if (method === 'get' && key.endsWith('.metadata.json') && lake.bucket('lake').objects.has(dataFile(plan))) {
        lake.clock.advance(25 * hour);
        await lake.bucket('lake').delete([dataFile(plan)]);
      }
      return undefined;
    });
    expect(await finish(plan, sleeping)).toMatchObject({ outcome: 'Failed', reason: 'FilesGone' });
  });

  test('files of a day ago that are there are landed', async () => {
    const plan = await readRun('x');
    lake.clock.advance(25 * hour);
    expect((await finish(plan)).outcome).toBe('Committed');
  });

  test('young files are not looked at', async () => {
    const plan = await readRun('x');
    const looked: string[] = [];
    const process = lake.process((_call, method, key) => {
      if (method === 'head') looked.push(key);
      return undefined;
    });
    await finish(plan, process);
    expect(looked).not.toContain(dataFile(plan));
  });

  test('ages are by the clock of the store', async () => {
    const plan = await readRun('x');
    lake.clock.advance(25 * hour);
    await lake.bucket('lake').delete([dataFile(plan)]);
    const { clock } = lake;
    const behind = { ...clock, now: () => clock.now() - 30 * hour };
    const process = lake.process(undefined, undefined, behind);
    expect(await finish(plan, process)).toMatchObject({ outcome: 'Failed', reason: 'FilesGone' });
  });

  test('a run whose files were gone can be tried again, for a new request', async () => {
    const plan = await readRun('x');
    lake.clock.advance(25 * hour);
    await lake.bucket('lake').delete([dataFile(plan)]);
    await finish(plan);
    const change = { input: { inline: { data: records('x', 1) } }, requestToken: 'again' };
    const { batch } = await runPlan(planTask('x', change), lake.process());
    expect(batch).toMatchObject({ run: 2, outcome: 'Committed' });
  });

  test('the table remembers the last batch and the last that failed, by the ids that users know', async () => {
    await inline('good', records('a', 1));
    await inline('bad', 'no json\n');
    expect((await tableOf(lake)).totals.lastBatch?.id).toBe('default/good');
    expect((await tableOf(lake)).totals.lastFailedBatch?.id).toBe('default/bad');
    const { table } = await inline('bad', 'no json\n');
    expect(table?.lastBatch?.id).toBe('default/good');
    expect(table?.lastFailedBatch?.time).toBe(new Date((await tableOf(lake)).lastCommitTime).toISOString());
  });

  test('the property of a run leaves the table with the commit after its marker', async () => {
    await inline('x', records('a', 1));
    expect(await runProperties()).toHaveLength(1);
    await inline('y', records('b', 1));
    expect(await runProperties()).toEqual([expect.stringContaining(batchDigest(planTask('y').request.batch))]);
  });

  test('the property of a run without a marker stays', async () => {
    const plan = await readRun('x');
    const dying = lake.process((_call, method, key) =>
      method === 'putIfAbsent' && key.endsWith('/committed.json') ? 'crash before' : undefined,
    );
    await expect(finish(plan, dying)).rejects.toThrow('crash');
    await inline('y', records('b', 1));
    expect(await runProperties()).toHaveLength(2);
    expect((await finish(plan)).outcome).toBe('Committed');
    expect((await tableOf(lake)).totals.batches.succeeded).toBe(2);
  });

  test('a run that was only to validate leaves no trace in the table', async () => {
    const { dataset } = await openLake(lake);
    const plan = planOf(dataset, 'x');
    const validating = { ...plan, reading: plan.reading && { ...plan.reading, validateOnly: true } };
    await saveRun(lake, validating, [receiptOf(plan, 0, { dataFiles: [] })]);
    const { sequence } = await tableOf(lake);
    expect(await finish(validating)).toMatchObject({
      outcome: 'Aborted',
      reason: 'Validated',
      records: { skipped: 2 },
    });
    expect((await tableOf(lake)).sequence).toBe(sequence);
  });
});

/** Of the newest snapshot, as any reader of the lake finds it. */
function newestSummary(lake: Lake): Record<string, string> {
  const version = [...lake.bucket('lake').objects.keys()].filter((key) => key.endsWith('.metadata.json')).length;
  const [key = ''] = [...lake.bucket('lake').objects.keys()].filter((it) => it.endsWith(`/v${version}.metadata.json`));
  return JSON.parse(lake.text(key)).snapshots.at(-1).summary;
}

test('the summary of a snapshot names the batch and what became of its records', async () => {
  const lake = await newLake('Iceberg');
  const data = `${records('a', 3)}no json\n`;
  await runPlan(planTask('x', { input: { inline: { data } }, maxFailed: 1 }), lake.process());
  expect(newestSummary(lake)).toMatchObject({
    operation: 'append',
    'added-records': '3',
    'forebay.batch': 'default/x',
    'forebay.run': '1',
    'forebay.records-read': '4',
    'forebay.records-ingested': '3',
    'forebay.records-failed': '1',
    'forebay.records-skipped': '0',
  });
});

test('the summary of a revert names the batch whose rows left', async () => {
  const lake = await newLake('Iceberg');
  await runPlan(planTask('x', { input: { inline: { data: records('a', 3) } } }), lake.process());
  const abort = { reason: 'Aborted', message: 'asked' };
  await runFinish(finishTask('x', { abort, revert: true }), lake.process());
  expect(newestSummary(lake)).toMatchObject({
    operation: 'delete',
    'deleted-records': '3',
    'forebay.reverts': 'default/x',
    'forebay.run': '1',
  });
});

test('the summary of a commit that replaces names the batches whose rows left', async () => {
  const lake = await newLake('Iceberg');
  await runPlan(planTask('old', { input: { inline: { data: records('a', 3) } } }), lake.process());
  const { dataset, waiting } = await openLake(lake);
  const replaces = [{ batch: batchDigest(planTask('old').request.batch), id: 'default/old', run: 1 }];
  const plan = planOf(dataset, 'new', { replaces });
  await finishRun(dataset, await saveRun(lake, plan, [receiptOf(plan)]), undefined, waiting);
  expect(newestSummary(lake)).toMatchObject({ operation: 'overwrite', 'forebay.replaces': '["default/old"]' });
});
