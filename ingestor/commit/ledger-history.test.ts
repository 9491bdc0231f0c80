/**
 * Random histories of the ledger: runs that plan, with twins and other requests for the same run; outcomes; folds; each
 * in a process of its own that may die at any call, lose answers, or sleep through all the rest. The model knows what the
 * runs came to, and from that alone what the ledger must say.
 */
import { setImmediate } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { Crash } from '../../test/support/faulty-store.ts';
import { Lake, request as requestOf, target } from '../../test/support/lake-in-memory.ts';
import { seededRandom } from '../../test/support/waiting.ts';
import type { Random, Waiting } from '../contract/environment.ts';
import { loadState } from '../table/commit.ts';
import type { TableState } from '../table/table.ts';
import { type Dataset, openDataset } from './dataset.ts';
import { decide } from './decide.ts';
import { Decision, Landing, type PlanInput } from './documents.ts';
import { claimFiles } from './ledger.ts';
import { foldLedger } from './ledger-fold.ts';
import { batchDigest, decisionKey, ledgerKey, markerKey } from './names.ts';
import { type NewRun, planFiles } from './plan.ts';
import { readPlan } from './runs.ts';

const source = 's3://source';
const batches = ['a', 'b', 'c', 'd', 'e', 'f'] as const;
type Batch = (typeof batches)[number];

describe.each(Array.from({ length: 4 }, (_, part) => part))('histories, part %i', (part) => {
  test.each(Array.from({ length: 25 }, (_, n) => part * 25 + n))(
    'seed %i: no file is taken twice, none is lost',
    async (seed) => {
      const world = await World.make(seed);
      await world.live(60);
      await world.endAll();
      await world.check();
    },
  );
});

/** What became of a run. `landed`: the table took what was decided. */
interface Run {
  readonly run: number;
  readonly earlier: NewRun['earlier'];
  readonly replaces: readonly Batch[];
  files?: readonly string[];
  end?: 'Committed' | 'Failed' | 'Aborted' | 'Refused' | 'Reverted';
}

class World {
  readonly #lake = new Lake();
  readonly #random: Random;
  readonly #runs = new Map<Batch, Run[]>(batches.map((batch) => [batch, []]));
  readonly #turns: (() => void)[] = [];
  readonly #running = new Set<Promise<void>>();
  readonly #files: PlanInput[] = [];
  #state: TableState | undefined;
  #deaths = true;

  constructor(random: Random) {
    this.#random = random;
  }

  static async make(seed: number): Promise<World> {
    const world = new World(seededRandom(seed));
    await world.#lake.prepare();
    const { dataset } = await world.#open(false);
    world.#state = await loadState(dataset.table);
    return world;
  }

