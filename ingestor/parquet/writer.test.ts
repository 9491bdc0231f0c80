import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DuckDBInstance } from '@duckdb/node-api';
import { parquetMetadata, parquetReadObjects } from 'hyparquet';
import { compressors } from 'hyparquet-compressors';
import { describe, expect, onTestFinished, test } from 'vitest';
import { ingestAll, type Row } from '../engine/testing.ts';

const nullable = (type: string) => ({ type: [type, 'null'] });
const point = { type: 'object', required: ['x'], properties: { x: { type: 'number' }, y: nullable('integer') } };

/** A column of every type, and of types in types. */
const everything = {
  type: 'object',
  required: ['id'],
  properties: {
    id: { type: 'integer' },
    text: nullable('string'),
    flag: nullable('boolean'),
    small: { type: ['integer', 'null'], minimum: -1000, maximum: 1000 },
    long: nullable('integer'),
    real: nullable('number'),
    day: { type: ['string', 'null'], format: 'date' },
    time: { type: ['string', 'null'], format: 'date-time' },
    any: {},
    point: { ...point, type: ['object', 'null'] },
    deep: {
      type: 'object',
      properties: {
        a: { type: 'object', properties: { b: nullable('string'), c: { type: 'array', items: { type: 'string' } } } },
      },
    },
    texts: { type: ['array', 'null'], items: { type: ['string', 'null'] } },
    required: { type: 'array', items: { type: 'integer' } },
    grid: { type: 'array', items: { type: ['array', 'null'], items: { type: ['integer', 'null'] } } },
    points: { type: 'array', items: { ...point, type: ['object', 'null'] } },
    counts: { type: ['object', 'null'], additionalProperties: nullable('integer') },
    places: { type: 'object', additionalProperties: point },
    lists: { type: 'object', additionalProperties: { type: 'array', items: { type: 'boolean' } } },
    days: { type: 'array', items: { type: 'string', format: 'date-time' } },
  },
};

const full = {
  id: 1,
  text: 'héllo 😀\u0000',
  flag: true,
  small: -7,
  long: -123456789012,
  real: 0.1,
  day: '1969-12-31',
  time: '2026-01-02T03:04:05.678901Z',
  any: { x: [1, null, 'a'] },
  point: { x: 1.5, y: 2 },
  deep: { a: { b: 'c', c: ['d', ''] } },
  texts: ['a', null, ''],
  required: [1, 2, 3],
  grid: [[1, null], [], null, [2]],
  points: [{ x: 1, y: 2 }, null, { x: 2 }],
  counts: { a: 1, b: null, '': 3 },
  places: { home: { x: 0, y: 0 } },
  lists: { a: [true, false], b: [] },
  days: ['9999-12-31T23:59:59.999999Z', '0001-01-01T00:00:00Z'],
};

/** Nothing at each level, one after the other. */
const sparse: readonly Row[] = [
  { id: 2 },
  { id: 3, text: '', texts: [], required: [], grid: [], points: [], counts: {}, places: {}, lists: {}, days: [] },
  { id: 4, deep: {}, texts: [null], grid: [[]], points: [null], counts: { a: null }, lists: { a: [] } },
  { id: 5, deep: { a: {} }, grid: [null], point: { x: -0.5 }, any: 'text' },
  { id: 6, deep: { a: { c: [] } }, grid: [[null]], any: 5 },
];

const withNulls = {
  id: 7,
  ...Object.fromEntries(
    ['text', 'flag', 'small', 'long', 'real', 'day', 'time', 'point', 'texts', 'counts'].map((name) => [name, null]),
  ),
};

/** As the table has it: mixed values are JSON text, nulls of fields are missing. */
function stored({ any, ...rest }: Row): Row {
  const fields = Object.entries(rest).filter(([, value]) => value !== null);
  return { ...Object.fromEntries(fields), ...(any === undefined ? {} : { any: JSON.stringify(any) }) };
}

