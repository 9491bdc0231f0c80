/**
 * What tasks of other kinds learned of a Dataset's table on the way. The Dataset alone writes its status; here it finds
 * the newest. Nothing is lost with it: the next commit, or maintain, tells again.
 */
import type { TableTotals } from '../../ingestor/contract/result.ts';
import { keyString, type ObjectKey } from '../runtime/index.ts';

export class TableTotalsBoard {
  readonly #newest = new Map<string, TableTotals>();
  #listener: (dataset: ObjectKey) => void = () => {};

  /** Hears of a Dataset whose table has a newer version. */
  onNews(listener: (dataset: ObjectKey) => void): void {
    this.#listener = listener;
  }

  offer(dataset: ObjectKey, totals: TableTotals): void {
    const key = keyString(dataset);
    const known = this.#newest.get(key);
    if (known !== undefined && known.location === totals.location && known.sequence >= totals.sequence) return;
    this.#newest.set(key, totals);
    this.#listener(dataset);
  }

  of(dataset: ObjectKey): TableTotals | undefined {
    return this.#newest.get(keyString(dataset));
  }

  forget(dataset: ObjectKey): void {
    this.#newest.delete(keyString(dataset));
  }
}
