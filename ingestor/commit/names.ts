/**
 * Where things are in a dataset's place in the bucket; all keys are relative to its prefix. A name that decides is never
 * freed while the table lives: `plan.json`, `decision.json`, `committed.json`, ledger entries, table versions.
 */
import { createHash } from 'node:crypto';
import type { BatchID } from '../contract/task.ts';

/** Owner and table of the place; a tombstone once it was purged. */
export const datasetKey = 'dataset.json';

/** Everything below belongs to this program; beside the table, since other engines clean what metadata does not name. */
export const controlFolder = 'ingest/';

export const openFolder = 'ingest/open/';

/** There while work or garbage of a run is left. */
export function openKey(batch: string, run: number): string {
  return `${openFolder}${batch}.${run}`;
}

export const keptFolder = 'ingest/kept/';

/** There while nothing of a run but its reject files waits to be removed. */
export function keptKey(batch: string, run: number): string {
  return `${keptFolder}${batch}.${run}`;
}

/** The batch and run that an object of the open or the kept folder stands for; undefined for a foreign object. */
export function parseOpenKey(key: string): { batch: string; run: number } | undefined {
  const [, batch, run] = /^ingest\/(?:open|kept)\/([0-9a-f]{32})\.([1-9][0-9]*)$/.exec(key) ?? [];
  return batch === undefined || run === undefined ? undefined : { batch, run: Number(run) };
}

export function runFolder(batch: string, run: number): string {
  return `ingest/batches/${batch}/${run}/`;
}

export function planKey(batch: string, run: number): string {
  return `${runFolder(batch, run)}plan.json`;
}

/** A part of a plan's file list; named by the attempt, so that twins do not meet. */
export function partKey(batch: string, run: number, attempt: string, shard: number): string {
  return `${runFolder(batch, run)}parts/${attempt}-${shard}.json`;
}

export function receiptKey(batch: string, run: number, shard: number): string {
  return `${runFolder(batch, run)}shards/${shard}.json`;
}

export function decisionKey(batch: string, run: number): string {
  return `${runFolder(batch, run)}decision.json`;
}

export function markerKey(batch: string, run: number): string {
  return `${runFolder(batch, run)}committed.json`;
}

/** There once the rows of a committed run left the table again: it was reverted, or replaced. */
export function revertedKey(batch: string, run: number): string {
  return `${runFolder(batch, run)}reverted.json`;
}

export function rejectFolder(batch: string, run: number): string {
  return `${runFolder(batch, run)}rejects/`;
}

export function rejectKey(batch: string, run: number, shard: number, attempt: string): string {
  return `${rejectFolder(batch, run)}${shard}-${attempt}.jsonl.zst`;
}

/** Data files of a run; `dataFolder` is the table's. */
export function dataKey(
  dataFolder: string,
  batch: string,
  run: number,
  shard: number,
  attempt: string,
  k: number,
): string {
  return `${dataFolder}${batch}/${run}/${shard}-${attempt}-${k}.parquet`;
}

export function ledgerKey(entry: number): string {
  return `ingest/ledger/${entry}.json`;
}

export function schemaKey(digest: string): string {
  return `ingest/schemas/${digest}.json`;
}

/**
 * The program's own batches, one run after the other: their decisions tell what became of a file that is not in the
 * table any more. Row expiry takes out files whose rows are past retention; compaction writes rows into other files.
 */
export const rowExpiryBatch = { kind: 'internal', id: 'row-expiry' } as const satisfies BatchID;
export const compactionBatch = { kind: 'internal', id: 'compaction' } as const satisfies BatchID;

/** A batch's folder name: external ids and resource names are kept apart. The plan holds the id in plain, to compare. */
export function batchDigest(id: BatchID): string {
  return sha256(`${id.kind}:${id.id}`).slice(0, 32);
}

/** As hexadecimal digits. */
export function sha256(text: string | Uint8Array): string {
  return createHash('sha256').update(text).digest('hex');
}
