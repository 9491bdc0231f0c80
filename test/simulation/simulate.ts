/** Weeks of a dataset, as a seed has them: troubles, then calm, then everything must be as it should. */
import type { Random } from '../../ingestor/contract/environment.ts';
import type { BatchOutcome } from '../../ingestor/contract/result.ts';
import { runMaintain } from '../../ingestor/tasks/maintain.ts';
import { runPrepare } from '../../ingestor/tasks/prepare.ts';
import { prepareTask, schema } from '../support/lake-in-memory.ts';
import { forgetManifests } from '../support/lake-reader.ts';
import { inForce } from '../support/small-files.ts';
import { seededRandom } from '../support/waiting.ts';
import { Batch, type BatchKind } from './batches.ts';
import { ForeignEngine } from './foreign-engine.ts';
import { Inlet } from './inlet.ts';
import { isTakenIn } from './oracle.ts';
import { Stories } from './stories.ts';
import { type Climate, day, hour, minute, second, World } from './world.ts';

export interface SeedResult {
  readonly seed: number;
  readonly hash: string;
  /** What was wrong, the first first. */
  readonly failures: readonly string[];
  readonly milliseconds: number;
}

/** Ten times what the longest of thousands of seeds takes. */
const mostSteps = 100_000;

/** `log`: told line by line what happens. */
export async function simulate(seed: number, log?: (line: string) => void): Promise<SeedResult> {
  const start = performance.now();
  const random = seededRandom(seed);
  inForce.isReal = seed % 50 === 49;
  forgetManifests();
  const world = new World(random, drawClimate(random), log);
  const life = new Life(world);
  try {
    await world.time.run(Promise.race([life.whole(), world.broken]), mostSteps);
  } catch (thrown) {
    world.oracle.fail(thrown instanceof Error ? (thrown.stack ?? thrown.message) : String(thrown));
  }
  return {
    seed,
    hash: world.hash(),
    failures: world.oracle.failures,
    milliseconds: performance.now() - start,
  };
}

function drawClimate(random: Random): Climate {
  const pick = <T>(of: readonly T[]): T => of[Math.floor(random.number() * of.length)] as T;
  const level = pick([0, 0.3, 1, 1, 2]);
  const isIceberg = random.number() < 0.6;
  const isInCatalog = isIceberg && random.number() < 0.4;
  const catalogFaults = {
    unavailable: 0.02 * level,
    lost: 0.03 * level,
    late: 0.03 * level,
    falseConflict: 0.03 * level,
    falseRefusal: 0.01 * level,
    needlessConflict: 0.02 * level,
    repeated: 0.02 * level,
    twice: 0.02 * level,
    slow: 0.01 * level,
    lateMilliseconds: pick([minute, 3 * hour, 9 * day]),
    slowMilliseconds: pick([minute, 9 * day]),
  };
  return {
    ...(isInCatalog ? { catalog: { faults: catalogFaults, replaysKeys: random.number() < 0.7 } } : {}),
    table: {
      format: isIceberg ? 'Iceberg' : 'Parquet',
      compression: 'Zstd',
      targetFileSizeBytes: pick([2 ** 28, 2 ** 28, 30]),
      ...(isIceberg && random.number() < 0.3
        ? { partitionBy: [{ field: 'id', transform: 'Truncate', parameter: 1 }] }
        : {}),
    },
    retention: {
      snapshotDays: pick([1, 7]),
      revertDays: pick([0, 1, 30]),
      diagnosticsDays: pick([1, 30]),
    },
    faults: {
      unavailable: 0.02 * level,
      lost: 0.02 * level,
      late: 0.015 * level,
      repeated: 0.02 * level,
      twice: 0.015 * level,
      slow: 0.003 * level,
      lateMilliseconds: pick([minute, 3 * hour, 9 * day]),
      slowMilliseconds: pick([minute, 9 * day]),
    },
    dies: pick([0, 0.1, 0.3]),
    sleeps: pick([0, 0.002, 0.01]),
    longestSleep: pick([minute, 2 * hour, 2 * day, 9 * day]),
    clockSkew: pick([0, second, hour]),
    order: pick(['byte', 'folder']),
    pageSize: pick([1, 2, 3, 1_000]),
    latencyMilliseconds: pick([20, 20, second]),
  };
}

