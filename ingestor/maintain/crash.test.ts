/**
 * Maintain may end, or lose an answer, at every single call to the store. Whatever went wrong, the next one leads to the
 * same table, and in the end nothing lies about that the table does not name.
 */
import { describe, expect, test } from 'vitest';
import { Crash, type Fault } from '../../test/support/faulty-store.ts';
import { Lake } from '../../test/support/lake-in-memory.ts';
import { formats, idsOf, newLake, tableOf } from '../commit/testing.ts';
import { ForebayError } from '../contract/errors.ts';
import type { MaintainTask } from '../contract/task.ts';
import type { Environment } from '../tasks/environment.ts';
import { dataObjects, day, hour, ingest, maintain, minute, retention, rowsOf } from './testing.ts';

/** A crash before a call is one after the call before it; a refused call is made again as one whose answer is lost. */
const faults: Exclude<Fault, undefined>[] = ['crash after', 'lost'];
const names = ['a', 'b', 'c'];

const compaction: Partial<MaintainTask> = { limits: { smallestCompaction: 2 } };
/** All but the last snapshots leave. */
const expiry: Partial<MaintainTask> = { retention: { ...retention, snapshotDays: 1 }, limits: { keptSnapshots: 1 } };

describe.each(formats)('a table of format %s', (format) => {
  test.for(faults)('small files become one: %s at every call', { timeout: 120_000 }, async (fault) => {
    const template = await newLake(format);
    await ingest(template, ...names);
    const calls = await goThrough(template, compaction, fault, async (lake, where) => {
      const { files, totals } = await tableOf(lake);
      expect(files, where).toHaveLength(1);
      expect(totals, where).toMatchObject({ records: 6, ingested: 6, batches: { succeeded: 3, failed: 0 } });
      expect(await idsOf(lake), where).toEqual(rowsOf(names));
    });
    expect(calls).toBeGreaterThan(30);
  });

  test.for(faults)(
    'what nobody needs goes, and nothing else: %s at every call',
    { timeout: 120_000 },
    async (fault) => {
      const template = await newLake(format);
      await ingest(template, ...names);
      await maintain(template, compaction);
      template.clock.advance(3 * day);
      await goThrough(template, expiry, fault, async (lake, where) => {
        // What was written down is deleted an hour later, what was left in the middle another hour later.
        for (let n = 0; n < 3; n += 1) {
          lake.clock.advance(hour + minute);
          await maintain(lake, expiry);
        }
        const { files } = await tableOf(lake);
        expect(await idsOf(lake), where).toEqual(rowsOf(names));
        expect(dataObjects(lake), where).toEqual(files.map(({ key }) => key));
      });
    },
  );
});

/** From a copy of the template each time. Answers the number of calls that were tried. */
async function goThrough(
  template: Lake,
  task: Partial<MaintainTask>,
  fault: Exclude<Fault, undefined>,
  check: (lake: Lake, where: string) => Promise<void>,
): Promise<number> {
  for (let at = 1; ; at += 1) {
    const lake = copyOf(template);
    let what: string | undefined;
    const process = lake.process((call, method, key) => {
      if (call !== at) return undefined;
      what = `${fault} ${method} ${key}, call ${at}`;
      return fault;
    });
    if (!(await succeeds(lake, task, process))) await maintain(lake, task);
    await check(lake, what ?? 'nothing went wrong');
    if (what === undefined) return at - 1;
  }
}

async function succeeds(lake: Lake, task: Partial<MaintainTask>, process: Environment): Promise<boolean> {
  try {
    await maintain(lake, task, process);
    return true;
  } catch (thrown) {
    const isToBeRunAgain = thrown instanceof Crash || (thrown instanceof ForebayError && thrown.exitCode === 10);
    if (!isToBeRunAgain) throw thrown;
    return false;
  }
}

function copyOf(template: Lake): Lake {
  const lake = new Lake();
  lake.clock.advance(template.clock.now() - lake.clock.now());
  for (const [key, object] of template.bucket('lake').objects) lake.bucket('lake').objects.set(key, object);
  return lake;
}
