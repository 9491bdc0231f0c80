/** The leaves of a table's columns, in the order in which Parquet stores them, and the field ids of all its places. */
import type { TableLayout } from '../contract/layout.ts';
import { type Path, parsePath } from '../engine/mapping.ts';
import type { Column, ColumnType } from '../engine/schema.ts';

/** Ids by the names that lead to a field; a list's item is `element`, a map's parts are `key` and `value`. */
export type FieldID = (path: Path) => number | undefined;

export type LeafType = Exclude<ColumnType, 'struct' | 'list' | 'map'>;

/** A column of a Parquet file: what has values of its own. */
export interface Leaf {
  readonly path: Path;
  readonly type: LeafType;
  /** Within a list or a map, so that a row has any number of values. */
  readonly repeated: boolean;
}

/** Throws Error for a column without an id, unless the layout has none at all. */
export function fieldIDs(layout: TableLayout | undefined): FieldID {
  const ids = new Map(Object.entries(layout?.fieldIDs ?? {}));
  if (ids.size === 0) return () => undefined;
  return (path) => {
    const id = ids.get(formatPath(path));
    if (id === undefined) throw new Error(`the table's layout has no id for field ${formatPath(path)}`);
    return id;
  };
}

/** Text that `parsePath` reads: dots separate, `\.` is a dot in a name, `\\` a backslash. */
export function formatPath(path: Path): string {
  return path.map((name) => name.replace(/[\\.]/g, '\\$&')).join('.');
}

export function leavesOf(columns: readonly Column[]): readonly Leaf[] {
  return columns.flatMap((column) => leavesBelow(column, [], false));
}

function leavesBelow(column: Column, parent: Path, repeated: boolean): Leaf[] {
  const path = [...parent, column.name];
  switch (column.type) {
    case 'struct':
      return column.children.flatMap((child) => leavesBelow(child, path, repeated));
    case 'list':
    case 'map':
      return column.children.flatMap((child) => leavesBelow(child, path, true));
    default:
      return [{ path, type: column.type, repeated }];
  }
}

/** Reads a field of a row as the writer takes it: one value for each column, structs as objects. */
export interface FieldReader {
  readonly type: LeafType;
  read(row: readonly unknown[]): unknown;
}

/** Throws Error where there is no field of this path with a value of its own in each row. */
export function fieldReader(columns: readonly Column[], path: string): FieldReader {
  const [name, ...rest] = parsePath(path);
  const index = columns.findIndex((column) => column.name === name);
  let column = columns[index];
  for (const inner of rest) {
    column = column?.type === 'struct' ? column.children.find((child) => child.name === inner) : undefined;
  }
  if (!column || column.type === 'struct' || column.type === 'list' || column.type === 'map') {
    throw new Error(`the table's layout names ${path}, which is no field of a row`);
  }
  const { type } = column;
  if (rest.length === 0) return { type, read: (row) => row[index] };
  return { type, read: (row) => rest.reduce(memberOf, row[index]) };
}

function memberOf(value: unknown, name: string): unknown {
  return isStruct(value) ? value[name] : null;
}

function isStruct(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null;
}
