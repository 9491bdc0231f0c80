/** What becomes of a run that its own tasks left: finished when it was decided, ended when it was not, then cleaned up. */
import type { Waiting } from '../contract/environment.ts';
import { type Retention, retentionDefaults } from '../contract/task.ts';
import type { ObjectFacts } from '../store/store.ts';
import { untilClear } from '../table/back-off.ts';
import type { Dataset } from './dataset.ts';
import { readDocument } from './decide.ts';
import { OpenRun, type Plan, type Refusal } from './documents.ts';
import { finishRun } from './finish.ts';
import { collectGarbage, collectRejects, day } from './garbage.ts';
import { decisionKey, keptFolder, markerKey, openFolder, openKey, parseOpenKey, runFolder } from './names.ts';
import { planRefusal } from './plan.ts';
import { readPlan } from './runs.ts';

const minute = 60_000;

/** A decided run that its own tasks did not land for so long is landed by whoever comes. */
const patienceWithDecided = 10 * minute;
/** A run that nobody worked on for so long is ended. */
const patienceWithUndecided = 7 * day;

const abandoned: Refusal = { reason: 'Abandoned', message: 'no task of the run made progress for seven days' };

/** A run of which work or garbage may be left. */
export interface OpenedRun {
  readonly batch: string;
  readonly run: number;
  /** Milliseconds since 1970, by the store's clock. */
  readonly opened: number;
  /** Only its reject files are left. */
  readonly onlyRejects: boolean;
}

export type Settled =
  | { readonly did: 'nothing' }
  | { readonly did: 'finished' }
  | { readonly did: 'abandoned' }
  | { readonly did: 'cleaned'; readonly deletedObjects: number };

/** All at once: the listing is no snapshot, and what is found here is removed from it. */
export async function listOpenRuns({ store }: Dataset, { signal }: Waiting): Promise<readonly OpenedRun[]> {
  const runs: OpenedRun[] = [];
  for (const folder of [openFolder, keptFolder]) {
    for await (const { key, lastModified } of store.list(folder, { signal })) {
      const name = parseOpenKey(key);
      if (name !== undefined) runs.push({ ...name, opened: lastModified, onlyRejects: folder === keptFolder });
    }
  }
  return runs;
}

/** `now`: by the store's clock. Safe beside the run's own tasks, and beside its own twin. */
export async function settleRun(
  dataset: Dataset,
  open: OpenedRun,
  now: number,
  waiting: Waiting,
  retention: Retention = retentionDefaults,
): Promise<Settled> {
  const { batch, run, opened } = open;
  // The name was made days after the marker: until it is as old as rejects become, nothing needs to be asked.
  if (open.onlyRejects && now - opened < (retention.diagnosticsDays - 2) * day) return { did: 'nothing' };
  const marker = await head(dataset, markerKey(batch, run), waiting);
  if (marker !== undefined) {
    const ended = { batch, run, now, age: now - marker.lastModified };
    const collect = open.onlyRejects ? collectRejects : collectGarbage;
    return { did: 'cleaned', deletedObjects: await collect(dataset, ended, retention, waiting) };
  }
  const decision = await head(dataset, decisionKey(batch, run), waiting);
  const plan = await readPlan(dataset, batch, run, waiting);
  if (decision !== undefined && plan !== undefined) {
    if (now - decision.lastModified < patienceWithDecided) return { did: 'nothing' };
    await finishRun(dataset, plan, undefined, waiting);
    return { did: 'finished' };
  }
  if (now - (await lastProgress(dataset, open, waiting)) < patienceWithUndecided) return { did: 'nothing' };
  await abandon(dataset, open, plan, waiting);
  return { did: 'abandoned' };
}

async function head({ store }: Dataset, key: string, waiting: Waiting): Promise<ObjectFacts | undefined> {
  return await untilClear(() => store.head(key, { signal: waiting.signal }), waiting);
}

/** When the newest object of the run was written. */
async function lastProgress({ store, table }: Dataset, open: OpenedRun, { signal }: Waiting): Promise<number> {
  let newest = open.opened;
  for (const folder of [runFolder(open.batch, open.run), `${table.dataFolder}${open.batch}/${open.run}/`]) {
    for await (const { lastModified } of store.list(folder, { signal })) newest = Math.max(newest, lastModified);
  }
  return newest;
}

/** A run that was never planned gets a plan that ends it: a task of it that wakes up later finds the name taken. */
async function abandon(dataset: Dataset, open: OpenedRun, planned: Plan | undefined, waiting: Waiting): Promise<void> {
  const plan = planned ?? (await planAbandoned(dataset, open, waiting));
  if (plan !== undefined) await finishRun(dataset, plan, abandoned, waiting);
}

async function planAbandoned(dataset: Dataset, open: OpenedRun, waiting: Waiting): Promise<Plan | undefined> {
  const opened = await readDocument(dataset.store, openKey(open.batch, open.run), OpenRun, waiting);
  if (opened === undefined) return undefined;
  const { batch, run, requests } = opened;
  return await planRefusal(dataset, { batch, run, earlier: requests }, abandoned, waiting);
}
