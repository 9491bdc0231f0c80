import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DuckDBInstance } from '@duckdb/node-api';
import { parquetMetadata } from 'hyparquet';
import { describe, expect, onTestFinished, test } from 'vitest';
import type { ColumnMetrics } from '../contract/layout.ts';
import type { Column, ColumnType } from '../engine/schema.ts';
import { ingestAll, layoutOf, memorySink, type Row } from '../engine/testing.ts';
import { DataWriter } from './writer.ts';

function column(type: ColumnType, name = 'x', required = false): Column {
  return { name, type, required, children: [], path: '' };
}

/** Metrics of a column of one file with these row groups. */
async function measure(type: ColumnType, ...rowGroups: readonly unknown[][]): Promise<ColumnMetrics | undefined> {
  const writer = new DataWriter({
    columns: [column(type)],
    compression: 'None',
    layout: { fieldIDs: { x: 1 }, partitionBy: [], sortBy: [] },
    targetFileSizeBytes: 2 ** 30,
    open: () => memorySink('file', new Map()),
  });
  for (const values of rowGroups) {
    for (const value of values) writer.add([value]);
    await writer.flush();
  }
  return (await writer.finish())[0]?.columns?.[0];
}

function bytes(base64: string | undefined): Buffer {
  return Buffer.from(base64 ?? '', 'base64');
}

describe('bounds are the single values of the Iceberg specification', () => {
  const cases: readonly [ColumnType, unknown[], string, string][] = [
    ['boolean', [true, false, null], '00', '01'],
    ['int', [7, -2, null], 'feffffff', '07000000'],
    ['long', [1, 9007199254740993n, -9223372036854775808n], '0000000000000080', '0100000000002000'],
    ['date', [-1, 20_000], 'ffffffff', '204e0000'],
    ['timestamptz', [-1, 253402300799999999n], 'ffffffffffffffff', 'ff5f73cc0c448403'],
    ['double', [0.5, -1.5], '000000000000f8bf', '000000000000e03f'],
    ['string', ['b', 'ä', ''], '', 'c3a4'],
    ['json', ['[1]', '{"a":2}'], '5b315d', '7b2261223a327d'],
  ];
  test.each(cases)('of %s', async (type, values, lower, upper) => {
    const metrics = await measure(type, values);
    expect([bytes(metrics?.lower).toString('hex'), bytes(metrics?.upper).toString('hex')]).toEqual([lower, upper]);
  });
});

test('values, nulls and bytes are added up over the row groups, and bounds are those of all', async () => {
  const metrics = await measure('int', [1, null, 3], [null, null], [-5, 2]);
  expect(metrics).toMatchObject({ id: 1, values: 7, nulls: 3, bytes: expect.any(Number) });
  expect([bytes(metrics?.lower).readInt32LE(), bytes(metrics?.upper).readInt32LE()]).toEqual([-5, 3]);
});

test('a column of nulls has no bounds', async () => {
  expect(await measure('string', [null, null])).toEqual({ id: 1, values: 2, nulls: 2, bytes: expect.any(Number) });
});

test('NaN is counted and bounds nothing, and of the zeros the negative one is below', async () => {
  const metrics = await measure('double', [Number.NaN, 0, Number.NaN], [-0]);
  expect(metrics).toMatchObject({ values: 4, nulls: 0, nans: 2 });
  expect(Object.is(bytes(metrics?.lower).readDoubleLE(), -0)).toBe(true);
  expect(Object.is(bytes(metrics?.upper).readDoubleLE(), 0)).toBe(true);
  const nothing = await measure('double', [Number.NaN]);
  expect([nothing?.nans, nothing?.lower, nothing?.upper]).toEqual([1, undefined, undefined]);
});

describe('bounds of text are cut to 16 characters', () => {
  const long = 'abcdefghijklmnop';
  const last = '\u{10ffff}';
  const cases: readonly [string, string, string, string | undefined][] = [
    ['is not cut when it is no longer', long, long, long],
    ['rounded up above', `${long}q`, long, 'abcdefghijklmnoq'],
    ['by characters, not by halves of one', '😀'.repeat(17), '😀'.repeat(16), `${'😀'.repeat(15)}😁`],
    ['past what has no next character', `abc${last.repeat(20)}`, `abc${last.repeat(13)}`, 'abd'],
    ['without an upper one where nothing is greater', last.repeat(17), last.repeat(16), undefined],
    ['past the surrogates', `${'a'.repeat(15)}\ud7ffx`, `${'a'.repeat(15)}\ud7ff`, `${'a'.repeat(15)}\ue000`],
  ];
  test.each(cases)('%s', async (_, text, lower, upper) => {
    const metrics = await measure('string', [text]);
    expect(bytes(metrics?.lower).toString()).toBe(lower);
    expect(metrics?.upper === undefined ? undefined : bytes(metrics.upper).toString()).toBe(upper);
  });
});

test('text is compared by its bytes, so that characters past U+FFFF are above those before them', async () => {
  const metrics = await measure('string', ['😀', '\uffee'], ['\uffef']);
  expect(bytes(metrics?.lower).toString()).toBe('\uffee');
  expect(bytes(metrics?.upper).toString()).toBe('😀');
});

