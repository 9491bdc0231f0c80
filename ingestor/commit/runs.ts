/**
 * Runs of a batch. A decision is final, so trying again is a new run; run n+1 opens only after n ended without rows, for
 * a request that no run of the batch has served. So no restored cluster and no recreated resource brings data back.
 */
import type { Waiting } from '../contract/environment.ts';
import { ForebayError } from '../contract/errors.ts';
import type { BatchID } from '../contract/task.ts';
import { untilClear } from '../table/back-off.ts';
import { findLast } from '../table/versions.ts';
import type { Dataset } from './dataset.ts';
import { readDocument } from './decide.ts';
import { Decision, Plan, type RunRequest } from './documents.ts';
import { batchDigest, decisionKey, planKey } from './names.ts';

/** What a request comes to. */
export type Choice =
  /** No run has served it and none is under way: plan this one. `earlier`: the requests of the runs before. */
  | { readonly kind: 'start'; readonly run: number; readonly earlier: Plan['requests'] }
  /** A run serves it, or served it. */
  | { readonly kind: 'join'; readonly plan: Plan }
  /** The batch was committed for another request. */
  | { readonly kind: 'refuse'; readonly committed: Plan }
  /** A run of another request is under way: to be ended first. */
  | { readonly kind: 'supersede'; readonly undecided: Plan };

export async function chooseRun(
  dataset: Dataset,
  batch: BatchID,
  request: RunRequest,
  waiting: Waiting,
): Promise<Choice> {
  const latest = await latestPlan(dataset, batch, waiting);
  if (latest === undefined) return { kind: 'start', run: 1, earlier: [] };

  const decision = await readDecision(dataset, batchDigest(batch), latest.run, waiting);
  if (decision?.outcome === 'Committed') {
    const asked = latest.requests.at(-1)?.digest;
    return asked === request.digest ? { kind: 'join', plan: latest } : { kind: 'refuse', committed: latest };
  }
  const served = latest.requests.findLast(({ token, digest }) => token === request.token && digest === request.digest);
  if (served !== undefined) return { kind: 'join', plan: await requirePlan(dataset, batch, served.run, waiting) };
  if (decision === undefined) return { kind: 'supersede', undecided: latest };
  return { kind: 'start', run: latest.run + 1, earlier: latest.requests };
}

/** True for the plan of a run that was opened for the request. */
export function serves(plan: Plan, { token, digest }: RunRequest): boolean {
  return plan.requests.some((it) => it.run === plan.run && it.token === token && it.digest === digest);
}

/** The newest plan of a batch; runs are dense, since n+1 is planned only after n. */
export async function latestPlan(dataset: Dataset, batch: BatchID, waiting: Waiting): Promise<Plan | undefined> {
  const digest = batchDigest(batch);
  const run = await findLast(0, (n) =>
    untilClear(
      async () => (await dataset.store.head(planKey(digest, n), { signal: waiting.signal })) !== undefined,
      waiting,
    ),
  );
  return run === 0 ? undefined : await requirePlan(dataset, batch, run, waiting);
}

/** The plan of a run; RunUndecided when it was not planned yet. */
export async function requirePlan(dataset: Dataset, batch: BatchID, run: number, waiting: Waiting): Promise<Plan> {
  const plan = await readPlan(dataset, batchDigest(batch), run, waiting);
  if (plan === undefined) throw new ForebayError('RunUndecided', `run ${run} of batch ${batch.id} is not planned yet`);
  requireBatch(plan, batch);
  return plan;
}

/** The plan by the digest of its batch, or undefined. */
export async function readPlan(
  dataset: Dataset,
  batch: string,
  run: number,
  waiting: Waiting,
): Promise<Plan | undefined> {
  const plan = await readDocument(dataset.store, planKey(batch, run), Plan, waiting);
  if (plan !== undefined && plan.table !== dataset.table.uuid) {
    throw new ForebayError('DamagedDocument', `${dataset.store.url}/${planKey(batch, run)} is of another table`);
  }
  return plan;
}

export async function readDecision(
  dataset: Dataset,
  batch: string,
  run: number,
  waiting: Waiting,
): Promise<Decision | undefined> {
  return await readDocument(dataset.store, decisionKey(batch, run), Decision, waiting);
}

/** Digests are short: two ids could meet there. */
function requireBatch(plan: Plan, batch: BatchID): void {
  if (plan.batch.kind === batch.kind && plan.batch.id === batch.id) return;
  throw new ForebayError('DamagedDocument', `batch ${batch.id} meets ${plan.batch.id} under one digest`);
}