const kinds: readonly [BatchKind, ...BatchKind[]] = ['inline', 'files', 'files', 'connection', 'connection', 'rejects'];

class Life {
  readonly #world: World;
  readonly #stories = new Stories();
  readonly #batches: readonly Batch[];
  readonly #inlet: Inlet | undefined;

  constructor(world: World) {
    this.#world = world;
    const batches: Batch[] = [];
    for (let count = 1 + world.number(3); count > 0; count -= 1) {
      batches.push(new Batch(world, this.#stories, `b${count}`, world.pick(kinds), [...batches]));
    }
    this.#batches = batches;
    this.#inlet = world.chance(0.4) ? new Inlet(world) : undefined;
  }

  async whole(): Promise<void> {
    await this.#begin();
    await this.#trouble();
    await this.#settle();
    this.#judge();
  }

  async #begin(): Promise<void> {
    const world = this.#world;
    // What prepare races to prove a store is tried in few seeds: it is hundreds of calls.
    if (!world.chance(0.01)) {
      world.lake.set('ingest/proof.json', JSON.stringify({ version: 1, endpoint: 'default', time: world.time.now() }));
    }
    for (let file = world.number(3); file >= 0; file -= 1) this.#writeSource();
    await this.#prepare(schema);
  }

  async #trouble(): Promise<void> {
    const world = this.#world;
    world.calm(false);
    const span = world.pick([100, minute, hour, 5 * day]);
    const lives = this.#batches.map((batch) => batch.live(span));
    const inlet = this.#inlet?.live(span);
    const maintenance = Array.from({ length: 1 + world.number(3) }, async () => {
      await world.time.sleep(world.random.number() * world.pick([span, 2 * span, 14 * day]));
      await this.#maintain(2);
    });
    const engine = world.climate.table.format === 'Iceberg' ? new ForeignEngine(world) : undefined;
    const others = [this.#rewriteSources(span), this.#changeSchema(span), engine?.live(world.pick([span, 14 * day]))];
    await Promise.all([...lives, ...maintenance, ...others, inlet]);
    await Promise.race([Promise.all(world.background), world.time.sleep(20 * day)]);
    world.calm(true);
    // What is on its way still lands, and who sleeps wakes.
    await world.time.sleep(20 * day);
  }

  async #settle(): Promise<void> {
    const world = this.#world;
    const begin = world.time.now();
    // Runs that nobody ends are ended, and let go of their files; then one run more takes what no connection took.
    await this.#maintain(1);
    const all = [
      ...this.#batches.filter(({ isGone }) => !isGone),
      new Batch(world, this.#stories, 'sweep', 'connection', []),
    ];
    for (const batch of all) {
      const outcome = await batch.settle();
      if (outcome === undefined) world.oracle.fail(`${batch.id} does not end`);
    }
    for (let days = 0; days < 3; days += 1) {
      await world.time.sleep(day + minute);
      await this.#maintain(1);
    }
    for (const batch of all) this.#judgeOutcome(batch.id, await batch.settle());
    if (world.time.now() - begin > 4 * day) world.oracle.fail('it takes too long to come to an end');
  }

  /** What is told is what is in the table. */
  #judgeOutcome(id: string, told: BatchOutcome | undefined): void {
    const { oracle } = this.#world;
    if (told === undefined) oracle.fail(`${id} does not tell again how it ended`);
    if (told === undefined || told.reason === 'AlreadyCommitted') return;
    const runs = [...oracle.history.runs.values()];
    const run = runs.find(({ plan }) => plan?.batch.id === told.batchID && plan.run === told.run);
    const isOut = run?.reverted !== undefined && run.reverted.landing.refusal === undefined;
    const isIn = run !== undefined && isTakenIn(run);
    const hasRows = (run?.decision?.dataFiles.length ?? 0) > 0;
    const end = !isIn ? 'Failed' : isOut ? 'Reverted' : 'Committed';
    const isTrue = told.outcome === 'Aborted' ? end === 'Failed' : told.outcome === end;
    if (hasRows && !isTrue) oracle.fail(`${id} is told to be ${told.outcome}, and is ${end}`);
    if (['CountsDoNotAddUp', 'UnreadableFile'].includes(told.reason)) oracle.fail(`${id} ends with ${told.reason}`);
  }

