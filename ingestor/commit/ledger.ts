/**
 * Which files a dataset has taken: a log of claims, `ingest/ledger/<n>.json`, dense and never freed. A run's claim is
 * made before its plan and fixes its files, so two runs cannot both plan one file: of two that race for entry n, the
 * loser reads the winner's and leaves its files out.
 *
 * A claim holds while its run is undecided and for good once it was committed; a run that ended without rows frees its
 * files. So does a plan that was not made from the entry: another request's came first. Claims that hold for good are
 * folded (ledger-fold.ts), so that a million known files are read in a moment.
 */
import type { Waiting } from '../contract/environment.ts';
import type { RunRequest } from '../contract/task.ts';
import { sortByKey } from '../store/keys.ts';
import { untilClear } from '../table/back-off.ts';
import type { Dataset } from './dataset.ts';
import type { PlanInput } from './documents.ts';
import { fileDigest, KnownFiles } from './ledger-digests.ts';
import { type Entry, type LedgerEntry, lastEntry, readEntries, readEntryDocument } from './ledger-entries.ts';
import { isWorthFolding, type LedgerView, readLedger } from './ledger-fold.ts';
import { ledgerKey } from './names.ts';

/** Who claims. */
export interface Claimant {
  readonly batch: string;
  readonly run: number;
  readonly request: RunRequest;
  readonly source: string;
  /** Batches whose rows leave the table when this run's come: their files may be taken again. */
  readonly replaces: readonly string[];
}

/** What a run may take of the files it found. */
export interface Claim {
  /** By key, in byte order. */
  readonly inputs: readonly PlanInput[];
  readonly skipped: number;
  /** Absent when there was nothing to claim. */
  readonly entry?: number;
  /** Enough entries have gathered for a fold. */
  readonly isFoldDue: boolean;
}

/**
 * Claims those of the files that nobody holds. Only these are kept in memory, so `found` may be a listing of millions; a
 * file may come twice. A run that claimed before is told its earlier claim, whatever is found now.
 */
export async function claimFiles(
  dataset: Dataset,
  claimant: Claimant,
  found: AsyncIterable<PlanInput> | Iterable<PlanInput>,
  waiting: Waiting,
): Promise<Claim> {
  let view = await readLedger(dataset, waiting);
  const earlier = await earlierClaim(dataset, claimant, view.entries, waiting);
  if (earlier !== undefined) return earlier;
  const sorted = await sortOut(found, claimant, view);
  const isFoldDue = isWorthFolding(view.entries.filter(({ claim }) => claim !== 'open'));
  let { free } = sorted;
  for (let { skipped } = sorted; ; ) {
    if (free.length === 0) return { inputs: [], skipped, isFoldDue };
    const number = view.last + 1;
    if (await makeEntry(dataset, claimant, number, free, skipped, waiting)) {
      return { inputs: free, skipped, entry: number, isFoldDue };
    }
    view = await readOn(dataset, view, waiting);
    const twins = await earlierClaim(dataset, claimant, view.entries, waiting);
    if (twins !== undefined) return twins;
    const left = (await sortOut(free, claimant, view)).free;
    skipped += free.length - left.length;
    free = left;
  }
}

/** Of this very run and request, made by a twin or an earlier life of this task. */
async function earlierClaim(
  dataset: Dataset,
  claimant: Claimant,
  entries: readonly Entry[],
  waiting: Waiting,
): Promise<Claim | undefined> {
  const own = entries.find((entry) => isOwn(entry, claimant));
  const document = own && (await readEntryDocument(dataset, own.number, waiting));
  return document && { inputs: document.inputs, skipped: document.skipped, entry: own.number, isFoldDue: false };
}

/** `free`: by key in byte order, each once. `skipped`: those that others hold. */
async function sortOut(
  found: AsyncIterable<PlanInput> | Iterable<PlanInput>,
  claimant: Claimant,
  { groups, entries }: Pick<LedgerView, 'groups' | 'entries'>,
): Promise<{ free: readonly PlanInput[]; skipped: number }> {
  const released = new Set([claimant.batch, ...claimant.replaces]);
  const isAnothers = ({ batch }: { readonly batch: string }) => !released.has(batch);
  const holding = entries.filter((entry) => entry.claim !== 'free' && isAnothers(entry));
  const known = new KnownFiles([...groups.filter(isAnothers), ...holding]);
  const free: PlanInput[] = [];
  let skipped = 0;
  for await (const file of found) {
    const is = known.look(fileDigest(claimant.source, file));
    if (is === 'unknown') free.push(file);
    else if (is === 'known') skipped += 1;
  }
  return { free: sortByKey(free), skipped };
}

/** What came after the view; all of it when a fold took some of that away. */
async function readOn(dataset: Dataset, view: LedgerView, waiting: Waiting): Promise<LedgerView> {
  const last = await lastEntry(dataset, view.last, waiting);
  const numbers = Array.from({ length: last - view.last }, (_, index) => view.last + 1 + index);
  const entries = await readEntries(dataset, numbers, waiting);
  return entries === undefined ? await readLedger(dataset, waiting) : { ...view, groups: [], last, entries };
}

/** False when the number went to another run. */
async function makeEntry(
  dataset: Dataset,
  { replaces: _, ...claimant }: Claimant,
  number: number,
  inputs: readonly PlanInput[],
  skipped: number,
  waiting: Waiting,
): Promise<boolean> {
  const { store } = dataset;
  const attempt = waiting.random.nonce();
  const body = JSON.stringify({ version: 1, attempt, number, ...claimant, inputs, skipped } satisfies NewEntry);
  const create = () => store.putIfAbsent(ledgerKey(number), body, { signal: waiting.signal });
  if ((await untilClear(create, waiting)).created) return true;
  // It may be this very one, whose answer was lost; or one of long ago that is empty by now.
  return (await readEntryDocument(dataset, number, waiting))?.attempt === attempt;
}

type NewEntry = Omit<LedgerEntry, 'inputs'> & { readonly inputs: readonly PlanInput[] };

function isOwn(entry: Entry, { batch, run, request }: Claimant): boolean {
  const isSameRequest = entry.request.token === request.token && entry.request.digest === request.digest;
  return entry.batch === batch && entry.run === run && isSameRequest;
}
