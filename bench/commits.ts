/**
 * What one commit costs as a table gets older: small batches one after the other into one dataset, on a real S3 server
 * on loopback, in this process. Flat is what it should be. `node bench/commits.ts`.
 */
import { parseArgs } from 'node:util';
import { silentLog, systemClock, systemRandom } from '../ingestor/contract/environment.ts';
import type { DatasetTarget, TableSettings } from '../ingestor/contract/task.ts';
import { openStore } from '../ingestor/store/open.ts';
import type { Environment } from '../ingestor/tasks/environment.ts';
import { runPlan } from '../ingestor/tasks/plan.ts';
import { runPrepare } from '../ingestor/tasks/prepare.ts';
import { s3Location } from '../test/integration/support/s3-location.ts';
import { createBucket, startSeaweedFS } from '../test/servers/s3.ts';
import { planTask, prepareTask, records } from '../test/support/lake-in-memory.ts';

const help = `Commits small batches one after the other and tells how long they took at each age of the table.

Usage: node bench/commits.ts [--commits N] [--format F] [-o json]

  --commits N      Default: 1000
  --format F       Iceberg (default) or Parquet
  -o, --output F   text (default) or json
`;

/** Commits that one figure is the median of. */
const window = 10;

interface Figure {
  /** Commits in the table when the window ended. */
  readonly commits: number;
  readonly medianMilliseconds: number;
}

async function measure(commits: number, format: TableSettings['format']): Promise<Figure[]> {
  const server = await startSeaweedFS();
  try {
    await createBucket(server.address, 'lake');
    const storage = { s3: await s3Location(server.address, { bucket: 'lake' }) };
    const dataset: DatasetTarget = { owner: { installation: 'bench', namespace: 'default', name: 'events' }, storage };
    const { table, ...prepare } = prepareTask();
    await runPrepare({ ...prepare, dataset, table: { ...table, format } }, environment());
    const times: number[] = [];
    for (let n = 1; n <= commits; n += 1) {
      times.push(await commitOne(dataset, n));
      if (n % 100 === 0) process.stderr.write(`${n} of ${commits} commits\n`);
    }
    const ages = [10, 100, 200, 500, 1_000, 2_000].filter((age) => age <= commits);
    return ages.map((age) => ({ commits: age, medianMilliseconds: median(times.slice(age - window, age)) }));
  } finally {
    await server.stop();
  }
}

async function commitOne(dataset: DatasetTarget, n: number): Promise<number> {
  const task = planTask(`batch-${n}`, { input: { inline: { data: records(`batch-${n}`, 10) } } });
  const began = performance.now();
  const { batch } = await runPlan({ ...task, dataset }, environment());
  if (batch?.outcome !== 'Committed') throw new Error(`batch ${n}: ${JSON.stringify(batch)}`);
  return performance.now() - began;
}

function environment(): Environment {
  const { signal } = new AbortController();
  const progress = () => {};
  return { openStore, clock: systemClock, random: systemRandom, signal, log: silentLog, progress };
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return Math.round(sorted[Math.floor(sorted.length / 2)] ?? Number.NaN);
}

function report(figures: readonly Figure[]): string {
  const lines = figures.map(
    ({ commits, medianMilliseconds }) =>
      `${String(commits).padStart(6)} commits in the table   median ${medianMilliseconds} ms for a batch of 10 records`,
  );
  return `${lines.join('\n')}\n`;
}

const { values } = parseArgs({
  options: {
    commits: { type: 'string', default: '1000' },
    format: { type: 'string', default: 'Iceberg' },
    output: { type: 'string', short: 'o', default: 'text' },
    help: { type: 'boolean', short: 'h' },
  },
});
if (values.help) {
  process.stdout.write(help);
} else {
  const figures = await measure(Number(values.commits), values.format === 'Parquet' ? 'Parquet' : 'Iceberg');
  process.stdout.write(values.output === 'json' ? `${JSON.stringify(figures, undefined, 2)}\n` : report(figures));
}
