/** From receipts to a decision: counts must add up, the policy of the plan is applied, one name settles it. */
import type { RecordCounts } from '../contract/counts.ts';
import type { Waiting } from '../contract/environment.ts';
import { ForebayError } from '../contract/errors.ts';
import type { Dataset } from './dataset.ts';
import { decide } from './decide.ts';
import { Decision, type Plan, type Refusal } from './documents.ts';
import { batchDigest, decisionKey } from './names.ts';
import { exceeds } from './policy.ts';
import { readDecision } from './runs.ts';
import { addUpReceipts, type ReceiptSum } from './sum.ts';

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
  const decision = await draftDecision(dataset, plan, abort, waiting);
  return (await decide(dataset.store, decisionKey(batch, plan.run), Decision, decision, waiting)).value;
}

async function draftDecision(
  dataset: Dataset,
  plan: Plan,
  abort: Refusal | undefined,
  waiting: Waiting,
): Promise<Decision> {
  const sum = await addUpReceipts(dataset, plan, waiting);
  const removal = await findReplaced(dataset, plan, waiting);
  const refusal =
    plan.refusal ??
    (abort !== undefined && isOrder(abort) ? abort : undefined) ??
    sum.failure ??
    whatIsMissing(plan, sum, abort) ??
    judge(plan, sum) ??
    removal.refusal;
  const end = refusal === undefined ? committed(sum, removal.files) : ended(refusal, sum);
  return {
    version: 1,
    attempt: waiting.random.nonce(),
    table: plan.table,
    run: plan.run,
    ...end,
    files: {
      input: plan.files.input,
      skipped: plan.files.skipped + sum.files.skipped,
      failed: sum.files.failed,
      output: end.dataFiles.length,
    },
    bytes: { input: sum.inputBytes, output: end.dataFiles.reduce((total, file) => total + file.bytes, 0) },
    errors: sum.errors,
    rejectFiles: sum.rejectFiles,
    time: waiting.clock.now(),
  };
}

/** Ends a run even where nothing is missing; a failed Job only does where something is. */
function isOrder({ reason }: Refusal): boolean {
  return reason === 'Aborted' || reason === 'Superseded' || reason === 'Abandoned';
}

function whatIsMissing(plan: Plan, { missing }: ReceiptSum, abort: Refusal | undefined): Refusal | undefined {
  if (missing === 0) return undefined;
  if (abort !== undefined) return abort;
  throw new ForebayError(
    'ReceiptsMissing',
    `${missing} of ${plan.shards.length} shards of batch ${plan.batch.id}, run ${plan.run}, have not ended`,
  );
}

/** All receipts are there: do the counts add up, are few enough records refused, was there more to do than to look? */
function judge(plan: Plan, { breach, records }: ReceiptSum): Refusal | undefined {
  if (breach !== undefined) return { reason: 'CountsDoNotAddUp', message: breach };
  const maxFailed = plan.reading?.maxFailed ?? 0;
  if (exceeds(records, maxFailed)) {
    return {
      reason: 'TooManyFailed',
      message: `${records.failed} of ${records.read} records failed; errorPolicy.maxFailed is ${maxFailed}`,
    };
  }
  if (!plan.reading?.validateOnly) return undefined;
  return {
    reason: 'Validated',
    message: `${records.ingested + records.skipped} of ${records.read} records are good; nothing was ingested, as asked`,
  };
}

/** The files of all runs that this one replaces, as they were landed. The commit sees whether they are still there. */
async function findReplaced(
  dataset: Dataset,
  { replaces = [] }: Plan,
  waiting: Waiting,
): Promise<{ readonly files: string[]; readonly refusal?: Refusal }> {
  const files: string[] = [];
  for (const { batch, id, run } of replaces) {
    const decision = await readDecision(dataset, batch, run, waiting);
    if (decision?.outcome !== 'Committed' || decision.dataFiles.length === 0) {
      return { files, refusal: { reason: 'NothingToReplace', message: `${id} has no rows in the table` } };
    }
    files.push(...decision.dataFiles.map(({ key }) => key));
  }
  return { files };
}

type End = Pick<Decision, 'outcome' | 'reason' | 'message' | 'records' | 'dataFiles' | 'removeFiles'>;

function committed({ records, dataFiles }: ReceiptSum, removeFiles: string[]): End {
  return {
    outcome: 'Committed',
    reason: 'Active',
    message: `${records.ingested} of ${records.read} records ingested`,
    records,
    dataFiles,
    ...(removeFiles.length > 0 ? { removeFiles } : {}),
  };
}

/** What was asked for is no failure; all else is. Good records are then skipped, so that counts add up. */
function ended({ reason, message }: Refusal, { records }: ReceiptSum): End {
  const isAsAsked = reason === 'Aborted' || reason === 'Validated';
  return { outcome: isAsAsked ? 'Aborted' : 'Failed', reason, message, records: skipGood(records), dataFiles: [] };
}

function skipGood(records: RecordCounts): RecordCounts {
  return { ...records, ingested: 0, skipped: records.skipped + records.ingested, warnings: 0 };
}
