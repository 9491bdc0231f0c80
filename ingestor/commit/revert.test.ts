import { beforeEach, describe, expect, test } from 'vitest';
import { finishTask, type Lake, planTask, records, shardTask } from '../../test/support/lake-in-memory.ts';
import type { FinishTask } from '../contract/task.ts';
import type { Environment } from '../tasks/environment.ts';
import { runFinish } from '../tasks/finish.ts';
import { runPlan } from '../tasks/plan.ts';
import { runShard } from '../tasks/shard.ts';
import { decide } from './decide.ts';
import { Decision } from './documents.ts';
import { landRun } from './land.ts';
import { batchDigest, compactionBatch, decisionKey, rowExpiryBatch } from './names.ts';
import { formats, idsOf, newLake, openLake, planOf, saveRun, tableOf } from './testing.ts';

const asked = { reason: 'Aborted', message: 'desiredState is Reverted' };
const twoFiles = { shardBytes: 1 };

describe.each(formats)('a table of format %s', (format) => {
  let lake: Lake;

  beforeEach(async () => {
    lake = await newLake(format);
    for (const key of ['a', 'b']) await lake.bucket('source').put(key, records(key, 2));
  });

  function revertTask(id: string, change: Partial<FinishTask> = {}): FinishTask {
    return finishTask(id, { abort: asked, revert: true, request: { token: '', digest: 'digest' }, ...change });
  }

  async function revert(id: string, change: Partial<FinishTask> = {}, process: Environment = lake.process()) {
    return await runFinish(revertTask(id, change), process);
  }

  async function commit(id: string, requestToken = ''): Promise<void> {
    const { run, plan } = await runPlan(planTask(id, { ...twoFiles, requestToken }), lake.process());
    for (let index = 0; index < plan.shards; index += 1) {
      await runShard(shardTask(id, index, undefined, run), lake.process());
    }
    await runFinish(finishTask(id, { run }), lake.process());
  }

  function keys(part: string): string[] {
    return [...lake.bucket('lake').objects.keys()].filter((key) => key.includes(part));
  }

  /** What an internal run does to the table: as compaction and row expiry. */
  async function changeFiles(
    id: 'compaction' | 'row-expiry',
    removeFiles: string[],
    dataFiles: string[],
  ): Promise<void> {
    const { dataset, waiting } = await openLake(lake);
    const batch = id === 'compaction' ? compactionBatch : rowExpiryBatch;
    const plan = await saveRun(lake, { ...planOf(dataset, id), batch }, []);
    const decision: Decision = {
      version: 1,
      attempt: id,
      table: plan.table,
      run: 1,
      outcome: 'Committed',
      reason: 'Active',
      message: '',
      records: { read: 0, ingested: 0, failed: 0, skipped: 0, warnings: 0 },
      files: { input: removeFiles.length, skipped: 0, failed: 0, output: dataFiles.length },
      bytes: { input: 0, output: 0 },
      errors: [],
      dataFiles: dataFiles.map((key) => ({ key, rows: 1, bytes: 1 })),
      removeFiles,
      ...(dataFiles.length > 0 ? { rewrites: true } : {}),
      rejectFiles: [],
      time: 0,
    };
    await decide(dataset.store, decisionKey(batchDigest(batch), 1), Decision, decision, waiting);
    expect(await landRun(dataset, plan, decision, waiting)).toMatchObject({ outcome: 'Committed' });
  }

  test('the rows of a committed batch leave the table in one commit', async () => {
    await commit('x');
    await commit('y');
    const { sequence } = await tableOf(lake);
    const { batch, table } = await revert('x');
    expect(batch).toMatchObject({
      run: 1,
      outcome: 'Reverted',
      reason: 'Reverted',
      message: '4 records of default/x were taken out again',
      records: { read: 4, ingested: 4 },
      snapshotID: (await tableOf(lake)).snapshotID,
    });
    expect(table).toMatchObject({
      sequence: sequence + 1,
      records: 4,
      files: 2,
      ingested: 8,
      batches: { succeeded: 2 },
    });
    expect(await idsOf(lake)).toEqual(['a-0', 'a-1', 'b-0', 'b-1']);
  });

  test('whoever asks is told the same, however often', async () => {
    await commit('x');
    const { batch } = await revert('x');
    expect((await revert('x')).batch).toEqual(batch);
    expect((await runFinish(finishTask('x'), lake.process())).batch).toEqual(batch);
    expect((await runFinish(finishTask('x', { abort: asked }), lake.process())).batch).toEqual(batch);
    expect((await runPlan(planTask('x', twoFiles), lake.process())).batch).toEqual(batch);
    expect(keys('/reverted.json')).toHaveLength(1);
  });

  test('twins take the rows out once', async () => {
    await commit('x');
    const { sequence } = await tableOf(lake);
    const told = await Promise.all(Array.from({ length: 6 }, () => revert('x')));
    expect(new Set(told.map(({ batch }) => JSON.stringify(batch))).size).toBe(1);
    expect((await tableOf(lake)).sequence).toBe(sequence + 1);
  });

  test('to abort never takes committed rows out', async () => {
    await commit('x');
    const { batch } = await runFinish(finishTask('x', { abort: asked }), lake.process());
    expect(batch).toMatchObject({ outcome: 'Committed', reason: 'Active' });
    expect(await idsOf(lake)).toHaveLength(4);
  });

  test('a run that is not committed is aborted', async () => {
    await runPlan(planTask('x', twoFiles), lake.process());
    expect((await revert('x')).batch).toMatchObject({ outcome: 'Aborted', reason: 'Aborted', message: asked.message });
    expect((await revert('x')).batch).toMatchObject({ outcome: 'Aborted', run: 1 });
  });

  test('a request that nobody planned is aborted, and starts no run later', async () => {
    expect((await revert('x')).batch).toMatchObject({ outcome: 'Aborted', run: 1 });
    const late = await runPlan(planTask('x', twoFiles), lake.process());
    expect(late.batch).toMatchObject({ outcome: 'Aborted', run: 1 });
  });

  test('a run that was decided and not landed is landed and taken out', async () => {
    await runPlan(planTask('x', twoFiles), lake.process());
    for (const index of [0, 1]) await runShard(shardTask('x', index), lake.process());
    const dying = lake.process((_call, method, key) =>
      method === 'putIfAbsent' && key.includes('/metadata/v') ? 'crash before' : undefined,
    );
    await expect(runFinish(finishTask('x'), dying)).rejects.toThrow('crash');
    expect((await revert('x')).batch.outcome).toBe('Reverted');
    expect(await idsOf(lake)).toEqual([]);
  });

  test('a batch without rows is only marked', async () => {
    await runPlan(planTask('x', { input: { inline: { data: '' } } }), lake.process());
    const { sequence } = await tableOf(lake);
    const { batch } = await revert('x');
    expect(batch).toMatchObject({ outcome: 'Reverted', records: { ingested: 0 } });
    expect((await revert('x')).batch).toEqual(batch);
    expect((await tableOf(lake)).sequence).toBe(sequence);
  });

  test('a failed batch stays failed', async () => {
    await runPlan(planTask('x', { input: { inline: { data: 'no json\n' } } }), lake.process());
    expect((await revert('x')).batch).toMatchObject({ outcome: 'Failed', reason: 'TooManyFailed' });
  });

  test('the request of a reverted batch does not bring its rows back; a new one does', async () => {
    await commit('x');
    await revert('x');
    const { batch } = await runPlan(planTask('x', twoFiles), lake.process());
    expect(batch?.outcome).toBe('Reverted');
    await commit('x', 'again');
    expect(await idsOf(lake)).toHaveLength(4);
    const again = await runPlan(planTask('x', { ...twoFiles, requestToken: 'again' }), lake.process());
    expect(again.batch).toMatchObject({ outcome: 'Committed', run: 2 });
  });

  test('the token of a request to revert starts no run later, also after further runs', async () => {
    await commit('x');
    await revert('x', { request: { token: 'take out', digest: 'digest' } });
    const later = () => runPlan(planTask('x', { ...twoFiles, requestToken: 'take out' }), lake.process());
    expect((await later()).batch).toMatchObject({ outcome: 'Reverted', run: 1 });
    await runPlan(planTask('x', { ...twoFiles, requestToken: 'again' }), lake.process());
    await runFinish(finishTask('x', { run: 2, abort: asked }), lake.process());
    expect((await later()).batch).toMatchObject({ outcome: 'Reverted', run: 1 });
  });

  test('a revert that slept takes nothing out of a later run', async () => {
    await commit('x');
    await revert('x', { request: { token: 'take out', digest: 'digest' } });
    await commit('x', 'again');
    for (const token of ['', 'take out']) {
      const { batch } = await revert('x', { request: { token, digest: 'digest' } });
      expect(batch).toMatchObject({ outcome: 'Reverted', run: 1 });
    }
    const { request: _, ...numbered } = revertTask('x');
    expect((await runFinish(numbered, lake.process())).batch).toMatchObject({ outcome: 'Reverted', run: 1 });
    expect(await idsOf(lake)).toHaveLength(4);
    expect((await revert('x', { request: { token: 'again', digest: 'digest' } })).batch.run).toBe(2);
    expect(await idsOf(lake)).toEqual([]);
  });

  test('the rows of a batch that was committed for another request stay', async () => {
    await commit('x');
    const { batch } = await revert('x', { request: { token: '', digest: 'other' } });
    expect(batch).toMatchObject({ outcome: 'Failed', reason: 'AlreadyCommitted' });
    expect(await idsOf(lake)).toHaveLength(4);
  });

  test('where a file is not in the table any more, nothing is changed, and all are told so', async () => {
    await commit('x');
    await changeFiles('compaction', [(await tableOf(lake)).files[0]?.key ?? ''], ['merged']);
    const rest = (await tableOf(lake)).files.map(({ key }) => key);
    const { batch } = await revert('x');
    expect(batch).toMatchObject({
      outcome: 'Committed',
      reason: 'FilesRewritten',
      message: '1 of 2 files that were to leave the table were compacted; their rows are in other files now',
      records: { ingested: 4 },
    });
    expect((await revert('x')).batch).toEqual(batch);
    expect((await tableOf(lake)).files.map(({ key }) => key)).toEqual(rest);
  });

  test('files whose rows were past retention are out already: the rest is taken out', async () => {
    await commit('x');
    await changeFiles('row-expiry', [(await tableOf(lake)).files[0]?.key ?? ''], []);
    expect((await revert('x')).batch).toMatchObject({ outcome: 'Reverted', reason: 'Reverted' });
    expect((await tableOf(lake)).files).toEqual([]);
  });

  test('when retention took all rows, a revert still is in the table first', async () => {
    await commit('x');
    await changeFiles(
      'row-expiry',
      (await tableOf(lake)).files.map(({ key }) => key),
      [],
    );
    const { sequence } = await tableOf(lake);
    expect((await revert('x')).batch.outcome).toBe('Reverted');
    expect((await tableOf(lake)).sequence).toBe(sequence + 1);
  });

  test('the program does not revert its own batches: rows of others are in their files', async () => {
    const task = revertTask('x', { batch: compactionBatch });
    await expect(runFinish(task, lake.process())).rejects.toMatchObject({ code: 'InvalidTask' });
  });

  test('a revert that died before its marker is told by the table, and the next commit makes the marker', async () => {
    await commit('x');
    const dying = lake.process((_call, method, key) =>
      method === 'putIfAbsent' && key.endsWith('/reverted.json') ? 'crash before' : undefined,
    );
    await expect(revert('x', {}, dying)).rejects.toThrow('crash');
    expect(keys('/reverted.json')).toEqual([]);
    const { batch } = await runFinish(finishTask('x'), lake.process());
    expect(batch.outcome).toBe('Reverted');
    await commit('y');
    expect(keys('/reverted.json')).toHaveLength(1);
    expect(Object.keys((await tableOf(lake)).properties).filter((name) => name.startsWith('forebay.revert.'))).toEqual(
      [],
    );
    expect((await revert('x')).batch).toEqual(batch);
  });
});
