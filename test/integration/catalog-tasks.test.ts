/** The tasks on a table that a real REST catalog keeps, beside other engines, with the catalog killed and away. */
import { execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { openRestCatalog } from '../../ingestor/catalog/rest-catalog.ts';
import { type Clock, silentLog, systemClock, systemRandom } from '../../ingestor/contract/environment.ts';
import type { DatasetTarget, S3Location, TableSettings } from '../../ingestor/contract/task.ts';
import { openStore } from '../../ingestor/store/open.ts';
import type { Environment } from '../../ingestor/tasks/environment.ts';
import { runFinish } from '../../ingestor/tasks/finish.ts';
import { runMaintain } from '../../ingestor/tasks/maintain.ts';
import { runPlan } from '../../ingestor/tasks/plan.ts';
import { runPrepare } from '../../ingestor/tasks/prepare.ts';
import { runPurge } from '../../ingestor/tasks/purge.ts';
import { installPython } from '../servers/install.ts';
import { type CatalogServer, startRestCatalog } from '../servers/rest-catalog.ts';
import { createBucket } from '../servers/s3.ts';
import { CatalogTable } from '../support/catalog-table.ts';
import type { TableLocation } from '../support/lake.ts';
import { finishTask, planTask, prepareTask, records, schema } from '../support/lake-in-memory.ts';
import { catalogCredentials } from './support/catalog-location.ts';
import { s3Location } from './support/s3-location.ts';

let server: CatalogServer;
let credentialsPath: string;

beforeAll(async () => {
  server = await startRestCatalog(inject('s3'));
  credentialsPath = await catalogCredentials(server.address);
}, 180_000);

afterAll(() => server.stop());

/** A process of its own, as far as what it remembers goes. */
function environment(clock: Clock = systemClock): Environment {
  return {
    openStore: (location) => openStore(location),
    openCatalog: (location) => openRestCatalog(location, { clock, credentialsPatienceMilliseconds: 0 }),
    clock,
    random: systemRandom,
    signal: new AbortController().signal,
    log: silentLog,
    progress: () => {},
  };
}

/** Waits are over at once. */
const hastyClock: Clock = { now: () => Date.now(), sleep: async () => {} };

interface Place {
  readonly target: DatasetTarget;
  readonly table: CatalogTable;
  readonly files: TableLocation;
}

async function newPlace(settings: Partial<TableSettings> = {}): Promise<Place> {
  const bucket = `lake-${randomUUID().slice(0, 8)}`;
  await createBucket(inject('s3'), bucket);
  const lake = await s3Location(inject('s3'), { bucket, prefix: 'events' });
  await sayProved(lake);
  const { uri, clientID, clientSecret } = server.address;
  const namespace = ['lake', bucket];
  const target: DatasetTarget = {
    owner: { installation: 'test', namespace: 'default', name: 'events' },
    storage: { s3: lake },
    catalog: { rest: { uri, namespace, table: 'events', credentialsPath } },
  };
  const access = { root: `${uri}/v1/main`, tokenURL: `${uri}/v1/oauth/tokens`, clientID, clientSecret };
  const place = {
    target,
    table: new CatalogTable(access, namespace, 'events'),
    files: { address: inject('s3'), bucket, prefix: 'events' },
  };
  await prepare(place, schema, settings);
  return place;
}

/** The S3 server is proved by other tests; it takes seconds. */
async function sayProved(lake: S3Location): Promise<void> {
  const store = await openStore({ s3: lake });
  await store.put('ingest/proof.json', JSON.stringify({ version: 1, endpoint: lake.endpoint, time: 0 }));
  await store.close();
}

async function prepare({ target }: Place, text: string, settings: Partial<TableSettings> = {}) {
  const { table, ...task } = prepareTask();
  const task2 = {
    ...task,
    dataset: target,
    schema: text,
    table: { ...table, format: 'Iceberg' as const, ...settings },
  };
  return await runPrepare(task2, environment());
}

async function ingest({ target }: Place, name: string, data: string, process = environment()) {
  const { batch } = await runPlan({ ...planTask(name, { input: { inline: { data } } }), dataset: target }, process);
  return batch;
}

async function revert({ target }: Place, name: string) {
  const abort = { reason: 'Aborted', message: 'as asked' };
  const request = { token: '', digest: 'digest' };
  const task = finishTask(name, { dataset: target, abort, request, revert: true });
  return (await runFinish(task, environment())).batch;
}

async function idsOf({ table, files }: Place): Promise<string[]> {
  const rows = await table.query(files, 'SELECT id FROM records');
  return rows.map((row) => String(row.id)).sort();
}

async function sequenceOf({ table }: Place): Promise<string | undefined> {
  return (await table.metadata()).properties['forebay.sequence'];
}

function ids(prefix: string, count: number): string[] {
  return Array.from({ length: count }, (_, n) => `${prefix}-${n}`);
}

interface User {
  readonly rows: readonly { readonly id: string }[];
  readonly snapshots: number;
  readonly properties: Readonly<Record<string, string>>;
}

/** pyiceberg, which finds table and files through the catalog. */
async function asUser({ table }: Place, command: 'read' | 'append', rows: readonly object[] = []): Promise<User> {
  const requirements = join(import.meta.dirname, 'readers', 'requirements.txt');
  const python = join(await installPython('readers', requirements, 'pyiceberg and pyarrow'), 'python');
  const { uri, clientID, clientSecret } = server.address;
  const { endpoint, region, admin } = inject('s3');
  const properties = {
    uri,
    credential: `${clientID}:${clientSecret}`,
    'py-io-impl': 'pyiceberg.io.pyarrow.PyArrowFileIO',
    's3.endpoint': endpoint,
    's3.region': region,
    's3.access-key-id': admin.accessKeyID,
    's3.secret-access-key': admin.secretAccessKey,
  };
  const asked = JSON.stringify({ command, rows, properties, namespace: table.namespace, table: table.name });
  const program = join(import.meta.dirname, 'support', 'catalog_user.py');
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  const child = execFile(python, ['-W', 'ignore', program], (error, output, errors) => {
    if (error) reject(new Error(errors, { cause: error }));
    else resolve(output);
  });
  child.stdin?.end(asked);
  return JSON.parse(await promise);
}

describe('a table that a catalog keeps', () => {
  test('is created, filled, evolved and taken back from, as pyiceberg sees it through the catalog', async () => {
    const place = await newPlace();
    expect((await place.table.metadata()).properties).toMatchObject({ 'forebay.sequence': '1' });
    expect(await ingest(place, 'one', records('one', 3))).toMatchObject({ outcome: 'Committed' });
    const evolved = JSON.parse(schema);
    evolved.properties.added = { type: 'boolean' };
    await prepare(place, JSON.stringify(evolved));
    expect(await ingest(place, 'two', '{"id":"two-0","n":1,"added":true}\n')).toMatchObject({ outcome: 'Committed' });
    const seen = await asUser(place, 'read');
    expect(seen.rows).toEqual([
      { id: 'one-0', n: 0, added: null },
      { id: 'one-1', n: 1, added: null },
      { id: 'one-2', n: 2, added: null },
      { id: 'two-0', n: 1, added: true },
    ]);
    expect(await revert(place, 'one')).toMatchObject({ outcome: 'Reverted' });
    expect((await asUser(place, 'read')).rows).toEqual([{ id: 'two-0', n: 1, added: true }]);
  });

  test('has partitions by the ids that the catalog gave', async () => {
    const place = await newPlace({ partitionBy: [{ field: 'n', transform: 'Bucket', parameter: 4 }], sortBy: ['n'] });
    await ingest(place, 'one', records('one', 20));
    expect((await asUser(place, 'read')).rows.map(({ id }) => id)).toEqual(ids('one', 20).sort());
  });

  test('says again what became of a batch', async () => {
    const place = await newPlace();
    const first = await ingest(place, 'one', records('one', 3));
    await ingest(place, 'two', records('two', 3));
    expect(await ingest(place, 'one', records('one', 3))).toEqual(first);
    expect(await idsOf(place)).toHaveLength(6);
  });

  test('takes twenty batches at once, each as a snapshot of its own', { timeout: 120_000 }, async () => {
    const place = await newPlace();
    const names = Array.from({ length: 20 }, (_, n) => `batch${n}`);
    const batches = await Promise.all(names.map((name) => ingest(place, name, records(name, 5))));
    for (const batch of batches) expect(batch).toMatchObject({ outcome: 'Committed', records: { ingested: 5 } });
    expect(new Set(batches.map((batch) => batch?.snapshotID)).size).toBe(20);
    expect(await idsOf(place)).toEqual(names.flatMap((name) => ids(name, 5)).sort());
    const { properties, snapshots } = await place.table.metadata();
    // One for the table itself, and one each.
    expect(properties['forebay.sequence']).toBe('21');
    expect(snapshots.length).toBeGreaterThanOrEqual(20);
  });

  test('leaves the catalog when the dataset is purged, unless it is another table by then', async () => {
    const purge = async ({ target: dataset }: Place) =>
      await runPurge({ version: 1, verb: 'purge', dataset }, environment());
    const [ours, theirs] = [await newPlace(), await newPlace()];
    await ingest(ours, 'one', records('one', 3));
    expect((await purge(ours)).deletedObjects).toBeGreaterThan(5);
    await expect(ours.table.metadata()).rejects.toThrow('404');
    await purge(ours);
    await theirs.table.drop();
    await theirs.table.createAsOther(`s3://${theirs.files.bucket}/other`);
    await purge(theirs);
    await expect(theirs.table.metadata()).resolves.toMatchObject({ location: `s3://${theirs.files.bucket}/other` });
  });

  test('is maintained', async () => {
    const place = await newPlace();
    await ingest(place, 'one', records('one', 3));
    const result = await runMaintain({ version: 1, verb: 'maintain', dataset: place.target }, environment());
    expect(result).toMatchObject({ verb: 'maintain', table: { records: 3 } });
    expect(await idsOf(place)).toEqual(ids('one', 3));
  });
});

describe('a catalog', () => {
  test('that is killed again and again in the midst of commits loses and repeats nothing', {
    timeout: 180_000,
  }, async () => {
    const place = await newPlace();
    const names = Array.from({ length: 12 }, (_, n) => `batch${n}`);
    let done = 0;
    const untilDone = async (name: string) => {
      for (;;) {
        try {
          const batch = await ingest(place, name, records(name, 5));
          done += 1;
          return batch;
        } catch (thrown) {
          expect(thrown).toMatchObject({ code: 'CatalogUnavailable' });
        }
      }
    };
    const working = Promise.all(names.map(untilDone));
    for (let deaths = 0; deaths < 6 && done < names.length; deaths += 1) {
      await server.kill();
      await server.restart();
      // Something gets done between two deaths.
      const before = await sequenceOf(place);
      while (done < names.length && (await sequenceOf(place)) === before);
    }
    for (const batch of await working) expect(batch).toMatchObject({ outcome: 'Committed', run: 1 });
    expect(await idsOf(place)).toEqual(names.flatMap((name) => ids(name, 5)).sort());
    expect((await place.table.metadata()).properties['forebay.sequence']).toBe('13');
  });

  test('that is down is named with its URI, and the batch goes on when it is back', async () => {
    const place = await newPlace();
    await server.kill();
    await expect(ingest(place, 'one', records('one', 3), environment(hastyClock))).rejects.toMatchObject({
      code: 'CatalogUnavailable',
      message: expect.stringContaining(server.address.uri),
      exitCode: 10,
    });
    await server.restart();
    expect(await ingest(place, 'one', records('one', 3))).toMatchObject({ outcome: 'Committed', run: 1 });
    expect(await idsOf(place)).toEqual(ids('one', 3));
  });

  test('that does not let us in any more stops the task for good', async () => {
    const place = await newPlace();
    const wrong = await catalogCredentials({ ...server.address, clientSecret: 'rotated' });
    const rest = place.target.catalog?.rest;
    if (rest === undefined) throw new Error('no catalog');
    const target = { ...place.target, catalog: { rest: { ...rest, credentialsPath: wrong } } };
    await expect(ingest({ ...place, target }, 'one', records('one', 3))).rejects.toMatchObject({
      code: 'CredentialsRefused',
      exitCode: 42,
    });
  });
});

describe('other engines', () => {
  test('commit in between, and neither loses a row', async () => {
    const place = await newPlace();
    await ingest(place, 'one', records('one', 2));
    await asUser(place, 'append', [{ id: 'theirs', n: 7 }]);
    expect(await ingest(place, 'two', records('two', 2))).toMatchObject({ outcome: 'Committed' });
    const seen = await asUser(place, 'read');
    expect(seen.rows.map(({ id }) => id)).toEqual(['one-0', 'one-1', 'theirs', 'two-0', 'two-1']);
    expect(await revert(place, 'one')).toMatchObject({ outcome: 'Reverted' });
    expect(await idsOf(place)).toEqual(['theirs', 'two-0', 'two-1']);
  });

  test('commit all the while, and each of ours is there once', { timeout: 120_000 }, async () => {
    const place = await newPlace();
    await ingest(place, 'first', records('first', 1));
    const names = Array.from({ length: 8 }, (_, n) => `batch${n}`);
    let working = true;
    const disturbing = (async () => {
      while (working) await place.table.commitAsOther().catch(ignoreConflict);
    })();
    const batches = await Promise.all(names.map((name) => ingest(place, name, records(name, 3)))).finally(() => {
      working = false;
    });
    await disturbing;
    for (const batch of batches) expect(batch).toMatchObject({ outcome: 'Committed' });
    expect((await place.table.metadata()).properties['forebay.sequence']).toBe('10');
  });

  test.each([
    ['dropped', async () => {}],
    ['dropped and made anew', async ({ table, files }: Place) => table.createAsOther(`s3://${files.bucket}/other`)],
  ])('that have the table %s are noticed before anything is written', async (_, then) => {
    const place = await newPlace();
    await ingest(place, 'one', records('one', 2));
    await place.table.drop();
    await then(place);
    await expect(ingest(place, 'two', records('two', 2))).rejects.toMatchObject({
      code: 'TableReplaced',
      exitCode: 42,
    });
    await expect(prepare(place, schema)).rejects.toMatchObject({ code: 'TableReplaced' });
  });
});

/** What it wrote upon has moved on: another try. */
function ignoreConflict(thrown: unknown): void {
  if (!/: (400|409) /.test(String(thrown))) throw thrown;
}
