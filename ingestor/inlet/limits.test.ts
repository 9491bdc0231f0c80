import { expect, test } from 'vitest';
import { InFlight, RateLimit, Reservation } from './limits.ts';

test('room is given until it is used up, and comes back', () => {
  const inFlight = new InFlight(100);
  const first = new Reservation(inFlight);
  const second = new Reservation(inFlight);
  expect(first.growTo(60)).toBe(true);
  expect(first.growTo(10)).toBe(true);
  expect(inFlight.bytes).toBe(60);
  expect(second.growTo(41)).toBe(false);
  expect(second.growTo(40)).toBe(true);
  expect(first.resize(20)).toBe(true);
  expect(inFlight.bytes).toBe(60);
  first.release();
  second.release();
  expect(inFlight.bytes).toBe(0);
});

test('a second gives as many requests as the limit says, and at most as many at once', () => {
  let now = 1_000_000;
  const limit = new RateLimit(10, { now: () => now, sleep: async () => {} });
  const take = (count: number) => Array.from({ length: count }, () => limit.take()).filter((wait) => wait === 0).length;
  expect(take(15)).toBe(10);
  expect(limit.take()).toBeCloseTo(0.1);
  now += 250;
  expect(take(5)).toBe(2);
  now += 60_000;
  expect(take(100)).toBe(10);
});
