import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Column, ColumnType } from '../engine/schema.ts';
import type { EncodedColumn, EncodeSettings } from '../parquet/encoded.ts';
import { ColumnSet } from './columnset.ts';
import { readEncodedColumn } from './encodedcolumn.ts';
import { Kernel } from './kernel.ts';
import { RowFeed } from './rowfeed.ts';
import { type Shape, type ShapeLeaf, shapeOf } from './shape.ts';
import {
  boundsOf,
  column,
  contentOf,
  type LeafContent,
  type Row,
  readContent,
  readDictionary,
  readPage,
} from './testing.ts';

const leafTypes = ['string', 'boolean', 'int', 'long', 'double', 'date', 'timestamptz', 'json'] as const;

const leafColumn = fc
  .record({ type: fc.constantFrom(...leafTypes), required: fc.boolean() })
  .map(({ type, required }) => column('leaf', type, required));

const { anyColumn } = fc.letrec<{ anyColumn: Column }>((tie) => ({
  anyColumn: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    leafColumn,
    fc
      .tuple(fc.array(tie('anyColumn'), { minLength: 1, maxLength: 3 }), fc.boolean())
      .map(([children, required]) => column('struct', 'struct', required, named(children))),
    fc
      .tuple(tie('anyColumn'), fc.boolean())
      .map(([element, required]) => column('list', 'list', required, [{ ...element, name: 'element' }])),
    fc.tuple(leafColumn, tie('anyColumn'), fc.boolean()).map(([key, value, required]) =>
      column('map', 'map', required, [
        { ...key, name: 'key', required: true },
        { ...value, name: 'value' },
      ]),
    ),
  ),
}));

function named(columns: readonly Column[]): Column[] {
  return columns.map((one, index) => ({ ...one, name: `field ${index}` }));
}

const text = fc.oneof(
  fc.constantFrom(
    '',
    'a',
    'b',
    'ab',
    'é',
    '￿',
    '\u{10000}',
    'a\u0000',
    'nine bytes',
    'sixteen bytes of',
    'seventeen bytes o',
  ),
  fc.string({ unit: 'grapheme', maxLength: 40 }),
  fc.string({ minLength: 20, maxLength: 300 }),
  fc.string({ maxLength: 12 }).map((end) => `the same beginning ${end}`),
);

const values: Readonly<Record<Exclude<ColumnType, 'struct' | 'list' | 'map'>, fc.Arbitrary<unknown>>> = {
  string: text,
  json: text,
  boolean: fc.boolean(),
  int: fc.integer(),
  date: fc.integer({ min: -1000, max: 1000 }),
  long: fc.oneof(fc.maxSafeInteger(), fc.bigInt(-(2n ** 63n), 2n ** 63n - 1n), fc.constant(2n ** 53n)),
  timestamptz: fc.integer({ min: 0, max: 2 ** 40 }),
  double: fc.oneof(fc.double(), fc.constantFrom(-0, 0, Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY)),
};

function nullableOf(one: Column): fc.Arbitrary<unknown> {
  const value = presentValueOf(one);
  return one.required ? value : fc.option(value, { freq: 3 });
}

function presentValueOf({ type, children }: Column): fc.Arbitrary<unknown> {
  if (type === 'struct') return fc.record(Object.fromEntries(children.map((child) => [child.name, nullableOf(child)])));
  if (type === 'list') return fc.array(children[0] ? nullableOf(children[0]) : fc.constant(null), { maxLength: 4 });
  if (type !== 'map') return values[type];
  const [key, value] = children;
  if (!key || !value) throw new Error('a map has a key and a value');
  return fc.array(fc.record({ key: nullableOf(key), value: nullableOf(value) }), { maxLength: 3 });
}

/** `times`: how often the row comes, so that blocks grow. */
type Step =
  | { readonly do: 'add' | 'drop'; readonly row: Row; readonly times: number }
  | { readonly do: 'keep'; readonly seed: number }
  | { readonly do: 'clear' };

