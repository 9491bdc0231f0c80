import { beforeEach, describe, expect, test } from 'vitest';
import { finishTask, type Lake, planTask, shardTask } from '../../test/support/lake-in-memory.ts';
import type { BatchRequest } from '../contract/task.ts';
import { runFinish } from '../tasks/finish.ts';
import { runPlan } from '../tasks/plan.ts';
import { idsOf, newLake, resourceID } from './testing.ts';

let lake: Lake;

beforeEach(async () => {
  lake = await newLake('Iceberg');
});

async function ingest(id: string, lines: string, change: Partial<BatchRequest> = {}) {
  const input = { inline: { data: lines } };
  return await runPlan(planTask(id, { input, maxFailed: '100%', ...change }), lake.process());
}

/** A batch that names others and brings nothing. */
async function takeOut(id: string, ...ids: string[]) {
  const { input: _, ...request } = planTask(id, { replaces: ids.map(resourceID) }).request;
  return await runPlan({ ...planTask(id), request }, lake.process());
}

describe('replacing', () => {
  test('rows of the batches named leave as those of this one come', async () => {
    await ingest('old', '{"id":"a"}\n');
    await ingest('older', '{"id":"b"}\n');
    const { batch } = await ingest('new', '{"id":"c"}\n', { replaces: [resourceID('old'), resourceID('older')] });
    expect(batch?.outcome).toBe('Committed');
    expect(await idsOf(lake)).toEqual(['c']);
  });

  test('a batch without input only takes out', async () => {
    await ingest('old', '{"id":"a"}\n');
    await ingest('other', '{"id":"b"}\n');
    const { batch, plan } = await takeOut('gone', 'old');
    expect(batch).toMatchObject({ outcome: 'Committed', files: { input: 0 }, records: { read: 0 } });
    expect(plan.shards).toBe(0);
    expect(await idsOf(lake)).toEqual(['b']);
  });

  test.for<[string, string[], string]>([
    ['that never was', ['unknown'], 'default/unknown has no rows in the table'],
    ['that failed', ['failed'], 'default/failed has no rows in the table'],
    ['that was taken out', ['reverted'], 'default/reverted has no rows in the table'],
    ['that was replaced', ['replaced'], 'default/replaced has no rows in the table'],
    ['that brought no rows', ['empty'], 'default/empty brought no rows'],
    ['that is named twice', ['good', 'good'], 'default/good is named twice'],
    ['that is this one', ['new'], 'default/new cannot replace itself'],
  ])('a batch %s cannot be replaced', async ([, ids, message]) => {
    await ingest('good', '{"id":"good"}\n');
    await ingest('failed', 'nonsense\n', { maxFailed: 0 });
    await ingest('empty', 'nonsense\n');
    for (const id of ['reverted', 'replaced']) await ingest(id, `{"id":"${id}"}\n`);
    await runFinish(
      finishTask('reverted', { abort: { reason: 'Aborted', message: '' }, revert: true }),
      lake.process(),
    );
    await takeOut('replacing', 'replaced');
    const { batch } = await ingest('new', '{"id":"new"}\n', { replaces: ids.map(resourceID) });
    expect(batch).toMatchObject({ outcome: 'Failed', reason: 'NothingToReplace' });
    expect(batch?.message).toContain(message);
    expect(await idsOf(lake)).toEqual(['good']);
  });

  test('a batch that is under way is waited for', async () => {
    for (const name of ['a', 'b']) await lake.bucket('source').put(`${name}.jsonl`, `{"id":"${name}"}\n`);
    await runPlan(planTask('old', { shardBytes: 1 }), lake.process());
    const replacing = ingest('new', '{"id":"c"}\n', { replaces: [resourceID('old')] });
    await expect(replacing).rejects.toMatchObject({ code: 'RunUndecided', exitCode: 10 });
    for (const index of [0, 1]) await runShard(index);
    await runFinish(finishTask('old'), lake.process());
    await ingest('new', '{"id":"c"}\n', { replaces: [resourceID('old')] });
    expect(await idsOf(lake)).toEqual(['c']);
  });

  async function runShard(index: number): Promise<void> {
    const { runShard: run } = await import('../tasks/shard.ts');
    await run(shardTask('old', index), lake.process());
  }

  test('files of a replaced batch may be taken again by the one that replaces it, and by no other', async () => {
    await lake.bucket('source').put('a.jsonl', '{"id":"a"}\n');
    const connection = { ledger: { source: 's3://source' } };
    await runPlan(planTask('old', connection), lake.process());
    const other = await runPlan(planTask('other', connection), lake.process());
    expect(other.batch?.files).toMatchObject({ input: 1, skipped: 1 });
    const again = await runPlan(planTask('new', { ...connection, replaces: [resourceID('old')] }), lake.process());
    expect(again.batch).toMatchObject({ outcome: 'Committed', files: { skipped: 0, output: 1 } });
    expect(await idsOf(lake)).toEqual(['a']);
  });
});

describe('refused records', () => {
  const replay = (id: string, of: string) => {
    return runPlan(planTask(id, { input: { rejects: { batch: resourceID(of) } }, maxFailed: '100%' }), lake.process());
  };

  test('are read again, once, whoever asks', async () => {
    await ingest('first', '{"id":"a"}\n{"id":7}\nnonsense\n');
    const { batch } = await replay('again', 'first');
    expect(batch).toMatchObject({
      outcome: 'Committed',
      files: { input: 1, skipped: 0 },
      records: { read: 2, failed: 2 },
    });
    expect((await replay('thrice', 'first')).batch?.files).toMatchObject({ input: 1, skipped: 1 });
  });

  test('of a replay may be replayed too', async () => {
    await ingest('first', 'nonsense\n');
    await replay('again', 'first');
    expect((await replay('thrice', 'again')).batch?.records).toMatchObject({ read: 1, failed: 1 });
  });

  test('of the latest run that has any are taken', async () => {
    await ingest('first', 'one\ntwo\n', { maxFailed: 0 });
    await ingest('first', '{"id":"a"}\n', { requestToken: 'again' });
    expect((await replay('again', 'first')).batch?.records).toMatchObject({ read: 2 });
  });

  test.for([
    ['unknown', 'never ran'],
    ['good', 'refused no record'],
    ['old', 'not kept any more'],
  ])('of a batch that is %s: it %s', async ([id = '', message]) => {
    await ingest('good', '{"id":"a"}\n');
    await ingest('old', 'nonsense\n');
    const bucket = lake.bucket('lake');
    await bucket.delete([...bucket.objects.keys()].filter((key) => key.includes('/rejects/')));
    const { batch } = await replay('again', id);
    expect(batch).toMatchObject({ outcome: 'Failed', reason: 'NoInput' });
    expect(batch?.message).toContain(message);
  });
});
