import { aborted, type Clock, Deadline } from './clock.ts';
import { ApiError, ConnectionError, isConflict, TerminalError } from './errors.ts';
import type { Logger } from './logger.ts';
import type { Counter, Gauge, Histogram, Registry } from './metrics.ts';
import { keyString, type ObjectKey, parseKey } from './objects.ts';
import type { Source } from './sources.ts';
import { WorkQueue, type WorkQueueObserver } from './workqueue.ts';

export interface ReconcileContext {
  /** Aborts at the deadline, on shutdown past the grace period, and when the lease is lost. Pass it on. */
  readonly signal: AbortSignal;
  /** Knows controller, namespace and name. */
  readonly log: Logger;
}

/** Nothing: done until something changes. `requeueAfterSeconds`: look again then, at the latest. */
// biome-ignore lint/suspicious/noConfusingVoidType: a reconcile without a return statement is the usual one
export type ReconcileResult = { readonly requeueAfterSeconds: number } | void;

/**
 * Brings one object nearer to what it says: level-based, from what is there, idempotent. An object that is gone is
 * asked about too. Throws to be tried again with back-off, TerminalError not to be.
 */
export type Reconcile = (key: ObjectKey, context: ReconcileContext) => Promise<ReconcileResult>;

export interface ControllerOptions {
  readonly name: string;
  readonly sources: readonly Source[];
  readonly reconcile: Reconcile;
  /** Objects in work at once. Default 4. */
  readonly workers?: number;
  /** Of one reconcile. Default 60. */
  readonly deadlineSeconds?: number;
}

export interface ControllerEnvironment {
  readonly clock: Clock;
  readonly log: Logger;
  readonly metrics: Registry;
}

const resultNames = ['success', 'requeue_after', 'error', 'terminal_error'] as const;
type ResultName = (typeof resultNames)[number];

/** Seconds: from a reconcile of caches alone to the deadline. */
const timeBuckets = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60];

export class Controller {
  readonly name: string;
  readonly #options: ControllerOptions;
  readonly #clock: Clock;
  readonly #log: Logger;
  readonly #queue: WorkQueue;
  readonly #metrics: ReconcileMetrics;