  async live(steps: number): Promise<void> {
    for (let step = 0; step < steps; step += 1) {
      await this.#start();
      for (let turns = this.#below(12); turns > 0; turns -= 1) await this.#letOneGoOn();
    }
  }

  /** Nobody dies any more; who slept wakes up; each run gets an outcome. */
  async endAll(): Promise<void> {
    this.#deaths = false;
    while (this.#running.size > 0) await this.#letOneGoOn();
    for (const batch of batches) {
      const latest = this.#latest(batch);
      if (latest === undefined || latest.end !== undefined) continue;
      await this.#alone(() => this.#plan(batch, latest));
      await this.#alone(() => this.#decide(batch, latest));
    }
    await this.#noteFiles();
  }

  async check(): Promise<void> {
    this.#expectEachOnce();

    expect(await this.#claimable('new')).toEqual(this.#expected());
    const { dataset, waiting } = await this.#open(false);
    await this.#alone(() => this.#fillUp(0));
    await foldLedger(dataset, waiting, 1);
    expect(await this.#claimable('new')).toEqual(this.#expected());
    for (const batch of batches) expect(await this.#claimable(batch)).toEqual(this.#expected(batch));
    expect(await this.#claimable('new', ['a', 'b'])).toEqual(this.#expected('a', 'b'));
    this.#expectEmptied();
  }

  /** Of committed runs of different batches no two have a file, unless one replaced the other. */
  #expectEachOnce(): void {
    const takers = new Map<string, { readonly batch: Batch; readonly replaces: readonly Batch[] }[]>();
    for (const [batch, runs] of this.#runs) {
      for (const run of runs) {
        if (run.end !== 'Committed' && run.end !== 'Reverted') continue;
        for (const file of run.files ?? []) {
          const before = takers.get(file) ?? [];
          const others = before.filter(
            (other) => other.batch !== batch && !run.replaces.includes(other.batch) && !other.replaces.includes(batch),
          );
          expect(others, `${file} of ${batch}`).toEqual([]);
          takers.set(file, [...before, { batch, replaces: run.replaces }]);
        }
      }
    }
  }

  /** Files that no run took for good, leaving aside those of `released`. */
  #expected(...released: readonly Batch[]): string[] {
    const held = new Set<string>();
    for (const [batch, runs] of this.#runs) {
      if (released.includes(batch)) continue;
      for (const { end, files = [] } of runs) {
        if (end === 'Committed' || end === 'Reverted') for (const file of files) held.add(file);
      }
    }
    return this.#files
      .map(({ key }) => key)
      .filter((key) => !held.has(key))
      .sort();
  }

  async #claimable(batch: Batch | 'new', replaces: readonly Batch[] = []): Promise<string[]> {
    // In a copy: a question claims nothing.
    const copy = this.#lake.process((_call, method) => (method === 'putIfAbsent' ? 'crash before' : undefined));
    const dataset = await openDataset(await copy.openStore(target.storage), target, copy);
    let asked: string[] = [];
    const question = {
      ...dataset,
      store: {
        ...dataset.store,
        putIfAbsent: async (_key: string, body: Uint8Array | string) => {
          const { inputs }: { inputs: PlanInput[] } = JSON.parse(String(body));
          asked = inputs.map(({ key }) => key);
          return { created: true };
        },
      },
    };
    const digests = replaces.map((id) => batchDigest(requestOf(id).batch));
    const claimant = { batch: batchDigest(requestOf(batch).batch), run: 1_000, request: { token: '', digest: 'q' } };
    await claimFiles(question, { ...claimant, source, replaces: digests }, this.#files, copy);
    return asked;
  }

  /** Enough settled entries for a last fold. */
  async #fillUp(n: number): Promise<void> {
    const { dataset, waiting } = await this.#open(false);
    const file = this.#newFile();
    const id = `filler-${n}`;
    const plan = await this.#makePlan(dataset, id, { run: 1, earlier: [], replaces: [] }, 'digest', [file], waiting);
    await writeEnd(dataset, plan.attempt, id, 1, 'Aborted', waiting);
  }

  /** Folded entries are empty, and no other is; nothing but what the newest fold names is kept. */
  #expectEmptied(): void {
    const { objects } = this.#lake.bucket('lake');
    const folds = [...objects.keys()].filter((key) => key.startsWith('ingest/ledger/folds/'));
    const newest = JSON.parse(this.#lake.text(`ingest/ledger/folds/${folds.length}.json`));
    for (let n = 1; n <= newest.upTo; n += 1) {
      expect(objects.get(ledgerKey(n))?.size === 0, `entry ${n}`).toBe(!newest.open.includes(n));
    }
    const named = newest.segments.map(({ key }: { key: string }) => key).sort();
    expect([...objects.keys()].filter((key) => key.startsWith('ingest/ledger/digests/')).sort()).toEqual(named);
  }

  async #start(): Promise<void> {
    const chance = this.#random.number();
    if (chance < 0.2) this.#newFile();
    else if (chance < 0.35) this.#run(() => this.#fold());
    else {
      const batch = batches[this.#below(batches.length)] ?? 'a';
      const run = this.#openRun(batch);
      if (run === undefined) return;
      if (chance < 0.75) this.#run(() => this.#plan(batch, run));
      else this.#run(() => this.#decide(batch, run));
    }
  }

  /** The run that is under way, or the next one where the last ended without rows, or they were taken out again. */
  #openRun(batch: Batch): Run | undefined {
    const runs = this.#runs.get(batch) ?? [];
    const latest = runs.at(-1);
    if (latest !== undefined && latest.end === undefined) return latest;
    if (latest?.end === 'Committed') {
      if (this.#random.number() < 0.5) latest.end = 'Reverted';
      return undefined;
    }
    const before = latest === undefined ? [] : [...latest.earlier, { run: latest.run, token: '', digest: 'digest' }];
    const others = batches.filter((other) => other !== batch && this.#latest(other)?.end === 'Committed');
    const replaces = this.#random.number() < 0.2 ? others.slice(0, 1) : [];
    const next: Run = { run: runs.length + 1, earlier: before, replaces };
    runs.push(next);
    return next;
  }

  #latest(batch: Batch): Run | undefined {
    return this.#runs.get(batch)?.at(-1);
  }

  async #plan(batch: Batch, run: Run): Promise<void> {
    const { dataset, waiting } = await this.#open(true);
    const found = this.#files.filter(() => this.#random.number() < 0.8);
    const digest = this.#random.number() < 0.1 ? 'another' : 'digest';
    const plan = await this.#makePlan(dataset, batch, run, digest, found, waiting);
    run.files ??= plan.shards.flatMap(({ inputs = [] }) => inputs.map(({ key }) => key));
  }

  async #makePlan(
    dataset: Dataset,
    id: string,
    { run, earlier, replaces }: Run,
    digest: string,
    files: readonly PlanInput[],
    waiting: Waiting,
  ) {
    if (this.#state === undefined) throw new Error('the table was not made');
    const request = requestOf(id);
    const newRun: NewRun = { batch: request.batch, run, request: { token: '', digest }, earlier };
    const replaced = replaces.map((it) => ({ batch: batchDigest(requestOf(it).batch), id: it, run: 1 }));
    return await planFiles(dataset, this.#state, newRun, request, { files, source, replaces: replaced }, waiting);
  }

  async #decide(batch: Batch, run: Run): Promise<void> {
    const { dataset, waiting } = await this.#open(true);
    const plan = await readPlan(dataset, batchDigest(requestOf(batch).batch), run.run, waiting);
    if (plan === undefined) return;
    const wanted = (['Committed', 'Committed', 'Failed', 'Aborted', 'Refused'] as const)[this.#below(5)] ?? 'Committed';
    const end = await writeEnd(dataset, waiting.random.nonce(), batch, run.run, wanted, waiting);
    run.files ??= plan.shards.flatMap(({ inputs = [] }) => inputs.map(({ key }) => key));
    run.end ??= end;
  }

  async #fold(): Promise<void> {
    const { dataset, waiting } = await this.#open(true);
    await foldLedger(dataset, waiting, 1 + this.#below(3));
  }

  async #noteFiles(): Promise<void> {
    const { dataset, waiting } = await this.#open(false);
    for (const [batch, runs] of this.#runs) {
      for (const run of runs) {
        const plan = await readPlan(dataset, batchDigest(requestOf(batch).batch), run.run, waiting);
        expect(run.files ?? []).toEqual(plan?.shards.flatMap(({ inputs = [] }) => inputs.map(({ key }) => key)) ?? []);
      }
    }
  }

  #newFile(): PlanInput {
    const key = `file-${String(this.#files.length).padStart(3, '0')}`;
    const file = { key, name: key, size: 1, etag: '"x"' };
    this.#files.push(file);
    return file;
  }

  /** A process of its own. `waits`: each of its calls waits for its turn. */
  async #open(waits: boolean): Promise<{ dataset: Dataset; waiting: Waiting }> {
    const sleeps = waits && this.#random.number() < 0.1;
    let calls = 0;
    const process = this.#lake.process(async () => {
      if (!waits) return undefined;
      calls += 1;
      await new Promise<void>((resolve) => {
        // A sleeper is woken when its turn comes, which is late.
        if (sleeps && calls > 3 && this.#deaths) this.#turns.unshift(resolve);
        else this.#turns.push(resolve);
      });
      const chance = this.#random.number();
      if (chance < 0.02 && this.#deaths) return chance < 0.01 ? 'crash before' : 'crash after';
      if (chance < 0.06) return chance < 0.04 ? 'lost' : 'refused';
      return undefined;
    });
    return { dataset: await openDataset(await process.openStore(target.storage), target, process), waiting: process };
  }

