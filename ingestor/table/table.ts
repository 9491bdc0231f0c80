/**
 * The table: what readers of the lake see. Everything above it - runs of batches, rounds of inlets, prepare - changes
 * it through this interface alone, so that a format is one implementation of it (`parquet-table.ts`).
 *
 * The table says what is in it: a commit sets properties together with its files, and a property that is there means
 * "this was done". Nobody keeps that memory anywhere else.
 */
import type { DataFileFacts, TableLayout } from '../contract/layout.ts';
import type { TableSettings } from '../contract/task.ts';
import type { Column } from '../engine/schema.ts';

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
   * code StoreUnavailable or CatalogUnavailable means "unknown". Use `commitToTable`, which knows what to do then.
   */
  commit(base: TableState | undefined, change: TableChange, stamp: CommitStamp): Promise<TableState | undefined>;
  /** Makes other readers see at least the version of `state`. Moves forward only; safe at any time. */
  publish(state: TableState): Promise<void>;
  /** Milliseconds since 1970 by the store's clock, which is one for all processes. */
  now(): Promise<number>;
  /** Gives back the room of versions nobody reads any more, in bounded steps; answers how many. */
  emptyOldVersions(newest: TableState): Promise<number>;

  /** The files that hold the rows of the state, in no order. */
  files(state: TableState): AsyncIterable<TableFile>;
  /** Those of `keys` that are files of the state. */
  find(state: TableState, keys: ReadonlySet<string>): Promise<ReadonlyMap<string, TableFile>>;
  /** What a reader can travel to, oldest first, the current one last; empty where the format has no snapshots. */
  snapshots(state: TableState): readonly SnapshotFacts[];
  /** Data files that these snapshots of the state name and none of its others does: garbage once they are gone. */
  filesOnlyIn(state: TableState, snapshotIDs: ReadonlySet<string>): AsyncIterable<string>;
  /** Keys of all objects beside data files and versions that the state names: manifest lists and manifests. */
  metadataKeys(state: TableState): Promise<ReadonlySet<string>>;
  /** Whether an object of the table's metadata folder is a manifest or manifest list that this program wrote. */
  isOwnMetadata(key: string): boolean;
}

export interface SnapshotFacts {
  readonly snapshotID: string;
  /** Milliseconds since 1970. */
  readonly time: number;
  /** True for the one that the table is at, and for those that a branch or tag of another engine names. */
  readonly pinned: boolean;
  /** Version or sequence number in which it came. */
  readonly sequence: number;
}

export interface TableState {
  /** Rises by one with every commit of ours. */
  readonly sequence: number;
  /** Of the last commit that brought or took files, and when it was; absent before the first. */
  readonly snapshotID?: string;
  readonly snapshotTime?: number;
  /** Digest of the schema in force; its body is in `ingest/schemas/`. */
  readonly schemaDigest: string;
  readonly settings: TableSettings;
  /** Field ids of the schema in force, partitions, sorting. */
  readonly layout: TableLayout;
  /** What was done, by name: see `runProperty` and `roundProperty`. */
  readonly properties: Readonly<Record<string, string>>;
  /**
   * Files by which another engine takes single rows out of data files, if any. Rows must stay in the files they are in
   * then: a change that `rewrites` is refused as FilesRewritten.
   */
  readonly deleteFiles?: number;
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
  /** By the id that users know; `time` in milliseconds since 1970. */
  readonly lastBatch?: BatchMark;
  readonly lastFailedBatch?: BatchMark;
}

export interface BatchMark {
  readonly id: string;
  readonly time: number;
}

export interface TableFile extends DataFileFacts {
  /** Below the dataset's place. */
  readonly key: string;
  readonly rows: number;
  readonly bytes: number;
  /** Digest of the batch, or the inlet's id; only told when it is added. */
  readonly batch?: string;
}

/** Absent members change nothing. */
export interface TableChange {
  readonly addFiles?: readonly TableFile[];
  /** Keys of files that leave. All must be files of the base (see `find`): the commit throws TypeError otherwise. */
  readonly removeFiles?: readonly string[];
  /** The same rows in other files (a compaction): readers of changes pass it over. */
  readonly rewrites?: boolean;
  /** A snapshot also when no file comes or goes. */
  readonly snapshot?: boolean;
  /** For the snapshot's summary, beside what the table counts itself; names begin with `forebay.`. */
  readonly summary?: Readonly<Record<string, string>>;
  /** Snapshots that nobody can travel to any more. Never one that is pinned. Their files stay. */
  readonly expireSnapshots?: readonly string[];
  readonly setProperties?: Readonly<Record<string, string>>;
  readonly dropProperties?: readonly string[];
  /** Added to the totals; rows, files and bytes follow from the files. */
  readonly count?: {
    readonly ingested?: number;
    readonly failed?: number;
    readonly batchesSucceeded?: number;
    readonly batchesFailed?: number;
    readonly lastBatch?: BatchMark;
    readonly lastFailedBatch?: BatchMark;
  };
  /** The schema in force from now on; both or none. Ids are kept by name, new columns get new ones. */
  readonly schemaDigest?: string;
  readonly columns?: readonly Column[];
  readonly settings?: TableSettings;
}

/** What the next commit will be known as; a change may name it in its properties. */
export interface CommitStamp {
  /** A positive 64-bit number as decimal digits, drawn at random once for all tries of one commit. */
  readonly snapshotID: string;
  /** Milliseconds since 1970, later than the commit before. */
  readonly time: number;
}

/** Set by the commit of a batch's run; dropped once the run's marker exists. */
export function runProperty(batch: string, run: number): string {
  return `${runPropertyPrefix}${batch}.${run}`;
}
export const runPropertyPrefix = 'forebay.run.';

/** Set by the commit that takes the rows of a run out again; dropped once the run's `reverted` marker exists. */
export function revertProperty(batch: string, run: number): string {
  return `${revertPropertyPrefix}${batch}.${run}`;
}
export const revertPropertyPrefix = 'forebay.revert.';

/** Set by the commit of an inlet's round; kept for good. */
export function roundProperty(inlet: string): string {
  return `forebay.round.${inlet}`;
}
