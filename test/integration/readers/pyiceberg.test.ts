/** Tables as pyiceberg reads them: it shares no code with what wrote them. */
import { afterAll, beforeAll, describe, expect, inject, onTestFinished, test } from 'vitest';
import type { TableSettings } from '../../../ingestor/contract/task.ts';
import { commitToTable, loadState } from '../../../ingestor/table/commit.ts';
import { printJSON } from '../../../ingestor/table/iceberg/json.ts';
import { parseTableMetadata } from '../../../ingestor/table/iceberg/metadata.ts';
import type { Table, TableFile, TableState } from '../../../ingestor/table/table.ts';
import { keysOf } from '../../../ingestor/table/testing.ts';
import { createBucket } from '../../servers/s3.ts';
import { s3Location } from '../support/s3-location.ts';
import { type Described, TestLake } from './lake.ts';
import { type Answer, Pyiceberg, type Question } from './pyiceberg.ts';

let reader: Pyiceberg;
beforeAll(async () => {
  reader = await Pyiceberg.start();
});
afterAll(() => reader.stop());

async function makeLake(schema: Described, settings?: Partial<TableSettings>): Promise<TestLake> {
  const lake = await TestLake.make(schema, settings);
  onTestFinished(() => lake.remove());
  return lake;
}

async function read(lake: TestLake, question: Omit<Question, 'metadata'> = {}): Promise<Answer> {
  return await reader.read({ metadata: await lake.metadata(), ...question });
}

async function idsOf(lake: TestLake, question: Omit<Question, 'metadata'> = {}): Promise<unknown[]> {
  const { rows } = await read(lake, question);
  return rows.map((row) => row.id).sort();
}

async function expectTrueManifests(lake: TestLake): Promise<number> {
  const { files, problems } = await reader.checkFiles({ metadata: await lake.metadata() });
  expect(problems).toEqual([]);
  return files;
}

/** pyiceberg gives a list of structs that is null as an empty one; DuckDB tells them apart (duckdb.test.ts). */
const nullListOfStructs: unknown = [];

const text = { type: 'string' };
const int = { type: 'integer', minimum: -(2 ** 31), maximum: 2 ** 31 - 1 };
const long = { type: 'integer' };
const time = { type: 'string', format: 'date-time' };
const day = { type: 'string', format: 'date' };

const everything: Described = {
  properties: {
    id: text,
    flag: { type: 'boolean' },
    small: int,
    large: long,
    real: { type: 'number' },
    day,
    at: time,
    anything: {},
    place: { type: 'object', properties: { city: text, point: { type: 'object', properties: { x: int, y: int } } } },
    tags: { type: 'array', items: text },
    parts: {
      type: 'array',
      items: { type: 'object', properties: { name: text, sizes: { type: 'array', items: int } } },
    },
    counts: { type: 'object', additionalProperties: long },
  },
  required: ['id'],
};

const full = {
  id: 'full',
  flag: true,
  small: -5,
  large: 12_345_678_901,
  real: 0.1,
  day: '2024-02-29',
  at: '2024-02-29T23:59:59.123456Z',
  anything: { a: [1, null] },
  place: { city: 'Köln', point: { x: 1, y: 2 } },
  tags: ['a', 'b'],
  parts: [{ name: 'p', sizes: [1, 2] }, { name: 'q' }],
  counts: { one: 1, two: 2 },
};

