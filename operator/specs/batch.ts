/** Tasks of a Batch: what it reads, from its own spec or through a SourceConnection, and what is asked of each pod. */
import type { V1VolumeProjection } from '@kubernetes/client-node';
import {
  type BatchInput,
  type BatchRequest,
  type DatasetTarget,
  type DecompressionLimits,
  decompressionDefaults,
  documentVersion,
  type FinishTask,
  type Format as FormatSettings,
  type PlanTask,
  type ReadSettings,
  type ShardTask,
} from '../../ingestor/contract/task.ts';
import { batchID, parseBatchID } from '../api/names.ts';
import {
  type Batch,
  type BatchSpecDecompression,
  csvFormatDefaults,
  type Format,
  type SourceConnection,
} from '../api/types.gen.ts';
import type { Wire } from '../runtime/objects.ts';
import { digestOf } from './canonical.ts';
import { connectionPlace } from './connection.ts';
import type { DatasetPlace } from './dataset.ts';
import { mountPlace } from './place.ts';
import type { TaskPlan } from './task.ts';

/** What a batch reads and how, with references followed. */
export interface ResolvedInput {
  /** Absent in a batch that only takes rows out. */
  readonly input?: BatchInput;
  readonly read: ReadSettings;
  readonly ledger?: { readonly source: string };
  readonly projections: readonly Wire<V1VolumeProjection>[];
}

/** `connection`: the one that `input.connection` names. */
export function resolveInput(batch: Batch, connection: SourceConnection | undefined): ResolvedInput {
  if (batch.spec.input === undefined) return { read: readSettings(batch), projections: [] };
  const { s3, inline, connection: through, rejects } = batch.spec.input;
  if (s3 !== undefined) {
    const { location, projections } = mountPlace(s3, 'input');
    const { keys, glob, minAgeSeconds } = s3;
    const selection = keys === undefined ? selectBy(glob, minAgeSeconds) : { keys };
    return { input: { files: { location: { s3: location }, selection } }, read: readSettings(batch), projections };
  }
  if (inline !== undefined)
    return { input: { inline: { data: inline.data } }, read: readSettings(batch), projections: [] };
  if (rejects !== undefined) {
    const input = { rejects: { batch: parseBatchID(rejects.batchID) } };
    return { input, read: readSettings(batch), projections: [] };
  }
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

/**
 * What the batch says counts; a batch that says no format takes the connection's way of reading. One without input reads
 * nothing, whatever the format.
 */
function readSettings(batch: Batch, connection?: SourceConnection): ReadSettings {
  const { mapping = connection?.spec.mapping, maxRecordBytes } = batch.spec;
  const { format = connection?.spec.format ?? { type: 'JSONLines' } } = batch.spec;
  const { compression } = batch.spec.format === undefined && connection !== undefined ? connection.spec : batch.spec;
  const decompression = batch.spec.decompression && decompressionLimits(batch.spec.decompression);
  return {
    format: formatSettings(format),
    compression,
    ...(decompression && { decompression }),
    mapping: mapping ?? [],
    maxRecordBytes,
  };
}

function formatSettings({ type, csv }: Format): FormatSettings {
  return type === 'CSV' ? { type, csv: csv ?? csvFormatDefaults } : { type };
}

function decompressionLimits({ maxRatio, maxSizeGiB }: BatchSpecDecompression): DecompressionLimits {
  return {
    maxRatio: maxRatio ?? decompressionDefaults.maxRatio,
    maxBytes: maxSizeGiB === undefined ? decompressionDefaults.maxBytes : maxSizeGiB * 2 ** 30,
  };
}

/** `token`: see api.md on requests; empty for the first attempt. */
export function batchRequest(batch: Batch, resolved: ResolvedInput, token: string): BatchRequest {
  const order = requestOrder(batch);
  return {
    batch: batchID(batch),
    requestToken: token,
    requestDigest: requestDigest(batch),
    ...(order && { requestOrder: order }),
    ...(resolved.input && { input: resolved.input }),
    read: resolved.read,
    maxFailed: batch.spec.errorPolicy.maxFailed,
    shardBytes: batch.spec.shardSizeMiB * 2 ** 20,
    ...(batch.spec.replaces && { replaces: batch.spec.replaces.map(parseBatchID) }),
    ...(batch.spec.validateOnly && { validateOnly: true }),
    ...(resolved.ledger && { ledger: resolved.ledger }),
  };
}

/**
 * Attempts of one resource are numbered, and a resource that is made again is younger. Undefined for one that was never
 * on a cluster.
 */
function requestOrder({ metadata: { creationTimestamp }, status }: Batch): string | undefined {
  return creationTimestamp && `${creationTimestamp}/${String(status?.attempts ?? 1).padStart(9, '0')}`;
}

/**
 * What is asked for, as the spec says it: a committed batch asked for with another digest is refused. No listing, no
 * credentials, nothing that changes the speed alone; of a connection its name, since its spec may change later.
 */
export function requestDigest({ spec }: Batch): string {
  const { format, compression, decompression, mapping, errorPolicy, maxRecordBytes, replaces } = spec;
  const { bucket, prefix, endpoint, keys, glob, minAgeSeconds } = spec.input?.s3 ?? {};
  const { connection, inline, rejects } = spec.input ?? {};
  const s3 = spec.input?.s3 && { bucket, prefix, endpoint, keys, glob, minAgeSeconds };
  const input = { s3, connection, inline, rejects };
  const validateOnly = spec.validateOnly || undefined;
  return digestOf({
    input,
    format,
    compression,
    decompression,
    mapping,
    errorPolicy,
    maxRecordBytes,
    replaces,
    validateOnly,
  });
}

/**
 * What an attempt was made for: editing it in a batch that ended without rows is a new attempt. Credentials and
 * podTemplate count. Fields that came with later versions count only where they say something, so that an upgrade
 * starts no attempt.
 */
export function attemptDigest({ spec }: Batch): string {
  const { parallelism: _, suspend: __, ttlSecondsAfterFinished: ___, desiredState: ____, ...attempted } = spec;
  return digestOf({ ...attempted, validateOnly: spec.validateOnly || undefined });
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
  input: BatchInput | undefined,
  resolved: ResolvedInput,
): TaskPlan {
  const document: ShardTask = {
    version: documentVersion,
    verb: 'shard',
    dataset: place.target,
    batch: batchID(batch),
    run,
    ...(input && { input }),
  };
  return { document, projections: [...place.projections, ...resolved.projections] };
}

/** Why a batch is given up: with it the run ends also where shards are missing. */
export interface Abort {
  readonly reason: string;
  readonly message: string;
  /** Of the attempt: finds its run when the planning pod could not tell its number. */
  readonly token: string;
  /** Takes the rows out where they are in already. */
  readonly revert?: boolean;
}

export function finishTask(place: DatasetPlace, batch: Batch, run: number, abort: Abort | undefined): TaskPlan {
  const order = requestOrder(batch);
  const document: FinishTask = {
    version: documentVersion,
    verb: 'finish',
    dataset: place.target,
    batch: batchID(batch),
    run,
    ...(abort && {
      abort: { reason: abort.reason, message: abort.message },
      request: { token: abort.token, digest: requestDigest(batch), ...(order && { order }) },
      ...(abort.revert && { revert: true }),
    }),
  };
  return { document, projections: place.projections };
}
