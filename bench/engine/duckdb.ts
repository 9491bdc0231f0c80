/** Copies the same file to the same Parquet, typed but not validated: `node duckdb.ts TASK`, see child.ts. */
import { statSync } from 'node:fs';
import { glob } from 'node:fs/promises';
import { join } from 'node:path';
import { DuckDBInstance } from '@duckdb/node-api';
import { type ChildTask, type Measured, measureWork } from './child.ts';
import type { BenchInput } from './data/input.ts';
import { inputNamed } from './data/inputs.ts';

async function copy({ input: name, file, times, threads, outFolder, way = 'ordered' }: ChildTask) {
  const input = inputNamed(name);
  const instance = await DuckDBInstance.create(':memory:', { threads: String(threads) });
  const connection = await instance.connect();
  await connection.run(`SET TimeZone = 'UTC'; SET preserve_insertion_order = ${way === 'ordered'}`);
  const out = join(outFolder, 'duckdb.parquet');
  const source = readFunction(
    input,
    Array.from({ length: times }, () => file.path),
  );
  const files = way === 'files' ? ', PER_THREAD_OUTPUT true' : '';
  const result = await connection.run(
    `COPY (SELECT ${input.duckdbSelect} FROM ${source}) TO ${quoted(out)}
     (FORMAT parquet, COMPRESSION zstd, COMPRESSION_LEVEL 1${files})`,
  );
  const rows = Number(result.rowsChanged);
  return { outputBytes: await sizeOf(out), rows } satisfies Pick<Measured, 'outputBytes' | 'rows'>;
}

/**
 * Fastest of what was tried: typed columns read directly instead of text that is cast, dates as TIMESTAMP that is cast to
 * TIMESTAMPTZ after (read_csv's own TIMESTAMPTZ is slower), no detection. What does not convert is passed over.
 */
function readFunction({ format, duckdbColumns }: BenchInput, paths: readonly string[]): string {
  const columns = Object.entries(duckdbColumns).map(([name, type]) => `${quoted(name)}: ${quoted(type)}`);
  const files = `[${paths.map(quoted).join(', ')}]`;
  const options = `columns = {${columns.join(', ')}}, ignore_errors = true`;
  if (format === 'JSONLines') return `read_json(${files}, format = 'newline_delimited', ${options})`;
  return `read_csv(${files}, auto_detect = false, header = true, delim = ',', quote = '"', escape = '"', ${options})`;
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}

async function sizeOf(out: string): Promise<number> {
  if (statSync(out).isFile()) return statSync(out).size;
  let sum = 0;
  for await (const file of glob('*.parquet', { cwd: out })) sum += statSync(join(out, file)).size;
  return sum;
}

const task: ChildTask = JSON.parse(process.argv[2] ?? '');
await measureWork(() => copy(task));
// The addon keeps the process for a while.
process.exit(0);
