import { describe, expect, test } from 'vitest';
import { Lake, target } from '../../test/support/lake-in-memory.ts';
import { openDataset } from '../commit/dataset.ts';
import type { PartitionField, TableSettings } from '../contract/task.ts';
import { loadState } from '../table/commit.ts';
import type { TableState } from '../table/table.ts';

function schemaOf(properties: object, required: readonly string[] = []): string {
  return JSON.stringify({ type: 'object', properties, required });
}
const text = { type: 'string' };
const int = { type: 'integer', minimum: 0, maximum: 100 };
const long = { type: 'integer' };
const time = { type: 'string', format: 'date-time' };
const schema = schemaOf({ id: text, at: time, n: int }, ['id']);

function table(more: Partial<TableSettings> = {}): TableSettings {
  return { format: 'Iceberg', compression: 'Zstd', targetFileSizeBytes: 1_000, ...more };
}
const byDay: PartitionField = { field: 'at', transform: 'Day' };

async function stateOf(lake: Lake): Promise<TableState> {
  const process = lake.process();
  return await loadState((await openDataset(lake.bucket('lake'), target, process)).table);
}

async function prepared(settings = table()): Promise<Lake> {
  const lake = new Lake('Iceberg');
  await lake.prepare({ schema, table: settings });
  return lake;
}

test('a dataset is prepared, and prepared again without a change', async () => {
  const lake = new Lake('Iceberg');
  const first = await lake.prepare({ schema, table: table({ partitionBy: [byDay], sortBy: ['n'] }) });
  const second = await lake.prepare({ schema, table: table({ partitionBy: [byDay], sortBy: ['n'] }) });
  expect(first).toMatchObject({ schema: { fields: 3 }, table: { sequence: 1, format: 'Iceberg' } });
  expect(first.refused).toBeUndefined();
  expect(second).toEqual(first);
  expect((await stateOf(lake)).layout).toEqual({
    fieldIDs: { id: 1, at: 2, n: 3 },
    partitionBy: [byDay],
    sortBy: ['n'],
  });
});

test('a schema that grows keeps its ids', async () => {
  const lake = await prepared();
  const grown = schemaOf({ added: text, id: text, n: long, at: time });
  const { refused, table: totals } = await lake.prepare({ schema: grown, table: table() });
  expect(refused).toBeUndefined();
  expect(totals.sequence).toBe(2);
  expect((await stateOf(lake)).layout.fieldIDs).toEqual({ id: 1, at: 2, n: 3, added: 4 });
});

test('two that evolve a schema at once give one id to one field', async () => {
  const lake = await prepared();
  const grown = schemaOf({ id: text, at: time, n: int, added: text });
  await Promise.all([1, 2].map(() => lake.prepare({ schema: grown, table: table() })));
  expect((await stateOf(lake)).layout.fieldIDs).toEqual({ id: 1, at: 2, n: 3, added: 4 });
});

