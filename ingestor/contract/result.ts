/**
 * The result document: what a task reports, as the container's termination message (at most 4,096 bytes) and, in the
 * CLI, as a value. It is a report, never the proof: the bucket is. A task that is run again reports the same.
 */
import { type Static, Type } from 'typebox';
import { ByteCounts, cutErrorClasses, ErrorClass, FileCounts, RecordCounts } from './counts.ts';
import { documentVersion } from './task.ts';

/** The kubelet cuts a termination message at this many bytes. */
export const maxResultBytes = 4096;

const time = Type.String({ description: 'RFC 3339, UTC' });
const count = Type.Integer({ minimum: 0 });

/** A batch that ended, by its id as users know it. */
const BatchMark = Type.Object({ id: Type.String(), time });

/** The table as its newest version says; running totals over all that was committed, so status takes the highest `sequence`. */
export const TableTotals = Type.Object({
  location: Type.String(),
  format: Type.String(),
  /** Version number of the table's metadata; rises with every commit. */
  sequence: count,
  snapshotID: Type.Optional(Type.String()),
  records: count,
  files: count,
  sizeBytes: count,
  lastCommitTime: Type.Optional(time),
  ingested: count,
  failed: count,
  batches: Type.Object({ succeeded: count, failed: count }),
  lastBatch: Type.Optional(BatchMark),
  lastFailedBatch: Type.Optional(BatchMark),
});
export type TableTotals = Static<typeof TableTotals>;

/** How a batch ended, or ends again when asked twice. */
export const BatchOutcome = Type.Object({
  /** The id of the batch as users know it. */
  batchID: Type.String(),
  run: Type.Integer({ minimum: 1 }),
  /** `Reverted`: it was committed, and its rows were taken out again. */
  outcome: Type.Enum(['Committed', 'Failed', 'Aborted', 'Reverted']),
  /** `Active` when committed, else an error code. */
  reason: Type.String(),
  message: Type.String(),
  snapshotID: Type.Optional(Type.String()),
  records: RecordCounts,
  files: FileCounts,
  bytes: ByteCounts,
  errors: Type.Array(ErrorClass),
  /** Folder of the reject files. */
  diagnostics: Type.Optional(Type.String()),
  plan: Type.Object({ digest: Type.String(), shards: count }),
  completionTime: time,
});
export type BatchOutcome = Static<typeof BatchOutcome>;

/** `exitCode` follows from the code: see errors.ts. */
const Failure = Type.Object({ code: Type.String(), message: Type.String() });

const common = { version: Type.Literal(documentVersion) };

export const PrepareResult = Type.Object({
  ...common,
  verb: Type.Literal('prepare'),
  /** The schema in force; an incompatible new one is told in `refused` and the earlier stays. */
  schema: Type.Object({ digest: Type.String(), fields: count }),
  refused: Type.Optional(Failure),
  table: TableTotals,
});
export type PrepareResult = Static<typeof PrepareResult>;

export const PlanResult = Type.Object({
  ...common,
  verb: Type.Literal('plan'),
  batchID: Type.String(),
  run: Type.Integer({ minimum: 1 }),
  plan: Type.Object({ digest: Type.String(), shards: count }),
  files: count,
  bytes: count,
  /** There when the plan fitted one shard and was run and finished in the same pod, or had been finished before. */
  batch: Type.Optional(BatchOutcome),
  table: Type.Optional(TableTotals),
});
export type PlanResult = Static<typeof PlanResult>;

export const ShardResult = Type.Object({
  ...common,
  verb: Type.Literal('shard'),
  index: count,
  records: RecordCounts,
  bytes: ByteCounts,
});
export type ShardResult = Static<typeof ShardResult>;

export const FinishResult = Type.Object({
  ...common,
  verb: Type.Literal('finish'),
  batch: BatchOutcome,
  table: Type.Optional(TableTotals),
});
export type FinishResult = Static<typeof FinishResult>;

export const MaintainResult = Type.Object({
  ...common,
  verb: Type.Literal('maintain'),
  table: TableTotals,
  /**
   * What it did, by kind of work; what was not done is 0 or absent. Runs: `finishedRuns`, `abandonedRuns`. Inlets:
   * `strandedSegments`. Table: `expiredFiles` (left, their rows are past retention), `compactedFiles` (left, their rows are
   * in `compactedInto` others), `unreadableFiles` (were to be compacted and cannot be read), `expiredSnapshots`. Bucket:
   * `deletedObjects` of all kinds, `emptiedVersions`, `foldedEntries` of the ledger, `abandonedUploads`.
   */
  did: Type.Record(Type.String(), count),
});
export type MaintainResult = Static<typeof MaintainResult>;

export const CheckResult = Type.Object({
  ...common,
  verb: Type.Literal('check'),
  /** Of the first page of the listing. */
  matchingFiles: count,
  more: Type.Boolean(),
});
export type CheckResult = Static<typeof CheckResult>;

export const PurgeResult = Type.Object({ ...common, verb: Type.Literal('purge'), deletedObjects: count });
export type PurgeResult = Static<typeof PurgeResult>;

/** A task that could not do its work. */
export const FailedResult = Type.Object({ ...common, verb: Type.String(), error: Failure });
export type FailedResult = Static<typeof FailedResult>;

export const Result = Type.Union([
  FailedResult,
  PrepareResult,
  PlanResult,
  ShardResult,
  FinishResult,
  MaintainResult,
  CheckResult,
  PurgeResult,
]);
export type Result = Static<typeof Result>;

/** Compact JSON of at most `most` bytes: error classes are cut until it fits, counts never. */
export function encodeResult(result: Result, most = maxResultBytes): string {
  for (let classes = 20; classes >= 1; classes -= 1) {
    const text = JSON.stringify(cutClasses(result, classes));
    if (Buffer.byteLength(text) <= most) return text;
  }
  throw new Error(`a result of verb ${result.verb} does not fit ${most} bytes`);
}

function cutClasses(result: Result, most: number): Result {
  if (!('batch' in result) || !result.batch) return result;
  return { ...result, batch: { ...result.batch, errors: cutErrorClasses(result.batch.errors, most) } };
}