describe('a table of every type', () => {
  test('has the schema that was asked for, with an id for every part', async () => {
    const lake = await makeLake(everything);
    const { schema } = await reader.describe({ metadata: await lake.metadata() });
    expect(schema.map(({ name, type, required }) => `${name} ${type}${required ? ' required' : ''}`)).toEqual([
      'id string required',
      'flag boolean',
      'small int',
      'large long',
      'real double',
      'day date',
      'at timestamptz',
      'anything string',
      'place struct',
      'tags list',
      'parts list',
      'counts map',
      'place.city string',
      'place.point struct',
      'place.point.x int',
      'place.point.y int',
      'tags.element string required',
      'parts.element struct required',
      'parts.element.name string',
      'parts.element.sizes list',
      'parts.element.sizes.element int required',
      'counts.key string required',
      'counts.value long required',
    ]);
    expect(schema.map(({ id }) => id)).toEqual(schema.map((_, index) => index + 1));
  });

  test('has its rows, null where nothing was said', async () => {
    const lake = await makeLake(everything);
    await lake.ingest('b', [full, { id: 'empty' }]);
    const { rows } = await read(lake);
    expect(rows.find((row) => row.id === 'full')).toEqual({
      ...full,
      at: '2024-02-29T23:59:59.123456+00:00',
      anything: '{"a":[1,null]}',
      parts: [
        { name: 'p', sizes: [1, 2] },
        { name: 'q', sizes: null },
      ],
    });
    const nulls = Object.keys(full).map((name) => [name, null]);
    expect(rows.find((row) => row.id === 'empty')).toEqual({
      ...Object.fromEntries(nulls),
      id: 'empty',
      parts: nullListOfStructs,
    });
  });

  test('says in its manifests what is in its files', async () => {
    const lake = await makeLake(everything);
    await lake.ingest('b', [full, { id: 'empty' }, { id: 'more', real: -1, small: 7, place: { city: 'Ω' } }]);
    expect(await expectTrueManifests(lake)).toBe(1);
  });

  test('keeps the largest and smallest numbers', async () => {
    const lake = await makeLake(everything);
    await lake.ingest(
      'b',
      '{"id":"a","large":9223372036854775807,"small":2147483647}\n{"id":"b","large":-9223372036854775808}\n',
    );
    const { rows } = await read(lake, { fields: ['id', 'large'] });
    expect(rows).toEqual([
      { id: 'a', large: '9223372036854775807' },
      { id: 'b', large: '-9223372036854775808' },
    ]);
    expect(await idsOf(lake, { filter: 'large = 9223372036854775807' })).toEqual(['a']);
    await expectTrueManifests(lake);
  });

  test('is read where nothing was ingested yet', async () => {
    const lake = await makeLake(everything);
    expect(await read(lake)).toEqual({ rows: [], files: [] });
  });
});

