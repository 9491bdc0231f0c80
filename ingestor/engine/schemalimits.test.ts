/** Schemas that are made to cost: they are compiled in bounded time and memory, or refused with the keyword that costs. */
import { expect, test } from 'vitest';
import { compileSchema } from './schema.ts';

/** Far more than any of them takes, far less than what is without bounds. */
const timeout = 60_000;

function compiled(schema: object | string) {
  return compileSchema(typeof schema === 'string' ? schema : JSON.stringify(schema), 'Record');
}

function fields(count: number, field: (index: number) => object): object {
  return {
    properties: Object.fromEntries(Array.from({ length: count }, (_, index) => [`field${index}`, field(index)])),
  };
}

/** Each definition is made of the one before, twice; the first is text. */
function doubling(count: number, twice: (reference: object) => object): object {
  const definitions = Array.from({ length: count }, (_, index): [string, object] => {
    return [`d${index}`, index === 0 ? { type: 'string' } : twice({ $ref: `#/$defs/d${index - 1}` })];
  });
  return { $defs: Object.fromEntries(definitions), properties: { a: { $ref: `#/$defs/d${count - 1}` } } };
}

function pattern(source: string): object {
  return { properties: { a: { type: 'string', pattern: source } } };
}

const types = Array.from({ length: 12 }, (_, index) => `t${index}`);
const mutual = Object.fromEntries(
  types.map((name) => [
    name,
    { type: 'object', properties: Object.fromEntries(types.map((other) => [other, { $ref: `#/$defs/${other}` }])) },
  ]),
);

test.each<[string, object | string, string]>([
  [
    'structs that double',
    doubling(40, (one) => ({ type: 'object', properties: { a: one, b: one } })),
    'keyword $ref: leads to so many schemas',
  ],
  ['allOf that doubles', doubling(40, (one) => ({ allOf: [one, one] })), 'keyword $ref: leads to so many schemas'],
  ['anyOf that doubles', doubling(40, (one) => ({ anyOf: [one, one] })), 'keyword $ref: leads to so many schemas'],
  [
    'types that hold each other',
    { $defs: mutual, properties: { a: { $ref: '#/$defs/t0' } } },
    'keyword $ref: leads to so many schemas',
  ],
  [
    'references in a circle',
    { $defs: { x: { $ref: '#/$defs/y' }, y: { $ref: '#/$defs/x' } }, properties: { a: { $ref: '#/$defs/x' } } },
    'keyword $ref: schemas refer to each other in a circle',
  ],
  [
    'brackets without end',
    `{"properties":{"a":${'{"items":'.repeat(100_000)}{}${'}'.repeat(100_000)}}}`,
    'keyword properties: nests deeper than 256 levels',
  ],
  [
    'values without end',
    `{"properties":{"a":{"const":${'['.repeat(100_000)}${']'.repeat(100_000)}}}}`,
    'keyword properties: nests deeper than 256 levels',
  ],
  [
    'ten thousand branches',
    { properties: { a: { anyOf: Array.from({ length: 10_000 }, (_, index) => ({ const: index })) } } },
    'keyword anyOf: has 10000 branches',
  ],
  [
    'conditions in conditions',
    { properties: { a: conditions(30) }, unevaluatedProperties: false },
    'keyword if: there are too many',
  ],
  ['a pattern of a megabyte', pattern('ab'.repeat(500_000)), 'keyword pattern: takes more room than 20000 characters'],
  ['repeats of repeats', pattern('(a{1,900}){1,900}'), 'keyword pattern: takes more room than 20000 characters'],
  [
    'groups in groups',
    pattern(`${'('.repeat(5_000)}a${')'.repeat(5_000)}`),
    'keyword pattern: groups nest deeper than 200 levels',
  ],
  [
    'many patterns',
    fields(100, (index) => ({ pattern: `(a${index}|b){1,900}(c|d){1,900}(e|f){1,900}` })),
    'keyword pattern: with it, all patterns take more room',
  ],
])(
  '%s: refused',
  (_name, schema, message) => {
    expect(() => compiled(schema)).toThrow(message);
  },
  timeout,
);

function conditions(depth: number): object {
  return depth === 0 ? { type: 'object' } : { if: conditions(depth - 1), else: { minProperties: depth } };
}

test.each<[string, object, object, object]>([
  [
    'three thousand fields',
    fields(3_000, () => ({ type: 'string', maxLength: 3 })),
    { field2999: 'abc' },
    { field2999: 'abcd' },
  ],
  [
    'as many patterns',
    fields(3_000, (index) => ({ pattern: `^a${index}$` })),
    { field2999: 'a2999' },
    { field2999: 'a' },
  ],
  ['as many enums', fields(3_000, (index) => ({ enum: [`a${index}`] })), { field2999: 'a2999' }, { field2999: 'a' }],
  [
    'an enum of fifty thousand',
    { properties: { a: { enum: Array.from({ length: 50_000 }, (_, index) => `value ${index}`) } } },
    { a: 'value 49999' },
    { a: 'value' },
  ],
  ['a pattern that would backtrack', pattern('^(([a-z])+.)+[A-Z]([a-z])+$'), { a: 'abAb' }, { a: 'a'.repeat(5_000) }],
  [
    'a type that holds itself',
    {
      $defs: { t: { properties: { t: { $ref: '#/$defs/t' }, n: { type: 'integer' } } } },
      properties: { t: { $ref: '#/$defs/t' } },
    },
    { t: { t: { n: 1 } } },
    { t: { t: { n: 'x' } } },
  ],
])(
  '%s: judged',
  (_name, schema, good, bad) => {
    const { check } = compiled(schema);
    expect(check(good)).toEqual([]);
    expect(check(bad)).toHaveLength(1);
  },
  timeout,
);
