/**
 * Data files of a table, read back as rows for the writer: values as they are stored, columns as the table has them now,
 * maps as lists of `{key, value}`, so that they keep their order, and structs with their nulls.
 */
import type { SchemaTree } from 'hyparquet';
import type { Path } from '../engine/mapping.ts';
import type { Column } from '../engine/schema.ts';
import type { Shape } from './assembler.ts';
import type { FieldID } from './fields.ts';
import { jsonShape } from './jsonshape.ts';
import type { ValueType } from './valuereader.ts';

/**
 * What becomes of the file's columns for each column of the table; undefined where the file has none. Columns are found by
 * their id, or by name in a file that has no ids. Throws Error for a column that the file has with another type, of which
 * it could not have become this one.
 */
export function tableShapes(
  columns: readonly Column[],
  tree: SchemaTree,
  idOf: FieldID,
): readonly (Shape | undefined)[] {
  const withIDs = hasIDs(tree);
  const find: Find = (parent, path) => {
    const [id, name] = [withIDs ? idOf(path) : undefined, path.at(-1)];
    return parent.children.find(({ element }) => (id === undefined ? element.name === name : element.field_id === id));
  };
  return columns.map((column) => childShape(column, [], tree, find));
}

type Find = (parent: SchemaTree, path: Path) => SchemaTree | undefined;

function childShape(column: Column, parentPath: Path, parent: SchemaTree, find: Find): Shape | undefined {
  const path = [...parentPath, column.name];
  const tree = find(parent, path);
  return tree && shapeOf(column, path, tree, find);
}

function shapeOf(column: Column, path: Path, tree: SchemaTree, find: Find): Shape {
  if (tree.element.repetition_type === 'REPEATED') throw mismatch(tree, column);
  switch (column.type) {
    case 'struct':
      return structShape(column, path, tree, find);
    case 'list': {
      const { repeated, children } = inside(tree, column, 1);
      return { kind: 'list', tree, repeated, element: itemShape(column.children[0], path, children[0], find) };
    }
    case 'map': {
      const { repeated, children } = inside(tree, column, 2);
      const fields = [0, 1].map((at) => ({
        name: at === 0 ? 'key' : 'value',
        shape: itemShape(column.children[at], path, children[at], find),
      }));
      return { kind: 'list', tree, repeated, element: { kind: 'struct', tree: repeated, fields, withNulls: true } };
    }
    default:
      return { kind: 'leaf', tree, values: storedValues(column, tree) };
  }
}

function structShape(column: Column, path: Path, tree: SchemaTree, find: Find): Shape {
  const [first] = tree.children;
  if (!first) throw mismatch(tree, column);
  const fields = column.children.map((child) => ({ name: child.name, shape: childShape(child, path, tree, find) }));
  // Where it has none of these fields, another one tells whether it is null.
  const guides = fields.some(({ shape }) => shape) ? [] : [{ name: undefined, shape: jsonShape(first) }];
  return { kind: 'struct', tree, fields: [...fields, ...guides], withNulls: true };
}

function itemShape(column: Column | undefined, parent: Path, tree: SchemaTree | undefined, find: Find): Shape {
  if (!column || !tree) throw new Error(`column ${parent.join('.')} is not whole`);
  return shapeOf(column, [...parent, column.name], tree, find);
}

/** The one repeated group of a list or map, and what stands in it. */
function inside(tree: SchemaTree, column: Column, count: number) {
  const [repeated] = tree.children;
  if (repeated?.element.repetition_type !== 'REPEATED' || repeated.children.length !== count)
    throw mismatch(tree, column);
  return { repeated, children: repeated.children };
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
function storedValues(column: Column, tree: SchemaTree): ValueType {
  const { type, converted_type: converted, logical_type: logical } = tree.element;
  const isOtherTime = converted === 'TIMESTAMP_MILLIS' || (logical?.type === 'TIMESTAMP' && logical.unit !== 'MICROS');
  if (!type || !storedTypes[column.type]?.includes(type) || isOtherTime) throw mismatch(tree, column);
  return { type, length: 0, fromNumber: undefined, fromBytes, mayBeBig: false };
}

function fromBytes(page: Buffer, start: number, end: number): string {
  return page.toString('utf8', start, end);
}

function mismatch(tree: SchemaTree, { type }: Column): Error {
  return new Error(`column ${tree.path.join('.')} is no ${type}`);
}

function hasIDs(tree: SchemaTree): boolean {
  return tree.children.some(({ element }) => element.field_id !== undefined);
}
