/** Tasks of a Batch: what it reads, from its own spec or through a SourceConnection, and what is asked of each pod. */
import type { V1VolumeProjection } from '@kubernetes/client-node';
import {
  type BatchInput,
  type BatchRequest,
  type DatasetTarget,
  documentVersion,
  type FinishTask,
  type Format as FormatSettings,
  type PlanTask,
  type ReadSettings,
  type ShardTask,
} from '../../ingestor/contract/task.ts';
import { batchID } from '../api/names.ts';
import { type Batch, csvFormatDefaults, type Format, type SourceConnection } from '../api/types.gen.ts';
import type { Wire } from '../runtime/objects.ts';
import { digestOf } from './canonical.ts';
import { connectionPlace } from './connection.ts';
import type { DatasetPlace } from './dataset.ts';
import { mountPlace } from './place.ts';
import type { TaskPlan } from './task.ts';

/** What a batch reads and how, with references followed. */
export interface ResolvedInput {
  readonly input: BatchInput;
  readonly read: ReadSettings;
  readonly ledger?: { readonly source: string };
  readonly projections: readonly Wire<V1VolumeProjection>[];
}

/** `connection`: the one that `input.connection` names. */
export function resolveInput(batch: Batch, connection: SourceConnection | undefined): ResolvedInput {
  const { s3, inline, connection: through } = batch.spec.input;
  if (s3 !== undefined) {
    const { location, projections } = mountPlace(s3, 'input');
    const { keys, glob, minAgeSeconds } = s3;
    const selection = keys === undefined ? selectBy(glob, minAgeSeconds) : { keys };
    return { input: { files: { location: { s3: location }, selection } }, read: readSettings(batch), projections };
  }
  if (inline !== undefined)
    return { input: { inline: { data: inline.data } }, read: readSettings(batch), projections: [] };
  if (through === undefined || connection === undefined) throw new TypeError('the input names nothing that is known');
  return resolveConnection(batch, connection, through.paths);
}

/** What the selection finds, or the paths named; of these, what the ledger does not know yet. */
function resolveConnection(
  batch: Batch,
  connection: SourceConnection,
  paths: readonly string[] | undefined,
): ResolvedInput {
  const { location, source, projections } = connectionPlace(connection);
  const files = connection.spec.selection?.files;
  const selection = paths === undefined ? selectBy(files?.glob, files?.minAgeSeconds) : { keys: [...paths] };
  return {
    input: { files: { location: { s3: location }, selection } },
    read: readSettings(batch, connection),
    ledger: { source },
    projections,
  };
}

function selectBy(glob: string | undefined, minAgeSeconds: number | undefined) {
  return { ...(glob !== undefined && { glob }), ...(minAgeSeconds !== undefined && { minAgeSeconds }) };
}

/** What the batch says counts; a batch that says no format takes the connection's way of reading. */
function readSettings(batch: Batch, connection?: SourceConnection): ReadSettings {
  const { format = connection?.spec.format, mapping = connection?.spec.mapping, maxRecordBytes } = batch.spec;
  if (format === undefined) throw new TypeError('the batch has no format');
  const { compression } = batch.spec.format === undefined && connection !== undefined ? connection.spec : batch.spec;
  return { format: formatSettings(format), compression, mapping: mapping ?? [], maxRecordBytes };
}

function formatSettings({ type, csv }: Format): FormatSettings {
  return type === 'CSV' ? { type, csv: csv ?? csvFormatDefaults } : { type };
}

/** `token`: see api.md on requests; empty for the first attempt. */
export function batchRequest(batch: Batch, resolved: ResolvedInput, token: string): BatchRequest {
  return {
    batch: batchID(batch),
    requestToken: token,
    requestDigest: requestDigest(batch),
    input: resolved.input,
    read: resolved.read,
    maxFailed: batch.spec.errorPolicy.maxFailed,
    shardBytes: batch.spec.shardSizeMiB * 2 ** 20,
    ...(resolved.ledger && { ledger: resolved.ledger }),
  };
}

/**
 * What is asked for, as the spec says it: a committed batch asked for with another digest is refused. No listing, no
 * credentials, nothing that changes the speed alone; of a connection its name, since its spec may change later.
 */
export function requestDigest({ spec }: Batch): string {
  const { input, format, compression, mapping, errorPolicy, maxRecordBytes } = spec;
  const { bucket, prefix, endpoint, keys, glob, minAgeSeconds } = input.s3 ?? {};
  const { connection, inline } = input;
  const s3 = input.s3 && { bucket, prefix, endpoint, keys, glob, minAgeSeconds };
  return digestOf({ input: { s3, connection, inline }, format, compression, mapping, errorPolicy, maxRecordBytes });
}

/** What an attempt was made for: editing it in a failed batch is a new attempt. Credentials and podTemplate count. */
export function attemptDigest({ spec }: Batch): string {
  const { parallelism: _, suspend: __, ttlSecondsAfterFinished: ___, ...attempted } = spec;
  return digestOf(attempted);
}

export function planDocument(target: DatasetTarget, request: BatchRequest): PlanTask {
  return { version: documentVersion, verb: 'plan', dataset: target, request };
}

export function planTask(place: DatasetPlace, batch: Batch, resolved: ResolvedInput, token: string): TaskPlan {
  const document = planDocument(place.target, batchRequest(batch, resolved, token));
  return { document, projections: [...place.projections, ...resolved.projections] };
}

/** `input`: as it was planned, whatever a connection says by now. */
export function shardTask(
  place: DatasetPlace,
  batch: Batch,
  run: number,
  input: BatchInput,
  resolved: ResolvedInput,
): TaskPlan {
  const document: ShardTask = {
    version: documentVersion,
    verb: 'shard',
    dataset: place.target,
    batch: batchID(batch),
    run,
    input,
  };
  return { document, projections: [...place.projections, ...resolved.projections] };
}

/** Why a batch is given up: with it the run ends also where shards are missing. */
export interface Abort {
  readonly reason: string;
  readonly message: string;
  /** Of the attempt: finds its run when the planning pod could not tell its number. */
  readonly token: string;
}

export function finishTask(place: DatasetPlace, batch: Batch, run: number, abort: Abort | undefined): TaskPlan {
  const document: FinishTask = {
    version: documentVersion,
    verb: 'finish',
    dataset: place.target,
    batch: batchID(batch),
    run,
    ...(abort && {
      abort: { reason: abort.reason, message: abort.message },
      request: { token: abort.token, digest: requestDigest(batch) },
    }),
  };
  return { document, projections: place.projections };
}
