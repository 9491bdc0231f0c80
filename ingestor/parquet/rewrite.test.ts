import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DuckDBInstance } from '@duckdb/node-api';
import { expect, onTestFinished, test } from 'vitest';
import { ForebayError } from '../contract/errors.ts';
import type { TableLayout } from '../contract/layout.ts';
import { compileSchema } from '../engine/schema.ts';
import { ingestAll, inputOf, layoutOf, memorySink, rowsOf } from '../engine/testing.ts';
import { type RewriteSettings, rewriteFiles, type TableInput } from './rewrite.ts';

/** Ids by path of both schemas, as a table that went from one to the other has them. */
function evolved(first: object, second: object): [TableLayout, TableLayout] {
  const before = layoutOf(first);
  const fieldIDs = { ...before.fieldIDs };
  for (const path of Object.keys(layoutOf(second).fieldIDs)) fieldIDs[path] ??= Object.keys(fieldIDs).length + 1;
  return [before, { ...before, fieldIDs }];
}

/** The bytes of a data file with these records, one a line. */
async function dataFile(schema: object, lines: readonly string[], layout: TableLayout | undefined): Promise<Buffer> {
  const { files, rejects } = await ingestAll(schema, [lines.join('\n')], layout ? { layout } : {});
  expect(rejects).toEqual([]);
  return files.get('data-0') ?? Buffer.alloc(0);
}

function tableInput(bytes: Uint8Array, name = 'data/a.parquet'): TableInput {
  const { size, read } = inputOf(bytes);
  return { name, size, read };
}

async function rewrite(
  schema: object,
  layout: TableLayout,
  inputs: readonly TableInput[],
  rest: Partial<RewriteSettings> = {},
) {
  const written = new Map<string, Buffer>();
  const files = await rewriteFiles(
    {
      columns: compileSchema(JSON.stringify(schema), 'Record').columns,
      layout,
      compression: 'Zstd',
      targetFileSizeBytes: 2 ** 30,
      signal: new AbortController().signal,
      openDataFile: (k) => memorySink(`new-${k}`, written),
      ...rest,
    },
    inputs,
  );
  const bodies = files.map(({ key }) => written.get(key) ?? Buffer.alloc(0));
  return { files, bodies, rows: (await Promise.all(bodies.map(rowsOf))).flat() };
}

const nullable = (type: string) => ({ type: [type, 'null'] });
const everything = {
  type: 'object',
  required: ['id'],
  properties: {
    id: { type: 'integer' },
    text: nullable('string'),
    flag: nullable('boolean'),
    small: { type: ['integer', 'null'], minimum: -1000, maximum: 1000 },
    real: nullable('number'),
    day: { type: ['string', 'null'], format: 'date' },
    time: { type: ['string', 'null'], format: 'date-time' },
    any: {},
    deep: {
      type: 'object',
      properties: {
        a: { type: 'object', properties: { b: nullable('string'), c: { type: 'array', items: { type: 'string' } } } },
        when: { type: 'array', items: { type: 'string', format: 'date-time' } },
      },
    },
    grid: { type: 'array', items: { type: ['array', 'null'], items: { type: ['integer', 'null'] } } },
    points: {
      type: ['array', 'null'],
      items: { type: ['object', 'null'], properties: { x: { type: 'number' }, y: {} } },
    },
    counts: { type: ['object', 'null'], additionalProperties: nullable('integer') },
    lists: { type: 'object', additionalProperties: { type: 'array', items: { type: 'boolean' } } },
    places: {
      type: 'object',
      additionalProperties: { type: 'object', properties: { day: { type: 'string', format: 'date' } } },
    },
  },
};
const everyRecord = [
  '{"id":9223372036854775807,"text":"héllo 😀\\u0000","flag":true,"small":-7,"real":-0.0,"day":"1969-12-31","time":"2026-01-02T03:04:05.678901Z"}',
  '{"id":-9223372036854775808,"any":{"big":12345678901234567890,"x":[1,null]},"deep":{"a":{"b":"c","c":["d",""]},"when":["9999-12-31T23:59:59.999999Z"]}}',
  '{"id":3,"grid":[[1,null],[],null,[9007199254740993]],"points":[{"x":1,"y":[2]},null,{"x":2}],"counts":{"b":1,"10":2,"2":null,"__proto__":4,"":5}}',
  '{"id":4,"lists":{"a":[true,false],"b":[]},"places":{"home":{"day":"2026-01-01"},"none":{}},"any":"text"}',
  '{"id":5,"text":"","grid":[],"points":[],"counts":{},"lists":{},"places":{},"deep":{},"any":5}',
  '{"id":6,"deep":{"a":{}},"grid":[[]],"points":[null],"real":1e-300,"time":"0001-01-01T00:00:00Z","day":"9999-12-31"}',
  '{"id":7,"text":null,"counts":null,"points":null,"deep":{"a":{"c":[]}},"any":null}',
];

