/** A dataset with an inlet in a bucket of the test's own, processes that serve it, and a sender that sends again. */
import { type ChildProcess, spawn } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout } from 'node:timers/promises';
import { zstdDecompressSync } from 'node:zlib';
import { GetObjectCommand, PutObjectCommand } from '@aws-sdk/client-s3';
import { silentLog, systemClock, systemRandom } from '../../../ingestor/contract/environment.ts';
import type { InletProgress } from '../../../ingestor/contract/progress.ts';
import type { InletTask, StoreLocation } from '../../../ingestor/contract/task.ts';
import type { ProcessSettings } from '../../../ingestor/inlet/settings.ts';
import { openStore } from '../../../ingestor/store/open.ts';
import { runPrepare } from '../../../ingestor/tasks/prepare.ts';
import { createBucket, type S3Address, s3Client } from '../../servers/s3.ts';
import { listKeys, queryTable, readText, type TableLocation } from '../../support/lake.ts';

export const schema = {
  type: 'object',
  properties: { _id: { type: 'string' }, n: { type: 'integer' } },
  required: ['_id', 'n'],
  additionalProperties: false,
};

type Ports = { data: number; status: number };

export class InletProcess {
  readonly ports: Ports;
  readonly #child: ChildProcess;
  readonly #errors: string[];

  constructor(child: ChildProcess, ports: Ports, errors: string[]) {
    this.#child = child;
    this.ports = ports;
    this.#errors = errors;
  }

