/** The measured programs, each in a process of its own: what they are told, and what they print in the end. */
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { heapOptions } from '../../operator/specs/quantity.ts';
import type { MadeFile } from './data/generate.ts';

export interface ChildTask {
  readonly input: string;
  readonly file: MadeFile;
  /** The file is read so many times, one after the other. */
  readonly times: number;
  readonly threads: number;
  /** A folder for what is written, which is there and empty. */
  readonly outFolder: string;
  /** DuckDB: keeps the order of rows (its default), or not, or not and writes a file for each thread. */
  readonly way?: DuckdbWay;
  /** Forebay: without the kernel's walkers. */
  readonly plain?: boolean;
}

/** Made by `bundle.ts`. */
export const forebayProgram = join(import.meta.dirname, '..', '..', 'dist', 'bench', 'forebay.js');

export type DuckdbWay = 'ordered' | 'unordered' | 'files';

export interface Measured {
  /** From the start of the work to the last byte written; without the start of the process. */
  readonly seconds: number;
  /** User and system, of all threads. */
  readonly cpuSeconds: number;
  /** Of the whole process: VmHWM. */
  readonly peakRssMB: number;
  readonly outputBytes: number;
  readonly rows: number;
  /** Forebay's own counts. */
  readonly records?: { readonly read: number; readonly failed: number; readonly walked: number };
}

/** Of a pod with 512 MiB, as the operator starts it. */
const heap = heapOptions('512Mi') ?? [];

/** A run of `forebay.ts` or `duckdb.ts`. With one thread it gets one core, else V8's and DuckDB's helpers run on others. */
export async function runChild(program: 'forebay' | 'duckdb', task: ChildTask): Promise<Measured> {
  const script = program === 'forebay' ? forebayProgram : join(import.meta.dirname, 'duckdb.ts');
  const node = [process.execPath, ...(program === 'forebay' ? heap : []), script, JSON.stringify(task)];
  const [command = '', ...args] = pinningWorks() ? ['taskset', '-c', cores(task.threads), ...node] : node;
  const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  let printed = '';
  child.stdout.on('data', (chunk: Buffer) => {
    printed += chunk.toString();
  });
  const [code] = await once(child, 'close');
  if (code !== 0) throw new Error(`${program} on ${task.input} ended with ${code}`);
  return JSON.parse(printed);
}

/** The last ones: the first has most interrupts. */
function cores(threads: number): string {
  const all = allowedCores();
  return all.slice(-threads).join(',');
}

function allowedCores(): number[] {
  const list = /^Cpus_allowed_list:\s*(\S+)/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1] ?? '0';
  return list.split(',').flatMap((part) => {
    const [first = 0, last = first] = part.split('-').map(Number);
    return Array.from({ length: last - first + 1 }, (_, index) => first + index);
  });
}

let pinning: boolean | undefined;

/** Linux has taskset; elsewhere one thread may use more than one core. */
export function pinningWorks(): boolean {
  try {
    pinning ??= execFileSync('taskset', ['-c', cores(1), 'true']).length === 0;
  } catch {
    pinning = false;
  }
  return pinning;
}

/** Measures the work and prints what it took; called in the child. */
export async function measureWork(
  work: () => Promise<Pick<Measured, 'outputBytes' | 'rows' | 'records'>>,
): Promise<void> {
  const cpu = process.cpuUsage();
  const began = performance.now();
  const done = await work();
  const seconds = (performance.now() - began) / 1_000;
  const { user, system } = process.cpuUsage(cpu);
  const measured: Measured = { ...done, seconds, cpuSeconds: (user + system) / 1e6, peakRssMB: peakRssMB() };
  process.stdout.write(`${JSON.stringify(measured)}\n`);
}

/** The kernel's high-water mark; `getrusage` would count what the parent had when it forked. */
function peakRssMB(): number {
  try {
    const kilobytes = Number(/^VmHWM:\s*(\d+) kB/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1]);
    return Math.round((kilobytes * 1024) / 1e6);
  } catch {
    return Math.round((process.resourceUsage().maxRSS * 1024) / 1e6);
  }
}