  /** Every file of the connections' folder was taken, by one run, whole. */
  #judgeSources(): void {
    const { oracle, source, contents } = this.#world;
    for (const { key, etag } of source.objects.values()) {
      if (!key.startsWith('from/')) continue;
      const missing = (contents.get(etag)?.good ?? []).filter((id) => !oracle.wasThere(id));
      if (missing.length > 0) oracle.fail(`${key} was not ingested: ${missing.join(' ')}`);
    }
  }

  #judge(): void {
    this.#judgeSources();
    const { oracle, lake } = this.#world;
    for (const contradiction of this.#stories.contradictions()) oracle.fail(contradiction);
    const keys = [...lake.objects.keys()];
    // The program's own runs go on with every maintain.
    const own = [...oracle.history.runs.values()].filter(({ plan }) => plan?.batch.kind === 'internal');
    const isOwn = (key: string) => own.some(({ name }) => key === `ingest/open/${name}`);
    const open = keys.filter((key) => key.startsWith('ingest/open/') && !isOwn(key));
    if (open.length > 0) oracle.fail(`runs are still looked at: ${open.join(' ')}`);
    for (const { name, plan, marked } of oracle.history.runs.values()) {
      if (plan !== undefined && !marked) oracle.fail(`${name} never ends`);
    }
    const lost = [...(this.#inlet?.acknowledged ?? [])].filter((id) => !oracle.rows.has(id) && !oracle.lost.has(id));
    if (lost.length > 0) oracle.fail(`acknowledged and not there: ${lost.join(' ')}`);
    const segments = keys.filter((key) => key.includes('/segments/'));
    if (segments.length > 0) oracle.fail(`segments that nobody took or collected: ${segments.join(' ')}`);
  }

  async #prepare(text: string): Promise<void> {
    const task = { ...prepareTask(), dataset: this.#world.target, schema: text, table: this.#world.climate.table };
    await this.#world.job('prepare', (environment) => runPrepare(task, environment));
  }

  async #maintain(tries: number): Promise<void> {
    const { retention } = this.#world.climate;
    const limits = { smallestCompaction: 2, keptSnapshots: 1 };
    const task = { version: 1, verb: 'maintain', dataset: this.#world.target, retention, limits } as const;
    await this.#world.job('maintain', (environment) => runMaintain(task, environment), tries);
  }

  #writeSource(): void {
    const { contents, source } = this.#world;
    const key = `from/${this.#world.number(4)}`;
    source.set(key, contents.make(key, 1 + this.#world.number(2), this.#world.number(2)).text);
    this.#world.trace('wrote', key, source.objects.get(key)?.etag);
  }

  async #rewriteSources(span: number): Promise<void> {
    for (let times = this.#world.number(3); times > 0; times -= 1) {
      await this.#world.time.sleep((this.#world.random.number() * span) / 2);
      this.#writeSource();
      const keys = [...this.#world.source.objects.keys()].filter((key) => key.startsWith('files/'));
      const key = keys[this.#world.number(keys.length)];
      if (key === undefined || this.#world.chance(0.7)) continue;
      if (this.#world.chance(0.3)) this.#world.source.delete(key);
      else this.#world.source.set(key, this.#world.contents.make(key, 1, 0).text);
    }
  }

  async #changeSchema(span: number): Promise<void> {
    if (this.#world.chance(0.6)) return;
    await this.#world.time.sleep(this.#world.random.number() * span);
    const document = JSON.parse(schema);
    document.properties.m = { type: 'string' };
    await this.#prepare(JSON.stringify(document));
  }
}
