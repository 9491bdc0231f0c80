/**
 * Real processes on a real store: killed at random moments, run twice at once, put to sleep and woken when others have
 * done their work. `FOREBAY_SEED` starts the rounds elsewhere, `FOREBAY_ROUNDS` makes them more.
 */
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { type Random, silentLog, systemClock, systemRandom } from '../../ingestor/contract/environment.ts';
import type { BatchOutcome, Result } from '../../ingestor/contract/result.ts';
import type {
  BatchInput,
  BatchRequest,
  DatasetTarget,
  FinishTask,
  S3Location,
  TableSettings,
  Task,
} from '../../ingestor/contract/task.ts';
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

const rounds = Number(process.env.FOREBAY_ROUNDS ?? 200);
const firstSeed = Number(process.env.FOREBAY_SEED ?? 1);
/** Rounds under way at the same time, in one dataset: they meet at its table. */
const lanes = 2;

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

async function newDataset(format: TableSettings['format']): Promise<{ target: DatasetTarget; lake: S3Location }> {
  const lake = { ...(await newBucket('lake')), prefix: 'events' };
  const target = { owner: { installation: 'test', namespace: 'default', name: 'events' }, storage: { s3: lake } };
  const { table, ...prepare } = prepareTask();
  await runPrepare({ ...prepare, dataset: target, table: { ...table, format } }, environment());
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

/** The Jobs of one round: some processes are killed, some have a twin, some sleep until the round is over. */
class Round {
  readonly #random: Random;
  readonly #target: DatasetTarget;
  readonly #sleepers: { wake(): void; ended: Promise<Ended> }[] = [];

  constructor(random: Random, target: DatasetTarget) {
    this.#random = random;
    this.#target = target;
  }

  async ingest(request: BatchRequest): Promise<BatchOutcome> {
    const common = { version: 1, dataset: this.#target } as const;
    const planned = await this.#job({ ...common, verb: 'plan', request });
    if (planned.verb !== 'plan' || !('run' in planned)) throw new Error(JSON.stringify(planned));
    if (planned.batch !== undefined) return planned.batch;
    const { batch } = request;
    const input = request.input === undefined ? {} : { input: request.input };
    const { run } = planned;
    const shards = Array.from({ length: planned.plan.shards }, (_, index) => index);
    await Promise.all(shards.map((index) => this.#job({ ...common, verb: 'shard', batch, run, ...input, index })));
    return await this.#finish({ ...common, verb: 'finish', batch, run });
  }

  async revert({ batch, requestDigest: digest }: BatchRequest): Promise<BatchOutcome> {
    const abort = { reason: 'Aborted', message: 'as asked' };
    const request = { token: '', digest };
    return await this.#finish({
      version: 1,
      verb: 'finish',
      dataset: this.#target,
      batch,
      run: 1,
      abort,
      request,
      revert: true,
    });
  }

  async maintain(): Promise<void> {
    await this.#job({ version: 1, verb: 'maintain', dataset: this.#target });
  }

  async #finish(task: FinishTask): Promise<BatchOutcome> {
    const finished = await this.#job(task);
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
        if (told !== undefined) expect(story(told)).toEqual(story(result));
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

/** What both of two twins tell; the table moves on between one report and the next, and maintenance is shared. */
function story({ verb, ...result }: Result): object {
  const { table: _, did: __, ...rest } = { table: undefined, did: undefined, ...result };
  return { verb, ...rest };
}

async function totalsOf(target: DatasetTarget) {
  const task = planTask('look', { input: { inline: { data: '' } } });
  return (await runPlan({ ...task, dataset: target }, environment())).table;
}

/** What one lane did, and what must be in the table of it. */
class Lane {
  readonly live = new Map<string, { request: BatchRequest; ids: readonly string[] }>();
  failed = 0;
  succeeded = 0;
  readonly #target: DatasetTarget;

  constructor(target: DatasetTarget) {
    this.#target = target;
  }

  async round(seed: number): Promise<void> {
    const random = seededRandom(seed);
    const round = new Round(random, this.#target);
    const maintained = random.number() < 0.2 ? round.maintain() : undefined;
    const victim = [...this.live.values()][Math.floor(random.number() * this.live.size)];
    const chance = random.number();
    if (victim !== undefined && chance < 0.15) await this.#revert(round, victim.request);
    else if (victim !== undefined && chance < 0.3) await this.#replace(round, seed, victim.request, chance < 0.2);
    else await this.#add(round, seed);
    await maintained;
    await round.wakeSleepers();
  }

  async #add(round: Round, seed: number): Promise<void> {
    const { request, ids } = await this.#newRequest(seed);
    await this.#ingest(round, seed, request, ids);
  }

  async #replace(round: Round, seed: number, victim: BatchRequest, onlyTakesOut: boolean): Promise<void> {
    const replaces = [victim.batch];
    if (onlyTakesOut) {
      const { input: _, ...request } = { ...planTask(`batch-${seed}`).request, replaces };
      expect(await round.ingest(request), `seed ${seed}`).toMatchObject({ outcome: 'Committed', run: 1 });
      this.succeeded += 1;
    } else {
      const { request, ids } = await this.#newRequest(seed);
      await this.#ingest(round, seed, { ...request, replaces }, ids);
    }
    this.live.delete(victim.batch.id);
  }

  async #revert(round: Round, request: BatchRequest): Promise<void> {
    expect(await round.revert(request)).toMatchObject({ outcome: 'Reverted', run: 1 });
    this.live.delete(request.batch.id);
  }

  async #newRequest(seed: number) {
    const files = { [`${seed}/a`]: records(`${seed}-a`, 40), [`${seed}/b`]: `${records(`${seed}-b`, 30)}no json\n` };
    await putFiles(files);
    const input: BatchInput = { files: { location: { s3: source }, selection: { glob: `${seed}/*` } } };
    const { request } = planTask(`batch-${seed}`, { input, maxFailed: 1, shardBytes: seed % 3 === 0 ? 400 : 2 ** 20 });
    const ids = [...idsOf(`${seed}-a`, 40), ...idsOf(`${seed}-b`, 30)];
    return { request, ids };
  }

  async #ingest(round: Round, seed: number, request: BatchRequest, ids: readonly string[]): Promise<void> {
    expect(await round.ingest(request), `seed ${seed}`).toMatchObject({
      outcome: 'Committed',
      run: 1,
      records: { read: 71, ingested: 70, failed: 1, skipped: 0 },
      files: { input: 2, failed: 0 },
    });
    this.live.set(request.batch.id, { request, ids });
    this.failed += 1;
    this.succeeded += 1;
  }
}

