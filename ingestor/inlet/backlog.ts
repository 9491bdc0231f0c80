/** Which segments are there that no round has taken. */
import type { Waiting } from '../contract/environment.ts';
import type { ObjectFacts, Store } from '../store/store.ts';
import { untilClear } from '../table/back-off.ts';
import type { WritersProgress } from './documents.ts';
import {
  blockSize,
  parseSegmentKey,
  parseWriterKey,
  segmentBlockPrefix,
  segmentsFolder,
  writersFolder,
} from './names.ts';

/** A writer's untaken segments, `from` to `to`. */
export interface WriterBacklog {
  readonly writer: string;
  readonly from: number;
  readonly to: number;
  /** Stored bytes of each, `from` first; 0 for one that was not seen. */
  readonly sizes: readonly number[];
  /** When the store got the newest, milliseconds since 1970. */
  readonly newestTime: number;
}

/** Segments of one writer that are looked at in one go; a longer backlog is seen as the rounds go on. */
const mostSegments = 10 * blockSize;

export interface Backlog {
  /** Of the writers that have untaken segments. */
  readonly writers: readonly WriterBacklog[];
  /** Names of all writers whose introduction is still there. */
  readonly known: ReadonlySet<string>;
}

/** Of all writers that have introduced themselves. */
export async function listBacklog(
  store: Store,
  inlet: string,
  taken: WritersProgress,
  waiting: Waiting,
): Promise<Backlog> {
  const backlogs: WriterBacklog[] = [];
  const known = new Set((await listWriters(store, inlet, waiting)).map(({ writer }) => writer));
  for (const writer of known) {
    const from = (taken[writer]?.sequence ?? 0) + 1;
    const backlog = toBacklog(writer, from, await listFrom(store, inlet, writer, from, waiting));
    if (backlog) backlogs.push(backlog);
  }
  return { writers: backlogs, known };
}

/** As `listBacklog`, by reading the whole folder: finds also what writers left that nobody remembers. For `maintain`. */
export async function listWholeBacklog(
  store: Store,
  inlet: string,
  taken: WritersProgress,
  waiting: Waiting,
): Promise<Backlog> {
  const known = new Set((await listWriters(store, inlet, waiting)).map(({ writer }) => writer));
  const folder = segmentsFolder(inlet);
  const backlogs: WriterBacklog[] = [];
  for (const [writer, seen] of bySequence(await listAll(store, folder, waiting))) {
    const from = (taken[writer]?.sequence ?? 0) + 1;
    const backlog = taken[writer]
      ? toBacklog(writer, from, seen)
      : await unknownBacklog(store, folder, writer, waiting);
    if (backlog) backlogs.push(backlog);
  }
  return { writers: backlogs, known };
}

/** From its lowest, in a listing that began after one of its segments was seen: so what is below that one shows. */
async function unknownBacklog(
  store: Store,
  folder: string,
  writer: string,
  waiting: Waiting,
): Promise<WriterBacklog | undefined> {
  const sequences = bySequence(await listAll(store, `${folder}${writer}/`, waiting)).get(writer) ?? new Map();
  return toBacklog(writer, lowest(sequences), sequences);
}

export interface KnownWriter {
  readonly writer: string;
  /** When it introduced itself, milliseconds since 1970 by the store's clock. */
  readonly time: number;
}

export async function listWriters(store: Store, inlet: string, waiting: Waiting): Promise<KnownWriter[]> {
  const objects = await listAll(store, writersFolder(inlet), waiting);
  return objects.flatMap(({ key, lastModified }) => {
    const writer = parseWriterKey(key);
    return writer === undefined ? [] : [{ writer, time: lastModified }];
  });
}

export async function listAll(store: Store, prefix: string, waiting: Waiting): Promise<ObjectFacts[]> {
  return await untilClear(async () => {
    const objects: ObjectFacts[] = [];
    for await (const facts of store.list(prefix, { signal: waiting.signal })) objects.push(facts);
    return objects;
  }, waiting);
}

type Sequences = Map<number, ObjectFacts>;

/**
 * A writer makes one segment after the other: all below one that was seen are there, also those that came when the
 * listing had passed their place, or they are gone for good. Which of both shows when they are read.
 */
function toBacklog(writer: string, from: number, seen: Sequences): WriterBacklog | undefined {
  const to = highest(seen);
  if (to < from) return undefined;
  const sizes = Array.from({ length: to - from + 1 }, (_, index) => seen.get(from + index)?.size ?? 0);
  return { writer, from, to, sizes, newestTime: seen.get(to)?.lastModified ?? 0 };
}

/** The writer's segments from `from` on, block by block: those that were taken are not listed again and again. */
async function listFrom(
  store: Store,
  inlet: string,
  writer: string,
  from: number,
  waiting: Waiting,
): Promise<Sequences> {
  const found: Sequences = new Map();
  let block = Math.floor(from / blockSize);
  do {
    const objects = await listAll(store, segmentBlockPrefix(inlet, writer, block), waiting);
    for (const [sequence, facts] of bySequence(objects).get(writer) ?? []) {
      if (sequence >= from) found.set(sequence, facts);
    }
    block += 1;
  } while (found.has(block * blockSize - 1) && found.size < mostSegments);
  return found;
}

function bySequence(objects: readonly ObjectFacts[]): Map<string, Sequences> {
  const writers = new Map<string, Sequences>();
  for (const facts of objects) {
    const name = parseSegmentKey(facts.key);
    if (name === undefined) continue;
    const sequences: Sequences = writers.get(name.writer) ?? new Map();
    writers.set(name.writer, sequences.set(name.sequence, facts));
  }
  return writers;
}

function highest(sequences: Sequences): number {
  return [...sequences.keys()].reduce((most, sequence) => Math.max(most, sequence), 0);
}

function lowest(sequences: Sequences): number {
  return [...sequences.keys()].reduce((least, sequence) => Math.min(least, sequence), Number.MAX_SAFE_INTEGER);
}
