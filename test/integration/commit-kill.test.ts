/**
 * Real processes on a real store: killed at random moments, run twice at once, put to sleep and woken when others have
 * done their work. `FOREBAY_SEED` starts the rounds elsewhere, `FOREBAY_ROUNDS` makes them more.
 */
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { silentLog, systemClock, systemRandom } from '../../ingestor/contract/environment.ts';
import type { BatchOutcome } from '../../ingestor/contract/result.ts';
import type { BatchInput, BatchRequest, DatasetTarget, S3Location, Task } from '../../ingestor/contract/task.ts';
import { openStore } from '../../ingestor/store/open.ts';
import type { Environment } from '../../ingestor/tasks/environment.ts';
import { runPlan } from '../../ingestor/tasks/plan.ts';
import { runPrepare } from '../../ingestor/tasks/prepare.ts';
import { createBucket } from '../servers/s3.ts';
import { queryTable } from '../support/lake.ts';
import { planTask, prepareTask, records } from '../support/lake-in-memory.ts';
import { seededRandom } from '../support/waiting.ts';
import { s3Location } from './support/s3-location.ts';
import { type Ended, TaskProgram } from './support/task-process.ts';

const rounds = Number(process.env.FOREBAY_ROUNDS ?? 25);
const firstSeed = Number(process.env.FOREBAY_SEED ?? 1);

let program: TaskProgram;
let source: S3Location;

beforeAll(async () => {
  program = await TaskProgram.make();
  source = await newBucket('source');
});

afterAll(async () => {
  await program.remove();
});

async function newBucket(name: string): Promise<S3Location> {
  const bucket = `${name}-${randomUUID().slice(0, 8)}`;
  await createBucket(inject('s3'), bucket);
  return await s3Location(inject('s3'), { bucket });
}

async function newDataset(): Promise<{ target: DatasetTarget; lake: S3Location }> {
  const lake = { ...(await newBucket('lake')), prefix: 'events' };
  const target = { owner: { installation: 'test', namespace: 'default', name: 'events' }, storage: { s3: lake } };
  await runPrepare({ ...prepareTask(), dataset: target }, environment());
  return { target, lake };
}

function environment(): Environment {
  return {
    openStore: (location) => openStore(location),
    clock: systemClock,
    random: systemRandom,
    signal: new AbortController().signal,
    log: silentLog,
    progress: () => {},
  };
}

async function putFiles(files: Record<string, string>): Promise<void> {
  const store = await openStore({ s3: source });
  for (const [key, text] of Object.entries(files)) await store.put(key, text);
  await store.close();
}

/** The Job of one round: some of its processes are killed, some have a twin, some sleep until the round is over. */
class Round {
  readonly #random;
  readonly #target: DatasetTarget;
  readonly #sleepers: { wake(): void; ended: Promise<Ended> }[] = [];

  constructor(seed: number, target: DatasetTarget) {
    this.#random = seededRandom(seed);
    this.#target = target;
  }

