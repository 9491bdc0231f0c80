import { expect, test } from 'vitest';
import { chooseGroups, type GroupLimits, isSmall, type SmallFile } from './groups.ts';

const target = 1_000;
const limits: GroupLimits = { files: 1_000, bytes: 1_000_000, smallest: 5 };

function files(bytes: readonly number[], more: Partial<SmallFile> = {}): SmallFile[] {
  const { partition = [] } = more;
  return bytes.map((size, n) => ({ key: `${partition}-${n}`, rows: 1, bytes: size, ...more }));
}

/** Sizes in each group. */
function sizes(some: readonly SmallFile[], change: Partial<GroupLimits> = {}): number[][] {
  return chooseGroups(some, target, { ...limits, ...change }).map((group) => group.map(({ bytes }) => bytes));
}

test('five small files become one', () => {
  expect(sizes(files([10, 20, 30, 30, 20]))).toEqual([[10, 20, 20, 30, 30]]);
});

test('four small files wait for more', () => {
  expect(sizes(files([10, 20, 30, 30]))).toEqual([]);
});

test('two files that fill one are worth it', () => {
  expect(sizes(files([400, 500]))).toEqual([[400, 500]]);
});

test('a group holds no more than one file of the target size', () => {
  const groups = sizes(files(Array.from({ length: 40 }, () => 90)));
  expect(groups.map((group) => group.length)).toEqual([11, 11, 11, 7]);
});

test('files of different partitions stay apart', () => {
  const some = [...files([1, 1, 1, 1, 1], { partition: ['a'] }), ...files([1, 1, 1], { partition: ['b'] })];
  expect(sizes(some)).toEqual([[1, 1, 1, 1, 1]]);
  expect(sizes([...files([1, 1, 1], { partition: [null] }), ...files([1, 1, 1], { partition: ['null'] })])).toEqual([]);
});

test('files of different days stay apart where rows expire', () => {
  expect(sizes([...files([1, 1, 1], { apart: 1 }), ...files([1, 1, 1], { apart: 2 })])).toEqual([]);
});

test('a larger file is not written again for a few small ones', () => {
  expect(sizes(files([1, 1, 1, 1, 1, 600]))).toEqual([[1, 1, 1, 1, 1]]);
  expect(sizes(files([1, 1, 1, 1, 600]))).toEqual([]);
  expect(sizes(files([50, 50, 50, 50, 600]))).toEqual([[50, 50, 50, 50, 600]]);
});

test('small files that come one by one are written a few times, not each time', () => {
  let table: SmallFile[] = [];
  let written = 0;
  for (let n = 0; n < 600; n += 1) {
    table.push({ key: `file-${n}`, rows: 1, bytes: 1 });
    for (const group of chooseGroups(table, target, limits)) {
      const bytes = group.reduce((sum, file) => sum + file.bytes, 0);
      table = [...table.filter((file) => !group.includes(file)), { key: `made-${n}`, rows: 1, bytes }];
      written += bytes;
    }
  }
  expect(table.length).toBeLessThan(20);
  expect(written).toBeLessThan(600 * 8);
});

test('no more is taken than the limits allow, most files first', () => {
  const some = [
    ...files(
      Array.from({ length: 6 }, () => 10),
      { partition: ['a'] },
    ),
    ...files(
      Array.from({ length: 9 }, () => 10),
      { partition: ['b'] },
    ),
  ];
  expect(sizes(some, { files: 10 }).map((group) => group.length)).toEqual([9]);
  expect(sizes(some, { bytes: 70 }).map((group) => group.length)).toEqual([7]);
});

test('a file near the target size is left alone', () => {
  expect(isSmall(749, target)).toBe(true);
  expect(isSmall(750, target)).toBe(false);
});
