import { expect, test } from 'vitest';
import type { Receipt } from './documents.ts';
import { RangeCheck } from './ranges.ts';

type Range = [start: number, end: number, from?: number, to?: number];

function receipt(index: number, change: Partial<Receipt>): Receipt {
  const counts = { read: 0, ingested: 0, failed: 0, skipped: 0, warnings: 0 };
  return {
    version: 1,
    attempt: '',
    table: '',
    index,
    records: counts,
    files: { failed: 0, skipped: 0 },
    bytes: { input: 0, output: 0 },
    inputs: [],
    dataFiles: [],
    errors: [],
    ...change,
  };
}

function partOf(name: string, [start, end, from = start, to = end]: Range): Receipt['inputs'][number] {
  const records = { read: 0, ingested: 0, failed: 0, skipped: 0, warnings: 0 };
  return { name, records, bytes: 0, range: { start, end, from, to } };
}

function check(...receipts: Partial<Receipt>[]): RangeCheck {
  const ranges = new RangeCheck();
  for (const [index, change] of receipts.entries()) ranges.add(receipt(index, change));
  return ranges;
}

test.for<[string, Range[], boolean]>([
  ['one part', [[0, 10]], true],
  [
    'two that meet',
    [
      [0, 10],
      [10, 20],
    ],
    true,
  ],
  [
    'a record that goes past the border',
    [
      [0, 10, 0, 13],
      [10, 20, 13, 20],
    ],
    true,
  ],
  [
    'a part in which no record begins',
    [
      [0, 10, 0, 25],
      [10, 20, 25, 25],
      [20, 30, 25, 30],
    ],
    true,
  ],
  [
    'a hole between planned parts',
    [
      [0, 10],
      [11, 20],
    ],
    false,
  ],
  [
    'a hole at the beginning',
    [
      [5, 10],
      [10, 20],
    ],
    false,
  ],
  [
    'a record that nobody read',
    [
      [0, 10, 0, 10],
      [10, 20, 13, 20],
    ],
    false,
  ],
  [
    'a record that was read twice',
    [
      [0, 10, 0, 13],
      [10, 20, 10, 20],
    ],
    false,
  ],
  ['an end that nobody read', [[0, 10, 0, 9]], false],
  [
    'a part that was read twice',
    [
      [0, 10],
      [0, 10],
      [10, 20],
    ],
    false,
  ],
  [
    'a part that begins before its start',
    [
      [0, 10, 0, 8],
      [10, 20, 8, 20],
    ],
    false,
  ],
])('%s: the file is whole is %s', ([, parts, isWhole]) => {
  const ranges = check(...parts.map((part) => ({ inputs: [partOf('a.csv', part)] })));
  expect(ranges.findGap()).toBe(isWhole ? undefined : 'the parts of a.csv do not make the whole of it');
});

test('parts come in any order, and whole files beside them do not matter', () => {
  const { range: _, ...whole } = partOf('b.csv', [0, 10]);
  const ranges = check({ inputs: [partOf('a.csv', [10, 20]), whole] }, { inputs: [partOf('a.csv', [0, 10])] });
  expect(ranges.findGap()).toBeUndefined();
});

test('a file that changed in one of its shards cannot be left out', () => {
  const leftOut = [{ name: 'a.csv', reason: 'FileChanged', range: true }] as const;
  const ranges = check({ inputs: [partOf('a.csv', [0, 10])] }, { leftOut: [...leftOut] });
  expect(ranges.findTorn()).toEqual({
    reason: 'FileChanged',
    message: 'a part of a.csv changed or is gone, and the file lies in several shards',
  });
});

test('a file that cannot be read in both of its shards cannot be left out either', () => {
  const leftOut = [{ name: 'a.csv', reason: 'UnreadableFile' as const, range: true }];
  expect(check({ leftOut }, { leftOut }).findTorn()?.reason).toBe('UnreadableFile');
});

test('a cut file that lies in one shard is left out, and counted once', () => {
  const leftOut = Array.from({ length: 3 }, () => ({ name: 'a.csv', reason: 'FileChanged' as const, range: true }));
  const ranges = check({ leftOut });
  expect(ranges.findTorn()).toBeUndefined();
  expect(ranges.countOnce({ failed: 0, skipped: 3 })).toEqual({ failed: 0, skipped: 1 });
});

test('a whole file that is left out is no part of one', () => {
  const ranges = check({ leftOut: [{ name: 'a.csv', reason: 'UnreadableFile' }] });
  expect(ranges.findTorn()).toBeUndefined();
  expect(ranges.countOnce({ failed: 1, skipped: 0 })).toEqual({ failed: 1, skipped: 0 });
});
