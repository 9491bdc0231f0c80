/** Task pods without a cluster: each a process of the bundled program, that may be killed or stopped at any moment. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { setTimeout } from 'node:timers/promises';
import { build } from 'esbuild';
import { parseDocument } from '../../../ingestor/contract/documents.ts';
import { Result } from '../../../ingestor/contract/result.ts';
import type { Task } from '../../../ingestor/contract/task.ts';

const project = join(import.meta.dirname, '../../..');

export class TaskProgram {
  readonly #folder: string;
  #tasks = 0;

  private constructor(folder: string) {
    this.#folder = folder;
  }

  /** Bundled, since it starts in a third of the time. */
  static async make(): Promise<TaskProgram> {
    const folder = await mkdtemp(join(tmpdir(), 'forebay-tasks-'));
    await build({
      absWorkingDir: project,
      entryPoints: { main: 'ingestor/main.ts' },
      outdir: folder,
      outExtension: { '.js': '.mjs' },
      bundle: true,
      splitting: true,
      format: 'esm',
      platform: 'node',
      target: 'node26',
      // Packages in CommonJS call it for Node.js's own modules.
      banner: {
        js: "import { createRequire as requireOf } from 'node:module'; const require = requireOf(import.meta.url);",
      },
      logLevel: 'error',
    });
    return new TaskProgram(folder);
  }

  async start(task: Task): Promise<TaskProcess> {
    this.#tasks += 1;
    const file = join(this.#folder, `task-${this.#tasks}.json`);
    await writeFile(file, JSON.stringify(task));
    const argv = [join(this.#folder, 'main.mjs'), task.verb, '--task', file, '--print-result'];
    const env = { ...process.env, FOREBAY_STATUS_PORT: '0', FOREBAY_TERMINATION_LOG: `${file}.result` };
    return new TaskProcess(spawn(process.execPath, argv, { env, stdio: ['ignore', 'pipe', 'pipe'] }));
  }

  async remove(): Promise<void> {
    await rm(this.#folder, { recursive: true, force: true });
  }
}

export interface Ended {
  /** Null when it was killed. */
  readonly code: number | null;
  readonly result: Result | undefined;
  readonly log: string;
}

export class TaskProcess {
  readonly ended: Promise<Ended>;
  readonly #child: ChildProcess;

  constructor(child: ChildProcess) {
    this.#child = child;
    const { stdout, stderr } = child;
    if (stdout === null || stderr === null) throw new Error('both outputs are piped');
    this.ended = Promise.all([once(child, 'close'), text(stdout), text(stderr)]).then(([[code], output, log]) => ({
      code,
      log,
      result: output === '' ? undefined : parseDocument(Result, output, 'the result', 'InvalidTask'),
    }));
  }

  /** Without a chance to do anything any more. */
  async killAfter(milliseconds: number): Promise<Ended> {
    const timer = new AbortController();
    const killing = setTimeout(milliseconds, undefined, { signal: timer.signal }).then(
      () => this.#child.kill('SIGKILL'),
      () => {},
    );
    const ended = await this.ended;
    timer.abort();
    await killing;
    return ended;
  }

  /** Sleeps from then on, however long, until it is woken. */
  async stopAfter(milliseconds: number): Promise<void> {
    await setTimeout(milliseconds);
    this.#child.kill('SIGSTOP');
  }

  wake(): void {
    this.#child.kill('SIGCONT');
  }
}
