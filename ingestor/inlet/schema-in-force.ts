/** The schema that records are checked against, as the table says now. */
import { loadSchema } from '../commit/schemas.ts';
import type { Waiting } from '../contract/environment.ts';
import type { Mapping } from '../contract/task.ts';
import { parseExact } from '../engine/exact.ts';
import { type CompiledSchema, compileSchema } from '../engine/index.ts';
import { applyMoves, compileMoves, type Move } from '../engine/mapping.ts';
import { isObject } from '../engine/schemadocument.ts';
import type { Store } from '../store/store.ts';
import type { TableState } from '../table/table.ts';
import type { Reason } from './problem.ts';

interface InForce {
  readonly digest: string;
  readonly schema: CompiledSchema;
  readonly moves: readonly Move[];
}

export class SchemaInForce {
  readonly #store: Store;
  readonly #mapping: Mapping;
  #inForce: InForce | undefined;

  constructor(store: Store, mapping: Mapping) {
    this.#store = store;
    this.#mapping = mapping;
  }

  /** Throws InvalidSchema, InvalidMapping, and what the store throws; the schema known before stays then. */
  async update({ schemaDigest: digest }: TableState, waiting: Waiting): Promise<void> {
    if (digest === this.#inForce?.digest) return;
    const schema = compileSchema(await loadSchema(this.#store, digest, waiting), 'Record');
    this.#inForce = { digest, schema, moves: compileMoves(this.#mapping, schema.columns) };
  }

  /** All reasons to refuse the record, as the round would; empty when it is accepted. */
  check(text: string): readonly Reason[] {
    if (this.#inForce === undefined) return [];
    const { schema, moves } = this.#inForce;
    const record = parseExact(text);
    return schema.check(isObject(record) ? applyMoves(record, moves).record : record);
  }
}
