/** What is durable and not yet in the table: one's own segments exactly, those of other pods as last looked up. */
import type { Waiting } from '../contract/environment.ts';
import type { Store } from '../store/store.ts';
import type { WriterBacklog } from './backlog.ts';
import type { WritersProgress } from './documents.ts';
import { segmentKey } from './names.ts';
import { decodeHeader, maxHeaderBytes, type SegmentHeader } from './segment.ts';

export interface PendingTotals {
  readonly segments: number;
  readonly records: number;
  readonly bytes: number;
  /** When the oldest record came in, milliseconds since 1970; absent when there is none. */
  readonly oldestTime?: number;
}

const nothing: PendingTotals = { segments: 0, records: 0, bytes: 0 };

export class Pending {
  readonly #ownWriters = new Set<string>();
  #own: SegmentHeader[] = [];
  #others = nothing;

  addWriter(writer: string): void {
    this.#ownWriters.add(writer);
  }

  add(header: SegmentHeader): void {
    this.#own.push(header);
  }

  isOwn(writer: string): boolean {
    return this.#ownWriters.has(writer);
  }

  /** After a round, whoever ran it. */
  update(taken: WritersProgress, others: PendingTotals): void {
    this.#own = this.#own.filter(({ writer, sequence }) => sequence > (taken[writer]?.sequence ?? 0));
    this.#others = others;
  }

  ownSegments(): number {
    return this.#own.length;
  }

  totals(): PendingTotals {
    const own = this.#own.map(({ records, bytes, firstReceivedTime }) => ({
      segments: 1,
      records,
      bytes,
      oldestTime: firstReceivedTime,
    }));
    return own.reduce(addPending, this.#others);
  }
}

function addPending(a: PendingTotals, b: PendingTotals): PendingTotals {
  const oldestTime = Math.min(a.oldestTime ?? Number.POSITIVE_INFINITY, b.oldestTime ?? Number.POSITIVE_INFINITY);
  return {
    segments: a.segments + b.segments,
    records: a.records + b.records,
    bytes: a.bytes + b.bytes,
    ...(Number.isFinite(oldestTime) ? { oldestTime } : {}),
  };
}

/** From two headers of each writer: the first untaken segment says since when, the last how much. */
export async function lookUpPending(
  store: Store,
  inlet: string,
  backlogs: readonly WriterBacklog[],
  taken: WritersProgress,
  waiting: Waiting,
): Promise<PendingTotals> {
  let total = nothing;
  for (const { writer, from, to, sizes, newestTime } of backlogs) {
    const first = await readHeader(store, segmentKey(inlet, writer, from), waiting);
    const last = to === from ? first : await readHeader(store, segmentKey(inlet, writer, to), waiting);
    const before = taken[writer] ?? { records: 0, bytes: 0 };
    total = addPending(total, {
      segments: sizes.length,
      records: Math.max(0, (last?.upTo.records ?? 0) - before.records),
      bytes: Math.max(0, (last?.upTo.bytes ?? 0) - before.bytes),
      oldestTime: first?.firstReceivedTime ?? newestTime,
    });
  }
  return total;
}

/** Undefined for a segment that is gone or damaged, and when the store does not say: this is for people to see. */
async function readHeader(store: Store, key: string, { signal }: Waiting): Promise<SegmentHeader | undefined> {
  try {
    const pieces: Uint8Array[] = [];
    for await (const piece of store.read(key, { end: maxHeaderBytes, signal })) pieces.push(piece);
    return decodeHeader(Buffer.concat(pieces), key);
  } catch {
    return undefined;
  }
}
