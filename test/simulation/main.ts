/**
 * `node test/simulation/main.ts`, as `make simulate` calls it. SEEDS: how many (default 5,000); FIRST: the first;
 * SEED: one alone, with all that happens in it.
 * `MUTATIONS=1` is mutations.ts.
 */
import { availableParallelism } from 'node:os';
import { installHooks } from './hooks.ts';
import { runSeeds } from './runner.ts';

const { SEED: seed, SEEDS: seeds = '5000', FIRST: first = '0' } = process.env;
if (seed) await replay(Number(seed));
else await runMany(Number(first), Number(seeds));

async function replay(only: number): Promise<void> {
  installHooks();
  const { simulate } = await import('./simulate.ts');
  const { hash, failures, milliseconds } = await simulate(only, (line) => console.log(line));
  console.log(`seed ${only}: hash ${hash}, ${Math.round(milliseconds)} ms, ${failures.length} failures`);
  for (const failure of failures) console.log(failure);
  process.exitCode = failures.length > 0 ? 1 : 0;
}

async function runMany(from: number, count: number): Promise<void> {
  const start = performance.now();
  let [done, failed] = [0, 0];
  await runSeeds({
    first: from,
    seeds: count,
    threads: availableParallelism(),
    onResult: (result) => {
      done += 1;
      if (result.failures.length > 0) {
        failed += 1;
        console.log(`seed ${result.seed} (replay: make simulate SEED=${result.seed}): ${result.failures[0]}`);
      }
      if (done % 1_000 === 0) console.log(`${done} seeds, ${failed} failed, ${perSeed(start, done)} ms each`);
      return failed >= 20;
    },
  });
  console.log(`${done} seeds from ${from}, ${failed} failed, ${perSeed(start, done)} ms each`);
  process.exitCode = failed > 0 ? 1 : 0;
}

function perSeed(start: number, done: number): string {
  return ((performance.now() - start) / done).toFixed(1);
}
