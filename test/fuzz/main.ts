/** `make fuzz`: trials by chance until the time is up, or one seed again. */
import { availableParallelism } from 'node:os';
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';
import { type Checked, checkWithAjv } from './check.ts';
import { textOf } from './kept.ts';
import { minimise } from './minimise.ts';
import { makeTrial } from './trial.ts';

const help = `Compares the engine as users get it with the plain one, in which ajv judges every record, on schemas and bytes by
chance; JSON lines also with what ajv alone says of them. A trial that fails is made as small as it can be and printed
for test/fuzz/seeds.ts.

Usage: make fuzz, or node test/fuzz/main.ts; what is wanted is said by variables

  SECONDS=N   How long. Default: 60
  FIRST=N     The first seed. Default: one that the clock gives
  SEED=N      That one alone
  THREADS=N   Default: as many as there are cores
`;

interface Failure {
  readonly seed: number;
  readonly differences: readonly string[];
  readonly smallest: string;
}

type Message = { readonly seed: number; readonly checked: Checked; readonly failure?: Failure };

async function run(seed: number): Promise<Message> {
  const trial = makeTrial(seed);
  const checked = await checkWithAjv(trial);
  const [first] = checked.differences;
  if (first === undefined) return { seed, checked };
  const kind = kindOf(first);
  const smallest = await minimise(trial, async (smaller) => {
    const { differences } = await checkWithAjv(smaller);
    return differences[0] !== undefined && kindOf(differences[0]) === kind;
  });
  const { differences } = await checkWithAjv(smallest);
  return { seed, checked, failure: { seed, differences, smallest: textOf(smallest, `seed ${seed}: ${kind}`) } };
}

/** What differs, without the values. */
function kindOf(difference: string): string {
  return difference.slice(0, difference.startsWith('thrown') ? 60 : difference.indexOf(':')).replace(/ \d+$/, '');
}

function printFailure({ seed, differences, smallest }: Failure): void {
  process.stdout.write(`seed ${seed} (replay: make fuzz SEED=${seed}):\n  ${differences.join('\n  ')}\n${smallest},\n`);
}

class Tally {
  trials = 0;
  failed = 0;
  readonly #rows = new Map<string, { rows: number; walked: number; rejects: number }>();

  add({ format, rows, walked, rejects, differences }: Checked): void {
    this.trials += 1;
    if (differences.length > 0) this.failed += 1;
    const sum = this.#rows.get(format) ?? { rows: 0, walked: 0, rejects: 0 };
    this.#rows.set(format, { rows: sum.rows + rows, walked: sum.walked + walked, rejects: sum.rejects + rejects });
  }

  text(): string {
    const formats = [...this.#rows].map(([format, { rows, walked, rejects }]) => {
      const share = rows === 0 ? 0 : Math.round((100 * walked) / rows);
      return `${format} ${rows} rows (${share} % by the kernel), ${rejects} refused`;
    });
    return `${this.trials} trials, ${this.failed} failed; ${formats.join('; ')}`;
  }
}

async function fuzz(first: number, seconds: number, threads: number): Promise<void> {
  const tally = new Tally();
  const until = performance.now() + seconds * 1_000;
  let told = performance.now();
  process.stdout.write(`from seed ${first} on\n`);
  const workers = Array.from({ length: threads }, (_, index) => {
    return new Worker(import.meta.filename, { workerData: { first: first + index, step: threads } });
  });
  const mostFailures = 20;
  await new Promise<void>((resolve, reject) => {
    for (const worker of workers) {
      worker.on('error', reject);
      worker.on('message', ({ checked, failure }: Message) => {
        tally.add(checked);
        if (failure) printFailure(failure);
        if (performance.now() - told > 10_000) {
          told = performance.now();
          process.stdout.write(`${tally.text()}\n`);
        }
        if (performance.now() > until || tally.failed >= mostFailures) resolve();
      });
    }
  });
  await Promise.all(workers.map((worker) => worker.terminate()));
  process.stdout.write(`${tally.text()}\n`);
  process.exitCode = tally.failed > 0 ? 1 : 0;
}

async function work({ first, step }: { readonly first: number; readonly step: number }): Promise<void> {
  for (let seed = first; ; seed += step) parentPort?.postMessage(await run(seed));
}

async function replay(seed: number): Promise<void> {
  const { checked, failure } = await run(seed);
  if (failure) printFailure(failure);
  else process.stdout.write(`seed ${seed} is well: ${JSON.stringify(checked)}\n`);
  process.exitCode = failure ? 1 : 0;
}

const { SECONDS: seconds = '60', SEED: seed, FIRST: first, THREADS: threads } = process.env;
if (!isMainThread) await work(workerData);
else if (process.argv.includes('--help')) process.stdout.write(help);
else if (seed) await replay(Number(seed));
else await fuzz(Number(first ?? Date.now() % 2 ** 32), Number(seconds), Number(threads ?? availableParallelism()));