function idsOf(prefix: string, count: number): string[] {
  return Array.from({ length: count }, (_, n) => `${prefix}-${n}`);
}

test.for<[TableSettings['format'], number]>([
  ['Iceberg', 0.75],
  ['Parquet', 0.25],
])(
  '%s: whatever is killed, doubled or put to sleep, each record is in the table once',
  { timeout: 1_800_000 },
  async ([format, share]) => {
    const { target, lake } = await newDataset(format);
    const all = Array.from({ length: lanes }, () => new Lane(target));
    const last = firstSeed + Math.ceil(rounds * share);
    let next = firstSeed;
    await Promise.all(
      all.map(async (lane) => {
        while (next < last) {
          next += 1;
          await lane.round(next - 1);
        }
      }),
    );
    const { bucket, prefix } = lake;
    const rows = await queryTable({ address: inject('s3'), bucket, prefix }, 'SELECT id FROM records');
    const expected = all.flatMap((lane) => [...lane.live.values()].flatMap(({ ids }) => ids)).sort();
    expect(rows.map((row) => String(row.id)).sort()).toEqual(expected);
    const sum = (of: (lane: Lane) => number) => all.reduce((total, lane) => total + of(lane), 0);
    expect(await totalsOf(target)).toMatchObject({
      records: expected.length,
      ingested: 70 * sum((lane) => lane.failed),
      failed: sum((lane) => lane.failed),
      // And the one that looks.
      batches: { succeeded: sum((lane) => lane.succeeded) + 1, failed: 0 },
    });
  },
);

test('twenty batches at once into one dataset are twenty commits', { timeout: 120_000 }, async () => {
  const { target, lake } = await newDataset('Iceberg');
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
