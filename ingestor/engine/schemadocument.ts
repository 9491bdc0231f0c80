/** The text of a JSON Schema as a document: its draft, its places, its references, and what in it cannot be checked. */
import { ForebayError } from '../contract/errors.ts';
import { parseExact } from './exact.ts';
import { isKnownFormat, knownFormats } from './formats.ts';
import { Patterns } from './pattern.ts';
import { References } from './references.ts';
import { plainer } from './rewrite.ts';

export type JsonObject = { readonly [key: string]: unknown };

export interface SchemaDocument {
  readonly draft: 'draft-07' | '2020-12';
  /** As JSON.parse gives it: what ajv compiles. */
  readonly plain: JsonObject;
  /** The same with integers past 2^53 as bigints: what columns and bounds are read from. */
  readonly root: JsonObject;
  /** Where references of `root` lead. */
  readonly references: References;
  readonly patterns: Patterns;
  /** Keywords of it ask for fields or items that no other has looked at. */
  readonly unevaluated: boolean;
}

/** A schema and where it stands. */
export interface Located {
  readonly schema: unknown;
  /** JSON pointer from the root. */
  readonly pointer: string;
}

/** Throws InvalidSchema for text that is no JSON object, of a draft we do not know, or that uses what cannot be checked. */
export function parseSchemaDocument(text: string): SchemaDocument {
  const [plain, root] = parseBoth(text);
  const draft = draftOf(plain.$schema);
  const all = [...places({ schema: root, pointer: '' })];
  const document = {
    draft,
    plain,
    root,
    references: new References(root),
    patterns: new Patterns(),
    unevaluated: false,
  };
  for (const located of all) checkPlace(located, document);
  if (draft === 'draft-07') return document;

  const uses = (keyword: string) => all.some(({ schema }) => isObject(schema) && schema[keyword] !== undefined);
  const unevaluated = ['unevaluatedProperties', 'unevaluatedItems'].filter(uses);
  for (const located of all) checkJudgeable(located, unevaluated);
  const rewrite = (schema: JsonObject) => plainer(schema, unevaluated.length > 0);
  const rewritten = rewrite(root);
  for (const { schema, pointer } of places({ schema: rewritten, pointer: '' })) {
    if (isObject(schema) && schema.$dynamicRef !== undefined) {
      throw invalidSchema(
        pointer,
        '$dynamicRef',
        'is supported only where one schema at most declares its $dynamicAnchor',
      );
    }
  }
  const references = new References(rewritten);
  return { ...document, plain: rewrite(plain), root: rewritten, references, unevaluated: unevaluated.length > 0 };
}

/** One line that names the place and the keyword. */
export function invalidSchema(pointer: string, keyword: string, problem: string, cause?: unknown): ForebayError {
  return new ForebayError(
    'InvalidSchema',
    `schema at ${pointer === '' ? '/' : pointer}, keyword ${keyword}: ${problem}`,
    {
      cause,
    },
  );
}

export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** `~` and `/` in a name are escaped (RFC 6901). */
export function appendPointer(pointer: string, ...names: readonly (string | number)[]): string {
  return names.reduce<string>(
    (path, name) => `${path}/${String(name).replaceAll('~', '~0').replaceAll('/', '~1')}`,
    pointer,
  );
}

/** The names of a JSON pointer. */
export function splitPointer(pointer: string): string[] {
  const names = pointer.split('/').slice(1);
  return names.map((name) => name.replaceAll('~1', '/').replaceAll('~0', '~'));
}

/** The schemas that stand right below this one, where the keywords put them. */
export function* subschemas({ schema, pointer }: Located): Generator<Located> {
  if (!isObject(schema)) return;
  for (const [keyword, value] of Object.entries(schema)) {
    const at = appendPointer(pointer, keyword);
    if (Array.isArray(value) && listKeywords.has(keyword)) {
      for (const [index, item] of value.entries()) yield { schema: item, pointer: appendPointer(at, index) };
    } else if (schemaKeywords.has(keyword)) {
      yield { schema: value, pointer: at };
    } else if (mapKeywords.has(keyword) && isObject(value)) {
      for (const [name, item] of Object.entries(value)) yield { schema: item, pointer: appendPointer(at, name) };
    }
  }
}

const listKeywords = new Set(['allOf', 'anyOf', 'oneOf', 'prefixItems', 'items']);
const schemaKeywords = new Set([
  'items',
  'additionalItems',
  'unevaluatedItems',
  'contains',
  'additionalProperties',
  'unevaluatedProperties',
  'propertyNames',
  'not',
  'if',
  'then',
  'else',
]);
const mapKeywords = new Set([
  'properties',
  'patternProperties',
  'definitions',
  '$defs',
  'dependentSchemas',
  'dependencies',
]);

