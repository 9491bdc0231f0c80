/** The operator's caches: of each kind one, over all namespaces or over those it works in. */
import { labelNames } from './api/names.ts';
import { batches, datasets, sourceConnections, streamInlets } from './api/resources.ts';
import type { OperatorConfig } from './config.ts';
import {
  controllerOf,
  deployments,
  type Informer,
  type InformerOptions,
  jobs,
  type KubeObject,
  type Manager,
  type ObjectKey,
  parseKey,
  podDisruptionBudgets,
  pods,
  type ResourceType,
  services,
} from './runtime/index.ts';
import type { Caches } from './tasks/context.ts';

export function createCaches(manager: Pick<Manager, 'informer'>, config: OperatorConfig): Caches {
  const ours = { labelSelector: `${labelNames.installation}=${config.installation}` };
  const owner = (object: KubeObject) => controllerOf(object)?.uid ?? [];
  const byOwner = { ...ours, indexes: { owner: (object: KubeObject) => [owner(object)].flat() } };
  const informer = <T extends KubeObject>(type: ResourceType<T>, options: InformerOptions<T>): Informer<T> =>
    overNamespaces(manager, type, options, config.namespaces);
  const dataset = ({ metadata, spec }: KubeObject & { spec: { datasetRef: { name: string } } }) => [
    `${metadata.namespace}/${spec.datasetRef.name}`,
  ];
  return {
    datasets: informer(datasets, {}),
    batches: informer(batches, {
      indexes: {
        dataset,
        connection: ({ metadata, spec }) =>
          spec.input?.connection === undefined ? [] : [`${metadata.namespace}/${spec.input.connection.name}`],
        owner: (batch) => [owner(batch)].flat(),
      },
    }),
    inlets: informer(streamInlets, { indexes: { dataset } }),
    connections: informer(sourceConnections, { indexes: { dataset } }),
    jobs: informer(jobs, byOwner),
    pods: informer(pods, { ...byOwner, indexes: { ...byOwner.indexes, inlet: inletOf } }),
    deployments: informer(deployments, byOwner),
    services: informer(services, byOwner),
    budgets: informer(podDisruptionBudgets, byOwner),
  };
}

/** `namespace/name` of the inlet a pod belongs to: its owner is a ReplicaSet, which is not cached. */
function inletOf({ metadata }: KubeObject): string[] {
  const { [labelNames.kind]: kind, [labelNames.name]: name } = metadata.labels ?? {};
  return kind === streamInlets.kind && name !== undefined ? [`${metadata.namespace}/${name}`] : [];
}

function overNamespaces<T extends KubeObject>(
  manager: Pick<Manager, 'informer'>,
  type: ResourceType<T>,
  options: InformerOptions<T>,
  namespaces: readonly string[],
): Informer<T> {
  if (namespaces.length === 0) return manager.informer(type, options);
  return joined(
    type,
    new Map(namespaces.map((namespace) => [namespace, manager.informer(type, { ...options, namespace })])),
  );
}

/** Several caches, each of a namespace, as one. */
export function joined<T extends KubeObject>(
  type: ResourceType<T>,
  informers: ReadonlyMap<string, Informer<T>>,
): Informer<T> {
  const all = [...informers.values()];
  return {
    type,
    synced: Promise.all(all.map(({ synced }) => synced)).then(() => {}),
    get hasSynced() {
      return all.every(({ hasSynced }) => hasSynced);
    },
    store: {
      get: (key: ObjectKey | string) => {
        const { namespace = '' } = typeof key === 'string' ? parseKey(key) : key;
        return informers.get(namespace)?.store.get(key);
      },
      list: () => all.flatMap(({ store }) => store.list()),
      byIndex: (index, value) => all.flatMap(({ store }) => store.byIndex(index, value)),
      get size() {
        return all.reduce((sum, { store }) => sum + store.size, 0);
      },
      subscribe: (listener) => {
        const unsubscribe = all.map(({ store }) => store.subscribe(listener));
        return () => {
          for (const end of unsubscribe) end();
        };
      },
    },
  };
}
