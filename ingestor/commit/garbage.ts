import type { Waiting } from '../contract/environment.ts';
import type { Retention } from '../contract/task.ts';
import { untilClear } from '../table/back-off.ts';
import type { Dataset } from './dataset.ts';
import { readDocument } from './decide.ts';
import { Landing } from './documents.ts';
import { keptKey, markerKey, openKey, rejectFolder, runFolder } from './names.ts';
import { readDecision } from './runs.ts';

export const day = 24 * 60 * 60 * 1_000;

/** A run whose marker exists. */
export interface EndedRun {
  readonly batch: string;
  readonly run: number;
  /** By the store's clock, milliseconds since 1970: now, and how long ago the marker was written. */
  readonly now: number;
  readonly age: number;
}

/**
 * Removes what a run with a marker left: files that did not land and that no receipt that counted names, receipts, lists,
 * and uploads that were never ended. Nothing on the first day, for those who still read; on the second, what there is;
 * after it, once more, for what a process that slept wrote meanwhile. Then the run is no longer looked at, save for its
 * reject files, which are kept longer. Plan, decision and markers stay for good, and files that landed are the table's:
 * expiry removes them. Answers how many objects were removed.
 */
export async function collectGarbage(
  dataset: Dataset,
  ended: EndedRun,
  retention: Retention,
  waiting: Waiting,
): Promise<number> {
  const { batch, run, age } = ended;
  if (age < day) return 0;
  const folders = foldersOf(dataset, ended);
  const { garbage, kept } = await findGarbage(dataset, folders, ended, retention, waiting);
  await deleteAll(dataset, garbage, waiting);
  await abandonUploads(dataset, ended, waiting);
  if (age < 2 * day) return garbage.length;
  if (kept > 0) await keepInSight(dataset, batch, run, waiting);
  await deleteAll(dataset, [openKey(batch, run)], waiting);
  return garbage.length + 1;
}

/** Removes the reject files of a run of which nothing else is left, once they were kept long enough. */
export async function collectRejects(
  dataset: Dataset,
  { batch, run, age }: EndedRun,
  { diagnosticsDays }: Retention,
  waiting: Waiting,
): Promise<number> {
  if (age < diagnosticsDays * day) return 0;
  const keys = await listKeys(dataset, rejectFolder(batch, run), waiting);
  await deleteAll(dataset, keys, waiting);
  await deleteAll(dataset, [keptKey(batch, run)], waiting);
  return keys.length + 1;
}

/** Where tasks of a run upload large objects. */
function uploadFolders({ table }: Dataset, { batch, run }: EndedRun): readonly string[] {
  return [`${table.dataFolder}${batch}/${run}/`, rejectFolder(batch, run)];
}

/** All folders that tasks of a run write into, but the one of the names that stay. */
function foldersOf(dataset: Dataset, ended: EndedRun): readonly string[] {
  const folder = runFolder(ended.batch, ended.run);
  return [...uploadFolders(dataset, ended), `${folder}shards/`, `${folder}parts/`];
}

/** `kept`: reject files that stay for now. */
async function findGarbage(
  dataset: Dataset,
  folders: readonly string[],
  { batch, run, age }: EndedRun,
  { diagnosticsDays }: Retention,
  waiting: Waiting,
): Promise<{ readonly garbage: string[]; readonly kept: number }> {
  const decision = await readDecision(dataset, batch, run, waiting);
  const landing = await readDocument(dataset.store, markerKey(batch, run), Landing, waiting);
  if (decision === undefined || landing === undefined) return { garbage: [], kept: 0 };
  const landed = landing.outcome === 'Committed' ? decision.dataFiles.map(({ key }) => key) : [];
  const rejects = age < diagnosticsDays * day ? decision.rejectFiles : [];
  const stays = new Set([...landed, ...rejects]);
  const found = await Promise.all(folders.map((folder) => listKeys(dataset, folder, waiting)));
  return { garbage: found.flat().filter((key) => !stays.has(key)), kept: rejects.length };
}

async function listKeys({ store }: Dataset, prefix: string, { signal }: Waiting): Promise<string[]> {
  const keys: string[] = [];
  for await (const { key } of store.list(prefix, { signal })) keys.push(key);
  return keys;
}

async function deleteAll({ store }: Dataset, keys: readonly string[], waiting: Waiting): Promise<void> {
  if (keys.length > 0) await untilClear(() => store.delete(keys, { signal: waiting.signal }), waiting);
}

/** Of data and reject files. Those of a run that has its marker matter no more, however young they are. */
async function abandonUploads(dataset: Dataset, ended: EndedRun, waiting: Waiting): Promise<void> {
  const { signal } = waiting;
  for (const folder of uploadFolders(dataset, ended)) {
    await untilClear(() => dataset.store.abandonUploads(folder, ended.now, { signal }), waiting);
  }
}

/** Listed by itself, so that runs whose rejects are kept for weeks cost nothing meanwhile. */
async function keepInSight({ store }: Dataset, batch: string, run: number, waiting: Waiting): Promise<void> {
  const body = JSON.stringify({ version: 1 });
  await untilClear(() => store.putIfAbsent(keptKey(batch, run), body, { signal: waiting.signal }), waiting);
}
