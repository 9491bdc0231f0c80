import fc from 'fast-check';
import { expect, test } from 'vitest';
import { exactInteger, hasBigInt, mayBeRounded, parseExact, stringifyExact } from './exact.ts';

test.each([
  ['9007199254740993', 9007199254740993n],
  ['-9223372036854775808', -9223372036854775808n],
  ['1234567890123456789e0', 1234567890123456789n],
  ['12345678901234567.890e3', 12345678901234567890n],
  ['123456789012345e5', 12345678901234500000n],
  ['1e20', 100000000000000000000n],
  ['9007199254740991', 9007199254740991],
  ['5.0', 5],
  ['1e3', 1000],
  ['0.1', 0.1],
  ['1e400', Number.POSITIVE_INFINITY],
  ['1e100', 1e100],
])('the JSON number %s is %s', (text, value) => {
  expect(parseExact(text)).toBe(value);
});

test.each([
  ['5.0', 5n],
  ['12.5e1', 125n],
  ['+007', 7n],
  ['-0', 0n],
  ['0.000e9', 0n],
  ['1.5', undefined],
  ['1e-1', undefined],
  ['1e41', undefined],
  ['0x10', undefined],
])('%s as an exact integer is %s', (text, value) => {
  expect(exactInteger(text)).toBe(value);
});

test('big integers survive parsing and writing, wherever they are', () => {
  const text =
    '{"a":[9223372036854775807,{"b":-9223372036854775807}],"c":"9223372036854775807","__proto__":18446744073709551615}';
  const value = parseExact(text);
  expect(hasBigInt(value)).toBe(true);
  expect(mayBeRounded(JSON.parse(text))).toBe(true);
  expect(stringifyExact(value)).toBe(text);
});

test('what holds no big integer is what JSON.parse gives', () => {
  fc.assert(
    fc.property(fc.json(), (text) => {
      const value: unknown = JSON.parse(text);
      if (mayBeRounded(value)) return;
      expect(parseExact(text)).toEqual(value);
      expect(stringifyExact(value)).toBe(JSON.stringify(value));
    }),
  );
});
