/**
 * Data files of a table, read back as rows for the writer: values as they are stored, columns as the table has them now.
 */
import type { SchemaElement, SchemaTree } from 'hyparquet';
import type { Path } from '../engine/mapping.ts';
import type { Column } from '../engine/schema.ts';
import type { FieldID } from './fields.ts';
import type { RangedFile } from './rangedfile.ts';
import { type Decoding, openParquet, type ParquetFile } from './reader.ts';

/** Numbers of days and of microseconds stay what they are; a map is read as the list of entries that it is stored as. */
const asStored: Decoding = {
  element: (element) => ({ ...element, converted_type: storedType(element) }),
  parsers: {
    dateFromDays: (days) => days,
    timestampFromMicroseconds: (micros) => micros,
    stringFromBytes: (bytes) => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString(),
  },
  converter: () => undefined,
  cleaner: () => (value) => value,
};

/** hyparquet makes objects of maps, which lose a key `__proto__` and the order of entries. */
function storedType({ converted_type: converted, logical_type: logical }: SchemaElement) {
  if (converted === 'MAP' || converted === 'MAP_KEY_VALUE') return undefined;
  if (converted !== undefined) return converted;
  if (logical?.type === 'STRING') return 'UTF8';
  if (logical?.type === 'DATE') return 'DATE';
  return logical?.type === 'LIST' ? 'LIST' : undefined;
}

/** Throws Error for what is no Parquet. */
export async function openTableFile(file: RangedFile): Promise<ParquetFile> {
  return await openParquet(file, asStored);
}

export interface Projection {
  /** Of the file's column; undefined: the file has none, so all values are null. */
  readonly index: number | undefined;
  /** From a value of the file to one of the table; undefined: they are the same. */
  readonly convert: Convert | undefined;
}

type Convert = (value: unknown) => unknown;

/**
 * For each column of the table, where it is in the file. Columns are found by their id, or by name in a file that has no
 * ids. Throws Error for a column that the file has with another type, of which it could not have become this one.
 */
export function projectColumns(columns: readonly Column[], tree: SchemaTree, idOf: FieldID): readonly Projection[] {
  const withIDs = hasIDs(tree);
  const find = (parent: SchemaTree, path: Path): number => {
    const [id, name] = [withIDs ? idOf(path) : undefined, path.at(-1)];
    return parent.children.findIndex(({ element }) =>
      id === undefined ? element.name === name : element.field_id === id,
    );
  };
  return columns.map((column) => {
    const path = [column.name];
    const index = find(tree, path);
    const found = tree.children[index];
    if (!found) return { index: undefined, convert: undefined };
    const isLeaf = found.children.length === 0;
    const convert = converterOf(column, path, found, find);
    // The writer takes longs of a top-level column as numbers too.
    return { index, convert: isLeaf ? undefined : convert };
  });
}

type Find = (parent: SchemaTree, path: Path) => number;

function converterOf(column: Column, path: Path, tree: SchemaTree, find: Find): Convert {
  switch (column.type) {
    case 'struct':
      return structConverter(column, path, tree, find);
    case 'list': {
      const convert = itemConverter(column.children[0], path, inside(tree, column, 1)[0], find);
      return (list) => (Array.isArray(list) ? list.map(convert) : null);
    }
    case 'map': {
      const [keyTree, valueTree] = inside(tree, column, 2);
      const [key, value] = column.children;
      const convertKey = itemConverter(key, path, keyTree, find);
      const convertValue = itemConverter(value, path, valueTree, find);
      const [entriesName, keyName, valueName] = [tree.children[0], keyTree, valueTree].map(
        (one) => one?.element.name ?? '',
      );
      return (map) => {
        const entries = isStruct(map) ? map[entriesName ?? ''] : undefined;
        if (!Array.isArray(entries)) return null;
        return entries.map((entry) => ({
          key: convertKey(entry[keyName ?? '']),
          value: convertValue(entry[valueName ?? '']),
        }));
      };
    }
    default:
      return leafConverter(column, tree);
  }
}

function structConverter(column: Column, path: Path, tree: SchemaTree, find: Find): Convert {
  if (tree.children.length === 0) throw mismatch(tree, column);
  const fields = column.children.map((child) => {
    const found = tree.children[find(tree, [...path, child.name])];
    const convert = found && itemConverter(child, path, found, find);
    return { name: child.name, from: found?.element.name ?? '', convert };
  });
  return (struct) => {
    if (!isStruct(struct)) return null;
    return Object.fromEntries(fields.map(({ name, from, convert }) => [name, convert ? convert(struct[from]) : null]));
  };
}

function itemConverter(column: Column | undefined, parent: Path, tree: SchemaTree | undefined, find: Find): Convert {
  if (!column || !tree) throw new Error(`column ${parent.join('.')} is not whole`);
  const convert = converterOf(column, [...parent, column.name], tree, find);
  return (value) => (value === null || value === undefined ? null : convert(value));
}

/** What stands in the one repeated group of a list or map. */
function inside(tree: SchemaTree, column: Column, count: number): readonly SchemaTree[] {
  const [repeated] = tree.children;
  if (repeated?.element.repetition_type !== 'REPEATED' || repeated.children.length !== count)
    throw mismatch(tree, column);
  return repeated.children;
}

const storedTypes: Readonly<Record<string, readonly (string | undefined)[]>> = {
  string: ['BYTE_ARRAY'],
  json: ['BYTE_ARRAY'],
  boolean: ['BOOLEAN'],
  int: ['INT32'],
  long: ['INT64', 'INT32'],
  double: ['DOUBLE', 'FLOAT'],
  date: ['INT32'],
  timestamptz: ['INT64'],
};

/** An int may have become a long since. */
function leafConverter(column: Column, tree: SchemaTree): Convert {
  if (!storedTypes[column.type]?.includes(tree.element.type)) throw mismatch(tree, column);
  if (column.type !== 'long') return (value) => value;
  return (value) => (typeof value === 'number' ? BigInt(value) : value);
}

function mismatch(tree: SchemaTree, { type }: Column): Error {
  return new Error(`column ${tree.path.join('.')} is no ${type}`);
}

function hasIDs(tree: SchemaTree): boolean {
  return tree.children.some(({ element }) => element.field_id !== undefined);
}

function isStruct(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
