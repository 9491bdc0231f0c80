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
  /** Stored bytes of each, `from` first; 0 for one that is gone. */
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
    const backlog = await writerBacklog(writer, from, () => listFrom(store, inlet, writer, from, waiting));
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
  const first = bySequence(await listAll(store, folder, waiting));
  const backlogs: WriterBacklog[] = [];
  for (const writer of first.keys()) {
    const list = async () => bySequence(await listAll(store, `${folder}${writer}/`, waiting)).get(writer) ?? new Map();
    const from = taken[writer] === undefined ? lowest(await list()) : taken[writer].sequence + 1;
    const backlog = from === undefined ? undefined : await writerBacklog(writer, from, list);
    if (backlog) backlogs.push(backlog);
  }
  return { writers: backlogs, known };
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
 * A writer makes one segment after the other. So one that is missing below another either came after the listing had
 * passed its place, or is gone for good; a listing that begins later tells. What that one does not show is taken as
 * gone: to wait for it would stop the writer's line for ever.
 */
async function writerBacklog(
  writer: string,
  from: number,
  list: () => Promise<Sequences>,
): Promise<WriterBacklog | undefined> {
  const seen = await list();
  const to = Math.max(from - 1, highest(seen));
  if (to < from) return undefined;
  const complete = hasAll(seen, from, to) ? seen : await list();
  const sizes = Array.from({ length: to - from + 1 }, (_, index) => complete.get(from + index)?.size ?? 0);
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

function hasAll(sequences: Sequences, from: number, to: number): boolean {
  for (let sequence = from; sequence <= to; sequence += 1) if (!sequences.has(sequence)) return false;
  return true;
}

function highest(sequences: Sequences): number {
  return [...sequences.keys()].reduce((most, sequence) => Math.max(most, sequence), 0);
}

function lowest(sequences: Sequences): number | undefined {
  const [first, ...others] = sequences.keys();
  return first === undefined ? undefined : others.reduce((least, sequence) => Math.min(least, sequence), first);
}