  /** `SIGKILL`: as a node that dies. Gives the exit code. */
  async end(signal: 'SIGKILL' | 'SIGTERM' = 'SIGTERM'): Promise<number | null> {
    if (this.#child.exitCode === null && this.#child.signalCode === null) this.#child.kill(signal);
    return await this.exit();
  }

  async exit(): Promise<number | null> {
    if (this.#child.exitCode === null && this.#child.signalCode === null) await once(this.#child, 'exit');
    return this.#child.exitCode;
  }

  /** What it said on its error output. */
  log(): string {
    return this.#errors.join('');
  }

  async get(path: string): Promise<Response> {
    return await fetch(`http://127.0.0.1:${this.ports.status}${path}`);
  }

  async progress(): Promise<InletProgress> {
    return (await (await this.get('/progress')).json()) as InletProgress;
  }

  async progressUntil(fits: (progress: InletProgress) => boolean): Promise<InletProgress> {
    for (const until = Date.now() + 45_000; ; await setTimeout(50)) {
      const progress = await this.progress();
      if (fits(progress)) return progress;
      if (Date.now() > until) throw new Error(`still ${JSON.stringify(progress)}\n${this.log()}`);
    }
  }
}

export class InletPlace {
  readonly table: TableLocation;
  readonly task: InletTask;
  readonly #processes: InletProcess[] = [];
  readonly #folder: string;

  private constructor(table: TableLocation, task: InletTask, folder: string) {
    this.table = table;
    this.task = task;
    this.#folder = folder;
  }

  /** Makes bucket and table. */
  static async make(address: S3Address, task: Partial<InletTask> = {}): Promise<InletPlace> {
    const folder = await mkdtemp(join(tmpdir(), 'forebay-inlet-'));
    const bucket = `inlet-${randomBytes(6).toString('hex')}`;
    await createBucket(address, bucket);
    await writeFile(join(folder, 'accessKeyID'), address.admin.accessKeyID);
    await writeFile(join(folder, 'secretAccessKey'), address.admin.secretAccessKey);
    const { endpoint, region } = address;
    const s3 = { bucket, prefix: 'lake', endpoint, region, forcePathStyle: true, credentialsPath: folder };
    await sayProved(address, bucket);
    const dataset = { owner: { installation: 'test', namespace: 'ns', name: 'events' }, storage: { s3 } };
    await prepare(dataset);
    const place = { address, bucket, prefix: 'lake' };
    return new InletPlace(place, { ...inletTask(dataset), ...task }, folder);
  }

  get path(): string {
    return `ingest/inlets/${this.task.inlet.id}`;
  }

  /** Resolves when it accepts records. `storage`: another way to the same bucket. */
  async start(settings: Partial<ProcessSettings> = {}, endpoint?: string): Promise<InletProcess> {
    const file = join(this.#folder, `${randomBytes(4).toString('hex')}.json`);
    await writeFile(file, JSON.stringify(endpoint ? through(this.task, endpoint) : this.task));
    const program = join(import.meta.dirname, 'inlet-process.ts');
    const all = { host: '127.0.0.1', statusPort: 0, ...settings };
    const child = spawn(process.execPath, [program, file, JSON.stringify(all)], { stdio: ['ignore', 'pipe', 'pipe'] });
    const errors: string[] = [];
    child.stderr.on('data', (chunk) => errors.push(String(chunk)));
    const ports = await new Promise<Ports>((resolve, reject) => {
      createInterface(child.stdout).on('line', (line) => resolve(JSON.parse(line)));
      child.once('exit', () => reject(new Error(`the inlet did not start: ${errors.join('')}`)));
    });
    const inlet = new InletProcess(child, ports, errors);
    this.#processes.push(inlet);
    return inlet;
  }

  async close(): Promise<void> {
    await Promise.all(this.#processes.map((inlet) => inlet.end('SIGKILL')));
    await rm(this.#folder, { recursive: true });
  }

  /** How often each id is in the table, as an independent reader counts. */
  async rows(): Promise<Map<string, number>> {
    const rows = await queryTable(this.table, 'SELECT _id, count(*)::DOUBLE AS n FROM records GROUP BY _id');
    return new Map(rows.map((row) => [String(row._id), Number(row.n)]));
  }

  /** How often each id is in the reject files that receipts of rounds name. */
  async rejected(): Promise<Map<string, number>> {
    const client = s3Client(this.table.address);
    const counts = new Map<string, number>();
    for (const key of await listKeys(this.table, `${this.path}/rounds/`)) {
      if (!key.endsWith('receipt.json')) continue;
      const { rejects } = JSON.parse(await readText(this.table, `${this.path}/rounds/${key}`));
      if (rejects === undefined) continue;
      const object = { Bucket: this.table.bucket, Key: `${this.table.prefix}/${rejects.key}` };
      const { Body } = await client.send(new GetObjectCommand(object));
      const text = zstdDecompressSync((await Body?.transformToByteArray()) ?? Buffer.alloc(0)).toString();
      for (const line of text.split('\n').filter(Boolean)) {
        const id: string = JSON.parse(JSON.parse(line).raw)._id;
        counts.set(id, (counts.get(id) ?? 0) + 1);
      }
    }
    client.destroy();
    return counts;
  }

  /** The inlet's property in the newest published version of the table. */
  async property(): Promise<{ records: { received: number; ingested: number; failed: number; skipped: number } }> {
    const dataset = JSON.parse(await readText(this.table, 'dataset.json'));
    const folder = `table-${dataset.table.uuid}/metadata`;
    const version = await readText(this.table, `${folder}/version-hint.text`);
    const metadata = JSON.parse(await readText(this.table, `${folder}/v${version.trim()}.metadata.json`));
    return JSON.parse(metadata.properties[`forebay.round.${this.task.inlet.id}`]);
  }
}

function inletTask(dataset: InletTask['dataset']): InletTask {
  return {
    version: 1,
    verb: 'inlet',
    dataset,
    inlet: { namespace: 'ns', name: 'clicks', id: createHash('sha256').update('ns/clicks').digest('hex') },
    authentication: [{ anonymous: {} }],
    envelope: 'Auto',
    validation: 'Async',
    mapping: [],
    limits: { maxRequestBytes: 1_048_576, maxRecordBytes: 1_048_576, maxInFlightBytes: 67_108_864 },
    durability: { maxDelayMilliseconds: 10, maxSegmentBytes: 8_388_608 },
    commit: { periodSeconds: 1, maxBytes: 268_435_456, maxRecords: 1_000_000 },
    port: 0,
  };
}

function through(task: InletTask, endpoint: string): InletTask {
  const { storage } = task.dataset;
  if (!('s3' in storage)) throw new Error('no S3 storage');
  return { ...task, dataset: { ...task.dataset, storage: { s3: { ...storage.s3, endpoint } } } };
}

/** The server was proved by tests of its own; doing it again for each test here would take most of their time. */
async function sayProved(address: S3Address, bucket: string): Promise<void> {
  const client = s3Client(address);
  const Body = JSON.stringify({ version: 1, endpoint: address.endpoint, time: 0 });
  await client.send(new PutObjectCommand({ Bucket: bucket, Key: 'lake/ingest/proof.json', Body }));
  client.destroy();
}

async function prepare(dataset: InletTask['dataset']): Promise<void> {
  const waiting = { clock: systemClock, random: systemRandom, signal: new AbortController().signal };
  const table = { format: 'Parquet', compression: 'Zstd', targetFileSizeBytes: 268_435_456 } as const;
  await runPrepare(
    { version: 1, verb: 'prepare', dataset, schema: JSON.stringify(schema), behavior: 'Record', table },
    {
      ...waiting,
      log: silentLog,
      progress: () => {},
      openStore: (location: StoreLocation) => openStore(location, { ...waiting, log: silentLog }),
    },
  );
}

/** Sends records with ids of its own, each until it is acknowledged, and remembers how often it sent each. */
export class Sender {
  readonly acknowledged = new Set<string>();
  /** Requests that may have reached an inlet, by id. */
  readonly sent = new Map<string, number>();
  /** Records that no schema takes, by id: they are acknowledged all the same. */
  readonly bad = new Set<string>();
  readonly #name: string;
  readonly #port: () => number;
  #next = 0;
  #stopped = false;
  #wanted = { count: 0, resolve: () => {} };

  /** `port` is asked before each request. */
  constructor(name: string, port: () => number) {
    this.#name = name;
    this.#port = port;
  }

  /** Sends with `lines` requests at once until `stop`; every record begun is brought to its end. */
  async run(lines: number): Promise<void> {
    await Promise.all(Array.from({ length: lines }, () => this.#line()));
  }

  stop(): void {
    this.#stopped = true;
  }

  /** Resolves when so many more records are acknowledged. */
  async acknowledges(more: number): Promise<void> {
    await new Promise<void>((resolve) => {
      this.#wanted = { count: this.acknowledged.size + more, resolve };
    });
  }

  async #line(): Promise<void> {
    while (!this.#stopped) {
      const number = this.#next;
      this.#next += 1;
      const id = `${this.#name}-${number}`;
      const isBad = number % 10 === 7;
      if (isBad) this.bad.add(id);
      await this.#untilAcknowledged(id, JSON.stringify({ _id: id, n: isBad ? 'text' : number }));
    }
  }

  async #untilAcknowledged(id: string, body: string): Promise<void> {
    while (!(await this.#send(id, body))) await setTimeout(20);
    this.acknowledged.add(id);
    if (this.acknowledged.size >= this.#wanted.count) this.#wanted.resolve();
  }

  async #send(id: string, body: string): Promise<boolean> {
    const times = this.sent.get(id) ?? 0;
    this.sent.set(id, times + 1);
    try {
      const url = `http://127.0.0.1:${this.#port()}/collection/ns/clicks`;
      const response = await fetch(url, { method: 'POST', headers: { 'Content-Type': 'application/json' }, body });
      await response.arrayBuffer();
      return response.status === 200;
    } catch (failure) {
      // A connection that was refused brought nothing to anybody.
      if (isRefused(failure)) this.sent.set(id, times);
      return false;
    }
  }
}

function isRefused(failure: unknown): boolean {
  const cause = failure instanceof Error ? failure.cause : undefined;
  return cause instanceof Error && 'code' in cause && cause.code === 'ECONNREFUSED';
}