/** The schema and all below it. */
export function* places(located: Located): Generator<Located> {
  yield located;
  for (const child of subschemas(located)) yield* places(child);
}

function parseBoth(text: string): [JsonObject, JsonObject] {
  const plain = parseObject(text, JSON.parse);
  // Before the other parser, which recurs.
  checkDepth(plain);
  return [plain, parseObject(text, parseExact)];
}

function parseObject(text: string, parse: (text: string) => unknown): JsonObject {
  let value: unknown;
  try {
    value = parse(text);
  } catch (error) {
    throw new ForebayError('InvalidSchema', `schema is no JSON: ${error instanceof Error ? error.message : error}`, {
      cause: error,
    });
  }
  if (!isObject(value)) throw invalidSchema('', 'type', 'the schema must be a JSON object');
  return value;
}

/** Twice what columns may nest: who reads a schema does so by recursion. */
const maxDepth = 256;

function checkDepth(root: JsonObject): void {
  const pending = Object.entries(root).map(([keyword, value]) => ({ keyword, value, depth: 1 }));
  for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
    const { keyword, value, depth } = next;
    if (depth > maxDepth) throw invalidSchema('', keyword, `nests deeper than ${maxDepth} levels`);
    if (typeof value !== 'object' || value === null) continue;
    for (const item of Object.values(value)) pending.push({ keyword, value: item, depth: depth + 1 });
  }
}

/** Draft 06, which XDM names, is judged as draft 07: the newer only adds keywords. Without `$schema` it is 2020-12. */
function draftOf(uri: unknown, pointer = ''): SchemaDocument['draft'] {
  if (uri === undefined) return '2020-12';
  const name = typeof uri === 'string' ? uri.replace(/^https?:\/\//, '').replace(/#$/, '') : '';
  if (name === 'json-schema.org/draft/2020-12/schema') return '2020-12';
  if (name === 'json-schema.org/draft-07/schema' || name === 'json-schema.org/draft-06/schema') return 'draft-07';
  throw invalidSchema(pointer, '$schema', 'must name draft 2020-12, draft-07 or draft-06');
}

/** What ajv would pass over, or name without its place. */
function checkPlace({ schema, pointer }: Located, document: SchemaDocument): void {
  if (!isObject(schema)) return;
  if (typeof schema.format === 'string' && !isKnownFormat(schema.format)) {
    throw invalidSchema(pointer, 'format', `"${schema.format}" is none of ${knownFormats().join(', ')}`);
  }
  if (typeof schema.pattern === 'string') checkPattern(document, pointer, 'pattern', schema.pattern);
  if (isObject(schema.patternProperties)) {
    for (const source of Object.keys(schema.patternProperties))
      checkPattern(document, pointer, 'patternProperties', source);
  }
  if (document.draft === 'draft-07' && schema.$ref !== undefined && schema.$id !== undefined && pointer !== '') {
    throw invalidSchema(pointer, '$id', 'does not count beside $ref in draft-07; remove it');
  }
  for (const keyword of ['$ref', '$dynamicRef']) {
    const reference = schema[keyword];
    const local = typeof reference === 'string' && reference.startsWith('#');
    if (local && !document.references.follow(schema, reference)) {
      throw invalidSchema(pointer, keyword, `"${reference}" is not in the document`);
    }
  }
  // ajv passes over it.
  for (const keyword of ['properties', 'dependencies', 'dependentSchemas']) {
    const value = schema[keyword];
    if (isObject(value) && Object.hasOwn(value, '__proto__')) {
      throw invalidSchema(pointer, keyword, '"__proto__" cannot be the name of a field');
    }
  }
  if (pointer !== '' && schema.$schema !== undefined && draftOf(schema.$schema, pointer) !== document.draft) {
    throw invalidSchema(pointer, '$schema', 'names another draft than the document');
  }
}

/** It does not count what `contains` has looked at, and conditions are rewritten. */
function checkJudgeable({ schema, pointer }: Located, unevaluated: readonly string[]): void {
  if (!isObject(schema)) return;
  if (schema.contains !== undefined && unevaluated.includes('unevaluatedItems')) {
    throw invalidSchema(pointer, 'contains', 'is not supported in a schema that uses unevaluatedItems');
  }
  if (unevaluated.length > 0 && /\/(?:if|then|else|dependentSchemas|dependencies)(?:\/|$)/.test(String(schema.$ref))) {
    throw invalidSchema(pointer, '$ref', `cannot lead into a condition in a schema that uses ${unevaluated[0]}`);
  }
}

function checkPattern({ patterns }: SchemaDocument, pointer: string, keyword: string, source: string): void {
  try {
    patterns.get(source);
  } catch (error) {
    throw invalidSchema(pointer, keyword, error instanceof Error ? error.message : String(error), error);
  }
}
