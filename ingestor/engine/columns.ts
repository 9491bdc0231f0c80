/**
 * What columns a schema describes. A place whose values all have one type that Parquet has becomes a column of that
 * type; every other one becomes text that holds JSON, so that whatever the schema allows can be kept.
 */

import { expand, type Kind, kindsOf, listOf, type Scope } from './members.ts';
import type { Column, ColumnType } from './schema.ts';
import { appendPointer, invalidSchema, isObject, type Located, type SchemaDocument } from './schemadocument.ts';

/** A column with what conversion needs to know beside its type. */
export interface ColumnPlan extends Column {
  readonly children: readonly ColumnPlan[];
  /** The schema allows null here. */
  readonly nullable: boolean;
  /** The schema requires the field to be there, if only as null. */
  readonly mustBeThere: boolean;
  /** struct: the schema allows no other fields. */
  readonly closed?: boolean;
  /** json: the types of JSON values that the schema allows. */
  readonly kinds?: ReadonlySet<string>;
  /** int and long: the integers it holds, both ends inclusive. */
  readonly range?: { readonly min: bigint; readonly max: bigint };
}

/** About a second. A record of 10,000 fields takes 10,000; types that refer to each other multiply. */
const maxExpansions = 300_000;

/** Deeper nesting than any reader of Parquet is known to be used with. */
const maxDepth = 64;

export interface RecordPlan {
  readonly columns: readonly ColumnPlan[];
  /** The schema allows no other fields. */
  readonly closed: boolean;
}

/** The columns of the root's properties, in their order. Throws InvalidSchema when the root describes no record. */
export function planRecord(document: SchemaDocument): RecordPlan {
  const room = { left: maxExpansions };
  const members = expand({ schema: document.root, pointer: '' }, { document, trail: [], room });
  const scope = { document, trail: members.trail, room };
  if (!kindsOf(members.located, scope).has('object')) throw invalidSchema('', 'type', 'a record is an object');
  const root = structFields(members.located, scope, 0);
  if (root.length === 0) throw invalidSchema('', 'properties', 'names no fields, so there is nothing to store');
  return { columns: root, closed: isClosed(members.located) };
}

/** Number of leaf fields: lists and maps count as what they hold. */
export function countFields(columns: readonly Column[]): number {
  return columns.reduce((sum, { type, children }) => {
    if (type === 'map') return sum + countFields(children.slice(1));
    return sum + (children.length === 0 ? 1 : countFields(children));
  }, 0);
}

interface Place {
  readonly name: string;
  readonly located: readonly Located[];
  readonly mustBeThere: boolean;
}

function planColumn({ name, located, mustBeThere }: Place, scope: Scope, depth: number): ColumnPlan {
  const path = located[0]?.pointer ?? '';
  if (depth > maxDepth) throw invalidSchema(path, 'properties', `nests deeper than ${maxDepth} levels`);
  const expanded = located.map((one) => expand(one, scope));
  const members = expanded.flatMap((one) => one.located);
  const inner: Scope = { ...scope, trail: expanded.flatMap((one) => one.trail) };
  const kinds = kindsOf(members, inner);
  const nullable = kinds.has('null');
  const one = [...kinds].filter((kind) => kind !== 'null');
  const kind = one.length === 1 && !expanded.some((part) => part.recursive) ? one[0] : undefined;
  const common = { name, path, nullable, mustBeThere, required: mustBeThere && !nullable };
  const typed = typeOf(kind, members, inner, depth);
  return { ...common, ...typed, ...(typed.type === 'json' ? { kinds } : {}) };
}

type Typed = Pick<ColumnPlan, 'type' | 'children' | 'range' | 'closed'>;
const jsonText: Typed = { type: 'json', children: [] };

function typeOf(kind: Kind | undefined, members: readonly Located[], scope: Scope, depth: number): Typed {
  switch (kind) {
    case 'boolean':
      return { type: 'boolean', children: [] };
    case 'number':
      return { type: 'double', children: [] };
    case 'integer':
      return integerType(members);
    case 'string':
      return { type: stringType(members), children: [] };
    case 'array':
      return listType(members, scope, depth);
    case 'object':
      return objectType(members, scope, depth);
    default:
      return jsonText;
  }
}

function stringType(members: readonly Located[]): ColumnType {
  const names = new Set(
    members.flatMap(({ schema }) => (isObject(schema) ? [schema.format, schema['meta:xdmType']] : [])),
  );
  if (names.has('date-time') && names.has('date')) return 'string';
  if (names.has('date-time')) return 'timestamptz';
  return names.has('date') ? 'date' : 'string';
}

const int32 = { min: -(2n ** 31n), max: 2n ** 31n - 1n };
const int64 = { min: -(2n ** 63n), max: 2n ** 63n - 1n };
/** XDM: byte, short and int are the integers of those sizes. */
const sizes: Readonly<Record<string, { readonly min: bigint; readonly max: bigint }>> = {
  byte: { min: -128n, max: 127n },
  short: { min: -32768n, max: 32767n },
  int: int32,
  int32,
};

