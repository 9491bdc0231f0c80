/** The client of REST catalogs against real ones: Apache Iceberg's own code, and SeaweedFS's. */
import { execFile } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { openRestCatalog, type RestCatalogOptions } from '../../ingestor/catalog/rest-catalog.ts';
import type { RestCatalog } from '../../ingestor/contract/task.ts';
import type { Catalog, CatalogCommit, LoadedTable } from '../../ingestor/table/iceberg/catalog.ts';
import type { Long, MetadataUpdate, TableCreation } from '../../ingestor/table/iceberg/spec.ts';
import { type CatalogServer, startRestCatalog, startSeaweedCatalog } from '../servers/rest-catalog.ts';
import { createBucket } from '../servers/s3.ts';
import { CatalogStandIn } from '../support/catalog.ts';
import { catalogCredentials } from './support/catalog-location.ts';

let iceberg: CatalogServer;
let seaweedfs: Pick<CatalogServer, 'address' | 'stop'>;
let tables = 0;

beforeAll(async () => {
  await createBucket(inject('s3'), 'tables');
  [iceberg, seaweedfs] = await Promise.all([startRestCatalog(inject('s3')), startSeaweedCatalog()]);
}, 180_000);

afterAll(async () => {
  await Promise.all([iceberg.stop(), seaweedfs.stop()]);
});

/** A table of the test's own. */
async function newPlace(server: Pick<CatalogServer, 'address'>, change: Partial<RestCatalog> = {}) {
  tables += 1;
  const { uri, warehouse } = server.address;
  const credentialsPath = await catalogCredentials(server.address);
  const place = { uri, ...(warehouse && { warehouse }), namespace: ['lake'], table: `t${tables}`, credentialsPath };
  return { ...place, ...change };
}

const options: RestCatalogOptions = { credentialsPatienceMilliseconds: 0 };

async function open(place: RestCatalog): Promise<Catalog> {
  return await openRestCatalog(place, options);
}

function creation(table: string): TableCreation {
  return {
    uuid: 'ours',
    location: `s3://tables/place/${table}`,
    schema: {
      type: 'struct',
      'schema-id': 0,
      fields: [
        {
          id: 1,
          name: 'outer',
          required: false,
          type: { type: 'struct', fields: [{ id: 2, name: 'inner', required: false, type: 'string' }] },
        },
        { id: 3, name: 'time', required: false, type: 'timestamptz' },
        {
          id: 4,
          name: 'list',
          required: false,
          type: { type: 'list', 'element-id': 5, 'element-required': false, element: 'long' },
        },
      ],
    },
    'partition-spec': {
      'spec-id': 0,
      fields: [{ 'source-id': 3, 'field-id': 1000, name: 'time_day', transform: 'day' }],
    },
    'write-order': {
      'order-id': 1,
      fields: [{ 'source-id': 3, transform: 'identity', direction: 'asc', 'null-order': 'nulls-first' }],
    },
    properties: { 'forebay.table': 'ours' },
    time: Date.now(),
  };
}

async function create(place: RestCatalog): Promise<{ catalog: Catalog; base: LoadedTable }> {
  const catalog = await open(place);
  const base = await catalog.create(creation(place.table));
  if (base === undefined) throw new Error('there was a table');
  return { catalog, base };
}

/** No double holds most of them. */
function newID(): bigint {
  return (BigInt(randomInt(2 ** 29)) << 33n) + BigInt(randomInt(2 ** 33)) + 2n ** 60n;
}

function appending(base: LoadedTable, id: Long, more: MetadataUpdate[] = []): CatalogCommit {
  const { metadata } = base;
  const current = metadata['current-snapshot-id'];
  const parent = current === -1 || current === null ? undefined : current;
  const snapshot = {
    'snapshot-id': id,
    ...(parent === undefined ? {} : { 'parent-snapshot-id': parent }),
    'sequence-number': Number(metadata['last-sequence-number']) + 1,
    'timestamp-ms': Math.max(Date.now(), metadata['last-updated-ms'] + 1),
    'manifest-list': `${metadata.location}/metadata/list-${id}.avro`,
    summary: { operation: 'append' },
    'schema-id': metadata['current-schema-id'],
  } as const;
  return {
    requirements: [
      { type: 'assert-table-uuid', uuid: metadata['table-uuid'] },
      { type: 'assert-ref-snapshot-id', ref: 'main', 'snapshot-id': parent ?? null },
    ],
    updates: [
      { action: 'add-snapshot', snapshot },
      { action: 'set-snapshot-ref', 'ref-name': 'main', type: 'branch', 'snapshot-id': id },
      { action: 'set-properties', updates: { [`forebay.run.${id}`]: 'done' } },
      ...more,
    ],
    time: snapshot['timestamp-ms'],
  };
}

