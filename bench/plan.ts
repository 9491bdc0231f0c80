/**
 * What a plan costs where many files are known, and what many small files cost in one batch: tasks as processes of their
 * own, on a real S3 server on loopback. `node bench/plan.ts`.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { type Dataset, openDataset } from '../ingestor/commit/dataset.ts';
import type { Decision, Landing, Plan, PlanInput } from '../ingestor/commit/documents.ts';
import { foldLedger } from '../ingestor/commit/ledger-fold.ts';
import { batchDigest, decisionKey, markerKey } from '../ingestor/commit/names.ts';
import { planFiles } from '../ingestor/commit/plan.ts';
import { zeroRecords } from '../ingestor/contract/counts.ts';
import { parseDocument } from '../ingestor/contract/documents.ts';
import { silentLog, systemClock, systemRandom } from '../ingestor/contract/environment.ts';
import { PlanResult } from '../ingestor/contract/result.ts';
import type { DatasetTarget, PlanTask, StoreLocation } from '../ingestor/contract/task.ts';
import { listFiles } from '../ingestor/sources/files.ts';
import { openStore } from '../ingestor/store/open.ts';
import { loadState } from '../ingestor/table/commit.ts';
import type { Environment } from '../ingestor/tasks/environment.ts';
import { runPrepare } from '../ingestor/tasks/prepare.ts';
import { heapOptions } from '../operator/specs/quantity.ts';
import { s3Location } from '../test/integration/support/s3-location.ts';
import { createBucket, type S3Address, startSeaweedFS } from '../test/servers/s3.ts';
import { planTask, prepareTask } from '../test/support/lake-in-memory.ts';
import { putAll } from './many-objects.ts';

const help = `Plans a run over files that the ledger knows, and runs a batch of small files.

Usage: node bench/plan.ts [--known N] [--small N] [--server FILE] [-o json]

  --known N        Files that are known. Default: 1000000
  --small N        Files of 10 KB in one batch. Default: 10000
  --server FILE    A server that is running, as JSON {"endpoint", "region", "admin": {"accessKeyID", "secretAccessKey"}}.
                   What its buckets hold of an earlier run is used again. Default: SeaweedFS is started
  -o, --output F   text (default) or json
`;

/** Of a pod with a limit of 256 MiB. */
const heap = heapOptions('256Mi') ?? [];

/** Files that one of the runs took which made the ledger, and files that the measured run finds beside them. */
const filesInRun = 25_000;
const newFiles = 10;

interface Figures {
  readonly known: {
    readonly files: number;
    readonly listingSeconds: number;
    readonly planSeconds: number;
    readonly planCpuSeconds: number;
    readonly peakMiB: number;
  };
  readonly small: {
    readonly files: number;
    readonly megabytes: number;
    readonly seconds: number;
    readonly peakMiB: number;
    readonly filesWritten: number;
    readonly commits: number;
  };
}

async function measure(address: S3Address, known: number, small: number): Promise<Figures> {
  return { small: await measureSmall(address, small), known: await measureKnown(address, known) };
}

async function measureKnown(address: S3Address, files: number): Promise<Figures['known']> {
  const source = await place(
    address,
    'known',
    (n) => ({ key: knownKey(n), body: `{"id":"${n}"}\n` }),
    files + newFiles,
  );
  const dataset = await prepare(address, `lake-known-${Date.now()}`);
  const began = performance.now();
  await fillLedger(dataset, source, files);
  process.stderr.write(`the ledger was made in ${seconds(began)} s\n`);
  const listing = await time(async () => await count(source));
  const ledger = { source: 's3://known' };
  const task = planTask('measured', { input: { files: { location: source, selection: {} } }, ledger });
  const { result, peakMiB, took, cpu } = await runTask({ ...task, dataset });
  if (result.batch?.files.skipped !== files) throw new Error(`skipped: ${JSON.stringify(result)}`);
  return { files, listingSeconds: listing, planSeconds: took, planCpuSeconds: cpu, peakMiB };
}

