/**
 * The judge of every record: ajv. One validator finds all errors (to stop at the first would make it no faster on good
 * records); another one, rarely needed, judges integers past 2^53 exactly.
 */
import type { CodeKeywordDefinition, ErrorObject, KeywordCxt, KeywordDefinition, Options, ValidateFunction } from 'ajv';
import { _, Ajv } from 'ajv';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { not } from 'ajv/dist/compile/codegen/index.js';
import { Type } from 'ajv/dist/compile/util.js';
import type { RegExpEngine } from 'ajv/dist/types/index.js';
import type { ForebayError } from '../contract/errors.ts';
import { rounded } from './exact.ts';
import { exactKeywords, exactly } from './exactkeywords.ts';
import { formatPatterns } from './formatpatterns.ts';
import { allFormats } from './formats.ts';
import type { Pattern, Patterns } from './pattern.ts';
import {
  invalidSchema,
  isObject,
  type JsonObject,
  type Located,
  places,
  type SchemaDocument,
  splitPointer,
  subschemas,
} from './schemadocument.ts';
import { hasUniqueItems, isMultipleOf, isOneOf } from './values.ts';

export interface Judge {
  /** Why the record is not what the schema allows; empty when it is. Integers past 2^53 are judged as rounded. */
  errors(record: unknown): readonly ErrorObject[];
  /** The same for a record whose integers past 2^53 are bigints. */
  exactErrors(record: unknown): readonly ErrorObject[];
}

/** Throws InvalidSchema that names the place and the keyword. `isKnown`: see `createExaminer`. */
export function createJudge(document: SchemaDocument, isKnown = false): Judge {
  const options = { allErrors: true, verbose: true };
  const validate = compile(document, document.plain, { ...options, validateSchema: !isKnown });
  let exact: ErrorsOf | undefined;
  const errors: ErrorsOf = (record) => (validate(record) ? [] : (validate.errors ?? []));
  return {
    errors,
    exactErrors(record) {
      exact ??= compileExact(document) ?? ((exactRecord) => errors(rounded(exactRecord)));
      return exact(record);
    },
  };
}

/** Fewer branches than this exhaust no stack. */
const mostNested = 500;

/** The keyword of a schema with the most fields or branches. */
function widthOf({ schema }: Located): { keyword: string; count: number } {
  const widths = Object.entries(isObject(schema) ? schema : {}).map(([keyword, value]) => {
    const nested = branching.has(keyword) && typeof value === 'object' && value !== null;
    return { keyword, count: nested ? Object.keys(value).length : 0 };
  });
  return widths.reduce((widest, one) => (one.count > widest.count ? one : widest), { keyword: '$ref', count: 0 });
}

const branching = new Set(['properties', 'patternProperties', 'allOf', 'anyOf', 'oneOf', 'prefixItems', 'items']);

type ErrorsOf = (record: unknown) => readonly ErrorObject[];

/** Undefined for the odd schema that cannot be rewritten (it refers into places that are no schemas). */
function compileExact(document: SchemaDocument): ErrorsOf | undefined {
  try {
    const options = { allErrors: true, verbose: true, validateSchema: false };
    const validate = compile(document, exactly(document.root), options);
    return (record) => (validate(record) ? [] : (validate.errors ?? []));
  } catch {
    return undefined;
  }
}

function compile(document: SchemaDocument, written: JsonObject, options: Options): ValidateFunction {
  const ajv = createAjv(document, options);
  const schema = { ...written, $schema: dialects[document.draft] };
  if (options.validateSchema !== false && !ajv.validateSchema(schema)) throw refusedByMetaSchema(ajv.errors ?? []);
  try {
    return ajv.compile(schema);
  } catch (error) {
    throw refusedByCompiler(document, error);
  }
}

/** As ajv knows them; schemas may write `https`, leave out the `#`, or name draft 06. */
const dialects: Readonly<Record<SchemaDocument['draft'], string>> = {
  'draft-07': 'http://json-schema.org/draft-07/schema#',
  '2020-12': 'https://json-schema.org/draft/2020-12/schema',
};

