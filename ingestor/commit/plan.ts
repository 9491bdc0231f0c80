/** Which file goes to which shard, and what a run does: fixed once, under one name, for all its pods. */
import type { Waiting } from '../contract/environment.ts';
import { ForebayError } from '../contract/errors.ts';
import type { BatchID, BatchRequest } from '../contract/task.ts';
import { untilClear } from '../table/back-off.ts';
import type { TableState } from '../table/table.ts';
import type { Dataset } from './dataset.ts';
import { decide, readDocument } from './decide.ts';
import {
  type OpenRun,
  Plan,
  type PlanInput,
  PlanPart,
  type PlanShard,
  type Reading,
  type Refusal,
  type RunRequest,
} from './documents.ts';
import { claimFiles } from './ledger.ts';
import { batchDigest, openKey, partKey, planKey } from './names.ts';
import { allowsAll } from './policy.ts';

/** Completion indexes of one Indexed Job, and receipts that `finish` reads, stay few. */
export const mostShards = 1_000;

/** Up to so many files the plan holds their list itself; beyond, each shard's list is an object of its own. */
const mostInputsInPlan = 1_000;

/** A run that is to be planned. */
export interface NewRun {
  readonly batch: BatchID;
  readonly run: number;
  readonly request: RunRequest;
  readonly earlier: Plan['requests'];
}

/** Says that work of the run may lie about, before there is any. */
export async function openRun(
  dataset: Dataset,
  { batch, run, request, earlier }: NewRun,
  waiting: Waiting,
): Promise<void> {
  const key = openKey(batchDigest(batch), run);
  const requests = [...earlier, { run, ...request }];
  const body = JSON.stringify({ version: 1, batch, run, requests } satisfies OpenRun);
  await untilClear(() => dataset.store.putIfAbsent(key, body, { signal: waiting.signal }), waiting);
}

/** The plan of what the selection found; of a connection, less what its dataset took before. */
export async function planFiles(
  dataset: Dataset,
  state: TableState,
  newRun: NewRun,
  request: BatchRequest,
  found: readonly PlanInput[],
  waiting: Waiting,
): Promise<Plan> {
  const batch = batchDigest(newRun.batch);
  const claim =
    request.ledger === undefined
      ? { inputs: found, skipped: 0 }
      : await claimFiles(
          dataset,
          { batch, run: newRun.run, request: newRun.request, ...request.ledger },
          found,
          waiting,
        );
  const plan = emptyPlan(dataset, newRun, waiting);
  return await fixPlan(
    dataset,
    {
      ...plan,
      files: { input: claim.inputs.length + claim.skipped, skipped: claim.skipped },
      bytes: totalBytes(claim.inputs),
      shards: await saveLists(dataset, plan, packShards(claim.inputs, request.shardBytes), waiting),
      reading: readingOf(request, state),
      ...(claim.entry === undefined ? {} : { ledgerEntry: claim.entry }),
    },
    waiting,
  );
}

/** The plan of a run that ends before anything is read. */
export async function planRefusal(
  dataset: Dataset,
  newRun: Omit<NewRun, 'request'> & { request?: RunRequest },
  refusal: Refusal,
  waiting: Waiting,
): Promise<Plan> {
  return await fixPlan(dataset, { ...emptyPlan(dataset, newRun, waiting), refusal }, waiting);
}

/** The plan that stands now: this one, or another's that came first. */
async function fixPlan(dataset: Dataset, plan: Plan, waiting: Waiting): Promise<Plan> {
  return (await decide(dataset.store, planKey(batchDigest(plan.batch), plan.run), Plan, plan, waiting)).value;
}

function emptyPlan(
  dataset: Dataset,
  { batch, run, request, earlier }: Omit<NewRun, 'request'> & { request?: RunRequest },
  waiting: Waiting,
): Plan {
  return {
    version: 1,
    attempt: waiting.random.nonce(),
    table: dataset.table.uuid,
    batch,
    run,
    requests: request === undefined ? earlier : [...earlier, { run, ...request }],
    files: { input: 0, skipped: 0 },
    bytes: 0,
    shards: [],
    time: waiting.clock.now(),
  };
}

function readingOf(request: BatchRequest, state: TableState): Reading {
  const isConnection = request.ledger !== undefined;
  return {
    schemaDigest: state.schemaDigest,
    settings: state.settings,
    read: request.read,
    maxFailed: request.maxFailed,
    skipChangedFiles: isConnection,
    setAsideUnreadableFiles: isConnection && allowsAll(request.maxFailed),
  };
}

/**
 * Whole files, in their order, to shards of at most `shardBytes`, unless one file is larger. When that would be too
 * many shards, they are made larger.
 */
export function packShards(inputs: readonly PlanInput[], shardBytes: number, most = mostShards): PlanInput[][] {
  for (let limit = shardBytes; ; limit *= 2) {
    const shards = packBelow(inputs, limit);
    if (shards.length <= most) return shards;
  }
}

function packBelow(inputs: readonly PlanInput[], limit: number): PlanInput[][] {
  const shards: PlanInput[][] = [];
  let last: PlanInput[] = [];
  let bytes = 0;
  for (const input of inputs) {
    if (last.length === 0 || bytes + input.size > limit) {
      last = [];
      bytes = 0;
      shards.push(last);
    }
    last.push(input);
    bytes += input.size;
  }
  return shards;
}

async function saveLists(
  dataset: Dataset,
  plan: Plan,
  shards: readonly PlanInput[][],
  waiting: Waiting,
): Promise<PlanShard[]> {
  const files = shards.reduce((sum, inputs) => sum + inputs.length, 0);
  const saved: PlanShard[] = [];
  for (const [index, inputs] of shards.entries()) {
    const facts = { files: inputs.length, bytes: totalBytes(inputs) };
    if (files <= mostInputsInPlan) saved.push({ ...facts, inputs });
    else saved.push({ ...facts, part: await savePart(dataset, plan, index, inputs, waiting) });
  }
  return saved;
}

async function savePart(
  { store }: Dataset,
  plan: Plan,
  index: number,
  inputs: PlanInput[],
  waiting: Waiting,
): Promise<string> {
  const key = partKey(batchDigest(plan.batch), plan.run, plan.attempt, index);
  const body = JSON.stringify({ version: 1, inputs } satisfies PlanPart);
  await untilClear(() => store.put(key, body, { signal: waiting.signal }), waiting);
  return key;
}

/** The files of a shard, wherever the plan keeps their list. */
export async function inputsOf(
  { store }: Dataset,
  plan: Plan,
  index: number,
  waiting: Waiting,
): Promise<readonly PlanInput[]> {
  const shard = plan.shards[index];
  if (shard === undefined) {
    throw new ForebayError('InvalidTask', `run ${plan.run} of ${plan.batch.id} has no shard ${index}`);
  }
  if (shard.inputs !== undefined) return shard.inputs;
  const part = shard.part === undefined ? undefined : await readDocument(store, shard.part, PlanPart, waiting);
  if (part === undefined) throw new ForebayError('DamagedDocument', `${store.url}/${shard.part} is gone`);
  return part.inputs;
}

function totalBytes(inputs: readonly PlanInput[]): number {
  return inputs.reduce((sum, input) => sum + input.size, 0);
}
