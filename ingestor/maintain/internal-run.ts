/**
 * Runs of the program's own batches: compaction and row expiry. They are runs as any other - plan, receipts, decision,
 * landing, marker - so that twins, crashes and garbage are what they are for all runs. Run n+1 is planned only after n
 * has landed; whoever meets one under way goes on with it.
 */
import type { Dataset } from '../commit/dataset.ts';
import { decide } from '../commit/decide.ts';
import { Decision, type Landing, Plan } from '../commit/documents.ts';
import { finishRun } from '../commit/finish.ts';
import { landRun } from '../commit/land.ts';
import { batchDigest, decisionKey, markerKey, planKey } from '../commit/names.ts';
import { openRun } from '../commit/plan.ts';
import { latestPlan, readDecision } from '../commit/runs.ts';
import { zeroRecords } from '../contract/counts.ts';
import type { Waiting } from '../contract/environment.ts';
import type { BatchID } from '../contract/task.ts';
import { untilClear } from '../table/back-off.ts';

/** Where an internal batch stands: a run that waits for its decision, or the number that the next run will have. */
export type Standing = { readonly undecided: Plan } | { readonly next: number };

/** What was decided and not landed is landed first. */
export async function standingOf(dataset: Dataset, batch: BatchID, waiting: Waiting): Promise<Standing> {
  const latest = await latestPlan(dataset, batch, waiting);
  if (latest === undefined) return { next: 1 };
  const digest = batchDigest(batch);
  const decision = await readDecision(dataset, digest, latest.run, waiting);
  // A run that was never planned and then abandoned: its plan refuses it.
  if (decision === undefined && latest.refusal === undefined) return { undecided: latest };
  if (decision === undefined) await finishRun(dataset, latest, undefined, waiting);
  else if (!(await hasMarker(dataset, digest, latest.run, waiting))) await landRun(dataset, latest, decision, waiting);
  return { next: latest.run + 1 };
}

async function hasMarker({ store }: Dataset, batch: string, run: number, waiting: Waiting): Promise<boolean> {
  const marker = await untilClear(() => store.head(markerKey(batch, run), { signal: waiting.signal }), waiting);
  return marker !== undefined;
}

/** The plan that stands for the run now: this one, or a twin's. */
export async function planInternalRun(
  dataset: Dataset,
  batch: BatchID,
  run: number,
  work: Pick<Plan, 'shards' | 'reading'>,
  waiting: Waiting,
): Promise<Plan> {
  // Nobody asked for it, and each run is for what was found then: there are no requests to remember.
  const request = { token: '', digest: '' };
  await openRun(dataset, { batch, run, request, earlier: [] }, waiting);
  const sum = (of: (shard: Plan['shards'][number]) => number) => work.shards.reduce((total, it) => total + of(it), 0);
  const plan: Plan = {
    version: 1,
    attempt: waiting.random.nonce(),
    table: dataset.table.uuid,
    batch,
    run,
    requests: [{ run, ...request }],
    files: { input: sum(({ files }) => files), skipped: 0 },
    bytes: sum(({ bytes }) => bytes),
    ...work,
    time: waiting.clock.now(),
  };
  return (await decide(dataset.store, planKey(batchDigest(batch), run), Plan, plan, waiting)).value;
}

export interface EndedRun {
  readonly decision: Decision;
  readonly landing: Landing;
}

/** A run that a twin decided meanwhile, landed; else undefined. Who slept for long need not do its work once more. */
export async function endedRun(dataset: Dataset, plan: Plan, waiting: Waiting): Promise<EndedRun | undefined> {
  const decision = await readDecision(dataset, batchDigest(plan.batch), plan.run, waiting);
  return decision && { decision, landing: await landRun(dataset, plan, decision, waiting) };
}

/** What an internal run is to do to the table. */
export type Outcome = Pick<Decision, 'outcome' | 'reason' | 'message' | 'dataFiles' | 'removeFiles' | 'rewrites'>;

/** Decides as told, unless a twin decided before, and lands what stands. */
export async function endInternalRun(
  dataset: Dataset,
  plan: Plan,
  outcome: Outcome,
  waiting: Waiting,
): Promise<EndedRun> {
  const batch = batchDigest(plan.batch);
  const removed = outcome.removeFiles?.length ?? 0;
  const draft: Decision & { attempt: string } = {
    version: 1,
    attempt: waiting.random.nonce(),
    table: plan.table,
    run: plan.run,
    ...outcome,
    records: zeroRecords(),
    files: {
      input: plan.files.input,
      skipped: 0,
      failed: plan.files.input - removed,
      output: outcome.dataFiles.length,
    },
    bytes: { input: plan.bytes, output: outcome.dataFiles.reduce((sum, file) => sum + file.bytes, 0) },
    errors: [],
    rejectFiles: [],
    time: waiting.clock.now(),
  };
  const { value } = await decide(dataset.store, decisionKey(batch, plan.run), Decision, draft, waiting);
  return { decision: value, landing: await landRun(dataset, plan, value, waiting) };
}
