/** What an ingestor's process costs before it does its work, and until one record is in the table. */
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { silentLog, systemClock, systemRandom } from '../../ingestor/contract/environment.ts';
import type { DatasetTarget } from '../../ingestor/contract/task.ts';
import { openStore } from '../../ingestor/store/open.ts';
import type { Environment } from '../../ingestor/tasks/environment.ts';
import { runPrepare } from '../../ingestor/tasks/prepare.ts';
import { planTask, prepareTask, records } from '../../test/support/lake-in-memory.ts';
import { median } from './median.ts';

export interface Start {
  /** Since the process began, when its task starts, as its log says. */
  readonly taskMilliseconds: number;
  /** From the start of the process to its end: a batch of one record was planned, read, checked, written, committed. */
  readonly recordMilliseconds: number;
}

const bundle = join(import.meta.dirname, '..', '..', 'dist', 'layer', 'app', 'main.js');
const source = join(import.meta.dirname, '..', '..', 'ingestor', 'main.ts');
const processes = 11;

/** Median of some batches in a lake in a folder; of the bundle where it was made. */
export async function measureStart(): Promise<Start> {
  const folder = await mkdtemp(join(tmpdir(), 'forebay-bench-'));
  try {
    const owner = { installation: 'bench', namespace: 'default', name: 'events' };
    const dataset: DatasetTarget = { owner, storage: { local: { path: join(folder, 'lake') } } };
    await runPrepare({ ...prepareTask(), dataset }, environment);
    const starts: number[] = [];
    const ends: number[] = [];
    for (let index = 0; index < processes; index += 1) {
      const task = planTask(`batch-${index}`, { input: { inline: { data: records('record', 1) } } });
      const file = join(folder, 'task.json');
      await writeFile(file, JSON.stringify({ ...task, dataset }));
      const began = performance.now();
      const { stdout, stderr } = spawnSync(process.execPath, [main(), 'plan', '--task', file, '--print-result']);
      ends.push(performance.now() - began);
      if (!stdout.includes('"outcome":"Committed"')) throw new Error(`batch ${index}: ${stdout} ${stderr}`);
      starts.push(Number(/"startMilliseconds":(\d+)/.exec(stderr.toString())?.[1]));
    }
    return { taskMilliseconds: Math.round(median(starts)), recordMilliseconds: Math.round(median(ends)) };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

function main(): string {
  return existsSync(bundle) ? bundle : source;
}

const environment: Environment = {
  openStore: async (location) => await openStore(location, environment),
  openCatalog: () => Promise.reject(new Error('there is no catalog')),
  clock: systemClock,
  random: systemRandom,
  signal: new AbortController().signal,
  log: silentLog,
  progress: () => {},
};