interface Story {
  readonly shape: Shape;
  readonly steps: readonly Step[];
}

const story: fc.Arbitrary<Story> = fc.array(anyColumn, { minLength: 1, maxLength: 4 }).chain((columns) => {
  const all = named(columns);
  const row = fc.tuple(...all.map(nullableOf));
  const times = fc.oneof(
    { weight: 9, arbitrary: fc.constant(1) },
    { weight: 1, arbitrary: fc.integer({ max: 400, min: 1 }) },
  );
  const step: fc.Arbitrary<Step> = fc.oneof(
    { weight: 20, arbitrary: fc.record({ do: fc.constant('add' as const), row, times }) },
    { weight: 10, arbitrary: fc.record({ do: fc.constant('drop' as const), row, times: fc.constant(1) }) },
    { weight: 1, arbitrary: fc.record({ do: fc.constant('keep' as const), seed: fc.nat() }) },
    { weight: 1, arbitrary: fc.constant({ do: 'clear' as const }) },
  );
  return fc.record({ shape: fc.constant(shapeOf(all)), steps: fc.array(step, { maxLength: 30 }) });
});

/** Some of `count` rows, in an order that is not theirs. */
function someRows(count: number, seed: number): Uint32Array {
  const rows = Array.from({ length: count }, (_, row) => row).filter((row) => (row * 7919 + seed) % 3 !== 0);
  return Uint32Array.from(rows.sort((a, b) => ((a * 31 + seed) % 101) - ((b * 31 + seed) % 101)));
}

interface Played {
  readonly kernel: Kernel;
  readonly set: ColumnSet;
  readonly rows: Row[];
}

function play({ shape, steps }: Story, withDrops = true): Played {
  const kernel = new Kernel();
  const set = new ColumnSet(kernel, shape);
  const feed = new RowFeed(kernel, shape);
  let rows: Row[] = [];
  for (const step of steps) {
    if (step.do === 'clear') {
      set.clear();
      rows = [];
    } else if (step.do === 'keep') {
      const kept = someRows(rows.length, step.seed);
      set.keep(kept);
      rows = Array.from(kept, (row) => rows[row] ?? []);
    } else if (step.do === 'drop') {
      if (!withDrops) continue;
      kernel.run.beginRow();
      feed.append(step.row);
      kernel.run.dropRow();
    } else {
      for (let time = 0; time < step.times; time += 1) {
        set.add(step.row);
        rows.push(step.row);
      }
    }
  }
  return { kernel, set, rows };
}

const settings = fc.record({
  pageBytes: fc.oneof(fc.constant(1 << 20), fc.integer({ min: 1, max: 200 })),
  pageRows: fc.oneof(fc.constant(1 << 20), fc.integer({ min: 1, max: 20 })),
});

