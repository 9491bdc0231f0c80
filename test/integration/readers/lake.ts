/** A dataset in a folder, or in a bucket, filled by the real tasks. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Dataset, openDataset } from '../../../ingestor/commit/dataset.ts';
import { silentLog, systemClock, systemRandom } from '../../../ingestor/contract/environment.ts';
import type { BatchOutcome, FinishResult, PrepareResult } from '../../../ingestor/contract/result.ts';
import type {
  BatchID,
  BatchRequest,
  DatasetTarget,
  StoreLocation,
  TableSettings,
} from '../../../ingestor/contract/task.ts';
import { openStore } from '../../../ingestor/store/open.ts';
import { loadState } from '../../../ingestor/table/commit.ts';
import type { TableState } from '../../../ingestor/table/table.ts';
import type { Environment } from '../../../ingestor/tasks/environment.ts';
import { runFinish } from '../../../ingestor/tasks/finish.ts';
import { runPlan } from '../../../ingestor/tasks/plan.ts';
import { runPrepare } from '../../../ingestor/tasks/prepare.ts';

export interface Described {
  readonly properties: object;
  readonly required?: readonly string[];
}

const environment: Environment = {
  openStore: (location) => openStore(location),
  clock: systemClock,
  random: systemRandom,
  signal: new AbortController().signal,
  log: silentLog,
  progress: () => {},
};

export class TestLake {
  readonly target: DatasetTarget;
  #schema: Described = { properties: {} };
  #settings: TableSettings;

  private constructor(storage: StoreLocation, settings: TableSettings) {
    this.#settings = settings;
    this.target = { owner: { installation: 'test', namespace: 'default', name: 'events' }, storage };
  }

  /** Prepares an Iceberg table; in a new folder where no place is named. */
  static async make(
    schema: Described,
    settings: Partial<TableSettings> = {},
    storage?: StoreLocation,
  ): Promise<TestLake> {
    const lake = new TestLake(storage ?? { local: { path: await mkdtemp(join(tmpdir(), 'forebay-readers-')) } }, {
      format: 'Iceberg',
      compression: 'Zstd',
      targetFileSizeBytes: 2 ** 28,
      ...settings,
    });
    const { refused } = await lake.prepare(schema);
    if (refused !== undefined) throw new Error(refused.message);
    return lake;
  }

  async prepare(schema: Described = this.#schema, settings: Partial<TableSettings> = {}): Promise<PrepareResult> {
    this.#schema = schema;
    this.#settings = { ...this.#settings, ...settings };
    const { target: dataset } = this;
    const text = JSON.stringify({ type: 'object', ...schema });
    return await runPrepare(
      { version: 1, verb: 'prepare', dataset, schema: text, behavior: 'Record', table: this.#settings },
      environment,
    );
  }

  /** Ingests records as one batch; all of them must be good. */
  async ingest(
    id: string,
    records: readonly object[] | string,
    change: Partial<BatchRequest> = {},
  ): Promise<BatchOutcome> {
    const data =
      typeof records === 'string' ? records : records.map((record) => `${JSON.stringify(record)}\n`).join('');
    const request: BatchRequest = {
      batch: idOf(id),
      requestToken: '',
      requestDigest: `digest of ${id}`,
      input: { inline: { data } },
      read: { format: { type: 'JSONLines' }, compression: 'Auto', mapping: [], maxRecordBytes: 2 ** 20 },
      maxFailed: 0,
      shardBytes: 2 ** 28,
      ...change,
    };
    const { batch: outcome } = await runPlan({ version: 1, verb: 'plan', dataset: this.target, request }, environment);
    if (outcome?.outcome !== 'Committed') throw new Error(`${id}: ${outcome?.reason} ${outcome?.message}`);
    return outcome;
  }

  async revert(id: string): Promise<FinishResult> {
    const abort = { reason: 'Aborted', message: 'asked for' };
    return await runFinish(
      { version: 1, verb: 'finish', dataset: this.target, batch: idOf(id), run: 1, abort, revert: true },
      environment,
    );
  }

  /** The dataset opened, for what no task does at once. */
  async use<T>(work: (dataset: Dataset, environment: Environment) => Promise<T>): Promise<T> {
    const store = await environment.openStore(this.target.storage);
    try {
      return await work(await openDataset(store, this.target, environment), environment);
    } finally {
      await store.close();
    }
  }

  async state(): Promise<TableState> {
    return await this.use(({ table }) => loadState(table));
  }

  /** URL of the version that the hint names: what readers without a catalog go by. */
  async metadata(): Promise<string> {
    return await this.use(async ({ table, store }) => {
      const folder = `${table.location}/metadata`;
      const hint = await store.get(`${folder.slice(store.url.length + 1)}/version-hint.text`);
      return `${folder}/v${Buffer.from(hint?.body ?? '')}.metadata.json`;
    });
  }

  /** The folder; a bucket goes with its server. */
  async remove(): Promise<void> {
    if ('local' in this.target.storage) await rm(this.target.storage.local.path, { recursive: true });
  }
}

function idOf(id: string): BatchID {
  return { kind: 'external', id };
}
