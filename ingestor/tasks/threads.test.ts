import { expect, test } from 'vitest';
import { processorsOf, threadsFor, threadsHere } from './threads.ts';

const mebibyte = 1024 * 1024;

test('there are as many threads as processors where memory is enough', () => {
  expect(threadsFor(4, 1024 * mebibyte)).toBe(4);
});

test('little memory is for fewer threads, but one there always is', () => {
  expect(threadsFor(64, 1024 * mebibyte)).toBe(5);
  expect(threadsFor(4, 128 * mebibyte)).toBe(1);
});

test('a limit is what the pod is told, and never more than there are', () => {
  expect(processorsOf(8, '1000')).toBe(1);
  expect(processorsOf(8, '1500')).toBe(2);
  expect(processorsOf(8, '64000')).toBe(8);
  expect(processorsOf(8, undefined)).toBe(8);
  expect(processorsOf(8, '')).toBe(8);
});

test('this machine has at least one', () => {
  expect(threadsHere()).toBeGreaterThanOrEqual(1);
});
