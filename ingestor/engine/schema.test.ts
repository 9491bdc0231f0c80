import { createHash } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { ForebayError } from '../contract/errors.ts';
import { parseExact } from './exact.ts';
import { type Column, compileSchema } from './schema.ts';

const draft07 = 'http://json-schema.org/draft-07/schema#';

/** `name!:type(children)`, `!` for required. */
function sketch(columns: readonly Column[]): string {
  return columns
    .map(({ name, required, type, children }) => {
      const inside = children.length > 0 ? `(${sketch(children)})` : '';
      return `${name}${required ? '!' : ''}:${type}${inside}`;
    })
    .join(' ');
}

function compileText(schema: object, behavior: 'Record' | 'TimeSeries' = 'Record') {
  return compileSchema(JSON.stringify(schema), behavior);
}

function columnOf(schema: object | boolean, root: object = {}): string {
  return sketch(
    compileText({ ...root, type: 'object', properties: { a: schema, z: { type: 'boolean' } } }).columns,
  ).replace(/ z:boolean$/, '');
}

describe('columns', () => {
  test.each([
    [{ type: 'string' }, 'a:string'],
    [{ type: 'boolean' }, 'a:boolean'],
    [{ type: 'integer' }, 'a:long'],
    [{ type: 'integer', minimum: 0 }, 'a:long'],
    [{ type: 'integer', minimum: 0, maximum: 100 }, 'a:int'],
    [{ type: 'integer', minimum: -2147483648, maximum: 2147483647 }, 'a:int'],
    [{ type: 'integer', minimum: -2147483649, maximum: 2147483647 }, 'a:long'],
    [{ type: 'integer', exclusiveMinimum: 0, exclusiveMaximum: 10.5 }, 'a:int'],
    [{ type: 'integer', 'meta:xdmType': 'int' }, 'a:int'],
    [{ type: 'integer', 'meta:xdmType': 'short' }, 'a:int'],
    [{ type: 'integer', 'meta:xdmType': 'long' }, 'a:long'],
    [{ type: 'integer', format: 'int32' }, 'a:int'],
    [{ type: 'number' }, 'a:double'],
    [{ type: ['integer', 'number'] }, 'a:double'],
    [{ type: 'string', format: 'date' }, 'a:date'],
    [{ type: 'string', format: 'date-time' }, 'a:timestamptz'],
    [{ type: 'string', 'meta:xdmType': 'date-time' }, 'a:timestamptz'],
    [{ type: 'string', format: 'uuid' }, 'a:string'],
    [{ type: ['string', 'null'] }, 'a:string'],
    [{ enum: ['x', 'y'] }, 'a:string'],
    [{ enum: ['x', null] }, 'a:string'],
    [{ enum: [1, 2] }, 'a:long'],
    [{ enum: ['x', 1] }, 'a:json'],
    [{ const: 'x' }, 'a:string'],
    [{ type: ['string', 'integer'] }, 'a:json'],
    [{}, 'a:json'],
    [true, 'a:json'],
    [{ minLength: 3 }, 'a:json'],
    [{ type: 'null' }, 'a:json'],
    [{ type: 'array', items: { type: 'string' } }, 'a:list(element!:string)'],
    [{ type: 'array', items: { type: ['string', 'null'] } }, 'a:list(element:string)'],
    [{ type: 'array', items: { type: 'array', items: { type: 'integer' } } }, 'a:list(element!:list(element!:long))'],
    [{ type: 'array' }, 'a:json'],
    [{ type: 'array', items: {} }, 'a:json'],
    [{ type: 'array', prefixItems: [{ type: 'string' }] }, 'a:json'],
    [{ type: 'object', additionalProperties: { type: 'integer' } }, 'a:map(key!:string value!:long)'],
    [{ type: 'object', additionalProperties: { type: ['number', 'null'] } }, 'a:map(key!:string value:double)'],
    [{ type: 'object' }, 'a:json'],
    [{ type: 'object', additionalProperties: false }, 'a:json'],
    [{ type: 'object', properties: { b: { type: 'string' } }, required: ['b'] }, 'a:struct(b!:string)'],
    [{ type: 'object', properties: { b: { type: 'string' } }, additionalProperties: { type: 'integer' } }, 'a:json'],
    [
      { type: 'object', properties: { b: { type: 'string', minLength: 1 } }, additionalProperties: { type: 'string' } },
      'a:map(key!:string value!:string)',
    ],
    [{ type: 'object', properties: { b: { type: 'string' } }, patternProperties: { '^x': {} } }, 'a:json'],
    [{ properties: { b: { type: 'string' } } }, 'a:json'],
    [{ anyOf: [{ type: 'string', format: 'date' }, { type: 'null' }] }, 'a:date'],
    [{ oneOf: [{ type: 'integer' }, { const: null }] }, 'a:long'],
    [
      {
        anyOf: [
          { type: 'string', format: 'email' },
          { type: 'string', format: 'uri' },
        ],
      },
      'a:string',
    ],
    [{ anyOf: [{ type: 'string' }, { type: 'integer' }] }, 'a:json'],
    [{ type: 'string', anyOf: [{ minLength: 3 }, { pattern: '^x' }] }, 'a:string'],
    [{ allOf: [{ type: 'integer' }, { minimum: 0 }, { maximum: 9 }] }, 'a:int'],
    [
      {
        allOf: [
          { type: 'object', properties: { b: { type: 'string' } } },
          { properties: { c: { type: 'number' } }, required: ['c'] },
        ],
      },
      'a:struct(b:string c!:double)',
    ],
  ])('%j becomes %s', (schema, expected) => {
    expect(columnOf(schema)).toBe(expected);
  });

  test('fields keep the order of properties, and required ones are required unless they may be null', () => {
    const schema = {
      type: 'object',
      required: ['b', 'c'],
      properties: { b: { type: 'string' }, a: { type: 'string' }, c: { type: ['string', 'null'] } },
    };
    expect(sketch(compileText(schema).columns)).toBe('b!:string a:string c:string');
  });

  test('a field that must not be there is no column', () => {
    expect(sketch(compileText({ properties: { a: { type: 'string' }, b: false } }).columns)).toBe('a:string');
  });

  test('references are followed, by pointer and by anchor', () => {
    const root = { $defs: { x: { type: 'integer' }, 'y/~': { $anchor: 'why', type: 'boolean' } } };
    expect(columnOf({ $ref: '#/$defs/x' }, root)).toBe('a:long');
    expect(columnOf({ $ref: '#/$defs/y~1~0' }, root)).toBe('a:boolean');
    expect(columnOf({ $ref: '#why' }, root)).toBe('a:boolean');
    expect(columnOf({ $ref: '#/$defs/x', minimum: 0, maximum: 9 }, root)).toBe('a:int');
    expect(columnOf({ $ref: 'https://example.com/s#/$defs/x' }, { ...root, $id: 'https://example.com/s' })).toBe(
      'a:long',
    );
  });

  test('draft 07 passes over what stands beside a reference', () => {
    const root = { $schema: draft07, definitions: { x: { type: 'integer' } } };
    expect(columnOf({ $ref: '#/definitions/x', minimum: 0, maximum: 9 }, root)).toBe('a:long');
  });

  test('where a schema refers to itself, JSON text begins', () => {
    const tree = {
      type: 'object',
      properties: { v: { type: 'integer' }, kids: { type: 'array', items: { $ref: '#/$defs/tree' } } },
    };
    expect(columnOf({ $ref: '#/$defs/tree' }, { $defs: { tree } })).toBe('a:struct(v:long kids:list(element:json))');
    expect(
      columnOf(
        { $ref: '#/$defs/loop' },
        { $defs: { loop: { anyOf: [{ $ref: '#/$defs/loop' }, { type: 'string' }] } } },
      ),
    ).toBe('a:json');
  });

  test('columns tell where the schema describes them', () => {
    const schema = {
      $defs: { x: { type: 'object', properties: { y: { type: 'string' } } } },
      properties: { a: { $ref: '#/$defs/x' } },
    };
    const [column] = compileText(schema).columns;
    expect([column?.path, column?.children[0]?.path]).toEqual(['/properties/a', '/$defs/x/properties/y']);
  });

  test('fields are counted as leaves, and the digest is that of the text', () => {
    const text = JSON.stringify({
      properties: {
        a: { type: 'string' },
        b: { type: 'object', properties: { c: { type: 'string' }, d: { type: 'array', items: { type: 'string' } } } },
        m: { type: 'object', additionalProperties: { type: 'string' } },
      },
    });
    const compiled = compileSchema(text, 'Record');
    expect(compiled.fields).toBe(4);
    expect(compiled.digest).toBe(createHash('sha256').update(text).digest('hex'));
  });
});

