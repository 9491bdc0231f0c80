/**
 * The objects that decide about a run of a batch, in the order they come: plan, receipts of the shards, decision,
 * marker. Each is created once, if absent, and names the attempt that made it: 128 random bits of that process.
 */
import { type Static, Type } from 'typebox';
import { ByteCounts, ErrorClass, FileCounts, RecordCounts } from '../contract/counts.ts';
import { DataFileFacts, TableLayout } from '../contract/layout.ts';
import { BatchID, MaxFailed, ReadSettings, RunRequest, TableSettings } from '../contract/task.ts';

const count = Type.Integer({ minimum: 0 });
const run = Type.Integer({ minimum: 1 });
const common = {
  version: Type.Literal(1),
  attempt: Type.String(),
  /** UUID of the table: a writer of an earlier table cannot meet this one. */
  table: Type.String(),
};

/** Why a run ends without rows: a code of the error table and a message. */
export const Refusal = Type.Object({ reason: Type.String(), message: Type.String() });
export type Refusal = Static<typeof Refusal>;

/**
 * A part of a file: in bytes, or in row groups of a Parquet file; `end` exclusive. A range owns the records that begin
 * in it. `columns`: the header of a CSV file, which only its first range holds. `records`: how many records, and `lines`
 * how many lines, lie before it, where the plan knows.
 */
export const InputRange = Type.Object({
  start: count,
  end: count,
  columns: Type.Optional(Type.Array(Type.String())),
  records: Type.Optional(count),
  lines: Type.Optional(count),
});
export type InputRange = Static<typeof InputRange>;

/** An input as the listing found it. `key` is below the location's prefix, `name` below the bucket. */
export const PlanInput = Type.Object({
  key: Type.String(),
  name: Type.String(),
  /** Of the whole file. */
  size: count,
  etag: Type.String(),
  /** Absent: the whole file. */
  range: Type.Optional(InputRange),
  /** Of a data file of the table, in a run of the program's own: its rows. */
  rows: Type.Optional(count),
});
export type PlanInput = Static<typeof PlanInput>;

/** The files of one shard: here when there are few, else in an object of its own, so that no pod reads all lists. */
export const PlanShard = Type.Object({
  files: count,
  bytes: count,
  inputs: Type.Optional(Type.Array(PlanInput)),
  part: Type.Optional(Type.String()),
});
export type PlanShard = Static<typeof PlanShard>;

export const PlanPart = Type.Object({ version: Type.Literal(1), inputs: Type.Array(PlanInput) });
export type PlanPart = Static<typeof PlanPart>;

const Requests = Type.Array(Type.Object({ run, ...RunRequest.properties }));

/** Body of `open/<batch>.<run>`: enough to end a run that was never planned. */
export const OpenRun = Type.Object({ version: Type.Literal(1), batch: BatchID, run, requests: Requests });
export type OpenRun = Static<typeof OpenRun>;

/** How the inputs are read and written: fixed here, whatever the table says later. */
export const Reading = Type.Object({
  schemaDigest: Type.String(),
  settings: TableSettings,
  /** Absent in plans of earlier versions: no field ids, one partition. */
  layout: Type.Optional(TableLayout),
  read: ReadSettings,
  maxFailed: MaxFailed,
  validateOnly: Type.Optional(Type.Boolean()),
  /** A file that changed is left out; of a connection, which will find it again. */
  skipChangedFiles: Type.Boolean(),
  /** A file that cannot be read is set aside; of a connection that lets every record fail. */
  setAsideUnreadableFiles: Type.Boolean(),
});
export type Reading = Static<typeof Reading>;