  #run(work: () => Promise<void>): void {
    const running = work()
      .catch((thrown: unknown) => {
        if (!(thrown instanceof Crash)) throw thrown;
      })
      .finally(() => this.#running.delete(running));
    this.#running.add(running);
  }

  async #alone(work: () => Promise<void>): Promise<void> {
    this.#run(work);
    while (this.#running.size > 0) await this.#letOneGoOn();
  }

  /** Any of those that came lately; the longest sleeper only now and then. */
  async #letOneGoOn(): Promise<void> {
    const { length } = this.#turns;
    const index = this.#random.number() < 0.97 ? length - 1 - this.#below(Math.min(length, 6)) : 0;
    const [turn] = this.#turns.splice(Math.max(0, index), 1);
    turn?.();
    await setImmediate();
  }

  #below(most: number): number {
    return Math.floor(this.#random.number() * most);
  }
}

/** `Refused`: decided to be committed, and the table did not take it. Answers what stands. */
async function writeEnd(
  dataset: Dataset,
  attempt: string,
  id: string,
  run: number,
  wanted: NonNullable<Run['end']>,
  waiting: Waiting,
): Promise<NonNullable<Run['end']>> {
  const batch = batchDigest(requestOf(id).batch);
  const decided = wanted === 'Refused' || wanted === 'Reverted' ? 'Committed' : wanted;
  const none = { read: 0, ingested: 0, failed: 0, skipped: 0, warnings: 0 };
  const draft: Decision = {
    version: 1,
    attempt,
    table: dataset.table.uuid,
    run,
    outcome: decided,
    reason: decided,
    message: wanted,
    records: none,
    files: { input: 0, skipped: 0, failed: 0, output: 0 },
    bytes: { input: 0, output: 0 },
    errors: [],
    dataFiles: [],
    rejectFiles: [],
    time: 0,
  };
  const { value } = await decide(dataset.store, decisionKey(batch, run), Decision, draft, waiting);
  // What was meant stands in the decision, so that all who land it land the same.
  const outcome = value.message === 'Refused' ? 'Failed' : value.outcome;
  const landing: Landing = { version: 1, attempt, outcome, time: 0 };
  await decide(dataset.store, markerKey(batch, run), Landing, landing, waiting);
  return value.message === 'Refused' ? 'Refused' : value.outcome;
}
