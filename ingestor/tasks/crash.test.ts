/**
 * A process may end, and an answer may be lost, at every single call to a store. Each case goes through all of them in
 * turn: whatever went wrong, running the task again leads to the same outcome and the same rows.
 */
import { describe, expect, test } from 'vitest';
import { Crash, type Fault } from '../../test/support/faulty-store.ts';
import {
  filesInput,
  finishTask,
  Lake,
  planTask,
  prepareTask,
  records,
  shardTask,
  target,
} from '../../test/support/lake-in-memory.ts';
import { idsOf, tableOf } from '../commit/testing.ts';
import { ForebayError } from '../contract/errors.ts';
import type { BatchOutcome } from '../contract/result.ts';
import type { BatchRequest, PrepareTask, TableSettings } from '../contract/task.ts';
import type { Environment } from './environment.ts';
import { runFinish } from './finish.ts';
import { runMaintain } from './maintain.ts';
import { runPlan } from './plan.ts';
import { runPrepare } from './prepare.ts';
import { runPurge } from './purge.ts';
import { runShard } from './shard.ts';

type Format = TableSettings['format'];

function tableTask(format: Format): Pick<PrepareTask, 'table'> {
  return { table: { format, compression: 'Zstd', targetFileSizeBytes: 2 ** 28 } };
}

const faults: Exclude<Fault, undefined>[] = ['crash before', 'crash after', 'lost', 'refused'];

interface Case {
  /** Brings a lake to where the work begins. */
  readonly setUp: (lake: Lake, format: Format) => Promise<void>;
  /** What goes wrong once, and is run again. */
  readonly work: (environment: Environment, format: Format) => Promise<unknown>;
  readonly check: (lake: Lake, answer: unknown, where: string) => Promise<void>;
}

/** Answers the number of calls that were tried. */
async function goThrough(one: Case, fault: Exclude<Fault, undefined>, format: Format): Promise<number> {
  const ready = new Lake();
  await one.setUp(ready, format);
  for (let at = 1; ; at += 1) {
    const lake = copyOf(ready);
    let what: string | undefined;
    let calls = 0;
    const process = lake.process((_call, method, key) => {
      if (isRepetition(key)) return undefined;
      calls += 1;
      if (calls !== at) return undefined;
      what = `${fault} ${method} ${key}, call ${at}`;
      return fault;
    });
    const answer = (await attempt(one, process, format)) ?? (await one.work(lake.process(), format));
    await one.check(lake, answer, what ?? 'nothing went wrong');
    if (what === undefined) return at - 1;
  }
}

function copyOf(ready: Lake): Lake {
  const lake = new Lake();
  lake.clock.advance(ready.clock.now() - lake.clock.now());
  for (const name of ['lake', 'source']) {
    for (const [key, object] of ready.bucket(name).objects) lake.bucket(name).objects.set(key, object);
  }
  return lake;
}

/** Races after the first, by which a store is proved: one is like another. */
function isRepetition(key: string): boolean {
  return /^ingest\/proof\/[0-9a-f]+\/[1-9]/.test(key);
}

/** Undefined when the task is to be run again. */
async function attempt(one: Case, process: Environment, format: Format): Promise<unknown> {
  try {
    return await one.work(process, format);
  } catch (thrown) {
    const isToBeRunAgain = thrown instanceof Crash || (thrown instanceof ForebayError && thrown.exitCode === 10);
    if (!isToBeRunAgain) throw thrown;
    return undefined;
  }
}

const threeFiles = { 'a.jsonl': records('a', 3), 'b.jsonl': records('b', 2), 'c.jsonl': `${records('c', 1)}{"n":1}\n` };
const allIDs = ['a-0', 'a-1', 'a-2', 'b-0', 'b-1', 'c-0'];

async function withSource(lake: Lake, format: Format): Promise<void> {
  await lake.prepare(tableTask(format));
  for (const [key, text] of Object.entries(threeFiles)) await lake.bucket('source').put(key, text);
}

