import { describe, expect, test } from 'vitest';
import { microTime, SimulatedClock, systemClock, timestamp } from './clock.ts';

const never = new AbortController().signal;

describe('the simulated clock', () => {
  test('fires timers in order of their time, each at its own', async () => {
    const clock = new SimulatedClock(0);
    const fired: [string, number][] = [];
    clock.setTimer(20, () => fired.push(['second', clock.now()]));
    clock.setTimer(10, () => fired.push(['first', clock.now()]));
    clock.setTimer(31, () => fired.push(['later', clock.now()]));
    await clock.advance(30);
    expect(fired).toEqual([
      ['first', 10],
      ['second', 20],
    ]);
    expect(clock.now()).toBe(30);
    expect(clock.pendingTimers).toBe(1);
  });

  test('fires timers that were set on the way', async () => {
    const clock = new SimulatedClock(0);
    const ticks: number[] = [];
    const tick = () => {
      ticks.push(clock.now());
      clock.setTimer(10, tick);
    };
    tick();
    await clock.advance(35);
    expect(ticks).toEqual([0, 10, 20, 30]);
  });

  test('runs what waited for a sleep before the next timer fires', async () => {
    const clock = new SimulatedClock(0);
    const seen: string[] = [];
    const work = async () => {
      await clock.sleep(10, never);
      seen.push('woke');
      await Promise.resolve();
      seen.push('worked');
    };
    const working = work();
    clock.setTimer(11, () => seen.push('timer'));
    await clock.advance(11);
    await working;
    expect(seen).toEqual(['woke', 'worked', 'timer']);
  });

  test('keeps monotonic time when the wall clock jumps', async () => {
    const clock = new SimulatedClock('2026-01-01T00:00:00Z');
    clock.jump(-3_600_000);
    await clock.advance(5);
    expect(clock.monotonic()).toBe(5);
    expect(new Date(clock.now()).toISOString()).toBe('2025-12-31T23:00:00.005Z');
  });

  test('leaves no timer behind when a sleep is aborted', async () => {
    const clock = new SimulatedClock();
    const controller = new AbortController();
    const sleeping = clock.sleep(10, controller.signal);
    controller.abort(new Error('enough'));
    await expect(sleeping).rejects.toThrow('enough');
    expect(clock.pendingTimers).toBe(0);
  });
});

describe('the system clock', () => {
  test('does not fire a timer of more than 24.8 days at once', async () => {
    let fired = false;
    const timer = systemClock().setTimer(30 * 24 * 3_600_000, () => {
      fired = true;
    });
    await new Promise((resolve) => setImmediate(resolve));
    await new Promise((resolve) => setTimeout(resolve, 5));
    timer.cancel();
    expect(fired).toBe(false);
  });

  test('rejects a sleep whose signal has aborted already', async () => {
    await expect(systemClock().sleep(1, AbortSignal.abort(new Error('gone')))).rejects.toThrow('gone');
  });
});

test('a timestamp has whole seconds, a MicroTime six digits', () => {
  const time = Date.parse('2026-02-03T04:05:06.789Z');
  expect(timestamp(time)).toBe('2026-02-03T04:05:06Z');
  expect(microTime(time)).toBe('2026-02-03T04:05:06.789000Z');
});
