import { expect, test } from 'vitest';
import { heapOptions, parseQuantity } from './quantity.ts';

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
  const heapOf = (limit: string | undefined) => heapOptions(limit)?.[0];
  expect(heapOf('1Gi')).toBe('--max-old-space-size=576');
  expect(heapOf('256Mi')).toBe('--max-old-space-size=115');
  expect(heapOf('64Mi')).toBe('--max-old-space-size=32');
  expect(heapOf(undefined)).toBeUndefined();
});