  constructor(options: ControllerOptions, environment: ControllerEnvironment) {
    this.name = options.name;
    this.#options = options;
    this.#clock = environment.clock;
    this.#log = environment.log.child({ controller: options.name });
    this.#metrics = new ReconcileMetrics(environment.metrics, options.name);
    this.#queue = new WorkQueue({
      clock: environment.clock,
      observer: queueMetrics(environment.metrics, options.name),
    });
  }

  /** For what no source sees: a poll of a pod, a timer of one's own. */
  enqueue(key: ObjectKey, afterSeconds = 0): void {
    this.#queue.addAfter(keyString(key), afterSeconds * 1_000);
  }

  /**
   * Waits for the caches, then works until `stop` aborts and what is in work is done; `abort` cuts that short.
   */
  async run({ stop, abort }: { readonly stop: AbortSignal; readonly abort: AbortSignal }): Promise<void> {
    const { sources, workers = 4 } = this.#options;
    const stopped = aborted(stop);
    await Promise.race([Promise.all(sources.map((source) => source.synced)), stopped]);
    if (stop.aborted) return;
    const ends = sources.map((source) => source.start((key) => this.enqueue(key)));
    this.#log.info({ workers }, 'controller works');
    const working = Promise.all(Array.from({ length: workers }, () => this.#work(abort)));
    await stopped;
    for (const end of ends) end();
    await Promise.race([this.#queue.shutDown(), aborted(abort)]);
    await working;
  }

  async #work(abort: AbortSignal): Promise<void> {
    for (;;) {
      const key = await this.#queue.take(abort).catch(() => undefined);
      if (key === undefined) return;
      try {
        await this.#reconcile(key, abort);
      } finally {
        this.#queue.done(key);
      }
    }
  }

  /** The outcome decides when the key comes again. */
  async #reconcile(key: string, abort: AbortSignal): Promise<void> {
    const began = this.#clock.monotonic();
    this.#metrics.began();
    const log = this.#log.child({ object: key });
    let result: ResultName;
    try {
      const wanted = await this.#withDeadline(key, log, abort);
      this.#queue.forget(key);
      if (wanted !== undefined) this.#queue.addAfter(key, wanted.requeueAfterSeconds * 1_000);
      result = wanted === undefined ? 'success' : 'requeue_after';
    } catch (thrown) {
      result = this.#failed(key, thrown, log, abort);
    }
    this.#metrics.ended(result, (this.#clock.monotonic() - began) / 1_000);
  }

  #failed(key: string, thrown: unknown, log: Logger, abort: AbortSignal): ResultName {
    const error = describe(thrown);
    if (thrown instanceof TerminalError) {
      this.#queue.forget(key);
      log.error({ error }, 'reconcile failed for good');
      return 'terminal_error';
    }
    this.#queue.addRateLimited(key);
    // A conflict only says that the cache was behind; what is cut short at the end is none of the reconcile's.
    if (isConflict(thrown) || abort.aborted) log.debug({ error }, 'reconcile is repeated');
    else log.warn({ error, failures: this.#queue.failures(key) }, 'reconcile failed, it is tried again');
    return 'error';
  }

  async #withDeadline(key: string, log: Logger, abort: AbortSignal): Promise<ReconcileResult> {
    const seconds = this.#options.deadlineSeconds ?? 60;
    using deadline = new Deadline(this.#clock, seconds * 1_000, `the reconcile took longer than ${seconds} s`);
    const signal = AbortSignal.any([abort, deadline.signal]);
    return await this.#options.reconcile(parseKey(key), { signal, log });
  }
}

/** What nobody expected comes with its stack. */
function describe(thrown: unknown): string {
  if (!(thrown instanceof Error)) return String(thrown);
  const isExpected = [ApiError, ConnectionError, TerminalError].some((expected) => thrown instanceof expected);
  return isExpected ? thrown.message : (thrown.stack ?? thrown.message);
}

/** Under the names of controller-runtime, so that dashboards fit. */
class ReconcileMetrics {
  readonly #controller: string;
  readonly #total: Counter;
  readonly #errors: Counter;
  readonly #time: Histogram;
  readonly #active: Gauge;

  constructor(registry: Registry, controller: string) {
    this.#controller = controller;
    const initial = [{ controller }];
    this.#total = registry.counter({
      name: 'controller_runtime_reconcile_total',
      help: 'Reconciles, by controller and result',
      initial: resultNames.map((result) => ({ controller, result })),
    });
    this.#errors = registry.counter({
      name: 'controller_runtime_reconcile_errors_total',
      help: 'Reconciles that failed, by controller',
      initial,
    });
    this.#time = registry.histogram({
      name: 'controller_runtime_reconcile_time_seconds',
      help: 'How long reconciles took, by controller',
      buckets: timeBuckets,
      initial,
    });
    this.#active = registry.gauge({
      name: 'controller_runtime_active_workers',
      help: 'Reconciles at work now, by controller',
      initial,
    });
  }

  began(): void {
    this.#active.add(1, { controller: this.#controller });
  }

  ended(result: ResultName, seconds: number): void {
    const controller = this.#controller;
    this.#active.add(-1, { controller });
    this.#total.increment({ controller, result });
    if (result === 'error' || result === 'terminal_error') this.#errors.increment({ controller });
    this.#time.observe(seconds, { controller });
  }
}

/** Under the names of client-go. */
function queueMetrics(registry: Registry, name: string): WorkQueueObserver {
  const labels = { name };
  const initial = [labels];
  const counter = (metric: string, help: string) => registry.counter({ name: `workqueue_${metric}`, help, initial });
  const histogram = (metric: string, help: string) =>
    registry.histogram({ name: `workqueue_${metric}`, help, buckets: timeBuckets, initial });
  const depth = registry.gauge({ name: 'workqueue_depth', help: 'Keys that wait for a worker', initial });
  const adds = counter('adds_total', 'Keys added');
  const retries = counter('retries_total', 'Keys added again after a failure');
  const queued = histogram('queue_duration_seconds', 'How long keys waited for a worker');
  const worked = histogram('work_duration_seconds', 'How long workers had a key');
  return {
    depth: (waiting) => depth.set(waiting, labels),
    added: () => adds.increment(labels),
    retried: () => retries.increment(labels),
    taken: (milliseconds) => queued.observe(milliseconds / 1_000, labels),
    finished: (milliseconds) => worked.observe(milliseconds / 1_000, labels),
  };
}