describe('schemas that are refused', () => {
  const object = (properties: object, rest: object = {}) => JSON.stringify({ type: 'object', properties, ...rest });
  test.each([
    ['{', 'schema is no JSON'],
    ['[]', 'schema at /, keyword type: the schema must be a JSON object'],
    ['{"type":"string"}', 'schema at /, keyword type: a record is an object'],
    ['{"type":"object"}', 'schema at /, keyword properties: names no fields'],
    [object({ a: { type: 'strin' } }), 'schema at /properties/a, keyword type: must be'],
    [object({ 'x/y': { minLength: -1 } }), 'schema at /properties/x~1y, keyword minLength: must be >= 0'],
    [object({ a: {} }, { required: 'a' }), 'schema at /, keyword required: must be array'],
    [
      object({ a: { items: { format: 'e-mail' } } }),
      'schema at /properties/a/items, keyword format: "e-mail" is none of',
    ],
    [object({ a: { pattern: '[' } }), 'schema at /properties/a, keyword pattern: Invalid regular expression'],
    [object({ a: { pattern: '(?=x)' } }), 'schema at /properties/a, keyword pattern: lookahead'],
    [
      object({ a: { patternProperties: { '(a)\\1': {} } } }),
      'schema at /properties/a, keyword patternProperties: back references',
    ],
    [
      object({ a: { $ref: '#/$defs/no' } }),
      'schema at /properties/a, keyword $ref: "#/$defs/no" is not in the document',
    ],
    [
      object({ a: { $ref: 'https://ns.example.com/x' } }),
      'schema at /properties/a, keyword $ref: "https://ns.example.com/x" is not',
    ],
    [
      object({ a: {} }, { $schema: 'http://json-schema.org/draft-04/schema#' }),
      'schema at /, keyword $schema: must name draft',
    ],
    [object({ a: { $dynamicRef: '#x' } }), 'schema at /properties/a, keyword $dynamicRef: "#x" is not in the document'],
    [
      object({ a: { $id: 'b', $dynamicAnchor: 'x', items: { $dynamicRef: '#x' } }, c: { $dynamicAnchor: 'x' } }),
      'schema at /properties/a/items, keyword $dynamicRef: is supported only where one schema at most declares',
    ],
    [
      object({ a: { unevaluatedItems: false, contains: {} } }),
      'schema at /properties/a, keyword contains: is not supported in a schema that uses unevaluatedItems',
    ],
    [
      object({ a: { unevaluatedProperties: false, if: {}, $ref: '#/properties/a/if' } }),
      'schema at /properties/a, keyword $ref: cannot lead into a condition',
    ],
    [
      '{"properties":{"a":{"properties":{"__proto__":{"type":"string"}}}}}',
      'schema at /properties/a, keyword properties: "__proto__" cannot be the name of a field',
    ],
    [
      object({ a: { $schema: 'http://json-schema.org/draft-07/schema#' } }),
      'schema at /properties/a, keyword $schema: names another draft than the document',
    ],
    [
      object({ a: { $id: 'http://localhost/a' }, b: { $id: 'http://localhost/a', type: 'string' } }),
      'keyword $id: "http://localhost/a" is the name of more than one schema',
    ],
    [object({ '': {} }), 'schema at /, keyword properties: a field without a name'],
    ['{"properties":{"__proto__":{"type":"string"}}}', 'schema at /, keyword properties: "__proto__"'],
  ])('%s: %s', (text, message) => {
    expect(() => compileSchema(text, 'Record')).toThrow(ForebayError);
    expect(() => compileSchema(text, 'Record')).toThrow(message);
  });

  test('nesting without end', () => {
    let schema: object = { type: 'string' };
    for (let level = 0; level < 100; level += 1) schema = { type: 'array', items: schema };
    expect(() => columnOf(schema)).toThrow('nests deeper than 64 levels');
  });

  test.each([
    [
      { properties: { _id: { type: 'string' } }, required: ['_id'] },
      'keyword properties: a TimeSeries has a field "timestamp"',
    ],
    [
      {
        properties: { _id: { type: 'integer' }, timestamp: { type: 'string', format: 'date-time' } },
        required: ['_id', 'timestamp'],
      },
      'schema at /properties/_id, keyword type: "_id" of a TimeSeries is text',
    ],
    [
      {
        properties: { _id: { type: 'string' }, timestamp: { type: 'string', format: 'date-time' } },
        required: ['_id'],
      },
      'keyword required: "timestamp" of a TimeSeries is required',
    ],
  ])('a time series that is none: %j', (schema, message) => {
    expect(() => compileText(schema, 'TimeSeries')).toThrow(message);
  });

  test('a time series with _id and timestamp is accepted', () => {
    const schema = {
      properties: { _id: { type: 'string' }, timestamp: { type: 'string', format: 'date-time' } },
      required: ['_id', 'timestamp'],
    };
    expect(sketch(compileText(schema, 'TimeSeries').columns)).toBe('_id!:string timestamp!:timestamptz');
  });
});

