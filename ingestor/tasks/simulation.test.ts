/**
 * Weeks of a dataset in seconds: all verbs in several processes at once, on a store that loses answers, does late or
 * twice what it was asked, and lets single calls sleep for days; clocks are an hour apart, processes die at any moment.
 * Then the troubles end and everything is run once more.
 *
 * `FOREBAY_SEEDS=1000` tries more, `FOREBAY_SEED=7` one.
 */
import { expect, test } from 'vitest';
import {
  allVersions,
  filesInput,
  finishTask,
  planTask,
  prepareTask,
  readRows,
  records,
  shardTask,
  target,
} from '../../test/support/lake-in-memory.ts';
import { SimulatedBucket, type SimulatedFaults, type SimulatedStore } from '../../test/support/simulated-store.ts';
import { SimulatedTime } from '../../test/support/simulated-time.ts';
import { seededRandom } from '../../test/support/waiting.ts';
import { type Random, silentLog } from '../contract/environment.ts';
import { ForebayError } from '../contract/errors.ts';
import type { BatchOutcome } from '../contract/result.ts';
import type { BatchRequest, FinishTask, StoreLocation } from '../contract/task.ts';
import type { TableMetadata } from '../table/parquet-table.ts';
import type { Environment } from './environment.ts';
import { runFinish } from './finish.ts';
import { runMaintain } from './maintain.ts';
import { runPlan } from './plan.ts';
import { runPrepare } from './prepare.ts';
import { runShard } from './shard.ts';

const minute = 60_000;
const hour = 60 * minute;
const day = 24 * hour;

const seeds =
  process.env.FOREBAY_SEED === undefined
    ? Array.from({ length: Number(process.env.FOREBAY_SEEDS ?? 30) }, (_, seed) => seed)
    : [Number(process.env.FOREBAY_SEED)];

test.for(seeds)('seed %i: each record once, counts equal, all tell the same', { timeout: 120_000 }, async (seed) => {
  const world = new World(seed);
  await world.time.run(world.begin());
  await world.time.run(world.trouble());
  await world.time.run(world.settle());
  world.expectOneStory();
  await world.expectRows();
  world.expectEveryVersion();
  world.expectNamesKept();
});

const connection = { input: filesInput({ glob: 'from/*' }), ledger: { source: 'source' }, maxFailed: '100%' };

const batches: Record<string, Partial<BatchRequest>> = {
  small: { input: { inline: { data: records('small', 3) } } },
  sharded: { input: filesInput({ keys: ['a', 'b', 'c'] }), shardBytes: 1 },
  failing: { input: { inline: { data: '{"id":7}\n' } } },
  connection1: connection,
  connection2: connection,
  connection3: { ...connection, shardBytes: 1 },
};

const sourceFiles = ['a', 'b', 'c', 'from/d', 'from/e'];

/** Of all calls. Days of sleep in a call are what a node that hangs looks like. */
const faults: SimulatedFaults = {
  unavailable: 0.02,
  lost: 0.02,
  late: 0.015,
  repeated: 0.02,
  twice: 0.015,
  slow: 0.003,
  lateMilliseconds: 3 * hour,
  slowMilliseconds: 9 * day,
};

type Work = (environment: Environment) => Promise<unknown>;

class World {
  readonly time = new SimulatedTime();
  readonly #random: Random;
  readonly #lake: SimulatedBucket;
  readonly #source: SimulatedBucket;
  /** What was told about each batch, by anyone, at any time. */
  readonly #told = new Map<string, Set<string>>();
  #faults: SimulatedFaults = {};

  constructor(seed: number) {
    const world = this;
    this.#random = seededRandom(seed);
    const options = {
      clock: this.time,
      random: this.#random,
      order: seed % 2 === 0 ? 'byte' : 'folder',
      get faults() {
        return world.#faults;
      },
    } as const;
    this.#lake = new SimulatedBucket(options);
    this.#source = new SimulatedBucket(options);
  }

