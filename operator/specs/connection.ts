/** What a SourceConnection makes: its check, and its runs, which are Batches. */
import type { V1VolumeProjection } from '@kubernetes/client-node';
import { type CheckTask, documentVersion, type S3Location } from '../../ingestor/contract/task.ts';
import { annotationNames, labelNames } from '../api/names.ts';
import { apiVersion, type BatchSpec, type SourceConnection } from '../api/types.gen.ts';
import type { KubeObject, Wire } from '../runtime/objects.ts';
import { describePlace, mountPlace } from './place.ts';
import { ownedBy, type TaskPlan } from './task.ts';

export interface ConnectionPlace {
  readonly location: S3Location;
  /** Names the place in the ledger of files that were ingested: no credentials. */
  readonly source: string;
  readonly projections: readonly Wire<V1VolumeProjection>[];
}

/** The folder that the selection is about. */
export function connectionPlace({ spec }: SourceConnection): ConnectionPlace {
  const { s3 } = spec.source;
  if (s3 === undefined) throw new TypeError('source has no member that this version knows');
  const prefix = [s3.prefix, spec.selection?.files?.path ?? ''].filter((part) => part !== '').join('/');
  return { ...mountPlace(s3, 'input', prefix), source: describePlace({ ...s3, prefix }) };
}

export function sourceType({ spec }: SourceConnection): string {
  return Object.keys(spec.source)[0] ?? '';
}

export function checkDocument(connection: SourceConnection, location: S3Location): CheckTask {
  const { glob, minAgeSeconds } = connection.spec.selection?.files ?? {};
  return {
    version: documentVersion,
    verb: 'check',
    location: { s3: location },
    selection: { ...(glob !== undefined && { glob }), ...(minAgeSeconds !== undefined && { minAgeSeconds }) },
  };
}

export function checkTask(connection: SourceConnection): TaskPlan {
  const { location, projections } = connectionPlace(connection);
  return { document: checkDocument(connection, location), projections };
}

/** A Batch that is still to be stored: the API server adds what is absent. */
export interface NewBatch extends KubeObject {
  readonly kind: 'Batch';
  readonly spec: Pick<BatchSpec, 'datasetRef' | 'input'> & Partial<BatchSpec>;
}

/**
 * A run. How it reads is the connection's business when it starts; what limits it is fixed here, so that an edit of the
 * connection changes no run that has begun. Its owner takes it along when it is deleted; the data stays.
 */
export function runBatch(
  connection: SourceConnection,
  name: string,
  scheduledTime: string,
  installation: string,
): NewBatch {
  const { datasetRef, decompression, errorPolicy, maxRecordBytes, shardSizeMiB, parallelism, podTemplate } =
    connection.spec;
  return {
    apiVersion,
    kind: 'Batch',
    metadata: {
      name,
      namespace: connection.metadata.namespace,
      labels: {
        'app.kubernetes.io/managed-by': 'forebay',
        [labelNames.installation]: installation,
        [labelNames.source]: connection.metadata.name,
      },
      annotations: { [annotationNames.scheduledTime]: scheduledTime },
      ownerReferences: [ownedBy(connection)],
    },
    spec: {
      datasetRef,
      input: { connection: { name: connection.metadata.name } },
      ...(decompression && { decompression }),
      errorPolicy,
      maxRecordBytes,
      shardSizeMiB,
      parallelism,
      ...(podTemplate && { podTemplate }),
    },
  };
}
