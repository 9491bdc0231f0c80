import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { CatalogStandIn, errorBody, type StandInOptions, type Trouble } from '../../test/support/catalog.ts';
import { testWaiting } from '../../test/support/waiting.ts';
import type { RestCatalog } from '../contract/task.ts';
import type { Catalog, CatalogCommit, LoadedTable } from '../table/iceberg/catalog.ts';
import type { Long, TableCreation } from '../table/iceberg/spec.ts';
import { openRestCatalog, type RestCatalogOptions } from './rest-catalog.ts';

const namespace = ['lake', 'raw'];
const name = 'lake.raw.events';
/** No double holds it. */
const snapshotID = 9223372036854775801n;

let server: CatalogStandIn;
let folder: string;
let waiting: ReturnType<typeof testWaiting>;

beforeEach(async () => {
  server = await CatalogStandIn.start();
  folder = await mkdtemp(join(tmpdir(), 'forebay-catalog-'));
  waiting = testWaiting();
});

afterEach(async () => {
  await server.close();
  await rm(folder, { recursive: true });
});

async function restart(options: StandInOptions): Promise<void> {
  await server.close();
  server = await CatalogStandIn.start(options);
}

async function open(location: Partial<RestCatalog> = {}, options: RestCatalogOptions = {}): Promise<Catalog> {
  return await openRestCatalog(
    { uri: server.uri, namespace, table: 'events', ...location },
    { ...waiting, ...options },
  );
}

const creation: TableCreation = {
  uuid: 'ours',
  location: 's3://bucket/events/table-ours',
  schema: {
    type: 'struct',
    'schema-id': 0,
    fields: [
      { id: 1, name: 'outer', required: false, type: struct(2, 'inner') },
      { id: 3, name: 'n', required: false, type: 'long' },
    ],
  },
  'partition-spec': { 'spec-id': 0, fields: [{ 'source-id': 3, 'field-id': 1000, name: 'n', transform: 'identity' }] },
  'write-order': { 'order-id': 0, fields: [] },
  properties: { 'forebay.table': 'ours' },
  time: 0,
};

function struct(id: number, field: string) {
  return { type: 'struct', fields: [{ id, name: field, required: false, type: 'string' }] } as const;
}

function append(base: LoadedTable, id: Long = snapshotID): CatalogCommit {
  const current = base.metadata['current-snapshot-id'];
  const before = current === -1 ? undefined : current;
  const snapshot = {
    'snapshot-id': id,
    ...(before === undefined ? {} : { 'parent-snapshot-id': before }),
    'sequence-number': BigInt(base.metadata['last-sequence-number']) + 1n,
    'timestamp-ms': base.metadata['last-updated-ms'] + 1,
    'manifest-list': 's3://bucket/list.avro',
    summary: { operation: 'append' },
  } as const;
  return {
    requirements: [
      { type: 'assert-table-uuid', uuid: base.metadata['table-uuid'] },
      { type: 'assert-ref-snapshot-id', ref: 'main', 'snapshot-id': before ?? null },
    ],
    updates: [
      { action: 'add-snapshot', snapshot },
      { action: 'set-snapshot-ref', 'ref-name': 'main', type: 'branch', 'snapshot-id': id },
      { action: 'set-properties', updates: { 'forebay.run': String(id) } },
    ],
    time: 0,
  };
}

/** A catalog whose table is there. */
async function openWithTable(location: Partial<RestCatalog> = {}, options: RestCatalogOptions = {}) {
  const catalog = await open(location, options);
  const base = await catalog.create(creation);
  if (base === undefined) throw new Error('there was a table');
  return { catalog, base };
}

/** The next request of this kind has it; others go as they should. */
function troubleOnce(method: string, ending: string, trouble: Trouble): void {
  let happened = false;
  server.trouble = (request) => {
    if (happened || request.method !== method || !request.path.endsWith(ending)) return undefined;
    happened = true;
    return trouble;
  };
}

