/** Names that resources, children, labels and the bucket agree on. All of them are pure functions of the resource. */
import { createHash } from 'node:crypto';
import type { BatchID } from '../../ingestor/contract/task.ts';
import type { Batch, Dataset, SourceConnection, StreamInlet } from './types.gen.ts';

export const group = 'ingest.forebay.dev';

export type Resource = Dataset | Batch | StreamInlet | SourceConnection;

/** On everything the operator makes; pods, Jobs and Deployments are found by them. */
export const labelNames = {
  installation: `${group}/installation`,
  kind: `${group}/kind`,
  name: `${group}/name`,
  verb: `${group}/verb`,
  /** On the Batches of a SourceConnection: its name. */
  source: `${group}/source`,
} as const;

export const annotationNames = {
  /** Set by people: a new value asks for a check, another attempt or a run. */
  requestedAt: `${group}/requestedAt`,
  /** On Jobs: which attempt of the resource they work for, and how many Jobs of it came before. */
  attempt: `${group}/attempt`,
  retry: `${group}/retry`,
  /** On Jobs: the operator suspended it, and so may resume it (another may be Kueue's). */
  suspended: `${group}/suspended`,
  /** On the Batches of a SourceConnection: the slot, or when the request was seen. */
  scheduledTime: `${group}/scheduledTime`,
  crdVersion: `${group}/crd-version`,
} as const;

/** Holds a Dataset with deletionPolicy Delete until its data is gone. */
export const purgeFinalizer = `${group}/purge`;

/** Field manager of everything that is applied. */
export const fieldManager = 'forebay';

/** The value of the request annotation, when there is one. */
export function requestOf(resource: Resource): string | undefined {
  return resource.metadata.annotations?.[annotationNames.requestedAt];
}

/**
 * `<name cut to 40>-<verb>-<hash>`, at most 60 characters: a Job adds an index and five characters for its pods. The
 * hash is over what the child is for, not how it is made, so that an upgrade starts no twins.
 */
export function childName(resource: Resource, verb: string, attempt: string): string {
  const { name, uid } = resource.metadata;
  const cut = name.slice(0, 40).replace(/-+$/, '');
  return `${cut}-${verb}-${shortHash([uid, verb, attempt], 10)}`;
}

/** The batch as the bucket knows it; outlives the resource. */
export function batchID(batch: Batch): BatchID {
  const { externalID } = batch.spec;
  if (externalID !== undefined) return { kind: 'external', id: externalID };
  return { kind: 'resource', id: `${batch.metadata.namespace}/${batch.metadata.name}` };
}

/** As people write the ID of a batch: with a slash it is namespace/name, without one an externalID. */
export function parseBatchID(id: string): BatchID {
  return { kind: id.includes('/') ? 'resource' : 'external', id };
}

/** SHA-256 of namespace/name: part of a URL, and no secret. */
export function inletID(namespace: string, name: string): string {
  return createHash('sha256').update(`${namespace}/${name}`).digest('hex');
}

/** The run of a slot: made twice, it is one. */
export function slotRunName(connection: string, slot: Date): string {
  return `${connection}-${Math.floor(slot.getTime() / 60_000)}`;
}

/** The run of a request: made twice, it is one. A connection's name has at most 52 characters. */
export function requestRunName(connection: string, request: string): string {
  return `${connection}-r${shortHash([request], 8)}`;
}

function shortHash(parts: readonly string[], digits: number): string {
  return createHash('sha256').update(JSON.stringify(parts)).digest('hex').slice(0, digits);
}
