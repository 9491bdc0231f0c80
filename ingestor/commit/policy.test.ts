import { expect, test } from 'vitest';
import type { MaxFailed } from '../contract/task.ts';
import { exceeds } from './policy.ts';

test.for<[number, number, MaxFailed, boolean]>([
  [100, 0, 0, false],
  [100, 1, 0, true],
  [100, 5, 5, false],
  [100, 6, 5, true],
  [1000, 5, '0.5%', false],
  [1000, 6, '0.5%', true],
  [0, 0, '0%', false],
  [100, 1, '0%', true],
  [100, 100, '100%', false],
  [3, 1, '33.3333%', true],
  [3, 1, '33.3334%', false],
  [9_007_199_254_740_991, 9_007_199_254_740, '0.1%', false],
  [9_007_199_254_740_991, 9_007_199_254_741, '0.1%', true],
])('of %i read, %i failed, %s allowed: too many is %s', ([read, failed, maxFailed, tooMany]) => {
  expect(exceeds({ read, failed, ingested: read - failed, skipped: 0, warnings: 0 }, maxFailed)).toBe(tooMany);
});
