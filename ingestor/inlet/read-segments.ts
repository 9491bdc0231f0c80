/** The segments of a round, one after the other, some read ahead. */
import type { Waiting } from '../contract/environment.ts';
import { ForebayError } from '../contract/errors.ts';
import type { Store, StoredObject } from '../store/store.ts';
import { untilClear } from '../table/back-off.ts';
import type { RoundPlan } from './documents.ts';
import { segmentKey } from './names.ts';
import { decodeSegment, type Segment } from './segment.ts';

/** Segments held in memory besides the one in work: at most so many times `maxSegmentBytes`. */
const readAhead = 2;

export interface ReadSegment {
  readonly writer: string;
  readonly sequence: number;
  /** Absent when the segment is damaged or gone. */
  readonly segment?: Segment;
  /** As stored; absent when it is gone. */
  readonly object?: StoredObject;
}

/** Throws NewerDocument for a segment that a newer version wrote, and what the store throws. */
export async function* readSegments(
  store: Store,
  inlet: string,
  takes: RoundPlan['takes'],
  waiting: Waiting,
): AsyncIterable<ReadSegment> {
  const reads: Promise<ReadSegment>[] = [];
  for (const { writer, sequence } of each(takes)) {
    const read = readSegment(store, inlet, writer, sequence, waiting);
    // It is awaited later: until then a failure must not count as unhandled.
    read.catch(() => {});
    reads.push(read);
    const oldest = reads.length > readAhead ? reads.shift() : undefined;
    if (oldest) yield await oldest;
  }
  for (const read of reads) yield await read;
}

function* each(takes: RoundPlan['takes']): Iterable<{ writer: string; sequence: number }> {
  for (const { writer, from, to } of takes) {
    for (let sequence = from; sequence <= to; sequence += 1) yield { writer, sequence };
  }
}

async function readSegment(
  store: Store,
  inlet: string,
  writer: string,
  sequence: number,
  waiting: Waiting,
): Promise<ReadSegment> {
  const key = segmentKey(inlet, writer, sequence);
  const object = await untilClear(() => store.get(key, { signal: waiting.signal }), waiting);
  if (object === undefined) return { writer, sequence };
  const segment = decode(object, key);
  return segment ? { writer, sequence, segment, object } : { writer, sequence, object };
}

function decode(object: StoredObject, key: string): Segment | undefined {
  try {
    return decodeSegment(object.body, key);
  } catch (thrown) {
    if (thrown instanceof ForebayError && thrown.code === 'DamagedDocument') return undefined;
    throw thrown;
  }
}
