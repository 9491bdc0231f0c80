import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { ColumnType } from '../engine/schema.ts';
import { ColumnSet } from '../kernel/columnset.ts';
import { Kernel } from '../kernel/kernel.ts';
import { shapeOf } from '../kernel/shape.ts';
import { compareRows, RowOrder } from './order.ts';
import { column } from './testing.ts';

function columnsOf(types: readonly ColumnType[], rows: readonly (readonly unknown[])[]): ColumnSet {
  const set = new ColumnSet(new Kernel(), shapeOf(types.map((type, index) => column(`c${index}`, type))));
  for (const row of rows) set.add(row);
  return set;
}

function sorted(types: readonly ColumnType[], rows: readonly (readonly unknown[])[], picked?: Uint32Array) {
  const columns = columnsOf(types, rows);
  const sortBy = types.map((_, index) => `c${index}`);
  return new RowOrder(columns.shape, { fieldIDs: {}, partitionBy: [], sortBy }).read(columns).sort(picked);
}

const values: Readonly<Partial<Record<ColumnType, fc.Arbitrary<unknown>>>> = {
  int: fc.integer(),
  long: fc.oneof(fc.maxSafeInteger(), fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n })),
  double: fc.oneof(fc.double(), fc.constantFrom(0, -0, Number.NaN, -1)),
  string: fc.oneof(fc.string({ unit: 'grapheme' }), fc.constantFrom('', '😀', '\uffee', 'a')),
  boolean: fc.boolean(),
};

const tables = fc
  .array(fc.constantFrom<ColumnType>('int', 'long', 'double', 'string', 'boolean'), { minLength: 1, maxLength: 3 })
  .chain((types) =>
    fc.record({
      types: fc.constant(types),
      rows: fc.array(fc.tuple(...types.map((type) => fc.option(values[type] ?? fc.constant(null)))), {
        maxLength: 200,
      }),
    }),
  );

test('rows are put into the order that comparing them gives, and equal ones stay as they came', () => {
  fc.assert(
    fc.property(tables, ({ types, rows }) => {
      const expected = rows.map((_, row) => row).sort((a, b) => compareRows(rows[a] ?? [], rows[b] ?? []) || a - b);
      expect([...(sorted(types, rows) ?? rows.keys())]).toEqual(expected);
    }),
    { numRuns: 300 },
  );
});

test('of some rows those alone are sorted', () => {
  const rows = [5, 1, 4, 2, 3].map((value) => [value]);
  expect(sorted(['int'], rows, Uint32Array.of(0, 2, 3))).toEqual(Uint32Array.of(3, 2, 0));
});

test('rows that are in order are left alone', () => {
  const rows = [[null], [-1], [7], [7], [8]];
  expect(sorted(['int'], rows)).toBeUndefined();
});
