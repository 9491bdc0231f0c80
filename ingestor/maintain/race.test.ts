/**
 * Twins of maintain beside batches and a revert, on machines whose clocks are an hour apart, taking turns at every call
 * to the store as the seed has it, with answers that are lost.
 */
import { setImmediate } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { finishTask, type Lake } from '../../test/support/lake-in-memory.ts';
import { seededRandom } from '../../test/support/waiting.ts';
import { formats, idsOf, newLake, openLake, tableOf } from '../commit/testing.ts';
import type { Clock, Random } from '../contract/environment.ts';
import { ForebayError } from '../contract/errors.ts';
import { loadState } from '../table/commit.ts';
import type { Environment } from '../tasks/environment.ts';
import { runFinish } from '../tasks/finish.ts';
import { dataObjects, day, hour, ingest, ingestBy, maintain, minute, retention, rowsOf, six } from './testing.ts';

const task = { retention: { ...retention, snapshotDays: 1 }, limits: { smallestCompaction: 2, keptSnapshots: 1 } };
const seeds = Array.from({ length: 4 }, (_, seed) => seed);

describe.each(formats)('a table of format %s', (format) => {
  test.for(seeds)('seed %i: each row is there once, counts are equal, nothing lies about in the end', async (seed) => {
    const lake = await newLake(format);
    const random = seededRandom(seed);
    await ingest(lake, ...six);
    lake.clock.advance(3 * day);
    const more = ['x', 'y'];
    const reverted = await Promise.all([
      untilDone(() => maintain(lake, task, racing(lake, random, 0))),
      untilDone(() => maintain(lake, task, racing(lake, random, hour))),
      untilDone(() => maintain(lake, task, racing(lake, random, -hour))),
      ...more.map((name) => untilDone(() => ingestBy(racing(lake, random, 0), name))),
      untilDone(() => revert('a', racing(lake, random, 0))),
    ]).then((answers) => answers.at(-1) === true);
    const names = [...six, ...more].filter((name) => !(reverted && name === 'a'));
    expect(await idsOf(lake)).toEqual(rowsOf(names));
    const { totals } = await tableOf(lake);
    expect(totals).toMatchObject({
      records: 2 * names.length,
      ingested: 2 * (six.length + more.length),
      batches: { succeeded: six.length + more.length, failed: 0 },
    });
    await settle(lake);
    expect(await idsOf(lake)).toEqual(rowsOf(names));
    expect(dataObjects(lake)).toEqual((await tableOf(lake)).files.map(({ key }) => key).sort());
    if (format === 'Iceberg') await expectWhole(lake);
  });
});

/** Waits for its turn before each call; now and then the answer is lost. */
function racing(lake: Lake, random: Random, ahead: number): Environment {
  const clock: Clock = { now: () => lake.clock.now() + ahead, sleep: async () => await setImmediate() };
  const decide = async () => {
    for (let turns = Math.floor(random.number() * 4); turns > 0; turns -= 1) await setImmediate();
    return random.number() < 0.02 ? 'lost' : undefined;
  };
  return lake.process(decide, undefined, clock);
}

/** As a Job does it. */
async function untilDone<T>(work: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await work();
    } catch (thrown) {
      if (!(thrown instanceof ForebayError) || thrown.exitCode !== 10) throw thrown;
    }
  }
}

/** False when the files were compacted first. */
async function revert(name: string, process: Environment): Promise<boolean> {
  const abort = { reason: 'Aborted', message: 'not wanted' };
  const { batch } = await runFinish(finishTask(name, { abort, revert: true }), process);
  return batch.outcome === 'Reverted';
}

/** Days pass, and maintain comes now and then. */
async function settle(lake: Lake): Promise<void> {
  for (let n = 0; n < 4; n += 1) {
    lake.clock.advance(day + minute);
    await maintain(lake, task);
    lake.clock.advance(hour);
    await maintain(lake, task);
  }
}

/** All that the table names is there. */
async function expectWhole(lake: Lake): Promise<void> {
  const { dataset } = await openLake(lake);
  const state = await loadState(dataset.table);
  const { objects } = lake.bucket('lake');
  for (const key of await dataset.table.metadataKeys(state)) expect(objects.has(key)).toBe(true);
  const all = new Set(dataset.table.snapshots(state).map(({ snapshotID }) => snapshotID));
  for await (const key of dataset.table.filesOnlyIn(state, all)) expect(objects.has(key)).toBe(true);
}