describe('what the table cannot take', () => {
  test.for<[string, PartitionField[], string]>([
    ['a field that is not there', [{ field: 'none', transform: 'Day' }], 'none'],
    ['a type that does not fit', [{ field: 'id', transform: 'Day' }], 'date, timestamptz'],
  ])('ends the task that would begin it: %s', async ([, partitionBy, message]) => {
    const lake = new Lake('Iceberg');
    await expect(lake.prepare({ schema, table: table({ partitionBy }) })).rejects.toMatchObject({
      code: 'PartitionFieldInvalid',
      exitCode: 42,
      message: expect.stringContaining(message),
    });
    // An edit mends it.
    expect((await lake.prepare({ schema, table: table({ partitionBy: [byDay] }) })).refused).toBeUndefined();
  });

  test('ends the task that would begin it: two fields that engines call the same', async () => {
    const clash = schemaOf({ 'a.b': text, a: { type: 'object', properties: { b: text } } });
    await expect(new Lake('Iceberg').prepare({ schema: clash, table: table() })).rejects.toMatchObject({
      code: 'InvalidSchema',
    });
  });

  test.for<[string, Partial<TableSettings>, string]>([
    [
      'other partitions',
      { partitionBy: [{ field: 'n', transform: 'Bucket', parameter: 4 }] },
      'at by Day and cannot become n by Bucket(4)',
    ],
    ['none of its partitions', { partitionBy: [] }, 'at by Day and cannot become nothing'],
    ['another format', { format: 'Parquet', partitionBy: [] }, 'table.format is Iceberg and cannot become Parquet'],
  ])('is refused, and the rest is done: %s', async ([, asked, message]) => {
    const lake = await prepared(table({ partitionBy: [byDay] }));
    const grown = schemaOf({ id: text, at: time, n: int, added: text });
    const { refused } = await lake.prepare({ schema: grown, table: table({ ...asked, compression: 'Gzip' }) });
    expect(refused).toMatchObject({ code: 'SchemaIncompatible', message: expect.stringContaining(message) });
    const { settings, layout } = await stateOf(lake);
    expect(settings).toEqual(table({ partitionBy: [byDay], compression: 'Gzip' }));
    expect(layout.fieldIDs.added).toBe(4);
  });

  test('is refused, and the earlier order stays: an order by a field that is not there', async () => {
    const lake = await prepared(table({ sortBy: ['n'] }));
    const { refused } = await lake.prepare({ schema, table: table({ sortBy: ['none'], compression: 'Gzip' }) });
    expect(refused).toMatchObject({ code: 'PartitionFieldInvalid', message: expect.stringContaining('none') });
    expect((await stateOf(lake)).settings).toEqual(table({ sortBy: ['n'], compression: 'Gzip' }));
  });

  test('is refused, and the earlier schema stays: a field that is gone', async () => {
    const lake = await prepared();
    const { refused } = await lake.prepare({ schema: schemaOf({ id: text }), table: table() });
    expect(refused).toMatchObject({ code: 'SchemaIncompatible', message: expect.stringContaining('at is missing') });
    expect((await stateOf(lake)).layout.fieldIDs).toEqual({ id: 1, at: 2, n: 3 });
  });

  test('is refused, and the earlier schema stays: a field that engines would call as another', async () => {
    const lake = await prepared(table());
    const properties = { id: text, at: time, n: int, 'x.y': text, x: { type: 'object', properties: { y: text } } };
    const { refused } = await lake.prepare({ schema: schemaOf(properties), table: table() });
    expect(refused?.code).toBe('InvalidSchema');
  });

  test('is partitions or an order in the format Parquet', async () => {
    for (const more of [{ partitionBy: [byDay] }, { sortBy: ['n'] }]) {
      await expect(
        new Lake('Parquet').prepare({ schema, table: table({ format: 'Parquet', ...more }) }),
      ).rejects.toMatchObject({ code: 'PartitionFieldInvalid', message: expect.stringContaining('Iceberg') });
    }
  });
});

describe.each(['Iceberg', 'Parquet'] as const)('a table of format %s that was made', (format) => {
  async function emptied(): Promise<Lake> {
    const lake = new Lake(format);
    await lake.prepare({ schema, table: table({ format }) });
    const { objects } = lake.bucket('lake');
    for (const key of objects.keys()) if (key.startsWith('table-')) objects.delete(key);
    return lake;
  }

  test('is not made anew when its folder was emptied', async () => {
    const lake = await emptied();
    await expect(lake.prepare({ schema, table: table({ format }) })).rejects.toMatchObject({
      code: 'TableReplaced',
      exitCode: 42,
      message: expect.stringContaining('is gone'),
    });
    expect([...lake.bucket('lake').objects.keys()].filter((key) => key.startsWith('table-'))).toEqual([]);
  });

  test('is noted once', async () => {
    const lake = new Lake(format);
    await lake.prepare({ schema, table: table({ format }) });
    const noted = lake.text('dataset.json');
    await lake.prepare({ schema, table: table({ format }) });
    expect(JSON.parse(noted)).toMatchObject({ table: { format, created: true } });
    expect(lake.text('dataset.json')).toBe(noted);
  });

  test('says that there is no dataset when the whole place was emptied', async () => {
    const lake = await emptied();
    lake.bucket('lake').objects.clear();
    await expect(stateOf(lake)).rejects.toMatchObject({ code: 'DatasetNotPrepared' });
  });

  test('by an earlier version is noted when it is prepared again', async () => {
    const lake = new Lake(format);
    await lake.prepare({ schema, table: table({ format }) });
    const { created: _, ...before } = JSON.parse(lake.text('dataset.json')).table;
    await lake
      .bucket('lake')
      .put('dataset.json', JSON.stringify({ ...JSON.parse(lake.text('dataset.json')), table: before }));
    expect((await lake.prepare({ schema, table: table({ format }) })).table.sequence).toBe(1);
    expect(JSON.parse(lake.text('dataset.json')).table.created).toBe(true);
  });
});
