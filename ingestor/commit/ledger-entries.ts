/** The entries of the ledger, `ingest/ledger/<n>.json`: each the claim of one run on its files. */
import { type Static, Type } from 'typebox';
import { parseDocument } from '../contract/documents.ts';
import type { Waiting } from '../contract/environment.ts';
import { RunRequest } from '../contract/task.ts';
import { untilClear } from '../table/back-off.ts';
import { findLast } from '../table/versions.ts';
import type { Dataset } from './dataset.ts';
import { readDocument } from './decide.ts';
import { Landing, PlanInput } from './documents.ts';
import { damaged, fileDigest, toDigests } from './ledger-digests.ts';
import { ledgerKey, markerKey } from './names.ts';
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

/**
 * What a claim is worth. `held`: its run was committed, so for good, also when the rows were taken out again. `free`: its
 * run ended without rows, or was planned from another entry. `open`: that is not known yet; until then it holds.
 */
export type ClaimState = 'held' | 'free' | 'open';

/** An entry without its list of files: there may be many entries, each of many files. */
export interface Entry extends Pick<LedgerEntry, 'number' | 'batch' | 'run' | 'request'> {
  readonly claim: ClaimState;
  readonly files: number;
  /** Of the files; empty where the claim is free. */
  readonly digests: Uint32Array;
}

/** Entries read at the same time. */
const readAhead = 8;

/** Number of the last entry, looked for after one that is known to be there; 0 when there is none. */
export async function lastEntry({ store }: Dataset, from: number, waiting: Waiting): Promise<number> {
  const isTaken = async (n: number) => (await store.head(ledgerKey(n), { signal: waiting.signal })) !== undefined;
  return await findLast(from, (n) => untilClear(() => isTaken(n), waiting));
}

/** Undefined when one was emptied: then it is in a fold. */
export async function readEntries(
  dataset: Dataset,
  numbers: readonly number[],
  waiting: Waiting,
): Promise<readonly Entry[] | undefined> {
  const entries: Entry[] = [];
  for (let first = 0; first < numbers.length; first += readAhead) {
    const some = numbers.slice(first, first + readAhead);
    const read = await Promise.all(some.map((number) => readEntry(dataset, number, waiting)));
    for (const entry of read) {
      if (entry === undefined) return undefined;
      entries.push(entry);
    }
  }
  return entries;
}

async function readEntry(dataset: Dataset, number: number, waiting: Waiting): Promise<Entry | undefined> {
  const document = await readEntryDocument(dataset, number, waiting);
  if (document === undefined) return undefined;
  const { batch, run, request, source, inputs } = document;
  const claim = await claimState(dataset, document, waiting);
  const digests = claim === 'free' ? [] : inputs.map((file) => fileDigest(source, file));
  return { number, batch, run, request, claim, files: inputs.length, digests: toDigests(digests) };
}

/** Undefined when it was emptied. */
export async function readEntryDocument(
  { store }: Dataset,
  number: number,
  waiting: Waiting,
): Promise<LedgerEntry | undefined> {
  const key = ledgerKey(number);
  const object = await untilClear(() => store.get(key, { signal: waiting.signal }), waiting);
  const where = `${store.url}/${key}`;
  if (object === undefined) throw damaged(where, 'it is gone');
  if (object.size === 0) return undefined;
  return parseDocument(LedgerEntry, Buffer.from(object.body).toString(), where, 'DamagedDocument');
}

/** `held` and `free` are final. What was decided and did not land yet may still be refused by the table. */
async function claimState(dataset: Dataset, entry: LedgerEntry, waiting: Waiting): Promise<ClaimState> {
  const { batch, run, number } = entry;
  const plan = await readPlan(dataset, batch, run, waiting);
  if (plan === undefined) return 'open';
  if (plan.ledgerEntry !== number) return 'free';
  const decision = await readDecision(dataset, batch, run, waiting);
  if (decision === undefined) return 'open';
  if (decision.outcome !== 'Committed') return 'free';
  const marker = await readDocument(dataset.store, markerKey(batch, run), Landing, waiting);
  if (marker === undefined) return 'open';
  return marker.outcome === 'Committed' ? 'held' : 'free';
}