describe('checking a record', () => {
  const schema = {
    type: 'object',
    required: ['id', 'maybe'],
    additionalProperties: false,
    properties: {
      id: { type: 'string', minLength: 2, maxLength: 4, pattern: '^[^x]*$' },
      maybe: { type: ['integer', 'null'], minimum: -5, maximum: 5, multipleOf: 0.5 },
      long: { type: 'integer' },
      big: { type: 'integer', maximum: 'BIG' },
      short: { type: 'integer', 'meta:xdmType': 'short' },
      price: { type: 'number', multipleOf: 0.01 },
      when: { type: 'string', format: 'date-time' },
      mail: { anyOf: [{ type: 'string', format: 'email' }, { type: 'null' }] },
      either: { anyOf: [{ type: 'integer' }, { type: 'string', maxLength: 1 }] },
      kind: { enum: ['a', 'b'] },
      tags: { type: 'array', uniqueItems: true, maxItems: 3, items: { type: 'string' } },
      inner: {
        type: 'object',
        required: ['x'],
        properties: { x: { type: 'number' } },
        dependentRequired: { y: ['z'] },
      },
      map: { type: 'object', additionalProperties: { type: 'boolean' } },
      toString: { type: 'string' },
    },
    if: { properties: { kind: { const: 'a' } }, required: ['kind'] },
    // biome-ignore lint/suspicious/noThenProperty: a keyword of JSON Schema
    then: { required: ['long'] },
  };
  // A literal of JavaScript would be rounded.
  const compiled = compileSchema(JSON.stringify(schema).replace('"BIG"', '9007199254740993'), 'Record');
  const good = { id: 'ab', maybe: 1 };

  test.each<[object, string[]]>([
    [{}, []],
    [{ maybe: null }, []],
    [{ id: '😀😀😀😀' }, []],
    [{ long: 5.0, tags: ['a'], map: { k: true }, inner: { x: 1 }, toString: 'x', price: 19.99 }, []],
    [{ id: undefined }, ['RequiredMissing /id']],
    [{ id: null }, ['RequiredMissing /id']],
    [{ maybe: undefined }, ['RequiredMissing /maybe']],
    [{ id: 5 }, ['WrongType /id']],
    [{ long: '5' }, ['WrongType /long']],
    [{ long: 5.5 }, ['WrongType /long']],
    [{ long: null }, ['WrongType /long']],
    [{ price: Number.POSITIVE_INFINITY }, ['OutOfRange /price']],
    [{ price: 19.999 }, ['SchemaMismatch /price']],
    [{ id: '😀' }, ['OutOfRange /id']],
    [{ id: 'abcde' }, ['OutOfRange /id']],
    [{ id: 'axa' }, ['PatternMismatch /id']],
    [{ maybe: 6 }, ['OutOfRange /maybe']],
    [{ short: 40000 }, ['OutOfRange /short']],
    [{ when: '2026-02-31T00:00:00Z' }, ['FormatMismatch /when']],
    [{ mail: 'no' }, ['FormatMismatch /mail']],
    [{ mail: 5 }, ['WrongType /mail']],
    [{ mail: null }, []],
    [{ either: 'xx' }, ['SchemaMismatch /either']],
    [{ kind: 'c' }, ['NotInEnum /kind']],
    [{ kind: 'a' }, ['RequiredMissing /long']],
    [{ tags: ['a', 'a'] }, ['SchemaMismatch /tags']],
    [{ tags: ['a', 5] }, ['WrongType /tags/1']],
    [{ tags: ['a', 'b', 'c', 'd'] }, ['OutOfRange /tags']],
    [{ inner: {} }, ['RequiredMissing /inner/x']],
    [{ inner: { x: 1, y: 1 } }, ['RequiredMissing /inner/z']],
    [{ map: { 'a/b': 1 } }, ['WrongType /map/a~1b']],
    [{ other: 1 }, ['UnknownField /other']],
    [{ constructor: 1 }, ['UnknownField /constructor']],
    [{ id: 'a\ud800' }, ['InvalidEncoding /id']],
    [{ id: 5, long: 'x', other: 1 }, ['UnknownField /other', 'WrongType /id', 'WrongType /long']],
  ])('%j: %j', (part, expected) => {
    const errors = compiled.check({ ...good, ...part });
    expect(errors.map(({ code, path }) => `${code} ${path}`)).toEqual(expected);
  });

  test.each([
    ['{"long":9223372036854775807}', []],
    ['{"long":9223372036854775808}', ['OutOfRange /long']],
    ['{"long":-9223372036854775808}', []],
    ['{"big":9007199254740993}', []],
    ['{"big":9007199254740994}', ['OutOfRange /big']],
    ['{"price":12345678901234567890}', []],
    ['{"maybe":12345678901234567890}', ['OutOfRange /maybe']],
    ['{"id":12345678901234567890}', ['WrongType /id']],
    ['{"either":12345678901234567890}', []],
  ])('big integers are judged exactly: %s %j', (text, expected) => {
    const record = Object.assign({}, good, parseExact(text));
    expect(compiled.check(record).map(({ code, path }) => `${code} ${path}`)).toEqual(expected);
  });

  test('messages say what the schema wants and nothing of the record', () => {
    const secrets = {
      id: 'secret-id',
      maybe: 77,
      when: 'secret',
      kind: 'secret',
      either: 'secret',
      long: 'secret',
      mail: 'secret',
    };
    for (const { message } of compiled.check(secrets)) expect(message).not.toMatch(/secret|77/);
    expect(compiled.check({ ...good, maybe: 6 })[0]?.message).toBe('must be <= 5');
  });

  test('what is no object is malformed, and nesting by the ten thousand is no crash', () => {
    for (const value of [5, 'x', null, [], undefined]) expect(compiled.check(value)[0]?.code).toBe('MalformedRecord');
    const tree = { type: 'array', items: { $ref: '#/$defs/tree' } };
    const nested = compileText({ $defs: { tree }, properties: { a: { $ref: '#/$defs/tree' }, any: {} } });
    let deep: unknown = [];
    for (let level = 0; level < 100_000; level += 1) deep = [deep];
    expect(nested.check({ a: deep })).toEqual([{ code: 'MalformedRecord', path: '', message: 'nests too deeply' }]);
    expect(nested.check({ any: deep })).toEqual([]);
  });

  test('fields with the names of methods are fields', () => {
    const odd = compileText({
      properties: { a: { enum: [{ x: 1 }] }, l: { uniqueItems: true }, c: { const: { x: 1 } } },
    });
    const field = { toString: 1, valueOf: null, constructor: 'x', hasOwnProperty: [] };
    expect(odd.check({ a: field })[0]?.code).toBe('NotInEnum');
    expect(odd.check({ c: field })[0]?.code).toBe('NotInEnum');
    expect(odd.check({ l: [field, { ...field, valueOf: 2 }] })).toEqual([]);
    expect(odd.check({ l: [field, { ...field }] })[0]?.code).toBe('SchemaMismatch');
  });

  test('at most 20 reasons are given', () => {
    const many = compileText({ properties: { l: { type: 'array', items: { type: 'string' } } } });
    expect(many.check({ l: Array.from({ length: 1000 }, (_, i) => i) })).toHaveLength(20);
  });
});

test.each([
  'http://json-schema.org/draft-06/schema#',
  'https://json-schema.org/draft-07/schema',
  'http://json-schema.org/draft-07/schema',
  'http://json-schema.org/draft/2020-12/schema#',
])('$schema may be written as %s', ($schema) => {
  const { check } = compileSchema(JSON.stringify({ $schema, properties: { a: { type: 'string' } } }), 'Record');
  expect(check({ a: 'x' })).toEqual([]);
  expect(check({ a: 5 })).toHaveLength(1);
});