describe('partitions', () => {
  const schema: Described = {
    properties: {
      id: text,
      small: int,
      large: long,
      real: { type: 'number' },
      flag: { type: 'boolean' },
      day,
      at: time,
      place: { type: 'object', properties: { city: text } },
    },
    required: ['id'],
  };
  const cities = ['Aachen', 'Ärlig', '東京', '', 'a long name of a city'];
  const records = Array.from({ length: 40 }, (_, n) => ({
    id: `r${n}`,
    small: n - 20,
    large: (n - 20) * 1_000_000_007,
    real: n / 4 - 3,
    flag: n % 2 === 0,
    day: new Date(Date.UTC(1969, 10, 20) + n * 5 * 86_400_000).toISOString().slice(0, 10),
    at: new Date(Date.UTC(1969, 11, 31) + n * 40 * 60_000).toISOString(),
    place: { city: cities[n % cities.length] },
  })).concat([{ id: 'nothing' } as never]);

  test.for<[string, NonNullable<TableSettings['partitionBy']>, string, (record: (typeof records)[number]) => boolean]>([
    [
      'Identity of text',
      [{ field: 'place.city', transform: 'Identity' }],
      "place.city = '東京'",
      (r) => r.place?.city === '東京',
    ],
    ['Identity of numbers', [{ field: 'small', transform: 'Identity' }], 'small = 7', (r) => r.small === 7],
    [
      'Identity of large numbers',
      [{ field: 'large', transform: 'Identity' }],
      'large > 15000000000',
      (r) => r.large > 15_000_000_000,
    ],
    ['Identity of reals', [{ field: 'real', transform: 'Identity' }], 'real < -2', (r) => r.real < -2],
    ['Identity of yes and no', [{ field: 'flag', transform: 'Identity' }], 'flag = true', (r) => r.flag === true],
    ['Identity of days', [{ field: 'day', transform: 'Identity' }], "day < '1970-01-01'", (r) => r.day < '1970-01-01'],
    [
      'Identity of times',
      [{ field: 'at', transform: 'Identity' }],
      "at < '1970-01-01T00:00:00+00:00'",
      (r) => r.at < '1970',
    ],
    ['Year', [{ field: 'day', transform: 'Year' }], "day < '1970-01-01'", (r) => r.day < '1970-01-01'],
    ['Month', [{ field: 'day', transform: 'Month' }], "day >= '1970-03-01'", (r) => r.day >= '1970-03-01'],
    ['Day', [{ field: 'at', transform: 'Day' }], "at >= '1970-01-01T00:00:00+00:00'", (r) => r.at >= '1970'],
    [
      'Hour',
      [{ field: 'at', transform: 'Hour' }],
      "at < '1969-12-31T10:30:00+00:00'",
      (r) => r.at < '1969-12-31T10:30',
    ],
    [
      'Bucket of text',
      [{ field: 'place.city', transform: 'Bucket', parameter: 3 }],
      "place.city = 'Aachen'",
      (r) => r.place?.city === 'Aachen',
    ],
    ['Bucket of numbers', [{ field: 'small', transform: 'Bucket', parameter: 5 }], 'small = 7', (r) => r.small === 7],
    [
      'Bucket of large numbers',
      [{ field: 'large', transform: 'Bucket', parameter: 5 }],
      'large = 7000000049',
      (r) => r.large === 7_000_000_049,
    ],
    [
      'Bucket of days',
      [{ field: 'day', transform: 'Bucket', parameter: 5 }],
      "day = '1969-11-20'",
      (r) => r.day === '1969-11-20',
    ],
    [
      'Bucket of times',
      [{ field: 'at', transform: 'Bucket', parameter: 5 }],
      "at = '1969-12-31T00:40:00+00:00'",
      (r) => r.at === '1969-12-31T00:40:00.000Z',
    ],
    [
      'Truncate of text',
      [{ field: 'place.city', transform: 'Truncate', parameter: 2 }],
      "place.city like 'Ä%'",
      (r) => r.place.city?.startsWith('Ä') === true,
    ],
    [
      'Truncate of numbers',
      [{ field: 'small', transform: 'Truncate', parameter: 10 }],
      'small < -13',
      (r) => r.small < -13,
    ],
    [
      'Truncate of large numbers',
      [{ field: 'large', transform: 'Truncate', parameter: 1_000 }],
      'large < -13000000000',
      (r) => r.large < -13_000_000_000,
    ],
    [
      'two of them',
      [
        { field: 'at', transform: 'Day' },
        { field: 'id', transform: 'Bucket', parameter: 2 },
      ],
      "id = 'r7'",
      (r) => r.id === 'r7',
    ],
  ])('by %s are those that pyiceberg gives, and it finds rows by them', async ([, partitionBy, filter, isWanted]) => {
    const lake = await makeLake(schema, { partitionBy });
    await lake.ingest('b', records);
    const files = await expectTrueManifests(lake);
    expect(files).toBeGreaterThan(1);
    expect(await idsOf(lake)).toEqual(records.map(({ id }) => id).sort());
    const found = await read(lake, { filter });
    expect(found.rows.map((row) => row.id).sort()).toEqual(
      records
        .filter((one) => one.id !== 'nothing' && isWanted(one))
        .map(({ id }) => id)
        .sort(),
    );
    expect(found.files.length).toBeLessThan(files);
  });

  test('of records without the value are found', async () => {
    const lake = await makeLake(schema, { partitionBy: [{ field: 'small', transform: 'Identity' }] });
    await lake.ingest('b', records.slice(-3));
    const { rows, files } = await read(lake, { filter: 'small is null' });
    expect(rows.map(({ id }) => id)).toEqual(['nothing']);
    expect(files).toHaveLength(1);
  });
});

