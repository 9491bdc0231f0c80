/**
 * JSON Schema's keywords about numbers for records whose integers past 2^53 are bigints, which ajv's own take for no
 * numbers. A schema is rewritten to use them under names of their own (`type` becomes `exactType`), so that ajv still
 * does all the rest.
 */
import type { FuncKeywordDefinition } from 'ajv';
import { mapSchemas } from './rewrite.ts';
import { isObject, type JsonObject } from './schemadocument.ts';
import { isMultipleOf, isNumeric, isOneOf, type Numeric } from './values.ts';

/** The same schema with the keywords of `exactKeywords`. */
export function exactly(root: JsonObject): JsonObject {
  return mapSchemas(root, (schema) =>
    Object.fromEntries(
      Object.entries(schema).map(([keyword, value]) => {
        const exact = `exact${keyword.charAt(0).toUpperCase()}${keyword.slice(1)}`;
        return [names.has(exact) ? exact : keyword, value];
      }),
    ),
  );
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
