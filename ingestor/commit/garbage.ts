import type { Waiting } from '../contract/environment.ts';
import { untilClear } from '../table/back-off.ts';
import type { Dataset } from './dataset.ts';
import { openKey, rejectFolder, runFolder } from './names.ts';
import { readDecision } from './runs.ts';

const day = 24 * 60 * 60 * 1_000;

/**
 * Removes what a run with a marker left: files that no receipt that counted names, receipts and lists. Nothing on the
 * first day, for those who still read; on the second, what there is; after it, once more, for what a process that
 * slept wrote meanwhile, and then the run is no longer looked at. Plan, decision and marker stay for good.
 *
 * `age`: milliseconds since the marker was written. Answers how many objects were removed.
 */
export async function collectGarbage(
  dataset: Dataset,
  batch: string,
  run: number,
  age: number,
  waiting: Waiting,
): Promise<number> {
  if (age < day) return 0;
  const garbage = await findGarbage(dataset, batch, run, waiting);
  const keys = age < 2 * day ? garbage : [...garbage, openKey(batch, run)];
  if (keys.length > 0) await untilClear(() => dataset.store.delete(keys, { signal: waiting.signal }), waiting);
  return keys.length;
}

async function findGarbage(dataset: Dataset, batch: string, run: number, waiting: Waiting): Promise<string[]> {
  const { store, table } = dataset;
  const decision = await readDecision(dataset, batch, run, waiting);
  if (decision === undefined) return [];
  const kept = new Set([...decision.dataFiles.map((file) => file.key), ...decision.rejectFiles]);
  const folder = runFolder(batch, run);
  const folders = [
    `${table.dataFolder}${batch}/${run}/`,
    rejectFolder(batch, run),
    `${folder}shards/`,
    `${folder}parts/`,
  ];
  const garbage: string[] = [];
  for (const prefix of folders) {
    for await (const { key } of store.list(prefix, { signal: waiting.signal })) if (!kept.has(key)) garbage.push(key);
  }
  return garbage;
}
