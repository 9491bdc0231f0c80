/**
 * `forebay run`: ingests what the manifests say, without a cluster. Datasets are prepared, batches run once, connections
 * run once, inlets collect until the user interrupts; statuses are those the operator would write.
 */

import { requestOf, requestRunName } from '../../operator/api/names.ts';
import type { Outlook } from '../../operator/api/outlook.ts';
import type { SourceConnection, StreamInlet } from '../../operator/api/types.gen.ts';
import { validateManifests } from '../../operator/api/validate.ts';
import type { LocalBatch, LocalDataset } from '../../operator/api/validation/local-fields.ts';
import * as batchStatus from '../../operator/batch/status.ts';
import * as datasetStatus from '../../operator/dataset/status.ts';
import * as connectionStatus from '../../operator/sourceconnection/status.ts';
import { attemptDigest } from '../../operator/specs/batch.ts';
import { type NewBatch, runBatch as runOfConnection } from '../../operator/specs/connection.ts';
import { prepareDocument } from '../../operator/specs/dataset.ts';
import { inletDocument } from '../../operator/specs/inlet.ts';
import * as inletStatus from '../../operator/streaminlet/status.ts';
import type { Clock, Log, Random } from '../contract/environment.ts';
import { ForebayError, toForebayError } from '../contract/errors.ts';
import type { DatasetTarget } from '../contract/task.ts';
import { runInlet } from '../inlet/main.ts';
import { openStore } from '../store/open.ts';
import type { Environment } from '../tasks/environment.ts';
import { runPrepare } from '../tasks/prepare.ts';
import { localRequest, runBatch, stopBatch } from './batch-run.ts';
import { Catalog, type LocalResource } from './catalog.ts';
import { asDataset, datasetTarget } from './lake.ts';
import { Mounts } from './mounts.ts';
import { ProgressBar, type Terminal } from './progress-bar.ts';

export interface RunSettings {
  /** Folder that stands in for every Dataset's storage. */
  readonly lake?: string;
  readonly installation: string;
  /** Of the first inlet; the others take the ports after it. */
  readonly port: number;
}

export interface Surroundings {
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly signal: AbortSignal;
  readonly terminal: Terminal;
}

/** All resources with their status, those made on the way included. */
export async function runCatalog(
  catalog: Catalog,
  settings: RunSettings,
  surroundings: Surroundings,
): Promise<LocalResource[]> {
  const mounts = await Mounts.make(catalog);
  try {
    const run = new LocalRun(catalog, settings, surroundings, mounts);
    for (const dataset of catalog.ofKind('Dataset')) await run.prepare(dataset);
    for (const batch of catalog.ofKind('Batch')) await run.ingest(batch);
    for (const connection of catalog.ofKind('SourceConnection')) await run.pull(connection);
    await run.collect(catalog.ofKind('StreamInlet'));
    return run.results();
  } finally {
    await mounts.remove();
  }
}

class LocalRun {
  readonly #catalog: Catalog;
  readonly #settings: RunSettings;
  readonly #surroundings: Surroundings;
  readonly #mounts: Mounts;
  /** By uid. */
  readonly #targets = new Map<string, DatasetTarget>();
  /** Batches that connections made. */
  readonly #made: LocalBatch[] = [];

  constructor(catalog: Catalog, settings: RunSettings, surroundings: Surroundings, mounts: Mounts) {
    this.#catalog = catalog;
    this.#settings = settings;
    this.#surroundings = surroundings;
    this.#mounts = mounts;
  }

