/** What becomes of a table's metadata by a change, but for its files: see `snapshot.ts`. Pure. */
import { ForebayError } from '../../contract/errors.ts';
import type { TableChange, TableState } from '../table.ts';
import { currentSchema, refsOf, specOf } from './metadata.ts';
import { createSortOrder, transformName } from './partition.ts';
import { evolveSchema, fieldIDs, walkSchema } from './schema.ts';
import type {
  IcebergSchema,
  MetadataUpdate,
  PartitionSpec,
  Snapshot,
  TableMetadata,
  TableRequirement,
} from './spec.ts';
import { type IcebergState, writeProperties } from './state.ts';

/** Whatever is asked for: metadata is read and written whole by everyone. */
const mostSnapshots = 1_000;

interface SchemaChange {
  /** Of the table once it is changed. */
  readonly schema: IcebergSchema;
  readonly updates: readonly MetadataUpdate[];
  /** Ids are given from the last one, so nobody else may have given any meanwhile. */
  readonly requirements: readonly TableRequirement[];
}

export function changeSchema(metadata: TableMetadata, { columns }: TableChange): SchemaChange {
  const current = currentSchema(metadata);
  if (columns === undefined) return { schema: current, updates: [], requirements: [] };
  const { schema } = evolveSchema(current, columns, {
    schemas: metadata.schemas,
    lastColumnID: metadata['last-column-id'],
  });
  const id = schema['schema-id'];
  if (id === current['schema-id']) return { schema, updates: [], requirements: [] };
  const isKnown = metadata.schemas.some((one) => one['schema-id'] === id);
  const highest = Math.max(metadata['last-column-id'], ...[...walkSchema(schema)].map((place) => place.id));
  return {
    schema,
    updates: isKnown
      ? [{ action: 'set-current-schema', 'schema-id': id }]
      : [
          { action: 'add-schema', schema, 'last-column-id': highest },
          { action: 'set-current-schema', 'schema-id': -1 },
        ],
    requirements: [
      { type: 'assert-current-schema-id', 'current-schema-id': current['schema-id'] },
      { type: 'assert-last-assigned-field-id', 'last-assigned-field-id': metadata['last-column-id'] },
    ],
  };
}

/** `schema`: with what the same change adds to it. */
export function changeOrder(
  metadata: TableMetadata,
  schema: IcebergSchema,
  { settings }: TableChange,
): MetadataUpdate[] {
  if (settings === undefined) return [];
  const asked = createSortOrder(schema, settings.sortBy ?? []);
  const known = metadata['sort-orders'].find((order) => isSameOrder(order.fields, asked.fields));
  if (known !== undefined) {
    const id = known['order-id'];
    return id === metadata['default-sort-order-id'] ? [] : [{ action: 'set-default-sort-order', 'sort-order-id': id }];
  }
  const id = Math.max(0, ...metadata['sort-orders'].map((order) => order['order-id'])) + 1;
  return [
    { action: 'add-sort-order', 'sort-order': { ...asked, 'order-id': id } },
    { action: 'set-default-sort-order', 'sort-order-id': -1 },
  ];
}

type OrderFields = TableMetadata['sort-orders'][number]['fields'];

function isSameOrder(a: OrderFields, b: OrderFields): boolean {
  const text = (fields: OrderFields) =>
    fields.map((field) => `${field['source-id']} ${field.transform} ${field.direction} ${field['null-order']}`).join();
  return text(a) === text(b);
}

/** Files of ours go by the dataset's own spec, whatever another engine made the default. */
export function findSpec(
  metadata: TableMetadata,
  partitionBy: NonNullable<TableState['settings']['partitionBy']>,
): PartitionSpec {
  const ids = fieldIDs(currentSchema(metadata));
  const asked = partitionBy.map((field) => `${ids[field.field]} ${transformName(field)}`).join();
  const specs = [specOf(metadata, metadata['default-spec-id']), ...metadata['partition-specs']];
  const found = specs.find(
    ({ fields }) => fields.map((field) => `${field['source-id']} ${field.transform}`).join() === asked,
  );
  if (found !== undefined) return found;
  throw new ForebayError('TableReplaced', 'the table has no partition spec of the fields that the dataset asks for');
}

/** `added`: how many come in the same change. The oldest leave when there are too many. */
export function removeSnapshots(
  metadata: TableMetadata,
  { expireSnapshots = [] }: TableChange,
  added: 0 | 1,
): MetadataUpdate[] {
  const pinned = pinnedIDs(metadata);
  const wrong = expireSnapshots.find((id) => pinned.has(id));
  if (wrong !== undefined) throw new TypeError(`snapshot ${wrong} is named by a branch or tag`);
  const expired = new Set(expireSnapshots);
  const [leaving, staying] = partition(metadata.snapshots ?? [], (one) => expired.has(String(one['snapshot-id'])));
  const tooMany = staying.length + added - mostSnapshots;
  const oldest = staying.filter((one) => !pinned.has(String(one['snapshot-id']))).sort(bySequence);
  const ids = [...leaving, ...oldest.slice(0, Math.max(0, tooMany))].map((one) => one['snapshot-id']);
  return ids.length === 0 ? [] : [{ action: 'remove-snapshots', 'snapshot-ids': ids }];
}

function partition<T>(items: readonly T[], test: (item: T) => boolean): [T[], T[]] {
  return [items.filter(test), items.filter((item) => !test(item))];
}

export function changeProperties(uuid: string, base: IcebergState, change: TableChange): MetadataUpdate[] {
  const updates = writeProperties(uuid, base, change);
  const removals = (change.dropProperties ?? []).filter((name) => name in base.properties && !(name in updates));
  return [
    { action: 'set-properties', updates },
    ...(removals.length === 0 ? [] : [{ action: 'remove-properties', removals } as const]),
  ];
}

export function bySequence(a: Snapshot, b: Snapshot): number {
  return Number(a['sequence-number']) - Number(b['sequence-number']);
}

/** Of snapshots that branches and tags name. */
export function pinnedIDs(metadata: TableMetadata): ReadonlySet<string> {
  return new Set(Object.values(refsOf(metadata)).map((ref) => String(ref['snapshot-id'])));
}
