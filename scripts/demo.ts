/**
 * The quickstart on a cluster, with real data: `make demo`. Shows the four kinds at work, what was
 * refused and why, and a query over the files by a reader that is not ours.
 */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { zstdDecompressSync } from 'node:zlib';
import { PutObjectCommand } from '@aws-sdk/client-s3';
import { forwardS3, startS3InCluster } from '../test/cluster/s3.ts';
import { createBucket, type S3Address, s3Client } from '../test/servers/s3.ts';
import { forward, kubeconfig, kubectl, startCluster } from '../test/support/cluster.ts';
import { installForebay } from '../test/support/install.ts';
import { listKeys, queryTable, readBytes } from '../test/support/lake.ts';

const help = `Runs examples/quickstart on the test cluster, which is started if none runs, and shows what comes of it.

Usage: make demo, or node scripts/demo.ts

It starts from an empty namespace "quickstart" and empty buckets each time, and leaves everything there to look at.
`;

const project = join(import.meta.dirname, '..');
const data = join(project, 'node_modules', 'vega-datasets', 'data');
const namespace = 'quickstart';
const landing = {
  'movies.json': 'movies.json',
  'flights-200k.json': 'flights-200k.json',
  'flights-3m.parquet': 'flights-3m.parquet',
} as const;

async function demo(): Promise<void> {
  await step('Cluster', startCluster);
  await step('S3 server in the cluster', startS3InCluster);
  await step('Forebay by its Helm chart', () => installForebay(['operator.inletReportSeconds=2']));
  const { address, forward: s3 } = await forwardS3();
  try {
    await step('Empty namespace and buckets', () => makeRoom(address));
    await step('Data of the vega-datasets package into the bucket "landing"', () => fillLanding(address));
    await step('kubectl apply -f examples/quickstart', () =>
      onNamespace('apply', '-f', join(project, 'examples/quickstart')),
    );
    await watch('Datasets', 'datasets', (items) => items.every((item) => isTrue(item, 'Ready')));
    await watch('Inlet', 'streaminlets', (items) => items.every((item) => isTrue(item, 'Ready')));
    await step('Records sent to the inlet "clicks"', sendClicks);
    await step('A file dropped into the source "airports", and a run asked for', () => dropAirports(address));
    await watch(
      'Batches',
      'batches',
      (items) => items.length >= 5 && items.every((item) => completionTime(item) !== undefined),
    );
    await watch('Inlet', 'streaminlets', (items) => items.every((item) => ingested(item) === 3));
    await show(address);
  } finally {
    await s3.stop();
  }
}

async function makeRoom(address: S3Address): Promise<void> {
  await kubectl(['delete', 'namespace', namespace, '--ignore-not-found', '--wait']);
  for (const bucket of ['landing', 'lake']) {
    await createBucket(address, bucket).catch(() => emptyBucket(address, bucket));
  }
  await kubectl(['create', 'namespace', namespace]);
  await kubectl(['label', 'namespace', namespace, 'pod-security.kubernetes.io/enforce=restricted']);
}

async function emptyBucket(address: S3Address, bucket: string): Promise<void> {
  const { DeleteObjectsCommand } = await import('@aws-sdk/client-s3');
  const client = s3Client(address);
  const keys = await listKeys({ address, bucket });
  for (let first = 0; first < keys.length; first += 1_000) {
    const Objects = keys.slice(first, first + 1_000).map((Key) => ({ Key }));
    await client.send(new DeleteObjectsCommand({ Bucket: bucket, Delete: { Objects, Quiet: true } }));
  }
  client.destroy();
}

async function fillLanding(address: S3Address): Promise<void> {
  const client = s3Client(address);
  for (const [Key, file] of Object.entries(landing)) {
    await client.send(new PutObjectCommand({ Bucket: 'landing', Key, Body: await readFile(join(data, file)) }));
  }
  client.destroy();
}

async function dropAirports(address: S3Address): Promise<void> {
  const client = s3Client(address);
  const Body = await readFile(join(data, 'airports.csv'));
  await client.send(new PutObjectCommand({ Bucket: 'landing', Key: 'airports/airports.csv', Body }));
  client.destroy();
  const request = `ingest.forebay.dev/requestedAt=${Date.now()}`;
  await onNamespace('annotate', 'sourceconnection', 'airports', request, '--overwrite');
}