describe('time travel', () => {
  test('gives the rows of each batch', async () => {
    const lake = await makeLake(everything);
    const snapshots: string[] = [];
    for (const id of ['a', 'b', 'c']) snapshots.push((await lake.ingest(id, [{ id }])).snapshotID ?? '');
    expect(await idsOf(lake, { snapshot: snapshots[0] ?? '' })).toEqual(['a']);
    expect(await idsOf(lake, { snapshot: snapshots[1] ?? '' })).toEqual(['a', 'b']);
    expect(await idsOf(lake)).toEqual(['a', 'b', 'c']);
    const described = await reader.describe({ metadata: await lake.metadata() });
    expect(described.history).toEqual(snapshots);
    expect(described.refs).toEqual({ main: snapshots[2] });
    expect(described.snapshots.map(({ summary }) => summary['total-records'])).toEqual(['1', '2', '3']);
  });

  test('is not hindered by expiry, but for the snapshots that left', async () => {
    const lake = await makeLake(everything);
    const snapshots: string[] = [];
    for (const id of ['a', 'b', 'c']) snapshots.push((await lake.ingest(id, [{ id }])).snapshotID ?? '');
    await lake.use(async ({ table }, environment) => {
      await commitToTable(
        table,
        (state) =>
          state.properties.expired
            ? { done: undefined }
            : { change: { expireSnapshots: snapshots.slice(0, 1), setProperties: { expired: 'yes' } } },
        environment,
      );
    });
    expect(await idsOf(lake)).toEqual(['a', 'b', 'c']);
    expect(await idsOf(lake, { snapshot: snapshots[1] ?? '' })).toEqual(['a', 'b']);
    await expect(read(lake, { snapshot: snapshots[0] ?? '' })).rejects.toThrow(/snapshot/i);
  });
});

describe('a schema that changed', () => {
  const before: Described = {
    properties: {
      id: text,
      n: int,
      place: { type: 'object', properties: { city: text } },
      parts: { type: 'array', items: { type: 'object', properties: { name: text } } },
    },
    required: ['id', 'n'],
  };
  const after: Described = {
    properties: {
      later: text,
      id: text,
      n: long,
      place: { type: 'object', properties: { city: text, land: text } },
      parts: { type: 'array', items: { type: 'object', properties: { name: text, size: int } } },
    },
    required: ['id'],
  };

  test('gives earlier rows with the new columns, and later ones beside them', async () => {
    const lake = await makeLake(before);
    await lake.ingest('old', [{ id: 'old', n: 1, place: { city: 'x' }, parts: [{ name: 'p' }] }]);
    expect((await lake.prepare(after)).refused).toBeUndefined();
    await lake.ingest('new', [
      { id: 'new', n: 2 ** 40, later: 'l', place: { city: 'y', land: 'z' }, parts: [{ name: 'q', size: 3 }] },
      { id: 'less' },
    ]);
    const { rows } = await read(lake);
    expect(rows.toSorted((a, b) => (String(a.id) < String(b.id) ? -1 : 1))).toEqual([
      { id: 'less', n: null, place: null, parts: nullListOfStructs, later: null },
      { id: 'new', n: 2 ** 40, place: { city: 'y', land: 'z' }, parts: [{ name: 'q', size: 3 }], later: 'l' },
      { id: 'old', n: 1, place: { city: 'x', land: null }, parts: [{ name: 'p', size: null }], later: null },
    ]);
    expect(await idsOf(lake, { filter: 'n > 5' })).toEqual(['new']);
    expect(await idsOf(lake, { filter: 'n < 5' })).toEqual(['old']);
  });

  test.for([
    { field: 'n', transform: 'Identity' },
    { field: 'n', transform: 'Bucket', parameter: 4 },
    { field: 'n', transform: 'Truncate', parameter: 10 },
  ] as const)('finds rows of a wider partition field, by $transform', async (field) => {
    const lake = await makeLake(before, { partitionBy: [field] });
    await lake.ingest(
      'old',
      [1, 2, 30].map((n) => ({ id: `old${n}`, n })),
    );
    await lake.prepare(after);
    await lake.ingest(
      'new',
      [1, 2 ** 40].map((n) => ({ id: `new${n}`, n })),
    );
    expect(await idsOf(lake, { filter: 'n = 1' })).toEqual(['new1', 'old1']);
    expect(await idsOf(lake, { filter: 'n > 20' })).toEqual([`new${2 ** 40}`, 'old30']);
    await expectTrueManifests(lake);
  });
});

