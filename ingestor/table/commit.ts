import type { Waiting } from '../contract/environment.ts';
import { ForebayError } from '../contract/errors.ts';
import type { TableSettings } from '../contract/task.ts';
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
  let known: TableState | undefined;
  for (;;) {
    waiting.signal.throwIfAborted();
    try {
      const state: TableState = known ?? (await loadState(table));
      const stamp = nextStamp(state, waiting.clock.now());
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

/** The first state of a table: this one, or the newest when another writer was there first. */
export async function createTable(
  table: Table,
  schemaDigest: string,
  settings: TableSettings,
  waiting: Waiting,
): Promise<TableState> {
  const backOff = new BackOff(waiting);
  for (;;) {
    waiting.signal.throwIfAborted();
    try {
      const stamp = nextStamp(undefined, waiting.clock.now());
      const state = (await table.load()) ?? (await table.commit(undefined, { schemaDigest, settings }, stamp));
      if (state === undefined) continue;
      await table.publish(state);
      return state;
    } catch (thrown) {
      await backOff.afterError(thrown);
    }
  }
}

/** The newest state of a table that must be there. */
export async function loadState(table: Table): Promise<TableState> {
  const state = await table.load();
  if (!state) throw new ForebayError('DatasetNotPrepared', 'the dataset has no table yet: prepare has not run');
  return state;
}

/** Order comes from the sequence; the time only never goes back. */
export function nextStamp(base: TableState | undefined, now: number): CommitStamp {
  return {
    snapshotID: String((base?.sequence ?? 0) + 1),
    time: Math.max(now, (base?.lastCommitTime ?? 0) + 1),
  };
}
