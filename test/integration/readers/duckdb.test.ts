/** The data files as DuckDB reads them: by itself, without what the table's metadata says about them. */
import { fileURLToPath } from 'node:url';
import { DuckDBInstance, type JS } from '@duckdb/node-api';
import { expect, onTestFinished, test } from 'vitest';
import { loadState } from '../../../ingestor/table/commit.ts';
import { keysOf } from '../../../ingestor/table/testing.ts';
import { type Described, TestLake } from './lake.ts';

async function makeLake(schema: Described): Promise<TestLake> {
  const lake = await TestLake.make(schema);
  onTestFinished(() => lake.remove());
  return lake;
}

/** `files` stands for the live files in `sql`. */
async function query(lake: TestLake, sql: string): Promise<Record<string, JS>[]> {
  const paths = await lake.use(async ({ table, store }) =>
    (await keysOf(table, await loadState(table))).map((key) => fileURLToPath(`${store.url}/${key}`)),
  );
  const connection = await (await DuckDBInstance.create()).connect();
  const files = `[${paths.map((path) => `'${path}'`).join(', ')}]`;
  const reader = await connection.runAndReadAll(sql.replace('files', files));
  const rows = reader.getRowObjectsJS();
  connection.closeSync();
  return rows;
}

const text = { type: 'string' };
const int = { type: 'integer', minimum: 0, maximum: 1000 };
const nested: Described = {
  properties: {
    id: text,
    place: { type: 'object', properties: { city: text, size: int } },
    tags: { type: 'array', items: text },
    parts: {
      type: 'array',
      items: { type: 'object', properties: { name: text, sizes: { type: 'array', items: int } } },
    },
    counts: { type: 'object', additionalProperties: int },
    at: { type: 'string', format: 'date-time' },
  },
  required: ['id'],
};

test('rows, structs, lists, maps and nulls are what was ingested', async () => {
  const lake = await makeLake(nested);
  await lake.ingest('b', [
    {
      id: 'full',
      place: { city: 'x' },
      tags: ['a', 'b'],
      parts: [{ name: 'p', sizes: [1, 2] }, { sizes: [] }],
      counts: { one: 1 },
      at: '2024-02-29T23:59:59.123456Z',
    },
    { id: 'null' },
    { id: 'void', place: {}, tags: [], parts: [], counts: {} },
  ]);
  const rows = await query(
    lake,
    `SELECT to_json(COLUMNS(* EXCLUDE (id, "at"))), id, epoch_us("at")::VARCHAR AS "at" FROM read_parquet(files) ORDER BY id`,
  );
  expect(rows.map((row) => [row.id, row.place, row.tags, row.parts, row.counts, row.at])).toEqual([
    [
      'full',
      '{"city":"x","size":null}',
      '["a","b"]',
      '[{"name":"p","sizes":[1,2]},{"name":null,"sizes":[]}]',
      '{"one":1}',
      '1709251199123456',
    ],
    ['null', null, null, null, null, null],
    ['void', '{"city":null,"size":null}', '[]', '[]', '{}', null],
  ]);
});

test('columns of earlier and later files are one by their field ids', async () => {
  const lake = await makeLake({ properties: { id: text, n: int } });
  await lake.ingest('old', [{ id: 'old', n: 1 }]);
  await lake.prepare({ properties: { later: text, id: text, n: { type: 'integer' } } });
  await lake.ingest('new', [{ id: 'new', n: 2 ** 40, later: 'l' }]);
  const { layout } = await lake.state();
  const columns = [
    ['id', 'VARCHAR'],
    ['n', 'BIGINT'],
    ['later', 'VARCHAR'],
  ].map(([name = '', type]) => `${layout.fieldIDs[name]}: {name: '${name}', type: '${type}', default_value: NULL}`);
  const rows = await query(
    lake,
    `SELECT id, n::DOUBLE AS n, later FROM read_parquet(files, schema = MAP {${columns.join(', ')}}) ORDER BY id`,
  );
  expect(rows).toEqual([
    { id: 'new', n: 2 ** 40, later: 'l' },
    { id: 'old', n: 1, later: null },
  ]);
});
