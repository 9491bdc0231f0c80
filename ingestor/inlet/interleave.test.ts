/**
 * Many processes on one inlet - writers, rounds, garbage collection, `maintain` - their calls to the store in an order
 * that a seed decides. Some calls lose their answer, some processes end on the way, others sleep while days pass, and
 * listings are no snapshots. Then `maintain` runs until all is quiet. `FOREBAY_SEEDS=1000` tries more;
 * `FOREBAY_SEED=7` tries one.
 */
import { setImmediate } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { Crash, type Fault } from '../../test/support/faulty-store.ts';
import { Lake, target } from '../../test/support/lake-in-memory.ts';
import { seededRandom } from '../../test/support/waiting.ts';
import { openDataset } from '../commit/dataset.ts';
import { parseDocument } from '../contract/documents.ts';
import type { Clock, Random } from '../contract/environment.ts';
import { ForebayError } from '../contract/errors.ts';
import type { Store } from '../store/store.ts';
import { TableMetadata } from '../table/parquet-table.ts';
import type { Environment } from '../tasks/environment.ts';
import { runMaintain } from '../tasks/maintain.ts';
import { listBacklog } from './backlog.ts';
import { type InletSettings, inletState } from './documents.ts';
import { collectGarbage } from './garbage.ts';
import { settingsKey } from './names.ts';
import { runRound } from './round.ts';
import { SegmentWriter } from './writer.ts';

const id = 'a'.repeat(64);
const hour = 3_600_000;
const day = 24 * hour;
const settings: InletSettings = {
  version: 1,
  namespace: 'default',
  name: 'inlet',
  mapping: [],
  maxRecordBytes: 1_000,
  maxRoundBytes: 2_000,
};

const seeds =
  process.env.FOREBAY_SEED === undefined
    ? Array.from({ length: Number(process.env.FOREBAY_SEEDS ?? 40) }, (_, seed) => seed)
    : [Number(process.env.FOREBAY_SEED)];

test.for(seeds)('seed %i: what was acknowledged is there, once, and counted', { timeout: 60_000 }, async (seed) => {
  const lake = new Lake();
  await lake.prepare();
  await lake.bucket('lake').put(settingsKey(id), JSON.stringify(settings));
  const story = new Story();
  await interleave(lake, processes(story), seededRandom(seed));
  await untilQuiet(lake);
  await expectOnce(lake, story);
  expectEveryVersion(lake);
});

/** What senders know. */
class Story {
  readonly sent = new Set<string>();
  readonly acknowledged = new Set<string>();
  readonly bad = new Set<string>();
  #next = 0;

  /** Three records, the last of which no schema takes. */
  lines(): { ids: string[]; lines: Buffer } {
    const ids = Array.from({ length: 3 }, () => `r${this.#next++}`);
    for (const one of ids) this.sent.add(one);
    this.bad.add(ids[2] ?? '');
    const text = ids.map((one, index) => `${JSON.stringify({ id: one, n: index === 2 ? 'bad' : index })}\n`).join('');
    return { ids, lines: Buffer.from(text) };
  }
}

type Work = (environment: Environment, store: Store) => Promise<unknown>;

function processes(story: Story): Work[] {
  const writers = Array.from({ length: 4 }, () => writeSegments(story));
  const rounds = Array.from({ length: 6 }, () => runRounds);
  const maintain: Work = (environment) => runMaintain({ version: 1, verb: 'maintain', dataset: target }, environment);
  return [...writers, ...rounds, collect, collect, collect, maintain, maintain];
}

function writeSegments(story: Story): Work {
  return async (environment, store) => {
    const listener = { introduced: () => {}, durable: () => {} };
    const patience = { unclearMilliseconds: 60_000, idleMilliseconds: hour / 2 };
    const writer = new SegmentWriter(store, id, patience, listener, { ...environment, clock: patient(environment) });
    for (let segment = 0; segment < 6; segment += 1) {
      const { ids, lines } = story.lines();
      await writer.write({ lines, records: ids.length, firstReceivedTime: environment.clock.now() });
      for (const one of ids) story.acknowledged.add(one);
    }
  };
}

/** Half of the writers give up at the first unclear answer, half after many of them: a crash is one that stays. */
function patient({ clock, random }: Environment): Clock {
  if (random.number() < 0.5) return clock;
  let waits = 0;
  let giveUp = () => {};
  return {
    now: () => clock.now(),
    sleep: async (milliseconds, signal) => {
      waits += 1;
      if (waits > 100) giveUp();
      if (milliseconds < 60_000) return await clock.sleep(milliseconds, signal);
      await new Promise<void>((resolve, reject) => {
        giveUp = resolve;
        signal?.addEventListener('abort', () => reject(signal.reason));
      });
    },
  };
}