describe('rows that leave', () => {
  test('are gone with the batch that is reverted', async () => {
    const lake = await makeLake(everything, { partitionBy: [{ field: 'id', transform: 'Identity' }] });
    for (const id of ['a', 'b', 'c']) await lake.ingest(id, [{ id }, { id: `${id}2` }]);
    await lake.revert('b');
    expect(await idsOf(lake)).toEqual(['a', 'a2', 'c', 'c2']);
    const { snapshots } = await reader.describe({ metadata: await lake.metadata() });
    expect(snapshots.map(({ operation }) => operation)).toEqual(['append', 'append', 'append', 'delete']);
    expect(snapshots.at(-1)?.summary).toMatchObject({ 'deleted-records': '2', 'total-records': '4' });
    expect(await idsOf(lake, { snapshot: snapshots[2]?.id ?? '' })).toHaveLength(6);
  });

  test('make room for those of the batch that replaces theirs', async () => {
    const lake = await makeLake(everything);
    for (const id of ['a', 'b']) await lake.ingest(id, [{ id }]);
    await lake.ingest('c', [{ id: 'c' }], { replaces: [{ kind: 'external', id: 'a' }] });
    expect(await idsOf(lake)).toEqual(['b', 'c']);
    const { snapshots } = await reader.describe({ metadata: await lake.metadata() });
    expect(snapshots.at(-1)?.operation).toBe('overwrite');
  });

  test('and come in other files are the same rows', async () => {
    const lake = await makeLake(everything);
    for (const id of ['a', 'b', 'c']) await lake.ingest(id, [{ id }]);
    await lake.use(async ({ table }, environment) => {
      await commitToTable(
        table,
        async (state) => {
          if (state.properties.rewritten) return { done: undefined };
          const [key = ''] = await keysOf(table, state);
          const moved = (await table.find(state, new Set([key]))).get(key);
          if (moved === undefined) throw new Error('the table has no files');
          const copy = `${table.dataFolder}copy.parquet`;
          const object = await environment.openStore(lake.target.storage);
          const body = await object.get(moved.key);
          await object.put(copy, body?.body ?? '');
          await object.close();
          return {
            change: {
              removeFiles: [moved.key],
              addFiles: [{ ...moved, key: copy }],
              rewrites: true,
              setProperties: { rewritten: 'yes' },
            },
          };
        },
        environment,
      );
    });
    expect(await idsOf(lake)).toEqual(['a', 'b', 'c']);
    const { snapshots } = await reader.describe({ metadata: await lake.metadata() });
    expect(snapshots.at(-1)).toMatchObject({ operation: 'replace', summary: { 'total-records': '3' } });
  });
});

describe.each([
  [2, 'deflate'],
  [2, 'zstandard'],
  [1, 'null'],
] as const)('manifests that pyiceberg wrote, of version %i with codec %s,', (version, codec) => {
  const schema: Described = { properties: { id: text, n: long, at: time } };
  const partitionBy: TableSettings['partitionBy'] = [
    { field: 'at', transform: 'Day' },
    { field: 'n', transform: 'Identity' },
  ];

  test('are read, and written anew when files leave', async () => {
    const lake = await makeLake(schema, { partitionBy });
    for (const id of ['a', 'b', 'c']) {
      await lake.ingest(id, [
        { id, n: 5_000_000_000, at: '2024-02-29T23:59:59Z' },
        { id: `${id}2`, n: 1 },
      ]);
    }
    const filesNow = () => lake.use(async ({ table }) => await allFiles(table, await loadState(table)));
    const before = await filesNow();
    await takeManifests(lake, version, codec);
    expect(await filesNow()).toEqual(before);

    await lake.revert('b');
    expect(await idsOf(lake)).toEqual(['a', 'a2', 'c', 'c2']);
    expect(await idsOf(lake, { filter: 'n = 5000000000' })).toEqual(['a', 'c']);
    expect(await expectTrueManifests(lake)).toBe(4);
  });
});

