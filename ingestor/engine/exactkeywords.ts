/**
 * JSON Schema's keywords about numbers for records whose integers past 2^53 are bigints, which ajv's own take for no
 * numbers. A schema is rewritten to use them under names of their own (`type` becomes `exactType`), so that ajv still
 * does all the rest.
 */
import type { FuncKeywordDefinition } from 'ajv';
import { appendPointer, isObject, type JsonObject, subschemas } from './schemadocument.ts';
import { isMultipleOf, isNumeric, isOneOf, type Numeric } from './values.ts';

/** The same schema with the keywords of `exactKeywords`. */
export function exactly(root: JsonObject): JsonObject {
  const copy: unknown = rename(root, '');
  return isObject(copy) ? copy : root;
}

/** `exactType` -> `type`. */
export function plainKeyword(keyword: string): string {
  const name = keyword.slice('exact'.length);
  return names.has(keyword) ? `${name.charAt(0).toLowerCase()}${name.slice(1)}` : keyword;
}

export const exactKeywords: readonly FuncKeywordDefinition[] = [
  { keyword: 'exactType', validate: hasType },
  { keyword: 'exactEnum', compile: (values: readonly unknown[]) => isOneOf(values) },
  { keyword: 'exactConst', compile: (value: unknown) => isOneOf([value]) },
  { keyword: 'exactMinimum', validate: (bound: Numeric, value: unknown) => !isNumeric(value) || value >= bound },
  { keyword: 'exactMaximum', validate: (bound: Numeric, value: unknown) => !isNumeric(value) || value <= bound },
  {
    keyword: 'exactExclusiveMinimum',
    validate: (bound: Numeric, value: unknown) => !isNumeric(value) || value > bound,
  },
  {
    keyword: 'exactExclusiveMaximum',
    validate: (bound: Numeric, value: unknown) => !isNumeric(value) || value < bound,
  },
  { keyword: 'exactMultipleOf', validate: isMultipleOf },
];

const names = new Set(exactKeywords.map(({ keyword }) => String(keyword)));

function rename(schema: unknown, pointer: string): unknown {
  if (!isObject(schema)) return schema;
  const below = new Map([...subschemas({ schema, pointer })].map((child) => [child.pointer, child.schema]));
  const entries = Object.entries(schema).map(([keyword, value]): [string, unknown] => {
    const at = appendPointer(pointer, keyword);
    const exact = `exact${keyword.charAt(0).toUpperCase()}${keyword.slice(1)}`;
    if (names.has(exact)) return [exact, value];
    return [keyword, renameBelow(value, at, below)];
  });
  return Object.fromEntries(entries);
}

/** A keyword's value: a schema, a list or a map of them, or anything else, which stays. */
function renameBelow(value: unknown, at: string, below: ReadonlyMap<string, unknown>): unknown {
  if (below.has(at)) return rename(value, at);
  if (Array.isArray(value)) return value.map((item, index) => renameChild(item, appendPointer(at, index), below));
  if (!isObject(value)) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, item]) => [name, renameChild(item, appendPointer(at, name), below)]),
  );
}

function renameChild(item: unknown, at: string, below: ReadonlyMap<string, unknown>): unknown {
  return below.has(at) ? rename(item, at) : item;
}

function hasType(types: string | readonly string[], value: unknown): boolean {
  const list: readonly string[] = typeof types === 'string' ? [types] : types;
  return list.some((type) => {
    if (type === 'null') return value === null;
    if (type === 'array') return Array.isArray(value);
    if (type === 'object') return isObject(value);
    if (type === 'number') return typeof value === 'bigint' || Number.isFinite(value);
    if (type === 'integer') return typeof value === 'bigint' || Number.isInteger(value);
    return typeof value === type;
  });
}
