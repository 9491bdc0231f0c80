import type { Waiting } from '../contract/environment.ts';
import type { BatchOutcome } from '../contract/result.ts';
import type { RunRequest } from '../contract/task.ts';
import type { Dataset } from './dataset.ts';
import { decideRun } from './decision.ts';
import type { Plan, Refusal } from './documents.ts';
import { landRun } from './land.ts';
import { reportRefused, reportRun } from './report.ts';
import { revertRun } from './revert.ts';

/**
 * Brings a planned run to its end: decides, lands what was decided, reports. Called again, at any point and by any
 * number, it finds the outcome and reports the same. Throws ReceiptsMissing while shards are under way.
 */
export async function finishRun(
  dataset: Dataset,
  plan: Plan,
  abort: Refusal | undefined,
  waiting: Waiting,
): Promise<BatchOutcome> {
  const decision = await decideRun(dataset, plan, abort, waiting);
  const landing = await landRun(dataset, plan, decision, waiting);
  return await reportRun(dataset, plan, decision, landing, waiting);
}

/** Ends a run without rows: one that is not decided by aborting it, one that was committed by taking them out again. */
export async function takeBackRun(
  dataset: Dataset,
  plan: Plan,
  abort: Refusal,
  request: RunRequest | undefined,
  waiting: Waiting,
): Promise<BatchOutcome> {
  const decision = await decideRun(dataset, plan, abort, waiting);
  const landing = await landRun(dataset, plan, decision, waiting);
  if (landing.outcome === 'Committed') await revertRun(dataset, plan, decision, request, waiting);
  return await reportRun(dataset, plan, decision, landing, waiting);
}

/** What to tell a request whose batch was committed for another one. */
export async function reportCommitted(
  dataset: Dataset,
  committed: Plan,
  request: RunRequest,
  waiting: Waiting,
): Promise<BatchOutcome> {
  const decision = await decideRun(dataset, committed, undefined, waiting);
  const landing = await landRun(dataset, committed, decision, waiting);
  return reportRefused(committed, request, landing);
}
