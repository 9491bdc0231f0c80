/**
 * Files that left a table without snapshots: compacted, reverted, replaced. In an Iceberg table snapshots name them, and
 * their expiry says when they are garbage. Here whatever the table does not name goes, once the run or round that wrote it
 * is over, so that it cannot come any more. It is written down first and deleted an hour later or more, after a second
 * look, so that queries that are running end well.
 */
import { markerKey } from '../commit/names.ts';
import { inletState } from '../inlet/documents.ts';
import { untilClear } from '../table/back-off.ts';
import { loadState } from '../table/commit.ts';
import type { TableState } from '../table/table.ts';
import { listFacts } from './bucket.ts';
import { writeExpiredFiles } from './expired-documents.ts';
import { type Did, day, type Maintenance, type Work } from './maintenance.ts';
import { type Origin, originOf } from './origin.ts';

export const findLeftFiles: Work = {
  name: 'left files',
  async do(maintenance: Maintenance): Promise<Did> {
    const { dataset, began, waiting } = maintenance;
    const { store, table } = dataset;
    const state = await untilClear(() => loadState(table), waiting);
    if (state.settings.format !== 'Parquet') return {};
    const named = new Set<string>();
    for await (const { key } of table.files(state)) named.add(key);
    const isWanted = (key: string, written: number) => !named.has(key) && written < began.time - day;
    const unnamed = await listFacts(
      store,
      table.dataFolder,
      ({ key, lastModified }) => isWanted(key, lastModified),
      waiting,
    );
    const ended = new EndedOrigins(maintenance, state);
    const left: string[] = [];
    for (const { key } of unnamed) {
      const origin = originOf(table.dataFolder, key);
      if (origin !== undefined && (await ended.has(origin))) left.push(key);
    }
    if (left.length > 0) await writeExpiredFiles(store, [], left, waiting);
    return {};
  },
};

class EndedOrigins {
  readonly #maintenance: Maintenance;
  readonly #state: TableState;
  readonly #known = new Map<string, boolean>();

  constructor(maintenance: Maintenance, state: TableState) {
    this.#maintenance = maintenance;
    this.#state = state;
  }

  async has(origin: Origin): Promise<boolean> {
    if ('inlet' in origin) return origin.round <= inletState(this.#state, origin.inlet).round;
    const key = markerKey(origin.batch, origin.run);
    const isEnded = this.#known.get(key) ?? (await this.#hasMarker(key));
    this.#known.set(key, isEnded);
    return isEnded;
  }

  async #hasMarker(key: string): Promise<boolean> {
    const { dataset, waiting } = this.#maintenance;
    const facts = await untilClear(() => dataset.store.head(key, { signal: waiting.signal }), waiting);
    return facts !== undefined;
  }
}