  async run(request: BatchRequest): Promise<BatchOutcome> {
    const common = { version: 1, dataset: this.#target } as const;
    const planned = await this.#job({ ...common, verb: 'plan', request });
    if (planned.verb !== 'plan' || !('run' in planned)) throw new Error(JSON.stringify(planned));
    if (planned.batch !== undefined) return planned.batch;
    const { batch, input } = request;
    const { run } = planned;
    const shards = Array.from({ length: planned.plan.shards }, (_, index) => index);
    await Promise.all(shards.map((index) => this.#job({ ...common, verb: 'shard', batch, run, input, index })));
    const finished = await this.#job({ ...common, verb: 'finish', batch, run });
    if (finished.verb !== 'finish' || !('batch' in finished)) throw new Error(JSON.stringify(finished));
    return finished.batch;
  }

  /** They find their work done, and say the same as those who did it. */
  async wakeSleepers(): Promise<void> {
    for (const sleeper of this.#sleepers) {
      sleeper.wake();
      const { code, log } = await sleeper.ended;
      expect(code, log).toBe(0);
    }
  }

  async #job(task: Task) {
    for (let tries = 0; ; tries += 1) {
      const process = await program.start(task);
      const chance = tries < 4 ? this.#random.number() : 1;
      if (chance < 0.15) {
        await process.stopAfter(this.#moment());
        this.#sleepers.push({ wake: () => process.wake(), ended: process.ended });
        continue;
      }
      const twin = chance < 0.3 ? (await program.start(task)).ended : undefined;
      const { code, result, log } = chance < 0.65 ? await process.killAfter(this.#moment()) : await process.ended;
      const told = (await twin)?.result;
      if (code === 0 && result !== undefined && 'version' in result) {
        if (told !== undefined) expect(withoutTable(told)).toEqual(withoutTable(result));
        return result;
      }
      expect([null, 10], log).toContain(code);
      if (tries > 8) throw new Error(`${task.verb} does not get done: ${log}`);
    }
  }

  /** Of the life of a process, from before its first request to after its last. */
  #moment(): number {
    return 80 + Math.floor(this.#random.number() * 500);
  }
}

/** The table moves on between one report and the next. */
function withoutTable<T extends object>(result: T): Omit<T, 'table'> {
  const { table: _, ...rest } = { table: undefined, ...result };
  return rest;
}

async function totalsOf(target: DatasetTarget) {
  const task = planTask('look', { input: { inline: { data: '' } } });
  return (await runPlan({ ...task, dataset: target }, environment())).table;
}

test('whatever is killed, doubled or put to sleep, each record is in the table once', {
  timeout: 600_000,
}, async () => {
  const { target, lake } = await newDataset();
  const expected: string[] = [];
  for (let seed = firstSeed; seed < firstSeed + rounds; seed += 1) {
    const files = { [`${seed}/a`]: records(`${seed}-a`, 40), [`${seed}/b`]: `${records(`${seed}-b`, 30)}no json\n` };
    await putFiles(files);
    const input: BatchInput = { files: { location: { s3: source }, selection: { glob: `${seed}/*` } } };
    const { request } = planTask(`batch-${seed}`, { input, maxFailed: 1, shardBytes: seed % 2 === 0 ? 1 : 2 ** 20 });
    const round = new Round(seed, target);
    const outcome = await round.run(request);
    expect(outcome, `seed ${seed}`).toMatchObject({
      outcome: 'Committed',
      run: 1,
      records: { read: 71, ingested: 70, failed: 1, skipped: 0 },
    });
    await round.wakeSleepers();
    for (let n = 0; n < 40; n += 1) expected.push(`${seed}-a-${n}`);
    for (let n = 0; n < 30; n += 1) expected.push(`${seed}-b-${n}`);
  }
  const { bucket, prefix } = lake;
  const rows = await queryTable({ address: inject('s3'), bucket, prefix }, 'SELECT id FROM records');
  expect(rows.map((row) => String(row.id)).sort()).toEqual(expected.sort());
  const totals = await totalsOf(target);
  expect(totals).toMatchObject({ records: expected.length, ingested: expected.length, failed: rounds });
});

test('twenty batches at once into one dataset are twenty commits', { timeout: 120_000 }, async () => {
  const { target, lake } = await newDataset();
  const names = Array.from({ length: 20 }, (_, n) => `batch-${n}`);
  const results = await Promise.all(
    names.map((name) => {
      const task = planTask(name, { input: { inline: { data: records(name, 10) } } });
      return runPlan({ ...task, dataset: target }, environment());
    }),
  );
  for (const { batch } of results) expect(batch).toMatchObject({ outcome: 'Committed', records: { ingested: 10 } });
  expect(new Set(results.map(({ batch }) => batch?.snapshotID)).size).toBe(20);
  const { bucket, prefix } = lake;
  const [row] = await queryTable(
    { address: inject('s3'), bucket, prefix },
    'SELECT count(*)::INT AS rows, count(DISTINCT id)::INT AS ids FROM records',
  );
  expect(row).toEqual({ rows: 200, ids: 200 });
  expect((await totalsOf(target))?.batches.succeeded).toBeGreaterThanOrEqual(20);
});