  async begin(): Promise<void> {
    for (const key of sourceFiles) this.#source.set(key, records(key, 2));
    await runPrepare(prepareTask(), this.#process().environment);
  }

  /** Every task in two processes, at once or one after the other; then `maintain` now and then for two weeks. */
  async trouble(): Promise<void> {
    this.#faults = faults;
    const work = this.#tasks();
    const within = this.#random.number() < 0.5 ? 100 : minute;
    await Promise.all([...work, ...work].map((one) => this.#job(one, within)));
    await Promise.all(Array.from({ length: 4 }, () => this.#job(maintain, 14 * day)));
    this.#faults = {};
    // What is on its way still lands, and who sleeps wakes.
    await this.time.sleep(20 * day);
    expect(unexpected.splice(0)).toEqual([]);
  }

  async settle(): Promise<void> {
    for (const [id, change] of Object.entries(batches)) {
      const { batch, plan, run } = await runPlan(planTask(id, change), this.#process().environment);
      if (batch !== undefined) continue;
      for (let index = 0; index < plan.shards; index += 1) {
        await runShard(shardTask(id, index, change.input, run), this.#process().environment);
      }
      await runFinish(finishTask(id, { run }), this.#process().environment);
    }
    for (let days = 0; days < 3; days += 1) {
      await this.time.sleep(day + minute);
      await maintain(this.#process().environment);
    }
    for (const id of Object.keys(batches)) await this.#plan(id)(this.#process().environment);
    const open = [...this.#lake.objects.keys()].filter((key) => key.startsWith('ingest/open/'));
    expect(open, 'runs that are still looked at').toEqual([]);
  }

  #tasks(): Work[] {
    const tasks: Work[] = [(environment) => runPrepare(prepareTask(), environment), maintain];
    for (const id of Object.keys(batches)) tasks.push(this.#plan(id));
    for (const id of ['sharded', 'connection3']) {
      for (const index of [0, 1, 2]) {
        tasks.push((environment) => runShard(shardTask(id, index, batches[id]?.input), environment));
      }
      tasks.push(this.#finish(id));
    }
    const mayAbort = this.#random.number() < 0.5;
    if (mayAbort) tasks.push(this.#finish('sharded', { reason: 'Aborted', message: 'as asked' }));
    return tasks;
  }

  #plan(id: string): Work {
    return async (environment) => {
      const { batch } = await runPlan(planTask(id, batches[id]), environment);
      if (batch !== undefined) this.#tell(id, batch);
    };
  }

  #finish(id: string, abort?: FinishTask['abort']): Work {
    const task = finishTask(id, abort === undefined ? {} : { abort, request: { token: '', digest: 'digest' } });
    return async (environment) => this.#tell(id, (await runFinish(task, environment)).batch);
  }

  #tell(id: string, batch: BatchOutcome): void {
    this.#told.set(id, (this.#told.get(id) ?? new Set()).add(JSON.stringify(batch)));
  }

  /** As a Job does: a process that died or could not end is followed by another, a few times. */
  async #job(work: Work, within: number): Promise<void> {
    await this.time.sleep(this.#random.number() * within);
    for (let tries = 0; tries < 6; tries += 1) {
      if (await this.#attempt(work)) return;
      await this.time.sleep(this.#random.number() * minute);
    }
  }

  async #attempt(work: Work): Promise<boolean> {
    const { environment, die } = this.#process();
    const done = work(environment).then(() => true, isToBeTriedAgain);
    if (this.#random.number() < 0.7) return await done;
    const killed = this.time.sleep(this.#random.number() * 2_000).then(() => {
      die();
      return false;
    });
    return await Promise.race([done, killed]);
  }

  #process(): { environment: Environment; die: () => void } {
    const stores: SimulatedStore[] = [];
    const openStore = async (location: StoreLocation) => {
      const isLake = 's3' in location && location.s3.bucket === 'lake';
      const store = (isLake ? this.#lake : this.#source).open();
      stores.push(store);
      return store;
    };
    const clock = this.time.offBy(Math.round((this.#random.number() * 2 - 1) * hour));
    const { signal } = new AbortController();
    const environment = { openStore, clock, random: this.#random, signal, log: silentLog, progress: () => {} };
    const die = () => {
      for (const store of stores) store.crash();
    };
    return { environment, die };
  }

  expectOneStory(): void {
    for (const [id, told] of this.#told) expect([...told], id).toHaveLength(1);
  }

  /** What is committed is in the table once, the rest is not there. */
  async expectRows(): Promise<void> {
    const ids = (await readRows(this.#lake.objects)).map((row) => String(row.id)).sort();
    expect(ids).toEqual([...new Set(ids)]);
    const isCommitted = (id: string) => this.#outcomeOf(id).outcome === 'Committed';
    expect(ids.filter((id) => id.startsWith('small')).length).toBe(isCommitted('small') ? 3 : 0);
    expect(ids.filter((id) => /^[abc]-/.test(id)).length).toBe(isCommitted('sharded') ? 6 : 0);
    const ofConnections = ['connection1', 'connection2', 'connection3']
      .filter(isCommitted)
      .map((id) => this.#outcomeOf(id));
    const taken = ofConnections.reduce((sum, { files }) => sum + files.input - files.skipped, 0);
    expect(ids.filter((id) => id.startsWith('from')).length, 'rows of the connections').toBe(2 * taken);
    if (ofConnections.length === 3) expect(taken, 'files of the connections').toBe(2);
    const { totals } = allVersions(this.#lake.objects).at(-1) ?? { totals: undefined };
    expect(totals).toMatchObject({ records: ids.length, ingested: ids.length });
  }

  #outcomeOf(id: string): BatchOutcome {
    const [told = ''] = this.#told.get(id) ?? [];
    return JSON.parse(told);
  }

  /** Who reads at any time sees whole batches, whose files are there, and totals that are those of its files. */
  expectEveryVersion(): void {
    const whole = new Map<string, number>();
    let before: TableMetadata | undefined;
    for (const version of allVersions(this.#lake.objects)) {
      const where = `version ${version.sequence}`;
      expect(version.sequence, where).toBe((before?.sequence ?? 0) + 1);
      expect(version.lastCommitTime, where).toBeGreaterThan(before?.lastCommitTime ?? 0);
      expect(version.totals.records, where).toBe(version.files.reduce((sum, file) => sum + file.rows, 0));
      for (const [batch, files] of countByBatch(version)) {
        expect(whole.get(batch) ?? files, where).toBe(files);
        whole.set(batch, files);
      }
      for (const { key } of version.files) expect(this.#lake.objects.has(key), `${where}: ${key}`).toBe(true);
      before = version;
    }
  }

  /** A name that decides is given once and never freed. */
  expectNamesKept(): void {
    const deciding = /(plan|decision|committed)\.json$|ledger\/[0-9]+\.json$|\/v[0-9]+\.metadata\.json$/;
    const seen = new Set<string>();
    for (const { key, kind } of this.#lake.writes.filter((write) => deciding.test(write.key))) {
      expect(kind, key).toBe('created');
      expect(seen.has(key), key).toBe(false);
      seen.add(key);
    }
  }
}

function countByBatch({ files }: TableMetadata): Map<string, number> {
  const counts = new Map<string, number>();
  for (const { batch = '' } of files) counts.set(batch, (counts.get(batch) ?? 0) + 1);
  return counts;
}

const maintain: Work = (environment) => runMaintain({ version: 1, verb: 'maintain', dataset: target }, environment);

const unexpected: unknown[] = [];

function isToBeTriedAgain(thrown: unknown): boolean {
  const isPartOfPlay = thrown instanceof ForebayError && (thrown.exitCode === 10 || hasFewerShards(thrown));
  if (!isPartOfPlay) unexpected.push(thrown);
  return false;
}

/** The files of a connection that others took first are not in the plan. */
function hasFewerShards({ message }: ForebayError): boolean {
  return message.includes('has no shard');
}
