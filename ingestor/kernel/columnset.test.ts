import { createHash } from 'node:crypto';
import { sbbfInsert } from 'hyparquet/src/bloom.js';
import { xxhash64 } from 'hyparquet/src/xxhash.js';
import { describe, expect, test } from 'vitest';
import type { ColumnType } from '../engine/schema.ts';
import type { EncodedColumn } from '../parquet/encoded.ts';
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

/** Columns with one leaf of their own, filled with values. */
function filled(type: ColumnType, values: readonly unknown[]): { kernel: Kernel; set: ColumnSet } {
  const kernel = new Kernel();
  const set = new ColumnSet(kernel, shapeOf([column('one', type)]));
  for (const value of values) set.add([value]);
  return { kernel, set };
}

function encodingsOf({ dictionary, pages }: EncodedColumn): number[] {
  return [...(dictionary ? [dictionary.encoding] : []), ...new Set(pages.map(({ encoding }) => encoding))];
}

const [plain, deltas, deltaLengths, dictionary] = [0, 5, 6, 8];

describe('the encoding of a column', () => {
  const uuids = Array.from({ length: 5000 }, (_, n) => createHash('sha256').update(`${n}`).digest('hex').slice(0, 32));

  test.each([
    ['text without order', 'string', uuids, [deltaLengths]],
    ['text of few values', 'string', uuids.map((_, n) => `value ${n % 7}`), [plain, dictionary]],
    ['times', 'timestamptz', uuids.map((_, n) => 1_700_000_000_000_000 + n * 1_000_003), [deltas]],
    ['an integer of few values', 'long', uuids.map((uuid) => uuid.charCodeAt(0) * 1_000_000_007), [plain, dictionary]],
    ['a double of one value', 'double', uuids.map(() => 1), [plain, dictionary]],
    ['doubles without order', 'double', uuids.map((uuid) => Number.parseInt(uuid.slice(0, 12), 16) / 3), [plain]],
    ['booleans', 'boolean', uuids.map((_, n) => n % 3 === 0), [plain]],
  ] as const)('suits %s', (_, type, values, expected) => {
    expect(encodingsOf(filled(type, values).set.encode(0, settings))).toEqual(expected);
  });

  test('is plain, or a dictionary of text, while there are few values', () => {
    expect(encodingsOf(filled('long', [1, 2, 3]).set.encode(0, settings))).toEqual([plain]);
    expect(encodingsOf(filled('string', ['a', 'b', 'a']).set.encode(0, settings))).toEqual([plain, dictionary]);
  });

  test('stays for the next row groups', () => {
    const { set } = filled(
      'timestamptz',
      uuids.map((_, n) => n * 1_000_003),
    );
    set.encode(0, settings);
    set.clear();
    set.add([5]);
    expect(encodingsOf(set.encode(0, settings))).toEqual([deltas]);
  });

  test('is no dictionary any more in the next row group where it did not pay', () => {
    const { kernel, set } = filled(
      'string',
      Array.from({ length: 12_000 }, (_, n) => `${Math.floor(n / 3)}`),
    );
    set.encode(0, settings);
    const before = kernel.run.distinctValues(0);
    set.clear();
    for (let n = 0; n < 100; n += 1) set.add(['one']);
    expect([before > 0, kernel.run.distinctValues(0)]).toEqual([true, 0]);
  });

  test('is chosen again where a dictionary has grown too large', () => {
    const { set } = filled(
      'string',
      uuids.map((_, n) => `value ${n % 7}`),
    );
    set.encode(0, settings);
    set.clear();
    for (const uuid of uuids) set.add([uuid]);
    set.encode(0, settings);
    expect(encodingsOf(set.encode(0, settings))).toEqual([deltaLengths]);
  });
});

