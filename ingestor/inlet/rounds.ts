/**
 * Runs the rounds of an inlet in one of its pods: when the oldest record has waited for the commit period, or enough is
 * there. Any pod may; a lease keeps them from doing the same work twice. Keeps the pod's view of the inlet up to date.
 */
import { type Opening, openDataset } from '../commit/dataset.ts';
import { reportTable } from '../commit/report.ts';
import type { Log } from '../contract/environment.ts';
import { type ErrorCode, type ForebayError, toForebayError } from '../contract/errors.ts';
import type { InletProgress } from '../contract/progress.ts';
import type { TableTotals } from '../contract/result.ts';
import { untilClear } from '../table/back-off.ts';
import { loadState } from '../table/commit.ts';
import type { TableState } from '../table/table.ts';
import { listBacklog } from './backlog.ts';
import { type InletState, inletState, type WritersProgress } from './documents.ts';
import { collectGarbage } from './garbage.ts';
import { RoundLease } from './lease.ts';
import { rejectsFolder } from './names.ts';
import { lookUpPending, Pending, type PendingTotals } from './pending.ts';
import { type Inlet, runRound, takenSoFar } from './round.ts';
import type { SchemaInForce } from './schema-in-force.ts';
import type { SegmentHeader } from './segment.ts';
import { WakeUp } from './wake-up.ts';
import type { WriterListener } from './writer.ts';

export interface RoundSettings {
  /** Age of the oldest pending record at which a round starts. */
  readonly periodMilliseconds: number;
  readonly maxBytes: number;
  readonly maxRecords: number;
  /** How old the pod's view of the inlet may become without a round. */
  readonly refreshMilliseconds: number;
}

/** While another process holds the lease, or took what seemed to be due here. */
const busyMilliseconds = 1_000;
const garbageMilliseconds = 10 * 60 * 1_000;
const longestBackOffMilliseconds = 60_000;
/** Nothing the inlet could wait for: its place is not its own any more. */
const final: readonly ErrorCode[] = ['DatasetPurged', 'StorageInUse'];

export class Rounds implements WriterListener {
  readonly #inlet: Inlet;
  readonly #settings: RoundSettings;
  readonly #schema: SchemaInForce;
  readonly #waiting: Opening;
  readonly #log: Log;
  readonly #lease: RoundLease;
  readonly #pending = new Pending();
  readonly #wakeUp = new WakeUp();
  #state: InletState | undefined;
  #table: TableTotals | undefined;
  #taken: { readonly round: number; readonly writers: WritersProgress } = { round: 0, writers: {} };
  #refreshedAt = 0;
  #collectedAt: number;
  #isBusy = false;
  #failures = 0;
  #problem: ForebayError | undefined;