function createAjv(document: SchemaDocument, options: Options): Ajv {
  const all: Options = {
    // Unknown keywords are annotations (XDM has many); unknown formats were refused before.
    strictSchema: false,
    strictTypes: false,
    strictTuples: false,
    strictRequired: false,
    allowUnionTypes: true,
    formats: allFormats(),
    logger: false,
    // Slower, and only needed where the schema speaks of names that every object inherits.
    ownProperties: namesInherited(document),
    code: { regExp: patternEngine(document.patterns) },
    ...(document.draft === 'draft-07' ? { ignoreKeywordsWithRef: true } : {}),
    ...options,
  };
  const ajv = document.draft === 'draft-07' ? new Ajv(all) : new Ajv2020(all);
  const own = document.draft === 'draft-07' ? [...ownKeywords, ...contentKeywords] : [...ownKeywords, unevaluatedItems];
  for (const keyword of [...own, patternKeyword(document.patterns)])
    ajv.removeKeyword(String(keyword.keyword)).addKeyword(keyword);
  for (const keyword of exactKeywords) ajv.addKeyword(keyword);
  // Ajv2020 always keeps account of it.
  if (document.draft === '2020-12') ajv.opts.unevaluated = document.unevaluated;
  if (document.unevaluated) for (const name of ['anyOf', 'oneOf']) startAccount(ajv, name);
  return ajv;
}

/**
 * In place of ajv's. Its comparison of values calls `toString` of the record's objects, which a record may have as a
 * field; its `multipleOf` divides doubles.
 */
const ownKeywords: readonly KeywordDefinition[] = [
  lengthKeyword('minLength'),
  lengthKeyword('maxLength'),
  { keyword: 'multipleOf', type: 'number', schemaType: 'number', validate: isMultipleOf },
  {
    keyword: 'enum',
    schemaType: 'array',
    compile: (values: readonly unknown[]) => isOneOf(values),
    error: { message: 'must be one of the allowed values' },
  },
  { keyword: 'const', compile: (value: unknown) => isOneOf([value]) },
  { keyword: 'uniqueItems', type: 'array', schemaType: 'boolean', validate: hasUniqueItems },
];

/**
 * In place of ajv's, which compares what branches have looked at (a number of items, `true` for all, undefined for none) as
 * a number.
 */
const unevaluatedItems: CodeKeywordDefinition = {
  keyword: 'unevaluatedItems',
  type: 'array',
  schemaType: ['boolean', 'object'],
  code(context: KeywordCxt) {
    const { gen, schema, data, it } = context;
    const { items = 0 } = it;
    it.items = true;
    if (items === true || schema === true) return;
    const count = gen.const('count', _`${data}.length`);
    const from = gen.const('from', _`${items} === true ? ${count} : ${items} || 0`);
    const valid = gen.var('valid', true);
    gen.forRange('index', from, count, (index) => {
      context.subschema({ keyword: 'unevaluatedItems', dataProp: index, dataPropType: Type.Num }, valid);
      if (!it.allErrors) gen.if(not(valid), () => gen.break());
    });
    context.ok(valid);
  },
  error: { message: 'must NOT have items that no schema looks at' },
};

/**
 * What the first branch has looked at ajv keeps account of in a variable that it goes on with, also where the branch does not
 * hold. With one from the start, it adds what the branches that hold have looked at.
 */
function startAccount(ajv: Ajv, name: string): void {
  const definition = ajv.getKeyword(name);
  if (typeof definition !== 'object' || !('code' in definition) || typeof definition.code !== 'function') return;
  const { code } = definition;
  ajv.removeKeyword(name).addKeyword({
    ...definition,
    code(context: KeywordCxt, rule?: string) {
      const { it, gen } = context;
      it.props ??= gen.var('props', _`{}`);
      it.items ??= gen.var('items', 0);
      code.call(definition, context, rule);
    },
  });
}

/** Draft 07 lets these be checked; in 2020-12 they are annotations. Other encodings and media types are not known here. */
const contentKeywords: readonly KeywordDefinition[] = [
  {
    keyword: 'contentEncoding',
    type: 'string',
    validate: (encoding: unknown, text: string) => encoding !== 'base64' || isBase64.test(text),
    error: { message: 'must be encoded as contentEncoding says' },
  },
  {
    keyword: 'contentMediaType',
    type: 'string',
    validate: (type: unknown, text: string, { contentEncoding: encoding }: JsonObject = {}) => {
      if (type !== 'application/json' || (encoding !== undefined && encoding !== 'base64')) return true;
      return isJson(encoding === undefined ? text : Buffer.from(text, 'base64').toString());
    },
    error: { message: 'must be what contentMediaType says' },
  },
];

const isBase64 = new RegExp(formatPatterns.byte, 'u');

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

