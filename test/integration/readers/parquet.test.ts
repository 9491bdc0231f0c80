/** Data files as pyarrow reads them: it shares no code with what wrote them. */
import { mkdtemp, rm, writeFile as writeBytes } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { column, everyColumn, makeRows, plainRow, required, writeFile } from '../../../ingestor/parquet/testing.ts';
import { PythonProcess } from './python.ts';

let reader: PythonProcess;
beforeAll(async () => {
  reader = await PythonProcess.start('parquet.py');
});
afterAll(() => reader.stop());

async function ask<T>(bytes: Buffer, command: string, question: object = {}): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), 'forebay-parquet-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  const path = join(folder, 'data.parquet');
  await writeBytes(path, bytes);
  return await reader.ask<T>(command, { path, ...question });
}

const smallParts = { rowGroupRows: 400, pageRows: 60 };
const rows = makeRows(everyColumn, 1000);
const expected = rows.map((row) => plainRow(everyColumn, row));

describe('rows come back', () => {
  test.each(['Zstd', 'Snappy', 'Gzip', 'None'] as const)('of every type, compressed with %s', async (compression) => {
    const bytes = await writeFile(everyColumn, rows, { compression, ...smallParts });
    expect(await ask(bytes, 'read')).toEqual(expected);
    expect(await ask(bytes, 'check')).toEqual([]);
  });

  test('of a page for each row, and of one row', async () => {
    const some = await writeFile(everyColumn, rows.slice(0, 50), { pageRows: 1 });
    expect(await ask(some, 'read')).toEqual(expected.slice(0, 50));
    expect(await ask(some, 'check')).toEqual([]);
    expect(await ask(await writeFile(everyColumn, rows.slice(0, 1)), 'read')).toEqual(expected.slice(0, 1));
  });

  test('of a thousand columns', async () => {
    const columns = Array.from({ length: 1000 }, (_, index) => column(`c${index}`, index % 2 === 0 ? 'string' : 'int'));
    const wide = makeRows(columns, 50);
    const bytes = await writeFile(columns, wide);
    expect(await ask(bytes, 'read')).toEqual(wide.map((row) => plainRow(columns, row)));
    expect(await ask(bytes, 'check')).toEqual([]);
  });

  test('of very long text', async () => {
    const columns = [column('text', 'string')];
    const long = Array.from({ length: 10 }, (_, row) => [row % 2 === 0 ? `${row}${'é'.repeat(2 ** 19)}` : 'short']);
    for (const compression of ['Zstd', 'Snappy'] as const) {
      const bytes = await writeFile(columns, long, { compression });
      expect(await ask(bytes, 'read')).toEqual(long);
    }
  });
});

test('a million rows are what their metadata says', async () => {
  const columns = [required(column('id', 'long')), column('text', 'string'), column('real', 'double')];
  function* million() {
    for (let id = 0; id < 1_000_000; id += 1) yield [id, id % 7 === 0 ? null : `text ${id % 5000}`, id / 3];
  }
  const bytes = await writeFile(columns, million());
  expect(await ask(bytes, 'describe')).toMatchObject({ rows: 1_000_000 });
  expect(await ask(bytes, 'check')).toEqual([]);
});

test('types, ids and the order of rows are told', async () => {
  const columns = [required(column('id', 'long')), column('at', 'timestamptz'), column('day', 'date')];
  const layout = { fieldIDs: { id: 4, at: 7, day: 9 }, partitionBy: [], sortBy: ['day', 'id'] };
  const described = await ask(await writeFile(columns, [[1, 0, 0]], { layout }), 'describe');
  expect(described).toEqual({
    rows: 1,
    types: { id: 'int64', at: 'timestamp[us, tz=UTC]', day: 'date32[day]' },
    ids: { id: 4, at: 7, day: 9 },
    rowGroups: [1],
    createdBy: expect.stringMatching(/^forebay version /),
    sorting: [
      [2, false, true],
      [0, false, true],
    ],
  });
});

test('a filter gives the same rows whether the file helps or not, and reads less', async () => {
  const layout = { fieldIDs: {}, partitionBy: [], sortBy: ['id'] };
  const bytes = await writeFile(everyColumn, rows, { layout, ...smallParts });
  const columns = ['id', 'text', 'few', 'flag', 'int', 'long', 'real', 'day', 'time', 'any', 'place.city', 'deep.a.b'];
  for (const name of columns) {
    for (const operator of ['==', '<', '>=']) {
      for (const value of [0, 17, 300]) {
        const { expected, found, rows } = await ask<Filtered>(bytes, 'filtered', { filter: [name, operator, value] });
        expect([name, operator, value, found, rows]).toEqual([name, operator, value, expected, expected]);
      }
    }
  }
  expect(await ask(bytes, 'filtered', { filter: ['id', '==', 500] })).toMatchObject({ found: 1, rowGroups: 1 });
});

interface Filtered {
  readonly expected: number;
  readonly found: number;
  readonly rows: number;
  readonly rowGroups: number;
}
