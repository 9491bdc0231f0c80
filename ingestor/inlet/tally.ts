/**
 * Counts what a round takes. Each segment says how many records its writer has written up to it, so records of a
 * segment that is damaged or gone are counted too: with the next segment of the writer that can be read, in this round
 * or a later one.
 */
import type { RoundPlan, WriterProgress, WritersProgress } from './documents.ts';
import type { SegmentHeader } from './segment.ts';

interface Count {
  readonly records: number;
  readonly bytes: number;
}

export interface TallyCounts {
  readonly received: number;
  /** Of those received, the ones in unreadable segments. */
  readonly lost: number;
  readonly bytes: number;
}

export class Tally {
  readonly unreadable: { writer: string; sequence: number }[] = [];
  readonly #before: WritersProgress;
  readonly #takes: RoundPlan['takes'];
  readonly #base = new Map<string, Count>();
  readonly #upTo = new Map<string, Count & { readonly time: number }>();
  #readable = 0;

  constructor(before: WritersProgress, takes: RoundPlan['takes']) {
    this.#before = before;
    this.#takes = takes;
  }

  addReadable({ writer, records, bytes, upTo }: SegmentHeader, time: number): void {
    const first = { records: upTo.records - records, bytes: upTo.bytes - bytes };
    if (!this.#base.has(writer)) this.#base.set(writer, this.#before[writer] ?? this.#beginning(writer, first));
    this.#upTo.set(writer, { ...upTo, time });
    this.#readable += records;
  }

  addUnreadable({ writer, sequence }: { readonly writer: string; readonly sequence: number }): void {
    this.unreadable.push({ writer, sequence });
  }

  counts(): TallyCounts {
    let received = 0;
    let bytes = 0;
    for (const [writer, upTo] of this.#upTo) {
      const base = this.#base.get(writer) ?? upTo;
      received += upTo.records - base.records;
      bytes += upTo.bytes - base.bytes;
    }
    return { received, lost: received - this.#readable, bytes };
  }

  /** How far the writers of the round are taken by it. */
  progress(): Record<string, WriterProgress> {
    const entries = this.#takes.map(({ writer, to }) => {
      const before = this.#before[writer] ?? { records: 0, bytes: 0, time: 0 };
      const { records, bytes, time } = this.#upTo.get(writer) ?? before;
      return [writer, { sequence: to, records, bytes, time }] as const;
    });
    return Object.fromEntries(entries);
  }

  /** A writer that everybody has forgotten does not begin at 1: what it wrote before was counted then. */
  #beginning(writer: string, first: Count): Count {
    const isNew = this.#takes.some((take) => take.writer === writer && take.from === 1);
    return isNew ? { records: 0, bytes: 0 } : first;
  }
}
