/**
 * The table: what readers of the lake see. Everything above it - runs of batches, rounds of inlets, prepare - changes
 * it through this interface alone, so that a format is one implementation of it (`parquet-table.ts`).
 *
 * The table says what is in it: a commit sets properties together with its files, and a property that is there means
 * "this was done". Nobody keeps that memory anywhere else.
 */
import type { TableSettings } from '../contract/task.ts';

export interface Table {
  /** Never changes; stands in every plan, so that a writer of an earlier table cannot meet this one. */
  readonly uuid: string;
  /** For people and for status. */
  readonly location: string;
  /** Folder of the data files, below the dataset, ending with a slash. */
  readonly dataFolder: string;
  /** The newest state, or undefined before `prepare` made the first. */
  load(): Promise<TableState | undefined>;
  /**
   * One try to put `change` on top of `base`: the new state, or undefined when another commit came first. A throw with
   * code StoreUnavailable means "unknown". Use `commitToTable`, which knows what to do then.
   */
  commit(base: TableState | undefined, change: TableChange, stamp: CommitStamp): Promise<TableState | undefined>;
  /** Makes other readers see at least the version of `state`. Moves forward only; safe at any time. */
  publish(state: TableState): Promise<void>;
  /** Gives back the room of versions nobody reads any more, in bounded steps; answers how many. */
  emptyOldVersions(newest: TableState): Promise<number>;
}

export interface TableState {
  /** Rises by one with every commit. */
  readonly sequence: number;
  /** Of the last commit that brought files, and when it was; absent before the first. */
  readonly snapshotID?: string;
  readonly snapshotTime?: number;
  /** Digest of the schema in force; its body is in `ingest/schemas/`. */
  readonly schemaDigest: string;
  readonly settings: TableSettings;
  /** What was done, by name: see `runProperty` and `roundProperty`. */
  readonly properties: Readonly<Record<string, string>>;
  readonly totals: TableCounts;
  /** Milliseconds since 1970; rises with every commit. */
  readonly lastCommitTime: number;
}

/** Running totals over everything ever committed. */
export interface TableCounts {
  /** Rows, files and bytes in the table now. */
  readonly records: number;
  readonly files: number;
  readonly sizeBytes: number;
  /** Records ingested and set aside so far, by batches and inlets. */
  readonly ingested: number;
  readonly failed: number;
  /** Runs of batches that ended so. */
  readonly batches: { readonly succeeded: number; readonly failed: number };
}

export interface TableFile {
  readonly key: string;
  readonly rows: number;
  readonly bytes: number;
  /** Digest of the batch, or the inlet's id. */
  readonly batch: string;
}

/** Absent members change nothing. */
export interface TableChange {
  readonly addFiles?: readonly TableFile[];
  readonly setProperties?: Readonly<Record<string, string>>;
  readonly dropProperties?: readonly string[];
  /** Added to the totals; rows, files and bytes follow from `addFiles`. */
  readonly count?: {
    readonly ingested?: number;
    readonly failed?: number;
    readonly batchesSucceeded?: number;
    readonly batchesFailed?: number;
  };
  readonly schemaDigest?: string;
  readonly settings?: TableSettings;
}

/** What the next commit will be known as; a change may name it in its properties. */
export interface CommitStamp {
  readonly snapshotID: string;
  /** Milliseconds since 1970, later than the commit before. */
  readonly time: number;
}

/** Set by the commit of a batch's run; dropped once the run's marker exists. */
export function runProperty(batch: string, run: number): string {
  return `${runPropertyPrefix}${batch}.${run}`;
}
export const runPropertyPrefix = 'forebay.run.';

/** Set by the commit of an inlet's round; kept for good. */
export function roundProperty(inlet: string): string {
  return `forebay.round.${inlet}`;
}
