/** Runs written straight into a lake, for tests of what comes after plan and shards. */
import { parquetReadObjects } from 'hyparquet';
import { compressors } from 'hyparquet-compressors';
import { Lake, target } from '../../test/support/lake-in-memory.ts';
import type { BatchID, TableSettings } from '../contract/task.ts';
import { loadState } from '../table/commit.ts';
import type { TableFile, TableState } from '../table/table.ts';
import type { Environment } from '../tasks/environment.ts';
import { type Dataset, openDataset } from './dataset.ts';
import type { Plan, Receipt } from './documents.ts';
import { batchDigest, dataKey, openKey, planKey, receiptKey } from './names.ts';

/** A process of its own, with the dataset opened. */
export async function openLake(
  lake: Lake,
  process: Environment = lake.process(),
): Promise<{ readonly dataset: Dataset; readonly waiting: Environment }> {
  const dataset = await openDataset(await process.openStore(target.storage), target, process);
  return { dataset, waiting: process };
}

/** The table's newest state as this program reads it, of either format. */
export async function tableOf(lake: Lake): Promise<TableState & { readonly files: readonly TableFile[] }> {
  const { dataset } = await openLake(lake);
  const state = await loadState(dataset.table);
  const files: TableFile[] = [];
  for await (const file of dataset.table.files(state)) files.push(file);
  return { ...state, files };
}

/** Of the rows of the table, read by a library that did not write them, in order. */
export async function idsOf(lake: Lake): Promise<string[]> {
  const ids: string[] = [];
  for (const { key } of (await tableOf(lake)).files) {
    const file = new Uint8Array(lake.bucket('lake').objects.get(key)?.body ?? []).buffer;
    ids.push(...(await parquetReadObjects({ file, compressors })).map((row) => String(row.id)));
  }
  return ids.sort();
}

/** Both formats keep the same promises. */
export const formats = ['Parquet', 'Iceberg'] as const satisfies readonly TableSettings['format'][];

export async function newLake(format: TableSettings['format']): Promise<Lake> {
  const lake = new Lake();
  await lake.prepare({ table: { format, compression: 'Zstd', targetFileSizeBytes: 2 ** 28 } });
  return lake;
}

export function resourceID(id: string): BatchID {
  return { kind: 'resource', id: `default/${id}` };
}

/** Of one shard for each list of inputs that a test gives as a receipt; see `saveRun`. */
export function planOf(dataset: Dataset, id: string, change: Partial<Plan> = {}): Plan {
  const run = change.run ?? 1;
  return {
    version: 1,
    attempt: `plan of ${id}`,
    table: dataset.table.uuid,
    batch: resourceID(id),
    run,
    requests: [{ run, token: '', digest: 'digest' }],
    files: { input: 1, skipped: 0 },
    bytes: 100,
    shards: [{ files: 1, bytes: 100, inputs: [] }],
    reading: readingOf(),
    time: 0,
    ...change,
  };
}

export function readingOf(change: Partial<NonNullable<Plan['reading']>> = {}): NonNullable<Plan['reading']> {
  return {
    schemaDigest: '',
    settings: { format: 'Parquet', compression: 'Zstd', targetFileSizeBytes: 1 },
    read: { format: { type: 'JSONLines' }, compression: 'Auto', mapping: [], maxRecordBytes: 1 },
    maxFailed: 0,
    skipChangedFiles: false,
    setAsideUnreadableFiles: false,
    ...change,
  };
}

/** Of one file with two good records. */
export function receiptOf(plan: Plan, index = 0, change: Partial<Receipt> = {}): Receipt {
  const key = dataKey('data/', batchDigest(plan.batch), plan.run, index, 'attempt', 0);
  const records = change.records ?? { read: 2, ingested: 2, failed: 0, skipped: 0, warnings: 0 };
  return {
    version: 1,
    attempt: `receipt ${index}`,
    table: plan.table,
    index,
    records,
    files: { failed: 0, skipped: 0 },
    bytes: { input: 100, output: 50 },
    inputs: [{ name: `file-${index}`, records, bytes: 100 }],
    dataFiles: [{ key, rows: 2, bytes: 50 }],
    errors: [],
    ...change,
  };
}

/** Writes plan and receipts, and an object for each data file. Answers the plan. */
export async function saveRun(lake: Lake, plan: Plan, receipts: readonly Receipt[]): Promise<Plan> {
  const batch = batchDigest(plan.batch);
  const bucket = lake.bucket('lake');
  await bucket.put(
    openKey(batch, plan.run),
    JSON.stringify({ version: 1, batch: plan.batch, run: plan.run, requests: [] }),
  );
  await bucket.put(planKey(batch, plan.run), JSON.stringify(plan));
  for (const receipt of receipts) {
    await bucket.put(receiptKey(batch, plan.run, receipt.index), JSON.stringify(receipt));
    for (const { key } of receipt.dataFiles) await bucket.put(key, 'rows');
  }
  return plan;
}
