import { expect, test } from 'vitest';
import type { PartitionField } from '../../contract/task.ts';
import { column } from '../testing.ts';
import { createSortOrder, createSpec, partitionColumns } from './partition.ts';
import { createSchema } from './schema.ts';

const { schema } = createSchema([
  column('id'),
  column('timestamp', 'timestamptz'),
  column('day', 'date'),
  column('n', 'int'),
  column('long', 'long'),
  column('real', 'double'),
  column('flag', 'boolean'),
  column('place', 'struct', { children: [column('city'), column('id_bucket')] }),
  column('tags', 'list', { children: [column('element')] }),
  column('timestamp_day', 'string'),
  column('dotted.name', 'string'),
]);

test.for<[PartitionField, string, string, unknown]>([
  [{ field: 'id', transform: 'Identity' }, 'id', 'identity', 'string'],
  [{ field: 'place.city', transform: 'Identity' }, 'place.city', 'identity', 'string'],
  [{ field: 'timestamp', transform: 'Year' }, 'timestamp_year', 'year', 'int'],
  [{ field: 'timestamp', transform: 'Month' }, 'timestamp_month', 'month', 'int'],
  [{ field: 'day', transform: 'Day' }, 'day_day', 'day', 'date'],
  [{ field: 'timestamp', transform: 'Hour' }, 'timestamp_hour', 'hour', 'int'],
  [{ field: 'id', transform: 'Bucket', parameter: 16 }, 'id_bucket', 'bucket[16]', 'int'],
  [{ field: 'long', transform: 'Truncate', parameter: 100 }, 'long_trunc', 'truncate[100]', 'long'],
  [{ field: 'dotted\\.name', transform: 'Truncate', parameter: 1 }, 'dotted.name_trunc', 'truncate[1]', 'string'],
  // A column has the name already.
  [{ field: 'timestamp', transform: 'Day' }, 'timestamp_day_2', 'day', 'date'],
])('%o is the field %s by %s, of type %s', ([field, name, transform, type]) => {
  const spec = createSpec(schema, [field]);
  expect(spec.fields).toEqual([expect.objectContaining({ 'field-id': 1000, name, transform })]);
  expect(partitionColumns(spec, [schema])).toMatchObject([{ id: 1000, type }]);
});

test('fields are numbered from 1000, and names are given once', () => {
  const { fields } = createSpec(schema, [
    { field: 'id', transform: 'Bucket', parameter: 4 },
    { field: 'id', transform: 'Bucket', parameter: 8 },
    { field: 'id', transform: 'Identity' },
  ]);
  expect(fields.map((field) => [field['field-id'], field.name])).toEqual([
    [1000, 'id_bucket'],
    [1001, 'id_bucket_2'],
    [1002, 'id'],
  ]);
});

test.for<[PartitionField[], string]>([
  [[{ field: 'none', transform: 'Day' }], 'table.partitionBy names none, which is no field of the schema'],
  [[{ field: 'id', transform: 'Day' }], 'names id, which is of type string: Day takes date, timestamptz'],
  [[{ field: 'day', transform: 'Hour' }], 'names day, which is of type date: Hour takes timestamptz'],
  [[{ field: 'real', transform: 'Bucket', parameter: 4 }], 'Bucket takes int, long, string, date, timestamptz'],
  [[{ field: 'flag', transform: 'Truncate', parameter: 4 }], 'Truncate takes int, long, string'],
  [[{ field: 'place', transform: 'Identity' }], 'names place, which is of type struct'],
  [[{ field: 'tags.element', transform: 'Identity' }], 'names tags.element, which lies in a list or map'],
  [[{ field: 'id', transform: 'Bucket' }], 'names id by Bucket, which needs a parameter'],
  [[{ field: 'id', transform: 'Identity', parameter: 3 }], 'names id by Identity, which takes no parameter'],
  [[{ field: 'id', transform: 'Bucket', parameter: 2 ** 31 }], '1 to 2147483647 fit'],
  [
    [
      { field: 'n', transform: 'Identity' },
      { field: 'n', transform: 'Identity' },
    ],
    'names n by Identity twice',
  ],
])('%o is refused, and the message says what fits', ([fields, message]) => {
  expect(() => createSpec(schema, fields)).toThrow(
    expect.objectContaining({ code: 'PartitionFieldInvalid', message: expect.stringContaining(message) }),
  );
});

test('an order is ascending with nulls first', () => {
  const [field] = createSortOrder(schema, ['place.city']).fields;
  expect(field).toEqual({ 'source-id': 12, transform: 'identity', direction: 'asc', 'null-order': 'nulls-first' });
  expect(createSortOrder(schema, [])).toEqual({ 'order-id': 0, fields: [] });
});

test.for([
  [['none'], 'table.sortBy names none, which is no field of the schema'],
  [['place'], 'table.sortBy names place, which is a struct'],
  [['tags.element'], 'lies in a list or map'],
  [['n', 'id', 'n'], 'names n twice'],
] as const)('an order by %o is refused', ([sortBy, message]) => {
  expect(() => createSortOrder(schema, sortBy)).toThrow(
    expect.objectContaining({ code: 'PartitionFieldInvalid', message: expect.stringContaining(message) }),
  );
});
