import { describe, expect, test } from 'vitest';
import type { TableLayout } from '../contract/layout.ts';
import type { PartitionField } from '../contract/task.ts';
import type { ByteSink, DataFile } from '../engine/engine.ts';
import type { Column, ColumnType } from '../engine/schema.ts';
import { ingestAll, layoutOf, memorySink, type Row, rowsOf } from '../engine/testing.ts';
import { DataWriter, type WriterSettings } from './writer.ts';

const schema = {
  type: 'object',
  properties: {
    id: { type: 'integer' },
    country: { type: 'string' },
    at: { type: 'string', format: 'date-time' },
    a: { type: 'object', properties: { 'b.c': { type: 'string' }, n: { type: 'integer' } } },
  },
};

/** The ids in each partition. */
async function route(partitionBy: PartitionField[], rows: readonly Row[]): Promise<Record<string, unknown[]>> {
  const text = rows.map((row, index) => `${JSON.stringify({ id: index, ...row })}\n`).join('');
  const { output, files } = await ingestAll(schema, [text], { layout: layoutOf(schema, { partitionBy }) });
  const found: Record<string, unknown[]> = {};
  for (const { key, partition } of output.dataFiles) {
    const ids = (await rowsOf(files.get(key) ?? Buffer.alloc(0))).map((row) => row.id);
    found[JSON.stringify(partition)] = [...(found[JSON.stringify(partition)] ?? []), ...ids];
  }
  return found;
}

test('each record is in a file of the partition of its own value, and nulls have theirs', async () => {
  const rows = [{ country: 'de' }, { country: 'fr' }, {}, { country: 'de' }, { country: 'null' }, {}];
  expect(await route([{ field: 'country', transform: 'Identity' }], rows)).toEqual({
    '["de"]': [0, 3],
    '["fr"]': [1],
    '[null]': [2, 5],
    '["null"]': [4],
  });
});

test('several fields make a partition, also nested ones and those with dots in their names', async () => {
  const rows = [
    { at: '1969-12-31T23:59:59.999999Z', a: { 'b.c': 'x1', n: 12 } },
    { at: '1970-01-01T00:00:00Z', a: { 'b.c': 'x2' } },
    { at: '1969-12-31T00:00:00Z', a: { 'b.c': 'x3', n: -1 } },
    {},
    { at: '1969-12-31T00:00:00Z', a: { 'b.c': 'x3', n: 19 } },
  ];
  const partitionBy: PartitionField[] = [
    { field: 'at', transform: 'Day' },
    { field: 'a.b\\.c', transform: 'Truncate', parameter: 1 },
    { field: 'a.n', transform: 'Truncate', parameter: 10 },
  ];
  expect(await route(partitionBy, rows)).toEqual({
    '[-1,"x","10"]': [0, 4],
    '[0,"x",null]': [1],
    '[-1,"x","-10"]': [2],
    '[null,null,null]': [3],
  });
});

test('a field that the columns do not have is a fault of the program', async () => {
  for (const field of ['nowhere', 'a', 'country.x'])
    await expect(route([{ field, transform: 'Identity' }], [])).rejects.toThrow(`names ${field}`);
});

test('metrics are of each file alone', async () => {
  const text = '{"id":1,"country":"de"}\n{"id":2,"country":"fr"}\n';
  const layout = layoutOf(schema, { partitionBy: [{ field: 'country', transform: 'Identity' }] });
  const { output } = await ingestAll(schema, [text], { layout });
  const lower = output.dataFiles.map(({ columns }) => columns?.[0]?.lower);
  expect(lower).toEqual([
    Buffer.of(1, 0, 0, 0, 0, 0, 0, 0).toString('base64'),
    Buffer.of(2, 0, 0, 0, 0, 0, 0, 0).toString('base64'),
  ]);
});

function column(name: string, type: ColumnType): Column {
  return { name, type, required: false, children: [], path: '' };
}

const columns = [column('key', 'int'), column('text', 'string')];

class Written {
  readonly files = new Map<string, Buffer>();
  open = 0;
  mostOpen = 0;

  sink(k: number): ByteSink {
    const inner = memorySink(`data-${k}`, this.files);
    this.open += 1;
    this.mostOpen = Math.max(this.mostOpen, this.open);
    const complete = async () => {
      this.open -= 1;
      return await inner.complete();
    };
    return { ...inner, complete };
  }
}

function partitioned(layout: Partial<TableLayout>, open: (k: number) => ByteSink, rest: Partial<WriterSettings> = {}) {
  return new DataWriter({
    columns,
    compression: 'None',
    layout: {
      fieldIDs: { key: 1, text: 2 },
      partitionBy: [{ field: 'key', transform: 'Identity' }],
      sortBy: [],
      ...layout,
    },
    targetFileSizeBytes: 2 ** 30,
    open,
    ...rest,
  });
}

