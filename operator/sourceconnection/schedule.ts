/** Slots of a cron in a time zone. Pure: the time is given. */
import { Cron } from 'croner';
import type { SourceConnectionSpecSchedule } from '../api/types.gen.ts';

export type Schedule = SourceConnectionSpecSchedule;

/** What is due of a schedule, and when it is to be looked at again. */
export interface Agenda {
  /** The newest slot that is due: slots missed before it are made up for by the same run. */
  readonly due?: Date;
  /** The slot to wait for; the due one until its run is made. Undefined when the cron has no further slot. */
  readonly next?: Date;
}

/** A cron or time zone that cannot be understood; undefined when all is well. */
export function scheduleProblem(schedule: Schedule): string | undefined {
  try {
    cronOf(schedule).nextRun(new Date(0));
    return undefined;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

/**
 * `planned`: the slot that was waited for. It stands while it is a slot of the schedule: after an edit, or when none was
 * waited for (new, or resumed), slots count from now.
 */
export function agenda(schedule: Schedule, planned: Date | undefined, now: Date): Agenda {
  const cron = cronOf(schedule);
  const next = planned !== undefined && isSlot(cron, planned) ? planned : slotAfter(cron, now);
  if (next === undefined || next > now) return next === undefined ? {} : { next };
  const due = newestSlot(cron, next, now);
  const { startingDeadlineSeconds } = schedule;
  const isTooLate =
    startingDeadlineSeconds !== undefined && now.getTime() - due.getTime() > startingDeadlineSeconds * 1_000;
  if (!isTooLate) return { due, next };
  const later = slotAfter(cron, now);
  return later === undefined ? {} : { next: later };
}

/** The slot to wait for once the due one has its run. */
export function nextSlot(schedule: Schedule, now: Date): Date | undefined {
  return slotAfter(cronOf(schedule), now);
}

function cronOf({ cron, timeZone }: Schedule): Cron {
  return new Cron(cron, { timezone: timeZone, mode: '5-part', paused: true });
}

function slotAfter(cron: Cron, time: Date): Date | undefined {
  return cron.nextRun(time) ?? undefined;
}

function isSlot(cron: Cron, time: Date): boolean {
  return cron.nextRun(new Date(time.getTime() - 1_000))?.getTime() === time.getTime();
}

/**
 * Slots may be a minute or four years apart: looks back from now, no further than the one that is known. Looking back
 * finds the second of two equal hours, which is no slot.
 */
function newestSlot(cron: Cron, known: Date, now: Date): Date {
  const before = cron.previousRuns(3, new Date(now.getTime() + 1_000));
  return before.find((slot) => slot > known && slot <= now && isSlot(cron, slot)) ?? known;
}
