/** For tests: rows of every type with nothing at every level, files of them, and values as text that readers are compared by. */

import type { DataFile } from '../engine/engine.ts';
import type { Column, ColumnType } from '../engine/schema.ts';
import { memorySink } from '../engine/testing.ts';
import { DataWriter, type WriterSettings } from './writer.ts';

type Row = readonly unknown[];

export function column(name: string, type: ColumnType, ...children: readonly Column[]): Column {
  return { name, type, required: false, children, path: '' };
}

export function required(one: Column): Column {
  return { ...one, required: true };
}

const point = column(
  'element',
  'struct',
  required(column('x', 'double')),
  column('tags', 'list', column('element', 'string')),
);

/** A column of every type, and of types in types. */
export const everyColumn: readonly Column[] = [
  required(column('id', 'long')),
  column('text', 'string'),
  column('few', 'string'),
  column('flag', 'boolean'),
  column('int', 'int'),
  column('long', 'long'),
  column('real', 'double'),
  column('day', 'date'),
  column('time', 'timestamptz'),
  column('any', 'json'),
  column('never', 'string'),
  required(column('place', 'struct', required(column('city', 'string')), column('zip', 'int'))),
  column(
    'deep',
    'struct',
    column('a', 'struct', column('b', 'string'), column('c', 'list', column('element', 'long'))),
  ),
  column('texts', 'list', column('element', 'string')),
  required(column('numbers', 'list', required(column('element', 'int')))),
  column('grid', 'list', column('element', 'list', column('element', 'long'))),
  column('points', 'list', point),
  column('times', 'list', column('element', 'timestamptz')),
  column('counts', 'map', required(column('key', 'string')), column('value', 'long')),
  column('lists', 'map', required(column('key', 'string')), column('value', 'list', column('element', 'boolean'))),
  column('places', 'map', required(column('key', 'string')), column('value', 'struct', column('day', 'date'))),
];

/** Values of these columns, the same for the same seed. */
export function makeRows(columns: readonly Column[], count: number, seed = 1): Row[] {
  const random = generator(seed);
  return Array.from({ length: count }, (_, row) => columns.map((one) => makeValue(one, random, row)));
}

/** Numbers from 0 to before 1 (mulberry32, public domain). */
function generator(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

function makeValue(one: Column, random: () => number, row: number): unknown {
  const { name, type, children } = one;
  if (name === 'id') return row;
  if (name === 'never' || (!one.required && random() < 0.2)) return null;
  const below = (end: number) => Math.floor(random() * end);
  const pick = (...values: readonly unknown[]): unknown => values[below(values.length)];
  const many = <T>(make: () => T): T[] => Array.from({ length: below(4) }, make);
  const [key, value] = children;
  switch (type) {
    case 'string':
      if (name === 'few') return `kind ${below(20)}`;
      return pick('', 'é😀\u0000', `text ${below(1e9)}`, 'x'.repeat(below(200)), `\u{10ffff}${below(5)}`);
    case 'json':
      return JSON.stringify({ n: below(100) });
    case 'boolean':
      return random() < 0.5;
    case 'int':
      return pick(-(2 ** 31), 2 ** 31 - 1, below(100), -below(2 ** 30));
    case 'long':
      return pick(-(2n ** 63n), 2n ** 63n - 1n, 2n ** 53n + 1n, below(1000), -below(2 ** 50));
    case 'double':
      return pick(0, -0, 0.1, -1e300, 5e-324, random(), -below(1000));
    case 'date':
      return pick(-719_162, 2_932_896, -1, below(20_000));
    case 'timestamptz':
      return pick(-62_135_596_800_000_000n, 253_402_300_799_999_999n, -1, 1_700_000_000_000_000 + row);
    case 'struct':
      return Object.fromEntries(children.map((child) => [child.name, makeValue(child, random, row)]));
    case 'list':
      return many(() => (key ? makeValue(key, random, row) : null));
    case 'map':
      return many(() => 0).map((_, index) => ({
        key: `k${index}`,
        value: value ? makeValue(value, random, row) : null,
      }));
  }
}

/** What lies in the file, with its description. */
export interface Written {
  readonly file: DataFile;
  readonly bytes: Buffer;
}

/** Files of these rows, which are flushed as their writer asks for it. */
export async function writeRows(
  columns: readonly Column[],
  rows: Iterable<Row>,
  settings: Partial<WriterSettings> = {},
): Promise<Written[]> {
  const files = new Map<string, Buffer>();
  const writer = new DataWriter({
    columns,
    compression: 'Zstd',
    targetFileSizeBytes: 2 ** 30,
    open: (k) => memorySink(`file-${k}`, files),
    ...settings,
  });
  for (const row of rows) {
    writer.add(row);
    if (writer.isFull) await writer.flush();
  }
  const written = await writer.finish();
  return written.map((file) => ({ file, bytes: files.get(file.key) ?? Buffer.alloc(0) }));
}

/** The one file of these rows. */
export async function writeFile(
  columns: readonly Column[],
  rows: Iterable<Row>,
  settings: Partial<WriterSettings> = {},
): Promise<Buffer> {
  const [one, ...others] = await writeRows(columns, rows, settings);
  if (!one || others.length > 0) throw new Error(`the rows are in ${one ? 1 + others.length : 0} files`);
  return one.bytes;
}

/** A value as it must come back: numbers of 64 bits as text, also dates and times, maps as lists of pairs. */
export function plainValue({ type, children }: Column, value: unknown): unknown {
  if (value === null || value === undefined) return null;
  switch (type) {
    case 'long':
    case 'timestamptz':
      return String(value);
    case 'double':
      return plainDouble(Number(value));
    case 'struct':
      return Object.fromEntries(children.map((child) => [child.name, plainValue(child, memberOf(value, child.name))]));
    case 'list':
      return listOf(value).map((item) => (children[0] ? plainValue(children[0], item) : null));
    case 'map':
      return listOf(value).map((entry) => children.map((child) => plainValue(child, memberOf(entry, child.name))));
    default:
      return value;
  }
}

export function plainRow(columns: readonly Column[], row: Row): unknown[] {
  return columns.map((one, index) => plainValue(one, row[index]));
}

/** JSON has none of these. */
export function plainDouble(value: number): unknown {
  return Number.isFinite(value) && !Object.is(value, -0) ? value : Object.is(value, -0) ? '-0' : String(value);
}

function memberOf(value: unknown, name: string): unknown {
  return Object.entries(Object(value)).find(([key]) => key === name)?.[1];
}

function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}
