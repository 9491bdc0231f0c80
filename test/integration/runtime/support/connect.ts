/** The runtime's client on the cluster's API server, and a kind of the tests' own. */
import { KubeConfig } from '@kubernetes/client-node';
import {
  type ApiObject,
  Client,
  type Clock,
  type Connection,
  connectionFrom,
  type KubeObject,
  type ResourceType,
  systemClock,
} from '../../../../operator/runtime/index.ts';
import { eventually, kubeconfig } from '../../../support/cluster.ts';

export const clock: Clock = systemClock();

export function clusterConfig(): KubeConfig {
  const config = new KubeConfig();
  config.loadFromFile(kubeconfig);
  return config;
}

export function clusterConnection(): Connection {
  return connectionFrom(clusterConfig(), clock);
}

export function clusterClient(fieldManager = 'tester', connection = clusterConnection()): Client {
  return new Client({ connection, clock, fieldManager });
}

export interface Thing extends KubeObject {
  spec?: { colour?: string; size?: number };
  status?: { phase?: string; count?: number; seen?: string };
}

export interface ThingKind {
  readonly type: ResourceType<Thing>;
  remove(): Promise<void>;
}

type CustomResourceDefinition = ApiObject<{ spec: object }>;

const definitions: ResourceType<CustomResourceDefinition> = {
  group: 'apiextensions.k8s.io',
  version: 'v1',
  plural: 'customresourcedefinitions',
  kind: 'CustomResourceDefinition',
  namespaced: false,
};

/** A kind with a status, in a group that no other test uses. */
export async function makeThingKind(client: Client): Promise<ThingKind> {
  const group = `t${Math.random().toString(36).slice(2, 8)}.runtime.test`;
  const type: ResourceType<Thing> = { group, version: 'v1', plural: 'things', kind: 'Thing', namespaced: true };
  const signal = AbortSignal.timeout(30_000);
  const name = `things.${group}`;
  await client.create(definitions, { metadata: { name }, spec: definitionOf(type) }, { signal });
  await eventually(`${name} is served`, async () => await client.list(type, { signal }));
  return {
    type,
    remove: async () => {
      await client.delete(definitions, { name }, { signal: AbortSignal.timeout(30_000) });
    },
  };
}

function definitionOf({ group, version, plural, kind }: ResourceType): object {
  const colour = { type: 'string', enum: ['red', 'blue', 'green'] };
  const spec = { type: 'object', properties: { colour, size: { type: 'integer' } } };
  const seen = { type: 'string', format: 'date-time' };
  const status = { type: 'object', properties: { phase: { type: 'string' }, count: { type: 'integer' }, seen } };
  const schema = { openAPIV3Schema: { type: 'object', properties: { spec, status } } };
  return {
    group,
    scope: 'Namespaced',
    names: { plural, singular: 'thing', kind, listKind: 'ThingList' },
    versions: [{ name: version, served: true, storage: true, schema, subresources: { status: {} } }],
  };
}

/** The way to an API server, on which the paths of watches can be changed. */
export function rewriting(
  real: Connection,
  rewrite: (path: string) => string,
): { connection: Connection; watches: string[] } {
  const watches: string[] = [];
  const connection: Connection = {
    ...real,
    authorise: async (renew) => {
      const { headers, dispatcher } = await real.authorise(renew);
      if (dispatcher === undefined) throw new Error('the cluster is reached over TLS');
      const rewritten = dispatcher.compose((dispatch) => (options, handler) => {
        if (!options.path.includes('watch=true')) return dispatch(options, handler);
        watches.push(options.path);
        return dispatch({ ...options, path: rewrite(options.path) }, handler);
      });
      return { headers, dispatcher: rewritten };
    },
  };
  return { connection, watches };
}