function committedOnce(id: string) {
  return async (lake: Lake, _answer: unknown, where: string): Promise<void> => {
    const { batch } = await runPlan(planTask(id, { maxFailed: 1 }), lake.process());
    expect(batch, where).toMatchObject({
      outcome: 'Committed',
      run: 1,
      records: { read: 7, ingested: 6, failed: 1, skipped: 0, warnings: 0 },
    } satisfies Partial<BatchOutcome>);
    expect(await idsOf(lake), where).toEqual(allIDs);
    expect((await tableOf(lake)).totals, where).toMatchObject({
      records: 6,
      ingested: 6,
      failed: 1,
      batches: { succeeded: 1, failed: 0 },
    });
  };
}

const smallBatch: Case = {
  setUp: withSource,
  work: (environment) => runPlan(planTask('x', { maxFailed: 1 }), environment),
  check: committedOnce('x'),
};

const inShards: Partial<BatchRequest> = { maxFailed: 1, shardBytes: 1 };

const shardedBatch: Case = {
  setUp: withSource,
  work: async (environment) => {
    const { plan } = await runPlan(planTask('x', inShards), environment);
    for (let index = 0; index < plan.shards; index += 1) await runShard(shardTask('x', index), environment);
    return await runFinish(finishTask('x'), environment);
  },
  check: committedOnce('x'),
};

const connection: Partial<BatchRequest> = { maxFailed: '100%', ledger: { source: 'memory://source' } };

const connectionRun: Case = {
  setUp: withSource,
  work: (environment) => runPlan(planTask('run-1', connection), environment),
  check: async (lake, answer, where) => {
    const next = await runPlan(planTask('run-2', connection), lake.process());
    expect(next.batch, where).toMatchObject({ outcome: 'Committed', files: { input: 3, skipped: 3, output: 0 } });
    expect(answer, where).toMatchObject({ batch: { outcome: 'Committed', files: { input: 3, skipped: 0 } } });
    expect(await idsOf(lake), where).toEqual(allIDs);
  },
};

const failingBatch: Case = {
  setUp: withSource,
  work: (environment) => runPlan(planTask('x'), environment),
  check: async (lake, answer, where) => {
    expect(answer, where).toMatchObject({ batch: { outcome: 'Failed', reason: 'TooManyFailed' } });
    expect(await idsOf(lake), where).toEqual([]);
    expect((await tableOf(lake)).totals.batches, where).toEqual({ succeeded: 0, failed: 1 });
  },
};

const preparation: Case = {
  setUp: async () => {},
  work: (environment, format) => runPrepare({ ...prepareTask(), ...tableTask(format) }, environment),
  check: async (lake, answer, where) => {
    expect(answer, where).toMatchObject({ schema: { fields: 2 }, table: { sequence: 1, records: 0 } });
    const { batch } = await runPlan(planTask('x', { input: { inline: { data: records('a', 2) } } }), lake.process());
    expect(batch?.outcome, where).toBe('Committed');
  },
};

const purging: Case = {
  setUp: async (lake, format) => {
    await withSource(lake, format);
    await runPlan(planTask('x', { maxFailed: 1 }), lake.process());
  },
  work: (environment) => runPurge({ version: 1, verb: 'purge', dataset: target }, environment),
  check: async (lake, _answer, where) => {
    expect([...lake.bucket('lake').objects.keys()], where).toEqual(['dataset.json']);
    await expect(runPlan(planTask('y'), lake.process()), where).rejects.toMatchObject({ code: 'DatasetPurged' });
  },
};

const abandonedRun: Case = {
  setUp: async (lake, format) => {
    await withSource(lake, format);
    await runPlan(planTask('x', inShards), lake.process());
    lake.clock.advance(8 * 24 * 3_600_000);
  },
  work: (environment) => runMaintain({ version: 1, verb: 'maintain', dataset: target }, environment),
  check: async (lake, _answer, where) => {
    const { batch } = await runPlan(planTask('x', inShards), lake.process());
    expect(batch, where).toMatchObject({ outcome: 'Failed', reason: 'Abandoned' });
    expect((await tableOf(lake)).totals.batches, where).toEqual({ succeeded: 0, failed: 1 });
  },
};