/** Length in code points, counted only where the number of UTF-16 units leaves it open: ajv's own halves its speed. */
function lengthKeyword(keyword: 'minLength' | 'maxLength'): CodeKeywordDefinition {
  return {
    keyword,
    type: 'string',
    schemaType: 'number',
    code(context: KeywordCxt) {
      const { data, schemaCode, gen } = context;
      const count = gen.scopeValue('func', { ref: codePointCount, key: codePointCount });
      const units = _`${data}.length`;
      if (keyword === 'minLength') {
        context.fail(
          _`${units} < ${schemaCode} || (${units} < 2 * ${schemaCode} && ${count}(${data}) < ${schemaCode})`,
        );
      } else {
        context.fail(
          _`${units} > ${schemaCode} && (${units} > 2 * ${schemaCode} || ${count}(${data}) > ${schemaCode})`,
        );
      }
    },
    error: {
      message: ({ schema }) =>
        `must NOT have ${keyword === 'minLength' ? 'fewer' : 'more'} than ${String(schema)} characters`,
    },
  };
}

function codePointCount(text: string): number {
  let count = text.length;
  for (let at = 0; at + 1 < text.length; at += 1) {
    if ((text.charCodeAt(at) & 0xfc00) === 0xd800 && (text.charCodeAt(at + 1) & 0xfc00) === 0xdc00) count -= 1;
  }
  return count;
}

/** In place of ajv's, which bears no more than some thousand patterns: all of them are one value for its code. */
function patternKeyword(patterns: Patterns): CodeKeywordDefinition {
  const used: Pattern[] = [];
  return {
    keyword: 'pattern',
    type: 'string',
    schemaType: 'string',
    code(context: KeywordCxt) {
      const { gen, data, schema } = context;
      const list = gen.scopeValue('pattern', { ref: used, key: used });
      const index = used.push(patterns.get(schema)) - 1;
      context.fail(_`!${list}[${index}].test(${data})`);
    },
    error: {
      message: ({ schema }) => `must match pattern "${String(schema)}"`,
      params: ({ schema }) => _`{pattern: ${schema}}`,
    },
  };
}

/** For patternProperties. ajv tells patterns apart by their text form. */
function patternEngine(patterns: Patterns): RegExpEngine {
  const compile = (source: string) => {
    const pattern = patterns.get(source);
    return { test: (text: string) => pattern.test(text), toString: () => source };
  };
  return Object.assign(compile, { code: 'compilePattern' });
}

function namesInherited(document: SchemaDocument): boolean {
  const text = JSON.stringify(document.plain);
  return Object.getOwnPropertyNames(Object.prototype).some((name) => text.includes(JSON.stringify(name)));
}

/** The deepest place the meta-schema complains about: those above follow from it. */
function refusedByMetaSchema(errors: readonly ErrorObject[]): ForebayError {
  const [first] = [...errors].sort((a, b) => b.instancePath.length - a.instancePath.length);
  const names = splitPointer(first?.instancePath ?? '');
  const keyword = names.at(-1) ?? '$schema';
  const pointer = (first?.instancePath ?? '').split('/').slice(0, -1).join('/');
  return invalidSchema(pointer, keyword, first?.message ?? 'is not valid');
}

/** ajv's compiler throws without a place, mostly for references: look for what it names. */
function refusedByCompiler(document: SchemaDocument, error: unknown): ForebayError {
  const message = error instanceof Error ? error.message : String(error);
  if (error instanceof RangeError) return tooLarge(document, error);
  const twice = /reference "(.*)" resolves to more than one schema/.exec(message)?.[1];
  if (twice !== undefined) return invalidSchema('', '$id', `"${twice}" is the name of more than one schema`, error);
  const reference = /can't resolve reference (\S+)/.exec(message)?.[1];
  const place = reference === undefined ? undefined : findReference(document.root, '', reference);
  if (place === undefined) return invalidSchema('', '$schema', message, error);
  const problem = `"${reference}" is not in the document; only references within it are followed`;
  return invalidSchema(place, '$ref', problem, error);
}

/** The stack is exhausted: by references in a circle, or where most stands at one place. */
function tooLarge({ root }: SchemaDocument, error: RangeError): ForebayError {
  const all = [...places({ schema: root, pointer: '' })].map((place) => ({ ...place, ...widthOf(place) }));
  const [widest] = all.sort((a, b) => b.count - a.count);
  if (!widest || widest.count <= mostNested) {
    return invalidSchema('', '$ref', 'schemas refer to each other in a circle', error);
  }
  return invalidSchema(widest.pointer, widest.keyword, `has ${widest.count} branches, more than can be judged`, error);
}

function findReference(schema: unknown, pointer: string, reference: string): string | undefined {
  if (isObject(schema) && [schema.$ref, schema.$dynamicRef].includes(reference)) return pointer;
  for (const child of subschemas({ schema, pointer })) {
    const found = findReference(child.schema, child.pointer, reference);
    if (found !== undefined) return found;
  }
  return undefined;
}
