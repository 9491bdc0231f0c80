import { expect, test } from 'vitest';
import { addsUp, cutErrorClasses, type ErrorClass, mergeErrorClasses, zeroRecords } from './counts.ts';

function classes(...counts: number[]): ErrorClass[] {
  return counts.map((count, index) => ({ code: `Code${index}`, message: 'is wrong', count }));
}

const total = (list: readonly ErrorClass[]) => list.reduce((sum, { count }) => sum + count, 0);

test('classes of one code and path are added up, the most frequent first', () => {
  const one: ErrorClass = { code: 'WrongType', path: '/a', message: 'must be string', count: 2 };
  const merged = mergeErrorClasses([[one], classes(5), [one]]);
  expect(merged.map(({ code, count }) => [code, count])).toEqual([
    ['Code0', 5],
    ['WrongType', 4],
  ]);
});

test('classes are cut, counts never', () => {
  const cut = cutErrorClasses(classes(9, 7, 5, 3), 2);
  expect(cut.map(({ code, count }) => [code, count])).toEqual([
    ['Code0', 9],
    ['Other', 15],
  ]);
});

test('a list that was cut before is cut again into one class Other', () => {
  const before = cutErrorClasses(classes(9, 7, 5, 3), 3);
  const again = mergeErrorClasses([before, classes(1, 1, 1)], 3);
  expect(again.filter(({ code }) => code === 'Other')).toHaveLength(1);
  expect(total(again)).toBe(27);
});

test('what was read is ingested, failed or skipped', () => {
  expect(addsUp({ ...zeroRecords(), read: 3, ingested: 1, failed: 1, skipped: 1 })).toBe(true);
  expect(addsUp({ ...zeroRecords(), read: 3, ingested: 3, failed: 1 })).toBe(false);
});
