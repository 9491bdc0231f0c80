import { describe, expect, test } from 'vitest';
import { ColumnSet } from './columnset.ts';
import { Kernel } from './kernel.ts';
import { RowFeed } from './rowfeed.ts';
import { shapeOf } from './shape.ts';
import { column, contentOf, type Row, readContent } from './testing.ts';

const shape = shapeOf([column('texts', 'list', true, [column('element', 'string')])]);
const [leaf] = shape.leaves;
const settings = { pageBytes: 1 << 20, pageRows: 1 << 20 };

class Texts {
  readonly kernel = new Kernel();
  readonly set = new ColumnSet(this.kernel, shape);
  readonly feed = new RowFeed(this.kernel, shape);
  rows: Row[] = [];

  add(texts: readonly (string | null)[]): void {
    this.set.add([texts]);
    this.rows.push([texts]);
  }

  drop(texts: readonly (string | null)[]): void {
    this.kernel.run.beginRow();
    this.feed.append([texts]);
    this.kernel.run.dropRow();
  }

  /** Number of the dictionary's values; undefined: there is none. */
  expectRows(): number | undefined {
    if (!leaf) throw new Error('no leaf');
    expect(readContent(this.set.encode(0, settings), leaf)).toEqual(contentOf(shape, this.rows)[0]);
    return this.kernel.run.distinctValues(0) || undefined;
  }
}

function distinct(count: number, prefix = 'text'): string[] {
  return Array.from({ length: count }, (_, n) => `${prefix} ${n}`);
}

describe('the dictionary of a text column', () => {
  test('has each value once', () => {
    const texts = new Texts();
    for (let row = 0; row < 1000; row += 1) texts.add([`a ${row % 10}`, null, `b ${row % 7}`]);
    expect(texts.expectRows()).toBe(17);
  });

  // 2048 is where it is first asked whether it pays.
  test.each([2040, 2046, 2047, 2048, 2049, 2055])(
    'gives way after %i distinct values, also when the row that did it is dropped',
    (count) => {
      for (const dropped of [[], distinct(1, 'new'), distinct(20, 'new'), distinct(5000, 'new')]) {
        const texts = new Texts();
        for (const text of distinct(count)) texts.add([text]);
        texts.drop(dropped);
        texts.expectRows();
        texts.add(['after', 'text 1', null, ...dropped.slice(0, 3)]);
        texts.drop(distinct(100, 'more'));
        texts.add([]);
        texts.expectRows();
      }
    },
  );

  test('gives way when it grows past its bytes, in the midst of a row', () => {
    const texts = new Texts();
    const long = (n: number) => `${n}`.repeat(1 << 19);
    texts.add(['short', long(1), 'short', long(2)]);
    texts.drop([long(3), 'gone', long(4), long(5), long(6), long(7), long(8), long(9)]);
    texts.add(['short', long(3), 'kept', null]);
    expect(texts.expectRows()).toBeUndefined();
  });

  test('stays while less than half of the values are distinct, and grows to 65536', () => {
    const texts = new Texts();
    for (let start = 0; start < 65_536; start += 512) {
      const row = distinct(512, `${start}`);
      texts.add([...row, ...row, ...row]);
    }
    expect(texts.expectRows()).toBe(65_536);
    texts.add(['one more']);
    expect(texts.expectRows()).toBeUndefined();
  });

  test('loses what only a dropped row brought, also when its table grew meanwhile', () => {
    const texts = new Texts();
    texts.add(['kept', 'kept too']);
    texts.drop(distinct(1500));
    expect(texts.expectRows()).toBe(2);
    texts.add(['text 700', 'kept', 'last']);
    expect(texts.expectRows()).toBe(4);
  });

  test('is found whole after any number of drops', () => {
    const texts = new Texts();
    for (let row = 0; row < 2000; row += 1) {
      const some = distinct(row % 7, `${(row * 31) % 150}`);
      if (row % 2 === 0) texts.drop([...some, ...distinct(row % 50, `row ${row}`)]);
      else texts.add(some);
    }
    const all = new Set(texts.rows.flatMap(([list]) => list));
    expect(texts.expectRows()).toBe(all.size);
  });

  test('begins anew after all rows are forgotten', () => {
    const texts = new Texts();
    for (let round = 0; round < 3; round += 1) {
      for (let row = 0; row < 500; row += 1) texts.add([`round ${round}`, `row ${row % 100}`]);
      expect(texts.expectRows()).toBe(101);
      texts.set.clear();
      texts.rows = [];
    }
  });

  test('has no values but those of the rows that were kept', () => {
    const texts = new Texts();
    for (let row = 0; row < 1000; row += 1) texts.add([`row ${row}`, 'same']);
    texts.set.keep(Uint32Array.of(500, 3, 999));
    texts.rows = [500, 3, 999].map((row) => texts.rows[row] ?? []);
    expect(texts.expectRows()).toBe(4);
    texts.add(['row 3', 'row 4', 'same']);
    expect(texts.expectRows()).toBe(5);
  });
});
