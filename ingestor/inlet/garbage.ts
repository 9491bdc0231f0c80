/**
 * Removes what an inlet no longer needs: segments an hour old that the table has, and plans and receipts of rounds that
 * have been over for a day. Ages are by the store's clock. Refused records and unreadable segments stay.
 *
 * What guards against a process that slept and wakes now: the table's property says which rounds are over, and the
 * receipt it names, which is never removed, how far each writer was taken.
 */

import type { Dataset } from '../commit/dataset.ts';
import { storeTime } from '../commit/store-time.ts';
import type { Waiting } from '../contract/environment.ts';
import type { Store } from '../store/store.ts';
import { untilClear } from '../table/back-off.ts';
import { loadState } from '../table/commit.ts';
import { listAll, listWriters } from './backlog.ts';
import { type InletState, inletState, type WritersProgress } from './documents.ts';
import { parseRoundKey, parseSegmentKey, roundsFolder, segmentsFolder, writerKey } from './names.ts';
import { takenSoFar } from './round.ts';

const hour = 60 * 60 * 1_000;
const day = 24 * hour;

/** Answers how many objects it removed. */
export async function collectGarbage(dataset: Dataset, inlet: string, waiting: Waiting): Promise<number> {
  const { store } = dataset;
  const state = inletState(await untilClear(() => loadState(dataset.table), waiting), inlet);
  const taken = await takenSoFar({ dataset, id: inlet }, state, waiting);
  const now = await storeTime(store, waiting);
  const { garbage, writing } = await sortSegments(store, inlet, taken, now, waiting);
  const keys = [
    ...garbage,
    ...(await silentWriters(store, inlet, writing, now, waiting)),
    ...(await endedRounds(store, inlet, state, now, waiting)),
  ];
  if (keys.length > 0) await untilClear(() => store.delete(keys, { signal: waiting.signal }), waiting);
  return keys.length;
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

async function endedRounds(
  store: Store,
  inlet: string,
  state: InletState,
  now: number,
  waiting: Waiting,
): Promise<string[]> {
  const objects = await listAll(store, roundsFolder(inlet), waiting);
  return objects
    .filter(({ key, lastModified }) => {
      const round = parseRoundKey(key);
      return round !== undefined && round <= state.round && round !== state.taken && now - lastModified > day;
    })
    .map(({ key }) => key);
}
