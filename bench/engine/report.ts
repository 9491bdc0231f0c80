/** From runs to figures, and to the table that people read. */
import { availableParallelism, cpus, totalmem } from 'node:os';
import { version as duckdbVersion } from '@duckdb/node-api';
import { pinningWorks } from './child.ts';
import { median } from './median.ts';
import type { CaseRuns, Options } from './rounds.ts';
import type { Start } from './start.ts';

export interface CaseFigures {
  readonly name: string;
  readonly megabytes: number;
  readonly records: number;
  readonly bad: number;
  /** Of the records that were ingested, those that the kernel took by itself. */
  readonly walkedShare: number;
  /** MB are 10^6 bytes of input; medians over the rounds. */
  readonly mbPerSecond: number;
  readonly duckdbMBPerSecond: number;
  readonly ratioToDuckdb: number;
  readonly cpuSecondsPerGB: number;
  readonly duckdbCpuSecondsPerGB: number;
  /** The most of any round. */
  readonly peakRssMB: number;
  readonly duckdbPeakRssMB: number;
  /** Good records that DuckDB did not write. */
  readonly duckdbLost?: number;
  readonly outputMB: number;
  readonly duckdbOutputMB: number;
  /** Speed per byte by that of the main case of the format with one thread, where that was measured. */
  readonly ratioToMain?: number;
}

export interface Figures {
  readonly measuredOn: {
    readonly processor: string;
    readonly cores: number;
    readonly memoryGB: number;
    readonly node: string;
    readonly duckdb: string;
    readonly pinnedToCores: boolean;
  };
  readonly rounds: number;
  readonly startMilliseconds: Start;
  readonly cases: readonly CaseFigures[];
}

export function figuresOf(runs: readonly CaseRuns[], options: Options, start: Start): Figures {
  const cases = runs.map((one) => caseFigures(one, options));
  const speeds = new Map(cases.map(({ name, mbPerSecond }) => [name, mbPerSecond]));
  return {
    measuredOn: {
      processor: cpus()[0]?.model ?? '',
      cores: availableParallelism(),
      memoryGB: Math.round(totalmem() / 1e9),
      node: process.version,
      duckdb: duckdbVersion(),
      pinnedToCores: pinningWorks(),
    },
    rounds: options.rounds,
    startMilliseconds: start,
    cases: cases.map((one, index) => {
      const main = speeds.get(runs[index]?.case.main ?? '');
      return main === undefined ? one : { ...one, ratioToMain: rounded(one.mbPerSecond / main, 2) };
    }),
  };
}

function caseFigures({ case: { name }, file, forebay, duckdb, duckdbLost }: CaseRuns, { times }: Options): CaseFigures {
  const megabytes = (times * file.bytes) / 1e6;
  const speed = (seconds: number) => megabytes / seconds;
  const perGB = (seconds: number) => (1_000 * seconds) / megabytes;
  // Of the ways to call it, the fastest.
  const best = [...duckdb.values()].sort((a, b) => secondsOf(a) - secondsOf(b))[0] ?? [];
  const { records, rows = 0 } = forebay[0] ?? {};
  return {
    name,
    megabytes: rounded(megabytes, 0),
    records: times * file.records,
    bad: times * file.bad,
    walkedShare: rows === 0 ? 0 : rounded((records?.walked ?? 0) / rows, 4),
    mbPerSecond: rounded(speed(secondsOf(forebay)), 1),
    duckdbMBPerSecond: rounded(speed(secondsOf(best)), 1),
    ratioToDuckdb: rounded(secondsOf(best) / secondsOf(forebay), 2),
    cpuSecondsPerGB: rounded(perGB(median(forebay.map((run) => run.cpuSeconds))), 2),
    duckdbCpuSecondsPerGB: rounded(perGB(median(best.map((run) => run.cpuSeconds))), 2),
    peakRssMB: Math.max(...forebay.map((run) => run.peakRssMB)),
    duckdbPeakRssMB: Math.max(...best.map((run) => run.peakRssMB)),
    ...(duckdbLost === undefined ? {} : { duckdbLost }),
    outputMB: rounded((forebay[0]?.outputBytes ?? 0) / 1e6, 1),
    duckdbOutputMB: rounded((best[0]?.outputBytes ?? 0) / 1e6, 1),
  };
}

function secondsOf(runs: readonly { readonly seconds: number }[]): number {
  return median(runs.map((run) => run.seconds));
}

function rounded(value: number, digits: number): number {
  return Number(value.toFixed(digits));
}

const heads = [
  'Case',
  'MB',
  'Forebay MB/s',
  'DuckDB MB/s',
  'Ratio',
  'CPU s per GB',
  'DuckDB',
  'Peak RSS MB',
  'DuckDB',
  'Output MB',
  'DuckDB',
  'To main',
];

function cells(one: CaseFigures): string[] {
  return [
    one.name,
    one.megabytes,
    one.mbPerSecond,
    one.duckdbMBPerSecond,
    one.ratioToDuckdb.toFixed(2),
    one.cpuSecondsPerGB.toFixed(2),
    one.duckdbCpuSecondsPerGB.toFixed(2),
    one.peakRssMB,
    one.duckdbPeakRssMB,
    one.outputMB,
    one.duckdbOutputMB,
    one.ratioToMain?.toFixed(2) ?? '',
  ].map(String);
}

export function textTable({ cases, startMilliseconds }: Figures): string {
  const rows = [heads, ...cases.map(cells)];
  const widths = heads.map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  const lines = rows.map((row) =>
    row
      .map((cell, column) => (column === 0 ? cell.padEnd(widths[0] ?? 0) : cell.padStart(widths[column] ?? 0)))
      .join('  '),
  );
  return `${lines.join('\n')}\n\n${startLine(startMilliseconds)}\n`;
}

export function markdownTable({ cases, measuredOn, rounds, startMilliseconds }: Figures): string {
  const { processor, cores, node, duckdb, pinnedToCores } = measuredOn;
  const line = (row: readonly string[]) => `| ${row.join(' | ')} |`;
  const pinned = pinnedToCores ? 'pinned to as many cores as threads' : 'not pinned to cores';
  return [
    line(heads),
    line(heads.map(() => '---')),
    ...cases.map((one) => line(cells(one))),
    '',
    `Medians of ${rounds} rounds on ${processor}, ${cores} cores, Node ${node}, DuckDB ${duckdb}, processes ${pinned}.`,
    `${startLine(startMilliseconds)}.`,
  ].join('\n');
}

function startLine({ taskMilliseconds, recordMilliseconds }: Start): string {
  return `Process start to its task: ${taskMilliseconds} ms; to the end of a committed batch of one record: ${recordMilliseconds} ms`;
}
