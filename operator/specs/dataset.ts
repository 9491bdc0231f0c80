/** Tasks of a Dataset. */
import type { V1VolumeProjection } from '@kubernetes/client-node';
import {
  type DatasetTarget,
  documentVersion,
  type MaintainTask,
  type PartitionField,
  type PrepareTask,
  type PurgeTask,
  type RestCatalog,
  type TableSettings,
} from '../../ingestor/contract/task.ts';
import type { Dataset, DatasetSpecTableCatalogRest, DatasetSpecTablePartitionBy } from '../api/types.gen.ts';
import type { Wire } from '../runtime/objects.ts';
import { mountCatalog, mountPlace } from './place.ts';
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
  const target = { owner: { installation, namespace, name }, storage: { s3: location } };
  const rest = dataset.spec.table.catalog?.rest;
  if (rest === undefined) return { target, projections };
  const catalog = { rest: { ...restCatalog(dataset, rest), ...mountCatalog(rest).files } };
  return { target: { ...target, catalog }, projections: [...projections, ...mountCatalog(rest).projections] };
}

function restCatalog({ metadata }: Dataset, rest: DatasetSpecTableCatalogRest): RestCatalog {
  const { uri, warehouse, namespace = [metadata.namespace], table = metadata.name, oauth2ServerURI, scope } = rest;
  return {
    uri,
    ...(warehouse !== undefined && { warehouse }),
    namespace,
    table,
    ...(oauth2ServerURI !== undefined && { oauth2ServerURI }),
    ...(scope !== undefined && { scope }),
  };
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

export function maintainTask(place: DatasetPlace, { spec: { retention } }: Dataset): TaskPlan {
  const document: MaintainTask = { version: documentVersion, verb: 'maintain', dataset: place.target, retention };
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
    ...(table.partitionBy && { partitionBy: table.partitionBy.map(partitionField) }),
    ...(table.sortBy && { sortBy: table.sortBy }),
  };
}

function partitionField({ field, transform, buckets, width }: DatasetSpecTablePartitionBy): PartitionField {
  const parameter = buckets ?? width;
  return { field, transform, ...(parameter !== undefined && { parameter }) };
}
