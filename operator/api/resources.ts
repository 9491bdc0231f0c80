/** The four kinds as resources of the API. */
import type { ResourceType } from '../runtime/objects.ts';
import { group } from './names.ts';
import {
  apiVersion,
  type Batch,
  type Dataset,
  type Kind,
  kinds,
  type SourceConnection,
  type StreamInlet,
} from './types.gen.ts';

const version = apiVersion.slice(group.length + 1);

function resource(kind: Kind) {
  return { group, version, plural: kinds[kind].plural, kind, namespaced: true };
}

export const datasets: ResourceType<Dataset> = resource('Dataset');
export const batches: ResourceType<Batch> = resource('Batch');
export const streamInlets: ResourceType<StreamInlet> = resource('StreamInlet');
export const sourceConnections: ResourceType<SourceConnection> = resource('SourceConnection');
