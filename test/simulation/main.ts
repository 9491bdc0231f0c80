/** `node test/simulation/main.ts`, as `make simulate` calls it; `MUTATIONS=1` is mutations.ts. */
import { availableParallelism } from 'node:os';
import { installHooks } from './hooks.ts';
import { runSeeds } from './runner.ts';

const help = `Lives through weeks of a dataset by chance, and tells what went wrong.

Usage: make simulate, or node test/simulation/main.ts; what is wanted is said by variables

  SEEDS=N      How many. Default: 5000
  FIRST=N      The first. Default: 0
  SEED=N       One alone, with all that happens in it
  MUTATIONS=1  (make only) Without each guard of the protocol in turn
`;

const { SEED: seed, SEEDS: seeds = '5000', FIRST: first = '0' } = process.env;
if (process.argv.includes('--help')) process.stdout.write(help);
else if (seed) await replay(Number(seed));
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
