/** The life of a task's process: task document in, result document out, and an exit code that says who acts next. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { type Log, systemClock, systemRandom } from '../contract/environment.ts';
import { exitCodes, ForebayError, toForebayError } from '../contract/errors.ts';
import { encodeResult, type FailedResult, type Result } from '../contract/result.ts';
import { podLayout, type Verb } from '../contract/task.ts';
import type { Environment } from './environment.ts';
import { openLog } from './log.ts';
import { ProgressKeeper } from './progress-keeper.ts';
import { threadsHere } from './threads.ts';
import { verbs } from './verbs.ts';

/** Kubernetes kills 30 s after it asked to stop: by then the exit code must be known. */
const graceMilliseconds = 20_000;

/** Of an error, so that a result fits its 4,096 bytes whatever a name in it is like. */
const longestMessage = 1_000;

/** Runs the verb with the task document in `--task FILE`, or where pods have it. Answers the exit code. */
export async function runPod(verb: Verb, argv: readonly string[]): Promise<number> {
  const values = readOptions(verb, argv);
  if (values === undefined) return exitCodes.permanent;
  if (values.help) {
    process.stdout.write(`forebay ${verb} [--task FILE] [--print-result]\n`);
    return exitCodes.done;
  }
  const log = openLog(verb);
  const progress = new ProgressKeeper(verb);
  const environment: Environment = {
    openStore: async (location) => (await import('../store/open.ts')).openStore(location, environment),
    openCatalog: async (location, waiting = environment) => {
      const { openRestCatalog } = await import('../catalog/rest-catalog.ts');
      const { clock, random, signal } = waiting;
      return await openRestCatalog(location, { clock, random, signal, log });
    },
    clock: systemClock,
    random: systemRandom,
    signal: stopSignal(verb, log),
    log,
    progress: (update) => progress.update(update),
    threads: threadsHere(),
  };
  const { result, exitCode } = await runVerb(verb, values.task ?? podLayout.taskFile, environment, progress);
  if (result !== undefined) publish(result, values['print-result'] ?? false, log);
  return exitCode;
}

const options = {
  task: { type: 'string' },
  'print-result': { type: 'boolean' },
  help: { type: 'boolean' },
} as const;

function readOptions(verb: Verb, argv: readonly string[]) {
  try {
    return parseArgs({ args: [...argv], options, allowPositionals: false }).values;
  } catch (thrown) {
    process.stderr.write(`forebay ${verb}: ${toForebayError(thrown).message}\n`);
    return undefined;
  }
}

interface Ended {
  /** Absent for a verb that runs until it is told to stop. */
  readonly result: Result | undefined;
  readonly exitCode: number;
}

async function runVerb(
  verb: Verb,
  taskFile: string,
  environment: Environment,
  progress: ProgressKeeper,
): Promise<Ended> {
  try {
    // Since the process began; with it, what a pod costs beyond its work is in the log.
    environment.log.info({ startMilliseconds: Math.round(performance.now()) }, 'task starts');
    const running = verbs[verb](readTask(taskFile), environment);
    // An inlet serves its own status, with more in it.
    if (verb !== 'inlet') void progress.serve(environment.log);
    return { result: await running, exitCode: exitCodes.done };
  } catch (thrown) {
    const error = environment.signal.aborted ? interrupted(thrown) : toForebayError(thrown);
    return { result: failed(verb, error, environment.log), exitCode: error.exitCode };
  } finally {
    progress.close();
  }
}

function readTask(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (cause) {
    throw new ForebayError('InvalidTask', `the task document ${path} cannot be read`, { cause });
  }
}

/** An error that only says that the process was told to stop is none of the task's. */
function interrupted(thrown: unknown): ForebayError {
  const isOfTask = thrown instanceof ForebayError && thrown.exitCode === exitCodes.permanent;
  return isOfTask
    ? thrown
    : new ForebayError('Interrupted', 'told to stop before the task was done', { cause: thrown });
}

function failed(verb: Verb, error: ForebayError, log: Log): FailedResult {
  const { code } = error;
  const message = error.message.slice(0, longestMessage);
  log.error({ code, error: message, stack: error.stack, cause: describeCause(error) }, 'task failed');
  return { version: 1, verb, error: { code, message } };
}

function describeCause({ cause }: ForebayError): string | undefined {
  return cause instanceof Error ? (cause.stack ?? cause.message) : undefined;
}

/** The kubelet makes the file; on a laptop there is none, and none is made. */
function publish(result: Result, print: boolean, log: Log): void {
  const told = process.env.FOREBAY_TERMINATION_LOG;
  const path = told ?? podLayout.terminationLog;
  const text = encodeResult(result);
  try {
    if (told !== undefined || existsSync(path)) writeFileSync(path, text);
  } catch (thrown) {
    log.warn({ path, error: String(thrown) }, 'termination message not written');
  }
  if (print) process.stdout.write(`${text}\n`);
}

/**
 * Aborted by SIGTERM and SIGINT. A task that does not end then is ended: it is safe at any point. An inlet has senders
 * to answer and keeps its own time.
 */
function stopSignal(verb: Verb, log: Log): AbortSignal {
  const controller = new AbortController();
  const stop = (signal: NodeJS.Signals) => {
    log.info({ signal }, 'told to stop');
    controller.abort(new ForebayError('Interrupted', `told to stop (${signal})`));
    if (verb !== 'inlet') setTimeout(() => process.exit(exitCodes.retryable), graceMilliseconds).unref();
  };
  process.once('SIGTERM', stop);
  process.once('SIGINT', stop);
  return controller.signal;
}
