import type { Random, Waiting } from '../contract/environment.ts';
import { ForebayError } from '../contract/errors.ts';
import { BackOff } from './back-off.ts';
import type { CommitStamp, Table, TableChange, TableState } from './table.ts';

/** What a builder says about a state: what it was after is in there (`done`), or what is to be changed. */
export type Step<T> = { readonly done: T } | { readonly change: TableChange };

export type Builder<T> = (state: TableState, stamp: CommitStamp) => Step<T> | Promise<Step<T>>;

/**
 * Brings the table to a state of which `build` says `done`, and answers what it said.
 *
 * `build` is asked about each state loaded, also about the one its own change led to: it must recognise its work by a
 * property that the change sets, and say `done` then. So an unclear answer needs no guess: load again, look, try again.
 * It may read other objects once the state was loaded (a marker, an earlier round), and throw to give up.
 *
 * Throws DatasetNotPrepared without a table, StoreUnavailable when the store stays away, and the signal's reason.
 */
export async function commitToTable<T>(table: Table, build: Builder<T>, waiting: Waiting): Promise<T> {
  const backOff = new BackOff(waiting);
  const stamps = new Stamps(table, waiting);
  let known: TableState | undefined;
  for (;;) {
    waiting.signal.throwIfAborted();
    try {
      const state: TableState = known ?? (await loadState(table));
      const stamp = await stamps.next(state);
      const step = await build(state, stamp);
      if ('done' in step) {
        await table.publish(state);
        return step.done;
      }
      known = await table.commit(state, step.change, stamp);
    } catch (thrown) {
      known = undefined;
      await backOff.afterError(thrown);
      continue;
    }
    if (!known) await backOff.afterConflict();
  }
}

/** What a table begins with. */
export type FirstChange = Required<Pick<TableChange, 'schemaDigest' | 'columns' | 'settings'>>;

/** The first state of a table: this one, or the newest when another writer was there first. */
export async function createTable(table: Table, first: FirstChange, waiting: Waiting): Promise<TableState> {
  const backOff = new BackOff(waiting);
  const stamps = new Stamps(table, waiting);
  for (;;) {
    waiting.signal.throwIfAborted();
    try {
      const there = await table.load();
      const state = there ?? (await table.commit(undefined, first, await stamps.next(undefined)));
      if (state !== undefined) {
        await table.publish(state);
        return state;
      }
    } catch (thrown) {
      await backOff.afterError(thrown);
      continue;
    }
    await backOff.afterConflict();
  }
}

/** The newest state of a table that must be there. */
export async function loadState(table: Table): Promise<TableState> {
  const state = await table.load();
  if (!state) throw new ForebayError('DatasetNotPrepared', 'the dataset has no table yet: prepare has not run');
  return state;
}

/**
 * Order comes from the sequence; the time only never goes back. The store is asked for it once: clocks of processes may
 * be hours apart, and expiry goes by these times.
 */
class Stamps {
  readonly #table: Table;
  readonly #waiting: Waiting;
  #ahead: number | undefined;
  #snapshotID: string;

  constructor(table: Table, waiting: Waiting) {
    this.#table = table;
    this.#waiting = waiting;
    this.#snapshotID = drawSnapshotID(waiting.random);
  }

  /** For a change of `base`. The id is the same over all tries, until it landed. */
  async next(base: TableState | undefined): Promise<CommitStamp> {
    const { clock, random } = this.#waiting;
    this.#ahead ??= (await this.#table.now()) - clock.now();
    while (base !== undefined && this.#hasLanded(base)) this.#snapshotID = drawSnapshotID(random);
    const time = Math.max(clock.now() + this.#ahead, (base?.lastCommitTime ?? 0) + 1);
    return { snapshotID: this.#snapshotID, time };
  }

  #hasLanded(base: TableState): boolean {
    const id = this.#snapshotID;
    return base.snapshotID === id || this.#table.snapshots(base).some((snapshot) => snapshot.snapshotID === id);
  }
}

/** 63 random bits, never 0. */
function drawSnapshotID(random: Random): string {
  const bits = BigInt(`0x${random.nonce().slice(0, 16)}`) >> 1n;
  return String(bits === 0n ? 1n : bits);
}
