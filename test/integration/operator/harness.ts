/**
 * The operator in process on the real API server with the real Job controller, and the test in the place of kubelet and
 * ingestor: pods find no node, so what the test writes as their status stands. So every end of a pod can be shown.
 */
import { randomUUID } from 'node:crypto';
import { KubeConfig } from '@kubernetes/client-node';
import type { BatchOutcome, Result } from '../../../ingestor/contract/result.ts';
import { batches, datasets, sourceConnections, streamInlets } from '../../../operator/api/resources.ts';
import { apiVersion, type Condition, type Kind } from '../../../operator/api/types.gen.ts';
import { parseConfig } from '../../../operator/config.ts';
import { createOperator } from '../../../operator/operator.ts';
import {
  Client,
  type Clock,
  connectionFrom,
  jobs,
  type KubeObject,
  keyOf,
  type Pod,
  pods,
  Registry,
  type ResourceType,
  silentLogger,
  systemClock,
} from '../../../operator/runtime/index.ts';
import { deleteNamespace, eventually, kubeconfig, makeNamespace } from '../../support/cluster.ts';

export const resourceTypes = {
  Dataset: datasets,
  Batch: batches,
  StreamInlet: streamInlets,
  SourceConnection: sourceConnections,
};

interface Resource extends KubeObject {
  metadata: KubeObject['metadata'] & { generation?: number };
  status?: { observedGeneration?: number; conditions?: Condition[]; [name: string]: unknown };
}

/** Nowhere: see above. */
const nowhere = { spec: { nodeSelector: { 'forebay.test/node': 'none' } } };

export class Harness {
  readonly namespace: string;
  readonly client: Client;
  readonly #clock: ShiftedClock;
  #stop = new AbortController();
  #running: Promise<void> = Promise.resolve();

  private constructor(namespace: string, client: Client, clock: ShiftedClock) {
    this.namespace = namespace;
    this.client = client;
    this.#clock = clock;
  }

  static async start(purpose: string): Promise<Harness> {
    const config = new KubeConfig();
    config.loadFromFile(kubeconfig);
    const clock = new ShiftedClock();
    const client = new Client({ connection: connectionFrom(config, clock), clock, fieldManager: 'forebay' });
    const harness = new Harness(await makeNamespace(purpose), client, clock);
    harness.startOperator();
    return harness;
  }

