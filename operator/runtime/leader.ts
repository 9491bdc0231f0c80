import type { Client } from './client.ts';
import { type Clock, Deadline, microTime } from './clock.ts';
import { type Lease, leases } from './core.ts';
import { isAlreadyExists, isConflict, LeadershipLostError } from './errors.ts';
import type { Logger } from './logger.ts';
import type { Gauge } from './metrics.ts';

export interface LeaderOptions {
  readonly client: Client;
  readonly clock: Clock;
  readonly log: Logger;
  readonly namespace: string;
  readonly name: string;
  /** Of this process, unique: the pod's name and something random. */
  readonly identity: string;
  /** How long others wait for a silent leader. Default 15. */
  readonly leaseDurationSeconds?: number;
  /** A leader that could not renew for this long gives up; less than the lease's duration. Default 10. */
  readonly renewDeadlineSeconds?: number;
  /** Between two tries. Default 2. */
  readonly retryPeriodSeconds?: number;
  readonly random?: () => number;
  /** `leader_election_master_status`. */
  readonly status?: Gauge;
}

export interface Leadership {
  /** Aborts, with LeadershipLostError, when the lease could not be renewed or another took it. */
  readonly lost: AbortSignal;
  /** Stops renewing and lets the next one in at once. Never throws. */
  release(): Promise<void>;
}

/** The process ends soon; a lease that is not given back runs out by itself. */
const releaseMilliseconds = 5_000;

/** Resolves when this process holds the lease, however long it takes. */
export async function lead(options: LeaderOptions, signal: AbortSignal): Promise<Leadership> {
  const elector = new Elector(options);
  return elector.keep(await elector.acquire(signal));
}

/**
 * The holder writes a time into the lease again and again. Others never compare that time with their own clock: they
 * take the lease when they have seen it unchanged for its whole duration.
 */
class Elector {
  readonly #options: LeaderOptions;
  readonly #retryMilliseconds: number;
  readonly #durationSeconds: number;
  readonly #renewMilliseconds: number;
  /** Of each request: one that hangs must leave time for another before the deadline. */
  readonly #timeoutSeconds: number;
  readonly #log: Logger;
  /** The lease as last seen, and since when it has been like that. */
  #seen: { readonly record: string; readonly at: number } | undefined;
  #holder = '';
  #toldHolder: string | undefined;

  constructor(options: LeaderOptions) {
    this.#options = options;
    this.#durationSeconds = options.leaseDurationSeconds ?? 15;
    this.#renewMilliseconds = (options.renewDeadlineSeconds ?? 10) * 1_000;
    this.#timeoutSeconds = this.#renewMilliseconds / 4_000;
    this.#retryMilliseconds = (options.retryPeriodSeconds ?? 2) * 1_000;
    this.#log = options.log.child({ lease: `${options.namespace}/${options.name}` });
    if (this.#renewMilliseconds >= this.#durationSeconds * 1_000) {
      throw new TypeError('renewDeadlineSeconds must be less than leaseDurationSeconds');
    }
    options.status?.set(0, { name: options.name });
  }

