/**
 * Buckets, time, and processes in them. A process may die (nothing it waits for ever comes), or fall asleep for days at
 * any moment and go on as if nothing had been; its clock may be an hour off.
 */
import { createHash } from 'node:crypto';
import { type Random, silentLog } from '../../ingestor/contract/environment.ts';
import { ForebayError } from '../../ingestor/contract/errors.ts';
import type { DatasetTarget, Retention, StoreLocation, TableSettings } from '../../ingestor/contract/task.ts';
import type { Environment } from '../../ingestor/tasks/environment.ts';
import { type SimulatedCatalogFaults, SimulatedCatalogServer } from '../support/catalog-simulated.ts';
import { target } from '../support/lake-in-memory.ts';
import { readIceberg } from '../support/lake-reader.ts';
import { SimulatedBucket, type SimulatedFaults, type SimulatedWrite } from '../support/simulated-store.ts';
import { SimulatedTime } from '../support/simulated-time.ts';
import { Contents } from './contents.ts';
import { Oracle } from './oracle.ts';

export const second = 1_000;
export const minute = 60 * second;
export const hour = 60 * minute;
export const day = 24 * hour;

export const catalogName = 'lake.events';

/** What one seed decides before anything begins. */
export interface Climate {
  readonly table: TableSettings;
  readonly retention: Retention;
  /** Of the REST catalog that keeps the table; absent: its own folder does. */
  readonly catalog?: { readonly faults: SimulatedCatalogFaults; readonly replaysKeys: boolean };
  readonly faults: SimulatedFaults;
  /** Of processes: the chance that one dies before it ends, and that it falls asleep at a call. */
  readonly dies: number;
  readonly sleeps: number;
  readonly longestSleep: number;
  readonly clockSkew: number;
  readonly order: 'byte' | 'folder';
  readonly pageSize: number;
  readonly latencyMilliseconds: number;
}

/** Milliseconds between two things that a process does one after the other, at most. */
export function longestPause({ faults, catalog, longestSleep, sleeps }: Climate): number {
  const { slow = 0, slowMilliseconds = 0, late = 0, lateMilliseconds = 0 } = faults;
  const ofCalls = (slow > 0 ? 2 * slowMilliseconds : 0) + (late > 0 ? lateMilliseconds : 0);
  const { slowMilliseconds: slowCatalog = 0, lateMilliseconds: lateCatalog = 0 } = catalog?.faults ?? {};
  return ofCalls + 2 * slowCatalog + lateCatalog + (sleeps > 0 ? 2 * longestSleep : 0);
}

export type Work<T> = (environment: Environment) => Promise<T>;

export class World {
  readonly time = new SimulatedTime();
  readonly random: Random;
  readonly contents = new Contents();
  readonly oracle: Oracle;
  readonly lake: SimulatedBucket;
  readonly source: SimulatedBucket;
  readonly catalog: SimulatedCatalogServer | undefined;
  readonly target: DatasetTarget;
  readonly climate: Climate;
  readonly #trace = createHash('sha256');
  readonly #log: ((line: string) => void) | undefined;
  readonly #broken = Promise.withResolvers<void>();
  #isCalm = true;
  #processes = 0;

  constructor(random: Random, climate: Climate, log?: (line: string) => void) {
    this.random = random;
    this.climate = climate;
    this.#log = log;
    const faults = () => (this.#isCalm ? {} : climate.faults);
    const bucket = (onWrite: (write: SimulatedWrite) => void) => {
      const { order, pageSize, latencyMilliseconds } = climate;
      const options = { clock: this.time, random, order, pageSize, latencyMilliseconds, onWrite };
      return new SimulatedBucket({
        ...options,
        get faults() {
          return faults();
        },
      });
    };
    this.oracle = new Oracle(this.contents, climate.retention, () => this.lake);
    this.lake = bucket((write) => this.#wrote(write));
    this.source = bucket(() => {});
    this.catalog = climate.catalog && this.#openCatalogServer(climate.catalog);
    const rest = { uri: 'https://catalog.example', namespace: ['lake'], table: 'events' };
    this.target = this.catalog === undefined ? target : { ...target, catalog: { rest } };
  }

  #openCatalogServer({ faults, replaysKeys }: NonNullable<Climate['catalog']>): SimulatedCatalogServer {
    const now = () => (this.#isCalm ? {} : faults);
    return new SimulatedCatalogServer({
      clock: this.time,
      random: this.random,
      replaysKeys,
      latencyMilliseconds: this.climate.latencyMilliseconds,
      get faults() {
        return now();
      },
      onChange: (_name, { metadata, location }) => {
        this.trace('catalog', location);
        this.#watch(() => {
          const read = (key: string) => this.lake.objects.get(key)?.body;
          this.oracle.changed(readIceberg(metadata, read, this.lake.open().url));
        });
      },
    });
  }

  /** What is done within is not this program's doing. */
  others(act: () => void): void {
    this.oracle.isByOthers = true;
    this.#watch(act);
    this.oracle.isByOthers = false;
  }

  /** Resolves when something is wrong: what comes then does not matter. */
  get broken(): Promise<void> {
    return this.#broken.promise;
  }

  /** True once troubles are over. */
  get isQuiet(): boolean {
    return this.#isCalm;
  }

  /** No more faults, deaths, and falling asleep. */
  calm(isCalm: boolean): void {
    this.#isCalm = isCalm;
  }

