/** Runs seeds in threads, each with the modules changed as wanted. */
import { Worker } from 'node:worker_threads';
import type { Replacement } from './hooks.ts';
import type { SeedResult } from './simulate.ts';

export interface SeedRun {
  readonly first: number;
  /** How many. */
  readonly seeds: number;
  readonly threads: number;
  readonly replacements?: readonly Replacement[];
  /** Answers true when no more seeds are to be begun. */
  onResult(result: SeedResult): boolean;
}

/** A seed that gives no result for so long never will. */
const patienceMilliseconds = 120_000;

export async function runSeeds(run: SeedRun): Promise<void> {
  let next = run.first;
  let isOver = false;
  const takeSeed = () => {
    if (isOver || next >= run.first + run.seeds) return undefined;
    next += 1;
    return next - 1;
  };
  const take = (result: SeedResult) => {
    isOver = run.onResult(result) || isOver;
  };
  const threads = Math.min(run.threads, run.seeds);
  await Promise.all(Array.from({ length: threads }, () => runThread(run, takeSeed, take)));
}

async function runThread(
  { replacements = [] }: SeedRun,
  takeSeed: () => number | undefined,
  take: (result: SeedResult) => void,
): Promise<void> {
  const worker = new Worker(new URL('./worker.ts', import.meta.url), { workerData: { replacements } });
  try {
    for (let seed = takeSeed(); seed !== undefined; seed = takeSeed()) {
      const result = await simulateIn(worker, seed);
      take(result);
      if (result.failures[0] === hangs) return;
    }
  } finally {
    await worker.terminate();
  }
}

const hangs = 'it gives no result';

async function simulateIn(worker: Worker, seed: number): Promise<SeedResult> {
  const { promise, resolve, reject } = Promise.withResolvers<SeedResult>();
  const giveUp = setTimeout(() => {
    resolve({ seed, hash: '', failures: [hangs], milliseconds: patienceMilliseconds });
  }, patienceMilliseconds);
  worker.on('message', resolve);
  worker.on('error', reject);
  worker.postMessage(seed);
  return await promise.finally(() => {
    clearTimeout(giveUp);
    worker.off('message', resolve);
    worker.off('error', reject);
  });
}
