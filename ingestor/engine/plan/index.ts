/**
 * The plan compiler: from a schema to the checks that a walker does while it reads a record, and the leaves that its
 * values go to. What is not translated exactly is not decided by walkers: `unknown` for a place, `undefined` for all.
 */
import { type ShapeNode, shapeOf } from '../../kernel/shape.ts';
import { type ColumnPlan, planRecord } from '../columns.ts';
import { expand, type Kind, listOf, type Member, type Scope } from '../members.ts';
import type { ColumnType } from '../schema.ts';
import { appendPointer, isObject, type JsonObject, type Located, type SchemaDocument } from '../schemadocument.ts';
import { acceptsNull, allowsAll, isCheckable } from './keywords.ts';
import type { Check, FieldCheck, ListValue, MapValue, Span, StructValue, Value, WalkPlan } from './plan.ts';
import {
  booleanValue,
  dateValue,
  doubleValue,
  integerValue,
  jsonValue,
  mostOfAll,
  spanOf,
  TextChecks,
  textValue,
} from './values.ts';

/** Undefined where no record of the schema can be decided by a walker. */
export function planRecords(document: SchemaDocument): WalkPlan | undefined {
  const { columns } = planRecord(document);
  const shape = shapeOf(columns);
  const place = placeOf([{ schema: document.root, pointer: '' }], {
    document,
    trail: [],
    checks: new TextChecks(document.patterns),
  });
  if (place.recursive || !isKnown(place, ['object'])) return undefined;
  const root = structValue(columns, shape.fields, place);
  return root && { shape, root };
}

interface PlanScope extends Scope {
  readonly checks: TextChecks;
}

/** The schemas that hold at a place. */
interface Place {
  readonly members: readonly Member[];
  /** The schema that all others stand in; none where several were brought together. */
  readonly whole: unknown;
  readonly scope: PlanScope;
  /** A reference leads back to where it came from, so what holds is not known in full. */
  readonly recursive: boolean;
}

/** As `planColumn` of columns.ts takes them together. */
function placeOf(located: readonly Located[], scope: PlanScope): Place {
  const expanded = located.map((one) => expand(one, scope));
  return {
    members: expanded.flatMap((one) => one.located),
    whole: located.length === 1 ? located[0]?.schema : undefined,
    scope: { ...scope, trail: expanded.flatMap((one) => one.trail) },
    recursive: expanded.some((one) => one.recursive),
  };
}

/** All that is asked of values of these kinds can be checked. */
function isKnown({ members, scope, whole }: Place, kinds: Iterable<string>): boolean {
  return [...kinds].every((kind) =>
    members.every((member) => isCheckable(member, kind, scope, member.schema === whole)),
  );
}

function schemasOf({ members }: Place): JsonObject[] {
  return members.map(({ schema }) => schema).filter(isObject);
}

function checkOf(column: ColumnPlan, shape: ShapeNode, place: Place): Check {
  const kinds = column.type === 'json' ? (column.kinds ?? []) : kindsOfColumn[column.type];
  const known = !place.recursive && isKnown(place, kinds);
  const value = known ? translate(column, shape, place) : undefined;
  return { shape, nullable: column.nullable && allowsNull(place), value: value ?? { kind: 'unknown' } };
}

function allowsNull(place: Place): boolean {
  const { members, scope, recursive } = place;
  return !recursive && isKnown(place, ['null']) && members.every((member) => acceptsNull(member, scope));
}

const kindsOfColumn: Readonly<Record<Exclude<ColumnType, 'json'>, readonly Kind[]>> = {
  string: ['string'],
  date: ['string'],
  timestamptz: ['string'],
  int: ['integer'],
  long: ['integer'],
  double: ['number'],
  boolean: ['boolean'],
  list: ['array'],
  struct: ['object'],
  map: ['object'],
};

/** Undefined: not translated. */
function translate(column: ColumnPlan, shape: ShapeNode, place: Place): Value | undefined {
  const schemas = schemasOf(place);
  switch (column.type) {
    case 'string':
      return textValue(schemas, place.scope.checks);
    case 'date':
    case 'timestamptz':
      return dateValue(column, schemas);
    case 'int':
    case 'long':
      return integerValue(column, schemas);
    case 'double':
      return doubleValue(schemas);
    case 'boolean':
      return booleanValue(schemas);
    case 'json':
      return jsonValue(column, schemas);
    case 'list':
      return listValue(column, shape, place);
    case 'map':
      return mapValue(column, shape, place);
    case 'struct':
      return structValue(column.children, shape.children, place);
  }
}