  results(): LocalResource[] {
    return [...this.#catalog.resources, ...this.#made];
  }

  async prepare(dataset: LocalDataset): Promise<void> {
    const { lake, installation } = this.#settings;
    const bar = this.#bar(dataset);
    const outlook = await this.#attempt(async () => {
      const target = await datasetTarget(dataset, lake, installation, this.#mounts);
      const schema = this.#catalog.schemaOf(dataset);
      const result = await runPrepare(prepareDocument(target, asDataset(dataset), schema), this.#environment());
      this.#targets.set(dataset.metadata.uid, target);
      dataset.status = datasetStatus.prepared(asDataset(dataset), result, result.schema.digest);
      return datasetStatus.preparedOutlook(result);
    });
    dataset.status = datasetStatus.withOutlook(asDataset(dataset), dataset.status, outlook, this.#now());
    bar.end(`${outlook.reason}: ${outlook.message}`);
  }

  async ingest(batch: LocalBatch): Promise<void> {
    const bar = this.#bar(batch);
    const attempt = { token: requestOf(batch) ?? '', digest: attemptDigest(batch) };
    batch.status = batchStatus.openAttempt(batch, attempt, this.#now());
    const outlook = await this.#attempt(async () => {
      const { dataset, target } = this.#datasetOf(batch);
      const connection = this.#connectionOf(batch);
      const request = await localRequest(batch, connection, this.#catalog.fileOf(batch), this.#mounts);
      const desired = batchStatus.desiredStateOf(batch);
      const { outcome, table } =
        desired === 'Active'
          ? await runBatch(target, request, this.#environment(bar))
          : await stopBatch(target, request, desired === 'Reverted', this.#environment(bar));
      batch.status = batchStatus.ended(batch.status, outcome);
      dataset.status = datasetStatus.withTotals(dataset.status, table);
      return desired === 'Active'
        ? batchStatus.outlookAtEnd(batch, batchStatus.endOf(outcome))
        : batchStatus.outlookAfterStop(batch, undefined, outcome);
    });
    if (batch.status.completionTime === undefined) batch.status = batchStatus.refused(batch.status, this.#now());
    batch.status = batchStatus.withOutlook(batch, batch.status, outlook, this.#now());
    bar.end(`${outlook.reason}: ${outlook.message}`);
  }

  /** One run, as asked for by hand. */
  async pull(connection: SourceConnection): Promise<void> {
    const { installation } = this.#settings;
    const name = requestRunName(connection.metadata.name, this.#surroundings.random.nonce());
    const outlook = await this.#attempt(async () => {
      const run = completed(runOfConnection(connection, name, this.#now(), installation), connection);
      this.#made.push(run);
      connection.status = connectionStatus.started(connection.status, name, this.#now());
      await this.ingest(run);
      connection.status = connectionStatus.followed(connection.status, run);
      const ended = batchStatus.standingOf(run);
      if (!ended) throw new ForebayError('InternalError', `run ${name} did not end`);
      return { ...ended, message: `run ${name}: ${ended.message}` };
    });
    connection.status = connectionStatus.withOutlook(connection, outlook, this.#now());
  }

  /** All inlets at once, until the user interrupts. */
  async collect(inlets: readonly StreamInlet[]): Promise<void> {
    await Promise.all(inlets.map((inlet, index) => this.#serve(inlet, this.#settings.port + index)));
  }

  async #serve(inlet: StreamInlet, port: number): Promise<void> {
    const bar = this.#bar(inlet);
    const { namespace, name } = inlet.metadata;
    const url = `http://127.0.0.1:${port}/collection/${namespace}/${name}`;
    inlet.status = inletStatus.introduced(inlet, [url], '');
    const outlook = await this.#attempt(async () => {
      const { target } = this.#datasetOf(inlet);
      const folders = await this.#keyFolders(inlet);
      const document = inletDocument(inlet, { target }, (way) => folders[way] ?? '');
      await runInlet(
        { ...document, port },
        {
          ...this.#environment(),
          settings: { host: '127.0.0.1', statusPort: 0 },
          listening: () => bar.note(`send to ${url}; Ctrl-C ends`),
          ended: (report) => {
            inlet.status = inletStatus.reported(inlet.status, [{ report, at: this.#now() }]);
          },
        },
      );
      return { state: 'Ready', reason: 'Closed', message: 'interrupted; what was acknowledged is in the lake' };
    });
    inlet.status = inletStatus.withOutlook(inlet, inlet.status, outlook, this.#now());
    bar.end(`${outlook.reason}: ${outlook.message}`);
  }

  async #keyFolders(inlet: StreamInlet): Promise<string[]> {
    const { metadata, spec } = inlet;
    return await Promise.all(
      spec.authentication.map(({ apiKey }) =>
        apiKey ? this.#mounts.secret(metadata.namespace, apiKey.secretRef.name) : '',
      ),
    );
  }

  #datasetOf(resource: LocalBatch | StreamInlet): { dataset: LocalDataset; target: DatasetTarget } {
    const { name } = resource.spec.datasetRef;
    const dataset = this.#catalog.find('Dataset', resource.metadata.namespace, name);
    const target = dataset && this.#targets.get(dataset.metadata.uid);
    if (!dataset) throw new ForebayError('DatasetNotPrepared', `no Dataset ${name} is among the manifests`);
    if (!target) throw new ForebayError('DatasetNotPrepared', `the Dataset ${name} could not be prepared`);
    return { dataset, target };
  }

  #connectionOf(batch: LocalBatch): SourceConnection | undefined {
    const connection = batch.spec.input?.connection;
    if (connection === undefined) return undefined;
    const found = this.#catalog.find('SourceConnection', batch.metadata.namespace, connection.name);
    if (!found) throw new ForebayError('NoInput', `no SourceConnection ${connection.name} is among the manifests`);
    return found;
  }

  /** An error is how the resource stands, and ends nothing else. An interrupt ends the run. */
  async #attempt<T extends Outlook>(work: () => Promise<T>): Promise<T | Outlook> {
    this.#surroundings.signal.throwIfAborted();
    try {
      return await work();
    } catch (thrown) {
      const { code, message } = toForebayError(thrown);
      return { state: 'Stalled', reason: code, message };
    }
  }

  #environment(bar?: ProgressBar): Environment {
    const { clock, random, log, signal } = this.#surroundings;
    return {
      clock,
      random,
      log,
      signal,
      // Nobody rotates keys meanwhile: refused is refused.
      openStore: (location) => openStore(location, { clock, random, log, credentialsPatienceMilliseconds: 0 }),
      openCatalog: async (location) => {
        const { openRestCatalog } = await import('../catalog/rest-catalog.ts');
        return await openRestCatalog(location, { clock, random, log, signal, credentialsPatienceMilliseconds: 0 });
      },
      progress: ({ records, bytes, totalInputBytes }) =>
        bar?.update({
          ...(records && { records }),
          ...(bytes && { inputBytes: bytes.input }),
          ...(totalInputBytes !== undefined && { totalInputBytes }),
        }),
    };
  }

  #bar(resource: LocalResource): ProgressBar {
    return new ProgressBar(this.#surroundings.terminal, labelOf(resource));
  }

  #now(): string {
    return new Date(this.#surroundings.clock.now()).toISOString().replace(/\.\d+Z$/, 'Z');
  }
}

export function labelOf({ kind, metadata }: LocalResource): string {
  return `${kind}/${metadata.name}`;
}

/** With the defaults that the API server would set. */
function completed(run: NewBatch, { metadata }: SourceConnection): LocalBatch {
  const { resources, problems } = validateManifests([{ file: '', document: 1, value: run }]);
  const [resource] = new Catalog(resources, [], metadata.namespace).ofKind('Batch');
  if (!resource)
    throw new ForebayError('InternalError', `the run of ${metadata.name} is no Batch: ${problems[0]?.message}`);
  return resource;
}
