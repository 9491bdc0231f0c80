/** The operator put together: caches, what reconcilers share, a controller for each kind. */
import { reconcileBatch } from './batch/reconcile.ts';
import { batchSources } from './batch/watches.ts';
import { createCaches } from './caches.ts';
import type { OperatorConfig } from './config.ts';
import { reconcileDataset } from './dataset/reconcile.ts';
import { datasetSources } from './dataset/watches.ts';
import {
  type Client,
  type Clock,
  type Controller,
  EventRecorder,
  type Logger,
  Manager,
  type Registry,
} from './runtime/index.ts';
import { reconcileConnection } from './sourceconnection/reconcile.ts';
import { connectionSources } from './sourceconnection/watches.ts';
import { reconcileInlet } from './streaminlet/reconcile.ts';
import { inletSources } from './streaminlet/watches.ts';
import type { OperatorContext } from './tasks/context.ts';
import { OwnWrites } from './tasks/own-writes.ts';
import { ProgressPoller } from './tasks/progress-poller.ts';
import { TableTotalsBoard } from './tasks/table-totals.ts';

export interface OperatorParts {
  readonly client: Client;
  readonly clock: Clock;
  readonly log: Logger;
  readonly metrics: Registry;
}

/** To be run. Nothing is started here. */
export function createOperator(config: OperatorConfig, parts: OperatorParts): Manager {
  const { client, clock, log } = parts;
  const { leaseNamespace: namespace, leaseName: name, identity, metricsHost: host, metricsPort: port } = config;
  const manager = new Manager({
    ...parts,
    health: { host, port },
    ...(config.leaderElection && { leader: { namespace, name, identity } }),
  });
  const caches = createCaches(manager, config);
  const events = new EventRecorder({
    client,
    clock,
    log,
    controller: 'ingest.forebay.dev/operator',
    instance: identity,
  });
  const progress = new ProgressPoller({ clock, pods: caches.pods, ...config });
  const totals = new TableTotalsBoard();
  const context: OperatorContext = {
    client,
    clock,
    config,
    caches,
    events,
    progress,
    totals,
    ownWrites: new OwnWrites(),
  };
  const controllers = addControllers(manager, context);
  progress.onReport((kind, key) => controllers[kind]?.enqueue(key));
  totals.onNews((key) => controllers.Dataset?.enqueue(key));
  manager.add(progress);
  manager.add({ name: 'events', run: (signal) => closeAtEnd(events, signal) });
  return manager;
}

function addControllers(manager: Manager, context: OperatorContext): Readonly<Record<string, Controller>> {
  const { caches, config } = context;
  const { workers } = config;
  return {
    Dataset: manager.controller({
      name: 'dataset',
      sources: datasetSources(caches),
      reconcile: reconcileDataset(context),
      workers,
    }),
    Batch: manager.controller({
      name: 'batch',
      sources: batchSources(caches),
      reconcile: reconcileBatch(context),
      workers,
    }),
    StreamInlet: manager.controller({
      name: 'streaminlet',
      sources: inletSources(caches),
      reconcile: reconcileInlet(context),
      workers,
    }),
    SourceConnection: manager.controller({
      name: 'sourceconnection',
      sources: connectionSources(caches),
      reconcile: reconcileConnection(context),
      workers,
    }),
  };
}

/** What is still to be told is told for this long. */
const lastWordsMilliseconds = 2_000;

async function closeAtEnd(events: EventRecorder, signal: AbortSignal): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  signal.addEventListener('abort', () => resolve(), { once: true });
  if (!signal.aborted) await promise;
  await events.close(AbortSignal.timeout(lastWordsMilliseconds));
}
