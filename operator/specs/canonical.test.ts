import { expect, test } from 'vitest';
import { canonicalJson, digestOf } from './canonical.ts';

test('the order of keys and absent members do not matter, the order of items does', () => {
  expect(canonicalJson({ b: [1, { d: 1, c: undefined }], a: null })).toBe('{"a":null,"b":[1,{"d":1}]}');
  expect(digestOf({ a: 1, b: 2 })).toBe(digestOf({ b: 2, a: 1, c: undefined }));
  expect(digestOf([1, 2])).not.toBe(digestOf([2, 1]));
});

test('keys that look like numbers are no exception', () => {
  expect(canonicalJson({ b: 1, 10: 1, 9: 1 })).toBe(canonicalJson({ 9: 1, 10: 1, b: 1 }));
});
