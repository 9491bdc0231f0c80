import { expect, test } from 'vitest';
import { compileSchema } from '../engine/index.ts';
import { findIncompatibility } from './schema-evolution.ts';

interface Described {
  readonly properties: object;
  readonly required?: readonly string[];
}

const int = { type: 'integer', minimum: 0, maximum: 100 };
const long = { type: 'integer' };
const text = { type: 'string' };
const struct = (properties: object, required: readonly string[] = []) => ({ type: 'object', properties, required });

function evolve(old: Described, next: Described): string | undefined {
  const [before, after] = [old, next].map((described) =>
    compileSchema(JSON.stringify({ type: 'object', ...described }), 'Record'),
  );
  return findIncompatibility(before?.columns ?? [], after?.columns ?? []);
}

test.for<[string, Described, Described]>([
  ['nothing changes', { properties: { a: text } }, { properties: { a: text } }],
  ['an optional field is added', { properties: { a: text } }, { properties: { a: text, b: text } }],
  ['fields are ordered anew', { properties: { a: text, b: text } }, { properties: { b: text, a: text } }],
  ['required is loosened', { properties: { a: text }, required: ['a'] }, { properties: { a: text } }],
  ['int is widened to long', { properties: { a: int } }, { properties: { a: long } }],
  [
    'an optional field is added below',
    { properties: { a: struct({ b: text }) } },
    { properties: { a: struct({ b: text, c: int }) } },
  ],
  [
    'int is widened in a list',
    { properties: { a: { type: 'array', items: int } } },
    { properties: { a: { type: 'array', items: long } } },
  ],
  ['a bound is tightened', { properties: { a: text } }, { properties: { a: { type: 'string', maxLength: 3 } } }],
])('the table takes a schema in which %s', ([, old, next]) => {
  expect(evolve(old, next)).toBeUndefined();
});

test.for<[string, Described, Described, string]>([
  ['a field is gone', { properties: { a: text, b: text } }, { properties: { a: text } }, 'b is missing'],
  [
    'a field is gone below',
    { properties: { a: struct({ b: text, c: text }) } },
    { properties: { a: struct({ b: text }) } },
    'a.c is missing',
  ],
  [
    'a required field is added',
    { properties: { a: text } },
    { properties: { a: text, b: text }, required: ['b'] },
    'b is new and required',
  ],
  [
    'a field becomes required',
    { properties: { a: text } },
    { properties: { a: text }, required: ['a'] },
    'a becomes required',
  ],
  ['a type changes', { properties: { a: text } }, { properties: { a: long } }, 'a changes from string to long'],
  ['long is narrowed', { properties: { a: long } }, { properties: { a: int } }, 'a changes from long to int'],
  [
    'a long becomes a double',
    { properties: { a: long } },
    { properties: { a: { type: 'number' } } },
    'a changes from long to double',
  ],
])('the table takes no schema in which %s, and the field is named', ([, old, next, message]) => {
  expect(evolve(old, next)).toContain(message);
});
