/**
 * Runs of a batch. A decision is final, so trying again is a new run; run n+1 opens only after n ended without rows, for
 * a request that no run of the batch has served. So no restored cluster and no recreated resource brings data back.
 */
import type { Waiting } from '../contract/environment.ts';
import { ForebayError } from '../contract/errors.ts';
import type { BatchID, RunRequest } from '../contract/task.ts';
import { untilClear } from '../table/back-off.ts';
import { loadState } from '../table/commit.ts';
import { revertProperty } from '../table/table.ts';
import { findLast } from '../table/versions.ts';
import type { Dataset } from './dataset.ts';
import { readDocument } from './decide.ts';
import { Decision, type Landing, Plan } from './documents.ts';
import { landRun } from './land.ts';
import { readLanding } from './markers.ts';
import { batchDigest, decisionKey, planKey } from './names.ts';

/** What a request comes to. */
export type Choice =
  /** No run has served it and none is under way: plan this one. `earlier`: the requests of the runs before. */
  | { readonly kind: 'start'; readonly run: number; readonly earlier: Plan['requests'] }
  /** A run serves it, or served it. */
  | { readonly kind: 'join'; readonly plan: Plan }
  /** The batch was committed for another request. */
  | { readonly kind: 'refuse'; readonly committed: Plan }
  /** A later request for the batch came first, and `latest` answers it: nothing is to be done any more. */
  | { readonly kind: 'outdated'; readonly latest: Plan }
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

  const { end, reversal } = await readEnd(dataset, latest, waiting);
  if (end === 'Committed') {
    const asked = latest.requests.at(-1)?.digest;
    return asked === request.digest ? { kind: 'join', plan: latest } : { kind: 'refuse', committed: latest };
  }
  const earlier = servedRequests(latest, reversal);
  const served = earlier.findLast((it) => isSameRequest(it, request));
  if (served !== undefined) return { kind: 'join', plan: await requirePlan(dataset, batch, served.run, waiting) };
  if (isOutdated(request, earlier)) return { kind: 'outdated', latest };
  if (end === undefined) return { kind: 'supersede', undecided: latest };
  return { kind: 'start', run: latest.run + 1, earlier };
}

/** The run that serves or served a request, whatever came after it; undefined when none did. */
export async function servingRun(
  dataset: Dataset,
  batch: BatchID,
  request: RunRequest,
  waiting: Waiting,
): Promise<Plan | undefined> {
  const latest = await latestPlan(dataset, batch, waiting);
  if (latest === undefined) return undefined;
  const reversal = await readReverted(dataset, batchDigest(batch), latest.run, waiting);
  const served = servedRequests(latest, reversal).findLast((it) => isSameRequest(it, request));
  return served === undefined ? undefined : await requirePlan(dataset, batch, served.run, waiting);
}

/** A request to revert a run was served by it too: were it taken for new, it would bring the rows back. */
function servedRequests({ run, requests }: Plan, reversal: Landing | undefined): Plan['requests'] {
  return reversal?.request === undefined ? requests : [...requests, { run, ...reversal.request }];
}

function isSameRequest(a: RunRequest, b: RunRequest): boolean {
  return a.token === b.token && a.digest === b.digest;
}

/** A task that slept must not end, or follow on, a run that was asked for later. */
function isOutdated({ order }: RunRequest, known: Plan['requests']): boolean {
  return order !== undefined && known.some((it) => it.order !== undefined && it.order > order);
}

/** How a run ended; undefined while it is not decided. */
export type RunEnd = Landing['outcome'] | undefined;

/**
 * How a planned run ended. What was decided is landed first, so that the answer is what the table took.
 * `Reverted` also where another run replaced it.
 */
export async function endOfRun(dataset: Dataset, plan: Plan, waiting: Waiting): Promise<RunEnd> {
  return (await readEnd(dataset, plan, waiting)).end;
}

async function readEnd(
  dataset: Dataset,
  plan: Plan,
  waiting: Waiting,
): Promise<{ readonly end: RunEnd; readonly reversal?: Landing }> {
  const batch = batchDigest(plan.batch);
  const decision = await readDecision(dataset, batch, plan.run, waiting);
  if (decision?.outcome !== 'Committed') return { end: decision?.outcome };
  const landing = await landRun(dataset, plan, decision, waiting);
  if (landing.outcome !== 'Committed') return { end: landing.outcome };
  const reversal = await readReverted(dataset, batch, plan.run, waiting);
  if (reversal === undefined) return { end: 'Committed' };
  return { end: reversal.refusal === undefined ? 'Reverted' : 'Committed', reversal };
}

/** A run whose rows are in the table. */
export interface CommittedRun {
  readonly plan: Plan;
  readonly decision: Decision;
}

/**
 * The run of a batch whose rows are in the table; undefined when there is none: it never was, was refused, or was taken
 * out again. Its decision may name no files. Throws RunUndecided while the latest run has no outcome.
 */
export async function committedRun(
  dataset: Dataset,
  batch: BatchID,
  waiting: Waiting,
): Promise<CommittedRun | undefined> {
  const plan = await latestPlan(dataset, batch, waiting);
  if (plan === undefined) return undefined;
  const end = await endOfRun(dataset, plan, waiting);
  if (end === undefined) {
    throw new ForebayError('RunUndecided', `run ${plan.run} of batch ${batch.id} has no outcome yet`);
  }
  const decision = await readDecision(dataset, batchDigest(batch), plan.run, waiting);
  return end === 'Committed' && decision !== undefined ? { plan, decision } : undefined;
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

/**
 * What became of the rows of a committed run: they left the table, or, with a refusal, were to leave it and did not;
 * undefined while they are as they were landed. The table tells it before the marker does.
 */
export async function readReverted(
  dataset: Dataset,
  batch: string,
  run: number,
  waiting: Waiting,
): Promise<Landing | undefined> {
  const state = await untilClear(() => loadState(dataset.table), waiting);
  return await readLanding(dataset, state, revertProperty(batch, run), waiting);
}
