/** From receipts to a decision: counts must add up, the policy of the plan is applied, one name settles it. */
import { addRecords, addsUp, mergeErrorClasses, type RecordCounts, zeroRecords } from '../contract/counts.ts';
import type { Waiting } from '../contract/environment.ts';
import { ForebayError } from '../contract/errors.ts';
import type { Dataset } from './dataset.ts';
import { decide, readDocument } from './decide.ts';
import { Decision, type Plan, Receipt, type Refusal } from './documents.ts';
import { batchDigest, decisionKey, receiptKey } from './names.ts';
import { exceeds } from './policy.ts';
import { readDecision } from './runs.ts';

/** Receipts read at the same time. */
const readAhead = 16;

/** Most error classes that a decision keeps; reports cut them further. */
const keptErrorClasses = 100;

/**
 * The decision about a planned run: the one that is there, or one that follows from plan and receipts. Where receipts
 * are missing, `abort` ends the run; without it ReceiptsMissing is thrown. See `isOrder` for what else `abort` can do.
 */
export async function decideRun(
  dataset: Dataset,
  plan: Plan,
  abort: Refusal | undefined,
  waiting: Waiting,
): Promise<Decision> {
  const batch = batchDigest(plan.batch);
  const known = await readDecision(dataset, batch, plan.run, waiting);
  if (known !== undefined) return known;
  const receipts = await readReceipts(dataset, plan, waiting);
  const decision = draftDecision(plan, receipts, abort, waiting);
  return (await decide(dataset.store, decisionKey(batch, plan.run), Decision, decision, waiting)).value;
}

/** In the order of the shards; undefined where a shard has not ended. */
export async function readReceipts(
  dataset: Dataset,
  plan: Plan,
  waiting: Waiting,
): Promise<readonly (Receipt | undefined)[]> {
  const batch = batchDigest(plan.batch);
  const receipts: (Receipt | undefined)[] = [];
  for (let first = 0; first < plan.shards.length; first += readAhead) {
    const some = plan.shards.slice(first, first + readAhead);
    const keys = some.map((_, index) => receiptKey(batch, plan.run, first + index));
    receipts.push(...(await Promise.all(keys.map((key) => readDocument(dataset.store, key, Receipt, waiting)))));
  }
  return receipts;
}

function draftDecision(
  plan: Plan,
  receipts: readonly (Receipt | undefined)[],
  abort: Refusal | undefined,
  waiting: Waiting,
): Decision {
  const present = receipts.filter((receipt) => receipt !== undefined);
  const refusal =
    plan.refusal ??
    (abort !== undefined && isOrder(abort) ? abort : undefined) ??
    firstFailure(present) ??
    whatIsMissing(plan, receipts, abort) ??
    judge(plan, present);
  const end = refusal === undefined ? committed(present) : ended(refusal, present);
  return {
    version: 1,
    attempt: waiting.random.nonce(),
    table: plan.table,
    run: plan.run,
    ...end,
    files: {
      input: plan.files.input,
      skipped: plan.files.skipped + sum(present, (receipt) => receipt.files.skipped),
      failed: sum(present, (receipt) => receipt.files.failed),
      output: end.dataFiles.length,
    },
    bytes: {
      input: sum(present, (receipt) => receipt.bytes.input),
      output: end.dataFiles.reduce((total, file) => total + file.bytes, 0),
    },
    errors: mergeErrorClasses(
      present.map((receipt) => receipt.errors),
      keptErrorClasses,
    ),
    rejectFiles: present.flatMap(({ rejectFile }) => (rejectFile === undefined ? [] : [rejectFile.key])),
    time: waiting.clock.now(),
  };
}

/** Ends a run even where nothing is missing; a failed Job only does where something is. */
function isOrder({ reason }: Refusal): boolean {
  return reason === 'Aborted' || reason === 'Superseded' || reason === 'Abandoned';
}

function firstFailure(receipts: readonly Receipt[]): Refusal | undefined {
  return receipts.find((receipt) => receipt.failure !== undefined)?.failure;
}

