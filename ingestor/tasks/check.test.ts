import { expect, test } from 'vitest';
import { Lake } from '../../test/support/lake-in-memory.ts';
import type { FileSelection } from '../contract/task.ts';
import { runCheck } from './check.ts';

const location = { s3: { bucket: 'source', prefix: '' } };

async function check(keys: readonly string[], selection: FileSelection) {
  const lake = new Lake();
  for (const key of keys) await lake.bucket('source').put(key, '');
  return await runCheck({ version: 1, verb: 'check', location, selection }, lake.process());
}

const many = (count: number) => Array.from({ length: count }, (_, n) => `${n}.csv`);

test.for<[string, string[], FileSelection, number, boolean]>([
  ['nothing', [], {}, 0, false],
  ['one that fits and one that does not', ['a.csv', 'b.json'], { glob: '*.csv' }, 1, false],
  ['one of two that are named', ['a.csv'], { keys: ['a.csv', 'x'] }, 1, false],
  ['more than a page', many(1_001), { glob: '*.csv' }, 1_000, true],
  ['exactly a page', many(1_000), {}, 1_000, false],
])('a place with %s is looked at', async ([, keys, selection, matchingFiles, more]) => {
  expect(await check(keys, selection)).toMatchObject({ matchingFiles, more });
});
