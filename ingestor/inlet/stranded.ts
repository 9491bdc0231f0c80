/** What `maintain` does about inlets: rounds for segments that no pod takes any more, and their garbage. */
import type { Dataset } from '../commit/dataset.ts';
import { readDocument } from '../commit/decide.ts';
import { storeTime } from '../commit/store-time.ts';
import type { Log, Waiting } from '../contract/environment.ts';
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

/** Of all inlets of the dataset, whatever resources exist. Safe beside their pods and beside its own twin. */
export async function takeStrandedSegments(dataset: Dataset, waiting: Waiting, log: Log): Promise<StrandedOutcome> {
  let [rounds, strandedSegments, deletedObjects] = [0, 0, 0];
  for (const id of await listInlets(dataset, waiting)) {
    const settings = await readDocument(dataset.store, settingsKey(id), InletSettings, waiting);
    if (settings === undefined) continue;
    const inlet = toInlet(dataset, id, settings, waiting);
    for (let stranded = await countStranded(inlet, waiting); stranded > 0; ) {
      const { committed, state } = await runRound(inlet, waiting);
      if (!committed) break;
      log.info({ inlet: id, round: state.round }, 'stranded segments taken');
      rounds += 1;
      const left = await countStranded(inlet, waiting);
      if (left >= stranded) break;
      strandedSegments += stranded - left;
      stranded = left;
    }
    deletedObjects += await collectGarbage(dataset, id, waiting);
  }
  return { rounds, strandedSegments, deletedObjects };
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
