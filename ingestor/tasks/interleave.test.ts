/**
 * Many processes on one dataset, each verb twice and more, their calls to the store in an order that a seed decides;
 * some calls lose their answer, some processes end on the way, others sleep while days pass. Then everything is run
 * once more with nothing going wrong. `FOREBAY_SEEDS=1000` tries more; `FOREBAY_SEED=7` tries one.
 */
import { setImmediate } from 'node:timers/promises';
import { expect, test } from 'vitest';
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
import { seededRandom } from '../../test/support/waiting.ts';
import { parseDocument } from '../contract/documents.ts';
import type { Random } from '../contract/environment.ts';
import { ForebayError } from '../contract/errors.ts';
import type { BatchOutcome } from '../contract/result.ts';
import type { BatchRequest, FinishTask } from '../contract/task.ts';
import { TableMetadata } from '../table/parquet-table.ts';
import type { Environment } from './environment.ts';
import { runFinish } from './finish.ts';
import { runMaintain } from './maintain.ts';
import { runPlan } from './plan.ts';
import { runPrepare } from './prepare.ts';
import { runShard } from './shard.ts';

const seeds =
  process.env.FOREBAY_SEED === undefined
    ? Array.from({ length: Number(process.env.FOREBAY_SEEDS ?? 40) }, (_, seed) => seed)
    : [Number(process.env.FOREBAY_SEED)];

test.for(seeds)('seed %i: each record once, counts equal, all tell the same', { timeout: 60_000 }, async (seed) => {
  const lake = await makeLake();
  const outcomes = new Map<string, Set<string>>();
  await interleave(lake, tasks(outcomes), seededRandom(seed));
  await runAllOnce(lake, outcomes);
  expectOneStory(outcomes);
  await expectRows(lake);
  expectEveryVersion(lake);
});

/** Records that each batch brings, when it is committed. */
const batches: Record<string, Partial<BatchRequest>> = {
  small: { input: { inline: { data: records('small', 3) } } },
  sharded: { input: filesInput({ keys: ['a', 'b', 'c'] }), shardBytes: 1 },
  failing: { input: { inline: { data: '{"id":7}\n' } } },
  connection1: { input: filesInput({ glob: 'from/*' }), ledger: { source: 'source' }, maxFailed: '100%' },
  connection2: { input: filesInput({ glob: 'from/*' }), ledger: { source: 'source' }, maxFailed: '100%' },
  connection3: {
    input: filesInput({ glob: 'from/*' }),
    ledger: { source: 'source' },
    maxFailed: '100%',
    shardBytes: 1,
  },
};

async function makeLake(): Promise<Lake> {
  const lake = new Lake();
  await lake.prepare();
  for (const key of ['a', 'b', 'c', 'from/d', 'from/e']) await lake.bucket('source').put(key, records(key, 2));
  return lake;
}

type Work = (environment: Environment) => Promise<unknown>;

function tasks(outcomes: Map<string, Set<string>>): Work[] {
  const input = batches.sharded?.input;
  const work: Work[] = [
    (environment) => runPrepare(prepareTask(), environment),
    (environment) => runMaintain({ version: 1, verb: 'maintain', dataset: target }, environment),
    (environment) => runMaintain({ version: 1, verb: 'maintain', dataset: target }, environment),
  ];
  for (const id of Object.keys(batches)) {
    work.push(planAndTell(id, outcomes), planAndTell(id, outcomes));
  }
  for (const id of ['sharded', 'connection3']) {
    for (const index of [0, 0, 1, 2]) {
      work.push((environment) =>
        runShard(shardTask(id, index, id === 'sharded' ? input : batches[id]?.input), environment),
      );
    }
    work.push(finishAndTell(id, outcomes), finishAndTell(id, outcomes));
    work.push(finishAndTell(id, outcomes, { reason: 'Aborted', message: 'as asked' }));
  }
  return work;
}

function planAndTell(id: string, outcomes: Map<string, Set<string>>): Work {
  return async (environment) => {
    const { batch } = await runPlan(planTask(id, batches[id]), environment);
    if (batch !== undefined) tell(outcomes, id, batch);
  };
}

function finishAndTell(id: string, outcomes: Map<string, Set<string>>, abort?: FinishTask['abort']): Work {
  const task = finishTask(id, abort === undefined ? {} : { abort, request: { token: '', digest: 'digest' } });
  return async (environment) => tell(outcomes, id, (await runFinish(task, environment)).batch);
}

function tell(outcomes: Map<string, Set<string>>, id: string, batch: BatchOutcome): void {
  outcomes.set(id, (outcomes.get(id) ?? new Set()).add(JSON.stringify(batch)));
}

/** A call that waits until the scheduler lets it go on. */
interface Gate {
  open(fault: Fault): void;
}

async function interleave(lake: Lake, work: readonly Work[], random: Random): Promise<void> {
  const gates: Gate[] = [];
  let running = 0;
  for (const one of work) {
    for (let attempt = 0; attempt < 2; attempt += 1) {
      running += 1;
      const environment = lake.process(() => new Promise((open) => gates.push({ open })));
      void untilDone(one, environment)
        .catch(ignoreExpected)
        .finally(() => {
          running -= 1;
        });
    }
  }
  while (running > 0) {
    for (let turn = 0; turn < 3; turn += 1) await setImmediate();
    const [gate] = gates.splice(Math.floor(random.number() * gates.length), 1);
    gate?.open(pickFault(random));
    if (random.number() < 0.002) lake.clock.advance(random.number() * 8 * 24 * 3_600_000);
  }
}