  constructor(
    inlet: Omit<Inlet, 'failures' | 'listBacklog'>,
    settings: RoundSettings,
    schema: SchemaInForce,
    waiting: Opening,
    log: Log,
  ) {
    const { store } = inlet.dataset;
    this.#inlet = {
      ...inlet,
      failures: new Map(),
      listBacklog: (taken) => listBacklog(store, inlet.id, taken, waiting),
    };
    this.#settings = settings;
    this.#schema = schema;
    this.#waiting = waiting;
    this.#log = log;
    this.#lease = new RoundLease(store, inlet.id, waiting);
    this.#collectedAt = waiting.clock.now();
  }

  /** A writer of this pod. */
  introduced(writer: string): void {
    this.#pending.addWriter(writer);
  }

  /** A segment of this pod. */
  durable(header: SegmentHeader): void {
    this.#pending.add(header);
    const { bytes, records } = this.#pending.totals();
    if (bytes >= this.#settings.maxBytes || records >= this.#settings.maxRecords || this.#pending.ownSegments() === 1) {
      this.#wakeUp.call();
    }
  }

  /** Until `stop`; throws only when the inlet cannot go on at all. */
  async run(stop: AbortSignal): Promise<void> {
    stop.addEventListener('abort', () => this.#wakeUp.call(), { once: true });
    while (!stop.aborted) {
      await this.#step();
      await this.#pause(stop);
    }
  }

  /** Last rounds before the process ends: until what it made durable is in the table. */
  async finish(): Promise<void> {
    while (this.#pending.ownSegments() > 0) {
      const outcome = await runRound(this.#inlet, this.#waiting);
      await this.#see(outcome.table);
      if (!outcome.committed) return;
    }
  }

  /** Loads table, schema and backlog. */
  async refresh(): Promise<void> {
    const { dataset } = this.#inlet;
    await openDataset(dataset.store, dataset, this.#waiting);
    await this.#see(await untilClear(() => loadState(dataset.table), this.#waiting));
  }

  pending(): PendingTotals {
    return this.#pending.totals();
  }

  lagSeconds(): number {
    const { oldestTime } = this.#pending.totals();
    return oldestTime === undefined ? 0 : Math.max(0, Math.floor((this.#waiting.clock.now() - oldestTime) / 1_000));
  }

  /** Undefined before the first refresh. */
  progress(): InletProgress | undefined {
    const state = this.#state;
    if (state === undefined) return undefined;
    const { store } = this.#inlet.dataset;
    const pending = this.#pending.totals();
    return {
      version: 1,
      verb: 'inlet',
      sequence: state.round,
      records: { ...state.records, received: state.records.received + pending.records, pending: pending.records },
      bytes: state.bytes + pending.bytes,
      lagSeconds: this.lagSeconds(),
      ...(state.lastCommitTime ? { lastCommitTime: new Date(state.lastCommitTime).toISOString() } : {}),
      errors: state.errors,
      ...(state.records.failed > 0
        ? { diagnostics: `${store.url}/${rejectsFolder(this.#inlet.id).slice(0, -1)}` }
        : {}),
      ...(this.#table ? { table: this.#table } : {}),
      ...(this.#problem ? { problem: { code: this.#problem.code, message: this.#problem.message } } : {}),
    };
  }

  async #step(): Promise<void> {
    try {
      if (this.#isDue()) await this.#runRound();
      if (this.#age(this.#refreshedAt) >= this.#settings.refreshMilliseconds || this.#isBusy) await this.refresh();
      this.#problem = undefined;
      this.#failures = 0;
    } catch (thrown) {
      this.#note(toForebayError(thrown));
    }
  }

  #isDue(): boolean {
    const { segments, bytes, records, oldestTime } = this.#pending.totals();
    if (segments === 0) return false;
    const { maxBytes, maxRecords, periodMilliseconds } = this.#settings;
    return bytes >= maxBytes || records >= maxRecords || this.#age(oldestTime ?? 0) >= periodMilliseconds;
  }

  async #runRound(): Promise<void> {
    const outcome = await this.#lease.hold(() => runRound(this.#inlet, this.#waiting));
    this.#isBusy = !outcome?.committed;
    if (outcome === undefined) return;
    await this.#see(outcome.table);
    if (outcome.committed) this.#log.info({ round: outcome.state.round, ...outcome.state.records }, 'round committed');
    if (this.#age(this.#collectedAt) >= garbageMilliseconds) await this.#collectGarbage();
  }

  async #collectGarbage(): Promise<void> {
    this.#collectedAt = this.#waiting.clock.now();
    try {
      const removed = await collectGarbage(this.#inlet.dataset, this.#inlet.id, this.#waiting);
      this.#log.info({ objects: removed }, 'garbage collected');
    } catch (thrown) {
      const { code, message } = toForebayError(thrown);
      this.#log.warn({ code, error: message }, 'garbage not collected; it waits');
    }
  }

  async #see(table: TableState): Promise<void> {
    const { id, dataset } = this.#inlet;
    await this.#schema.update(table, this.#waiting);
    const state = inletState(table, id);
    if (state.taken !== this.#taken.round) {
      this.#taken = { round: state.taken, writers: await takenSoFar(this.#inlet, state, this.#waiting) };
    }
    const taken = this.#taken.writers;
    const { writers } = await this.#inlet.listBacklog(taken);
    const others = writers.filter(({ writer }) => !this.#pending.isOwn(writer));
    this.#pending.update(taken, await lookUpPending(dataset.store, id, others, taken, this.#waiting));
    this.#state = state;
    this.#table = reportTable(dataset.table, table);
    this.#refreshedAt = this.#waiting.clock.now();
  }

  #note(error: ForebayError): void {
    if (this.#waiting.signal.aborted || final.includes(error.code)) throw error;
    this.#problem = error;
    this.#failures += 1;
    this.#log.warn(
      { code: error.code, error: error.message, failures: this.#failures },
      'round failed; it is tried again',
    );
  }

  #age(time: number): number {
    return this.#waiting.clock.now() - time;
  }

  async #pause(stop: AbortSignal): Promise<void> {
    if (stop.aborted) return;
    // After a failure nothing but time helps.
    if (this.#failures > 0) return await this.#waiting.clock.sleep(this.#restMilliseconds(), stop).catch(() => {});
    const awake = new AbortController();
    const sleep = this.#waiting.clock.sleep(this.#restMilliseconds(), awake.signal).catch(() => {});
    await Promise.race([sleep, this.#wakeUp.wait()]);
    awake.abort();
  }

  #restMilliseconds(): number {
    if (this.#failures > 0) {
      return (
        Math.min(1_000 * 2 ** this.#failures, longestBackOffMilliseconds) * (0.5 + this.#waiting.random.number() / 2)
      );
    }
    if (this.#isBusy) return busyMilliseconds;
    const { oldestTime } = this.#pending.totals();
    const untilRefresh = this.#settings.refreshMilliseconds - this.#age(this.#refreshedAt);
    if (oldestTime === undefined) return Math.max(0, untilRefresh);
    return Math.max(0, Math.min(untilRefresh, this.#settings.periodMilliseconds - this.#age(oldestTime)));
  }
}
