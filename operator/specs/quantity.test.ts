import { expect, test } from 'vitest';
import { heapMiB, parseQuantity } from './quantity.ts';

test.each([
  ['1Gi', 2 ** 30],
  ['512M', 512e6],
  ['1.5e9', 1.5e9],
  ['1E', 1e18],
  ['500m', 0.5],
  [1024, 1024],
  ['.5Ki', 512],
  ['1GB', undefined],
  ['', undefined],
])('%j is %j', (text, value) => {
  expect(parseQuantity(text)).toBe(value);
});

test('the heap leaves room for the runtime and for buffers outside it', () => {
  expect(heapMiB('1Gi')).toBe(576);
  expect(heapMiB('256Mi')).toBe(115);
  expect(heapMiB('64Mi')).toBe(32);
  expect(heapMiB(undefined)).toBeUndefined();
});
