/** One shard of a compaction: the rows of a group of files in one new file, or few, and a receipt that says so. */
import type { Dataset } from '../commit/dataset.ts';
import { decide, readDocument } from '../commit/decide.ts';
import { type Plan, type PlanInput, type Reading, Receipt, type Refusal } from '../commit/documents.ts';
import { batchDigest, dataKey, receiptKey } from '../commit/names.ts';
import { inputsOf } from '../commit/plan.ts';
import { loadSchema } from '../commit/schemas.ts';
import { type RecordCounts, zeroRecords } from '../contract/counts.ts';
import { ForebayError, toForebayError } from '../contract/errors.ts';
import type { ByteSink, DataFile } from '../engine/engine.ts';
import type { TableInput } from '../parquet/rewrite.ts';
import type { Maintenance } from './maintenance.ts';

/**
 * The receipt that stands: an earlier one, this one, or a twin's. A group that cannot be rewritten has one too.
 * `live`: of the plan's files, those that the table has.
 */
export async function rewriteGroup(
  maintenance: Maintenance,
  plan: Plan,
  index: number,
  live: ReadonlySet<string>,
): Promise<Receipt> {
  const { dataset, waiting } = maintenance;
  const key = receiptKey(batchDigest(plan.batch), plan.run, index);
  const standing = await readDocument(dataset.store, key, Receipt, waiting);
  if (standing !== undefined) return standing;
  const receipt = await makeReceipt(maintenance, plan, index, live);
  const decided = await decide(dataset.store, key, Receipt, receipt, waiting);
  if (!decided.own) {
    await discard(
      maintenance,
      receipt.dataFiles.map((file) => file.key),
    );
  }
  return decided.value;
}

async function makeReceipt(
  maintenance: Maintenance,
  plan: Plan,
  index: number,
  live: ReadonlySet<string>,
): Promise<Receipt> {
  const { dataset, waiting } = maintenance;
  const attempt = waiting.random.nonce();
  const inputs = await inputsOf(dataset, plan, index, waiting);
  const sinks = new Sinks(maintenance, plan, index, attempt);
  try {
    requireLive(inputs, live);
    const dataFiles = await rewrite(maintenance, plan, inputs, sinks);
    requireSameRows(inputs, dataFiles);
    return toReceipt(plan, index, attempt, inputs, dataFiles);
  } catch (thrown) {
    await discard(maintenance, sinks.opened);
    return failedReceipt(plan, index, attempt, toRefusal(thrown));
  }
}

/** A file that left the table since the plan takes the whole commit with it: the group is left out in time. */
function requireLive(inputs: readonly PlanInput[], live: ReadonlySet<string>): void {
  const gone = inputs.filter(({ key }) => !live.has(key)).length;
  if (gone > 0) throw new ForebayError('FilesGone', `${gone} of ${inputs.length} files left the table meanwhile`);
}

const noLayout = { fieldIDs: {}, partitionBy: [], sortBy: [] };

async function rewrite(
  { dataset, waiting }: Maintenance,
  plan: Plan,
  inputs: readonly PlanInput[],
  sinks: Sinks,
): Promise<readonly DataFile[]> {
  const reading = requireReading(plan);
  // The engine is loaded when there is something to do for it.
  const [{ compileSchema }, { rewriteFiles }] = await Promise.all([
    import('../engine/index.ts'),
    import('../parquet/rewrite.ts'),
  ]);
  const text = await loadSchema(dataset.store, reading.schemaDigest, waiting);
  return await rewriteFiles(
    {
      columns: compileSchema(text, 'Record').columns,
      layout: reading.layout ?? noLayout,
      compression: reading.settings.compression,
      targetFileSizeBytes: reading.settings.targetFileSizeBytes,
      signal: waiting.signal,
      openDataFile: (k) => sinks.open(k),
    },
    inputs.map((input) => toTableInput(dataset, input, waiting.signal)),
  );
}

function requireReading({ reading, run }: Plan): Reading {
  if (reading === undefined) throw new ForebayError('DamagedDocument', `the plan of compaction ${run} has no schema`);
  return reading;
}

