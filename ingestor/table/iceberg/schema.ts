/**
 * From the engine's columns to an Iceberg schema, and from one schema to the next. Every field, list element, map key
 * and map value has an id that it keeps for good: readers find columns by it, whatever a file calls them.
 */
import { ForebayError } from '../../contract/errors.ts';
import type { Column } from '../../engine/schema.ts';
import type { IcebergSchema, IcebergType, ListType, MapType, NestedField, StructType } from './spec.ts';

export interface AssignedSchema {
  readonly schema: IcebergSchema;
  readonly lastColumnID: number;
}

/** The schema of a new table: ids 1, 2, ... outer fields before inner ones, as the Java library gives them. */
export function createSchema(columns: readonly Column[]): AssignedSchema {
  const ids = new IDs(0);
  const fields = newFields(columns, ids, 'as it is');
  const schema: IcebergSchema = { type: 'struct', 'schema-id': 0, fields };
  checkNames(schema);
  return { schema, lastColumnID: ids.last };
}

/**
 * The schema once it took `columns`: fields are known by their names, new ones are added as optional after those that
 * are there, required ones are loosened and int is widened where the columns say so. What the columns do not name was
 * added by another engine and stays. `schema-id` is the current one's when nothing changed, else that of an equal
 * earlier schema, else a new one. Throws SchemaIncompatible for a type that cannot become the asked one.
 */
export function evolveSchema(
  current: IcebergSchema,
  columns: readonly Column[],
  { schemas, lastColumnID }: { schemas: readonly IcebergSchema[]; lastColumnID: number },
): AssignedSchema {
  const ids = new IDs(lastColumnID);
  const fields = mergeFields(current.fields, columns, ids, '');
  const evolved: IcebergSchema = { ...current, fields };
  checkNames(evolved);
  const known = [current, ...schemas].find((schema) => isSameStruct(schema, evolved));
  if (known !== undefined) return { schema: known, lastColumnID };
  const newest = Math.max(...schemas.map((schema) => schema['schema-id']));
  return { schema: { ...evolved, 'schema-id': newest + 1 }, lastColumnID: ids.last };
}

/** Field ids by path, see `TableLayout.fieldIDs`. */
export function fieldIDs(schema: StructType): Record<string, number> {
  return Object.fromEntries([...walkSchema(schema)].map(({ path, id }) => [path, id]));
}

export interface SchemaPlace {
  /** Dots separate, `\.` is a dot in a name. */
  readonly path: string;
  readonly id: number;
  readonly type: IcebergType;
  /** False where it, or anything around it, may be null. */
  readonly required: boolean;
  /** True within a list or map: there is no single value of it for a row. */
  readonly repeated: boolean;
}

/** All fields, elements, keys and values, outer ones before inner ones, in the schema's order. */
export function* walkSchema(schema: StructType): Generator<SchemaPlace> {
  for (const field of schema.fields) {
    const { id, type, required } = field;
    yield* walkType({ path: escapeName(field.name), id, type, required, repeated: false });
  }
}

function* walkType(place: SchemaPlace): Generator<SchemaPlace> {
  yield place;
  const { path, type, required, repeated } = place;
  if (isStruct(type)) {
    for (const field of type.fields) {
      yield* walkType({
        path: `${path}.${escapeName(field.name)}`,
        id: field.id,
        type: field.type,
        required: required && field.required,
        repeated,
      });
    }
  }
  const inner = { required: false, repeated: true };
  if (isList(type)) yield* walkType({ path: `${path}.element`, id: type['element-id'], type: type.element, ...inner });
  if (isMap(type)) {
    yield* walkType({ path: `${path}.key`, id: type['key-id'], type: type.key, ...inner });
    yield* walkType({ path: `${path}.value`, id: type['value-id'], type: type.value, ...inner });
  }
}

export function isStruct(type: IcebergType): type is StructType {
  return typeof type === 'object' && type.type === 'struct';
}
export function isList(type: IcebergType): type is ListType {
  return typeof type === 'object' && type.type === 'list';
}
export function isMap(type: IcebergType): type is MapType {
  return typeof type === 'object' && type.type === 'map';
}

function escapeName(name: string): string {
  return name.replace(/[\\.]/g, '\\$&');
}

class IDs {
  last: number;

  constructor(last: number) {
    this.last = last;
  }

  next(): number {
    this.last += 1;
    return this.last;
  }
}