function whatIsMissing(
  plan: Plan,
  receipts: readonly (Receipt | undefined)[],
  abort: Refusal | undefined,
): Refusal | undefined {
  const missing = receipts.filter((receipt) => receipt === undefined).length;
  if (missing === 0) return undefined;
  if (abort !== undefined) return abort;
  throw new ForebayError(
    'ReceiptsMissing',
    `${missing} of ${receipts.length} shards of batch ${plan.batch.id}, run ${plan.run}, have not ended`,
  );
}

/** All receipts are there: do the counts add up, and are few enough records refused? */
function judge(plan: Plan, receipts: readonly Receipt[]): Refusal | undefined {
  const breach = receipts.map((receipt) => findBreach(plan, receipt)).find((found) => found !== undefined);
  if (breach !== undefined) return { reason: 'CountsDoNotAddUp', message: breach };
  const records = totalRecords(receipts);
  const maxFailed = plan.reading?.maxFailed ?? 0;
  if (!exceeds(records, maxFailed)) return undefined;
  return {
    reason: 'TooManyFailed',
    message: `${records.failed} of ${records.read} records failed; errorPolicy.maxFailed is ${maxFailed}`,
  };
}

/** What does not add up in a receipt, for a person; undefined when all does. */
export function findBreach(plan: Plan, receipt: Receipt): string | undefined {
  const where = `shard ${receipt.index}`;
  const odd = receipt.inputs.find((input) => !addsUp(input.records));
  if (odd !== undefined) return `${where}: the counts of ${odd.name} do not add up`;
  if (!addsUp(receipt.records)) return `${where}: its counts do not add up`;
  const ofInputs = receipt.inputs.reduce((total, input) => addRecords(total, input.records), zeroRecords());
  if (!isSame(ofInputs, receipt.records)) return `${where}: its counts are not the sum of its files`;
  const rows = receipt.dataFiles.reduce((total, file) => total + file.rows, 0);
  if (rows !== receipt.records.ingested)
    return `${where}: ${rows} rows written for ${receipt.records.ingested} records`;
  const rejected = receipt.rejectFile?.rows ?? 0;
  if (rejected !== receipt.records.failed) return `${where}: ${rejected} rejects kept of ${receipt.records.failed}`;
  const files = receipt.inputs.length + receipt.files.failed + receipt.files.skipped;
  const planned = plan.shards[receipt.index]?.files;
  return files === planned ? undefined : `${where}: ${files} files accounted for, ${planned} planned`;
}

function isSame(a: RecordCounts, b: RecordCounts): boolean {
  return a.read === b.read && a.ingested === b.ingested && a.failed === b.failed && a.skipped === b.skipped;
}

type End = Pick<Decision, 'outcome' | 'reason' | 'message' | 'records' | 'dataFiles'>;

function committed(receipts: readonly Receipt[]): End {
  const records = totalRecords(receipts);
  return {
    outcome: 'Committed',
    reason: 'Active',
    message: `${records.ingested} of ${records.read} records ingested`,
    records,
    dataFiles: receipts.flatMap((receipt) => receipt.dataFiles),
  };
}

/** `Aborted` is the user's word; everything else is a failure. Good records are then skipped, so that counts add up. */
function ended(refusal: Refusal, receipts: readonly Receipt[]): End {
  const records = totalRecords(receipts);
  return {
    outcome: refusal.reason === 'Aborted' ? 'Aborted' : 'Failed',
    ...refusal,
    records: { ...records, ingested: 0, skipped: records.skipped + records.ingested, warnings: 0 },
    dataFiles: [],
  };
}

function totalRecords(receipts: readonly Receipt[]): RecordCounts {
  return receipts.reduce((total, receipt) => addRecords(total, receipt.records), zeroRecords());
}

function sum(receipts: readonly Receipt[], of: (receipt: Receipt) => number): number {
  return receipts.reduce((total, receipt) => total + of(receipt), 0);
}
