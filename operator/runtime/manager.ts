import type { Client } from './client.ts';
import { aborted, type Clock } from './clock.ts';
import { Controller, type ControllerOptions } from './controller.ts';
import { type Check, type HealthServer, startHealthServer } from './health.ts';
import { type LeaderOptions, type Leadership, lead } from './leader.ts';
import type { Logger } from './logger.ts';
import type { Registry } from './metrics.ts';
import type { KubeObject, ResourceType } from './objects.ts';
import { type Informer, type InformerOptions, Reflector } from './reflector.ts';

export interface ManagerOptions {
  readonly client: Client;
  readonly clock: Clock;
  readonly log: Logger;
  readonly metrics: Registry;
  /** Absent: no /healthz, /readyz, /metrics. */
  readonly health?: { readonly host?: string; readonly port: number };
  /** Absent: works without a lease, as only a single process may. */
  readonly leader?: Pick<LeaderOptions, 'namespace' | 'name' | 'identity'> &
    Partial<Pick<LeaderOptions, 'leaseDurationSeconds' | 'renewDeadlineSeconds' | 'retryPeriodSeconds'>>;
  /** How long reconciles may go on after the signal to stop. Default 30. */
  readonly drainSeconds?: number;
}

/** For work whose signal has aborted to end. */
const graceMilliseconds = 2_000;

/** Something else that runs while this process leads. Resolves soon after the signal; a throw stops the process. */
export interface Runnable {
  readonly name: string;
  run(signal: AbortSignal): Promise<void>;
}

interface Stopping {
  readonly stop: AbortSignal;
  readonly lost: AbortSignal;
  readonly drained: AbortController;
  readonly ended: AbortSignal;
}

/** Runs everything in order: health server, leader election, caches, workers; and stops it the other way round. */
export class Manager {
  readonly #options: ManagerOptions;
  readonly #reflectors: {
    readonly name: string;
    readonly hasSynced: boolean;
    run(signal: AbortSignal): Promise<void>;
  }[] = [];
  readonly #controllers: Controller[] = [];
  readonly #runnables: Runnable[] = [];
  readonly #checks: Record<string, Check> = {};
  #health: HealthServer | undefined;

  constructor(options: ManagerOptions) {
    this.#options = options;
  }

  /** A cache, to be filled while running. One each call: share it between controllers. */
  informer<T extends KubeObject>(type: ResourceType<T>, options: InformerOptions<T> = {}): Informer<T> {
    const { client, clock, log } = this.#options;
    const reflector = new Reflector(type, { ...options, client, clock, log });
    this.#reflectors.push({
      name: type.plural,
      get hasSynced() {
        return reflector.hasSynced;
      },
      run: (signal) => reflector.run(signal),
    });
    return reflector;
  }

  controller(options: ControllerOptions): Controller {
    const controller = new Controller(options, this.#options);
    this.#controllers.push(controller);
    return controller;
  }

  add(runnable: Runnable): void {
    this.#runnables.push(runnable);
  }

  addHealthCheck(name: string, check: Check): void {
    this.#checks[name] = check;
  }

  /** The health server's port, once it runs. */
  get healthPort(): number | undefined {
    return this.#health?.port;
  }

  /** Until the signal aborts and all is drained. Throws LeadershipLostError, and what a runnable throws. */
  async run(signal: AbortSignal): Promise<void> {
    await this.#startHealth();
    const caches = new AbortController();
    let filling: Promise<unknown> = Promise.resolve();
    try {
      // Caches are filled before this process leads: the next leader goes on at once.
      filling = Promise.all(this.#reflectors.map((reflector) => reflector.run(caches.signal)));
      const leadership = await this.#lead(signal);
      if (leadership === undefined) return;
      try {
        await this.#work(signal, leadership.lost);
      } finally {
        await leadership.release();
      }
    } finally {
      caches.abort(new Error('the manager stops'));
      await filling;
      await this.#health?.close();
    }
  }

  /** Stops when asked to, when the lease is lost, or when a part of it throws; work under way may end first. */
  async #work(signal: AbortSignal, lost: AbortSignal): Promise<void> {
    const failed = new AbortController();
    const drained = new AbortController();
    const ended = new AbortController();
    const stop = AbortSignal.any([signal, lost, failed.signal]);
    // Who lost the lease may not write another word.
    const abort = AbortSignal.any([lost, drained.signal]);
    const parts = [
      aborted(stop),
      ...this.#controllers.map((controller) => controller.run({ stop, abort })),
      ...this.#runnables.map((runnable) => runnable.run(stop)),
    ].map((part) => part.catch((thrown: unknown) => failed.abort(thrown)));
    await Promise.race([Promise.all(parts), this.#overdue({ stop, lost, drained, ended: ended.signal })]);
    ended.abort(new Error('all work has ended'));
    lost.throwIfAborted();
    failed.signal.throwIfAborted();
  }

  /**
   * Cuts work short that takes too long to stop, at once when the lease is lost, and resolves when there still is some a
   * moment later: work that does not heed its signal must not keep the process.
   */
  async #overdue({ stop, lost, drained, ended }: Stopping): Promise<void> {
    const { clock, log, drainSeconds = 30 } = this.#options;
    await aborted(stop);
    await Promise.race([clock.sleep(drainSeconds * 1_000, ended), aborted(lost)]);
    drained.abort(new Error(`work did not end within ${drainSeconds} s`));
    await clock.sleep(graceMilliseconds, ended);
    log.error({}, 'some work did not stop when told to');
  }

  /** Undefined when asked to stop before this process leads. */
  async #lead(signal: AbortSignal): Promise<Leadership | undefined> {
    const { leader, metrics } = this.#options;
    if (!leader) return { lost: new AbortController().signal, release: async () => {} };
    const status = metrics.gauge({
      name: 'leader_election_master_status',
      help: '1 while this process holds the lease',
      initial: [{ name: leader.name }],
    });
    try {
      return await lead({ ...this.#options, ...leader, status }, signal);
    } catch (thrown) {
      if (signal.aborted) return undefined;
      throw thrown;
    }
  }

  async #startHealth(): Promise<void> {
    const { health, metrics } = this.#options;
    if (!health) return;
    const caches: Check = () => {
      const waiting = this.#reflectors.filter((reflector) => !reflector.hasSynced).map((reflector) => reflector.name);
      return waiting.length === 0 ? undefined : `not filled yet: ${waiting.join(', ')}`;
    };
    this.#health = await startHealthServer({
      ...health,
      metrics,
      live: this.#checks,
      ready: { ...this.#checks, caches },
    });
  }
}

/**
 * `manager.run` as the main work of this process: SIGTERM and SIGINT stop it cleanly, a second one at once; gives the
 * exit code: 0 after a clean stop, else 1.
 */
export async function runUntilSignal(manager: Manager, log: Logger): Promise<number> {
  const controller = new AbortController();
  const stop = (signal: NodeJS.Signals) => {
    if (controller.signal.aborted) process.exit(1);
    log.info({ signal }, 'told to stop');
    controller.abort(new Error(`told to stop (${signal})`));
  };
  process.on('SIGTERM', stop);
  process.on('SIGINT', stop);
  try {
    await manager.run(controller.signal);
    log.info({}, 'stopped');
    return 0;
  } catch (thrown) {
    const error = thrown instanceof Error ? (thrown.stack ?? thrown.message) : String(thrown);
    log.error({ error }, 'stopped by an error');
    return 1;
  } finally {
    process.off('SIGTERM', stop);
    process.off('SIGINT', stop);
  }
}
