/**
 * Asks running pods for their progress, each on its own, and keeps the last answer of each pod that still exists.
 * Losing it loses nothing: what cannot be reached is asked less often, and status has fewer numbers for a while.
 */
import { request } from 'undici';
import { checkDocument } from '../../ingestor/contract/documents.ts';
import { InletProgress, TaskProgress } from '../../ingestor/contract/progress.ts';
import { podLayout } from '../../ingestor/contract/task.ts';
import { labelNames } from '../api/names.ts';
import { type Clock, type Informer, keyOf, type ObjectKey, type Pod } from '../runtime/index.ts';
import { hasStarted, terminationOf } from './pods.ts';

export interface ProgressPollerOptions {
  readonly clock: Clock;
  readonly pods: Informer<Pod>;
  readonly progressSeconds: number;
  readonly inletReportSeconds: number;
}

export type Report = TaskProgress | InletProgress;

interface Watched {
  readonly address: string;
  readonly stop: AbortController;
  heard?: Heard;
}

export interface Heard {
  readonly report: Report;
  /** Milliseconds since 1970. */
  readonly at: number;
}

/** Requests under way at once. */
const most = 16;
const timeoutMilliseconds = 2_000;
const longestPauseMilliseconds = 60_000;
/** The contract's documents take a few KiB. */
const maxReportBytes = 65_536;

export class ProgressPoller {
  readonly name = 'progress-poller';
  readonly #options: ProgressPollerOptions;
  /** By UID of the pod. */
  readonly #watched = new Map<string, Watched>();
  readonly #slots = new Slots(most);
  #listener: (kind: string, resource: ObjectKey) => void = () => {};

  constructor(options: ProgressPollerOptions) {
    this.#options = options;
  }

  /** Hears of the resource whose pod reported something new. */
  onReport(listener: (kind: string, resource: ObjectKey) => void): void {
    this.#listener = listener;
  }

  of(pod: Pod): Heard | undefined {
    return this.#watched.get(pod.metadata.uid ?? '')?.heard;
  }

  async run(signal: AbortSignal): Promise<void> {
    const unsubscribe = this.#options.pods.store.subscribe(({ before, after }) => {
      if (after !== undefined) this.#follow(after);
      else if (before !== undefined) this.#forget(before);
    });
    const { promise, resolve } = Promise.withResolvers<void>();
    signal.addEventListener('abort', () => resolve(), { once: true });
    if (!signal.aborted) await promise;
    unsubscribe();
    for (const { stop } of this.#watched.values()) stop.abort();
  }

  #follow(pod: Pod): void {
    const uid = pod.metadata.uid ?? '';
    const watched = this.#watched.get(uid);
    const isAlive = hasStarted(pod) && terminationOf(pod) === undefined && pod.status?.podIP !== undefined;
    if (watched !== undefined) {
      if (!isAlive) watched.stop.abort();
      return;
    }
    if (!isAlive) return;
    const added: Watched = { address: addressOf(pod), stop: new AbortController() };
    this.#watched.set(uid, added);
    void this.#poll(pod, added);
  }

  #forget(pod: Pod): void {
    const uid = pod.metadata.uid ?? '';
    this.#watched.get(uid)?.stop.abort();
    this.#watched.delete(uid);
  }

  /** Until the pod ends. Never throws. */
  async #poll(pod: Pod, watched: Watched): Promise<void> {
    const { signal } = watched.stop;
    const verb = pod.metadata.labels?.[labelNames.verb];
    const seconds = verb === 'inlet' ? this.#options.inletReportSeconds : this.#options.progressSeconds;
    const usual = seconds * 1_000;
    // The first answer of a pod that has just started says little; of an inlet one waits no full period.
    for (let pause = Math.min(usual, 5_000); !signal.aborted; ) {
      await this.#options.clock.sleep(pause, signal).catch(() => {});
      if (signal.aborted) return;
      const report = await this.#slots.use(() => fetchReport(watched.address, signal).catch(() => undefined));
      pause = report === undefined ? Math.min(Math.max(usual, pause * 2), longestPauseMilliseconds) : usual;
      if (report !== undefined) this.#keep(pod, watched, report);
    }
  }

  #keep(pod: Pod, watched: Watched, report: Report): void {
    watched.heard = { report, at: this.#options.clock.now() };
    const kind = pod.metadata.labels?.[labelNames.kind];
    const name = pod.metadata.labels?.[labelNames.name];
    if (kind !== undefined && name !== undefined) this.#listener(kind, { ...keyOf(pod), name });
  }
}

function addressOf(pod: Pod): string {
  const ip = pod.status?.podIP ?? '';
  return `http://${ip.includes(':') ? `[${ip}]` : ip}:${podLayout.statusPort}/progress`;
}

async function fetchReport(address: string, signal: AbortSignal): Promise<Report> {
  const { statusCode, body } = await request(address, {
    signal: AbortSignal.any([signal, AbortSignal.timeout(timeoutMilliseconds)]),
  });
  const text = await readAtMost(body, maxReportBytes);
  if (statusCode !== 200) throw new Error(`${address} answered ${statusCode}`);
  const value: unknown = JSON.parse(text);
  const isInlet = typeof value === 'object' && value !== null && 'verb' in value && value.verb === 'inlet';
  return isInlet
    ? checkDocument(InletProgress, value, address, 'InvalidTask')
    : checkDocument(TaskProgress, value, address, 'InvalidTask');
}

async function readAtMost(body: AsyncIterable<Buffer>, bytes: number): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of body) {
    size += chunk.length;
    if (size > bytes) throw new Error(`the answer is longer than ${bytes} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString();
}

/** So many at once; the others wait in order. */
class Slots {
  #free: number;
  readonly #waiting: (() => void)[] = [];

  constructor(most: number) {
    this.#free = most;
  }

  async use<T>(work: () => Promise<T>): Promise<T> {
    if (this.#free > 0) this.#free -= 1;
    else await new Promise<void>((resolve) => this.#waiting.push(resolve));
    try {
      return await work();
    } finally {
      const next = this.#waiting.shift();
      if (next === undefined) this.#free += 1;
      else next();
    }
  }
}
