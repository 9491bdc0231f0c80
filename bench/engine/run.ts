/** Validated ingestion beside DuckDB's plain COPY, in one run. `make bench-engine`; see bench/README.md. */
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { bundleForebay } from './bundle.ts';
import { type BenchCase, cases } from './cases.ts';
import { type Figures, figuresOf, markdownTable, textTable } from './report.ts';
import { runRounds } from './rounds.ts';
import { measureStart } from './start.ts';

const help = `Measures the engine beside DuckDB's COPY to the same Parquet, which checks no rules.

Usage: make bench-engine, or node bench/engine/run.ts [flags]

  --rounds N       How often each case is measured, by turns. Default: 3, with --quick 1
  --quick          100 MB of each case, for a look
  --cases A,B      Only cases whose names begin so. There are:
                   ${cases.map(({ name }) => name).join('\n                   ')}
  --times N        Reads each file N times: memory at 8 GB with --times 8. Default: 1
  --plain          Without the kernel's walkers
  -o, --output F   text (default) or json

Input files are made once, in ~/.cache/forebay/bench: 3.6 GB, or 1 GB with --quick. A run of all cases as they are
writes bench/results.json and the table in bench/README.md.
`;

const { values } = parseArgs({
  options: {
    rounds: { type: 'string' },
    quick: { type: 'boolean', default: false },
    cases: { type: 'string' },
    times: { type: 'string', default: '1' },
    plain: { type: 'boolean', default: false },
    output: { type: 'string', short: 'o', default: 'text' },
    help: { type: 'boolean', short: 'h' },
  },
});
const folder = join(import.meta.dirname, '..');
const [tableBegins, tableEnds] = ['<!-- make bench-engine writes from here -->', '<!-- to here -->'];

async function main(): Promise<void> {
  const { quick, plain } = values;
  const rounds = Number(values.rounds ?? (quick ? 1 : 3));
  const times = Number(values.times);
  const chosen = cases.filter(isChosen);
  if (chosen.length === 0) throw new Error(`there is no case ${values.cases}; see --help`);
  const options = { rounds, times, plain, ...(quick ? { megabytes: 100 } : {}) };
  await bundleForebay();
  const start = await measureStart();
  const figures = figuresOf(await runRounds(chosen, options), options, start);
  process.stdout.write(values.output === 'json' ? `${JSON.stringify(figures, undefined, 2)}\n` : textTable(figures));
  if (chosen.length === cases.length && times === 1 && !quick && !plain) await publish(figures);
}

function isChosen({ name }: BenchCase): boolean {
  const wanted = values.cases?.split(',');
  return wanted === undefined || wanted.some((prefix) => name.startsWith(prefix));
}

async function publish(figures: Figures): Promise<void> {
  await writeFile(join(folder, 'results.json'), `${JSON.stringify(figures, undefined, 2)}\n`);
  const readme = join(folder, 'README.md');
  const text = await readFile(readme, 'utf8');
  const [begin, end] = [text.indexOf(tableBegins), text.indexOf(tableEnds)];
  if (begin < 0 || end < begin) throw new Error(`${readme} has no place for the table`);
  const table = `\n\n${markdownTable(figures)}\n\n`;
  await writeFile(readme, `${text.slice(0, begin + tableBegins.length)}${table}${text.slice(end)}`);
}

if (values.help) process.stdout.write(help);
else await main();
