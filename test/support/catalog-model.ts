/**
 * What a REST catalog does with a request, at one moment: nothing takes time and nothing fails. `catalog.ts` puts it
 * behind HTTP, `catalog-simulated.ts` behind calls that take simulated time; both add the troubles.
 *
 * As Iceberg's own catalogs do, it gives a new table its own uuid and numbers the fields anew, level by level.
 */
import type { Random } from '../../ingestor/contract/environment.ts';
import type { CatalogCommit, LoadedTable } from '../../ingestor/table/iceberg/catalog.ts';
import { newTableMetadata } from '../../ingestor/table/iceberg/metadata.ts';
import type {
  IcebergSchema,
  IcebergType,
  MetadataUpdate,
  NestedField,
  PartitionSpec,
  SortOrder,
  TableCreation,
} from '../../ingestor/table/iceberg/spec.ts';
import { applyUpdates, logMetadataFile, meetsRequirements } from '../../ingestor/table/iceberg/updates.ts';

/** `conflict` is 409, `refused` 400, `missing` 404. */
export type ModelAnswer =
  | { readonly loaded: LoadedTable }
  | { readonly conflict: string }
  | { readonly refused: string }
  | { readonly missing: string };

export interface CatalogModelOptions {
  now(): number;
  readonly random: Random;
  /** Whether requests of one Idempotency-Key have one answer. Default true. */
  readonly replaysKeys?: boolean;
  /** Told of each state of a table, in order. */
  readonly onChange?: (name: string, loaded: LoadedTable) => void;
}

export class CatalogModel {
  /** By name with the levels of the namespace, see `tableName`. Tests may look and change. */
  readonly tables = new Map<string, LoadedTable>();
  readonly #options: CatalogModelOptions;
  readonly #answers = new Map<string, ModelAnswer>();

  constructor(options: CatalogModelOptions) {
    this.#options = options;
  }

  load(name: string): ModelAnswer {
    const loaded = this.tables.get(name);
    return loaded === undefined ? { missing: `table ${name} does not exist` } : { loaded };
  }

  create(name: string, creation: Omit<TableCreation, 'uuid' | 'time'>, key?: string): ModelAnswer {
    return this.#once(key, () => {
      if (this.tables.has(name)) return { conflict: `table ${name} already exists` };
      const { random, now } = this.#options;
      const { 'format-version': _, ...properties } = creation.properties;
      const own = { ...creation, properties, uuid: uuidOf(random.nonce()), time: now() };
      const { fresh, lastColumnID } = withFreshIDs(own);
      const metadata = newTableMetadata(fresh, lastColumnID);
      return this.#put(name, { metadata, location: `${creation.location}/metadata/00000-${random.nonce()}.json` });
    });
  }

  commit(name: string, { requirements, updates }: Omit<CatalogCommit, 'time'>, key?: string): ModelAnswer {
    return this.#once(key, () => {
      const base = this.tables.get(name);
      if (base === undefined) return { missing: `table ${name} does not exist` };
      if (!meetsRequirements(base.metadata, requirements)) return { conflict: 'a requirement does not hold' };
      return this.#apply(name, base, updates);
    });
  }

  /** As another engine that asks nobody. */
  change(name: string, updates: readonly MetadataUpdate[]): LoadedTable {
    const answer = this.commit(name, { requirements: [], updates });
    if ('loaded' in answer) return answer.loaded;
    throw new Error(JSON.stringify(answer));
  }

  drop(name: string): void {
    this.tables.delete(name);
  }

  #apply(name: string, base: LoadedTable, updates: readonly MetadataUpdate[]): ModelAnswer {
    try {
      const { random, now } = this.#options;
      const added = updates.map((update) => (update.action === 'add-snapshot' ? update.snapshot['timestamp-ms'] : 0));
      const time = Math.max(now(), base.metadata['last-updated-ms'], ...added);
      const metadata = logMetadataFile(applyUpdates(base.metadata, updates, time), base);
      return this.#put(name, { metadata, location: `${metadata.location}/metadata/${random.nonce()}.json` });
    } catch (thrown) {
      if (thrown instanceof TypeError) return { refused: thrown.message };
      throw thrown;
    }
  }

  #put(name: string, loaded: LoadedTable): ModelAnswer {
    this.tables.set(name, loaded);
    this.#options.onChange?.(name, loaded);
    return { loaded };
  }

  #once(key: string | undefined, act: () => ModelAnswer): ModelAnswer {
    if (key === undefined || this.#options.replaysKeys === false) return act();
    const answer = this.#answers.get(key) ?? act();
    this.#answers.set(key, answer);
    return answer;
  }
}

export function tableName(namespace: readonly string[], table: string): string {
  return [...namespace, table].join('.');
}

function uuidOf(nonce: string): string {
  return nonce.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
}

/** Fields of a struct are numbered before what is inside them. */
function withFreshIDs(creation: TableCreation): { fresh: TableCreation; lastColumnID: number } {
  const ids = new Map<number, number>();
  const next = (old: number) => {
    ids.set(old, ids.size + 1);
    return ids.size;
  };
  const fields = freshFields(creation.schema.fields, next);
  const schema: IcebergSchema = { type: 'struct', 'schema-id': 0, fields };
  const source = <T extends { readonly 'source-id': number }>(field: T): T => ({
    ...field,
    'source-id': ids.get(field['source-id']) ?? -1,
  });
  const spec: PartitionSpec = {
    'spec-id': 0,
    fields: creation['partition-spec'].fields.map((field, index) => ({ ...source(field), 'field-id': 1000 + index })),
  };
  const sorted = creation['write-order'].fields.map(source);
  const order: SortOrder = { 'order-id': sorted.length === 0 ? 0 : 1, fields: sorted };
  return { fresh: { ...creation, schema, 'partition-spec': spec, 'write-order': order }, lastColumnID: ids.size };
}

function freshFields(fields: readonly NestedField[], next: (old: number) => number): NestedField[] {
  const numbered = fields.map((field) => ({ ...field, id: next(field.id) }));
  return numbered.map((field) => ({ ...field, type: freshType(field.type, next) }));
}

function freshType(type: IcebergType, next: (old: number) => number): IcebergType {
  if (typeof type === 'string') return type;
  if (type.type === 'struct') return { ...type, fields: freshFields(type.fields, next) };
  if (type.type === 'list') {
    const id = next(type['element-id']);
    return { ...type, 'element-id': id, element: freshType(type.element, next) };
  }
  const key = next(type['key-id']);
  const value = next(type['value-id']);
  return {
    ...type,
    'key-id': key,
    'value-id': value,
    key: freshType(type.key, next),
    value: freshType(type.value, next),
  };
}
