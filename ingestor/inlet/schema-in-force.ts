/** The schema that records are checked against, as the table says now. */
import { loadSchema } from '../commit/schemas.ts';
import type { Waiting } from '../contract/environment.ts';
import { type CompiledSchema, compileSchema } from '../engine/index.ts';
import type { Store } from '../store/store.ts';
import type { TableState } from '../table/table.ts';
import type { Reason } from './problem.ts';

export class SchemaInForce {
  readonly #store: Store;
  #digest = '';
  #compiled: CompiledSchema | undefined;

  constructor(store: Store) {
    this.#store = store;
  }

  /** Throws InvalidSchema, InvalidMapping, and what the store throws; the schema known before stays then. */
  async update({ schemaDigest }: TableState, waiting: Waiting): Promise<void> {
    if (schemaDigest === this.#digest) return;
    this.#compiled = compileSchema(await loadSchema(this.#store, schemaDigest, waiting), 'Record');
    this.#digest = schemaDigest;
  }

  /** All reasons to refuse the record; empty when it is accepted. */
  check(record: object): readonly Reason[] {
    return this.#compiled?.check(record) ?? [];
  }
}