/** `int` where its size or its bounds say that 32 bits are enough. */
function integerType(members: readonly Located[]): Typed {
  let { min, max } = int64;
  for (const { schema } of members) {
    if (!isObject(schema)) continue;
    for (const name of [schema['meta:xdmType'], schema.format]) {
      const size = typeof name === 'string' ? sizes[name] : undefined;
      if (size) [min, max] = [larger(min, size.min), smaller(max, size.max)];
    }
    const lower = [boundOf(schema.minimum, Math.ceil), boundOf(schema.exclusiveMinimum, Math.ceil)];
    const upper = [boundOf(schema.maximum, Math.floor), boundOf(schema.exclusiveMaximum, Math.floor)];
    for (const bound of lower) if (bound !== undefined) min = larger(min, bound);
    for (const bound of upper) if (bound !== undefined) max = smaller(max, bound);
  }
  const type = min >= int32.min && max <= int32.max ? 'int' : 'long';
  return { type, children: [], range: { min, max } };
}

function boundOf(value: unknown, round: (value: number) => number): bigint | undefined {
  if (typeof value === 'bigint') return value;
  return typeof value === 'number' && Number.isFinite(value) ? BigInt(round(value)) : undefined;
}

function larger(a: bigint, b: bigint): bigint {
  return a > b ? a : b;
}

function smaller(a: bigint, b: bigint): bigint {
  return a < b ? a : b;
}

/** A list where `items` is one schema for all; tuples and lists of anything are JSON text. */
function listType(members: readonly Located[], scope: Scope, depth: number): Typed {
  const items = members.flatMap((member): Located[] => child(member, 'items'));
  const tuple = members.some(({ schema }) => isObject(schema) && (schema.prefixItems || Array.isArray(schema.items)));
  const typed = items.filter(({ schema }) => isObject(schema) && Object.keys(schema).length > 0);
  if (tuple || typed.length === 0) return jsonText;
  const element = planColumn({ name: 'element', located: typed, mustBeThere: true }, scope, depth + 1);
  return { type: 'list', children: [element] };
}

/**
 * A struct where fields are named; a map where one schema is for all names, also where some names have a stricter one of
 * the same type beside (XDM's identityMap); anything between, and objects of anything, is JSON text.
 */
function objectType(members: readonly Located[], scope: Scope, depth: number): Typed {
  const values = members
    .flatMap((member) => child(member, 'additionalProperties'))
    .filter(({ schema }) => isObject(schema) && Object.keys(schema).length > 0);
  const patterns = members.some(({ schema }) => isObject(schema) && schema.patternProperties !== undefined);
  if (patterns) return jsonText;
  const fields = structFields(members, scope, depth);
  if (values.length === 0) {
    return fields.length > 0 ? { type: 'struct', children: fields, closed: isClosed(members) } : jsonText;
  }
  const value = planColumn({ name: 'value', located: values, mustBeThere: true }, scope, depth + 1);
  if (!fields.every((field) => isSameType(field, value))) return jsonText;
  const never = { required: true, mustBeThere: true, nullable: false };
  const key: ColumnPlan = { name: 'key', type: 'string', ...never, children: [], path: value.path };
  return { type: 'map', children: [key, value] };
}

function isClosed(members: readonly Located[]): boolean {
  return members.some(
    ({ schema }) => isObject(schema) && schema.additionalProperties === false && !schema.patternProperties,
  );
}

function isSameType(a: ColumnPlan, b: ColumnPlan): boolean {
  if (a.type !== b.type || a.nullable !== b.nullable || a.children.length !== b.children.length) return false;
  if (a.range?.min !== b.range?.min || a.range?.max !== b.range?.max) return false;
  return a.children.every((one, index) => {
    const other = b.children[index];
    return other !== undefined && one.name === other.name && one.required === other.required && isSameType(one, other);
  });
}

function structFields(members: readonly Located[], scope: Scope, depth: number): ColumnPlan[] {
  const required = new Set(members.flatMap(({ schema }) => (isObject(schema) ? listOf(schema.required) : [])));
  const byName = new Map<string, Located[]>();
  for (const { schema, pointer } of members) {
    if (!isObject(schema) || !isObject(schema.properties)) continue;
    for (const [name, property] of Object.entries(schema.properties)) {
      checkName(name, pointer);
      if (property === false) continue; // a field that must not be there is no column
      const located = { schema: property, pointer: appendPointer(pointer, 'properties', name) };
      byName.set(name, [...(byName.get(name) ?? []), located]);
    }
  }
  return [...byName].map(([name, located]) =>
    planColumn({ name, located, mustBeThere: required.has(name) }, scope, depth + 1),
  );
}

function checkName(name: string, pointer: string): void {
  if (name === '') throw invalidSchema(pointer, 'properties', 'a field without a name cannot be a column');
  if (name === '__proto__') throw invalidSchema(pointer, 'properties', '"__proto__" cannot be the name of a column');
  if (!name.isWellFormed()) throw invalidSchema(pointer, 'properties', 'a name is no valid Unicode text');
}

function child({ schema, pointer }: Located, keyword: string): Located[] {
  if (!isObject(schema) || schema[keyword] === undefined) return [];
  return [{ schema: schema[keyword], pointer: appendPointer(pointer, keyword) }];
}
