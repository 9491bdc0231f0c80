/** What every kind of maintenance is given and answers. Each is a file of this folder. */
import type { Dataset } from '../commit/dataset.ts';
import type { ByteCounts } from '../contract/counts.ts';
import type { Log, Waiting } from '../contract/environment.ts';
import type { MaintainLimits, Retention } from '../contract/task.ts';
import type { TableState } from '../table/table.ts';

export interface Maintenance {
  readonly dataset: Dataset;
  readonly retention: Retention;
  readonly limits: Required<MaintainLimits>;
  /** The store's time, and the table as it was found after that: where this maintain began. */
  readonly began: { readonly time: number; readonly state: TableState };
  readonly waiting: Waiting;
  readonly log: Log;
  /** Told of the bytes of files that this maintain rewrote so far. */
  progress(bytes: ByteCounts): void;
}

/** How much was done, by the names of the result's `did`. */
export type Did = Readonly<Record<string, number>>;

/**
 * One kind of work. It may be interrupted at any point, run beside its own twin and beside everything else, and does a
 * bounded part of what there is.
 */
export interface Work {
  /** For the log and for messages. */
  readonly name: string;
  do(maintenance: Maintenance): Promise<Did>;
}

export const defaultLimits: Required<MaintainLimits> = {
  compactions: 8,
  compactionBytes: 2 * 2 ** 30,
  // Their names stand in a plan and a decision, documents of about 200 KB then.
  compactionFiles: 1_000,
  smallestCompaction: 5,
  expiredFiles: 1_000,
  expiredSnapshots: 1_000,
  keptSnapshots: 3,
  // A table carries at most 1,000, and commits drop what is beyond: whatever comes within the hour must find room, or
  // files that only those snapshots name would be garbage that nobody knows of.
  mostSnapshots: 750,
};

export const minute = 60_000;
export const hour = 60 * minute;
export const day = 24 * hour;

export function addDid(a: Did, b: Did): Did {
  const sum: Record<string, number> = { ...a };
  for (const [name, count] of Object.entries(b)) sum[name] = (sum[name] ?? 0) + count;
  return sum;
}
