/** Tables in a REST catalog, where commits are compared by their snapshot alone and each of them brings one. */
import { beforeEach, expect, test } from 'vitest';
import { SimulatedCatalogServer } from '../../test/support/catalog-simulated.ts';
import { type Decide, Lake, planTask, prepareTask, records, target } from '../../test/support/lake-in-memory.ts';
import { seededRandom } from '../../test/support/waiting.ts';
import { openDataset } from '../commit/dataset.ts';
import type { DatasetTarget } from '../contract/task.ts';
import { loadState } from '../table/commit.ts';
import type { Environment } from '../tasks/environment.ts';
import { runMaintain } from '../tasks/maintain.ts';
import { runPlan } from '../tasks/plan.ts';
import { runPrepare } from '../tasks/prepare.ts';
import { dataObjects, day, hour, minute, objects, retention } from './testing.ts';

const dataset: DatasetTarget = {
  ...target,
  catalog: { rest: { uri: 'http://catalog', namespace: ['lake'], table: 'events' } },
};

let lake: Lake;
let server: SimulatedCatalogServer;

beforeEach(async () => {
  lake = new Lake();
  server = new SimulatedCatalogServer({ clock: lake.clock, random: seededRandom(7) });
  const table = { format: 'Iceberg', compression: 'Zstd', targetFileSizeBytes: 2 ** 28 } as const;
  await runPrepare({ ...prepareTask(), dataset, table }, process());
});

function process(decide?: Decide): Environment {
  return { ...lake.process(decide), openCatalog: async () => server.open('lake.events') };
}

async function maintain(environment = process()) {
  const limits = { keptSnapshots: 1, smallestCompaction: 2 };
  return await runMaintain({ version: 1, verb: 'maintain', dataset, retention, limits }, environment);
}

async function ingest(...names: string[]): Promise<void> {
  for (const name of names) {
    const task = planTask(name, { input: { inline: { data: records(name, 2) } } });
    const { batch } = await runPlan({ ...task, dataset }, process());
    expect(batch?.outcome).toBe('Committed');
  }
}

async function tableNow() {
  const environment = process();
  const { table } = await openDataset(await environment.openStore(dataset.storage), dataset, environment);
  const state = await loadState(table);
  const files: string[] = [];
  for await (const { key } of table.files(state)) files.push(key);
  return { state, files, snapshots: table.snapshots(state), named: await table.metadataKeys(state) };
}

const ten = Array.from({ length: 10 }, (_, n) => `batch-${n}`);

test('small files become one, snapshots leave, and files follow an hour later', async () => {
  await ingest(...ten);
  expect((await maintain()).did).toMatchObject({ compactedFiles: 10, compactedInto: 1 });
  lake.clock.advance(8 * day);
  expect((await maintain()).did).toMatchObject({ expiredSnapshots: 10 });
  lake.clock.advance(hour);
  await maintain();
  const { state, files } = await tableNow();
  expect(files).toHaveLength(1);
  expect(dataObjects(lake)).toEqual(files);
  expect(state.totals).toMatchObject({ records: 20, ingested: 20, batches: { succeeded: 10, failed: 0 } });
});

test('a table that nobody writes to comes to rest', async () => {
  await ingest(...ten);
  await maintain();
  for (let n = 0; n < 5; n += 1) {
    lake.clock.advance(8 * day);
    await maintain();
  }
  const { sequence } = (await tableNow()).state;
  for (let n = 0; n < 20; n += 1) {
    lake.clock.advance(8 * day);
    await maintain();
  }
  expect((await tableNow()).state.sequence).toBe(sequence);
});

test('manifests go behind a commit that brought a snapshot', async () => {
  await ingest(...ten);
  await maintain();
  lake.clock.advance(8 * day);
  const before = objects(lake, '.avro').length;
  await maintain();
  expect(objects(lake, '.avro').length).toBeGreaterThanOrEqual(before);
  lake.clock.advance(hour + minute);
  let committed = false;
  const seen = process(async (_call, method) => {
    if (method === 'list' && !committed) {
      committed = true;
      await ingest('x');
    }
    return undefined;
  });
  await maintain(seen);
  const { named } = await tableNow();
  expect(objects(lake, '.avro').filter((key) => !named.has(key) && isOld(key))).toEqual([]);
  for (const key of named) expect(objects(lake, key)).toHaveLength(1);
});

function isOld(key: string): boolean {
  const { lastModified = 0 } = lake.bucket('lake').objects.get(key) ?? {};
  return lastModified < lake.clock.now() - day - hour;
}

test('so many manifests that nobody names are worth a commit of their own', async () => {
  await ingest('a');
  for (let n = 0; n < 100; n += 1) {
    const [list = ''] = objects(lake, '-list.avro');
    await lake.bucket('lake').put(list.replace(/forebay-[0-9]+/, `forebay-${n + 1}`), 'lost');
  }
  lake.clock.advance(2 * day);
  const before = (await tableNow()).snapshots.length;
  await maintain();
  expect(objects(lake, '-list.avro')).toHaveLength(2);
  expect((await tableNow()).snapshots).toHaveLength(before + 1);
});

test('nothing is compacted while another engine deletes single rows by files of their own', async () => {
  await ingest(...ten);
  const dying = process((_call, method, key) =>
    method === 'putIfAbsent' && key.endsWith('/decision.json') ? 'crash before' : undefined,
  );
  await expect(maintain(dying)).rejects.toThrow('crash');
  deleteSomeRows();
  expect((await maintain()).did).toMatchObject({ compactedFiles: 0 });
  expect((await maintain()).did).toMatchObject({ compactedFiles: 0 });
  expect((await tableNow()).files).toHaveLength(10);
});

/** As the other engine says so. */
function deleteSomeRows(): void {
  const { metadata } = server.model.tables.get('lake.events') ?? {};
  const current = metadata?.snapshots?.find((one) => one['snapshot-id'] === metadata['current-snapshot-id']);
  if (current === undefined) throw new Error('the table has no snapshot');
  const snapshot = {
    ...current,
    'snapshot-id': 77,
    'parent-snapshot-id': current['snapshot-id'],
    'sequence-number': Number(current['sequence-number']) + 1,
    'timestamp-ms': current['timestamp-ms'] + 1,
    summary: { ...current.summary, operation: 'delete', 'total-delete-files': '1' },
  } as const;
  server.model.change('lake.events', [
    { action: 'add-snapshot', snapshot },
    { action: 'set-snapshot-ref', 'ref-name': 'main', type: 'branch', 'snapshot-id': 77 },
  ]);
}
