/** Runs both programs in turns and keeps what each run took. */
import { mkdir, mkdtemp, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { checkAgreement } from './agreement.ts';
import type { BenchCase } from './cases.ts';
import { type DuckdbWay, type Measured, runChild } from './child.ts';
import { cacheFolder, type MadeFile, madeFile } from './data/generate.ts';
import { inputNamed } from './data/inputs.ts';

export interface Options {
  readonly rounds: number;
  /** Instead of a case's own size. */
  readonly megabytes?: number;
  /** Each file is read so many times. */
  readonly times: number;
  readonly plain: boolean;
}

export interface CaseRuns {
  readonly case: BenchCase;
  readonly file: MadeFile;
  readonly forebay: readonly Measured[];
  readonly duckdb: ReadonlyMap<DuckdbWay, readonly Measured[]>;
  /** Good records that DuckDB did not write; undefined: not compared. */
  readonly duckdbLost: number | undefined;
}

/** By threads: the fastest counts. With one, the order of rows costs it next to nothing; with two, a third of its speed. */
const ways: Readonly<Record<number, readonly DuckdbWay[]>> = {
  1: ['ordered', 'unordered'],
  2: ['unordered', 'files'],
};

/** A round measures each case once, Forebay and DuckDB one after the other, so that a slow minute meets both. */
export async function runRounds(cases: readonly BenchCase[], options: Options): Promise<CaseRuns[]> {
  const prepared: Prepared[] = [];
  for (const one of cases) {
    const file = await madeFile(one.input, (options.megabytes ?? one.megabytes) * 1e6);
    const duckdb = new Map((ways[one.threads] ?? []).map((way) => [way, []]));
    prepared.push({ case: one, file, forebay: [], duckdb, duckdbLost: undefined });
  }
  for (let round = 1; round <= options.rounds; round += 1) {
    for (const runs of prepared) {
      const { forebay, duckdb, lost } = await runOnce(runs.case, runs.file, options, round === 1);
      runs.duckdbLost ??= lost;
      runs.forebay.push(forebay);
      for (const [way, measured] of duckdb) runs.duckdb.get(way)?.push(measured);
      const seconds = [...duckdb].map(([way, measured]) => `DuckDB ${way} ${measured.seconds.toFixed(1)} s`).join(', ');
      const name = `round ${round} of ${options.rounds}, ${runs.case.name}`;
      process.stderr.write(`${name}: Forebay ${forebay.seconds.toFixed(1)} s, ${seconds}\n`);
    }
  }
  return prepared;
}

interface Prepared extends CaseRuns {
  readonly forebay: Measured[];
  readonly duckdb: Map<DuckdbWay, Measured[]>;
  duckdbLost: number | undefined;
}

async function runOnce(one: BenchCase, file: MadeFile, { times, plain }: Options, check: boolean) {
  await mkdir(cacheFolder, { recursive: true });
  const folder = await mkdtemp(join(cacheFolder, 'run-'));
  try {
    const task = { input: one.input, file, times, threads: one.threads };
    const forebayFolder = join(folder, 'forebay');
    await mkdir(forebayFolder);
    const forebay = await runChild('forebay', { ...task, outFolder: forebayFolder, plain });
    checkCounts(one, file, forebay, times);
    const duckdb = new Map<DuckdbWay, Measured>();
    let lost: number | undefined;
    for (const way of ways[one.threads] ?? []) {
      const outFolder = join(folder, way);
      await mkdir(outFolder);
      duckdb.set(way, await runChild('duckdb', { ...task, outFolder, way }));
      // Once of each file, since the programs do the same each time.
      if (check && times === 1 && forebay.rows > 0) lost = await agree(one, file, forebayFolder, outFolder);
    }
    return { forebay, duckdb, lost };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function agree(one: BenchCase, file: MadeFile, forebayFolder: string, duckdbFolder: string): Promise<number> {
  const written = join(duckdbFolder, 'duckdb.parquet');
  const duckdb = (await stat(written)).isDirectory() ? join(written, '*.parquet') : written;
  const lost = await checkAgreement(inputNamed(one.input), join(forebayFolder, '*.parquet'), duckdb);
  if (lost > file.bad) throw new Error(`${one.name}: DuckDB has not ${lost} of the good records`);
  return lost;
}

/** The generator knows what it made. */
function checkCounts(one: BenchCase, file: MadeFile, { rows, records }: Measured, times: number): void {
  const { read = 0, failed = 0 } = records ?? {};
  if (read === times * file.records && failed === times * file.bad && rows === read - failed) return;
  const expected = `${times * file.records} records, ${times * file.bad} of them bad`;
  throw new Error(`${one.name}: ${read} were read, ${failed} refused, ${rows} written of ${expected}`);
}
