import { expect, test } from 'vitest';
import { ErrorSum } from './error-sum.ts';

function classOf(path: string, count: number, code = 'WrongType') {
  return { code, path, message: 'wrong', count, sample: { file: 'a', record: 1 } };
}

test('classes of one code and path are one, and keep the first sample', () => {
  const sum = new ErrorSum();
  sum.add([classOf('/n', 2)]);
  sum.add([{ ...classOf('/n', 3), sample: { file: 'b', record: 9 } }, classOf('/m', 1)]);
  expect(sum.classes()).toEqual([classOf('/n', 5), classOf('/m', 1)]);
});

test('twenty classes and more are counted exactly', () => {
  const sum = new ErrorSum();
  for (let shard = 0; shard < 3; shard += 1) sum.add(Array.from({ length: 900 }, (_, n) => classOf(`/${n}`, n + 1)));
  const classes = sum.classes();
  expect(classes).toHaveLength(900);
  expect(classes.at(0)).toMatchObject({ path: '/899', count: 2_700 });
  expect(classes.at(-1)).toMatchObject({ path: '/0', count: 3 });
});

test('however many classes there are, their number is bounded and the counts are whole', () => {
  const sum = new ErrorSum();
  for (let shard = 0; shard < 30; shard += 1) {
    sum.add(Array.from({ length: 1_000 }, (_, n) => classOf(`/${shard}-${n}`, 1)));
    sum.add([{ code: 'Other', message: 'further kinds', count: 5 }]);
  }
  const classes = sum.classes();
  expect(classes).toHaveLength(1_000);
  expect(classes.at(-1)?.code).toBe('Other');
  expect(classes.reduce((total, { count }) => total + count, 0)).toBe(30 * 1_005);
});
