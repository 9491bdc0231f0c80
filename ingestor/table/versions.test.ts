import { expect, test } from 'vitest';
import { findLast } from './versions.ts';

test.for([
  [0, 0],
  [0, 1],
  [0, 2],
  [0, 1000],
  [1, 1],
  [5, 6],
  [5, 1000],
  [999, 1000],
] as const)('from %i, the last of %i taken numbers is found', async ([from, last]) => {
  expect(await findLast(from, async (n) => n <= last)).toBe(last);
});

test('finding the last of a million numbers takes about forty looks', async () => {
  let looks = 0;
  await findLast(0, async (n) => {
    looks += 1;
    return n <= 1_000_000;
  });
  expect(looks).toBeLessThan(45);
});