const asked = { reason: 'Aborted', message: 'as asked' };
const revertX = finishTask('x', { abort: asked, revert: true, request: { token: 'out', digest: 'digest' } });

/** All that may be asked about a batch that was taken out is told the same, and brings nothing back. */
async function takenOutOnce(lake: Lake, answer: unknown, where: string): Promise<void> {
  const { batch } = await runFinish(revertX, lake.process());
  expect(batch, where).toMatchObject({ outcome: 'Reverted', reason: 'Reverted', run: 1, records: { ingested: 6 } });
  expect(answer, where).toMatchObject({ batch });
  for (const requestToken of ['', 'out']) {
    const again = await runPlan(planTask('x', { maxFailed: 1, requestToken }), lake.process());
    expect(again.batch, where).toEqual(batch);
  }
  expect(await idsOf(lake), where).toEqual([]);
  expect((await tableOf(lake)).totals, where).toMatchObject({
    records: 0,
    ingested: 6,
    batches: { succeeded: 1, failed: 0 },
  });
}

const revertedBatch: Case = {
  setUp: async (lake, format) => {
    await withSource(lake, format);
    await runPlan(planTask('x', { maxFailed: 1 }), lake.process());
  },
  work: (environment) => runFinish(revertX, environment),
  check: takenOutOnce,
};

/** Decided by a process that died before it landed anything. */
const revertedBeforeItLanded: Case = {
  setUp: async (lake, format) => {
    await withSource(lake, format);
    const dying = lake.process((_call, method, key) =>
      method === 'putIfAbsent' && key.includes('/metadata/v') ? 'crash before' : undefined,
    );
    await expect(runPlan(planTask('x', { maxFailed: 1 }), dying)).rejects.toThrow(Crash);
  },
  work: (environment) => runFinish(revertX, environment),
  check: takenOutOnce,
};

const old: Partial<BatchRequest> = { input: { inline: { data: records('old', 2) } } };
const replacing: Partial<BatchRequest> = { maxFailed: 1, replaces: [planTask('old').request.batch] };

async function withOldBatch(lake: Lake, format: Format): Promise<void> {
  await withSource(lake, format);
  await runPlan(planTask('old', old), lake.process());
}

async function replacedOnce(lake: Lake, answer: unknown, where: string): Promise<void> {
  const told = await runPlan(planTask('old', old), lake.process());
  expect(told.batch, where).toMatchObject({
    outcome: 'Reverted',
    reason: 'Replaced',
    run: 1,
    records: { ingested: 2 },
  });
  const again = await runPlan(planTask('x', replacing), lake.process());
  expect(again.batch, where).toMatchObject({ outcome: 'Committed', run: 1 });
  expect(answer, where).toMatchObject({ batch: again.batch });
  const { totals } = await tableOf(lake);
  expect(totals, where).toMatchObject({
    ingested: 2 + (again.batch?.records.ingested ?? 0),
    batches: { succeeded: 2 },
  });
}

const replacingBatch: Case = {
  setUp: withOldBatch,
  work: (environment) => runPlan(planTask('x', replacing), environment),
  check: async (lake, answer, where) => {
    await replacedOnce(lake, answer, where);
    expect(await idsOf(lake), where).toEqual(allIDs);
  },
};

/** Takes out only. */
const withoutInput: Case = {
  setUp: withOldBatch,
  work: (environment) => runPlan(takeOut, environment),
  check: async (lake, answer, where) => {
    const again = await runPlan(takeOut, lake.process());
    expect(again.batch, where).toMatchObject({ outcome: 'Committed', records: { read: 0 }, files: { output: 0 } });
    expect(answer, where).toMatchObject({ batch: again.batch });
    expect(await idsOf(lake), where).toEqual([]);
  },
};

const { input: _, ...noInput } = planTask('x', { replaces: replacing.replaces ?? [] }).request;
const takeOut = { ...planTask('x'), request: noInput };