function toTableInput({ store }: Dataset, { key, name, size, etag }: PlanInput, signal: AbortSignal): TableInput {
  return { name, size, read: (start, end) => store.read(key, { start, end, ifMatch: etag, signal }) };
}

function requireSameRows(inputs: readonly PlanInput[], outputs: readonly DataFile[]): void {
  const before = inputs.reduce((sum, { rows = 0 }) => sum + rows, 0);
  const after = outputs.reduce((sum, { rows }) => sum + rows, 0);
  if (before === after) return;
  throw new ForebayError('CountsDoNotAddUp', `${before} rows were to be rewritten, ${after} were`);
}

class Sinks {
  readonly opened: string[] = [];
  readonly #maintenance: Maintenance;
  readonly #name: (k: number) => string;

  constructor(maintenance: Maintenance, { batch, run }: Plan, index: number, attempt: string) {
    const { dataFolder } = maintenance.dataset.table;
    this.#maintenance = maintenance;
    this.#name = (k) => dataKey(dataFolder, batchDigest(batch), run, index, attempt, k);
  }

  open(k: number): ByteSink {
    const { dataset, waiting } = this.#maintenance;
    const key = this.#name(k);
    this.opened.push(key);
    return dataset.store.upload(key, { signal: waiting.signal });
  }
}

/** What cannot be removed now is garbage of the run. */
async function discard({ dataset, waiting, log }: Maintenance, keys: readonly string[]): Promise<void> {
  if (keys.length === 0 || waiting.signal.aborted) return;
  try {
    await dataset.store.delete(keys, { signal: waiting.signal });
  } catch (thrown) {
    log.warn({ code: toForebayError(thrown).code, files: keys.length }, 'files of a group not rewritten stay for now');
  }
}

/** Only what lies in the files ends the group; everything else is thrown, and the group is tried again. */
function toRefusal(thrown: unknown): Refusal {
  const isOfFiles =
    thrown instanceof ForebayError &&
    ['UnreadableFile', 'FileChanged', 'FilesGone', 'CountsDoNotAddUp'].includes(thrown.code);
  if (!isOfFiles) throw thrown;
  return { reason: thrown.code, message: thrown.message };
}

function toReceipt(
  plan: Plan,
  index: number,
  attempt: string,
  inputs: readonly PlanInput[],
  outputs: readonly DataFile[],
): Receipt {
  const each = inputs.map(({ name, size, rows = 0 }) => ({ name, records: toRecords(rows), bytes: size }));
  const rows = each.reduce((sum, { records }) => sum + records.read, 0);
  return {
    ...emptyReceipt(plan, index, attempt),
    records: toRecords(rows),
    bytes: {
      input: each.reduce((sum, { bytes }) => sum + bytes, 0),
      output: outputs.reduce((sum, { bytes }) => sum + bytes, 0),
    },
    inputs: each,
    dataFiles: outputs.map(toOutput),
  };
}

/** Facts that are known, and no others: documents hold no undefined members. */
function toOutput({ key, rows, bytes, partition, columns, splitOffsets, sorted }: DataFile) {
  return {
    key,
    rows,
    bytes,
    ...(partition === undefined ? {} : { partition }),
    ...(columns === undefined ? {} : { columns }),
    ...(splitOffsets === undefined ? {} : { splitOffsets }),
    ...(sorted === undefined ? {} : { sorted }),
  };
}

function toRecords(rows: number): RecordCounts {
  return { ...zeroRecords(), read: rows, ingested: rows };
}

function failedReceipt(plan: Plan, index: number, attempt: string, failure: Refusal): Receipt {
  return { ...emptyReceipt(plan, index, attempt), failure };
}

function emptyReceipt({ table }: Plan, index: number, attempt: string): Receipt {
  return {
    version: 1,
    attempt,
    table,
    index,
    records: zeroRecords(),
    files: { failed: 0, skipped: 0 },
    bytes: { input: 0, output: 0 },
    inputs: [],
    dataFiles: [],
    errors: [],
  };
}
