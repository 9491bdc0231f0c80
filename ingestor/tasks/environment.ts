import type { Opening } from '../commit/dataset.ts';
import type { ByteCounts, RecordCounts } from '../contract/counts.ts';
import type { Log } from '../contract/environment.ts';
import type { TaskProgress } from '../contract/progress.ts';
import type { StoreLocation } from '../contract/task.ts';
import type { Store } from '../store/store.ts';

/** Everything a task is given, in a pod as in the CLI; it reaches for nothing else. */
export interface Environment extends Opening {
  /** A store of its own for each call; the task closes it. */
  openStore(location: StoreLocation): Promise<Store>;
  readonly log: Log;
  /** Told now and then; absent members are as before. Losing it loses nothing. */
  progress(update: ProgressUpdate): void;
  /** Threads that an engine may use. Absent: 1. */
  readonly threads?: number;
}

export interface ProgressUpdate {
  readonly phase?: TaskProgress['phase'];
  readonly records?: RecordCounts;
  readonly bytes?: ByteCounts;
  readonly totalInputBytes?: number;
}

/** Opens a store for as long as `use` takes. */
export async function withStore<T>(
  environment: Environment,
  location: StoreLocation,
  use: (store: Store) => Promise<T>,
): Promise<T> {
  const store = await environment.openStore(location);
  try {
    return await use(store);
  } finally {
    await store.close();
  }
}
