import { expect, test } from 'vitest';
import { parseJSON, printJSON, sameLong, toLong } from './json.ts';

test('an id of 63 bits keeps its digits', () => {
  const text = '{"snapshot-id":9223372036854775807,"list":[-9007199254740993,1]}';
  expect(printJSON(parseJSON(text))).toBe(text);
  expect(parseJSON(text)).toEqual({ 'snapshot-id': 9223372036854775807n, list: [-9007199254740993n, 1] });
});

test('numbers that a double holds stay numbers', () => {
  expect(parseJSON('[0, -1, 1.5, 1e300, 9007199254740991]')).toEqual([0, -1, 1.5, 1e300, 9007199254740991]);
});

test('text that looks like a number stays text', () => {
  expect(parseJSON('{"a":"9223372036854775807"}')).toEqual({ a: '9223372036854775807' });
});

test('two forms of one id are the same', () => {
  expect(sameLong(5, 5n)).toBe(true);
  expect(sameLong(5, undefined)).toBe(false);
  expect(toLong('9007199254740993')).toBe(9007199254740993n);
  expect(toLong(7n)).toBe(7);
});