test('ten thousand partitions keep few files open and few rows in memory, and lose none', async () => {
  const written = new Written();
  const writer = partitioned({}, (k) => written.sink(k), { rowGroupRows: 2_000 });
  let flushes = 0;
  for (let row = 0; row < 20_000; row += 1) {
    writer.add([(row * 7919) % 10_000, `text ${row}`]);
    if (!writer.isFull) continue;
    await writer.flush();
    flushes += 1;
    expect(writer.isFull).toBe(false);
  }
  const files = await writer.finish();
  expect(flushes).toBeGreaterThan(2);
  expect(written.mostOpen).toBeLessThanOrEqual(110);
  expect(files.reduce((sum, file) => sum + file.rows, 0)).toBe(20_000);
  expect(new Set(files.map(({ key }) => key)).size).toBe(files.length);
  const byPartition = new Map<unknown, number>();
  for (const { partition, rows } of files)
    byPartition.set(partition?.[0], (byPartition.get(partition?.[0]) ?? 0) + rows);
  expect([byPartition.size, new Set(byPartition.values())]).toEqual([10_000, new Set([2])]);
  for (const { key, partition } of files.slice(0, 20)) {
    const rows = await rowsOf(written.files.get(key) ?? Buffer.alloc(0));
    expect(new Set(rows.map((row) => row.key))).toEqual(new Set(partition));
  }
}, 60_000);

test('the fullest partitions are written first, so that small ones gather', async () => {
  const written = new Written();
  const writer = partitioned({}, (k) => written.sink(k));
  writer.add([1, 'small']);
  for (let row = 0; row < 30; row += 1) writer.add([2, 'largest']);
  for (let row = 0; row < 20; row += 1) writer.add([3, 'large']);
  await writer.flush();
  expect(written.open).toBe(1);
  expect((await writer.finish()).map(({ partition }) => partition)).toEqual([[2], [1], [3]]);
});

test('each partition rolls its own files when they have their size', async () => {
  const written = new Written();
  const writer = partitioned({}, (k) => written.sink(k), { targetFileSizeBytes: 1 });
  for (const key of [1, 2, 1]) {
    writer.add([key, 'x']);
    await writer.flush();
  }
  expect((await writer.finish()).map(({ partition }) => partition)).toEqual([[1], [2], [1]]);
});

test('a file that cannot be completed beside the others fails the writer', async () => {
  const broken = (k: number): ByteSink => ({
    ...memorySink(`data-${k}`, new Map()),
    complete: async () => {
      throw new Error('the store said no');
    },
  });
  const writer = partitioned({}, broken);
  for (const key of [1, 2, 3]) writer.add([key, 'x']);
  await expect(writer.finish()).rejects.toThrow('the store said no');
  await writer.abort();
});

describe('rows are in the order of the layout', () => {
  async function write(
    values: readonly (readonly unknown[])[][],
    sortBy = ['key', 'text'],
  ): Promise<[DataFile, Row[]]> {
    const written = new Written();
    const writer = partitioned({ partitionBy: [], sortBy }, (k) => written.sink(k));
    for (const group of values) {
      for (const row of group) writer.add(row);
      await writer.flush();
    }
    const [file] = await writer.finish();
    if (!file) throw new Error('no file');
    return [file, await rowsOf(written.files.get(file.key) ?? Buffer.alloc(0))];
  }

  test('nulls first, then by value, then by the next field', async () => {
    const [file, rows] = await write([
      [
        [2, 'b'],
        [null, 'z'],
        [2, null],
        [-1, 'a'],
        [2, 'a'],
      ],
    ]);
    expect(rows).toEqual([
      { text: 'z' },
      { key: -1, text: 'a' },
      { key: 2 },
      { key: 2, text: 'a' },
      { key: 2, text: 'b' },
    ]);
    expect(file.sorted).toBe(true);
  });

  test('text by its bytes in UTF-8', async () => {
    const [, rows] = await write([['😀', '\uffee', 'b', 'ab', 'a', ''].map((text) => [1, text])]);
    expect(rows.map(({ text }) => text)).toEqual(['', 'a', 'ab', 'b', '\uffee', '😀']);
  });

  test('equal rows stay as they came', async () => {
    const [, rows] = await write(
      [
        [
          [2, 'c'],
          [1, 'z'],
          [2, 'a'],
          [1, 'b'],
        ],
      ],
      ['key'],
    );
    expect(rows.map(({ text }) => text)).toEqual(['z', 'b', 'c', 'a']);
  });

  test('a file whose row groups follow on each other is sorted', async () => {
    const [file] = await write([
      [
        [2, 'a'],
        [1, 'a'],
      ],
      [
        [2, 'a'],
        [3, 'a'],
      ],
    ]);
    expect(file.sorted).toBe(true);
  });

  test('one whose row groups overlap does not say that it is', async () => {
    const [file, rows] = await write([
      [
        [2, 'a'],
        [1, 'a'],
      ],
      [
        [3, 'a'],
        [1, 'b'],
      ],
    ]);
    expect(file.sorted).toBe(false);
    expect(rows.map(({ key }) => key)).toEqual([1, 2, 1, 3]);
  });

  test('without an order nothing is said', async () => {
    const [file] = await write(
      [
        [
          [2, 'a'],
          [1, 'a'],
        ],
      ],
      [],
    );
    expect('sorted' in file).toBe(false);
  });
});

