import type { Waiting } from '../contract/environment.ts';
import type { BatchOutcome } from '../contract/result.ts';
import type { Dataset } from './dataset.ts';
import { decideRun } from './decision.ts';
import type { Plan, Refusal, RunRequest } from './documents.ts';
import { landRun } from './land.ts';
import { batchDigest } from './names.ts';
import { reportRefused, reportRun } from './report.ts';

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
  const landing = await landRun(dataset, batchDigest(plan.batch), decision, waiting);
  return reportRun(dataset, plan, decision, landing);
}

/** What to tell a request whose batch was committed for another one. */
export async function reportCommitted(
  dataset: Dataset,
  committed: Plan,
  request: RunRequest,
  waiting: Waiting,
): Promise<BatchOutcome> {
  const decision = await decideRun(dataset, committed, undefined, waiting);
  const landing = await landRun(dataset, batchDigest(committed.batch), decision, waiting);
  return reportRefused(committed, request, landing);
}
