/** What reconcilers are given; they reach for nothing else. */
import type { Batch, Dataset, SourceConnection, StreamInlet } from '../api/types.gen.ts';
import type { OperatorConfig } from '../config.ts';
import type {
  Client,
  Clock,
  Deployment,
  EventRecorder,
  Informer,
  Job,
  Pod,
  PodDisruptionBudget,
  Service,
} from '../runtime/index.ts';
import type { OwnWrites } from './own-writes.ts';
import type { ProgressPoller } from './progress-poller.ts';
import type { TableTotalsBoard } from './table-totals.ts';

/** Objects as the API server last told of them: read-only, maybe a moment old. */
export interface Caches {
  readonly datasets: Informer<Dataset>;
  readonly batches: Informer<Batch>;
  readonly inlets: Informer<StreamInlet>;
  readonly connections: Informer<SourceConnection>;
  /** Of this installation, as all below. */
  readonly jobs: Informer<Job>;
  readonly pods: Informer<Pod>;
  readonly deployments: Informer<Deployment>;
  readonly services: Informer<Service>;
  readonly budgets: Informer<PodDisruptionBudget>;
}

export interface OperatorContext {
  readonly client: Client;
  readonly clock: Clock;
  readonly config: OperatorConfig;
  readonly caches: Caches;
  readonly events: Pick<EventRecorder, 'record'>;
  readonly progress: ProgressPoller;
  readonly totals: TableTotalsBoard;
  readonly ownWrites: OwnWrites;
}