function structValue(
  columns: readonly ColumnPlan[],
  shapes: readonly ShapeNode[],
  place: Place,
): StructValue | undefined {
  const schemas = schemasOf(place);
  const named = new Set(schemas.flatMap(namesOf));
  if (hasChoices(schemas) || requiredNames(schemas).some((name) => !named.has(name))) return undefined;
  const size = spanOf(schemas, 'minProperties', 'maxProperties');
  const required = new Set(requiredNames(schemas));
  const fields = [...named].map((name): FieldCheck => {
    const index = columns.findIndex((column) => column.name === name);
    const [column, shape] = [columns[index], shapes[index]];
    const allowed = column && shape && mayBeThere(name, schemas);
    const check = allowed ? checkOf(column, shape, fieldPlace(name, place)) : never(shape);
    return { name, required: required.has(name), check };
  });
  const closed = schemas.some((schema) => limitsNames(schema) || schema.unevaluatedProperties === false);
  return { kind: 'struct', fields, size, open: !closed && !isLimited(size) };
}

function namesOf({ properties }: JsonObject): string[] {
  return isObject(properties) ? Object.keys(properties) : [];
}

function requiredNames(schemas: readonly JsonObject[]): string[] {
  return schemas.flatMap(({ required }) => listOf(required)).map(String);
}

function hasChoices(schemas: readonly JsonObject[]): boolean {
  return schemas.some((schema) => schema.enum !== undefined || schema.const !== undefined);
}

/** A field whose presence is not decided by walkers. */
function never(shape: ShapeNode | undefined): Check {
  return { shape, nullable: false, value: { kind: 'unknown' } };
}

/** All schemas allow the field: they name it, or any other. */
function mayBeThere(name: string, schemas: readonly JsonObject[]): boolean {
  return schemas.every((schema) => {
    const { properties } = schema;
    if (isObject(properties) && Object.hasOwn(properties, name)) return properties[name] !== false;
    return !limitsNames(schema);
  });
}

/** Says something of fields that it does not name. */
function limitsNames({ additionalProperties: others }: JsonObject): boolean {
  return others !== undefined && !allowsAll(others);
}

function isLimited({ least, most }: Span): boolean {
  return least > 0 || most < mostOfAll;
}

function fieldPlace(name: string, { members, scope }: Place): Place {
  return placeOf(
    members.flatMap((member) => child(member, 'properties', name)),
    scope,
  );
}

/** The schema below it that these names lead to. */
function child({ schema, pointer }: Located, keyword: string, name?: string): Located[] {
  const value = isObject(schema) ? schema[keyword] : undefined;
  if (name === undefined)
    return value === undefined ? [] : [{ schema: value, pointer: appendPointer(pointer, keyword) }];
  if (!isObject(value) || !Object.hasOwn(value, name)) return [];
  return [{ schema: value[name], pointer: appendPointer(pointer, keyword, name) }];
}

function listValue(column: ColumnPlan, shape: ShapeNode, place: Place): ListValue | undefined {
  const { members, scope } = place;
  const schemas = schemasOf(place);
  const [itemColumn, itemShape] = [column.children[0], shape.children[0]];
  if (hasChoices(schemas) || schemas.some(({ items }) => items === false) || !itemColumn || !itemShape)
    return undefined;
  const items = members.flatMap((member) => child(member, 'items'));
  const item = checkOf(itemColumn, itemShape, placeOf(items, scope));
  const { least, most } = spanOf(schemas, 'minItems', 'maxItems');
  const asked = schemas.some(({ uniqueItems }) => uniqueItems === true);
  const unique = asked && writtenOneWay.has(item.value.kind);
  // One item is not the same as any other.
  return { kind: 'list', item, unique, size: { least, most: asked && !unique ? Math.min(most, 1) : most } };
}

/** Kinds of values of which walkers take only one way to write each. */
const writtenOneWay = new Set<Value['kind']>(['text', 'int', 'long', 'boolean', 'date', 'date-time']);

function mapValue(column: ColumnPlan, shape: ShapeNode, place: Place): MapValue | undefined {
  const { members, scope } = place;
  const schemas = schemasOf(place);
  const [valueColumn, valueShape] = [column.children[1], shape.children[1]];
  const closed = schemas.some(
    (schema) => schema.additionalProperties === false || schema.unevaluatedProperties === false,
  );
  if (hasChoices(schemas) || closed) return undefined;
  if (!valueColumn || !valueShape) return undefined;
  const check = (located: Located[]) => checkOf(valueColumn, valueShape, placeOf(located, scope));
  const required = new Set(requiredNames(schemas));
  const fields = [...new Set([...schemas.flatMap(namesOf), ...required])].map((name): FieldCheck => {
    const located = members.flatMap((member) => {
      const own = child(member, 'properties', name);
      return own.length > 0 ? own : child(member, 'additionalProperties');
    });
    const allowed = located.every(({ schema }) => schema !== false);
    return { name, required: required.has(name), check: allowed ? check(located) : never(valueShape) };
  });
  const value = check(members.flatMap((member) => child(member, 'additionalProperties')));
  return { kind: 'map', value, fields, size: spanOf(schemas, 'minProperties', 'maxProperties') };
}