/** Read and decided when the batch that it replaces was reverted. */
const replacingTooLate: Case = {
  setUp: async (lake, format) => {
    await withOldBatch(lake, format);
    await runPlan(planTask('x', { ...replacing, shardBytes: 1 }), lake.process());
    for (const index of [0, 1, 2]) await runShard(shardTask('x', index), lake.process());
    await runFinish(finishTask('old', { abort: asked, revert: true }), lake.process());
  },
  work: (environment) => runFinish(finishTask('x'), environment),
  check: async (lake, answer, where) => {
    const { batch, table } = await runFinish(finishTask('x'), lake.process());
    expect(batch, where).toMatchObject({
      outcome: 'Failed',
      reason: 'FilesGone',
      records: { ingested: 0, skipped: 6 },
    });
    expect(answer, where).toMatchObject({ batch });
    expect(table?.batches, where).toEqual({ succeeded: 1, failed: 1 });
    expect(await idsOf(lake), where).toEqual([]);
  },
};

const validating = planTask('x', { maxFailed: 1, validateOnly: true });

const validation: Case = {
  setUp: withSource,
  work: (environment) => runPlan(validating, environment),
  check: async (lake, answer, where) => {
    const { batch, table } = await runPlan(validating, lake.process());
    expect(batch, where).toMatchObject({
      outcome: 'Aborted',
      reason: 'Validated',
      records: { read: 7, ingested: 0, failed: 1, skipped: 6 },
      files: { input: 3, output: 0 },
    });
    expect(answer, where).toMatchObject({ batch });
    expect(table, where).toMatchObject({ sequence: 1, batches: { succeeded: 0, failed: 0 } });
  },
};

const replay: Partial<BatchRequest> = {
  input: { rejects: { batch: planTask('bad').request.batch } },
  read: { ...planTask('x').request.read, mapping: [{ source: 'name', destination: 'id' }] },
};

/** Refused records are read again, with a mapping that mends them. */
const replayOfRejects: Case = {
  setUp: async (lake, format) => {
    await lake.prepare(tableTask(format));
    const data = `${records('good', 1)}{"name":"mended"}\n`;
    await runPlan(planTask('bad', { input: { inline: { data } }, maxFailed: 1 }), lake.process());
  },
  work: (environment) => runPlan(planTask('x', replay), environment),
  check: async (lake, answer, where) => {
    const again = await runPlan(planTask('x', replay), lake.process());
    expect(again.batch, where).toMatchObject({ outcome: 'Committed', records: { read: 1, ingested: 1 } });
    expect(answer, where).toMatchObject({ batch: again.batch });
    expect(await idsOf(lake), where).toEqual(['good-0', 'mended']);
    const twice = await runPlan(planTask('y', replay), lake.process());
    expect(twice.batch, where).toMatchObject({ records: { ingested: 0 } });
  },
};

const cases = {
  replacingBatch,
  withoutInput,
  replacingTooLate,
  validation,
  replayOfRejects,

  revertedBatch,
  revertedBeforeItLanded,
  smallBatch,
  shardedBatch,
  connectionRun,
  failingBatch,
  preparation,
  purging,
  abandonedRun,
};

/** A call that is refused goes the way of one whose answer is lost: to see it with one format is enough. */
const faultsOf = { Parquet: faults, Iceberg: faults.filter((fault) => fault !== 'refused') } as const;

describe.each(['Parquet', 'Iceberg'] as const)('a table of format %s', (format) => {
  for (const [name, one] of Object.entries(cases)) {
    test.for(faultsOf[format])(
      `${name}: %s at every call in turn changes nothing in the end`,
      { timeout: 120_000 },
      async (fault) => {
        expect(await goThrough(one, fault, format)).toBeGreaterThan(5);
      },
    );
  }
});

test('a small batch of one file takes few calls to the stores', async () => {
  const lake = new Lake();
  await lake.prepare();
  await lake.bucket('source').put('a.jsonl', records('a', 1));
  const calls: string[] = [];
  const process = lake.process((_call, method, key) => {
    calls.push(`${method} ${key}`);
    return undefined;
  });
  await runPlan(planTask('x', { input: filesInput({ keys: ['a.jsonl'] }) }), process);
  expect(calls.length).toBeLessThanOrEqual(40);
});