const lines = (records: readonly object[]) => records.map((record) => JSON.stringify(record)).join('\n');

describe('every type comes back', () => {
  const records = [full, ...sparse, withNulls];

  test.each(['Zstd', 'Snappy', 'Gzip', 'None'] as const)(
    'from our own reader, compressed with %s',
    async (compression) => {
      const { rows, output } = await ingestAll(everything, [lines(records)], { compression });
      expect(output.errors).toEqual([]);
      expect(rows).toEqual(records.map(stored));
    },
  );

  test('from hyparquet', async () => {
    const { files } = await ingestAll(everything, [lines(records)]);
    const rows = await parquetReadObjects({ file: slices(files.get('data-0')), compressors });
    expect(rows).toHaveLength(records.length);
    expect(rows[0]).toMatchObject({
      id: 1n,
      text: full.text,
      flag: true,
      small: -7,
      long: -123456789012n,
      real: 0.1,
      day: new Date('1969-12-31'),
      time: new Date('2026-01-02T03:04:05.678Z'),
      any: '{"x":[1,null,"a"]}',
      point: { x: 1.5, y: 2n },
      deep: { a: { b: 'c', c: ['d', ''] } },
      texts: ['a', null, ''],
      counts: { a: 1n, b: null, '': 3n },
      lists: { a: [true, false], b: [] },
    });
    expect(rows[2]).toMatchObject({ text: '', texts: [], counts: {} });
  });

  test('from DuckDB', async () => {
    const { files } = await ingestAll(everything, [lines(records)]);
    const [first, second, third, fourth, fifth] = await query(files.get('data-0'), 'from FILE order by id');
    expect(first).toEqual({
      ...full,
      id: '1',
      long: '-123456789012',
      time: '2026-01-02 03:04:05.678901+00',
      any: '{"x":[1,null,"a"]}',
      point: { x: 1.5, y: '2' },
      required: ['1', '2', '3'],
      grid: [['1', null], [], null, ['2']],
      points: [{ x: 1, y: '2' }, null, { x: 2, y: null }],
      counts: [
        { key: 'a', value: '1' },
        { key: 'b', value: null },
        { key: '', value: '3' },
      ],
      places: [{ key: 'home', value: { x: 0, y: '0' } }],
      lists: [
        { key: 'a', value: [true, false] },
        { key: 'b', value: [] },
      ],
      days: ['9999-12-31 23:59:59.999999+00', '0001-01-01 00:00:00+00'],
    });
    expect(second).toEqual({ ...Object.fromEntries(Object.keys(full).map((name) => [name, null])), id: '2' });
    expect(third).toMatchObject({
      text: '',
      texts: [],
      required: [],
      grid: [],
      points: [],
      counts: [],
      places: [],
      lists: [],
      days: [],
    });
    expect(fourth).toMatchObject({
      deep: { a: null },
      texts: [null],
      grid: [[]],
      points: [null],
      counts: [{ key: 'a', value: null }],
    });
    expect(fifth).toMatchObject({ deep: { a: { b: null, c: null } }, grid: [null], point: { x: -0.5, y: null } });
  });

  test('with the types that readers expect', async () => {
    const { files } = await ingestAll(everything, [lines([full])]);
    const described = await query(files.get('data-0'), 'describe from FILE');
    const types = Object.fromEntries(described.map(({ column_name: name, column_type: type }) => [name, type]));
    expect(types).toMatchObject({
      id: 'BIGINT',
      text: 'VARCHAR',
      flag: 'BOOLEAN',
      small: 'INTEGER',
      real: 'DOUBLE',
      day: 'DATE',
      time: 'TIMESTAMP WITH TIME ZONE',
      any: 'VARCHAR',
      point: 'STRUCT(x DOUBLE, y BIGINT)',
      texts: 'VARCHAR[]',
      grid: 'BIGINT[][]',
      points: 'STRUCT(x DOUBLE, y BIGINT)[]',
      counts: 'MAP(VARCHAR, BIGINT)',
      lists: 'MAP(VARCHAR, BOOLEAN[])',
    });
  });
});

