/** Which file goes to which shard, and what a run does: fixed once, under one name, for all its pods. */
import type { Waiting } from '../contract/environment.ts';
import { ForebayError } from '../contract/errors.ts';
import type { BatchID, BatchRequest, RunRequest } from '../contract/task.ts';
import { sortByKey } from '../store/keys.ts';
import { isUnclear, untilClear } from '../table/back-off.ts';
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
} from './documents.ts';
import { type Claim, claimFiles } from './ledger.ts';
import { foldLedger } from './ledger-fold.ts';
import { batchDigest, openKey, partKey, planKey } from './names.ts';
import { allowsAll } from './policy.ts';
import { readDecision } from './runs.ts';

/** Completion indexes of one Indexed Job, and receipts that `finish` reads, stay few. */
export const mostShards = 1_000;

/** The least that a shard is set to: a smaller part of a file is not worth a process. */
const leastPartBytes = 2 ** 20;

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

/** What a run is to read. */
export interface Found {
  /** In any order; one may come twice. Read once, and not kept where the ledger knows it. */
  readonly files: AsyncIterable<PlanInput> | Iterable<PlanInput>;
  /** Where the files are, as the ledger calls it. With it, files that are known are left out and the others claimed. */
  readonly source?: string;
  /** Ends the run when there is no file at all. */
  readonly ifNone?: Refusal;
  /** Cuts a file into parts of about so many bytes; none: it is read whole. */
  cut?(file: PlanInput, targetBytes: number): Promise<readonly Piece[]>;
}

/** A file, or a part of one, and how many bytes are read for it. */
export interface Piece {
  readonly input: PlanInput;
  readonly bytes: number;
}

/** The plan of what was found, less what the ledger knows. */
export async function planFiles(
  dataset: Dataset,
  state: TableState,
  newRun: NewRun,
  request: BatchRequest,
  found: Found & { readonly replaces?: Plan['replaces'] },
  waiting: Waiting,
): Promise<Plan> {
  const claim = await takeFiles(dataset, newRun, found, waiting);
  const files = { input: claim.inputs.length + claim.skipped, skipped: claim.skipped };
  if (files.input === 0 && found.ifNone) return await planRefusal(dataset, newRun, found.ifNone, waiting);
  const draft = emptyPlan(dataset, newRun, waiting);
  const pieces = await cutFiles(claim.inputs, request.shardBytes, found);
  const plan = await fixPlan(
    dataset,
    {
      ...draft,
      files,
      bytes: claim.inputs.reduce((sum, { size }) => sum + size, 0),
      shards: await saveLists(dataset, draft, packShards(pieces, request.shardBytes), waiting),
      reading: readingOf(request, state),
      ...(found.replaces === undefined ? {} : { replaces: found.replaces }),
      ...(claim.entry === undefined ? {} : { ledgerEntry: claim.entry }),
    },
    waiting,
  );
  if (claim.isFoldDue) await foldLedger(dataset, waiting).catch(ifUnclear);
  return plan;
}

async function takeFiles(
  dataset: Dataset,
  { batch, run, request }: NewRun,
  { files, source, replaces = [] }: Found & { readonly replaces?: Plan['replaces'] },
  waiting: Waiting,
): Promise<Claim> {
  if (source === undefined) {
    const all: PlanInput[] = [];
    for await (const file of files) all.push(file);
    return { inputs: sortByKey(all), skipped: 0, isFoldDue: false };
  }
  const claimant = { batch: batchDigest(batch), run, request, source, replaces: replaces.map((it) => it.batch) };
  return await claimFiles(dataset, claimant, files, waiting);
}

/** Larger files are cut where that can be, into parts so large that there are not too many shards. */
async function cutFiles(files: readonly PlanInput[], shardBytes: number, { cut }: Found): Promise<readonly Piece[]> {
  const total = files.reduce((sum, { size }) => sum + size, 0);
  const targetBytes = Math.max(shardBytes, leastPartBytes, Math.ceil(total / mostShards));
  const pieces: Piece[] = [];
  for (const input of files) {
    const parts = cut === undefined || input.size <= targetBytes ? [] : await cut(input, targetBytes);
    pieces.push(...(parts.length > 0 ? parts : [{ input, bytes: input.size }]));
  }
  return pieces;
}

/** The next plan folds, or `maintain` does. */
function ifUnclear(thrown: unknown): void {
  if (!isUnclear(thrown)) throw thrown;
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
    layout: state.layout,
    read: request.read,
    maxFailed: request.maxFailed,
    ...(request.validateOnly ? { validateOnly: true } : {}),
    skipChangedFiles: isConnection,
    setAsideUnreadableFiles: isConnection && allowsAll(request.maxFailed),
  };
}

/**
 * Files and parts of files, in their order, to shards of at most `shardBytes`, unless one piece is larger. When that
 * would be too many shards, they are made larger.
 */
export function packShards(pieces: readonly Piece[], shardBytes: number, most = mostShards): Piece[][] {
  for (let limit = shardBytes; ; limit *= 2) {
    const shards = packBelow(pieces, limit);
    if (shards.length <= most) return shards;
  }
}

function packBelow(pieces: readonly Piece[], limit: number): Piece[][] {
  const shards: Piece[][] = [];
  let last: Piece[] = [];
  let bytes = 0;
  for (const piece of pieces) {
    if (last.length === 0 || bytes + piece.bytes > limit) {
      last = [];
      bytes = 0;
      shards.push(last);
    }
    last.push(piece);
    bytes += piece.bytes;
  }
  return shards;
}

/** Lists written at the same time. */
const writeAhead = 16;

async function saveLists(
  dataset: Dataset,
  plan: Plan,
  shards: readonly Piece[][],
  waiting: Waiting,
): Promise<PlanShard[]> {
  const files = shards.reduce((sum, pieces) => sum + pieces.length, 0);
  const save = async (pieces: readonly Piece[], index: number): Promise<PlanShard> => {
    const inputs = pieces.map(({ input }) => input);
    const facts = { files: inputs.length, bytes: pieces.reduce((sum, { bytes }) => sum + bytes, 0) };
    if (files <= mostInputsInPlan) return { ...facts, inputs };
    return { ...facts, part: await savePart(dataset, plan, index, inputs, waiting) };
  };
  const saved: PlanShard[] = [];
  for (let first = 0; first < shards.length; first += writeAhead) {
    const some = shards.slice(first, first + writeAhead);
    saved.push(...(await Promise.all(some.map((pieces, index) => save(pieces, first + index)))));
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
  dataset: Dataset,
  plan: Plan,
  index: number,
  waiting: Waiting,
): Promise<readonly PlanInput[]> {
  const shard = plan.shards[index];
  if (shard === undefined) {
    throw new ForebayError('InvalidTask', `run ${plan.run} of ${plan.batch.id} has no shard ${index}`);
  }
  if (shard.inputs !== undefined) return shard.inputs;
  const part = shard.part === undefined ? undefined : await readDocument(dataset.store, shard.part, PlanPart, waiting);
  if (part === undefined) throw await partGone(dataset, plan, `${dataset.store.url}/${shard.part} is gone`, waiting);
  return part.inputs;
}

/** Lists go a day after their run has its outcome: who slept so long finds it when it looks again. */
async function partGone(dataset: Dataset, plan: Plan, what: string, waiting: Waiting): Promise<ForebayError> {
  const decision = await readDecision(dataset, batchDigest(plan.batch), plan.run, waiting);
  return new ForebayError(decision === undefined ? 'DamagedDocument' : 'StoreUnavailable', what);
}