export const Plan = Type.Object({
  ...common,
  batch: BatchID,
  run,
  /** Of this run and of all before it: a request that stands here starts no further run. */
  requests: Requests,
  /** `input`: all that the selection found; `skipped`: known to the ledger. */
  files: Type.Object({ input: count, skipped: count }),
  bytes: count,
  shards: Type.Array(PlanShard),
  /** Absent in a run that was refused before anything was read. */
  reading: Type.Optional(Reading),
  /** There when the run ends without reading anything. */
  refusal: Type.Optional(Refusal),
  /** Runs whose rows leave the table in the commit of this one. `batch`: digest; `id`: as users know it. */
  replaces: Type.Optional(Type.Array(Type.Object({ batch: Type.String(), id: Type.String(), run }))),
  /** Number of the ledger entry that holds this run's claims. */
  ledgerEntry: Type.Optional(Type.Integer({ minimum: 1 })),
  /** Milliseconds since 1970. */
  time: count,
});
export type Plan = Static<typeof Plan>;

const OutputFile = Type.Object({ key: Type.String(), rows: count, bytes: count });
const OutputDataFile = Type.Object({ ...OutputFile.properties, ...DataFileFacts.properties });

export const Receipt = Type.Object({
  ...common,
  index: count,
  records: RecordCounts,
  /** Files that could not be read, or changed. */
  files: Type.Object({ failed: count, skipped: count }),
  /** Those files. `range`: only a part of the file lay in this shard, so that others may have read the rest. */
  leftOut: Type.Optional(
    Type.Array(
      Type.Object({
        name: Type.String(),
        reason: Type.Enum(['FileChanged', 'UnreadableFile']),
        range: Type.Optional(Type.Boolean()),
      }),
    ),
  ),
  bytes: ByteCounts,
  inputs: Type.Array(
    Type.Object({
      name: Type.String(),
      records: RecordCounts,
      bytes: count,
      /** Of a range: as planned, and where its first record begins and its last one ends; those of a file meet. */
      range: Type.Optional(Type.Object({ start: count, end: count, from: count, to: count })),
    }),
  ),
  dataFiles: Type.Array(OutputDataFile),
  rejectFile: Type.Optional(OutputFile),
  errors: Type.Array(ErrorClass),
  /** There when the shard fails for a reason that lies in the data: trying again would find the same. */
  failure: Type.Optional(Refusal),
});
export type Receipt = Static<typeof Receipt>;

export const Decision = Type.Object({
  ...common,
  run,
  outcome: Type.Enum(['Committed', 'Failed', 'Aborted']),
  /** `Active` when committed, else a code of the error table. */
  reason: Type.String(),
  message: Type.String(),
  records: RecordCounts,
  files: FileCounts,
  bytes: ByteCounts,
  errors: Type.Array(ErrorClass),
  /** What the commit adds to the table; empty unless committed. */
  dataFiles: Type.Array(OutputDataFile),
  /** Keys of the files that leave the table in the same commit. All must be there then, else nothing is changed. */
  removeFiles: Type.Optional(Type.Array(Type.String())),
  /** The files that come hold the rows of those that leave, and no others: a compaction. */
  rewrites: Type.Optional(Type.Boolean()),
  rejectFiles: Type.Array(Type.String()),
  time: count,
});
export type Decision = Static<typeof Decision>;

/**
 * What the table says about a run, as value of its property; then, word for word, the marker `committed.json`.
 * `Reverted`: the value of `forebay.revert.<batch>.<run>`, then the marker `reverted.json`: the rows of the run left the
 * table, or, with a refusal, were to leave it and did not.
 */
export const Landing = Type.Object({
  version: Type.Literal(1),
  attempt: Type.String(),
  outcome: Type.Enum(['Committed', 'Failed', 'Aborted', 'Reverted']),
  /** There when the table did not take what was decided: FilesRewritten or FilesGone. */
  refusal: Type.Optional(Refusal),
  /** Of `Reverted`: the run that replaced this one, by the id that users know; absent when it was asked for. */
  by: Type.Optional(Type.Object({ id: Type.String(), run })),
  /** Of `Reverted`: who asked for it; such a request starts no run later. */
  request: Type.Optional(RunRequest),
  /** Absent when nothing was added to the table or taken out of it. */
  snapshotID: Type.Optional(Type.String()),
  time: count,
});
export type Landing = Static<typeof Landing>;
