/** `node test/conformance/main.ts DIR`, as `make conformance SUITE=DIR` calls it. */
import { readFile, writeFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import { page } from './page.ts';
import { type FileResult, judgeFile } from './results.ts';
import { readSuite } from './suite.ts';

const help = `Runs the official JSON-Schema-Test-Suite through the engine: each case as a record, accepted or refused.

Usage: make conformance SUITE=DIR, or node test/conformance/main.ts DIR [options]

  DIR          A copy of github.com/json-schema-org/JSON-Schema-Test-Suite; its drafts draft7 and draft2020-12 are run
  --only TEXT  Only files whose name contains the text
  --write      Write the table of results into docs/json-schema.md
  -o json      The results as JSON, on standard output
  --help       This text

Ends with 1 when a case is wrong: neither judged as the suite says, nor refused with its schema by a message that names
the keyword, nor one of the few that are meant to be otherwise. Progress goes to standard error.
`;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    help: { type: 'boolean', default: false },
    only: { type: 'string', default: '' },
    write: { type: 'boolean', default: false },
    output: { type: 'string', short: 'o', default: 'text' },
  },
});
const [suite] = positionals;
if (values.help) process.stdout.write(help);
else if (suite === undefined) {
  process.stderr.write(help);
  process.exitCode = 2;
} else await run(suite);

async function run(directory: string): Promise<void> {
  const files = (await readSuite(directory)).filter(({ name }) => name.includes(values.only));
  const results: FileResult[] = [];
  for (const file of files) {
    const result = await judgeFile(file);
    results.push(result);
    process.stderr.write(`${results.length}/${files.length} ${line(result)}\n`);
  }
  if (values.write) await writePage(results);
  if (values.output === 'json') process.stdout.write(`${JSON.stringify({ files: results }, null, 2)}\n`);
  else process.stdout.write(summary(results));
  process.exitCode = results.some(({ counts }) => counts.wrong > 0) ? 1 : 0;
}

function line({ draft, name, counts }: FileResult): string {
  const { right, refused, chosen, wrong } = counts;
  return `${draft} ${name}: ${right} right, ${refused} refused with their schema, ${chosen} otherwise on purpose, ${wrong} wrong`;
}

function summary(results: readonly FileResult[]): string {
  const sum = (of: (result: FileResult) => number) => results.reduce((total, result) => total + of(result), 0);
  const wrong = results.flatMap((result) =>
    result.wrong.map((text) => `WRONG ${result.draft} ${result.name}: ${text}\n`),
  );
  const counts = {
    right: sum((result) => result.counts.right),
    refused: sum((result) => result.counts.refused),
    chosen: sum((result) => result.counts.chosen),
    wrong: sum((result) => result.counts.wrong),
  };
  const total = { draft: 'draft-07' as const, name: '', counts, walked: 0, refusals: [], wrong: [] };
  return `${wrong.join('')}${results.length} files${line(total).slice('draft-07 '.length)}\n`;
}

async function writePage(results: readonly FileResult[]): Promise<void> {
  const path = new URL('../../docs/json-schema.md', import.meta.url);
  await writeFile(path, page(await readFile(path, 'utf8'), results));
}