/** Days of a thousand files each; the new ones are the last. */
function knownKey(n: number): string {
  const day = new Date(Date.UTC(2020, 0, 1 + Math.floor(n / 1_000))).toISOString().slice(0, 10);
  return `dt=${day}/part-${String(n % 1_000).padStart(5, '0')}.jsonl`;
}

async function measureSmall(address: S3Address, files: number): Promise<Figures['small']> {
  const line = (n: number, k: number) => `{"id":"${n}-${k}","n":${k},"text":"${'x'.repeat(64)}"}\n`;
  const body = (n: number) => Array.from({ length: 100 }, (_, k) => line(n, k)).join('');
  const source = await place(address, 'small', (n) => ({ key: `part-${n}.jsonl`, body: body(n) }), files);
  const dataset = await prepare(address, `lake-small-${Date.now()}`);
  const task = planTask('small', { input: { files: { location: source, selection: {} } } });
  const { result, peakMiB, took } = await runTask({ ...task, dataset });
  if (result.batch?.outcome !== 'Committed') throw new Error(JSON.stringify(result));
  return {
    files,
    megabytes: Math.round(result.bytes / 1e6),
    seconds: took,
    peakMiB,
    filesWritten: result.batch.files.output,
    commits: (result.table?.sequence ?? Number.NaN) - 1,
  };
}

/** A bucket with so many objects; those of an earlier run are used again. */
async function place(
  address: S3Address,
  bucket: string,
  objectAt: (n: number) => { key: string; body: string },
  objects: number,
): Promise<StoreLocation> {
  await createBucket(address, bucket).catch(ifThere);
  const location = { s3: await s3Location(address, { bucket }) };
  if ((await count(location)) !== objects) await putAll(address, bucket, objects, objectAt);
  return location;
}

function ifThere(thrown: unknown): void {
  if (!(thrown instanceof Error) || thrown.name !== 'BucketAlreadyOwnedByYou') throw thrown;
}

async function count(location: StoreLocation): Promise<number> {
  const store = await openStore(location);
  let objects = 0;
  for await (const _ of listFiles(store, location, {}, new AbortController().signal)) objects += 1;
  await store.close();
  return objects;
}

async function prepare(address: S3Address, bucket: string): Promise<DatasetTarget> {
  await createBucket(address, bucket);
  const storage = { s3: await s3Location(address, { bucket }) };
  const dataset: DatasetTarget = { owner: { installation: 'bench', namespace: 'default', name: 'events' }, storage };
  const { table, ...task } = prepareTask();
  await runPrepare({ ...task, dataset, table: { ...table, format: 'Iceberg' } }, environment());
  return dataset;
}

/** As committed runs leave it, without the rows. */
async function fillLedger(target: DatasetTarget, source: StoreLocation, files: number): Promise<void> {
  const waiting = environment();
  const [lake, store] = await Promise.all([openStore(target.storage), openStore(source)]);
  const dataset = await openDataset(lake, target, waiting);
  let some: PlanInput[] = [];
  let left = files;
  for await (const { key, size, etag } of store.list('')) {
    if (left > 0) some.push({ key, name: key, size, etag });
    left -= 1;
    if (some.length === filesInRun || left === 0) {
      await commitClaim(dataset, some, waiting);
      some = [];
    }
  }
  await foldLedger(dataset, waiting);
  await Promise.all([lake.close(), store.close()]);
}

let runs = 0;
async function commitClaim(dataset: Dataset, files: readonly PlanInput[], waiting: Environment): Promise<void> {
  runs += 1;
  const { request } = planTask(`known-${runs}`);
  const newRun = { batch: request.batch, run: 1, request: { token: '', digest: '' }, earlier: [] };
  const state = await loadState(dataset.table);
  const plan = await planFiles(dataset, state, newRun, request, { files, source: 's3://known' }, waiting);
  const { decision, landing } = committed(plan);
  const batch = batchDigest(plan.batch);
  await dataset.store.put(decisionKey(batch, 1), JSON.stringify(decision));
  await dataset.store.put(markerKey(batch, 1), JSON.stringify(landing));
}

