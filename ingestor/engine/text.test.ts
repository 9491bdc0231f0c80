import { expect, test } from 'vitest';
import { planRecord } from './columns.ts';
import { parseSchemaDocument } from './schemadocument.ts';
import { textConverter } from './text.ts';

function convert(schema: object, text: string): unknown {
  const { columns } = planRecord(parseSchemaDocument(JSON.stringify({ properties: { a: schema } })));
  return textConverter(columns[0])(text);
}

test.each([
  ['0', 0],
  ['-0', 0],
  ['+5', 5],
  ['007', 7],
  ['-123456789012345', -123456789012345],
  ['9007199254740991', 9007199254740991],
  ['9007199254740993', 9007199254740993n],
  ['-9223372036854775808', -9223372036854775808n],
  ['5.0', 5],
  ['1e3', 1000],
  ['5.5', 5.5],
  ['1e400', Number.POSITIVE_INFINITY],
  ['', ''],
  ['-', '-'],
  ['.', '.'],
  ['1_000', '1_000'],
  ['1,000', '1,000'],
  ['0x10', '0x10'],
  [' 5', ' 5'],
  ['5 ', '5 '],
  ['५', '५'],
  ['Infinity', 'Infinity'],
  ['NaN', 'NaN'],
])('the text %j in an integer column is %s', (text, value) => {
  expect(convert({ type: 'integer' }, text)).toBe(value);
});

test.each([
  ['0.1', 0.1],
  ['-1.5e-3', -0.0015],
  ['.5', 0.5],
  ['5.', 5],
  ['9007199254740993', 9007199254740992],
  ['1e5', 100000],
  ['0x10', '0x10'],
  ['1e', '1e'],
  ['', ''],
  ['Infinity', 'Infinity'],
])('the text %j in a number column is %s', (text, value) => {
  expect(convert({ type: 'number' }, text)).toBe(value);
});

test.each([
  ['true', true],
  ['Yes', true],
  ['ON', true],
  ['y', true],
  ['FALSE', false],
  ['no', false],
  ['off', false],
  ['N', false],
  ['1', '1'],
  ['', ''],
  [' true', ' true'],
  ['toString', 'toString'],
])('the text %j in a boolean column is %s', (text, value) => {
  expect(convert({ type: 'boolean' }, text)).toBe(value);
});

test.each<[object, string, unknown]>([
  [{ type: 'string' }, '5', '5'],
  [{ type: 'string', format: 'date' }, '2026-01-01', '2026-01-01'],
  [{ type: 'array', items: { type: 'integer' } }, '[1,9007199254740993]', [1, 9007199254740993n]],
  [{ type: 'array', items: { type: 'integer' } }, '1;2', '1;2'],
  [{ type: 'object', properties: { x: { type: 'string' } } }, '{"x":"y"}', { x: 'y' }],
  [{ type: ['string', 'integer'] }, '5', 5],
  [{ type: ['string', 'integer'] }, 'true', 'true'],
  [{ type: ['string', 'integer'] }, 'x', 'x'],
  [{ type: ['boolean', 'integer'] }, 'true', true],
  [{}, '{"x":[1]}', { x: [1] }],
  [{}, 'x', 'x'],
])('in a column of %j the text %j is what it says', (schema, text, value) => {
  expect(convert(schema, text)).toEqual(value);
});