  startOperator(): void {
    const flags = ['--image=forebay.test/none', `--namespace=${this.namespace}`, `--installation=${this.namespace}`];
    const config = parseConfig(
      [...flags, '--leader-election=false', '--metrics-address=127.0.0.1:0', '--progress-seconds=1'],
      {},
      'test',
    );
    if (config === undefined) throw new Error('the flags ask for help');
    this.#stop = new AbortController();
    const parts = { client: this.client, clock: this.#clock, log: silentLogger, metrics: new Registry() };
    this.#running = createOperator(config, parts).run(this.#stop.signal);
  }

  async stopOperator(): Promise<void> {
    this.#stop.abort();
    await this.#running;
  }

  /** No finalizer is left that only this operator would take away. */
  async end(): Promise<void> {
    await this.stopOperator();
    const { items } = await this.client.list(datasets, { namespace: this.namespace, ...this.options() });
    for (const { metadata } of items) await this.patch('Dataset', metadata.name, { metadata: { finalizers: null } });
    await deleteNamespace(this.namespace);
  }

  /** Lets the operator's wall clock jump ahead; what waits looks at it when it is next called. */
  advance(seconds: number): void {
    this.#clock.offset += seconds * 1_000;
  }

  async create(kind: Kind, name: string, spec: object): Promise<Resource> {
    // Another operator may work in all namespaces.
    const labels = { 'ingest.forebay.dev/installation': this.namespace };
    const object: Resource = { apiVersion, kind, metadata: { name, namespace: this.namespace, labels }, ...{ spec } };
    return await this.client.create<Resource>(typeOf(kind), object, this.options());
  }

  async patch(kind: Kind, name: string, patch: object): Promise<void> {
    await this.client.patch(typeOf(kind), { namespace: this.namespace, name }, patch, this.options());
  }

  async request(kind: Kind, name: string, value: string = randomUUID()): Promise<string> {
    await this.patch(kind, name, { metadata: { annotations: { 'ingest.forebay.dev/requestedAt': value } } });
    return value;
  }

  async get(kind: Kind, name: string): Promise<Resource> {
    return await this.client.get<Resource>(typeOf(kind), { namespace: this.namespace, name }, this.options());
  }

  /** Waits for a condition of this reason, current for the spec, and gives the resource. */
  async until(kind: Kind, name: string, type: string, reason: string): Promise<Resource> {
    let seen: Resource | undefined;
    const probe = async () => {
      seen = await this.get(kind, name);
      const condition = seen.status?.conditions?.find((candidate) => candidate.type === type);
      return condition?.reason === reason && condition.observedGeneration === seen.metadata.generation
        ? seen
        : undefined;
    };
    return await eventually(`${kind} ${name} ${type} ${reason}`, probe, 40).catch((cause: unknown) => {
      throw new Error(`${String(cause)}; it is ${JSON.stringify(seen?.status, undefined, 1)}`, { cause });
    });
  }

  /** The pods of a task that have not ended, as soon as there are as many. */
  async pods(name: string, verb: string, count = 1): Promise<Pod[]> {
    return await eventually(`${count} pods of ${name} for ${verb}`, async () => {
      const labelSelector = `ingest.forebay.dev/name=${name},ingest.forebay.dev/verb=${verb}`;
      const { items } = await this.client.list(pods, { namespace: this.namespace, labelSelector, ...this.options() });
      const open = items.filter(
        ({ status, metadata }) => status?.phase === 'Pending' && metadata.deletionTimestamp === undefined,
      );
      return open.length >= count ? open : undefined;
    });
  }

  /** Ends the next pod of a task as an ingestor would. */
  async finish(name: string, verb: string, result: Result, exitCode = 0): Promise<Pod> {
    const [pod] = await this.pods(name, verb);
    if (pod === undefined) throw new Error('no pod');
    await this.endPod(pod, { exitCode, message: JSON.stringify(result) });
    return pod;
  }

  async endPod(pod: Pod, end: { exitCode: number; message?: string; reason?: string }): Promise<void> {
    const finishedAt = new Date().toISOString().replace(/\.\d+Z/, 'Z');
    const terminated = { ...end, startedAt: finishedAt, finishedAt };
    const container = {
      name: 'ingestor',
      image: 'none',
      imageID: '',
      ready: false,
      restartCount: 0,
      state: { terminated },
    };
    const phase = end.exitCode === 0 ? 'Succeeded' : 'Failed';
    const status = { phase, containerStatuses: [container] };
    await this.client.patch(pods, keyOf(pod), { status }, { ...this.options(), subresource: 'status' });
  }

  /** The task document that a pod is told. */
  async taskOf(pod: Pod): Promise<Record<string, unknown>> {
    const job = pod.metadata.ownerReferences?.[0]?.name ?? '';
    const { data } = await this.client.get<ConfigMapLike>(
      configMapType,
      { namespace: this.namespace, name: job },
      this.options(),
    );
    return JSON.parse(data['task.json'] ?? '');
  }

  async jobNames(name: string): Promise<string[]> {
    const labelSelector = `ingest.forebay.dev/name=${name}`;
    const { items } = await this.client.list(jobs, { namespace: this.namespace, labelSelector, ...this.options() });
    return items.map(({ metadata }) => metadata.name).sort();
  }

  /** Has the resource looked at, by a change of one of its Jobs. */
  async poke(name: string): Promise<void> {
    const [job] = await this.jobNames(name);
    const patch = { metadata: { annotations: { 'forebay.test/poked': randomUUID() } } };
    await this.client.patch(jobs, { namespace: this.namespace, name: job ?? '' }, patch, this.options());
  }

  /** A Dataset with a schema in force. */
  async makeDataset(name: string, spec: object = {}): Promise<void> {
    await this.create('Dataset', name, { ...datasetSpec(name), ...spec });
    await this.finish(name, 'prepare', prepareResult(name));
    await this.until('Dataset', name, 'Ready', 'Prepared');
  }

  options(): { signal: AbortSignal } {
    return { signal: AbortSignal.timeout(30_000) };
  }
}

interface ConfigMapLike extends KubeObject {
  data: Record<string, string>;
}
const configMapType: ResourceType<ConfigMapLike> = {
  group: '',
  version: 'v1',
  plural: 'configmaps',
  kind: 'ConfigMap',
  namespaced: true,
};

function typeOf(kind: Kind): ResourceType<Resource> {
  return { ...resourceTypes[kind] } as ResourceType<Resource>;
}

export function datasetSpec(name: string) {
  return {
    schema: { inline: { type: 'object', properties: { id: { type: 'integer' } } } },
    storage: { s3: { bucket: 'lake', prefix: name } },
    table: { format: 'Parquet' },
    podTemplate: nowhere,
  };
}

export function batchSpec(dataset: string) {
  return { datasetRef: { name: dataset }, input: { inline: { data: '{"id": 1}\n' } }, format: { type: 'JSONLines' } };
}

export function tableTotals(name: string, sequence: number, ingested: number) {
  return {
    location: `s3://lake/${name}/table-1`,
    format: 'Parquet',
    sequence,
    records: ingested,
    files: 1,
    sizeBytes: 100,
    ingested,
    failed: 0,
    batches: { succeeded: sequence, failed: 0 },
    ...(sequence > 0 && { lastBatch: { id: 'x/y', time: new Date().toISOString() } }),
  };
}

export function prepareResult(name: string, refused?: { code: string; message: string }): Result {
  const schema = { digest: 'd1', fields: 1 };
  return { version: 1, verb: 'prepare', schema, table: tableTotals(name, 0, 0), ...(refused && { refused }) };
}

export function outcome(change: Partial<BatchOutcome> & { shards?: number } = {}): BatchOutcome {
  const { shards = 1, ...rest } = change;
  return {
    batchID: 'x/y',
    run: 1,
    outcome: 'Committed',
    reason: 'Active',
    message: 'as the bucket says',
    records: { read: 10, ingested: 9, failed: 1, skipped: 0, warnings: 0 },
    files: { input: 1, skipped: 0, failed: 0, output: 1 },
    bytes: { input: 100, output: 50 },
    errors: [],
    plan: { digest: 'p', shards },
    completionTime: new Date().toISOString(),
    ...rest,
  };
}

export function planResult(dataset: string, shards: number, batch?: BatchOutcome): Result {
  const ended = batch && { batch, table: tableTotals(dataset, 1, batch.records.ingested) };
  return {
    version: 1,
    verb: 'plan',
    batchID: 'x/y',
    run: batch?.run ?? 1,
    plan: { digest: 'p', shards },
    files: shards,
    bytes: 100,
    ...ended,
  };
}

export function failure(verb: string, code: string, message: string): Result {
  return { version: 1, verb, error: { code, message } };
}

class ShiftedClock implements Clock {
  offset = 0;
  readonly #system = systemClock();
  now = () => this.#system.now() + this.offset;
  monotonic = () => this.#system.monotonic();
  setTimer: Clock['setTimer'] = (milliseconds, fire) => this.#system.setTimer(milliseconds, fire);
  sleep: Clock['sleep'] = (milliseconds, signal) => this.#system.sleep(milliseconds, signal);
}

export function conditionsOf(resource: Resource): Record<string, string> {
  return Object.fromEntries((resource.status?.conditions ?? []).map(({ type, status }) => [type, status]));
}