test('of very many files only those columns are told of that rows are found by', async () => {
  const written = new Written();
  const wide = [column('key', 'int'), ...Array.from({ length: 99 }, (_, index) => column(`c${index}`, 'int'))];
  const fieldIDs = Object.fromEntries(wide.map(({ name }, index) => [name, index + 1]));
  const writer = partitioned({ fieldIDs }, (k) => written.sink(k), { columns: wide });
  for (let key = 0; key < 510; key += 1) writer.add([key, ...new Array(99).fill(key)]);
  const told = (await writer.finish()).map(({ columns: metrics = [] }) => metrics.map(({ id }) => id));
  expect(told[499]).toHaveLength(100);
  expect(told[500]).toEqual([1]);
});

describe('while rows are written', () => {
  const wide = Array.from({ length: 20 }, (_, index) => column(`c${index}`, 'string'));
  const text = (row: number) => Array.from({ length: 20 }, (_, index) => `${row * 7919} ${index} ${'x'.repeat(500)}`);

  function large(open: (k: number) => ByteSink): DataWriter {
    const writer = new DataWriter({ columns: wide, compression: 'None', targetFileSizeBytes: 2 ** 30, open });
    for (let row = 0; row < 1000; row += 1) writer.add(text(row));
    return writer;
  }

  test('the thread does other work between pages', async () => {
    const writer = large((k) => memorySink(`data-${k}`, new Map()));
    let turns = 0;
    let isDone = false;
    const turn = (): void => {
      turns += 1;
      if (!isDone) setImmediate(turn);
    };
    setImmediate(turn);
    await writer.flush();
    isDone = true;
    expect(turns).toBeGreaterThan(5);
    await writer.abort();
  });

  test('sinks get pieces of about a MiB, and all of a row group', async () => {
    const pieces: number[] = [];
    const files = new Map<string, Buffer>();
    const writer = large((k) => {
      const inner = memorySink(`data-${k}`, files);
      const write = async (bytes: Uint8Array) => {
        pieces.push(bytes.length);
        await inner.write(bytes);
      };
      return { ...inner, write };
    });
    await writer.flush();
    const written = pieces.reduce((sum, length) => sum + length, 0);
    expect(written).toBeGreaterThan(9 * 2 ** 20);
    expect(Math.max(...pieces)).toBeLessThan(3 * 2 ** 20);
    expect(pieces.slice(0, -1).every((length) => length >= 2 ** 20)).toBe(true);
    await writer.finish();
    expect((await rowsOf(files.get('data-0') ?? Buffer.alloc(0))).map(({ c3 }) => c3)).toEqual(
      Array.from({ length: 1000 }, (_, row) => text(row)[3]),
    );
  });

  test('a sink that fails fails the writer', async () => {
    const writer = new DataWriter({
      columns: wide,
      compression: 'Zstd',
      targetFileSizeBytes: 2 ** 30,
      open: (k) => ({
        ...memorySink(`data-${k}`, new Map()),
        write: async () => {
          throw new Error('the store said no');
        },
      }),
    });
    for (let row = 0; row < 100; row += 1) writer.add(text(row));
    await expect(writer.flush()).rejects.toThrow('the store said no');
    await writer.abort();
  });
});

test('rows that take much memory are written before there are many', async () => {
  const written = new Written();
  const writer = partitioned({ partitionBy: [] }, (k) => written.sink(k), { heldBytes: 2 ** 20 });
  let rows = 0;
  for (; !writer.isFull; rows += 1) writer.add([rows, `${rows} long text`.repeat(1000)]);
  expect(rows).toBeLessThan(1000);
  await writer.flush();
  expect([writer.room, writer.columns.rows]).toEqual([122_880, 0]);
  expect((await writer.finish())[0]?.rows).toBe(rows);
});

test('a partition with many rows has them in row groups of their size', async () => {
  const written = new Written();
  const writer = partitioned({}, (k) => written.sink(k), { rowGroupRows: 100 });
  for (let row = 0; row < 390; row += 1) writer.add([row < 30 ? 1 : 2, `${row}`]);
  const files = await writer.finish();
  expect(files.map(({ rows, splitOffsets }) => [rows, splitOffsets?.length])).toEqual([
    [30, 1],
    [360, 4],
  ]);
  const rows = await rowsOf(written.files.get('data-1') ?? Buffer.alloc(0));
  expect(rows.map(({ text }) => Number(text))).toEqual(Array.from({ length: 360 }, (_, row) => row + 30));
});
