import { describe, expect, test } from 'vitest';
import { ColumnSet } from './columnset.ts';
import { Kernel } from './kernel.ts';
import { shapeOf } from './shape.ts';
import { column, contentOf, type Row, readContent } from './testing.ts';

const columns = [
  column('id', 'string', true),
  column('count', 'int'),
  column('big', 'long'),
  column('ratio', 'double'),
  column('flag', 'boolean'),
  column('at', 'timestamptz'),
  column('place', 'struct', false, [column('city', 'string'), column('zip', 'int', true)]),
  column('tags', 'list', false, [column('element', 'string', false)]),
  column('scores', 'map', false, [column('key', 'string', true), column('value', 'double')]),
  column('grid', 'list', false, [column('element', 'list', false, [column('element', 'int')])]),
];
const shape = shapeOf(columns);

function exampleRow(n: number): Row {
  return [
    `id-${n}`,
    n % 3 === 0 ? null : n,
    n % 5 === 0 ? 2n ** 60n + BigInt(n) : n,
    n % 7 === 0 ? null : n / 4,
    n % 2 === 0,
    1_700_000_000_000_000 + n,
    n % 4 === 0 ? null : { city: n % 6 === 0 ? null : `city ${n % 10}`, zip: n },
    n % 3 === 0 ? null : Array.from({ length: n % 4 }, (_, index) => (index === 2 ? null : `tag ${index}`)),
    n % 3 === 1
      ? []
      : [
          { key: 'a', value: n },
          { key: 'b', value: null },
        ],
    n % 5 === 0 ? null : [[n, null], null, [], [n + 1]],
  ];
}

function fill(rows: number): { set: ColumnSet; rows: Row[] } {
  const set = new ColumnSet(new Kernel(), shape);
  const all = Array.from({ length: rows }, (_, n) => exampleRow(n));
  for (const row of all) set.add(row);
  return { set, rows: all };
}

const settings = { pageBytes: 1 << 20, pageRows: 1 << 20 };

describe('the columns', () => {
  test('hold what rows were added', () => {
    const { set, rows } = fill(1000);
    expect(set.rows).toBe(1000);
    const contents = contentOf(shape, rows);
    for (const leaf of shape.leaves) {
      expect(readContent(set.encode(leaf.index, settings), leaf)).toEqual(contents[leaf.index]);
    }
  });

  test('give any rows in any order', () => {
    const { set, rows } = fill(1000);
    const wanted = Uint32Array.from({ length: 500 }, (_, n) => (n * 619) % 1000);
    const contents = contentOf(
      shape,
      Array.from(wanted, (row) => rows[row] ?? []),
    );
    for (const leaf of shape.leaves) {
      expect(readContent(set.encode(leaf.index, { ...settings, rows: wanted }), leaf)).toEqual(contents[leaf.index]);
    }
  });

  test('keep some rows and forget the others', () => {
    const { set, rows } = fill(1000);
    const wanted = Uint32Array.from({ length: 300 }, (_, n) => n * 3);
    set.keep(wanted);
    expect(set.rows).toBe(300);
    const kept = Array.from(wanted, (row) => rows[row] ?? []);
    const more = exampleRow(5000);
    set.add(more);
    const contents = contentOf(shape, [...kept, more]);
    for (const leaf of shape.leaves) {
      expect(readContent(set.encode(leaf.index, settings), leaf)).toEqual(contents[leaf.index]);
    }
  });

  test('are read by row', () => {
    const { set, rows } = fill(100);
    for (const [field, leaf] of [0, 1, 2, 3, 4, 5].entries()) {
      const read = set.reader(leaf);
      expect(rows.map((_, row) => read(row))).toEqual(rows.map((row) => row[field]));
    }
  });
});