/** As a Job does: what is to be tried again is, a few times. A process that crashed is gone. */
async function untilDone(work: Work, environment: Environment): Promise<void> {
  for (let tries = 0; tries < 6; tries += 1) {
    try {
      await work(environment);
      return;
    } catch (thrown) {
      if (!(thrown instanceof ForebayError && thrown.exitCode === 10)) throw thrown;
    }
  }
}

function pickFault(random: Random): Fault {
  const number = random.number();
  if (number < 0.015) return 'lost';
  if (number < 0.03) return 'refused';
  if (number < 0.035) return 'crash before';
  if (number < 0.04) return 'crash after';
  return undefined;
}

function ignoreExpected(thrown: unknown): void {
  const isExpected = thrown instanceof Crash || (thrown instanceof ForebayError && isPartOfPlay(thrown));
  if (!isExpected) unexpected.push(thrown);
}
const unexpected: unknown[] = [];

/** To be run again, or a shard of a plan that has fewer. */
function isPartOfPlay(error: ForebayError): boolean {
  return error.exitCode === 10 || error.message.includes('has no shard');
}

async function runAllOnce(lake: Lake, outcomes: Map<string, Set<string>>): Promise<void> {
  expect(unexpected.splice(0)).toEqual([]);
  for (const [id, change] of Object.entries(batches)) {
    const { batch, plan, run } = await runPlan(planTask(id, change), lake.process());
    if (batch !== undefined) continue;
    for (let index = 0; index < plan.shards; index += 1) {
      await runShard(shardTask(id, index, change.input, run), lake.process());
    }
    await runFinish(finishTask(id, { run }), lake.process());
  }
  await collectGarbage(lake);
  for (const id of Object.keys(batches)) await planAndTell(id, outcomes)(lake.process());
}

/** Days pass; what is deleted then must not be missed. */
async function collectGarbage(lake: Lake): Promise<void> {
  for (let days = 0; days < 3; days += 1) {
    lake.clock.advance(24 * 3_600_000 + 1);
    await runMaintain({ version: 1, verb: 'maintain', dataset: target }, lake.process());
  }
  const left = [...lake.bucket('lake').objects.keys()].filter((key) => key.startsWith('ingest/open/'));
  expect(left, 'runs that are still looked at').toEqual([]);
}

function expectOneStory(outcomes: Map<string, Set<string>>): void {
  for (const [id, told] of outcomes) expect([...told], id).toHaveLength(1);
}

/** Undone by nobody: what is committed is in the table once, what is not is not there. */
async function expectRows(lake: Lake): Promise<void> {
  const ids = await lake.ids();
  expect(new Set(ids).size).toBe(ids.length);
  const committed = await committedBatches(lake);
  expect(ids.filter((id) => id.startsWith('small')).length).toBe(committed.has('small') ? 3 : 0);
  expect(ids.filter((id) => /^[abc]-/.test(id)).length).toBe(committed.has('sharded') ? 6 : 0);
  const some = [...committed].some((id) => id.startsWith('connection'));
  expect(ids.filter((id) => id.startsWith('from')).length, 'files of the connection').toBe(some ? 4 : 0);
  expect(ids.length).toBe(lake.table.totals.records);
  expect(lake.table.totals.ingested).toBe(ids.length);
}

async function committedBatches(lake: Lake): Promise<Set<string>> {
  const committed = new Set<string>();
  for (const [id, change] of Object.entries(batches)) {
    const { batch } = await runPlan(planTask(id, change), lake.process());
    if (batch?.outcome === 'Committed' && batch.records.ingested > 0) committed.add(id);
  }
  return committed;
}

/** A reader that comes at any time sees whole batches, and totals that are those of its files. */
function expectEveryVersion(lake: Lake): void {
  const texts = [...lake.bucket('lake').objects.keys()]
    .filter((key) => /\/metadata\/v[0-9]/.test(key))
    .map((key) => ({ key, metadata: parseDocument(TableMetadata, lake.text(key), key, 'DamagedDocument') }))
    .sort((a, b) => a.metadata.sequence - b.metadata.sequence);
  const filesOfBatch = new Map<string, number>();
  let time = 0;
  for (const [index, { key, metadata }] of texts.entries()) {
    expect(metadata.sequence, key).toBe(index + 1);
    expect(metadata.lastCommitTime, key).toBeGreaterThan(time);
    time = metadata.lastCommitTime;
    expect(metadata.totals.records, key).toBe(metadata.files.reduce((sum, file) => sum + file.rows, 0));
    for (const [batch, files] of countByBatch(metadata)) {
      expect(filesOfBatch.get(batch) ?? files, key).toBe(files);
      filesOfBatch.set(batch, files);
    }
    for (const file of metadata.files) expect(lake.bucket('lake').objects.has(file.key), file.key).toBe(true);
  }
}

function countByBatch({ files }: TableMetadata): Map<string, number> {
  const counts = new Map<string, number>();
  for (const { batch } of files) counts.set(batch, (counts.get(batch) ?? 0) + 1);
  return counts;
}
