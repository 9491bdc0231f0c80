import { mkdtemp, rm, writeFile as writeBytes } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  DuckDBDateValue,
  DuckDBInstance,
  DuckDBListValue,
  DuckDBMapValue,
  DuckDBStructValue,
  DuckDBTimestampTZValue,
  type DuckDBValue,
} from '@duckdb/node-api';
import { type ColumnChunk, parquetMetadata, readColumnIndex, readOffsetIndex, type SchemaElement } from 'hyparquet';
import { parquetHeader } from 'hyparquet/src/column.js';
import { describe, expect, onTestFinished, test } from 'vitest';
import type { Column } from '../engine/schema.ts';
import { inputOf } from '../engine/testing.ts';
import { openParquet } from './reader.ts';
import { tableShapes } from './tablefile.ts';
import { column, everyColumn, makeRows, plainDouble, plainRow, required, writeFile, writeRows } from './testing.ts';
import type { WriterSettings } from './writer.ts';

type Row = readonly unknown[];

/** As compaction reads it. */
async function readBack(columns: readonly Column[], bytes: Buffer): Promise<unknown[]> {
  const file = await openParquet({ size: bytes.length, read: (start, end) => inputOf(bytes).read(start, end) });
  const rows: unknown[] = [];
  for await (const batch of file.batches({ shapes: tableShapes(columns, file.tree, () => undefined) })) {
    for (let row = 0; row < batch.rows; row += 1) {
      const values = batch.columns.map((one) => one.values[row]);
      rows.push(plainRow(columns, values));
    }
  }
  return rows;
}

function plainDuckdb(value: DuckDBValue): unknown {
  if (typeof value === 'bigint') return String(value);
  if (typeof value === 'number') return plainDouble(value);
  if (value instanceof DuckDBDateValue) return value.days;
  if (value instanceof DuckDBTimestampTZValue) return String(value.micros);
  if (value instanceof DuckDBListValue) return value.items.map(plainDuckdb);
  if (value instanceof DuckDBMapValue)
    return value.entries.map((entry) => [plainDuckdb(entry.key), plainDuckdb(entry.value)]);
  if (value instanceof DuckDBStructValue) {
    return Object.fromEntries(Object.entries(value.entries).map(([name, one]) => [name, plainDuckdb(one)]));
  }
  return value;
}