/** Two good records, one bad, one batch: each answered once it is durable. */
async function sendClicks(): Promise<void> {
  const service = await forward({ namespace, target: 'service/clicks', port: 80 });
  const time = new Date().toISOString();
  const send = async (path: string, body: unknown) => {
    const headers = { authorization: 'Bearer quickstart-api-key', 'content-type': 'application/json' };
    const answer = await fetch(`${service.url}/collection/${path}${namespace}/clicks`, {
      method: 'POST',
      headers,
      body: JSON.stringify(body),
    });
    if (!answer.ok) throw new Error(`the inlet answered ${answer.status}: ${await answer.text()}`);
  };
  try {
    await send('', { _id: 'c-1', timestamp: time, page: '/', durationMs: 1200, tags: ['home', 'new'] });
    await send('batch/', {
      messages: [
        { _id: 'c-2', timestamp: time, page: '/shop' },
        { _id: 'c-3', timestamp: 'yesterday', page: '/shop' },
        { _id: 'c-4', timestamp: time, page: '/cart', tags: [] },
      ],
    });
  } finally {
    await service.stop();
  }
}

async function show(address: S3Address): Promise<void> {
  for (const kind of ['datasets', 'batches', 'streaminlets', 'sourceconnections']) await showCommand('get', kind);
  await showCommand(
    'get',
    'batch',
    'movies-1',
    '-o',
    'custom-columns=READ:.status.records.read,INGESTED:.status.records.ingested,FAILED:.status.records.failed,CODES:.status.errors[*].code,PATHS:.status.errors[*].path',
  );
  await showRejects(address);
  const query = `SELECT origin, count(*)::INT AS flights, round(avg(delay), 1) AS "mean delay" FROM records
  WHERE origin IS NOT NULL GROUP BY origin ORDER BY flights DESC LIMIT 5`;
  print(`\nDuckDB over the files that the newest snapshot of the Iceberg table "flights" names\n  ${query}`);
  console.table(await queryTable({ address, bucket: 'lake', prefix: 'flights' }, query));
  print(
    `Look around: export KUBECONFIG=${kubeconfig}; kubectl -n ${namespace} get forebay; kubectl explain batch.spec`,
  );
  print('End it: make cluster-down');
}

async function showRejects(address: S3Address): Promise<void> {
  const location = { address, bucket: 'lake', prefix: 'movies' };
  const [key] = (await listKeys(location, 'ingest/batches/')).filter((name) => name.includes('/rejects/'));
  if (key === undefined) throw new Error('the batch movies-1 has no reject file');
  const lines = zstdDecompressSync(await readBytes(location, `ingest/batches/${key}`))
    .toString()
    .trim()
    .split('\n');
  print(`\nThe ${lines.length} records of movies.json that were refused (reject file in the bucket)`);
  const rows = lines.slice(0, 4).map((line) => {
    const { file, record, errors, raw } = JSON.parse(line);
    const [{ code, path, message }] = errors;
    return { file, record, code, path, message, raw: `${raw.slice(0, 40)}...` };
  });
  console.table(rows);
}

/** One line that says what is done and how long it took. */
async function step(what: string, work: () => Promise<unknown>): Promise<void> {
  const began = Date.now();
  process.stdout.write(`${what} ... `);
  await work();
  print(`${((Date.now() - began) / 1_000).toFixed(1)} s`);
}

interface Item {
  readonly metadata: { readonly name: string };
  readonly status?: {
    readonly conditions?: readonly { readonly type: string; readonly status: string; readonly reason: string }[];
    readonly completionTime?: string;
    readonly records?: { readonly ingested?: number };
  };
}

const completionTime = ({ status }: Item) => status?.completionTime;
const ingested = ({ status }: Item) => status?.records?.ingested;

function isTrue({ status }: Item, type: string): boolean {
  return status?.conditions?.some((condition) => condition.type === type && condition.status === 'True') ?? false;
}

/** Waits until all is as wanted, and tells every change on the way. */
async function watch(what: string, plural: string, done: (items: readonly Item[]) => boolean): Promise<void> {
  const until = Date.now() + 120_000;
  for (let told = ''; Date.now() < until; await setTimeout(300)) {
    const { items }: { items: Item[] } = JSON.parse(await onNamespace('get', plural, '-o', 'json'));
    const line = items.map((item) => `${item.metadata.name} ${reasonOf(item)}`).join(', ');
    if (line !== told) print(`  ${what}: ${line}`);
    told = line;
    if (done(items)) return;
  }
  await showCommand('describe', plural);
  throw new Error(`${what} did not come to an end within two minutes`);
}

function reasonOf({ status }: Item): string {
  const conditions = status?.conditions ?? [];
  const told = conditions.find(({ type }) => type === 'Succeeded') ?? conditions.find(({ type }) => type === 'Ready');
  return told?.reason ?? 'new';
}

async function showCommand(...args: string[]): Promise<void> {
  print(`\n$ kubectl ${args.join(' ')}`);
  print((await onNamespace(...args)).trimEnd());
}

async function onNamespace(...args: string[]): Promise<string> {
  return await kubectl(['--namespace', namespace, ...args]);
}

function print(text: string): void {
  process.stdout.write(`${text}\n`);
}

const { values } = parseArgs({ options: { help: { type: 'boolean', short: 'h' } } });
if (values.help) {
  print(help);
} else {
  await demo();
}
