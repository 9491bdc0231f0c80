/**
 * The ledger's entries, folded: of many claims that hold for good one object with the digests of their files, and a
 * document that says what is folded. Folds are dense and never freed, `ingest/ledger/folds/<n>.json`: whoever creates
 * the next one has folded, everyone else's work is garbage. The newest says all that the ones before it said.
 *
 * What a claim came to is final once it is known, so a fold that was prepared long ago says nothing wrong. A claim whose
 * run has no outcome stays in its entry, which the fold names. The others' entries are emptied after the fold is there;
 * who meets an empty entry reads the newest fold again.
 *
 * Digest objects are like the levels of a log-structured tree: a new one is joined with those before it that are not
 * much larger, so that a few claims more do not write a million anew. Their names begin with the number of the fold that
 * may name them first: once that number is taken, what the newest fold does not name is named by none, ever.
 */
import { type Static, Type } from 'typebox';
import type { Waiting } from '../contract/environment.ts';
import { untilClear } from '../table/back-off.ts';
import { findLast } from '../table/versions.ts';
import type { Dataset } from './dataset.ts';
import { decide, readDocument } from './decide.ts';
import { type ClaimGroup, checksum, countDigests, damaged, packGroups, unpackGroups } from './ledger-digests.ts';
import { type Entry, lastEntry, readEntries } from './ledger-entries.ts';
import { ledgerKey } from './names.ts';

const count = Type.Integer({ minimum: 0 });
const entries = Type.Array(Type.Integer({ minimum: 1 }));

const Segment = Type.Object({
  key: Type.String(),
  groups: count,
  digests: count,
  /** SHA-256, as hexadecimal digits. */
  sha256: Type.String(),
});
type Segment = Static<typeof Segment>;

export const LedgerFold = Type.Object({
  version: Type.Literal(1),
  attempt: Type.String(),
  number: Type.Integer({ minimum: 1 }),
  /** Entries up to this number are folded, but those in `open`. */
  upTo: count,
  /** Ascending. Of runs without an outcome. */
  open: entries,
  /** What this fold added: entries that may be emptied. */
  folded: entries,
  /** Oldest, and largest, first. */
  segments: Type.Array(Segment),
});
export type LedgerFold = Static<typeof LedgerFold>;

/** The ledger without a fold. */
const none: Pick<LedgerFold, 'number' | 'upTo' | 'open' | 'folded' | 'segments'> = {
  number: 0,
  upTo: 0,
  open: [],
  folded: [],
  segments: [],
};
type Folded = typeof none;

const digestFolder = 'ingest/ledger/digests/';

function foldKey(number: number): string {
  return `ingest/ledger/folds/${number}.json`;
}

/** A fold is made of so many settled entries, or of fewer that claim this many files. */
const leastEntries = 16;
const leastFiles = 1_000;
/** Entries in one fold; more are folded one fold after the other. */
const mostEntries = 512;
/** A new segment is joined with one before it that is at most this many times as large: few are kept, and little is written anew. */
const joinRatio = 4;
/** 16 MB: what a segment holds at most, and so what a fold holds in memory. */
const mostDigestsInSegment = 2 ** 20;

const atOnce = 16;

export function isWorthFolding(settled: readonly Pick<Entry, 'files'>[]): boolean {
  return settled.length >= leastEntries || settled.reduce((sum, { files }) => sum + files, 0) >= leastFiles;
}

/** The newest fold, or that of nothing. `after`: a fold that is known. */
async function newestFold(dataset: Dataset, after: Folded, waiting: Waiting): Promise<Folded> {
  const { store } = dataset;
  const isTaken = async (n: number) => (await store.head(foldKey(n), { signal: waiting.signal })) !== undefined;
  const number = await findLast(after.number, (n) => untilClear(() => isTaken(n), waiting));
  if (number === after.number) return after;
  const fold = await readDocument(store, foldKey(number), LedgerFold, waiting);
  if (fold === undefined) throw damaged(`${store.url}/${foldKey(number)}`, 'it is gone');
  return fold;
}

/** What a reader finds in the ledger: claims that hold for good, and entries that may or may not hold. */
export interface LedgerView {
  readonly fold: Folded;
  readonly groups: readonly ClaimGroup[];
  /** The last entry there is. */
  readonly last: number;
  readonly entries: readonly Entry[];
}

/** All of it. A fold that is made meanwhile takes away what was to be read: then its own is read. */
export async function readLedger(dataset: Dataset, waiting: Waiting): Promise<LedgerView> {
  for (let fold = await newestFold(dataset, none, waiting); ; ) {
    const segments = await readSegments(dataset, fold.segments, waiting);
    const last = await lastEntry(dataset, fold.upTo, waiting);
    const numbers = [...fold.open, ...range(fold.upTo, last)];
    const found = segments && (await readEntries(dataset, numbers, waiting));
    if (found !== undefined && segments !== undefined) return { fold, groups: segments.flat(), last, entries: found };
    const newer = await newestFold(dataset, fold, waiting);
    if (newer.number === fold.number)
      throw damaged(`${dataset.store.url}/ingest/ledger`, 'what its fold names is gone');
    fold = newer;
  }
}

function range(after: number, last: number): number[] {
  return Array.from({ length: Math.max(0, last - after) }, (_, index) => after + 1 + index);
}

/** Undefined when one is gone. */
async function readSegments(
  { store }: Dataset,
  segments: readonly Segment[],
  waiting: Waiting,
): Promise<ClaimGroup[][] | undefined> {
  const read: ClaimGroup[][] = [];
  // One after the other: each is large.
  for (const { key, groups, digests, sha256 } of segments) {
    const object = await untilClear(() => store.get(key, { signal: waiting.signal }), waiting);
    if (object === undefined) return undefined;
    const where = `${store.url}/${key}`;
    if (checksum(object.body) !== sha256) throw damaged(where, 'its checksum is another');
    const unpacked = unpackGroups(object.body, where);
    const found = unpacked.reduce((sum, group) => sum + countDigests(group), 0);
    if (unpacked.length !== groups || found !== digests) throw damaged(where, 'it holds another number of files');
    read.push(unpacked);
  }
  return read;
}