function committed({ attempt, table, time: planned, files }: Plan): { decision: Decision; landing: Landing } {
  const common = { version: 1, attempt, outcome: 'Committed', time: planned } as const;
  return {
    landing: common,
    decision: {
      ...common,
      table,
      run: 1,
      reason: 'Active',
      message: '',
      records: zeroRecords(),
      files: { ...files, failed: 0, output: 0 },
      bytes: { input: 0, output: 0 },
      errors: [],
      dataFiles: [],
      rejectFiles: [],
    },
  };
}

interface Ran {
  readonly result: PlanResult;
  readonly took: number;
  readonly cpu: number;
  readonly peakMiB: number;
}

/** As a pod runs it; the peak is the kernel's own (GNU time). */
async function runTask(task: PlanTask): Promise<Ran> {
  const folder = await mkdtemp(join(tmpdir(), 'forebay-bench-'));
  const file = join(folder, 'task.json');
  await writeFile(file, JSON.stringify(task));
  const main = join(import.meta.dirname, '..', 'ingestor', 'main.ts');
  const command = ['-v', process.execPath, ...heap, main, 'plan', '--task', file, '--print-result'];
  const began = performance.now();
  const child = spawn('/usr/bin/time', command, { stdio: ['ignore', 'pipe', 'pipe'] });
  const [output, told] = [text(child.stdout), text(child.stderr)];
  const [code] = await once(child, 'exit');
  const took = seconds(began);
  await rm(folder, { recursive: true });
  if (code !== 0) throw new Error(`the task ended with ${code}: ${await told}`);
  const figure = async (name: string) => Number(new RegExp(`${name}[^:]*: ([0-9.]+)`).exec(await told)?.[1]);
  const line = (await output).trim().split('\n').at(-1) ?? '';
  return {
    result: parseDocument(PlanResult, line, 'the result', 'InvalidTask'),
    took,
    cpu: Math.round(((await figure('User time')) + (await figure('System time'))) * 10) / 10,
    peakMiB: Math.round((await figure('Maximum resident set size')) / 1024),
  };
}

async function text(stream: AsyncIterable<unknown>): Promise<string> {
  let all = '';
  for await (const chunk of stream) all += String(chunk);
  return all;
}

async function time(work: () => Promise<unknown>): Promise<number> {
  const began = performance.now();
  await work();
  return seconds(began);
}

function seconds(began: number): number {
  return Math.round((performance.now() - began) / 100) / 10;
}

function environment(): Environment {
  const { signal } = new AbortController();
  return { openStore, clock: systemClock, random: systemRandom, signal, log: silentLog, progress: () => {} };
}

function report({ known, small }: Figures): string {
  return [
    `${known.files} known files: listing alone ${known.listingSeconds} s, plan ${known.planSeconds} s (${known.planCpuSeconds} s of CPU), peak ${known.peakMiB} MiB`,
    `${small.files} files, ${small.megabytes} MB, in one batch: ${small.seconds} s, peak ${small.peakMiB} MiB, ` +
      `${small.filesWritten} files written, ${small.commits} commits`,
    '',
  ].join('\n');
}

const { values } = parseArgs({
  options: {
    known: { type: 'string', default: '1000000' },
    small: { type: 'string', default: '10000' },
    server: { type: 'string' },
    output: { type: 'string', short: 'o', default: 'text' },
    help: { type: 'boolean', short: 'h' },
  },
});
if (values.help) {
  process.stdout.write(help);
} else {
  const server = values.server === undefined ? await startSeaweedFS() : undefined;
  const address: S3Address = server?.address ?? JSON.parse(await readFile(values.server ?? '', 'utf8'));
  try {
    const figures = await measure(address, Number(values.known), Number(values.small));
    process.stdout.write(values.output === 'json' ? `${JSON.stringify(figures, undefined, 2)}\n` : report(figures));
  } finally {
    await server?.stop();
  }
}
