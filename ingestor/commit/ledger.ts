/**
 * Which files a dataset's connections have taken: a log of claims, `ingest/ledger/<n>.json`, dense and never freed. A
 * run's claim is made before its plan and fixes its files, so two runs cannot both plan one file: of two that race for
 * entry n, the loser reads the winner's and leaves its files out.
 *
 * A claim holds while its run is undecided and for good once it was committed; a run that ended without rows frees its
 * files. So does a plan that was not made from the entry: another request's came first.
 */
import { type Static, Type } from 'typebox';
import type { Waiting } from '../contract/environment.ts';
import { untilClear } from '../table/back-off.ts';
import { findLast } from '../table/versions.ts';
import type { Dataset } from './dataset.ts';
import { decide, readDocument } from './decide.ts';
import { PlanInput, RunRequest } from './documents.ts';
import { ledgerKey, sha256 } from './names.ts';
import { readDecision, readPlan } from './runs.ts';

export const LedgerEntry = Type.Object({
  version: Type.Literal(1),
  attempt: Type.String(),
  number: Type.Integer({ minimum: 1 }),
  batch: Type.String(),
  run: Type.Integer({ minimum: 1 }),
  request: RunRequest,
  /** The place the files are in, as the connection names it. */
  source: Type.String(),
  inputs: Type.Array(PlanInput),
  /** Files that the listing found beside these, claimed by others. */
  skipped: Type.Integer({ minimum: 0 }),
});
export type LedgerEntry = Static<typeof LedgerEntry>;

/** Who claims. */
export interface Claimant {
  readonly batch: string;
  readonly run: number;
  readonly request: RunRequest;
  readonly source: string;
}

/** What a run may take of the files it found. */
export interface Claim {
  readonly inputs: readonly PlanInput[];
  readonly skipped: number;
  /** Absent when there was nothing to claim. */
  readonly entry?: number;
}

/** Entries read at the same time. */
const readAhead = 16;

/**
 * Claims those of the files that nobody holds. A run that claimed before is told its earlier claim, whatever was found
 * now.
 */
export async function claimFiles(
  dataset: Dataset,
  claimant: Claimant,
  found: readonly PlanInput[],
  waiting: Waiting,
): Promise<Claim> {
  const free = new Map(found.map((file) => [identity(claimant.source, file), file]));
  let seen = 0;
  for (;;) {
    const last = await lastEntry(dataset, seen, waiting);
    const earlier = await leaveOutHeld(dataset, claimant, free, seen, last, waiting);
    if (earlier !== undefined) return toClaim(earlier);
    seen = last;
    const inputs = [...free.values()];
    if (inputs.length === 0) return { inputs, skipped: found.length };
    const entry = await makeEntry(dataset, claimant, last + 1, inputs, found.length - inputs.length, waiting);
    if (entry !== undefined) return toClaim(entry);
  }
}

async function lastEntry(dataset: Dataset, from: number, waiting: Waiting): Promise<number> {
  const { store } = dataset;
  const isTaken = async (n: number) => (await store.head(ledgerKey(n), { signal: waiting.signal })) !== undefined;
  return await findLast(from, (n) => untilClear(() => isTaken(n), waiting));
}

/**
 * Takes files out of `free` that a claim in entries after+1..last holds. Answers the entry of this very run and
 * request, when a twin or an earlier life of this task made one.
 */
async function leaveOutHeld(
  dataset: Dataset,
  claimant: Claimant,
  free: Map<string, PlanInput>,
  after: number,
  last: number,
  waiting: Waiting,
): Promise<LedgerEntry | undefined> {
  for await (const entry of readEntries(dataset, after, last, waiting)) {
    if (isOwn(entry, claimant)) return entry;
    if (entry.batch === claimant.batch) continue;
    const common = entry.inputs.map((file) => identity(entry.source, file)).filter((key) => free.has(key));
    if (common.length > 0 && (await holds(dataset, entry, waiting))) for (const key of common) free.delete(key);
  }
  return undefined;
}

async function holds(dataset: Dataset, entry: LedgerEntry, waiting: Waiting): Promise<boolean> {
  const plan = await readPlan(dataset, entry.batch, entry.run, waiting);
  if (plan === undefined) return true;
  if (plan.ledgerEntry !== entry.number) return false;
  const decision = await readDecision(dataset, entry.batch, entry.run, waiting);
  return decision === undefined || decision.outcome === 'Committed';
}

/** Undefined when the number went to another run. */
async function makeEntry(
  dataset: Dataset,
  claimant: Claimant,
  number: number,
  inputs: readonly PlanInput[],
  skipped: number,
  waiting: Waiting,
): Promise<LedgerEntry | undefined> {
  const attempt = waiting.random.nonce();
  const entry: LedgerEntry = { version: 1, attempt, number, ...claimant, inputs: [...inputs], skipped };
  const { value } = await decide(dataset.store, ledgerKey(number), LedgerEntry, entry, waiting);
  return isOwn(value, claimant) ? value : undefined;
}

async function* readEntries(
  dataset: Dataset,
  after: number,
  last: number,
  waiting: Waiting,
): AsyncGenerator<LedgerEntry> {
  for (let first = after + 1; first <= last; first += readAhead) {
    const numbers = Array.from({ length: Math.min(readAhead, last - first + 1) }, (_, index) => first + index);
    const entries = await Promise.all(
      numbers.map((number) => readDocument(dataset.store, ledgerKey(number), LedgerEntry, waiting)),
    );
    for (const entry of entries) if (entry !== undefined) yield entry;
  }
}

function isOwn(entry: LedgerEntry, { batch, run, request }: Claimant): boolean {
  const isSameRequest = entry.request.token === request.token && entry.request.digest === request.digest;
  return entry.batch === batch && entry.run === run && isSameRequest;
}

/** Place, key, size and ETag: a file that was changed is a new one. 128 bits, so that millions fit in memory. */
/** By the whole path: a connection whose prefix is moved up or down knows its files again. */
function identity(source: string, file: PlanInput): string {
  return sha256(JSON.stringify([`${source}/${file.key}`, file.size, file.etag])).slice(0, 32);
}

function toClaim(entry: LedgerEntry): Claim {
  return { inputs: entry.inputs, skipped: entry.skipped, entry: entry.number };
}
