/**
 * Another engine on the same table, which knows nothing of this program: it expires snapshots and deletes their files,
 * rolls back, commits to main and to a branch, and removes what no metadata names. Where a catalog keeps the table it
 * writes; else it only cleans up.
 */
import type { LoadedTable } from '../../ingestor/table/iceberg/catalog.ts';
import type { MetadataUpdate, Snapshot } from '../../ingestor/table/iceberg/spec.ts';
import { catalogName, day, hour, longestPause, type World } from './world.ts';

export class ForeignEngine {
  readonly #world: World;

  constructor(world: World) {
    this.#world = world;
  }

  /** What it does within `span`, now and then. */
  async live(span: number): Promise<void> {
    const { time, random } = this.#world;
    for (let deeds = this.#world.number(4); deeds > 0; deeds -= 1) {
      await time.sleep((random.number() * span) / 2);
      this.#world.others(() => this.#act());
    }
  }

  #act(): void {
    const loaded = this.#world.catalog?.model.tables.get(catalogName);
    const writes = ['clean', 'expire', 'roll back', 'commit', 'branch'] as const;
    const act = loaded === undefined ? 'clean' : this.#world.pick(['clean', ...writes]);
    this.#world.trace('another engine', act);
    if (act === 'clean') this.#removeOrphans();
    if (loaded === undefined) return;
    if (act === 'expire') this.#expire(loaded);
    if (act === 'roll back') this.#rollBack(loaded);
    if (act === 'commit') this.#commit(loaded, 'main');
    if (act === 'branch') this.#commit(loaded, 'audit');
  }

  #change(updates: readonly MetadataUpdate[]): void {
    this.#world.catalog?.model.change(catalogName, updates);
  }

  /** All but what references name, and at once what nobody names then. */
  #expire({ metadata }: LoadedTable): void {
    const named = new Set(Object.values(metadata.refs ?? {}).map((ref) => String(ref['snapshot-id'])));
    const old = (metadata.snapshots ?? []).filter((one) => !named.has(String(one['snapshot-id'])));
    if (old.length === 0) return;
    const before = this.#world.oracle.newest?.named ?? new Set<string>();
    this.#change([{ action: 'remove-snapshots', 'snapshot-ids': old.map((one) => one['snapshot-id']) }]);
    const after = this.#world.oracle.newest?.named ?? new Set<string>();
    for (const key of before) if (!after.has(key)) this.#world.lake.delete(key);
  }

  /** Never past a revert: what is brought back by others is there beside what is ingested anew. */
  #rollBack({ metadata }: LoadedTable): void {
    const current = (metadata.snapshots ?? []).find((one) => one['snapshot-id'] === metadata['current-snapshot-id']);
    const parent = (metadata.snapshots ?? []).find((one) => one['snapshot-id'] === current?.['parent-snapshot-id']);
    const { operation } = current?.summary ?? {};
    if (parent === undefined || operation === 'delete' || operation === 'overwrite') return;
    const id = parent['snapshot-id'];
    this.#change([{ action: 'set-snapshot-ref', 'ref-name': 'main', type: 'branch', 'snapshot-id': id }]);
  }

  /** A snapshot with the same files: an engine that merges nothing, or deletes what is not there. */
  #commit({ metadata }: LoadedTable, branch: string): void {
    const current = (metadata.snapshots ?? []).find((one) => one['snapshot-id'] === metadata['current-snapshot-id']);
    if (current === undefined) return;
    const id = BigInt(1 + this.#world.number(2 ** 52));
    const snapshot: Snapshot = {
      ...current,
      'snapshot-id': id,
      'parent-snapshot-id': current['snapshot-id'],
      'sequence-number': BigInt(metadata['last-sequence-number']) + 1n,
      'timestamp-ms': Math.max(this.#world.time.now(), metadata['last-updated-ms'] + 1),
    };
    this.#change([
      { action: 'add-snapshot', snapshot },
      { action: 'set-snapshot-ref', 'ref-name': branch, type: 'branch', 'snapshot-id': id },
    ]);
  }

  /**
   * In the table's folder, as engines do by default: older than three days; or, if told so, than a little over one. Never
   * younger than a request may be under way: no guard keeps files that go between the last look at them and the commit.
   */
  #removeOrphans(): void {
    const { oracle, lake, time, climate } = this.#world;
    const before = time.now() - this.#world.pick([day + hour, 3 * day]) - longestPause(climate);
    for (const { key, lastModified } of [...lake.objects.values()]) {
      const isOfTable = /^table-[0-9a-f-]{36}\/(data\/.*|metadata\/.*\.avro)$/.test(key);
      if (isOfTable && lastModified < before && !oracle.newest?.named.has(key)) lake.delete(key);
    }
  }
}