async function runRounds(environment: Environment, store: Store): Promise<void> {
  const dataset = await openDataset(store, target, environment);
  const backlog = (taken: Parameters<typeof listBacklog>[2]) => listBacklog(store, id, taken, environment);
  for (let round = 0; round < 5; round += 1) {
    await runRound({ dataset, id, settings, failures: new Map(), listBacklog: backlog }, environment);
  }
}

async function collect(environment: Environment, store: Store): Promise<void> {
  await collectGarbage(await openDataset(store, target, environment), id, environment);
}

/** A call that waits until the scheduler lets it go on. */
interface Gate {
  open(fault: Fault): void;
}

async function interleave(lake: Lake, works: readonly Work[], random: Random): Promise<void> {
  const gates: Gate[] = [];
  let running = 0;
  for (const work of works) {
    running += 1;
    const environment = lake.process(() => new Promise((open) => gates.push({ open })));
    void untilDone(work, pagedLists(lake, environment))
      .catch(ignoreExpected)
      .finally(() => {
        running -= 1;
      });
  }
  while (running > 0) {
    for (let turn = 0; turn < 3; turn += 1) await setImmediate();
    const [gate] = gates.splice(Math.floor(random.number() * gates.length), 1);
    gate?.open(pickFault(random));
    if (random.number() < 0.01) lake.clock.advance(random.number() * (random.number() < 0.2 ? 40 * day : 2 * hour));
  }
  expect(unexpected.splice(0)).toEqual([]);
}

/** Two objects a page, each page as the bucket is then: what comes while the list is read is there or not. */
function pagedLists(lake: Lake, environment: Environment): Environment {
  return {
    ...environment,
    openStore: async (location) => {
      const store = await environment.openStore(location);
      async function* list(prefix: string) {
        for (let last = ''; ; ) {
          for await (const _ of store.list('page')) break;
          const keys = [...lake.bucket('lake').objects.keys()].filter((key) => key.startsWith(prefix) && key > last);
          const page = keys.sort().slice(0, 2);
          for (const key of page) {
            const facts = lake.bucket('lake').objects.get(key);
            if (facts) yield facts;
          }
          if (page.length === 0) return;
          last = page.at(-1) ?? last;
        }
      }
      return { ...store, list };
    },
  };
}

/** Pods are started again; a process that crashed, or that gave up on a segment, is gone with all it knew. */
async function untilDone(work: Work, environment: Environment): Promise<void> {
  for (let tries = 0; tries < 6; tries += 1) {
    try {
      await work(environment, await environment.openStore(target.storage));
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

const unexpected: unknown[] = [];

function ignoreExpected(thrown: unknown): void {
  if (!(thrown instanceof Crash || (thrown instanceof ForebayError && thrown.exitCode === 10))) unexpected.push(thrown);
}

/** Days pass: what is deleted then must not be missed, and what waits is taken. */
async function untilQuiet(lake: Lake): Promise<void> {
  for (let days = 0; days < 3; days += 1) {
    lake.clock.advance(day + 1);
    await runMaintain({ version: 1, verb: 'maintain', dataset: target }, lake.process());
  }
  const left = [...lake.bucket('lake').objects.keys()].filter((key) => key.includes('/segments/'));
  expect(left, 'segments that nobody took or collected').toEqual([]);
}

async function expectOnce(lake: Lake, { sent, acknowledged, bad }: Story): Promise<void> {
  const ids = await lake.ids();
  expect(new Set(ids).size, 'no record is there twice').toBe(ids.length);
  const lost = [...acknowledged].filter((one) => !bad.has(one) && !ids.includes(one));
  expect(lost, 'acknowledged and not there').toEqual([]);
  expect(ids.filter((one) => !sent.has(one) || bad.has(one))).toEqual([]);
  const { records } = inletState(lake.table, id);
  // Of three records that stand or fall together one is bad.
  expect(records).toEqual({
    received: (3 * ids.length) / 2,
    ingested: ids.length,
    failed: ids.length / 2,
    skipped: 0,
  });
  expect(lake.table.totals).toMatchObject({ records: ids.length, ingested: ids.length, failed: ids.length / 2 });
}

/** A reader that comes at any time sees whole rounds, each after the one before. */
function expectEveryVersion(lake: Lake): void {
  const versions = [...lake.bucket('lake').objects.keys()]
    .filter((key) => /\/metadata\/v[0-9]/.test(key))
    .map((key) => parseDocument(TableMetadata, lake.text(key), key, 'DamagedDocument'))
    .sort((a, b) => a.sequence - b.sequence);
  let round = 0;
  for (const metadata of versions) {
    const state = inletState(metadata, id);
    expect([round, round + 1]).toContain(state.round);
    round = state.round;
    expect(metadata.totals.records).toBe(metadata.files.reduce((sum, file) => sum + file.rows, 0));
    expect(state.records.ingested).toBe(metadata.totals.records);
    for (const file of metadata.files) expect(lake.bucket('lake').objects.has(file.key), file.key).toBe(true);
  }
}
