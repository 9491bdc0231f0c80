/** What the receipts of a run come to: counts, files and error classes added up, and what does not add up. */
import { addRecords, addsUp, type ErrorClass, type RecordCounts, zeroRecords } from '../contract/counts.ts';
import type { Waiting } from '../contract/environment.ts';
import type { Dataset } from './dataset.ts';
import { readDocument } from './decide.ts';
import { type Decision, type Plan, Receipt, type Refusal } from './documents.ts';
import { ErrorSum } from './error-sum.ts';
import { batchDigest, receiptKey } from './names.ts';
import { RangeCheck } from './ranges.ts';

export interface ReceiptSum {
  readonly records: RecordCounts;
  /** Each file once, however many parts it was cut into. */
  readonly files: { readonly failed: number; readonly skipped: number };
  readonly inputBytes: number;
  readonly dataFiles: Decision['dataFiles'];
  readonly rejectFiles: string[];
  readonly errors: ErrorClass[];
  /** Shards without a receipt. */
  readonly missing: number;
  /** Of the first shard that failed for what lies in the data. */
  readonly failure?: Refusal;
  /** What does not add up, for a person. */
  readonly breach?: string;
}

/** Receipts read at the same time. */
const readAhead = 16;

/** In the order of the shards, so that twins come to the same; no more than `readAhead` receipts are held at once. */
export async function addUpReceipts(dataset: Dataset, plan: Plan, waiting: Waiting): Promise<ReceiptSum> {
  const errors = new ErrorSum();
  const ranges = new RangeCheck();
  const dataFiles: Decision['dataFiles'] = [];
  const rejectFiles: string[] = [];
  const files = { failed: 0, skipped: 0 };
  let records = zeroRecords();
  let [inputBytes, missing] = [0, 0];
  let failure: Refusal | undefined;
  let breach: string | undefined;
  for await (const receipt of readReceipts(dataset, plan, waiting)) {
    if (receipt === undefined) {
      missing += 1;
      continue;
    }
    failure ??= receipt.failure;
    breach ??= receipt.failure === undefined ? findBreach(plan, receipt) : undefined;
    records = addRecords(records, receipt.records);
    inputBytes += receipt.bytes.input;
    dataFiles.push(...receipt.dataFiles);
    if (receipt.rejectFile !== undefined) rejectFiles.push(receipt.rejectFile.key);
    errors.add(receipt.errors);
    ranges.add(receipt);
    files.failed += receipt.files.failed;
    files.skipped += receipt.files.skipped;
  }
  failure ??= ranges.findTorn();
  breach ??= missing === 0 && failure === undefined ? ranges.findGap() : undefined;
  return {
    records,
    files: ranges.countOnce(files),
    inputBytes,
    dataFiles,
    rejectFiles,
    errors: errors.classes(),
    missing,
    ...(failure === undefined ? {} : { failure }),
    ...(breach === undefined ? {} : { breach }),
  };
}

/** Undefined where a shard has not ended. */
async function* readReceipts({ store }: Dataset, plan: Plan, waiting: Waiting): AsyncGenerator<Receipt | undefined> {
  const batch = batchDigest(plan.batch);
  for (let first = 0; first < plan.shards.length; first += readAhead) {
    const some = plan.shards.slice(first, first + readAhead);
    const keys = some.map((_, index) => receiptKey(batch, plan.run, first + index));
    yield* await Promise.all(keys.map((key) => readDocument(store, key, Receipt, waiting)));
  }
}

/** What does not add up in a receipt, for a person; undefined when all does. */
function findBreach(plan: Plan, receipt: Receipt): string | undefined {
  const where = `shard ${receipt.index}`;
  const odd = receipt.inputs.find((input) => !addsUp(input.records));
  if (odd !== undefined) return `${where}: the counts of ${odd.name} do not add up`;
  if (!addsUp(receipt.records)) return `${where}: its counts do not add up`;
  const ofInputs = receipt.inputs.reduce((total, input) => addRecords(total, input.records), zeroRecords());
  if (!isSame(ofInputs, receipt.records)) return `${where}: its counts are not the sum of its files`;
  return findUnwritten(plan, receipt) ?? findUnaccounted(plan, receipt);
}

/** Who only validates writes no rows, and need not keep what was refused. */
function findUnwritten({ reading }: Plan, { index, records, dataFiles, rejectFile }: Receipt): string | undefined {
  const validates = reading?.validateOnly === true;
  const rows = dataFiles.reduce((total, file) => total + file.rows, 0);
  if (rows !== (validates ? 0 : records.ingested)) {
    return `shard ${index}: ${rows} rows written for ${records.ingested} records`;
  }
  if (validates && rejectFile === undefined) return undefined;
  const rejected = rejectFile?.rows ?? 0;
  return rejected === records.failed ? undefined : `shard ${index}: ${rejected} rejects kept of ${records.failed}`;
}

function findUnaccounted(plan: Plan, { index, inputs, files }: Receipt): string | undefined {
  const found = inputs.length + files.failed + files.skipped;
  const planned = plan.shards[index]?.files;
  return found === planned ? undefined : `shard ${index}: ${found} files accounted for, ${planned} planned`;
}

function isSame(a: RecordCounts, b: RecordCounts): boolean {
  return a.read === b.read && a.ingested === b.ingested && a.failed === b.failed && a.skipped === b.skipped;
}