describe('the memory of the columns', () => {
  test('is small for thousands of leaves without values', () => {
    const kernel = new Kernel();
    const wide = shapeOf(Array.from({ length: 5000 }, (_, n) => column(`field ${n}`, n % 2 === 0 ? 'string' : 'long')));
    const set = new ColumnSet(kernel, wide);
    set.add([]);
    expect(kernel.run.memory.buffer.byteLength).toBeLessThan(8 * 1024 * 1024);
  });

  test('does not grow from row group to row group, whichever columns are full', () => {
    const kernel = new Kernel();
    const set = new ColumnSet(kernel, shape);
    const sizes: number[] = [];
    const long = 'x'.repeat(3000);
    for (let group = 0; group < 24; group += 1) {
      for (let n = 0; n < 2000; n += 1) {
        const row = [...exampleRow(n)];
        row[0] = group % 3 === 0 ? `${long}${n}` : `${n}`;
        row[7] = group % 3 === 1 ? Array.from({ length: 100 }, (_, item) => `${item % 10}`) : null;
        row[9] = group % 3 === 2 ? [Array.from({ length: 100 }, (_, item) => item)] : null;
        set.add(row);
      }
      for (const { index } of shape.leaves) set.encode(index, { pageBytes: 1 << 16, pageRows: 500 });
      set.clear();
      sizes.push(kernel.run.memory.buffer.byteLength);
    }
    expect(new Set(sizes.slice(6))).toEqual(new Set([sizes[6]]));
  });

  test('is told, about', () => {
    const { set } = filled(
      'string',
      Array.from({ length: 10_000 }, (_, n) => `${n}`.padStart(100)),
    );
    expect(set.heldBytes).toBeGreaterThan(10_000 * 100);
    expect(set.heldBytes).toBeLessThan(10_000 * 130);
    set.clear();
    expect(set.heldBytes).toBe(0);
  });

  test('holds texts of many megabytes, each in a page of its own', () => {
    const texts = ['a', 'b', 'c'].map((letter) => letter.repeat(5_000_000));
    const { set } = filled('string', ['short', ...texts, null, 'short']);
    const encoded = set.encode(0, { pageBytes: 1 << 20, pageRows: 1000 });
    const [leaf] = set.shape.leaves;
    if (!leaf) throw new Error('no leaf');
    const { values } = readContent(encoded, leaf);
    expect(values.map((value) => `${value}`.length)).toEqual([5, 5_000_000, 5_000_000, 5_000_000, 5]);
    expect(encoded.pages.map(({ rows }) => rows)).toEqual([2, 1, 1, 2]);
  });
});

describe('rows of', () => {
  test('none are no pages', () => {
    const set = new ColumnSet(new Kernel(), shape);
    for (const { index } of shape.leaves) {
      expect(set.encode(index, settings)).toEqual({ pages: [], entries: 0, nulls: 0, nans: 0 });
    }
    set.keep(new Uint32Array());
    expect(set.rows).toBe(0);
  });

  test('lists of many items are picked whole', () => {
    const rows: Row[] = [30_000, 0, 5, 70_000, 1].map((length) => [
      Array.from({ length }, (_, item) => (item % 3 === 0 ? null : item)),
    ]);
    const set = new ColumnSet(new Kernel(), shapeOf([column('list', 'list', false, [column('element', 'int')])]));
    for (const row of rows) set.add(row);
    const picked = Uint32Array.of(3, 4, 1, 0, 3);
    const [leaf] = set.shape.leaves;
    if (!leaf) throw new Error('no leaf');
    const encoded = set.encode(0, { pageBytes: 1000, pageRows: 10, rows: picked });
    const expected = contentOf(
      set.shape,
      Array.from(picked, (row) => rows[row] ?? []),
    );
    expect(readContent(encoded, leaf)).toEqual(expected[0]);
    expect(encoded.pages.map((page) => page.rows)).toEqual([1, 3, 1]);
  });

  test('structs are read by leaf', () => {
    const { set, rows } = fill(50);
    const city = set.reader(6);
    expect(rows.map((_, row) => city(row))).toEqual(
      rows.map(([, , , , , , place]) => (place as { city: unknown } | null)?.city ?? null),
    );
  });

  test('integers past 2^53 are read exactly', () => {
    const values = [2n ** 63n - 1n, -(2n ** 63n), 2n ** 53n, -(2n ** 53n), 2 ** 53 - 1, -(2 ** 53 - 1), 0, -1];
    const read = filled('long', values).set.reader(0);
    expect(values.map((_, row) => read(row))).toEqual(values);
  });
});

describe('a bloom filter', () => {
  const plainBytes: Readonly<Record<string, (value: unknown) => Buffer>> = {
    string: (value) => Buffer.from(`${value}`),
    int: (value) => Buffer.from(Int32Array.of(Number(value)).buffer),
    long: (value) => Buffer.from(BigInt64Array.of(BigInt(Number(value))).buffer),
    double: (value) => Buffer.from(Float64Array.of(Number(value)).buffer),
  };

  test.each([
    ['string', Array.from({ length: 300 }, (_, n) => 'x'.repeat(n % 70) + (n % 100))],
    ['int', Array.from({ length: 300 }, (_, n) => n * 7919)],
    ['long', Array.from({ length: 300 }, (_, n) => n * 2 ** 40)],
    ['double', Array.from({ length: 300 }, (_, n) => n / 7)],
  ] as const)('of %s is what another implementation makes', (type, values) => {
    const { set } = filled(type, values);
    for (const rows of [undefined, Uint32Array.of(7, 250, 3)]) {
      const filter = new Uint8Array(1024);
      set.addToBloom(0, rows, filter);
      const expected = new Uint32Array(256);
      const some = rows ? Array.from(rows, (row) => values[row]) : values;
      for (const value of some) sbbfInsert(expected, xxhash64(plainBytes[type]?.(value) ?? Buffer.alloc(0)));
      expect(filter).toEqual(new Uint8Array(expected.buffer));
    }
  });
});