const nested = {
  type: 'object',
  properties: {
    id: { type: 'integer' },
    'a.b': { type: 'object', properties: { c: { type: 'string' } } },
    list: { type: 'array', items: { type: 'object', properties: { x: { type: 'integer' } } } },
    map: { type: 'object', additionalProperties: { type: 'number' } },
  },
};
const rows: readonly Row[] = [
  { id: 1, 'a.b': { c: 'x' }, list: [{ x: 1 }, {}], map: { k: 1, l: 2 } },
  { id: 2, list: [], map: {} },
];

async function ingestNested() {
  const text = rows.map((row) => `${JSON.stringify(row)}\n`).join('');
  const { output, files } = await ingestAll(nested, [text], { layout: layoutOf(nested) });
  return { file: output.dataFiles[0], body: files.get('data-0') ?? Buffer.alloc(0) };
}

test('every group and leaf has its field id, also of lists and maps, and those of Parquet alone have none', async () => {
  const { body } = await ingestNested();
  const { schema } = parquetMetadata(new Uint8Array(body).buffer);
  expect(schema.map(({ name, field_id }) => [name, field_id])).toEqual([
    ['root', undefined],
    ['id', 1],
    ['a.b', 2],
    ['c', 3],
    ['list', 4],
    ['list', undefined],
    ['element', 5],
    ['x', 6],
    ['map', 7],
    ['key_value', undefined],
    ['key', 8],
    ['value', 9],
  ]);
});

test('a file reports its leaves by id; what is repeated has counts and no bounds', async () => {
  const { file } = await ingestNested();
  expect(file?.columns?.map(({ id, values, nulls, lower }) => [id, values, nulls, lower !== undefined])).toEqual([
    [1, 2, 0, true],
    [3, 2, 1, true],
    [6, 3, 2, false],
    [8, 3, 1, false],
    [9, 3, 1, false],
  ]);
  expect(file?.splitOffsets).toEqual([4]);
});

test('a layout that lacks a column is a fault of the program', async () => {
  const layout = { fieldIDs: { id: 1 }, partitionBy: [], sortBy: [] };
  await expect(ingestAll(nested, ['{}'], { layout })).rejects.toThrow('no id for field a\\.b');
});

test('without ids nothing is kept about a file but its size', async () => {
  const { output } = await ingestAll(nested, ['{"id":1}'], { layout: { fieldIDs: {}, partitionBy: [], sortBy: [] } });
  expect(output.dataFiles).toEqual([{ key: 'data-0', rows: 1, bytes: expect.any(Number) }]);
});

test('past the first 100 columns those are measured that rows are placed, sorted or found by', async () => {
  const names = Array.from({ length: 120 }, (_, index) => `c${index}`);
  const properties = Object.fromEntries([...names, '_id'].map((name) => [name, { type: 'integer' }]));
  const schema = { type: 'object', properties };
  const layout = layoutOf(schema, { sortBy: ['c119'] });
  const { output } = await ingestAll(schema, [`${JSON.stringify({ c0: 1, _id: 2 })}\n`], { layout });
  const ids = output.dataFiles[0]?.columns?.map(({ id }) => id);
  expect([ids?.length, ids?.slice(-2)]).toEqual([102, [120, 121]]);
});

test('split offsets are where another reader finds the row groups', async () => {
  const files = new Map<string, Buffer>();
  const writer = new DataWriter({
    columns: [column('int')],
    compression: 'Zstd',
    layout: { fieldIDs: { x: 1 }, partitionBy: [], sortBy: [] },
    targetFileSizeBytes: 2 ** 30,
    open: () => memorySink('file', files),
  });
  for (const value of [1, 2, 3]) {
    writer.add([value]);
    await writer.flush();
  }
  const [file] = await writer.finish();
  const folder = await mkdtemp(join(tmpdir(), 'metrics-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  await writeFile(join(folder, 'file.parquet'), files.get('file') ?? '');
  const duckdb = await DuckDBInstance.create(':memory:');
  const connection = await duckdb.connect();
  const sql = `SELECT COALESCE(dictionary_page_offset, data_page_offset)::INT AS at FROM parquet_metadata('${folder}/file.parquet')`;
  const found = await connection.runAndReadAll(sql);
  expect(file?.splitOffsets).toEqual(found.getRowObjectsJson().map(({ at }) => at));
  expect(file?.splitOffsets).toHaveLength(3);
});

test('names with backslashes are found as layouts write them', async () => {
  const schema = { type: 'object', properties: { 'a\\b': { type: 'integer' }, 'c\\.d': { type: 'integer' } } };
  const layout = { fieldIDs: { 'a\\\\b': 1, 'c\\\\\\.d': 2 }, partitionBy: [], sortBy: [] };
  const { output } = await ingestAll(schema, [JSON.stringify({ 'a\\b': 1 })], { layout });
  expect(output.dataFiles[0]?.columns?.map(({ id }) => id)).toEqual([1, 2]);
});