/** What DuckDB reads, so that no code of ours stands between the two. */
async function asText(bytes: Uint8Array): Promise<string[]> {
  const folder = await mkdtemp(join(tmpdir(), 'rewrite-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  await writeFile(join(folder, 'file.parquet'), bytes);
  const duckdb = await DuckDBInstance.create(':memory:');
  const connection = await duckdb.connect();
  const found = await connection.runAndReadAll(`SELECT t::VARCHAR AS row FROM '${folder}/file.parquet' t`);
  return found.getRowObjects().map(({ row }) => String(row));
}

test('every value of every type comes back as it was, in its order', async () => {
  const layout = layoutOf(everything);
  const body = await dataFile(everything, everyRecord, layout);
  const { bodies, files } = await rewrite(everything, layout, [tableInput(body)]);
  const [before, after] = [await asText(body), await asText(bodies[0] ?? body)];
  expect(before).toHaveLength(7);
  expect(after).toEqual(before);
  expect(before[2]).toContain('__proto__');
  expect(files[0]).toMatchObject({ key: 'new-0', rows: 7, columns: expect.any(Array), splitOffsets: [4] });
});

test('what is rewritten twice is the same file', async () => {
  const layout = layoutOf(everything);
  const once = await rewrite(everything, layout, [tableInput(await dataFile(everything, everyRecord, layout))]);
  const twice = await rewrite(
    everything,
    layout,
    once.bodies.map((body) => tableInput(body)),
  );
  expect(twice.bodies[0]?.equals(once.bodies[0] ?? Buffer.alloc(0))).toBe(true);
});

test('files of one table become one, their rows in the order of the files', async () => {
  const layout = layoutOf(everything);
  const bodies = await Promise.all(everyRecord.map((record) => dataFile(everything, [record], layout)));
  const { files, rows } = await rewrite(
    everything,
    layout,
    bodies.map((body) => tableInput(body)),
  );
  expect(files.map(({ rows }) => rows)).toEqual([7]);
  expect(rows.map(({ id }) => id)).toEqual([9223372036854775807n, -9223372036854775808n, 3, 4, 5, 6, 7]);
});

const small = { type: 'integer', minimum: -1000, maximum: 1000 };
const first = {
  type: 'object',
  required: ['n', 'must'],
  properties: {
    gone: { type: 'string' },
    n: small,
    must: { type: 'string' },
    s: { type: 'object', required: ['n'], properties: { n: small } },
    l: { type: 'array', items: small },
    m: { type: 'object', additionalProperties: small },
    o: { type: 'array', items: { type: 'object', properties: { n: small } } },
  },
};
const long = { type: 'integer' };
const second = {
  type: 'object',
  properties: {
    fresh: { type: 'string' },
    must: { type: 'string' },
    m: { type: 'object', additionalProperties: long },
    o: { type: 'array', items: { type: 'object', properties: { more: { type: 'number' }, n: long } } },
    l: { type: 'array', items: long },
    s: { type: 'object', properties: { added: { type: 'string', format: 'date' }, n: long } },
    n: long,
    gone: { type: 'string' },
    list: { type: 'array', items: { type: 'string' } },
  },
};

test('files of earlier schemas lack columns, have ints for longs, and required ones', async () => {
  const [before, after] = evolved(first, second);
  const old = '{"gone":"x","n":-7,"must":"m","s":{"n":1},"l":[1,2],"m":{"k":3},"o":[{"n":4},{}]}';
  const newer = '{"n":9007199254740993,"s":{"n":9007199254740993,"added":"2026-01-01"},"fresh":"f","list":["a"]}';
  const inputs = [tableInput(await dataFile(first, [old], before)), tableInput(await dataFile(second, [newer], after))];
  const { rows, bodies } = await rewrite(second, after, inputs);
  expect(rows).toEqual([
    { must: 'm', m: { k: 3 }, o: [{ n: 4 }, {}], l: [1, 2], s: { n: 1 }, n: -7, gone: 'x' },
    { fresh: 'f', s: { added: '2026-01-01', n: 9007199254740993n }, n: 9007199254740993n, list: ['a'] },
  ]);
  expect(await asText(bodies[0] ?? Buffer.alloc(0))).toHaveLength(2);
});

test('files without ids are read by name', async () => {
  const none: TableLayout = { fieldIDs: {}, partitionBy: [], sortBy: [] };
  const body = await dataFile(first, ['{"n":1,"must":"m","s":{"n":2}}'], undefined);
  const { rows, files } = await rewrite(second, none, [tableInput(body)]);
  expect(rows).toEqual([{ must: 'm', s: { n: 2 }, n: 1 }]);
  expect(files[0]).toEqual({ key: 'new-0', rows: 1, bytes: expect.any(Number) });
});

test('a column is found by its id and not by the name that another one had', async () => {
  const schema = { type: 'object', properties: { a: { type: 'string' }, b: { type: 'string' } } };
  const body = await dataFile(schema, ['{"a":"1","b":"2"}'], layoutOf(schema));
  const swapped: TableLayout = { fieldIDs: { a: 2, b: 3 }, partitionBy: [], sortBy: [] };
  expect((await rewrite(schema, swapped, [tableInput(body)])).rows).toEqual([{ a: '2' }]);
});

test('rows are placed, sorted and measured as in any data file', async () => {
  const schema = { type: 'object', properties: { k: { type: 'integer' }, t: { type: 'string', format: 'date-time' } } };
  const lines = [3, 1, 2, 1].map((k, index) => `{"k":${k},"t":"2026-01-0${index % 2 === 0 ? 1 : 2}T00:00:00Z"}`);
  const body = await dataFile(schema, lines, layoutOf(schema));
  const layout = layoutOf(schema, { partitionBy: [{ field: 't', transform: 'Day' }], sortBy: ['k'] });
  const { files, bodies } = await rewrite(schema, layout, [tableInput(body)]);
  expect(files.map(({ partition, sorted, rows }) => [partition, sorted, rows])).toEqual([
    [[20454], true, 2],
    [[20455], true, 2],
  ]);
  expect((await rowsOf(bodies[0] ?? body)).map(({ k }) => k)).toEqual([2, 3]);
});

test('a file that is damaged is named, and nothing is written', async () => {
  const layout = layoutOf(first);
  const good = await dataFile(first, ['{"n":1,"must":"m"}'], layout);
  const bad = tableInput(good.subarray(0, good.length - 20), 'data/bad.parquet');
  const written = new Map<string, Buffer>();
  const rewriting = rewrite(first, layout, [tableInput(good), bad], {
    openDataFile: (k) => memorySink(`${k}`, written),
  });
  await expect(rewriting).rejects.toMatchObject({
    code: 'UnreadableFile',
    message: expect.stringContaining('data/bad.parquet'),
  });
  expect(written.size).toBe(0);
});

test('a column of a type that it cannot have come from is refused', async () => {
  const other = { type: 'object', properties: { n: { type: 'string' }, must: { type: 'string' } } };
  const body = await dataFile(other, ['{"n":"x","must":"m"}'], undefined);
  const rewriting = rewrite(first, layoutOf(first), [tableInput(body)]);
  await expect(rewriting).rejects.toMatchObject({
    code: 'UnreadableFile',
    message: expect.stringContaining('n is no int'),
  });
});

test('errors of the store and the end of the pod are what they are', async () => {
  const layout = layoutOf(first);
  const body = await dataFile(first, ['{"n":1,"must":"m"}'], layout);
  const gone: TableInput = {
    ...tableInput(body),
    // biome-ignore lint/correctness/useYield: it fails before
    async *read() {
      throw new ForebayError('FileChanged', 'it is gone');
    },
  };
  await expect(rewrite(first, layout, [gone])).rejects.toMatchObject({ code: 'FileChanged' });
  const stopped = rewrite(first, layout, [tableInput(body)], { signal: AbortSignal.abort() });
  await expect(stopped).rejects.toMatchObject({ code: 'Interrupted' });
});

test('many rows are rewritten in row groups, into files of the target size', async () => {
  const schema = { type: 'object', properties: { id: { type: 'integer' }, text: { type: 'string' } } };
  const layout = layoutOf(schema);
  const lines = Array.from(
    { length: 130_000 },
    (_, index) => `{"id":${index},"text":"text ${(index * 7919) % 100_003}"}`,
  );
  const body = await dataFile(schema, lines, layout);
  const { files, rows } = await rewrite(schema, layout, [tableInput(body)], { targetFileSizeBytes: 1 });
  expect(files.length).toBeGreaterThan(1);
  expect(rows).toHaveLength(130_000);
  expect(rows.every(({ id, text }, index) => id === index && text === `text ${(index * 7919) % 100_003}`)).toBe(true);
});
