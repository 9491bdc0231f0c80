import { beforeEach, describe, expect, test } from 'vitest';
import { finishTask, type Lake, planTask, records } from '../../test/support/lake-in-memory.ts';
import { seededRandom } from '../../test/support/waiting.ts';
import type { BatchOutcome } from '../contract/result.ts';
import { loadState } from '../table/commit.ts';
import type { Environment } from '../tasks/environment.ts';
import { runFinish } from '../tasks/finish.ts';
import { runPlan } from '../tasks/plan.ts';
import type { Plan } from './documents.ts';
import { finishRun } from './finish.ts';
import { batchDigest } from './names.ts';
import { committedRun } from './runs.ts';
import { formats, newLake, openLake, planOf, receiptOf, resourceID, saveRun, tableOf } from './testing.ts';

describe.each(formats)('a table of format %s', (format) => {
  let lake: Lake;

  beforeEach(async () => {
    lake = await newLake(format);
    await runPlan(planTask('old', { input: { inline: { data: records('old', 2) } } }), lake.process());
  });

  /** Planned and read: only its end is missing. */
  async function readRun(id: string, replaced: readonly string[], change: Partial<Plan> = {}): Promise<Plan> {
    const { dataset } = await openLake(lake);
    const replaces = replaced.map((other) => ({
      batch: batchDigest(resourceID(other)),
      id: `default/${other}`,
      run: 1,
    }));
    const plan = planOf(dataset, id, { replaces, ...change });
    return await saveRun(
      lake,
      plan,
      plan.shards.map((_, index) => receiptOf(plan, index)),
    );
  }

  async function finish(plan: Plan, process?: Environment): Promise<BatchOutcome> {
    const { dataset, waiting } = await openLake(lake, process);
    return await finishRun(dataset, plan, undefined, waiting);
  }

  async function tell(id: string): Promise<BatchOutcome> {
    return (await runFinish(finishTask(id), lake.process())).batch;
  }

  async function revert(id: string, process = lake.process()): Promise<BatchOutcome> {
    const abort = { reason: 'Aborted', message: 'asked' };
    return (await runFinish(finishTask(id, { abort, revert: true }), process)).batch;
  }

  async function batchesInTable(): Promise<string[]> {
    return (await tableOf(lake)).files.map(({ key }) => /data\/([0-9a-f]{32})\//.exec(key)?.[1] ?? key).sort();
  }

  function digests(...ids: string[]): string[] {
    return ids.map((id) => batchDigest(resourceID(id))).sort();
  }

  test('rows come and the replaced ones leave in one commit, and both batches say so', async () => {
    const { sequence } = await tableOf(lake);
    const batch = await finish(await readRun('new', ['old']));
    expect(batch).toMatchObject({ outcome: 'Committed', reason: 'Active' });
    expect(await batchesInTable()).toEqual(digests('new'));
    expect((await tableOf(lake)).sequence).toBe(sequence + 1);
    expect(await tell('old')).toMatchObject({
      outcome: 'Reverted',
      reason: 'Replaced',
      message: '2 records were taken out by batch default/new, run 1, which replaces this one',
      snapshotID: batch.snapshotID,
      records: { read: 2, ingested: 2 },
    });
  });

  test('a batch may only take out what it replaces', async () => {
    const plan = await readRun('new', ['old'], { shards: [], files: { input: 0, skipped: 0 } });
    expect(await finish(plan)).toMatchObject({ outcome: 'Committed', records: { read: 0 }, files: { output: 0 } });
    expect(await batchesInTable()).toEqual([]);
    expect((await tell('old')).reason).toBe('Replaced');
  });

  test('several batches are replaced at once', async () => {
    await runPlan(planTask('older', { input: { inline: { data: records('older', 2) } } }), lake.process());
    await finish(await readRun('new', ['old', 'older']));
    expect(await batchesInTable()).toEqual(digests('new'));
    expect([(await tell('old')).reason, (await tell('older')).reason]).toEqual(['Replaced', 'Replaced']);
  });

  test('of two that replace one batch, the second is refused and changes nothing', async () => {
    const [one, other] = [await readRun('new', ['old']), await readRun('newer', ['old'])];
    const [first, second] = [await finish(one), await finish(other)];
    expect(first.outcome).toBe('Committed');
    expect(second).toMatchObject({
      outcome: 'Failed',
      reason: 'FilesGone',
      message: 'the rows of default/old were taken out before: default/new replaced it',
      records: { read: 2, ingested: 0, skipped: 2 },
      files: { output: 0 },
    });
    expect(second.snapshotID).toBeUndefined();
    expect(await batchesInTable()).toEqual(digests('new'));
    expect((await tableOf(lake)).totals.batches).toEqual({ succeeded: 2, failed: 1 });
    expect(await tell('newer')).toEqual(second);
  });

  test('what was reverted cannot be replaced any more', async () => {
    const plan = await readRun('new', ['old']);
    await revert('old');
    expect(await finish(plan)).toMatchObject({
      outcome: 'Failed',
      reason: 'FilesGone',
      message: 'the rows of default/old were taken out before: it was reverted',
    });
    expect(await tell('old')).toMatchObject({ outcome: 'Reverted', reason: 'Reverted' });
  });

  test('what was replaced is not reverted again', async () => {
    await finish(await readRun('new', ['old']));
    const { sequence } = await tableOf(lake);
    expect(await revert('old')).toMatchObject({ outcome: 'Reverted', reason: 'Replaced' });
    expect((await tableOf(lake)).sequence).toBe(sequence);
  });

  test('to revert a batch that replaced another brings nothing back', async () => {
    await finish(await readRun('new', ['old']));
    await revert('new');
    expect(await batchesInTable()).toEqual([]);
  });

  test('a batch that is replaced may be ingested anew, for a new request', async () => {
    await finish(await readRun('new', ['old']));
    const again = (requestToken: string) =>
      runPlan(planTask('old', { input: { inline: { data: records('old', 2) } }, requestToken }), lake.process());
    expect((await again('')).batch).toMatchObject({ run: 1, outcome: 'Reverted' });
    expect((await again('again')).batch).toMatchObject({ run: 2, outcome: 'Committed' });
    expect(await batchesInTable()).toEqual(digests('new', 'old'));
  });

  test('a run that was refused by the table may be tried again, for a new request', async () => {
    const plan = await readRun('new', ['old']);
    await revert('old');
    await finish(plan);
    const again = await runPlan(
      planTask('new', { input: { inline: { data: records('new', 1) } }, requestToken: 'again' }),
      lake.process(),
    );
    expect(again.batch).toMatchObject({ run: 2, outcome: 'Committed' });
  });

  test('a file that something else removed: nothing is changed', async () => {
    const plan = await readRun('new', ['old']);
    const { dataset, waiting } = await openLake(lake);
    const state = await loadState(dataset.table);
    const stamp = { snapshotID: '7', time: state.lastCommitTime + 1 };
    await dataset.table.commit(state, { removeFiles: (await tableOf(lake)).files.map(({ key }) => key) }, stamp);
    expect(await finishRun(dataset, plan, undefined, waiting)).toMatchObject({
      outcome: 'Failed',
      reason: 'FilesGone',
      message: '1 of 1 files that were to leave the table are not in it any more',
    });
    expect((await tell('old')).outcome).toBe('Committed');
  });

  test('the run whose rows are in the table is found by the id of its batch', async () => {
    const find = async (id: string) => {
      const { dataset, waiting } = await openLake(lake);
      return (await committedRun(dataset, resourceID(id), waiting))?.plan.run;
    };
    expect(await find('old')).toBe(1);
    expect(await find('unknown')).toBeUndefined();
    const plan = await readRun('new', ['old']);
    await expect(find('new')).rejects.toMatchObject({ code: 'RunUndecided', exitCode: 10 });
    await finish(plan);
    expect([await find('old'), await find('new')]).toEqual([undefined, 1]);
  });

  test('what died between commit and markers is told as it is, and finished by whoever comes', async () => {
    const plan = await readRun('new', ['old']);
    const dying = lake.process((_call, method, key) =>
      method === 'putIfAbsent' && key.endsWith('/reverted.json') ? 'crash before' : undefined,
    );
    await expect(finish(plan, dying)).rejects.toThrow('crash');
    expect((await tell('old')).reason).toBe('Replaced');
    expect((await finish(plan)).outcome).toBe('Committed');
    const marker = `ingest/batches/${batchDigest(resourceID('old'))}/1/reverted.json`;
    expect(JSON.parse(lake.text(marker))).toMatchObject({ outcome: 'Reverted', by: { id: 'default/new', run: 1 } });
  });

  /** Lets others go on before a call, as often as chance has it; some processes are slower than others. */
  function interleaved(random: () => number): Environment {
    const slowness = random() * 60;
    return lake.process(async () => {
      for (let turns = Math.floor(random() * slowness); turns > 0; turns -= 1) await undefined;
      return undefined;
    });
  }

  test.for(Array.from({ length: 40 }, (_, seed) => seed))(
    'seed %i: revert, two that replace and their twins at once tell one story',
    async (seed) => {
      const plans = [await readRun('new', ['old']), await readRun('newer', ['old'])];
      const { number } = seededRandom(seed);
      const work = [
        ...plans.map((plan) => () => finish(plan, interleaved(number))),
        () => revert('old', interleaved(number)),
      ];
      await Promise.all([...work, ...work].map((one) => one()));
      const [first, second, old] = [await tell('new'), await tell('newer'), await tell('old')];
      expect(old.outcome).toBe('Reverted');
      const replacing = [first, second].filter(({ outcome }) => outcome === 'Committed');
      expect(replacing).toHaveLength(old.reason === 'Replaced' ? 1 : 0);
      for (const { batchID } of replacing) expect(old.message).toContain(batchID);
      expect(await batchesInTable()).toEqual(
        digests(...replacing.map(({ batchID }) => batchID.replace('default/', ''))),
      );
    },
  );
});