describe('whatever the shape and the rows', () => {
  test('the pages hold the rows that were added and not dropped', () => {
    fc.assert(
      fc.property(story, settings, (played, encode) => {
        const { set, rows } = play(played);
        expect(set.rows).toBe(rows.length);
        expectPages(set, rows, encode);
      }),
      { numRuns: 100 },
    );
  });

  test('the pages hold the rows that were picked', () => {
    fc.assert(
      fc.property(story, settings, fc.nat(), (played, encode, seed) => {
        const { set, rows } = play(played);
        const picked = someRows(rows.length, seed);
        expectPages(
          set,
          Array.from(picked, (row) => rows[row] ?? []),
          { ...encode, rows: picked },
        );
        expectPages(set, rows, encode);
      }),
      { numRuns: 100 },
    );
  });

  test.each([0, 5, 6, 8])('the pages hold the rows in encoding %i, where it suits them', (encoding) => {
    fc.assert(
      fc.property(story, settings, fc.nat(), (played, encode, seed) => {
        const { kernel, set, rows } = play(played);
        const picked = someRows(rows.length, seed);
        const at = kernel.run.allocate(picked.length * 4) >>> 0;
        new Uint32Array(kernel.run.memory.buffer, at, picked.length).set(picked);
        const pickedContents = contentOf(
          played.shape,
          Array.from(picked, (row) => rows[row] ?? []),
        );
        const contents = contentOf(played.shape, rows);
        for (const leaf of set.shape.leaves) {
          const { pageBytes, pageRows } = encode;
          const all = kernel.run.encodeLeaf(leaf.index, encoding, 0, 0, pageBytes, pageRows) >>> 0;
          expectEncoded(readEncodedColumn(kernel.bytes, all, leaf.type), leaf, contents[leaf.index], encode);
          const some = kernel.run.encodeLeaf(leaf.index, encoding, at, picked.length, pageBytes, pageRows) >>> 0;
          expectEncoded(readEncodedColumn(kernel.bytes, some, leaf.type), leaf, pickedContents[leaf.index], encode);
        }
      }),
      { numRuns: 100 },
    );
  });

  test('a dropped row leaves no trace', () => {
    fc.assert(
      fc.property(story, (played) => {
        const encode = { pageBytes: 1 << 20, pageRows: 1 << 20 };
        const [with_, without] = [play(played).set, play(played, false).set];
        expect(with_.heldBytes).toBe(without.heldBytes);
        for (const { index } of played.shape.leaves) {
          expect(copyOf(with_.encode(index, encode))).toEqual(copyOf(without.encode(index, encode)));
        }
      }),
      { numRuns: 200 },
    );
  });
});

/** The pages are of the kernel's memory, and good until its next call. */
function copyOf({ dictionary, pages, ...rest }: EncodedColumn): unknown {
  return {
    ...rest,
    dictionary: dictionary && { ...dictionary, bytes: Buffer.from(dictionary.bytes).toString('hex') },
    pages: pages.map((page) => ({ ...page, bytes: Buffer.from(page.bytes).toString('hex') })),
  };
}

function expectPages(set: ColumnSet, rows: readonly Row[], encode: EncodeSettings): void {
  const contents = contentOf(set.shape, rows);
  for (const leaf of set.shape.leaves) {
    expectEncoded(set.encode(leaf.index, encode), leaf, contents[leaf.index], encode);
  }
}

function expectEncoded(
  encoded: EncodedColumn,
  leaf: ShapeLeaf,
  content: LeafContent | undefined,
  encode: EncodeSettings,
): void {
  expect(readContent(encoded, leaf)).toEqual(content);
  expect(encoded.entries).toBe(content?.definitions.length);
  expect(encoded.nulls).toBe(encoded.entries - (content?.values.length ?? 0));
  expect(encoded.nans).toBe(content?.values.filter((value) => Number.isNaN(value)).length);
  expect(boundsOf(encoded, leaf.type)).toEqual(boundsOf(content?.values ?? [], leaf.type));
  expectBordersAndBounds(encoded, leaf, encode);
}

function expectBordersAndBounds(encoded: EncodedColumn, leaf: ShapeLeaf, { pageRows }: EncodeSettings): void {
  const dictionary = encoded.dictionary && readDictionary(encoded.dictionary, leaf.type);
  const used = new Set<unknown>();
  for (const page of encoded.pages) {
    const { definitions, repetitions, values } = readPage(page, leaf, dictionary);
    expect(repetitions[0]).toBe(0);
    expect(repetitions.filter((level) => level === 0).length).toBe(page.rows);
    expect(page.rows).toBeLessThanOrEqual(pageRows);
    expect(page.entries).toBe(definitions.length);
    expect(boundsOf(page, leaf.type)).toEqual(boundsOf(values, leaf.type));
    for (const value of values) used.add(value);
  }
  if (dictionary) expect(dictionary.filter((value) => !used.has(value))).toEqual([]);
}
