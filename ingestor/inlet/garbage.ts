/**
 * Removes what an inlet no longer needs: segments an hour old that the table has; of rounds that have been over for a day
 * plan, receipt, and data files that processes left that died within them; refused records that were kept long enough.
 * Ages are by the store's clock. Unreadable segments stay for good: they were acknowledged, and nobody else has them.
 *
 * What guards against a process that slept and wakes now: the table's property says which rounds are over, and the
 * receipt it names, which is never removed, how far each writer was taken.
 */

import type { Dataset } from '../commit/dataset.ts';
import { readDocument } from '../commit/decide.ts';
import { storeTime } from '../commit/store-time.ts';
import type { Waiting } from '../contract/environment.ts';
import { deleteKeys } from '../maintain/bucket.ts';
import { writeExpiredFiles } from '../maintain/expired-documents.ts';
import { withoutNamedFiles } from '../maintain/named-files.ts';
import type { Store } from '../store/store.ts';
import { untilClear } from '../table/back-off.ts';
import { loadState } from '../table/commit.ts';
import type { TableState } from '../table/table.ts';
import { listAll, listWriters } from './backlog.ts';
import { type InletState, inletState, RoundReceipt, type WritersProgress } from './documents.ts';
import {
  parseRoundKey,
  parseRoundRejectKey,
  parseSegmentKey,
  rejectsFolder,
  roundDataFolder,
  roundReceiptKey,
  roundsFolder,
  segmentsFolder,
  writerKey,
} from './names.ts';
import { takenSoFar } from './round.ts';

const hour = 60 * 60 * 1_000;
const day = 24 * hour;

/** Answers how many objects it removed. Refused records stay where `diagnosticsDays` is not told. */
export async function collectGarbage(
  dataset: Dataset,
  inlet: string,
  waiting: Waiting,
  diagnosticsDays = Number.POSITIVE_INFINITY,
): Promise<number> {
  const { store } = dataset;
  const table = await untilClear(() => loadState(dataset.table), waiting);
  const state = inletState(table, inlet);
  const taken = await takenSoFar({ dataset, id: inlet }, state, waiting);
  const now = await storeTime(store, waiting);
  const { garbage, writing } = await sortSegments(store, inlet, taken, now, waiting);
  const ended = await endedRounds(store, inlet, state, now, waiting);
  const leftFiles = await filesLeftBehind(dataset, table, inlet, new Set(ended.map(({ round }) => round)), waiting);
  const keys = [
    ...garbage,
    ...(await silentWriters(store, inlet, writing, now, waiting)),
    ...(await oldRejects(store, inlet, state, now - diagnosticsDays * day, waiting)),
  ];
  // What tells of a round goes last: without it nobody would look for the files that it left.
  const rounds = ended.map(({ key }) => key);
  // Some of them may have landed, and left the table a moment ago: they go as those do, later and after another look.
  if (leftFiles.length > 0) await writeExpiredFiles(store, [], leftFiles, waiting);
  for (const some of [keys, rounds]) await deleteKeys(store, some, waiting);
  return keys.length + rounds.length;
}

async function sortSegments(
  store: Store,
  inlet: string,
  taken: WritersProgress,
  now: number,
  waiting: Waiting,
): Promise<{ garbage: string[]; writing: Set<string> }> {
  const garbage: string[] = [];
  const writing = new Set<string>();
  for (const { key, lastModified } of await listAll(store, segmentsFolder(inlet), waiting)) {
    const segment = parseSegmentKey(key);
    if (segment === undefined) continue;
    writing.add(segment.writer);
    const progress = taken[segment.writer];
    if (progress !== undefined && segment.sequence <= progress.sequence && now - lastModified > hour) garbage.push(key);
  }
  return { garbage, writing };
}

/** Introductions a day old of writers that have no segments left, taken or not. A process that slept goes unlisted then; `maintain` finds what it writes. */
async function silentWriters(
  store: Store,
  inlet: string,
  writing: ReadonlySet<string>,
  now: number,
  waiting: Waiting,
): Promise<string[]> {
  const writers = await listWriters(store, inlet, waiting);
  return writers
    .filter(({ writer, time }) => !writing.has(writer) && now - time > day)
    .map(({ writer }) => writerKey(inlet, writer));
}

/** Plans and receipts of rounds that are over, a day old. */
async function endedRounds(
  store: Store,
  inlet: string,
  state: InletState,
  now: number,
  waiting: Waiting,
): Promise<{ readonly round: number; readonly key: string }[]> {
  const objects = await listAll(store, roundsFolder(inlet), waiting);
  return objects.flatMap(({ key, lastModified }) => {
    const round = parseRoundKey(key);
    const isEnded = round !== undefined && round <= state.round && round !== state.taken && now - lastModified > day;
    return isEnded ? [{ round, key }] : [];
  });
}

/**
 * Data files of these rounds that no receipt names that counted. A process that slept for days may have made a receipt of
 * its own under a name that was freed, so the receipt only says where it is worth to ask the table, which knows.
 */
async function filesLeftBehind(
  dataset: Dataset,
  state: TableState,
  inlet: string,
  rounds: ReadonlySet<number>,
  waiting: Waiting,
): Promise<string[]> {
  const { store, table } = dataset;
  const found: string[] = [];
  for (const round of rounds) {
    const files = await listAll(store, roundDataFolder(table.dataFolder, inlet, round), waiting);
    if (files.length === 0) continue;
    const receipt = await readDocument(store, roundReceiptKey(inlet, round), RoundReceipt, waiting);
    const named = new Set(receipt?.files.map(({ key }) => key));
    for (const { key } of files) if (!named.has(key)) found.push(key);
  }
  return found.length === 0 ? [] : [...(await withoutNamedFiles(table, state, found))];
}

async function oldRejects(
  store: Store,
  inlet: string,
  state: InletState,
  before: number,
  waiting: Waiting,
): Promise<string[]> {
  if (before === Number.NEGATIVE_INFINITY) return [];
  const objects = await listAll(store, rejectsFolder(inlet), waiting);
  return objects.flatMap(({ key, lastModified }) => {
    const round = parseRoundRejectKey(key);
    return round !== undefined && round <= state.round && lastModified < before ? [key] : [];
  });
}
