/**
 * The commit loop on a catalog with all troubles it knows, in simulated time: whatever it lies about, each commit is in
 * the table once, and nothing that another engine did is lost. `FOREBAY_SEED` starts elsewhere, `FOREBAY_SEEDS` takes more.
 */
import { expect, test } from 'vitest';
import type { Waiting } from '../../ingestor/contract/environment.ts';
import type { TableSettings } from '../../ingestor/contract/task.ts';
import type { Column } from '../../ingestor/engine/schema.ts';
import { commitToTable, createTable } from '../../ingestor/table/commit.ts';
import type { LoadedTable } from '../../ingestor/table/iceberg/catalog.ts';
import type { IcebergTable as Table } from '../../ingestor/table/iceberg/iceberg-table.ts';
import { installHooks } from '../simulation/hooks.ts';
import { type SimulatedCatalogFaults, SimulatedCatalogServer } from './catalog-simulated.ts';
import { SimulatedBucket } from './simulated-store.ts';
import { SimulatedTime } from './simulated-time.ts';
import { seededRandom } from './waiting.ts';

// Before manifests are written: what they are compressed with must be done when it is called.
installHooks();
const { IcebergTable } = await import('../../ingestor/table/iceberg/iceberg-table.ts');

const firstSeed = Number(process.env.FOREBAY_SEED ?? 1);
const seeds = Number(process.env.FOREBAY_SEEDS ?? 60);
const name = 'lake.events';
const settings: TableSettings = { format: 'Iceberg', compression: 'Zstd', targetFileSizeBytes: 1 };

const allFaults: SimulatedCatalogFaults = {
  unavailable: 0.08,
  lost: 0.06,
  late: 0.06,
  falseConflict: 0.06,
  falseRefusal: 0.06,
  needlessConflict: 0.06,
  repeated: 0.06,
  twice: 0.06,
  slow: 0.1,
  lateMilliseconds: 60_000,
  slowMilliseconds: 30_000,
};

class Story {
  readonly time = new SimulatedTime();
  readonly random;
  readonly waiting: Waiting;
  readonly states: LoadedTable[] = [];
  readonly server: SimulatedCatalogServer;
  readonly #bucket: SimulatedBucket;
  #faults: SimulatedCatalogFaults = allFaults;

  constructor(seed: number) {
    this.random = seededRandom(seed);
    this.waiting = { clock: this.time, random: this.random, signal: new AbortController().signal };
    this.#bucket = new SimulatedBucket({ clock: this.time, random: this.random });
    const faults = () => this.#faults;
    this.server = new SimulatedCatalogServer({
      clock: this.time,
      random: this.random,
      replaysKeys: seed % 2 === 0,
      get faults() {
        return faults();
      },
      onChange: (_, loaded) => this.states.push(loaded),
    });
  }

  calm(): void {
    this.#faults = {};
  }

  open(): Table {
    const catalog = this.server.open(name);
    const options = { uuid: 'ours', folder: 'table-ours/', created: false, waiting: this.waiting };
    return new IcebergTable({ store: this.#bucket.open(), catalog, ...options });
  }

  async create(): Promise<void> {
    const columns: Column[] = [{ name: 'n', type: 'long', required: false, children: [], path: '' }];
    await untilClear(() => createTable(this.open(), { schemaDigest: 'd', columns, settings }, this.waiting));
  }

  async commit(run: string): Promise<void> {
    const table = this.open();
    const property = `forebay.run.${run}`;
    const file = { key: `${table.dataFolder}${run}.parquet`, rows: 1, bytes: 1 };
    await untilClear(() =>
      commitToTable(
        table,
        ({ properties }, { snapshotID }) =>
          properties[property] === undefined
            ? { change: { addFiles: [file], setProperties: { [property]: snapshotID } } }
            : { done: undefined },
        this.waiting,
      ),
    );
  }

  /** Without a look at what is in the table, for which the loop is there. */
  async commitUnseen(run: string): Promise<void> {
    const table = this.open();
    const file = { key: `${table.dataFolder}${run}.parquet`, rows: 1, bytes: 1 };
    for (let committed = false; !committed; ) {
      const state = await untilClear(() => table.load());
      const snapshotID = String(Math.floor(this.random.number() * 2 ** 50));
      const stamp = { snapshotID, time: Math.max(this.time.now(), (state?.lastCommitTime ?? 0) + 1) };
      committed = await table.commit(state, { addFiles: [file] }, stamp).then(
        (answer) => answer !== undefined,
        () => false,
      );
    }
  }

  /** As another engine. */
  async disturb(times: number): Promise<void> {
    for (let n = 0; n < times; n += 1) {
      await this.time.sleep(this.random.number() * 20_000);
      if (this.server.model.tables.has(name)) {
        this.server.model.change(name, [{ action: 'set-properties', updates: { [`theirs.${n}`]: 'set' } }]);
      }
    }
  }
}

/** As a Job does, whose pods end when a catalog stays unclear for too long. */
async function untilClear<T>(act: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await act();
    } catch (thrown) {
      expect(thrown).toMatchObject({ code: 'CatalogUnavailable' });
    }
  }
}

async function tell(seed: number, commit = (story: Story, run: string) => story.commit(run)) {
  const story = new Story(seed);
  const runs = Array.from({ length: 8 }, (_, n) => `run${n}`);
  await story.time.run(
    (async () => {
      await story.create();
      await Promise.all([...runs.map((run) => commit(story, run)), story.disturb(5)]);
      // What is still under way lands.
      await story.time.sleep(600_000);
      story.calm();
    })(),
  );
  const table = story.open();
  const files: string[] = [];
  const state = await story.time.run(
    (async () => {
      const loaded = await table.load();
      if (loaded === undefined) throw new Error('no table');
      for await (const { key } of table.files(loaded)) files.push(key);
      return loaded;
    })(),
  );
  return { story, state, files: files.sort(), expected: runs.map((run) => `table-ours/data/${run}.parquet`) };
}

test('whatever a catalog answers, each commit is in the table once', { timeout: 120_000 }, async () => {
  for (let seed = firstSeed; seed < firstSeed + seeds; seed += 1) {
    const { story, state, files, expected } = await tell(seed);
    expect(files, `seed ${seed}`).toEqual(expected);
    expect(state.totals, `seed ${seed}`).toMatchObject({ files: 8, records: 8 });
    // One for the table itself, and one each.
    expect(state.sequence, `seed ${seed}`).toBe(9);
    const { metadata } = story.states.at(-1) ?? {};
    for (let n = 0; n < 5; n += 1) expect(metadata?.properties, `seed ${seed}`).toHaveProperty([`theirs.${n}`]);
    const sequences = metadata?.snapshots?.map((snapshot) => Number(snapshot['sequence-number']));
    expect(sequences, `seed ${seed}`).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
  }
});

test('the same seed tells the same story', async () => {
  const [one, two] = [await tell(firstSeed), await tell(firstSeed)];
  expect(two.story.states).toEqual(one.story.states);
});

test('a writer that takes every answer at its word repeats itself, with some seed', { timeout: 120_000 }, async () => {
  for (let seed = 1; seed <= 20; seed += 1) {
    const { files, expected } = await tell(seed, (story, run) => story.commitUnseen(run));
    if (files.length > expected.length) return;
  }
  expect.unreachable('20 seeds found nothing wrong with it');
});
