/**
 * What a small batch, an idle operator and the start of an ingestor cost, on the test cluster and in one run.
 * `make bench-cluster`; prints a table, or with `-o json` the figures. See bench/README.md for what was measured and where.
 */
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { forwardS3, s3InCluster, startS3InCluster } from '../test/cluster/s3.ts';
import { kubectl, startCluster } from '../test/support/cluster.ts';
import { installForebay, operatorNamespace } from '../test/support/install.ts';
import { Workspace } from '../test/support/workspace.ts';

const help = `Measures on the test cluster, which is started if none runs.

Usage: make bench-cluster, or node bench/cluster.ts [--batches N] [-o json]

  --batches N      Small batches, one after the other. Default: 10
  -o, --output F   text (default) or json
`;

interface Figures {
  /** From \`kubectl apply\` to Succeeded as a watching client sees it. */
  readonly applyToSucceededSeconds: { readonly median: number; readonly least: number; readonly most: number };
  readonly operatorIdleMiB: number;
  /** Of the process in a pod: its start to its first work. */
  readonly podStartMilliseconds: number;
  /** On this machine, outside a pod; median of 10. */
  readonly processMilliseconds: { readonly node: number; readonly version: number; readonly task: number };
}

async function measure(batches: number): Promise<Figures> {
  await startCluster();
  await startS3InCluster();
  await installForebay();
  const { address, forward } = await forwardS3();
  const workspace = await Workspace.make('bench', { inCluster: s3InCluster, fromHost: address });
  try {
    const operatorIdleMiB = await idleMemory();
    await prepareDataset(workspace);
    const seconds: number[] = [];
    // The first warms the node: it is not counted.
    for (let index = 0; index <= batches; index += 1) {
      const took = await timeBatch(workspace, `small-${index}`);
      if (index > 0) seconds.push(took);
    }
    const starts = await podStarts(workspace);
    return {
      applyToSucceededSeconds: spread(seconds),
      operatorIdleMiB,
      podStartMilliseconds: spread(starts).median,
      processMilliseconds: processTimes(),
    };
  } finally {
    await workspace.delete();
    await forward.stop();
  }
}

async function prepareDataset(workspace: Workspace): Promise<void> {
  const schema = { inline: { type: 'object', properties: { id: { type: 'integer' } }, required: ['id'] } };
  const storage = { s3: workspace.s3('bench') };
  await workspace.apply('Dataset', 'bench', { schema, storage, table: { format: 'Parquet' } });
  await workspace.until('Dataset', 'bench', { type: 'Ready', status: 'True' });
}

async function timeBatch(workspace: Workspace, name: string): Promise<number> {
  const input = { inline: { data: '{"id": 1}\n{"id": 2}\n' } };
  const began = performance.now();
  await workspace.apply('Batch', name, { datasetRef: { name: 'bench' }, input, format: { type: 'JSONLines' } });
  await workspace.kubectl('wait', '--for=condition=Succeeded', `batch/${name}`, '--timeout=60s');
  return (performance.now() - began) / 1_000;
}

/** As the kubelet's own statistics tell it: the working set of the operator's container. */
async function idleMemory(): Promise<number> {
  const node = (await kubectl(['get', 'nodes', '-o', 'name'])).trim().replace('node/', '');
  const { pods }: Summary = JSON.parse(await kubectl(['get', '--raw', `/api/v1/nodes/${node}/proxy/stats/summary`]));
  const operator = pods.find(({ podRef }) => podRef.namespace === operatorNamespace);
  return Math.round((operator?.containers?.[0]?.memory?.workingSetBytes ?? Number.NaN) / 2 ** 20);
}

interface Summary {
  readonly pods: readonly {
    readonly podRef: { readonly namespace: string };
    readonly containers?: readonly { readonly memory?: { readonly workingSetBytes?: number } }[];
  }[];
}

/** Each task tells in its log how long its process was up when its work began. */
async function podStarts(workspace: Workspace): Promise<number[]> {
  const selector = 'ingest.forebay.dev/verb=plan';
  const log = await workspace.kubectl('logs', '-l', selector, '--tail=100', '--max-log-requests=50');
  return log.split('\n').flatMap((line) => /"startMilliseconds":(\d+)/.exec(line)?.slice(1).map(Number) ?? []);
}

function processTimes(): Figures['processMilliseconds'] {
  const main = join(import.meta.dirname, '..', 'dist', 'layer', 'app', 'main.js');
  return {
    node: timeProcess(['-e', '0']),
    version: timeProcess([main, 'version']),
    task: timeProcess([main, 'check', '--task', join(import.meta.dirname, 'no-such-task.json')]),
  };
}

/** Median of ten, milliseconds; how it ends does not matter here. */
function timeProcess(args: readonly string[]): number {
  const times = Array.from({ length: 10 }, () => {
    const began = performance.now();
    try {
      execFileSync(process.execPath, args, { stdio: 'ignore' });
    } catch {
      // A task without a document ends with 42.
    }
    return performance.now() - began;
  });
  return Math.round(spread(times).median);
}

function spread(values: readonly number[]): Figures['applyToSucceededSeconds'] {
  const sorted = [...values].sort((a, b) => a - b);
  const at = (index: number) => round(sorted[index] ?? Number.NaN);
  return { median: at(Math.floor(sorted.length / 2)), least: at(0), most: at(sorted.length - 1) };
}

function round(value: number): number {
  return Math.round(value * 100) / 100;
}

function report(figures: Figures): string {
  const { applyToSucceededSeconds: apply, operatorIdleMiB, podStartMilliseconds, processMilliseconds } = figures;
  return [
    `kubectl apply of a small Batch to Succeeded   median ${apply.median} s (${apply.least} to ${apply.most})`,
    `operator, idle, working set                   ${operatorIdleMiB} MiB`,
    `process start to first work, in a pod         ${podStartMilliseconds} ms`,
    `processes outside a pod: node -e 0            ${processMilliseconds.node} ms`,
    `  forebay version                             ${processMilliseconds.version} ms`,
    `  a task verb, to the reading of its document ${processMilliseconds.task} ms`,
    '',
  ].join('\n');
}

const { values } = parseArgs({
  options: {
    batches: { type: 'string', default: '10' },
    output: { type: 'string', short: 'o', default: 'text' },
    help: { type: 'boolean', short: 'h' },
  },
});
if (values.help) {
  process.stdout.write(help);
} else {
  const figures = await measure(Number(values.batches));
  process.stdout.write(values.output === 'json' ? `${JSON.stringify(figures, undefined, 2)}\n` : report(figures));
}
