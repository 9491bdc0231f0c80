/** Buckets in memory, tasks on them, and what a reader of the table sees. Each environment is a process of its own. */
import { parquetReadObjects } from 'hyparquet';
import { compressors } from 'hyparquet-compressors';
import { parseDocument } from '../../ingestor/contract/documents.ts';
import { type Clock, silentLog } from '../../ingestor/contract/environment.ts';
import type {
  BatchInput,
  BatchRequest,
  DatasetTarget,
  FinishTask,
  PlanTask,
  PrepareTask,
  ShardTask,
  StoreLocation,
  TableSettings,
} from '../../ingestor/contract/task.ts';
import type { Store, StoredObject } from '../../ingestor/store/store.ts';
import { TableMetadata } from '../../ingestor/table/parquet-table.ts';
import type { Environment } from '../../ingestor/tasks/environment.ts';
import { runPrepare } from '../../ingestor/tasks/prepare.ts';
import { type Fault, faultyStore } from './faulty-store.ts';
import { parseVersionKey, readVersion, type SeenVersion } from './lake-reader.ts';
import { MemoryStore } from './memory-store.ts';
import { seededRandom, virtualClock } from './waiting.ts';

export const target: DatasetTarget = {
  owner: { installation: 'test', namespace: 'default', name: 'events' },
  storage: { s3: { bucket: 'lake', prefix: '' } },
};

export const schema = JSON.stringify({
  $schema: 'https://json-schema.org/draft/2020-12/schema',
  type: 'object',
  properties: { id: { type: 'string' }, n: { type: 'integer' } },
  required: ['id'],
});

export type Decide = (call: number, method: string, key: string) => Fault | Promise<Fault>;

/** What is in a bucket, by key. */
export type Objects = ReadonlyMap<string, StoredObject>;

let processes = 0;

export class Lake {
  readonly #format: TableSettings['format'];
  readonly clock: ReturnType<typeof virtualClock> = virtualClock();
  readonly #buckets = new Map<string, MemoryStore>();

  /** `format`: of the table that `prepare` makes. */
  constructor(format: TableSettings['format'] = 'Parquet') {
    this.#format = format;
  }

  /** `decide`: what goes wrong with this process's calls; see faultyStore. */
  process(decide?: Decide, signal = new AbortController().signal, clock: Clock = this.clock): Environment {
    processes += 1;
    let calls = 0;
    const countAll: Decide = (_call, method, key) => {
      calls += 1;
      return decide?.(calls, method, key);
    };
    return {
      openStore: async (location) => faultyStore(this.at(location), countAll),
      clock,
      random: seededRandom(processes),
      signal,
      log: silentLog,
      progress: () => {},
    };
  }

  /** A bucket, made when it is first named. */
  bucket(name: string): MemoryStore {
    const known = this.#buckets.get(name);
    if (known !== undefined) return known;
    const made = new MemoryStore(new Map(), () => this.clock.now(), `memory://${name}`);
    this.#buckets.set(name, made);
    return made;
  }

  at(location: StoreLocation): Store {
    return this.bucket('s3' in location ? location.s3.bucket : location.local.path);
  }

  /** What the newest version of a table of format Parquet says; see `versions` for both formats. */
  get table(): TableMetadata {
    return newestTable(this.bucket('lake').objects);
  }

  /** All versions of the table, of either format, oldest first, as a reader sees them who has no catalog. */
  versions(): SeenVersion[] {
    return seenVersions(this.bucket('lake').objects, this.bucket('lake').url);
  }

  text(key: string): string {
    return textOf(this.bucket('lake').objects, key);
  }

  async rows(): Promise<Record<string, unknown>[]> {
    return await readRows(this.bucket('lake').objects, this.bucket('lake').url);
  }

  async ids(): Promise<string[]> {
    return (await this.rows()).map((row) => String(row.id)).sort();
  }

