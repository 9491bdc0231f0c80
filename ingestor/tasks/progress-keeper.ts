import type { Server } from 'node:http';
import { setTimeout } from 'node:timers/promises';
import { zeroRecords } from '../contract/counts.ts';
import type { Log } from '../contract/environment.ts';
import type { TaskProgress } from '../contract/progress.ts';
import { podLayout, type Verb } from '../contract/task.ts';
import type { ProgressUpdate } from './environment.ts';

/** Most tasks are small: they are done before a server would have been loaded, and nobody asked how far they are. */
const patienceMilliseconds = 250;

/** Keeps how far the task is, and serves it on the status port. */
export class ProgressKeeper {
  #progress: TaskProgress;
  #server: Server | undefined;
  #isClosed = false;

  constructor(verb: Verb) {
    this.#progress = { version: 1, verb, phase: 'Starting', records: zeroRecords(), bytes: { input: 0, output: 0 } };
  }

  update(update: ProgressUpdate): void {
    this.#progress = { ...this.#progress, ...update };
  }

  /** Loaded after a while beside the work, which it never stops: who cannot listen is only not watched. */
  async serve(log: Log): Promise<void> {
    await setTimeout(patienceMilliseconds, undefined, { ref: false });
    if (this.#isClosed) return;
    const { createStatusServer } = await import('../inlet/status-server.ts');
    if (this.#isClosed) return;
    this.#server = createStatusServer({
      isHealthy: () => true,
      isReady: () => true,
      progress: () => this.#progress,
      metrics: () => metricsText(this.#progress),
    });
    this.#server.on('error', (error) => log.warn({ error: error.message }, 'progress is not served'));
    this.#server.listen(statusPort());
    this.#server.unref();
  }

  close(): void {
    this.#isClosed = true;
    this.#server?.close();
    this.#server?.closeAllConnections();
  }
}

function statusPort(): number {
  return Number(process.env.FOREBAY_STATUS_PORT ?? podLayout.statusPort);
}

function metricsText({ records, bytes }: TaskProgress): string {
  const { read, ingested, failed, skipped } = records;
  return [
    '# HELP forebay_task_records Records this task met so far.',
    '# TYPE forebay_task_records gauge',
    ...Object.entries({ read, ingested, failed, skipped }).map(
      ([of, n]) => `forebay_task_records{outcome="${of}"} ${n}`,
    ),
    '# HELP forebay_task_bytes Bytes this task read and wrote so far.',
    '# TYPE forebay_task_bytes gauge',
    `forebay_task_bytes{direction="input"} ${bytes.input}`,
    `forebay_task_bytes{direction="output"} ${bytes.output}`,
    '',
  ].join('\n');
}
