/** Which of a schema's keywords a walker can check. Those that ajv does not know are annotations. */
import { expand, type Kind, kindsOf, listOf, type Member, type Scope } from '../members.ts';
import { isObject, type JsonObject } from '../schemadocument.ts';

/** What a walker checks, by the kind of values that it speaks of; `format` as far as it is of texts. */
const checked = {
  any: ['type', 'enum', 'const', '$ref', 'allOf', 'anyOf', 'oneOf', 'format'],
  number: ['minimum', 'maximum', 'exclusiveMinimum', 'exclusiveMaximum'],
  string: ['minLength', 'maxLength', 'pattern'],
  // Draft 07: `additionalItems` counts beside a list of `items` only, which makes the list JSON text.
  array: ['items', 'additionalItems', 'minItems', 'maxItems', 'uniqueItems'],
  object: ['properties', 'additionalProperties', 'required', 'minProperties', 'maxProperties'],
};

/** What else ajv checks. */
const unchecked = {
  any: ['not', 'if', 'then', 'else', 'nullable', 'discriminator', '$dynamicRef', '$recursiveRef', '$async', 'id'],
  number: ['multipleOf'],
  // Of draft 07.
  string: ['contentEncoding', 'contentMediaType'],
  array: ['prefixItems', 'contains', 'minContains', 'maxContains', 'unevaluatedItems'],
  object: [
    'patternProperties',
    'propertyNames',
    'dependencies',
    'dependentRequired',
    'dependentSchemas',
    'unevaluatedProperties',
  ],
};

interface Assertion {
  readonly of: string;
  readonly checked: boolean;
}

const assertions: ReadonlyMap<string, Assertion> = new Map(
  [checked, unchecked].flatMap((table) =>
    Object.entries(table).flatMap(([of, keywords]) =>
      keywords.map((keyword): [string, Assertion] => [keyword, { of, checked: table === checked }]),
    ),
  ),
);

/** What ajv knows and what asserts nothing. */
export const annotations: ReadonlySet<string> = new Set([
  '$schema',
  '$id',
  '$anchor',
  '$dynamicAnchor',
  '$recursiveAnchor',
  '$vocabulary',
  '$comment',
  '$defs',
  'definitions',
  'title',
  'description',
  'default',
  'deprecated',
  'readOnly',
  'writeOnly',
  'examples',
  'contentSchema',
]);

export function isAssertion(keyword: string): boolean {
  return assertions.has(keyword);
}

/**
 * True when a walker can check all that the schema asks of values of this kind. `null` stands for what is asked of null:
 * all that is said of other kinds is met by it. `whole`: all other schemas of the place stand in this one, so that what
 * any of them looks at counts for its `unevaluatedProperties`.
 */
export function isCheckable(member: Member, kind: string, scope: Scope, whole: boolean): boolean {
  const { schema } = member;
  if (!isObject(schema)) return false;
  return Object.keys(schema).every((keyword) => {
    const assertion = assertions.get(keyword);
    const { of } = assertion ?? {};
    if (!assertion || (of !== 'any' && of !== (kind === 'integer' ? 'number' : kind))) return true;
    if (keyword === '$ref') return isFollowed(schema, scope);
    if (keyword === 'unevaluatedProperties') return whole && typeof schema[keyword] === 'boolean';
    if (keyword === 'anyOf' || keyword === 'oneOf') return isNullPattern(member, scope);
    return assertion.checked;
  });
}

function isFollowed(schema: JsonObject, { document }: Scope): boolean {
  return typeof schema.$ref === 'string' && document.references.follow(schema, schema.$ref) !== undefined;
}

/** `anyOf` or `oneOf` of one schema, or of one and null: what `expand` takes for the schema itself, or null. */
function isNullPattern({ schema, pointer }: Member, scope: Scope): boolean {
  if (!isObject(schema) || (schema.anyOf !== undefined && schema.oneOf !== undefined)) return false;
  const branches = listOf(schema.anyOf ?? schema.oneOf);
  const others = branches.filter((branch) => !isJustNull(branch));
  if (others.length !== 1 || branches.length > 2) return false;
  const kinds = kindsOfBranch({ schema: others[0], pointer }, scope);
  return kinds === undefined || [...kinds].some((kind) => kind !== 'null');
}

/** Null and nothing else, in the forms that need no more thought. */
function isJustNull(schema: unknown): boolean {
  if (!isObject(schema)) return false;
  const [keyword, ...more] = Object.keys(schema).filter(isAssertion);
  if (keyword === undefined || more.length > 0) return false;
  const value = schema[keyword];
  if (keyword === 'type') return value === 'null';
  if (keyword === 'const') return value === null;
  return keyword === 'enum' && Array.isArray(value) && value.length === 1 && value[0] === null;
}

/** Undefined: all. */
function kindsOfBranch(branch: Member, scope: Scope): ReadonlySet<Kind> | undefined {
  const { located, trail, recursive } = expand(branch, scope);
  return recursive ? undefined : kindsOf(located, { ...scope, trail });
}

/** True when the schema accepts null; of one in which all that is asked of null can be checked. */
export function acceptsNull(member: Member, scope: Scope): boolean {
  const { schema, orNull } = member;
  if (orNull) return true;
  if (!isObject(schema)) return false;
  const { type, enum: values, const: value, oneOf } = schema;
  if (type !== undefined && type !== 'null' && !listOf(type).includes('null')) return false;
  if (values !== undefined && !listOf(values).includes(null)) return false;
  if (value !== undefined && value !== null) return false;
  // Exactly one of `oneOf`: where one is null the other must not accept it too.
  const branches = listOf(oneOf);
  if (branches.length < 2) return true;
  return branches.every((branch) => {
    if (isJustNull(branch)) return true;
    return kindsOfBranch({ schema: branch, pointer: '' }, scope)?.has('null') === false;
  });
}

/** True when a schema says nothing of values but which kinds they may be of. */
export function asksOnlyType(schema: JsonObject): boolean {
  return Object.entries(schema).every(([keyword, value]) => {
    if (!isAssertion(keyword) || typeKeywords.has(keyword)) return true;
    if (keyword === 'additionalProperties' || keyword === 'items') return allowsAll(value);
    return keyword === 'properties' && isObject(value) && Object.keys(value).length === 0;
  });
}

const typeKeywords = new Set(['type', '$ref', 'allOf', 'anyOf', 'oneOf']);

/** The schema that asks nothing at all. */
export function allowsAll(schema: unknown): boolean {
  return schema === true || (isObject(schema) && Object.keys(schema).length === 0);
}