/** `FILE` in the text stands for the file. */
async function queries(bytes: Buffer, ...texts: readonly string[]): Promise<unknown[][]> {
  const folder = await mkdtemp(join(tmpdir(), 'forebay-parquet-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  const path = join(folder, 'data.parquet');
  await writeBytes(path, bytes);
  const instance = await DuckDBInstance.create(':memory:', { threads: '1' });
  const connection = await instance.connect();
  const results: unknown[][] = [];
  for (const text of texts) {
    const result = await connection.runAndReadAll(text.replaceAll('FILE', `'${path}'`));
    results.push(result.getRows().map((row) => row.map(plainDuckdb)));
  }
  connection.closeSync();
  return results;
}

function metadataOf(bytes: Buffer) {
  return parquetMetadata(new Uint8Array(bytes).buffer, { geoparquet: false });
}

async function expectBack(columns: readonly Column[], rows: readonly Row[], bytes: Buffer): Promise<void> {
  const expected = rows.map((row) => plainRow(columns, row));
  expect(await readBack(columns, bytes)).toEqual(expected);
  expect((await queries(bytes, 'from FILE'))[0]).toEqual(expected);
}

const smallParts = { rowGroupRows: 400, pageRows: 60 };

describe('rows come back from our reader and DuckDB', () => {
  const rows = makeRows(everyColumn, 1000);

  test.each(['Zstd', 'Snappy', 'Gzip', 'None'] as const)('of every type, compressed with %s', async (compression) => {
    const bytes = await writeFile(everyColumn, rows, { compression, ...smallParts });
    expect(metadataOf(bytes).row_groups.map(({ num_rows }) => num_rows)).toEqual([400n, 400n, 200n]);
    await expectBack(everyColumn, rows, bytes);
  });

  test.each<[string, Partial<WriterSettings>]>([
    ['a page for each row', { pageRows: 1 }],
    ['pages of few bytes', { pageBytes: 40 }],
    ['row groups of one row', { rowGroupRows: 1 }],
  ])('of %s', async (_, settings) => {
    await expectBack(everyColumn, rows.slice(0, 100), await writeFile(everyColumn, rows.slice(0, 100), settings));
  });

  test('of one row', async () => {
    await expectBack(everyColumn, rows.slice(0, 1), await writeFile(everyColumn, rows.slice(0, 1)));
  });

  test('of a row of nulls', async () => {
    const columns = everyColumn.filter((one) => !one.required);
    const nulls = [columns.map(() => null)];
    await expectBack(columns, nulls, await writeFile(columns, nulls));
  });

  test('of a thousand columns', async () => {
    const columns = Array.from({ length: 1000 }, (_, index) => column(`c${index}`, index % 2 === 0 ? 'string' : 'int'));
    const wide = makeRows(columns, 50);
    await expectBack(columns, wide, await writeFile(columns, wide));
  });

  test('of very long text, in pages of their own', async () => {
    const columns = [required(column('id', 'long')), column('text', 'string')];
    const long = Array.from(
      { length: 12 },
      (_, row): Row => [row, row % 3 === 0 ? `${row}${'é'.repeat(2 ** 20)}` : 'short'],
    );
    for (const compression of ['Zstd', 'Snappy', 'None'] as const) {
      await expectBack(columns, long, await writeFile(columns, long, { compression }));
    }
  });

  test('of rows that are picked for partitions and put in order', async () => {
    const layout = {
      fieldIDs: {},
      partitionBy: [{ field: 'few', transform: 'Identity' as const }],
      sortBy: ['time', 'place.city'],
    };
    const written = await writeRows(everyColumn, rows, { layout, ...smallParts });
    expect(written.length).toBeGreaterThan(20);
    const ids = new Set<unknown>();
    for (const { file, bytes } of written) {
      const found = await readBack(everyColumn, bytes);
      expect(found).toHaveLength(file.rows);
      for (const row of found) {
        const id = Number(Array.isArray(row) ? row[0] : Number.NaN);
        expect(row).toEqual(plainRow(everyColumn, rows[id] ?? []));
        expect([rows[id]?.[2] ?? null]).toEqual(file.partition);
        ids.add(id);
      }
    }
    expect(ids.size).toBe(rows.length);
  });

  test('of a million rows', async () => {
    const columns = [
      required(column('id', 'long')),
      column('text', 'string'),
      column('list', 'list', column('element', 'int')),
    ];
    function* million(): Generator<Row> {
      for (let id = 0; id < 1_000_000; id += 1)
        yield [id, id % 7 === 0 ? null : `text ${id % 5000}`, id % 3 === 0 ? null : [id, -id]];
    }
    const bytes = await writeFile(columns, million());
    const file = await openParquet({
      size: bytes.length,
      read: (start, end) => inputOf(bytes, 'file', 2 ** 20).read(start, end),
    });
    let id = 0;
    let different = 0;
    const expected = million();
    for await (const batch of file.batches()) {
      for (let row = 0; row < batch.rows; row += 1) {
        const [wantedID, text, list] = expected.next().value ?? [];
        const [foundID, foundText, foundList] = batch.columns.map(({ values }) => values[row]);
        if (Number(foundID) !== wantedID || (foundText ?? null) !== text || String(foundList ?? null) !== String(list))
          different += 1;
        id += 1;
      }
    }
    expect([id, different]).toEqual([1_000_000, 0]);
    const sums =
      'select count(*), sum(id)::bigint, count(text), sum(list_sum(list))::bigint, count(distinct text) from FILE';
    expect((await queries(bytes, sums))[0]).toEqual([['1000000', '499999500000', '857142', '0', '5000']]);
  }, 60_000);
});

test('no rows make no file', async () => {
  expect(await writeRows(everyColumn, [])).toEqual([]);
});

test('the writer of the file names itself as the format asks', async () => {
  const { created_by: createdBy } = metadataOf(await writeFile([column('a', 'int')], [[1]]));
  expect(createdBy).toMatch(/^forebay version [^ ]+ \(build [^ ]+\)$/);
});

const sortable = ['id', 'text', 'few', 'flag', 'int', 'long', 'real', 'day', 'time', 'any', 'place.city', 'deep.a.b'];

describe('what readers pass over by', () => {
  test('statistics tell least and greatest values, nulls, and whether they were cut', async () => {
    const columns = [column('text', 'string'), column('n', 'int')];
    const rows = [
      [null, 3],
      ['b'.repeat(100), -2],
      ['a', null],
      [null, null],
    ];
    const [text, n] = metadataOf(await writeFile(columns, rows)).row_groups[0]?.columns ?? [];
    expect(text?.meta_data?.statistics).toMatchObject({
      null_count: 2n,
      min_value: 'a',
      is_min_value_exact: true,
      max_value: `${'b'.repeat(63)}c`,
      is_max_value_exact: false,
    });
    expect(n?.meta_data?.statistics).toMatchObject({
      null_count: 2n,
      min_value: -2,
      max_value: 3,
      is_max_value_exact: true,
    });
  });

  test('each page lies where the offset index says, and its values within the bounds of the column index', async () => {
    const rows = makeRows(everyColumn, 1000);
    const bytes = await writeFile(everyColumn, rows, { compression: 'None', ...smallParts });
    const metadata = metadataOf(bytes);
    const at = (offset: bigint | undefined, length: number | undefined) => {
      const [start, size] = [Number(offset), length ?? 0];
      return { view: new DataView(new Uint8Array(bytes.subarray(start, start + size)).buffer), offset: 0 };
    };
    let firstRow = 0;
    for (const { columns, num_rows: count } of metadata.row_groups) {
      for (const [leaf, name] of sortable.map(
        (path) => [columns.findIndex((chunk) => pathOf(chunk) === path), path] as const,
      )) {
        const chunk = columns[leaf];
        const offsets = readOffsetIndex(at(chunk?.offset_index_offset, chunk?.offset_index_length));
        const element = rawElement(metadata.schema.filter(({ type }) => type)[leaf]);
        const index = readColumnIndex(at(chunk?.column_index_offset, chunk?.column_index_length), element);
        expect(offsets.page_locations.length).toBe(Math.ceil(Number(count) / 60));
        const table = everyColumn;
        for (const [
          page,
          { offset, compressed_page_size: size, first_row_index: first },
        ] of offsets.page_locations.entries()) {
          const reader = at(offset, size);
          const header = parquetHeader(reader);
          expect(header.type).toBe('DATA_PAGE');
          expect(reader.offset + header.compressed_page_size).toBe(size);
          const from = firstRow + Number(first);
          const until = firstRow + Number(offsets.page_locations[page + 1]?.first_row_index ?? count);
          const values = rows.slice(from, until).map((row) => valueAt(table, row, name));
          const present = values.filter((value) => value !== null);
          expect(Number(index.null_counts?.[page])).toBe(values.length - present.length);
          expect(index.null_pages[page]).toBe(present.length === 0);
          const [least, greatest] = [index.min_values[page], index.max_values[page]];
          for (const value of present) {
            expect([name, least, value, isOrdered(least, value)]).toEqual([name, least, value, true]);
            expect([name, value, greatest, isOrdered(value, greatest)]).toEqual([name, value, greatest, true]);
          }
        }
      }
      firstRow += Number(count);
    }
  });

  test('the order of pages is told', async () => {
    const columns = ['up', 'down', 'none'].map((name) => column(name, 'int'));
    const rows = Array.from({ length: 300 }, (_, row) => [row, -row, (row * 7919) % 300]);
    const bytes = await writeFile(columns, rows, { pageRows: 50 });
    const orders = metadataOf(bytes).row_groups[0]?.columns.map((chunk, leaf) => {
      const start = Number(chunk.column_index_offset);
      const view = new DataView(new Uint8Array(bytes.subarray(start, start + (chunk.column_index_length ?? 0))).buffer);
      return readColumnIndex({ view, offset: 0 }, metadataOf(bytes).schema[1 + leaf] ?? { name: '' }).boundary_order;
    });
    expect(orders).toEqual(['ASCENDING', 'DESCENDING', 'UNORDERED']);
  });

  test('a page of NaN alone leaves its column without a column index', async () => {
    const rows = [[1], [Number.NaN], [2]];
    const bytes = await writeFile([column('x', 'double')], rows, { pageRows: 1 });
    const chunk = metadataOf(bytes).row_groups[0]?.columns[0];
    expect([chunk?.column_index_offset, chunk?.offset_index_offset]).toEqual([undefined, expect.any(BigInt)]);
    expect((await queries(bytes, 'select x from FILE where isnan(x)'))[0]).toEqual([['NaN']]);
  });

  test('DuckDB gives the same rows for a filter as without the file\u2019s help', async () => {
    const rows = makeRows(everyColumn, 2000);
    const layout = { fieldIDs: {}, partitionBy: [], sortBy: ['time', 'id'] };
    const bytes = await writeFile(everyColumn, rows, { layout, ...smallParts });
    const filters = sortable.flatMap((path) => {
      const name = path
        .split('.')
        .map((part) => `"${part}"`)
        .join('.');
      const values = `(select ${name} v from t where ${name} is not null order by hash(id) limit 8)`;
      return ['=', '<', '>='].map(
        (operator) => (source: string) =>
          `select v::varchar, (select sum(id)::bigint from ${source} where ${name} ${operator} v) from ${values} order by 1`,
      );
    });
    const texts = filters.flatMap((filter) => [filter('t'), filter('FILE')]);
    const [, ...results] = await queries(bytes, 'create table t as from FILE', ...texts);
    for (let index = 0; index < results.length; index += 2) expect(results[index + 1]).toEqual(results[index]);
    // Constants, since it looks at statistics for these alone.
    const ids = [0, 399, 400, 1999, 2000];
    const found = await queries(bytes, ...ids.map((id) => `select count(*) from FILE where id = ${id}`));
    expect(found.flat(2)).toEqual(['1', '1', '1', '1', '0']);
  });

  test('bloom filters tell DuckDB which row groups lack an _id', async () => {
    const columns = [required(column('_id', 'string')), required(column('timestamp', 'timestamptz'))];
    const rows = Array.from({ length: 5000 }, (_, row) => [`id-${(row * 7919) % 5000}-${row}`, row]);
    const bytes = await writeFile(columns, rows, { rowGroupRows: 1000 });
    const probe = (id: unknown) => `select bloom_filter_excludes from parquet_bloom_probe(FILE, '_id', '${id}')`;
    const some = [0, 999, 1000, 4999].map((row) => ({ row, id: rows[row]?.[0] }));
    const results = await queries(bytes, ...some.map(({ id }) => probe(id)));
    for (const [index, { row }] of some.entries()) expect(results[index]?.[Math.floor(row / 1000)]).toEqual([false]);
    const absent = await queries(bytes, ...Array.from({ length: 40 }, (_, index) => probe(`none ${index}`)));
    const passed = absent.flat(2).filter((excludes) => excludes === false).length;
    expect(passed).toBeLessThan(20);
    expect((await queries(bytes, `select count(*) from FILE where _id = '${rows[4321]?.[0]}'`)).flat(2)).toEqual(['1']);
  });

  test('other columns have none', async () => {
    const bytes = await writeFile([required(column('_id', 'string')), column('timestamp', 'timestamptz')], [['a', 1]]);
    expect(metadataOf(bytes).row_groups[0]?.columns.map((chunk) => chunk.meta_data?.bloom_filter_offset)).toEqual([
      undefined,
      undefined,
    ]);
  });
});

function pathOf({ meta_data: meta }: ColumnChunk): string {
  return meta?.path_in_schema.join('.') ?? '';
}

/** Bounds are read as they are stored. */
function rawElement({ name, type }: SchemaElement = { name: '' }): SchemaElement {
  return { name, type };
}

function valueAt(columns: readonly Column[], row: Row, path: string): unknown {
  const [name, ...inner] = path.split('.');
  const top = row[columns.findIndex((one) => one.name === name)] ?? null;
  return inner.reduce((struct, member) => (struct === null ? null : (Object(struct)[member] ?? null)), top);
}

/** Text by its bytes. */
function isOrdered(a: unknown, b: unknown): boolean {
  if (typeof a === 'string' && typeof b === 'string') return Buffer.compare(Buffer.from(a), Buffer.from(b)) <= 0;
  if ((typeof a === 'number' || typeof a === 'bigint') && (typeof b === 'number' || typeof b === 'bigint'))
    return a <= b;
  return typeof a === 'boolean' && typeof b === 'boolean' && Number(a) <= Number(b);
}