function troubleAlways(method: string, ending: string, trouble: Trouble): void {
  server.trouble = ({ method: used, path }) => (used === method && path.endsWith(ending) ? trouble : undefined);
}

function answer(status: number, type = 'SomeException', message = 'as told'): Trouble {
  return { done: 'no', answer: { status, text: JSON.stringify(errorBody(status, type, message)) } };
}

function requestsOf(method: string, ending: string) {
  return server.requests.filter((request) => request.method === method && request.path.endsWith(ending));
}

describe('a table', () => {
  test('that is not there is loaded as undefined', async () => {
    await expect((await open()).load()).resolves.toBeUndefined();
    server.namespaces.add('lake.raw');
    await expect((await open()).load()).resolves.toBeUndefined();
  });

  test('is created with its namespace, level by level', async () => {
    const { base } = await openWithTable();
    expect([...server.namespaces]).toEqual(['lake', 'lake.raw']);
    expect(base.metadata.properties).toEqual({ 'forebay.table': 'ours' });
    expect(base.location).toMatch(/^s3:\/\/bucket\/events\/table-ours\/metadata\//);
  });

  test('needs no right to namespaces where its own is there', async () => {
    server.namespaces.add('lake.raw');
    await openWithTable();
    expect(requestsOf('POST', '/namespaces')).toEqual([]);
    expect(requestsOf('GET', 'lake%1Fraw')).toEqual([]);
  });

  test('is asked for as version 2, at its own location', async () => {
    await openWithTable();
    const body = JSON.parse(requestsOf('POST', '/tables').at(-1)?.text ?? '');
    expect(body).toMatchObject({ location: creation.location, 'stage-create': false, name: 'events' });
    expect(body.properties).toMatchObject({ 'format-version': '2' });
  });

  test('comes back with the ids that the catalog gave', async () => {
    const { base } = await openWithTable();
    expect(base.metadata.schemas[0]?.fields).toMatchObject([
      { id: 1, name: 'outer', type: { fields: [{ id: 3, name: 'inner' }] } },
      { id: 2, name: 'n' },
    ]);
    expect(base.metadata['partition-specs'][0]?.fields[0]).toMatchObject({ 'source-id': 2 });
    expect(base.metadata['table-uuid']).not.toBe('ours');
  });

  test('that is there already is not created', async () => {
    const { catalog } = await openWithTable();
    await expect(catalog.create(creation)).resolves.toBeUndefined();
  });

  test.each([
    ['broken connection', { cut: true }],
    ['500', { answer: { status: 500 } }],
    ['400', { answer: { status: 400, text: JSON.stringify(errorBody(400, 'Any', 'no')) } }],
  ] as const)('that was created though the answer was a %s is found', async (_, trouble) => {
    server.namespaces.add('lake.raw');
    troubleOnce('POST', '/tables', trouble);
    const catalog = await open();
    const created = await catalog.create(creation).catch(() => undefined);
    expect(created).toBeUndefined();
    await expect(catalog.load()).resolves.toMatchObject({ metadata: { properties: { 'forebay.table': 'ours' } } });
  });

  test('that the catalog says exists and does not show is asked for again later', async () => {
    server.namespaces.add('lake.raw');
    troubleAlways('POST', '/tables', answer(409, 'AlreadyExistsException', 'View with same name already exists'));
    await expect((await open()).create(creation)).rejects.toMatchObject({
      code: 'CatalogUnavailable',
      message: expect.stringContaining('View with same name already exists'),
    });
  });

  test('that the catalog refuses is refused in its own words', async () => {
    server.namespaces.add('lake.raw');
    troubleAlways('POST', '/tables', answer(400, 'ValidationException', 'location is not allowed\nstack'));
    await expect((await open()).create(creation)).rejects.toMatchObject({
      code: 'CatalogRefused',
      message: `the catalog ${server.uri} refused to create table ${name} (400 ValidationException: location is not allowed)`,
    });
  });

  test('is not taken for missing when something else answers 404', async () => {
    const { catalog } = await openWithTable();
    troubleAlways('GET', '/tables/events', { done: 'no', answer: { status: 404, text: '<html>not here</html>' } });
    await expect(catalog.load()).rejects.toMatchObject({ code: 'CatalogUnavailable' });
    troubleAlways('GET', '/tables/events', answer(404, 'NotFoundException', 'metadata file is gone'));
    await expect(catalog.load()).rejects.toMatchObject({ code: 'CatalogRefused' });
  });

  test('of a newer format version is not written', async () => {
    const { catalog, base } = await openWithTable();
    const metadata = JSON.stringify({ ...base.metadata, 'format-version': 3 });
    const text = `{"metadata": ${metadata}, "metadata-location": "x"}`;
    troubleAlways('GET', '/tables/events', { answer: { status: 200, text } });
    await expect(catalog.load()).rejects.toMatchObject({ code: 'TableReplaced' });
  });

  test('with damaged metadata is not guessed at', async () => {
    const { catalog } = await openWithTable();
    const text = JSON.stringify({ metadata: { 'format-version': 2, 'table-uuid': 'x' } });
    troubleAlways('GET', '/tables/events', { answer: { status: 200, text } });
    await expect(catalog.load()).rejects.toMatchObject({ code: 'DamagedDocument' });
  });
});

describe('a name', () => {
  test('leaves the catalog, files stay, and it may be gone already', async () => {
    const { catalog } = await openWithTable();
    await catalog.drop?.();
    await expect(catalog.load()).resolves.toBeUndefined();
    expect(server.requests.findLast(({ method }) => method === 'DELETE')?.path).toMatch(/\?purgeRequested=false$/);
    await catalog.drop?.();
  });

  test('that the catalog keeps is told', async () => {
    const { catalog } = await openWithTable();
    troubleAlways('DELETE', '', answer(400, 'Protected', 'the table is protected'));
    await expect(catalog.drop?.()).rejects.toMatchObject({
      code: 'CatalogRefused',
      message: expect.stringContaining('the table is protected'),
    });
    troubleAlways('DELETE', '', { done: 'no', answer: { status: 503 } });
    await expect(catalog.drop?.()).rejects.toMatchObject({ code: 'CatalogUnavailable' });
  });
});

describe('a commit', () => {
  test('keeps every digit of 64-bit ids, there and back', async () => {
    const { catalog, base } = await openWithTable();
    const loaded = await catalog.commit(base, append(base));
    expect(requestsOf('POST', '/tables/events')[0]?.text).toContain('"snapshot-id":9223372036854775801,');
    expect(loaded?.metadata['current-snapshot-id']).toBe(snapshotID);
    expect((await catalog.load())?.metadata.refs?.main?.['snapshot-id']).toBe(snapshotID);
  });

  test('on an older state is undefined', async () => {
    const { catalog, base } = await openWithTable();
    await catalog.commit(base, append(base));
    await expect(catalog.commit(base, append(base, 5))).resolves.toBeUndefined();
  });

  test('has an Idempotency-Key of its own at every try', async () => {
    const { catalog, base } = await openWithTable();
    await catalog.commit(base, append(base));
    await catalog.commit(base, append(base, 5));
    const keys = requestsOf('POST', '/tables/events').map(({ headers }) => headers['idempotency-key']);
    expect(new Set(keys).size).toBe(2);
    for (const key of keys)
      expect(key).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  });

  test.each([
    ['a broken connection', { cut: true }],
    ['500', { answer: { status: 500 } }],
    ['502 of a proxy', { answer: { status: 502, text: '<html>' } }],
    ['503', { answer: { status: 503 } }],
    ['504', { answer: { status: 504 } }],
    ['429', { answer: { status: 429 } }],
    ['200 without a table', { answer: { status: 200, text: '{}' } }],
    ['200 of something else', { answer: { status: 200, text: '<html>sign in</html>' } }],
  ] as const)('that is answered with %s is a question, asked once', async (_, trouble) => {
    const { catalog, base } = await openWithTable();
    troubleAlways('POST', '/tables/events', trouble);
    await expect(catalog.commit(base, append(base))).rejects.toMatchObject({ code: 'CatalogUnavailable' });
    expect(requestsOf('POST', '/tables/events')).toHaveLength(1);
    expect((await catalog.load())?.metadata['current-snapshot-id']).toBe(snapshotID);
  });

  test.each([400, 404, 409, 422])('that was done though the answer was %i is found by loading', async (status) => {
    const { catalog, base } = await openWithTable();
    const text = JSON.stringify(errorBody(status, 'Any', 'no'));
    troubleOnce('POST', '/tables/events', { answer: { status, text } });
    await expect(catalog.commit(base, append(base))).resolves.toBeUndefined();
    expect((await catalog.load())?.metadata.properties?.['forebay.run']).toBe(String(snapshotID));
  });

  test('that lands late cannot land after the one that was made in its place', async () => {
    const { catalog, base } = await openWithTable();
    troubleOnce('POST', '/tables/events', { done: 'later', answer: { status: 504 } });
    await expect(catalog.commit(base, append(base))).rejects.toMatchObject({ code: 'CatalogUnavailable' });
    const loaded = await catalog.commit(base, append(base));
    server.finishLate();
    expect(await catalog.load()).toEqual(loaded);
  });

  test('refused twice on one state is refused for good, in the words of the catalog', async () => {
    const { catalog, base } = await openWithTable();
    troubleAlways('POST', '/tables/events', answer(400, 'ValidationException', 'Cannot do that'));
    await expect(catalog.commit(base, append(base))).resolves.toBeUndefined();
    await expect(catalog.commit(base, append(base))).rejects.toMatchObject({
      code: 'CatalogRefused',
      message: expect.stringContaining('(400 ValidationException: Cannot do that)'),
    });
  });

  test('refused once on each of two states is still a question', async () => {
    const { catalog, base } = await openWithTable();
    troubleOnce('POST', '/tables/events', answer(400));
    await expect(catalog.commit(base, append(base))).resolves.toBeUndefined();
    server.model.change(name, append(base, 7).updates);
    const next = await catalog.load();
    if (next === undefined) throw new Error('no table');
    troubleOnce('POST', '/tables/events', answer(400));
    await expect(catalog.commit(next, append(next))).resolves.toBeUndefined();
    await expect(catalog.commit(next, append(next))).resolves.toMatchObject({
      metadata: { 'current-snapshot-id': snapshotID },
    });
  });

  test('too large for something in front says so', async () => {
    const { catalog, base } = await openWithTable();
    troubleAlways('POST', '/tables/events', { done: 'no', answer: { status: 413, text: 'too large' } });
    await catalog.commit(base, append(base));
    await expect(catalog.commit(base, append(base))).rejects.toMatchObject({
      code: 'CatalogRefused',
      message: expect.stringContaining('limits the size of requests'),
    });
  });
});

describe('the catalog', () => {
  test.each([
    ['seconds', '7', 7_000],
    ['more than is waited for', '900', 30_000],
    ['a date that is past', 'Thu, 01 Jan 1970 00:00:00 GMT', 0],
  ])('that asks to be left alone, in %s, is', async (_, told, waited) => {
    const { catalog, base } = await openWithTable();
    const trouble = { done: 'no', answer: { status: 503, headers: { 'retry-after': told } } } as const;
    troubleOnce('POST', '/tables/events', trouble);
    const before = waiting.clock.now();
    await expect(catalog.commit(base, append(base))).rejects.toMatchObject({ code: 'CatalogUnavailable' });
    expect(waiting.clock.now() - before).toBe(waited);
  });

  test.each([500, 502, 503, 504, 429])('that answers a read with %i is asked again', async (status) => {
    const { catalog } = await openWithTable();
    troubleOnce('GET', '/tables/events', { answer: { status, text: '' } });
    await expect(catalog.load()).resolves.toBeDefined();
  });

  test('that is down is named, with its URI, without user, password and query', async () => {
    const uri = server.uri.replace('http://', 'http://user:secret@');
    const catalog = await open({ uri: `${uri}/?key=secret` });
    troubleAlways('GET', '', { cut: true });
    const error = await catalog.load().catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({
      code: 'CatalogUnavailable',
      message: `the catalog ${server.uri} gives no clear answer (ECONNRESET): read its configuration`,
    });
  });

  test('that came back is asked for its configuration again', async () => {
    const catalog = await open();
    troubleAlways('GET', '/v1/config', { cut: true });
    await expect(catalog.load()).rejects.toMatchObject({ code: 'CatalogUnavailable' });
    server.trouble = () => undefined;
    await expect(catalog.load()).resolves.toBeUndefined();
  });

  test('that spoke of a prefix is asked below it, and for the warehouse', async () => {
    await restart({ config: { defaults: { prefix: 'not-this' }, overrides: { prefix: 'catalogs/main' } } });
    const { catalog } = await openWithTable({ warehouse: 'a b&c' });
    await catalog.load();
    expect(server.requests[0]?.path).toBe('/v1/config?warehouse=a+b%26c');
    expect(server.requests.at(-1)?.path).toBe('/v1/catalogs/main/namespaces/lake%1Fraw/tables/events');
  });

  test('is asked below the path of its URI, whether it ends with a slash or not', async () => {
    for (const uri of [`${server.uri}/iceberg`, `${server.uri}/iceberg/`]) {
      await (await open({ uri })).load().catch(() => {});
      expect(server.requests.at(-1)?.path).toBe('/iceberg/v1/config');
    }
  });

  test('that has another separator of namespace levels is asked with it', async () => {
    await restart({ config: { defaults: {}, overrides: { 'namespace-separator': '%2E' } } });
    await (await open()).load();
    expect(server.requests.at(-1)?.path).toContain('/namespaces/lake%2Eraw/');
  });

  test('that names another address for itself is asked there', async () => {
    const other = await CatalogStandIn.start();
    await restart({ config: { defaults: {}, overrides: { uri: other.uri } } });
    await (await open()).load();
    expect(other.requests.map(({ path }) => path)).toEqual(['/v1/namespaces/lake%1Fraw/tables/events']);
    await other.close();
  });

  test('that does not offer commits is refused', async () => {
    await restart({ config: { endpoints: ['GET /v1/{prefix}/namespaces/{namespace}/tables/{table}'] } });
    await expect((await open()).load()).rejects.toMatchObject({
      code: 'CatalogRefused',
      message: expect.stringContaining('POST /v1/{prefix}/namespaces/{namespace}/tables/{table}'),
    });
  });

  test('that does not know the warehouse is refused, something else that answers 404 is not', async () => {
    troubleAlways('GET', '/v1/config?warehouse=w', answer(404, 'NoSuchWarehouseException', 'no warehouse w'));
    await expect((await open({ warehouse: 'w' })).load()).rejects.toMatchObject({
      code: 'CatalogRefused',
      message: expect.stringContaining('no warehouse w'),
    });
    troubleAlways('GET', '/v1/config', { done: 'no', answer: { status: 404, text: 'no such route' } });
    await expect((await open()).load()).rejects.toMatchObject({ code: 'CatalogUnavailable' });
  });

  test('that redirects is not followed', async () => {
    const headers = { location: 'http://127.0.0.1:1/' };
    troubleAlways('GET', '/v1/config', { answer: { status: 302, headers, text: '' } });
    await expect((await open()).load()).rejects.toMatchObject({
      code: 'CatalogRefused',
      message: expect.stringContaining('redirect'),
    });
  });

  test('whose answer is larger than allowed is given up', async () => {
    const { base } = await openWithTable();
    const catalog = await open({}, { maxResponseBytes: 500 });
    expect(JSON.stringify(base).length).toBeGreaterThan(500);
    await expect(catalog.load()).rejects.toMatchObject({
      code: 'CatalogUnavailable',
      message: expect.stringContaining('more than 500 bytes'),
    });
  });

  test('is no longer asked once the process was told to stop', async () => {
    const stop = new AbortController();
    const catalog = await open({}, { signal: stop.signal });
    stop.abort(new Error('told to stop'));
    await expect(catalog.load()).rejects.toThrow('told to stop');
    expect(server.requests).toEqual([]);
  });

  test('whose URI is none is refused before anything is asked', async () => {
    await expect(open({ uri: 'lake.example.com' })).rejects.toMatchObject({ code: 'InvalidTask' });
    await expect(open({ uri: 'ftp://lake' })).rejects.toMatchObject({ code: 'InvalidTask' });
    await expect(open({ oauth2ServerURI: 'no url' })).rejects.toMatchObject({ code: 'InvalidTask' });
  });

  test('keeps nothing that could be emptied', async () => {
    const { catalog, base } = await openWithTable();
    await catalog.publish(base);
    await expect(catalog.emptyOldVersions(base)).resolves.toBe(0);
  });
});

describe('credentials', () => {
  const credentials = () => ({ credentialsPath: folder });

  async function write(files: Record<string, string>): Promise<void> {
    for (const [file, text] of Object.entries(files)) await writeFile(join(folder, file), text);
  }

  test('that are a token are sent as it stands in the file, without line ends', async () => {
    await write({ token: 'first\n' });
    server.authorized = new Set(['Bearer first']);
    await expect((await open(credentials())).load()).resolves.toBeUndefined();
  });

  test('that were rotated are used at the next request', async () => {
    await write({ token: 'first' });
    const catalog = await open(credentials());
    await catalog.load();
    await write({ token: 'second' });
    server.authorized = new Set(['Bearer second']);
    await expect(catalog.load()).resolves.toBeUndefined();
  });

  test('that are refused are read again for two minutes', async () => {
    await write({ token: 'wrong-secret' });
    server.authorized = new Set();
    const before = waiting.clock.now();
    const error = await (await open(credentials())).load().catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({
      code: 'CredentialsRefused',
      message: expect.stringContaining('mend the Secret'),
    });
    expect(String(error)).not.toContain('wrong-secret');
    expect(waiting.clock.now() - before).toBe(120_000);
  });

  test('that are let in while they are read again are used', async () => {
    await write({ token: 'first' });
    server.authorized = new Set();
    const clock = {
      ...waiting.clock,
      sleep: async (milliseconds: number) => {
        await waiting.clock.sleep(milliseconds);
        server.authorized?.add('Bearer first');
      },
    };
    await expect((await open(credentials(), { clock })).load()).resolves.toBeUndefined();
  });

  test('that are missing are asked for at once', async () => {
    server.authorized = new Set();
    const before = waiting.clock.now();
    await expect((await open()).load()).rejects.toMatchObject({
      code: 'CredentialsRefused',
      message: expect.stringContaining('name a Secret in table.catalog.rest.credentialsSecretRef'),
    });
    expect(waiting.clock.now()).toBe(before);
  });

  test.each([
    [{}, 'neither token nor clientID'],
    [{ clientID: 'id' }, 'neither token nor clientSecret'],
  ])('with the keys %j are not enough', async (files, message) => {
    await write(files);
    await expect((await open(credentials())).load()).rejects.toMatchObject({
      code: 'CredentialsRefused',
      message: expect.stringContaining(message),
    });
  });

  describe('of a client', () => {
    const forms: Record<string, string>[] = [];
    let issued: number;

    beforeEach(async () => {
      await write({ clientID: 'forebay', clientSecret: 'hidden' });
      forms.length = 0;
      issued = 0;
      server.authorized = new Set();
      server.token = (form) => {
        forms.push(Object.fromEntries(form));
        issued += 1;
        server.authorized?.add(`Bearer token-${issued}`);
        return { status: 200, body: { access_token: `token-${issued}`, token_type: 'bearer', expires_in: 600 } };
      };
    });

    test('are exchanged for a token once, with the scope of catalogs', async () => {
      const catalog = await open(credentials());
      await Promise.all([catalog.load(), catalog.load()]);
      expect(forms).toEqual([
        { grant_type: 'client_credentials', client_id: 'forebay', client_secret: 'hidden', scope: 'catalog' },
      ]);
    });

    test('are exchanged where the task says, with its scope', async () => {
      const other = await CatalogStandIn.start();
      other.token = server.token;
      const scoped = { ...credentials(), oauth2ServerURI: `${other.uri}/v1/oauth/tokens`, scope: 'lake:write' };
      await (await open(scoped)).load();
      expect(forms).toMatchObject([{ scope: 'lake:write' }]);
      expect(requestsOf('POST', '/v1/oauth/tokens')).toEqual([]);
      await other.close();
    });

    test('are exchanged again before the token is too old', async () => {
      const catalog = await open(credentials());
      await catalog.load();
      waiting.clock.advance(539_000);
      await catalog.load();
      expect(issued).toBe(1);
      waiting.clock.advance(2_000);
      await catalog.load();
      expect(issued).toBe(2);
    });

    test('are exchanged at once when the token is refused, and the commit goes on', async () => {
      const { catalog, base } = await openWithTable(credentials());
      server.authorized?.clear();
      const before = waiting.clock.now();
      await expect(catalog.commit(base, append(base))).resolves.toBeDefined();
      expect(waiting.clock.now()).toBe(before);
      expect(issued).toBe(2);
    });

    test('are exchanged at once when the token is too old (419)', async () => {
      const { catalog } = await openWithTable(credentials());
      troubleOnce('GET', '/tables/events', answer(419, 'AuthenticationTimeoutException'));
      await expect(catalog.load()).resolves.toBeDefined();
      expect(issued).toBe(2);
    });

    test.each([
      [400, { error: 'invalid_client', error_description: 'hidden' }, 'CredentialsRefused', '400 invalid_client'],
      [401, { error: 'unauthorized_client' }, 'CredentialsRefused', '401 unauthorized_client'],
      [401, { error: 'hidden in what is no code' }, 'CredentialsRefused', '(401)'],
      [400, { error: 'invalid_scope' }, 'CatalogRefused', 'table.catalog.rest.scope'],
      [404, 'no route', 'CatalogUnavailable', '(404)'],
      [500, 'failure', 'CatalogUnavailable', '(500)'],
      [200, { token: 'hidden' }, 'CatalogUnavailable', 'without a token'],
    ])('that are answered with %i %j end as %s', async (status, body, code, message) => {
      server.token = () => ({ status, body });
      const error = await (await open(credentials())).load().catch((thrown: unknown) => thrown);
      expect(error).toMatchObject({ code, message: expect.stringContaining(message) });
      expect(String(error)).not.toContain('hidden');
    });

    test('are in no error when the server of tokens is down', async () => {
      const oauth2ServerURI = 'http://127.0.0.1:1/tokens?client=x';
      const error = await (await open({ ...credentials(), oauth2ServerURI })).load().catch((thrown: unknown) => thrown);
      expect(error).toMatchObject({
        code: 'CatalogUnavailable',
        message: 'the catalog http://127.0.0.1:1/tokens gives no clear answer (ECONNREFUSED): ask for a token',
      });
    });
  });
});