  async prepare(change: Partial<PrepareTask> = {}, environment = this.process()) {
    return await runPrepare({ ...prepareTask(this.#format), ...change }, environment);
  }
}

/** All versions of the table, oldest first; whoever reads it must find each of them in order. */
export function allVersions(objects: Objects): TableMetadata[] {
  return [...objects.keys()]
    .filter((key) => /\/metadata\/v[0-9]+\.metadata\.json$/.test(key))
    .map((key) => parseDocument(TableMetadata, textOf(objects, key), key, 'DamagedDocument'))
    .sort((a, b) => a.sequence - b.sequence);
}

export function newestTable(objects: Objects): TableMetadata {
  const newest = allVersions(objects).at(-1);
  if (newest === undefined) throw new Error('there is no table');
  return newest;
}

/** As `allVersions`, of either format. `url`: of what keys are relative to. Bodies that were emptied are left out. */
export function seenVersions(objects: Objects, url: string): SeenVersion[] {
  const numbers = [...objects.keys()].map((key) => [parseVersionKey(key), key] as const);
  const known = numbers.flatMap(([number, key]) => (number === undefined ? [] : [[number, key] as const]));
  return known
    .sort(([a], [b]) => a - b)
    .flatMap(([, key]) => {
      const body = objects.get(key)?.body ?? new Uint8Array();
      return body.length === 0 ? [] : [readVersion(body, (of) => objects.get(of)?.body, url)];
    });
}

/** All rows of the table, of either format, read by a library that did not write them. */
export async function readRows(objects: Objects, url: string): Promise<Record<string, unknown>[]> {
  const rows: Record<string, unknown>[] = [];
  const newest = seenVersions(objects, url).at(-1);
  if (newest === undefined) throw new Error('there is no table');
  for (const key of newest.files.keys()) {
    const body = objects.get(key)?.body;
    if (body === undefined) throw new Error(`${key} is listed and not there`);
    const file = new Uint8Array(body).buffer;
    rows.push(...(await parquetReadObjects({ file, compressors })));
  }
  return rows;
}

export function textOf(objects: Objects, key: string): string {
  return Buffer.from(objects.get(key)?.body ?? '').toString();
}

export function prepareTask(format: TableSettings['format'] = 'Parquet'): PrepareTask {
  return {
    version: 1,
    verb: 'prepare',
    dataset: target,
    schema,
    behavior: 'Record',
    table: { format, compression: 'Zstd', targetFileSizeBytes: 256 * 2 ** 20 },
  };
}

export function filesInput(selection: { keys?: string[]; glob?: string; minAgeSeconds?: number } = {}): BatchInput {
  return { files: { location: { s3: { bucket: 'source', prefix: '' } }, selection } };
}

export function request(id: string, change: Partial<BatchRequest> = {}): BatchRequest {
  return {
    batch: { kind: 'resource', id: `default/${id}` },
    requestToken: '',
    requestDigest: 'digest',
    input: filesInput(),
    read: { format: { type: 'JSONLines' }, compression: 'Auto', mapping: [], maxRecordBytes: 2 ** 20 },
    maxFailed: 0,
    shardBytes: 2 ** 28,
    ...change,
  };
}

export function planTask(id: string, change: Partial<BatchRequest> = {}): PlanTask {
  return { version: 1, verb: 'plan', dataset: target, request: request(id, change) };
}

export function shardTask(id: string, index: number, input: BatchInput = filesInput(), run = 1): ShardTask {
  const { batch } = request(id);
  return { version: 1, verb: 'shard', dataset: target, batch, run, input, index };
}

export function finishTask(id: string, change: Partial<FinishTask> = {}): FinishTask {
  return { version: 1, verb: 'finish', dataset: target, batch: request(id).batch, run: 1, ...change };
}

/** JSON lines with ids `<prefix>-<from>` ... */
export function records(prefix: string, count: number): string {
  return Array.from({ length: count }, (_, n) => `${JSON.stringify({ id: `${prefix}-${n}`, n })}\n`).join('');
}
