/** Of batches that a request names: the runs whose rows it replaces, and the records that were refused. */
import type { Waiting } from '../contract/environment.ts';
import { ForebayError } from '../contract/errors.ts';
import type { BatchID } from '../contract/task.ts';
import { untilClear } from '../table/back-off.ts';
import type { Dataset } from './dataset.ts';
import type { Plan, PlanInput, Refusal } from './documents.ts';
import { batchDigest } from './names.ts';
import { committedRun, latestPlan, readDecision } from './runs.ts';

/**
 * The committed runs of the batches that `batch` replaces, as they are now; or why not. Throws RunUndecided while one of
 * them is under way.
 */
export async function findReplaced(
  dataset: Dataset,
  batch: BatchID,
  replaces: readonly BatchID[],
  waiting: Waiting,
): Promise<{ readonly replaces: NonNullable<Plan['replaces']> } | Refusal> {
  const runs: NonNullable<Plan['replaces']> = [];
  for (const named of replaces) {
    const digest = batchDigest(named);
    if (digest === batchDigest(batch)) return nothingToReplace(`${named.id} cannot replace itself`);
    if (runs.some((run) => run.batch === digest)) return nothingToReplace(`${named.id} is named twice`);
    const committed = await committedRun(dataset, named, waiting);
    if (committed === undefined) {
      return nothingToReplace(`${named.id} has no rows in the table: it was not committed, or was taken out again`);
    }
    if (committed.decision.dataFiles.length === 0) return nothingToReplace(`${named.id} brought no rows`);
    runs.push({ batch: digest, id: named.id, run: committed.plan.run });
  }
  return { replaces: runs };
}

function nothingToReplace(message: string): Refusal {
  return { reason: 'NothingToReplace', message };
}

/** What the ledger calls the place of reject files. */
export const rejectSource = 'rejects';

/** Reject files read about at the same time. */
const headAhead = 16;

/**
 * The reject files of the latest run of a batch that refused records, or why there are none. Throws RunUndecided while
 * the batch is under way: it may refuse more.
 */
export async function findRejects(
  dataset: Dataset,
  batch: BatchID,
  waiting: Waiting,
): Promise<{ readonly files: readonly PlanInput[] } | Refusal> {
  const latest = await latestPlan(dataset, batch, waiting);
  for (let run = latest?.run ?? 0; run > 0; run -= 1) {
    const decision = await readDecision(dataset, batchDigest(batch), run, waiting);
    if (decision === undefined) {
      throw new ForebayError('RunUndecided', `run ${run} of batch ${batch.id} has no outcome yet`);
    }
    if (decision.rejectFiles.length > 0) return await lookUp(dataset, batch, decision.rejectFiles, waiting);
  }
  const why = latest === undefined ? 'never ran in this dataset' : 'refused no record';
  return { reason: 'NoInput', message: `batch ${batch.id} ${why}` };
}

async function lookUp(
  { store }: Dataset,
  batch: BatchID,
  keys: readonly string[],
  waiting: Waiting,
): Promise<{ readonly files: readonly PlanInput[] } | Refusal> {
  const files: PlanInput[] = [];
  for (let first = 0; first < keys.length; first += headAhead) {
    const some = keys.slice(first, first + headAhead);
    const head = (key: string) => untilClear(() => store.head(key, { signal: waiting.signal }), waiting);
    for (const facts of await Promise.all(some.map(head))) {
      if (facts === undefined) {
        return { reason: 'NoInput', message: `the records that ${batch.id} refused are not kept any more` };
      }
      files.push({ key: facts.key, name: facts.key, size: facts.size, etag: facts.etag });
    }
  }
  return { files };
}
