/** Tasks of a Dataset. */
import type { V1VolumeProjection } from '@kubernetes/client-node';
import {
  type DatasetTarget,
  documentVersion,
  type MaintainTask,
  type PrepareTask,
  type PurgeTask,
  type TableSettings,
} from '../../ingestor/contract/task.ts';
import type { Dataset } from '../api/types.gen.ts';
import type { Wire } from '../runtime/objects.ts';
import { mountPlace } from './place.ts';
import type { TaskPlan } from './task.ts';

/** A Dataset as its tasks see it. */
export interface DatasetPlace {
  readonly target: DatasetTarget;
  readonly projections: readonly Wire<V1VolumeProjection>[];
}

export function datasetPlace(dataset: Dataset, installation: string): DatasetPlace {
  const { s3 } = dataset.spec.storage;
  if (s3 === undefined) throw new TypeError('storage has no member that this version knows');
  const { location, projections } = mountPlace(s3, 'dataset');
  const { namespace, name } = dataset.metadata;
  return { target: { owner: { installation, namespace, name }, storage: { s3: location } }, projections };
}

/** `schema`: JSON Schema as text. */
export function prepareDocument(target: DatasetTarget, dataset: Dataset, schema: string): PrepareTask {
  const { behavior } = dataset.spec.schema;
  return {
    version: documentVersion,
    verb: 'prepare',
    dataset: target,
    schema,
    behavior,
    table: tableSettings(dataset),
  };
}

export function prepareTask(place: DatasetPlace, dataset: Dataset, schema: string): TaskPlan {
  return { document: prepareDocument(place.target, dataset, schema), projections: place.projections };
}

export function maintainTask(place: DatasetPlace): TaskPlan {
  const document: MaintainTask = { version: documentVersion, verb: 'maintain', dataset: place.target };
  return { document, projections: place.projections };
}

export function purgeTask(place: DatasetPlace): TaskPlan {
  const document: PurgeTask = { version: documentVersion, verb: 'purge', dataset: place.target };
  return { document, projections: place.projections };
}

const mebibyte = 2 ** 20;

function tableSettings({ spec: { table } }: Dataset): TableSettings {
  return {
    format: table.format,
    compression: table.compression,
    targetFileSizeBytes: table.targetFileSizeMiB * mebibyte,
  };
}