  /** Answers the monotonic time from which the lease counts: that before it was asked for. */
  async acquire(signal: AbortSignal): Promise<number> {
    for (;;) {
      const began = this.#options.clock.monotonic();
      const held = await this.#try(signal).catch((thrown: unknown) => {
        signal.throwIfAborted();
        this.#log.warn({ error: messageOf(thrown) }, 'lease cannot be read or written');
        return false;
      });
      if (held) {
        this.#tellTaken();
        return began;
      }
      this.#tellHolder();
      await this.#options.clock.sleep(this.#jittered(), signal);
    }
  }

  /** Renews in the background until released or lost. */
  keep(acquiredAt: number): Leadership {
    const lost = new AbortController();
    const stop = new AbortController();
    const renewing = this.#renew(acquiredAt, lost, stop.signal);
    return {
      lost: lost.signal,
      release: async () => {
        stop.abort(new Error('released'));
        await renewing;
        if (!lost.signal.aborted) await this.#release();
      },
    };
  }

  async #renew(acquiredAt: number, lost: AbortController, stop: AbortSignal): Promise<void> {
    const { clock } = this.#options;
    let renewedAt = acquiredAt;
    while (!stop.aborted) {
      const untilDeadline = () => renewedAt + this.#renewMilliseconds - clock.monotonic();
      await clock.sleep(Math.min(this.#retryMilliseconds, untilDeadline()), stop).catch(() => {});
      if (stop.aborted) return;
      const began = clock.monotonic();
      const held = await this.#tryFor(untilDeadline(), stop);
      if (held) renewedAt = began;
      if (stop.aborted) return;
      const isOther = this.#holder !== '' && this.#holder !== this.#options.identity;
      if (!isOther && untilDeadline() > 0) continue;
      this.#options.status?.set(0, { name: this.#options.name });
      this.#log.error({ holder: this.#holder }, 'lease lost');
      lost.abort(new LeadershipLostError(`${this.#options.namespace}/${this.#options.name}`));
      return;
    }
  }

  /** False when it failed or took too long; a call that hangs must not outlive the deadline. */
  async #tryFor(milliseconds: number, stop: AbortSignal): Promise<boolean> {
    using limit = new Deadline(this.#options.clock, milliseconds, 'the deadline passed');
    try {
      return await this.#try(AbortSignal.any([stop, limit.signal]));
    } catch (thrown) {
      if (!stop.aborted) this.#log.warn({ error: messageOf(thrown) }, 'lease cannot be renewed');
      return false;
    }
  }

  /** One look at the lease: takes it, renews it, or waits for its holder to fall silent. */
  async #try(signal: AbortSignal): Promise<boolean> {
    const { client, namespace, name, identity, clock } = this.#options;
    const call = { signal, timeoutSeconds: this.#timeoutSeconds, mostAttempts: 1 };
    const lease = await client.find(leases, { namespace, name }, call);
    if (!lease) {
      const spec = { ...this.#spec(), acquireTime: microTime(clock.now()), leaseTransitions: 0 };
      return await this.#write(() => client.create(leases, { metadata: { namespace, name }, spec }, call));
    }
    const { holderIdentity = '', leaseTransitions = 0, acquireTime, leaseDurationSeconds } = lease.spec ?? {};
    this.#holder = holderIdentity;
    if (holderIdentity !== '' && holderIdentity !== identity) {
      if (!this.#isSilent(lease, leaseDurationSeconds ?? this.#durationSeconds)) return false;
      this.#log.info({ holder: holderIdentity }, 'the holder of the lease is silent');
    }
    const isRenewal = holderIdentity === identity;
    const spec = {
      ...this.#spec(),
      acquireTime: isRenewal ? acquireTime : microTime(clock.now()),
      leaseTransitions: isRenewal ? leaseTransitions : leaseTransitions + 1,
    };
    return await this.#write(() => client.update(leases, { ...lease, spec }, call));
  }

  #spec() {
    const { identity, clock } = this.#options;
    return {
      holderIdentity: identity,
      leaseDurationSeconds: this.#durationSeconds,
      renewTime: microTime(clock.now()),
    };
  }

  /** Another was faster when the server says so; a write that may have landed is found at the next look. */
  async #write(write: () => Promise<Lease>): Promise<boolean> {
    try {
      await write();
      this.#holder = this.#options.identity;
      return true;
    } catch (thrown) {
      if (isConflict(thrown) || isAlreadyExists(thrown)) return false;
      throw thrown;
    }
  }

  #isSilent(lease: Lease, durationSeconds: number): boolean {
    const now = this.#options.clock.monotonic();
    const record = JSON.stringify(lease.spec);
    if (this.#seen?.record !== record) this.#seen = { record, at: now };
    return now - this.#seen.at >= durationSeconds * 1_000;
  }

  #tellTaken(): void {
    this.#options.status?.set(1, { name: this.#options.name });
    this.#log.info({ identity: this.#options.identity }, 'leading');
  }

  #tellHolder(): void {
    if (this.#holder === this.#toldHolder) return;
    this.#toldHolder = this.#holder;
    this.#log.info({ holder: this.#holder }, 'waiting for the lease');
  }

  async #release(): Promise<void> {
    const { client, namespace, name, identity, status, clock } = this.#options;
    using limit = new Deadline(clock, releaseMilliseconds, 'released long enough');
    const call = { signal: limit.signal, timeoutSeconds: this.#timeoutSeconds, mostAttempts: 1 };
    status?.set(0, { name });
    try {
      const lease = await client.find(leases, { namespace, name }, call);
      if (lease?.spec?.holderIdentity !== identity) return;
      const spec = { ...lease.spec, holderIdentity: '', leaseDurationSeconds: 1 };
      await client.update(leases, { ...lease, spec }, call);
      this.#log.info({}, 'lease released');
    } catch (thrown) {
      this.#log.warn({ error: messageOf(thrown) }, 'lease not released; the next leader waits for its end');
    }
  }

  #jittered(): number {
    const random = this.#options.random ?? Math.random;
    return this.#retryMilliseconds * (1 + random() / 5);
  }
}

function messageOf(thrown: unknown): string {
  return thrown instanceof Error ? thrown.message : String(thrown);
}