/** A version of the table whose current snapshot has the manifests that pyiceberg wrote. */
async function takeManifests(lake: TestLake, version: 1 | 2, codec: 'null' | 'deflate' | 'zstandard'): Promise<void> {
  const metadata = await lake.metadata();
  const folder = metadata.slice(0, metadata.lastIndexOf('/'));
  const list = await reader.rewriteManifests({ metadata, version, codec, folder });
  await lake.use(async ({ table, store }) => {
    const { sequence, snapshotID } = await loadState(table);
    const key = (n: number) => `${table.location.slice(store.url.length + 1)}/metadata/v${n}.metadata.json`;
    const body = await store.get(key(sequence));
    const newest = parseTableMetadata(Buffer.from(body?.body ?? '').toString(), 'the newest version');
    const snapshots = newest.snapshots?.map((one) =>
      String(one['snapshot-id']) === snapshotID ? { ...one, 'manifest-list': list } : one,
    );
    await store.put(key(sequence + 1), printJSON({ ...newest, snapshots }));
  });
}

async function allFiles(table: Table, state: TableState): Promise<TableFile[]> {
  const files: TableFile[] = [];
  for await (const file of table.files(state)) files.push(file);
  return files.sort((a, b) => (a.key < b.key ? -1 : 1));
}

test('many batches are one table, whose manifests were made fewer on the way', async () => {
  const lake = await makeLake(
    { properties: { id: text, n: int } },
    { partitionBy: [{ field: 'n', transform: 'Truncate', parameter: 50 }] },
  );
  const ids = Array.from({ length: 105 }, (_, n) => `r${n}`);
  for (const [n, id] of ids.entries()) await lake.ingest(id, [{ id, n }]);
  expect(await idsOf(lake)).toEqual([...ids].sort());
  expect(await idsOf(lake, { filter: 'n = 77' })).toEqual(['r77']);
});

test('a table in a bucket is read from there', async () => {
  const address = inject('s3');
  await createBucket(address, 'readers');
  const lake = await TestLake.make(
    everything,
    {},
    { s3: await s3Location(address, { bucket: 'readers', prefix: 'a/b' }) },
  );
  await lake.ingest('b', [full, { id: 'empty' }]);
  const { endpoint, region, reader: identity } = address;
  const { rows, files } = await read(lake, {
    properties: {
      's3.endpoint': endpoint,
      's3.region': region,
      's3.access-key-id': identity.accessKeyID,
      's3.secret-access-key': identity.secretAccessKey,
    },
  });
  expect(rows.map(({ id }) => id)).toEqual(['full', 'empty']);
  expect(files).toEqual([expect.stringMatching(/^s3:\/\/readers\/a\/b\/table-[-0-9a-f]+\/data\/.*\.parquet$/)]);
});

test('rows in order say so', async () => {
  const lake = await makeLake(everything, { sortBy: ['small', 'place.city'] });
  await lake.ingest('b', [
    { id: 'c', small: 3 },
    { id: 'a', small: 1 },
    { id: 'n' },
    { id: 'b', small: 1, place: { city: 'x' } },
  ]);
  const { order } = await reader.describe({ metadata: await lake.metadata() });
  const { rows } = await read(lake);
  expect(order).toHaveLength(2);
  expect(rows.map(({ id }) => id)).toEqual(['n', 'a', 'b', 'c']);
});
