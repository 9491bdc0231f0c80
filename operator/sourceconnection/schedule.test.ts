import { describe, expect, test } from 'vitest';
import { agenda, nextSlot, type Schedule, scheduleProblem } from './schedule.ts';

const quarterly: Schedule = { cron: '*/15 * * * *', timeZone: 'Etc/UTC' };

/** Times of day on 2026-11-24 in UTC, or whole times. */
function at(time: string): Date {
  return new Date(time.includes('T') ? time : `2026-11-24T${time}Z`);
}

function plan(schedule: Schedule, planned: string | undefined, now: string) {
  const { due, next } = agenda(schedule, planned === undefined ? undefined : at(planned), at(now));
  return { due: due?.toISOString(), next: next?.toISOString() };
}

describe('a slot', () => {
  test('is waited for, counting from now when none was', () => {
    expect(plan(quarterly, undefined, '09:00:00')).toEqual({ due: undefined, next: '2026-11-24T09:15:00.000Z' });
  });

  test('is due from its time on', () => {
    expect(plan(quarterly, '09:15:00', '09:14:59').due).toBeUndefined();
    expect(plan(quarterly, '09:15:00', '09:15:00').due).toBe('2026-11-24T09:15:00.000Z');
  });

  test('stands for those missed before it', () => {
    expect(plan(quarterly, '09:15:00', '11:16:00')).toEqual({
      due: '2026-11-24T11:15:00.000Z',
      next: '2026-11-24T09:15:00.000Z',
    });
  });

  test('missed by more than the deadline is gone', () => {
    const strict = { ...quarterly, startingDeadlineSeconds: 30 };
    expect(plan(strict, '09:15:00', '11:15:30').due).toBe('2026-11-24T11:15:00.000Z');
    expect(plan(strict, '09:15:00', '11:16:00')).toEqual({ due: undefined, next: '2026-11-24T11:30:00.000Z' });
  });

  test('that an edited schedule does not have is forgotten', () => {
    expect(plan(quarterly, '09:20:00', '11:16:00')).toEqual({ due: undefined, next: '2026-11-24T11:30:00.000Z' });
  });
});

describe('when clocks change', () => {
  const berlin: Schedule = { cron: '30 2 * * *', timeZone: 'Europe/Berlin' };

  test('a fixed time in the gap comes right after it', () => {
    expect(nextSlot(berlin, at('2026-03-28T12:00:00Z'))?.toISOString()).toBe('2026-03-29T01:00:00.000Z');
  });

  test('a fixed time that comes twice is a slot once', () => {
    expect(nextSlot(berlin, at('2026-10-24T12:00:00Z'))?.toISOString()).toBe('2026-10-25T00:30:00.000Z');
    expect(nextSlot(berlin, at('2026-10-25T00:30:00Z'))?.toISOString()).toBe('2026-10-26T01:30:00.000Z');
    expect(plan(berlin, '2026-10-25T00:30:00Z', '2026-10-25T01:45:00Z').due).toBe('2026-10-25T00:30:00.000Z');
  });

  test('an interval follows elapsed time', () => {
    const slots = [at('2026-10-25T00:20:00Z')];
    for (let count = 0; count < 8; count++) {
      const next = nextSlot({ ...berlin, cron: '*/15 * * * *' }, slots.at(-1) ?? new Date(0));
      if (next !== undefined) slots.push(next);
    }
    const gaps = slots.slice(2).map((slot, index) => (slot.getTime() - (slots[index + 1]?.getTime() ?? 0)) / 60_000);
    expect(new Set(gaps)).toEqual(new Set([15]));
  });
});

test('a cron without a further slot waits for nothing', () => {
  expect(plan({ ...quarterly, cron: '0 0 30 2 *' }, undefined, '09:00:00')).toEqual({
    due: undefined,
    next: undefined,
  });
});

test('what cannot be understood is told', () => {
  expect(scheduleProblem(quarterly)).toBeUndefined();
  expect(scheduleProblem({ cron: '* * * *', timeZone: 'Etc/UTC' })).toMatch(/invalid/i);
  expect(scheduleProblem({ ...quarterly, timeZone: 'Europe/Nowhere' })).toMatch(/Europe\/Nowhere/);
});