  /** What happened, in one number: equal for equal seeds. */
  hash(): string {
    return this.#trace.copy().digest('hex').slice(0, 16);
  }

  trace(...facts: readonly unknown[]): void {
    const line = `${new Date(this.time.now()).toISOString()} ${facts.map(String).join(' ')}`;
    this.#trace.update(line);
    this.#log?.(line);
  }

  chance(of: number): boolean {
    return this.random.number() < of;
  }

  /** A whole number from 0 to below `below`. */
  number(below: number): number {
    return Math.floor(this.random.number() * below);
  }

  pick<T>(of: readonly [T, ...T[]]): T {
    return of[this.number(of.length)] ?? of[0];
  }

  process(): SimulatedProcess {
    this.#processes += 1;
    const skew = Math.round((this.random.number() * 2 - 1) * this.climate.clockSkew);
    return new SimulatedProcess(this, `p${this.#processes}`, skew, () => (this.#isCalm ? undefined : this.climate));
  }

  /** One try of a piece of work in a process of its own. Undefined when it is to be tried again. */
  async attempt<T>(what: string, work: Work<T>): Promise<T | undefined> {
    const process = this.process();
    this.trace(process.name, 'begins', what);
    const done = work(process.environment).then(
      (value) => {
        this.trace(process.name, 'ends', what);
        return value;
      },
      (thrown: unknown) => {
        this.#failed(process, what, thrown);
        return undefined;
      },
    );
    if (this.#isCalm || !this.chance(this.climate.dies)) return await done;
    const killed = this.time.sleep(this.random.number() * this.pick([100, second, minute])).then(() => {
      process.die();
      return undefined;
    });
    return await Promise.race([done, killed]);
  }

  /** As a Job does: one pod after the other, and now and then two at once. Undefined when it gives up. */
  async job<T>(what: string, work: Work<T>, tries = 5): Promise<T | undefined> {
    if (!this.#isCalm && this.chance(0.25)) this.inBackground(this.#tries(what, work, 2));
    return await this.#tries(what, work, tries);
  }

  readonly background: Promise<unknown>[] = [];

  inBackground(work: Promise<unknown>): void {
    this.background.push(work);
  }

  async #tries<T>(what: string, work: Work<T>, tries: number): Promise<T | undefined> {
    for (let left = tries; left > 0; left -= 1) {
      const value = await this.attempt(what, work);
      if (value !== undefined) return value;
      await this.time.sleep(this.random.number() * this.pick([second, minute]));
    }
    return undefined;
  }

  #failed(process: SimulatedProcess, what: string, thrown: unknown): void {
    this.trace(process.name, 'fails', what, thrown instanceof ForebayError ? thrown.code : '', thrown);
    const isRetryable = thrown instanceof ForebayError && thrown.exitCode === 10;
    if (isRetryable) return;
    const stack = thrown instanceof Error ? thrown.stack : String(thrown);
    this.oracle.fail(`${what} throws: ${stack}`);
  }

  #wrote(write: SimulatedWrite): void {
    this.trace(write.kind, write.key, write.after?.etag ?? '');
    this.#watch(() => this.oracle.observe(write));
  }

  #watch(act: () => void): void {
    const before = this.oracle.failures.length;
    try {
      act();
    } catch (thrown) {
      this.oracle.fail(thrown instanceof Error ? thrown.message : String(thrown));
    }
    for (const failure of this.oracle.failures.slice(before)) this.trace('FAILURE', failure);
    if (this.oracle.failures.length > 0) this.#broken.resolve();
  }
}

export class SimulatedProcess {
  readonly name: string;
  readonly environment: Environment;
  readonly #world: World;
  readonly #climate: () => Climate | undefined;
  #dead = false;
  #asleepUntil = 0;

  constructor(world: World, name: string, skew: number, climate: () => Climate | undefined) {
    this.#world = world;
    this.name = name;
    this.#climate = climate;
    const { time } = world;
    this.environment = {
      openCatalog: async () => {
        if (world.catalog === undefined) throw new Error('no catalog in this simulation');
        return world.catalog.open(catalogName, this);
      },
      openStore: async (location) => (isLake(location) ? world.lake : world.source).open('', this),
      clock: {
        now: () => time.now() + skew,
        sleep: async (milliseconds, signal) => {
          await time.sleep(milliseconds, signal);
          await this.paused();
        },
      },
      random: world.random,
      signal: new AbortController().signal,
      log: silentLog,
      progress: () => {},
    };
  }

  die(): void {
    this.#dead = true;
    this.#world.trace(this.name, 'dies');
  }

  paused(): Promise<void> | undefined {
    if (this.#dead) return never();
    const climate = this.#climate();
    if (climate !== undefined && this.#world.chance(climate.sleeps)) {
      this.#asleepUntil = this.#world.time.now() + this.#world.random.number() * climate.longestSleep;
      this.#world.trace(this.name, 'falls asleep');
    }
    return this.#asleepUntil > this.#world.time.now() ? this.#sleep() : undefined;
  }

  async #sleep(): Promise<void> {
    while (this.#asleepUntil > this.#world.time.now()) {
      await this.#world.time.sleep(this.#asleepUntil - this.#world.time.now());
    }
    if (this.#dead) await never();
  }
}

/** A new one each time: who waits is forgotten with it. */
function never(): Promise<void> {
  return new Promise(() => {});
}

function isLake(location: StoreLocation): boolean {
  return 's3' in location && location.s3.bucket === 'lake';
}