test('required columns are required in the file, and statistics are there', async () => {
  const schema = {
    required: ['a', 'o'],
    properties: {
      a: { type: 'integer' },
      b: { type: 'string' },
      o: { type: 'object', required: ['x'], properties: { x: { type: 'string' } } },
    },
  };
  const { files } = await ingestAll(schema, ['{"a":5,"o":{"x":"m"}}\n{"a":-3,"b":"z","o":{"x":"k"}}\n']);
  const metadata = parquetMetadata(new Uint8Array(files.get('data-0') ?? []));
  expect(metadata.schema.slice(1).map(({ name, repetition_type: repetition }) => [name, repetition])).toEqual([
    ['a', 'REQUIRED'],
    ['b', 'OPTIONAL'],
    ['o', 'REQUIRED'],
    ['x', 'REQUIRED'],
  ]);
  expect(metadata.row_groups[0]?.columns[0]?.meta_data?.statistics).toMatchObject({ min_value: -3n, max_value: 5n });
});

test('rows of several row groups come back one by one', async () => {
  const schema = {
    required: ['id'],
    properties: {
      id: { type: 'integer' },
      text: { type: 'string' },
      list: { type: 'array', items: { type: 'object', properties: { n: { type: 'integer' }, s: { type: 'string' } } } },
      when: { type: 'string', format: 'date-time' },
    },
  };
  const record = (id: number): Row => ({
    id,
    ...(id % 3 === 0 ? {} : { text: `${'text '.repeat(id % 40)}${id}` }),
    list: Array.from({ length: id % 4 }, (_, n) => (n % 2 === 0 ? { n, s: `s${id % 100}` } : { n })),
    when: new Date(id * 977_000).toISOString().replace('.000', ''),
  });
  const rowCount = 130_000;
  const records = Array.from({ length: rowCount }, (_, id) => record(id));
  const { rows, files, output } = await ingestAll(schema, [lines(records)]);
  expect([output.records.ingested, rows.length]).toEqual([rowCount, rowCount]);
  const different = rows.findIndex((row, id) => JSON.stringify(sorted(row)) !== JSON.stringify(sorted(record(id))));
  expect(different).toBe(-1);
  const groups = parquetMetadata(new Uint8Array(files.get('data-0') ?? [])).row_groups.length;
  expect(groups).toBeGreaterThan(1);
  const sums =
    'select count(*) n, sum(id)::bigint ids, count(text) texts, sum(len(list))::bigint items, max(epoch_ms("when")) latest from FILE';
  const texts = records.filter(({ text }) => text !== undefined).length;
  expect(await query(files.get('data-0'), sums)).toEqual([
    {
      n: String(rowCount),
      ids: String((rowCount * (rowCount - 1)) / 2),
      texts: String(texts),
      items: String(1.5 * rowCount),
      latest: String((rowCount - 1) * 977_000),
    },
  ]);
}, 60_000);

function sorted(row: Row): unknown {
  return Object.entries(row).sort(([a], [b]) => (a < b ? -1 : 1));
}

function slices(bytes: Buffer = Buffer.alloc(0)) {
  const copy = new Uint8Array(bytes);
  return { byteLength: copy.length, slice: (start: number, end?: number) => copy.buffer.slice(start, end) };
}

/** `FILE` in the text stands for the file. */
async function query(bytes: Buffer = Buffer.alloc(0), text = ''): Promise<Row[]> {
  const folder = await mkdtemp(join(tmpdir(), 'forebay-parquet-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  const path = join(folder, 'data.parquet');
  await writeFile(path, bytes);
  const instance = await DuckDBInstance.create(':memory:', { threads: '1' });
  const connection = await instance.connect();
  await connection.run("set timezone = 'UTC'");
  const result = await connection.runAndReadAll(text.replaceAll('FILE', `'${path}'`));
  connection.closeSync();
  return result.getRowObjectsJson();
}