const servers = { iceberg: () => iceberg, seaweedfs: () => seaweedfs };

describe.each(['iceberg', 'seaweedfs'] as const)('the catalog of %s', (name) => {
  const server = () => servers[name]();

  test('makes namespace and table, and loads what it made', async () => {
    const place = await newPlace(server(), { namespace: ['outer', `inner${name}`] });
    const { catalog, base } = await create(place);
    expect(base.metadata).toMatchObject({
      'format-version': 2,
      location: `s3://tables/place/${place.table}`,
      properties: { 'forebay.table': 'ours' },
    });
    expect(base.metadata['partition-specs'].at(-1)?.fields).toMatchObject([{ name: 'time_day', transform: 'day' }]);
    expect(base.metadata['sort-orders'].at(-1)?.fields).toMatchObject([{ direction: 'asc' }]);
    expect(await catalog.load()).toEqual(base);
  });

  test('knows no table that nobody made', async () => {
    await expect((await open(await newPlace(server()))).load()).resolves.toBeUndefined();
    await expect((await open(await newPlace(server(), { namespace: ['nobody'] }))).load()).resolves.toBeUndefined();
  });

  test('keeps every digit of a snapshot id', async () => {
    const { catalog, base } = await create(await newPlace(server()));
    const id = 9223372036854775801n;
    const committed = await catalog.commit(base, appending(base, id));
    expect(committed?.metadata['current-snapshot-id']).toBe(id);
    expect((await catalog.load())?.metadata.snapshots?.map((one) => one['snapshot-id'])).toEqual([id]);
  });

  test('puts one of twenty commits on one state, and says so', async () => {
    const place = await newPlace(server());
    const { base } = await create(place);
    const ids = Array.from({ length: 20 }, newID);
    const answers = await Promise.allSettled(
      ids.map(async (id) => (await open(place)).commit(base, appending(base, id))),
    );
    const won = ids.filter((_, n) => answers[n]?.status === 'fulfilled' && answers[n].value !== undefined);
    const loaded = await (await open(place)).load();
    expect(loaded?.metadata.snapshots).toHaveLength(1);
    expect(won.map(String)).toEqual([String(loaded?.metadata['current-snapshot-id'])]);
  });

  test('evolves the schema only on the one it was thought of for', async () => {
    const place = await newPlace(server());
    const { catalog, base } = await create(place);
    const { metadata } = base;
    const last = metadata['last-column-id'];
    const [schema] = metadata.schemas;
    if (schema === undefined) throw new Error('no schema');
    const field = { id: last + 1, name: 'new', required: false, type: 'double' };
    const evolve: CatalogCommit = {
      requirements: [
        { type: 'assert-table-uuid', uuid: metadata['table-uuid'] },
        { type: 'assert-current-schema-id', 'current-schema-id': metadata['current-schema-id'] },
        { type: 'assert-last-assigned-field-id', 'last-assigned-field-id': last },
      ],
      updates: [
        {
          action: 'add-schema',
          schema: { ...schema, 'schema-id': schema['schema-id'] + 1, fields: [...schema.fields, field] },
          'last-column-id': last + 1,
        },
        { action: 'set-current-schema', 'schema-id': -1 },
      ],
      time: Date.now(),
    };
    const evolved = await catalog.commit(base, evolve);
    expect(evolved?.metadata['last-column-id']).toBe(last + 1);
    const current = evolved?.metadata.schemas.find((one) => one['schema-id'] === evolved.metadata['current-schema-id']);
    expect(current?.fields.at(-1)).toMatchObject(field);
    await expect(catalog.commit(base, evolve)).resolves.toBeUndefined();
  });

  test('lets snapshots and properties go', async () => {
    const { catalog, base } = await create(await newPlace(server()));
    const [first, second] = [newID(), newID()];
    const one = await catalog.commit(base, appending(base, first));
    if (one === undefined) throw new Error('not committed');
    const two = await catalog.commit(
      one,
      appending(one, second, [
        { action: 'remove-snapshots', 'snapshot-ids': [first] },
        { action: 'remove-properties', removals: [`forebay.run.${first}`] },
      ]),
    );
    expect(two?.metadata.snapshots?.map((snapshot) => snapshot['snapshot-id'])).toEqual([second]);
    expect(two?.metadata.properties).not.toHaveProperty(`forebay.run.${first}`);
    expect(two?.metadata.properties).toHaveProperty(`forebay.run.${second}`, 'done');
  });

  test('refuses a snapshot that is there already, twice and for good', async () => {
    const { catalog, base } = await create(await newPlace(server()));
    const id = newID();
    const committed = await catalog.commit(base, appending(base, id));
    if (committed === undefined) throw new Error('not committed');
    const again = { ...appending(committed, id), requirements: [] };
    await expect(catalog.commit(committed, again)).resolves.toBeUndefined();
    await expect(catalog.commit(committed, again)).rejects.toMatchObject({
      code: 'CatalogRefused',
      message: expect.stringMatching(/already exists/i),
    });
  });

  test('refuses the wrong secret', async () => {
    const credentialsPath = await catalogCredentials({ ...server().address, clientSecret: 'wrong-secret' });
    const error = await (await open(await newPlace(server(), { credentialsPath }))).load().catch((thrown) => thrown);
    expect(error).toMatchObject({ code: 'CredentialsRefused' });
    expect(String(error)).not.toContain('wrong-secret');
  });
});

