/** What `maintain` does about inlets: rounds for segments that no pod takes any more, and their garbage. */
import type { Dataset } from '../commit/dataset.ts';
import { readDocument } from '../commit/decide.ts';
import { storeTime } from '../commit/store-time.ts';
import type { Log, Waiting } from '../contract/environment.ts';
import type { Retention } from '../contract/task.ts';
import { Trials } from '../maintain/trials.ts';
import { untilClear } from '../table/back-off.ts';
import { loadState } from '../table/commit.ts';
import { listAll, listWholeBacklog } from './backlog.ts';
import { InletSettings, inletState } from './documents.ts';
import { collectGarbage } from './garbage.ts';
import { inletsFolder, parseInletKey, settingsKey } from './names.ts';
import { type Inlet, runRound, takenSoFar } from './round.ts';

/** Segments that waited so long have no pod that takes them: its inlet was deleted or scaled to 0, or cannot commit. */
export const strandedMilliseconds = 10 * 60 * 1_000;

export interface StrandedOutcome {
  /** Rounds that were run. */
  readonly rounds: number;
  readonly strandedSegments: number;
  readonly deletedObjects: number;
}

/**
 * Of all inlets of the dataset, whatever resources exist. Safe beside their pods and beside its own twin. One that fails
 * does not keep the others waiting; the failure is thrown at the end.
 */
export async function takeStrandedSegments(
  dataset: Dataset,
  { diagnosticsDays }: Retention,
  waiting: Waiting,
  log: Log,
): Promise<StrandedOutcome> {
  const { signal } = waiting;
  let [rounds, strandedSegments, deletedObjects] = [0, 0, 0];
  const trials = new Trials(log);
  for (const id of await listInlets(dataset, waiting)) {
    signal.throwIfAborted();
    const taken = await trials.try(`inlet ${id}`, signal, () => takeStranded(dataset, id, waiting, log));
    rounds += taken?.rounds ?? 0;
    strandedSegments += taken?.segments ?? 0;
    const collect = () => collectGarbage(dataset, id, waiting, diagnosticsDays);
    deletedObjects += (await trials.try(`garbage of inlet ${id}`, signal, collect)) ?? 0;
  }
  trials.throwFirst();
  return { rounds, strandedSegments, deletedObjects };
}

/** Rounds of one inlet, until nothing is stranded. */
async function takeStranded(
  dataset: Dataset,
  id: string,
  waiting: Waiting,
  log: Log,
): Promise<{ readonly rounds: number; readonly segments: number }> {
  let [rounds, segments] = [0, 0];
  const settings = await readDocument(dataset.store, settingsKey(id), InletSettings, waiting);
  if (settings === undefined) return { rounds, segments };
  const inlet = toInlet(dataset, id, settings, waiting);
  for (let stranded = await countStranded(inlet, waiting); stranded > 0; ) {
    const { committed, state } = await runRound(inlet, waiting);
    if (!committed) break;
    log.info({ inlet: id, round: state.round }, 'stranded segments taken');
    rounds += 1;
    const left = await countStranded(inlet, waiting);
    if (left >= stranded) break;
    segments += stranded - left;
    stranded = left;
  }
  return { rounds, segments };
}

async function listInlets({ store }: Dataset, waiting: Waiting): Promise<string[]> {
  const objects = await listAll(store, inletsFolder, waiting);
  return [...new Set(objects.flatMap(({ key }) => parseInletKey(key) ?? []))].sort();
}

function toInlet(dataset: Dataset, id: string, settings: InletSettings, waiting: Waiting): Inlet {
  const listBacklog: Inlet['listBacklog'] = (taken) => listWholeBacklog(dataset.store, id, taken, waiting);
  return { dataset, id, settings, failures: new Map(), listBacklog };
}

/** Untaken segments of writers whose newest one is old. */
async function countStranded({ dataset, id, listBacklog }: Inlet, waiting: Waiting): Promise<number> {
  const state = inletState(await untilClear(() => loadState(dataset.table), waiting), id);
  const { writers } = await listBacklog(await takenSoFar({ dataset, id }, state, waiting));
  if (writers.length === 0) return 0;
  const now = await storeTime(dataset.store, waiting);
  const stranded = writers.filter(({ newestTime }) => now - newestTime > strandedMilliseconds);
  return stranded.reduce((sum, { sizes }) => sum + sizes.length, 0);
}
