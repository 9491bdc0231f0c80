import { expect, test } from 'vitest';
import type { WriterBacklog } from './backlog.ts';
import { takeSegments, writersToForget } from './plan-round.ts';

function backlog(writer: string, from: number, sizes: number[], newestTime = 0): WriterBacklog {
  return { writer, from, to: from + sizes.length - 1, sizes, newestTime };
}

test('all segments are taken while they fit', () => {
  expect(takeSegments([backlog('a', 1, [10, 10]), backlog('b', 5, [10])], 100)).toEqual([
    { writer: 'a', from: 1, to: 2 },
    { writer: 'b', from: 5, to: 5 },
  ]);
});

test('writers take turns, so that a short line is not behind a long one', () => {
  const takes = takeSegments([backlog('a', 1, Array(50).fill(10)), backlog('b', 1, [10])], 40);
  expect(takes).toEqual([
    { writer: 'a', from: 1, to: 3 },
    { writer: 'b', from: 1, to: 1 },
  ]);
});

test('one segment is taken however large it is', () => {
  expect(takeSegments([backlog('a', 3, [1_000, 1])], 10)).toEqual([{ writer: 'a', from: 3, to: 3 }]);
});

test('a segment that is gone takes no room and stops nothing', () => {
  expect(takeSegments([backlog('a', 1, [0, 10, 10])], 15)).toEqual([{ writer: 'a', from: 1, to: 2 }]);
});

test('nothing to take is no round', () => {
  expect(takeSegments([], 10)).toEqual([]);
});

test('a writer is forgotten only after a month of silence, and once its introduction is gone', () => {
  const month = 31 * 24 * 60 * 60 * 1_000;
  const progress = { sequence: 1, records: 1, bytes: 1 };
  const before = {
    old: { ...progress, time: 0 },
    oldButKnown: { ...progress, time: 0 },
    young: { ...progress, time: month - 1_000 },
  };
  const known = new Set(['oldButKnown', 'new']);
  expect(writersToForget(before, { writers: [backlog('new', 1, [1], month)], known })).toEqual(['old']);
});