describe('the catalog of iceberg', () => {
  test('takes any name of namespace and table', async () => {
    const place = await newPlace(iceberg, { namespace: ['a b', 'c/d', 'é'], table: 'über 100%' });
    const { catalog, base } = await create({ ...place, table: 'über 100%' });
    await expect(catalog.load()).resolves.toEqual(base);
  });

  test('is asked for another token when the one that was used is too old', async () => {
    const { catalog, base } = await create(await newPlace(iceberg));
    await iceberg.expireTokens();
    await expect(catalog.commit(base, appending(base, newID()))).resolves.toBeDefined();
  });
});

describe('certificates', () => {
  let folder: string;
  let caPath: string;
  let standIn: CatalogStandIn;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'forebay-certificate-'));
    caPath = join(folder, 'cert.pem');
    const key = join(folder, 'key.pem');
    const subject = ['-subj', '/CN=127.0.0.1', '-addext', 'subjectAltName=IP:127.0.0.1', '-days', '2'];
    const request = ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-keyout', key, '-out', caPath, ...subject];
    await promisify(execFile)('openssl', request);
    const tls = { key: await readFile(key, 'utf8'), cert: await readFile(caPath, 'utf8') };
    standIn = await CatalogStandIn.start({ tls });
  });
  afterAll(async () => {
    await standIn.close();
    await rm(folder, { recursive: true });
  });

  const place = (change: Partial<RestCatalog> = {}) => ({ uri: standIn.uri, namespace: ['a'], table: 't', ...change });

  test('that nobody vouches for are refused', async () => {
    await expect((await open(place())).load()).rejects.toMatchObject({
      code: 'UntrustedCertificate',
      message: expect.stringContaining('name its authority in caConfigMapRef'),
    });
  });

  test('of a named authority are trusted', async () => {
    await expect((await open(place({ caPath }))).load()).resolves.toBeUndefined();
  });

  test('for another host are refused', async () => {
    const uri = standIn.uri.replace('127.0.0.1', 'localhost');
    await expect((await open(place({ uri, caPath }))).load()).rejects.toMatchObject({
      code: 'UntrustedCertificate',
      message: expect.stringContaining('mend the uri'),
    });
  });

  test('are asked for by name where the file holds none', async () => {
    await writeFile(join(folder, 'none.pem'), 'nothing');
    await expect(open(place({ caPath: join(folder, 'none.pem') }))).rejects.toMatchObject({
      code: 'UntrustedCertificate',
    });
    await expect(open(place({ caPath: join(folder, 'missing') }))).rejects.toMatchObject({
      code: 'UntrustedCertificate',
    });
  });

  test('are not what https at a port of http is about', async () => {
    const plain = await CatalogStandIn.start();
    const uri = plain.uri.replace('http:', 'https:');
    await expect((await open(place({ uri }))).load()).rejects.toMatchObject({
      code: 'CatalogUnavailable',
      message: expect.stringContaining('check http and https'),
    });
    await plain.close();
  });
});