/**
 * Folds what has gathered since the last fold, and answers how many entries that were. Safe beside claims and beside its
 * own twin, and after any crash: the next call goes on. `least`: entries that are worth a fold.
 */
export async function foldLedger(dataset: Dataset, waiting: Waiting, least = leastEntries): Promise<number> {
  for (let folded = 0, known = none; ; ) {
    waiting.signal.throwIfAborted();
    const fold = await newestFold(dataset, known, waiting);
    known = fold;
    // Whoever made it may have died before it came to that.
    await emptyEntries(dataset, fold.folded, waiting);
    const gathered = await gather(dataset, fold, waiting);
    if (gathered === 'overtaken') continue;
    if (gathered.settled.length < least && !isWorthFolding(gathered.settled)) return folded;
    const made = await makeFold(dataset, fold, gathered, waiting);
    if (made === undefined) continue;
    await emptyEntries(dataset, made.folded, waiting);
    await deleteOldSegments(dataset, made, waiting);
    folded += made.folded.length;
  }
}

interface Gathered {
  readonly upTo: number;
  readonly open: readonly number[];
  readonly settled: readonly Entry[];
}

async function gather(dataset: Dataset, fold: Folded, waiting: Waiting): Promise<Gathered | 'overtaken'> {
  const last = await lastEntry(dataset, fold.upTo, waiting);
  const upTo = Math.min(last, fold.upTo + mostEntries);
  const found = await readEntries(dataset, [...fold.open, ...range(fold.upTo, upTo)], waiting);
  if (found === undefined) return 'overtaken';
  return {
    upTo,
    open: found.filter(({ claim }) => claim === 'open').map(({ number }) => number),
    settled: found.filter(({ claim }) => claim !== 'open'),
  };
}

/** Undefined when another fold has the number. */
async function makeFold(
  dataset: Dataset,
  fold: Folded,
  { upTo, open, settled }: Gathered,
  waiting: Waiting,
): Promise<LedgerFold | undefined> {
  const number = fold.number + 1;
  const groups = settled.filter(({ claim }) => claim === 'held').map(toGroup);
  const segments = await addSegment(dataset, number, fold.segments, groups, waiting);
  if (segments === undefined) return undefined;
  const made: LedgerFold = {
    version: 1,
    attempt: waiting.random.nonce(),
    number,
    upTo,
    open: [...open],
    folded: settled.map((entry) => entry.number),
    segments,
  };
  const { value, own } = await decide(dataset.store, foldKey(number), LedgerFold, made, waiting);
  return own ? value : undefined;
}

function toGroup({ batch, run, number, digests }: Entry): ClaimGroup {
  return { batch, run, entry: number, digests };
}

/** Undefined when a segment is gone, so that there is a newer fold. */
async function addSegment(
  dataset: Dataset,
  number: number,
  segments: readonly Segment[],
  added: readonly ClaimGroup[],
  waiting: Waiting,
): Promise<Segment[] | undefined> {
  if (added.length === 0) return [...segments];
  const kept = [...segments];
  const joined: Segment[] = [];
  let digests = added.reduce((sum, group) => sum + countDigests(group), 0);
  for (let last = kept.at(-1); last !== undefined; last = kept.at(-1)) {
    if (last.digests > digests * joinRatio || last.digests + digests > mostDigestsInSegment) break;
    digests += last.digests;
    joined.unshift(last);
    kept.pop();
  }
  const before = await readSegments(dataset, joined, waiting);
  if (before === undefined) return undefined;
  return [...kept, await writeSegment(dataset, number, [...before.flat(), ...added], waiting)];
}

async function writeSegment(
  { store }: Dataset,
  number: number,
  groups: readonly ClaimGroup[],
  waiting: Waiting,
): Promise<Segment> {
  const body = packGroups(groups);
  const key = `${digestFolder}${number}-${waiting.random.nonce()}.bin`;
  await untilClear(() => store.put(key, body, { signal: waiting.signal }), waiting);
  const digests = groups.reduce((sum, group) => sum + countDigests(group), 0);
  return { key, groups: groups.length, digests, sha256: checksum(body) };
}

/** The names stay. */
async function emptyEntries({ store }: Dataset, numbers: readonly number[], waiting: Waiting): Promise<void> {
  const { signal } = waiting;
  for (let first = 0; first < numbers.length; first += atOnce) {
    await Promise.all(
      numbers.slice(first, first + atOnce).map(async (number) => {
        const key = ledgerKey(number);
        const facts = await untilClear(() => store.head(key, { signal }), waiting);
        if (facts !== undefined && facts.size > 0) await untilClear(() => store.put(key, '', { signal }), waiting);
      }),
    );
  }
}

async function deleteOldSegments(dataset: Dataset, fold: LedgerFold, waiting: Waiting): Promise<void> {
  const { store } = dataset;
  const { signal } = waiting;
  const named = new Set(fold.segments.map(({ key }) => key));
  const old = await untilClear(async () => {
    const keys: string[] = [];
    for await (const { key } of store.list(digestFolder, { signal })) {
      const number = Number(/^([0-9]+)-/.exec(key.slice(digestFolder.length))?.[1]);
      if (number <= fold.number && !named.has(key)) keys.push(key);
    }
    return keys;
  }, waiting);
  if (old.length > 0) await untilClear(() => store.delete(old, { signal }), waiting);
}
