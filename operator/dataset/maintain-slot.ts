import { createHash } from 'node:crypto';
import type { Dataset } from '../api/types.gen.ts';

export interface MaintainSlot {
  /** Of the slot that has begun; undefined in that in which the Dataset was made, where there is nothing to do. */
  readonly number: number | undefined;
  readonly nextInSeconds: number;
}

/** Slots are as long as the interval; each Dataset's begin at a time of its own, so that not all are maintained at once. */
export function maintainSlot(dataset: Dataset, intervalSeconds: number, now: number): MaintainSlot {
  const interval = intervalSeconds * 1_000;
  const offset = createHash('sha256').update(dataset.metadata.uid).digest().readUInt32BE() % interval;
  const slotOf = (time: number) => Math.floor((time - offset) / interval);
  const current = slotOf(now);
  const first = slotOf(Date.parse(dataset.metadata.creationTimestamp ?? ''));
  const nextInSeconds = Math.ceil(((current + 1) * interval + offset - now) / 1_000);
  return { number: current > first ? current : undefined, nextInSeconds };
}
