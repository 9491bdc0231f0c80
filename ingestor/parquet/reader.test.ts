import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DuckDBInstance } from '@duckdb/node-api';
import { ByteWriter, ParquetWriter } from 'hyparquet-writer';
import { expect, onTestFinished, test } from 'vitest';
import { ingestAll, inputOf, rowsOf } from '../engine/testing.ts';
import { jsonValues } from './logicaltypes.ts';
import { openParquet } from './reader.ts';
import { column, writeFile } from './testing.ts';

/** What DuckDB writes for the query. */
async function written(query: string, options = ''): Promise<Buffer> {
  const folder = await mkdtemp(join(tmpdir(), 'forebay-parquet-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  const path = join(folder, 'data.parquet');
  const instance = await DuckDBInstance.create(':memory:', { threads: '1' });
  const connection = await instance.connect();
  await connection.run("set timezone = 'UTC'");
  await connection.run(`copy (${query}) to '${path}' (format parquet${options})`);
  connection.closeSync();
  return await readFile(path);
}

test.each<[string, string, unknown]>([
  ['integers', '42::integer', 42],
  ['small integers', '(-5)::tinyint', -5],
  ['longs', '9007199254740991::bigint', 9007199254740991],
  ['longs past 2^53', '(-9223372036854775808)::bigint', -9223372036854775808n],
  ['unsigned longs', '18446744073709551615::ubigint', 18446744073709551615n],
  ['unsigned integers', '4294967295::uinteger', 4294967295],
  ['doubles', '0.1::double', 0.1],
  ['floats', '0.5::float', 0.5],
  ['booleans', 'true', true],
  ['text', "'héllo 😀, longer than sixteen bytes'", 'héllo 😀, longer than sixteen bytes'],
  ['short text', "'é'", 'é'],
  ['dates', "date '1969-12-31'", '1969-12-31'],
  ['times', "time '12:34:56.789'", '12:34:56.789Z'],
  ['timestamps with a time zone', "timestamptz '2026-01-02 03:04:05.678901+02'", '2026-01-02T01:04:05.678901Z'],
  ['timestamps without one', "timestamp '2026-01-02 03:04:05'", '2026-01-02T03:04:05Z'],
  ['milliseconds', "timestamp_ms '1969-12-31 23:59:59.5'", '1969-12-31T23:59:59.5Z'],
  ['nanoseconds', "timestamp_ns '1969-12-31 23:59:59.123456789'", '1969-12-31T23:59:59.123456Z'],
  ['decimals of 32 bits', '0.30::decimal(4,2)', 0.3],
  ['decimals of 64 bits', '1234567890123.45::decimal(18,2)', 1234567890123.45],
  ['decimals of 128 bits', '(-12345678901234567890.5)::decimal(38,1)', Number('-12345678901234567890.5')],
  ['decimals that are big integers', '12345678901234567890::decimal(38,0)', 12345678901234567890n],
  ['decimals that are integers', '5.00::decimal(10,2)', 5],
  ['UUIDs', "uuid '123e4567-e89b-12d3-a456-426614174000'", '123e4567-e89b-12d3-a456-426614174000'],
  ['enums', "'a'::enum('a','b')", 'a'],
  ['bytes that are text', "'abc'::blob", 'abc'],
  ['lists', '[1, null, 3]', [1, null, 3]],
  ['lists of lists', '[[1], [], null]', [[1], [], null]],
  ['lists of big integers', '[9007199254740993::bigint]', [9007199254740993n]],
  ['structs', "{a: 1, b: null, c: {d: 'x'}}", { a: 1, c: { d: 'x' } }],
  ['lists of structs', '[{a: 1, b: null}, null]', [{ a: 1 }, null]],
  ['maps', "map {'a': 1, 'b': null}", { a: 1, b: null }],
  ['maps of dates', "map {'a': date '2026-01-01'}", { a: '2026-01-01' }],
  ['structs of dates', "{a: date '2026-01-01', b: [0.30::decimal(4,2)]}", { a: '2026-01-01', b: [0.3] }],
])('%s are read as JSON has them', async (_name, expression, expected) => {
  // A null beside, so that the column is read with its levels.
  const rows = await rowsOf(await written(`select ${expression} as v union all select null`));
  expect(rows.filter((row) => 'v' in row)).toEqual([{ v: expected }]);
  expect(rows).toHaveLength(2);
});

test.each(['uncompressed', 'snappy', 'gzip', 'zstd', 'brotli', 'lz4', 'lz4_raw'])(
  'pages compressed with %s',
  async (codec) => {
    const data = await written("select i, 'text ' || (i % 1000) as t from range(20000) r(i)", `, compression ${codec}`);
    const rows = await rowsOf(data);
    expect(rows).toHaveLength(20_000);
    expect([rows[0], rows[19_999]]).toEqual([
      { i: 0, t: 'text 0' },
      { i: 19_999, t: 'text 999' },
    ]);
  },
);

test.each(['v1', 'v2'])(
  'many pages and row groups of nested values, version %s',
  async (version) => {
    const query = `select i, case when i % 5 = 0 then null else list_transform(range(i % 7), x -> {n: x, t: 'item ' || (i + x)}) end as l,
    repeat('x', (i % 300)::int) as pad from range(60000) r(i)`;
    const data = await written(query, `, row_group_size 25000, parquet_version ${version}, compression uncompressed`);
    const rows = await rowsOf(data);
    expect(rows).toHaveLength(60_000);
    const wrong = rows.findIndex((row, i) => {
      const l = Array.from({ length: i % 7 }, (_, n) => ({ n, t: `item ${i + n}` }));
      const expected = i % 5 === 0 ? { i, pad: 'x'.repeat(i % 300) } : { i, l, pad: 'x'.repeat(i % 300) };
      return JSON.stringify(row) !== JSON.stringify(expected);
    });
    expect(wrong).toBe(-1);
  },
  60_000,
);

test('lists that go on over pages keep their rows', async () => {
  const out = new ByteWriter();
  const schema = [
    { name: 'root', num_children: 1 },
    { name: 'l', repetition_type: 'OPTIONAL', num_children: 1, converted_type: 'LIST' },
    { name: 'list', repetition_type: 'REPEATED', num_children: 1 },
    { name: 'element', repetition_type: 'REQUIRED', type: 'INT32' },
  ] as const;
  const lists = Array.from({ length: 500 }, (_, i) =>
    i % 10 === 0 ? null : Array.from({ length: i % 50 }, (_, n) => n),
  );
  const writer = new ParquetWriter({ writer: out, schema: [...schema], codec: 'UNCOMPRESSED' });
  writer.write({ columnData: [{ name: 'l', data: lists, encoding: 'PLAIN' }], rowGroupSize: 500, pageSize: 64 });
  writer.finish();
  const rows = await rowsOf(new Uint8Array(out.getBuffer()));
  expect(rows.map(({ l }) => l ?? null)).toEqual(lists);
});

test('a name with a dot is no path', async () => {
  const fields = `{b: 1} as a, 2 as "a.b", {a: {b: 3}, "a.b": [{"c.d": 4}]} as s, map {'x.y': 5} as "m.n"`;
  const rows = await rowsOf(await written(`select ${fields}`));
  expect(rows).toEqual([{ a: { b: 1 }, 'a.b': 2, s: { a: { b: 3 }, 'a.b': [{ 'c.d': 4 }] }, 'm.n': { 'x.y': 5 } }]);
});

test('only ranges are read, and large row groups piece by piece', async () => {
  const texts = Array.from({ length: 40_000 }, (_, i) => [`${i} ${'x'.repeat(1000)}`]);
  const data = await writeFile([column('t', 'string')], texts, { compression: 'None' });
  let largest = 0;
  const file = await openParquet({
    size: data.length,
    read: (start, end) => {
      largest = Math.max(largest, end - start);
      return inputOf(data).read(start, end);
    },
  });
  let rows = 0;
  for await (const batch of file.batches()) rows += batch.rows;
  expect(rows).toBe(texts.length);
  expect(data.length).toBeGreaterThan(32 * 1024 * 1024);
  expect(largest).toBeLessThan(8 * 1024 * 1024);
});

test('text that is no UTF-8 costs its record, which keeps the bytes', async () => {
  const data = await written("select 1 as id, '\\xff\\x41'::blob as t union all select 2, 'ok'::blob");
  const schema = { properties: { id: { type: 'integer' }, t: { type: 'string' } } };
  const { rows, rejects } = await ingestAll(schema, [data], { format: { type: 'Parquet' } });
  expect(rows).toEqual([{ id: 2, t: 'ok' }]);
  expect(rejects).toMatchObject([
    { record: 1, errors: [{ code: 'InvalidEncoding', path: '/t' }], raw: '{"id":1,"t":"/0E="}' },
  ]);
});

test('records of Parquet are judged, moved and counted like others', async () => {
  const query = `select * from (values (1::bigint, 'a', timestamptz '2026-01-01 00:00:00+00', {x: 1.5::double, y: null::double}),
    (9223372036854775807, 'b', null, null), (-1, 'c', null, null), (3, null, null, null)) v(n, t, "when", o)`;
  const schema = {
    required: ['n', 'name', 'maybe'],
    additionalProperties: false,
    properties: {
      n: { type: 'integer', minimum: 0 },
      name: { type: 'string' },
      maybe: { type: ['string', 'null'], format: 'date-time' },
      o: {
        type: 'object',
        required: ['x'],
        additionalProperties: false,
        properties: { x: { type: 'number' }, y: { type: 'number' } },
      },
    },
  };
  const mapping = [
    { source: 't', destination: 'name' },
    { source: 'when', destination: 'maybe' },
  ];
  const { rows, rejects, output } = await ingestAll(schema, [await written(query)], {
    format: { type: 'Parquet' },
    mapping,
  });
  expect(rows).toEqual([
    { n: 1, name: 'a', maybe: '2026-01-01T00:00:00Z', o: { x: 1.5 } },
    { n: 9223372036854775807n, name: 'b' },
  ]);
  expect(rejects.map(({ record, errors, raw }) => [record, errors[0]?.code, errors[0]?.path, raw])).toEqual([
    [3, 'OutOfRange', '/n', '{"n":-1,"t":"c"}'],
    [4, 'RequiredMissing', '/name', '{"n":3}'],
  ]);
  expect(output.records).toEqual({ read: 4, ingested: 2, failed: 2, skipped: 0, warnings: 0 });
});

test('a file without rows has none', async () => {
  expect(await rowsOf(await written('select 1 as a where false'))).toEqual([]);
});

test('damage anywhere in the pages is an error or other values, never a hang or a crash', async () => {
  const data = await written("select i, 'text ' || i as t, [i, i + 1] as l from range(2000) r(i)");
  for (let at = 4; at < data.length - 8; at += 97) {
    const damaged = Buffer.from(data);
    damaged[at] = (damaged[at] ?? 0) ^ 0x55;
    const outcome = await rowsOf(damaged).then(
      (rows) => rows.length,
      (error: unknown) => (error instanceof Error ? 'error' : 'thrown'),
    );
    expect([2000, 'error']).toContain(outcome);
  }
}, 60_000);

test.each<[string, (data: Buffer) => Uint8Array]>([
  ['without its end', (data) => data.subarray(0, data.length - 100)],
  ['without its middle', (data) => Buffer.concat([data.subarray(0, 100), data.subarray(data.length - 400)])],
  ['of other bytes', (data) => Buffer.alloc(data.length, 'x')],
])('a file %s cannot be read', async (_name, change) => {
  await expect(rowsOf(change(await written('select i from range(1000) r(i)')))).rejects.toThrow();
});

test.each([
  [-1, 5],
  [6, 5],
  [1_000_000_000, 2_000_000_000],
])(
  'decimals that no writer has, of scale %i and precision %i, are refused before a value is read',
  (scale, precision) => {
    const element = { name: 'price', type: 'INT32', converted_type: 'DECIMAL', scale, precision } as const;
    expect(() => jsonValues(element)).toThrow(`price is a decimal of ${precision} digits, ${scale} after the point`);
  },
);