/** Outer ids first: all of one level are given before those inside. */
function newFields(columns: readonly Column[], ids: IDs, as: 'as it is' | 'optional'): NestedField[] {
  const given = columns.map((column) => ({ column, id: ids.next() }));
  return given.map(({ column, id }) => ({
    id,
    name: column.name,
    required: column.required && as === 'as it is',
    type: newType(column, ids),
  }));
}

/** Within something new everything is new, so what is required there may stay so. */
function newType(column: Column, ids: IDs): IcebergType {
  const [first, second] = column.children;
  switch (column.type) {
    case 'struct':
      return { type: 'struct', fields: newFields(column.children, ids, 'as it is') };
    case 'list': {
      if (first === undefined) throw new TypeError(`list ${column.name} has no element`);
      const id = ids.next();
      return { type: 'list', 'element-id': id, 'element-required': first.required, element: newType(first, ids) };
    }
    case 'map': {
      if (first === undefined || second === undefined) throw new TypeError(`map ${column.name} has no key or value`);
      const [keyID, valueID] = [ids.next(), ids.next()];
      return {
        type: 'map',
        'key-id': keyID,
        key: newType(first, ids),
        'value-id': valueID,
        'value-required': second.required,
        value: newType(second, ids),
      };
    }
    case 'json':
      return 'string';
    default:
      return column.type;
  }
}

function mergeFields(
  current: readonly NestedField[],
  columns: readonly Column[],
  ids: IDs,
  parent: string,
): NestedField[] {
  const byName = new Map(columns.map((column) => [column.name, column]));
  const known = new Set(current.map(({ name }) => name));
  const kept = current.map((field): NestedField => {
    const column = byName.get(field.name);
    if (column === undefined) return { ...field, required: false };
    const type = mergeType(field.type, column, ids, `${parent}${escapeName(field.name)}`);
    return { ...field, required: field.required && column.required, type };
  });
  const added = newFields(
    columns.filter(({ name }) => !known.has(name)),
    ids,
    'optional',
  );
  return [...kept, ...added];
}

function mergeType(current: IcebergType, column: Column, ids: IDs, path: string): IcebergType {
  const [first, second] = column.children;
  if (isStruct(current) && column.type === 'struct') {
    return { ...current, fields: mergeFields(current.fields, column.children, ids, `${path}.`) };
  }
  if (isList(current) && column.type === 'list' && first !== undefined) {
    return {
      ...current,
      'element-required': current['element-required'] && first.required,
      element: mergeType(current.element, first, ids, `${path}.element`),
    };
  }
  if (isMap(current) && column.type === 'map' && first !== undefined && second !== undefined) {
    return {
      ...current,
      key: mergeType(current.key, first, ids, `${path}.key`),
      'value-required': current['value-required'] && second.required,
      value: mergeType(current.value, second, ids, `${path}.value`),
    };
  }
  const asked = column.type === 'json' ? 'string' : column.type;
  if (current === asked) return current;
  if (current === 'int' && asked === 'long') return 'long';
  // Another engine widened it: what is written as int is read as long.
  if (current === 'long' && asked === 'int') return current;
  const [from, to] = [typeof current === 'object' ? current.type : current, asked];
  throw new ForebayError('SchemaIncompatible', `${path} is ${from} in the table and cannot become ${to}`);
}

/** Engines look fields up by their dotted name: `a.b` in a field `a`, or a field of the name `a.b`, not both. */
function checkNames(schema: StructType): void {
  const paths = new Map<string, string>();
  for (const { path } of walkSchema(schema)) {
    const name = path.replaceAll('\\.', '.');
    const other = paths.get(name);
    if (other !== undefined) {
      throw new ForebayError(
        'InvalidSchema',
        `the fields ${other} and ${path} have one name in an Iceberg table: rename one of them`,
      );
    }
    paths.set(name, path);
  }
}

function isSameStruct(a: IcebergSchema, b: IcebergSchema): boolean {
  return a === b || canonical(a) === canonical(b);
}

/** Members in one order, so that schemas that other programs wrote compare. */
function canonical({ fields, 'identifier-field-ids': identifiers = [] }: IcebergSchema): string {
  return JSON.stringify({ fields, identifiers }, (_name, value: unknown) =>
    typeof value === 'object' && value !== null && !Array.isArray(value)
      ? Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)))
      : value,
  );
}
