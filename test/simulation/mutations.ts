/**
 * Takes each guard of the protocol out in turn, and counts the seeds until the oracle says so. Writes the table
 * `mutations.md`. SEEDS: most that are tried for each (default 20,000); ONLY: a part of a guard's text.
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import type { Replacement } from './hooks.ts';
import { type Mutation, mutations } from './mutation-list.ts';
import { runSeeds } from './runner.ts';

export interface Missed {
  /** How many seeds it took; undefined: none missed the guard. */
  readonly seed: number | undefined;
  readonly failure: string;
  readonly tried: number;
}

/** The first seed that fails without the guard, and not with it. */
export async function findSeed({ replacements }: Mutation, most: number, threads: number): Promise<Missed> {
  for (let first = 0; ; ) {
    const found = await findFailing(replacements, first, most - first, threads);
    if (found.seed === undefined) return found;
    const asItIs = await findFailing([], found.seed, 1, 1);
    if (asItIs.seed === undefined) return found;
    console.log(`seed ${found.seed} fails as it is: ${asItIs.failure}`);
    first = found.seed + 1;
  }
}

async function findFailing(
  replacements: readonly Replacement[],
  first: number,
  seeds: number,
  threads: number,
): Promise<Missed> {
  let [failing, failure, tried] = [Number.POSITIVE_INFINITY, '', first];
  await runSeeds({
    first,
    seeds,
    threads,
    replacements,
    onResult: ({ seed, failures }) => {
      tried += 1;
      if (failures[0] === undefined || seed > failing) return failing !== Number.POSITIVE_INFINITY;
      [failing, failure] = [seed, failures[0]];
      return true;
    },
  });
  return { seed: Number.isFinite(failing) ? failing : undefined, failure, tried };
}

async function runMutations(): Promise<void> {
  const { SEEDS: most = '20000', ONLY: only = '' } = process.env;
  const rows = readRows();
  for (const mutation of mutations) {
    if (!mutation.guard.includes(only)) continue;
    const missed = await findSeed(mutation, Number(most), availableParallelism());
    const verdict = missed.seed === undefined ? `none of ${missed.tried}` : String(missed.seed + 1);
    console.log(`${verdict}: ${mutation.guard}: ${missed.failure.split('\n')[0]}`);
    rows.set(mutation.guard, rowOf(mutation, missed, verdict));
    writeFileSync(page, pageOf(mutations.flatMap(({ guard }) => rows.get(guard) ?? [])));
  }
}

const page = join(import.meta.dirname, 'mutations.md');

/** By their guards: those that are not tried now stay. */
function readRows(): Map<string, string> {
  if (!existsSync(page)) return new Map();
  const lines = readFileSync(page, 'utf8').split('\n');
  return new Map(
    lines.flatMap((line) => (line.startsWith('| ') ? [[line.split(' | ')[0]?.slice(2) ?? '', line]] : [])),
  );
}

function rowOf({ guard, unmissed }: Mutation, { seed, failure }: Missed, verdict: string): string {
  const what = seed === undefined ? (unmissed ?? 'untested: find out why') : shorten(failure);
  return `| ${guard} | ${verdict} | ${what} |`;
}

/** One line without names that chance gave. */
function shorten(failure: string): string {
  const [line = ''] = failure.split('\n');
  return line
    .replace(/[0-9a-f]{32,}/g, '…')
    .replace(/table-[0-9a-f-]{36}/g, 'table')
    .replaceAll('|', '\\|')
    .slice(0, 160);
}

function pageOf(rows: readonly string[]): string {
  return `<!-- Written by \`make simulate MUTATIONS=1\`. -->
# What happens without each guard

Each guard of the protocol is taken out in turn (\`mutation-list.ts\`), and seeds are simulated from 0 on until the oracle
finds something wrong that it does not find with the guard. Where none is found, the last column says why.

| Guard taken out | Seeds | What the oracle says |
| --- | --- | --- |
${rows.join('\n')}
`;
}

if (import.meta.main) await runMutations();
