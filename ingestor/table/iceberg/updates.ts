/** Changes of a table's metadata, applied as the REST catalog's specification says. */

import type { LoadedTable } from './catalog.ts';
import { sameLong } from './json.ts';
import { currentSnapshot, refsOf } from './metadata.ts';
import { walkSchema } from './schema.ts';
import type { Long, MetadataUpdate, Snapshot, SnapshotRef, TableMetadata, TableRequirement } from './spec.ts';

/** Earlier metadata files that are named in the newest. */
export const keptMetadataLog = 100;

export const mainBranch = 'main';

/** Whether the metadata is what the requirements ask for; `undefined`: there is no table. */
export function meetsRequirements(
  metadata: TableMetadata | undefined,
  requirements: readonly TableRequirement[],
): boolean {
  return requirements.every((requirement) => {
    if (requirement.type === 'assert-create') return metadata === undefined;
    return metadata !== undefined && meets(metadata, requirement);
  });
}

/**
 * The metadata after `updates`, in their order. Pure. Throws TypeError for what no writer may ask: an unknown snapshot or
 * schema, an id that is taken, a sequence number or time that does not rise. Members it does not know stay.
 */
export function applyUpdates(base: TableMetadata, updates: readonly MetadataUpdate[], time: number): TableMetadata {
  const draft: Draft = { metadata: { ...base, 'last-updated-ms': time } };
  for (const update of updates) draft.metadata = { ...draft.metadata, ...apply(draft, update, time) };
  return draft.metadata;
}

/** Names the file that came before, as far as the log is kept. */
export function logMetadataFile(metadata: TableMetadata, before: LoadedTable): TableMetadata {
  const entry = { 'metadata-file': before.location, 'timestamp-ms': before.metadata['last-updated-ms'] };
  return { ...metadata, 'metadata-log': [...(metadata['metadata-log'] ?? []), entry].slice(-keptMetadataLog) };
}

interface Draft {
  metadata: TableMetadata;
  addedSchema?: number;
  addedOrder?: number;
}

function meets(metadata: TableMetadata, requirement: Exclude<TableRequirement, { type: 'assert-create' }>): boolean {
  switch (requirement.type) {
    case 'assert-table-uuid':
      return metadata['table-uuid'] === requirement.uuid;
    case 'assert-ref-snapshot-id': {
      const found = refsOf(metadata)[requirement.ref];
      return sameLong(found?.['snapshot-id'], requirement['snapshot-id'] ?? undefined);
    }
    case 'assert-last-assigned-field-id':
      return metadata['last-column-id'] === requirement['last-assigned-field-id'];
    case 'assert-current-schema-id':
      return metadata['current-schema-id'] === requirement['current-schema-id'];
  }
}

/** The members that change. */
function apply(draft: Draft, update: MetadataUpdate, time: number): Partial<TableMetadata> {
  const { metadata } = draft;
  switch (update.action) {
    case 'add-schema': {
      const id = update.schema['schema-id'];
      check(!metadata.schemas.some((schema) => schema['schema-id'] === id), `schema ${id} is there already`);
      const highest = Math.max(0, ...[...walkSchema(update.schema)].map((place) => place.id));
      draft.addedSchema = id;
      return {
        schemas: [...metadata.schemas, update.schema],
        'last-column-id': Math.max(metadata['last-column-id'], highest),
      };
    }
    case 'set-current-schema': {
      const id = lastAdded(update['schema-id'], draft.addedSchema);
      check(
        metadata.schemas.some((schema) => schema['schema-id'] === id),
        `there is no schema ${id}`,
      );
      return { 'current-schema-id': id };
    }
    case 'add-sort-order': {
      const id = update['sort-order']['order-id'];
      check(!metadata['sort-orders'].some((order) => order['order-id'] === id), `sort order ${id} is there already`);
      draft.addedOrder = id;
      return { 'sort-orders': [...metadata['sort-orders'], update['sort-order']] };
    }
    case 'set-default-sort-order': {
      const id = lastAdded(update['sort-order-id'], draft.addedOrder);
      check(
        metadata['sort-orders'].some((order) => order['order-id'] === id),
        `there is no sort order ${id}`,
      );
      return { 'default-sort-order-id': id };
    }
    case 'add-snapshot':
      return addSnapshot(metadata, update.snapshot);
    case 'set-snapshot-ref': {
      const { action: _, 'ref-name': name, ...ref } = update;
      return setRef(metadata, name, ref, time);
    }
    case 'remove-snapshots':
      return removeSnapshots(metadata, update['snapshot-ids']);
    case 'set-properties':
      return { properties: { ...metadata.properties, ...update.updates } };
    case 'remove-properties': {
      const removed = new Set(update.removals);
      const kept = Object.entries(metadata.properties ?? {}).filter(([name]) => !removed.has(name));
      return { properties: Object.fromEntries(kept) };
    }
  }
}

function lastAdded(id: number, added: number | undefined): number {
  return id === -1 ? (added ?? -1) : id;
}

function addSnapshot(metadata: TableMetadata, snapshot: Snapshot): Partial<TableMetadata> {
  const { 'snapshot-id': id, 'sequence-number': sequence, 'parent-snapshot-id': parent } = snapshot;
  check(findSnapshot(metadata, id) === undefined, `snapshot ${id} is there already`);
  check(
    BigInt(sequence) > BigInt(metadata['last-sequence-number']),
    `snapshot ${id} has the sequence number ${sequence}, which is not after ${metadata['last-sequence-number']}`,
  );
  check(parent === undefined || findSnapshot(metadata, parent) !== undefined, `there is no parent snapshot ${parent}`);
  const newest = Math.max(0, ...(metadata['snapshot-log'] ?? []).slice(-1).map((entry) => entry['timestamp-ms']));
  check(snapshot['timestamp-ms'] > newest, `snapshot ${id} is not later than the one before`);
  return { snapshots: [...(metadata.snapshots ?? []), snapshot], 'last-sequence-number': sequence };
}

function setRef(metadata: TableMetadata, name: string, ref: SnapshotRef, time: number): Partial<TableMetadata> {
  const id = ref['snapshot-id'];
  const snapshot = findSnapshot(metadata, id);
  check(snapshot !== undefined, `there is no snapshot ${id} for the reference ${name}`);
  const refs = { ...refsOf(metadata), [name]: ref };
  if (name !== mainBranch) return { refs };
  if (sameLong(currentSnapshot(metadata)?.['snapshot-id'], id)) return { refs };
  // One that was added in this change is logged with its own time, an older one with the time of going back to it.
  const isNew = sameLong(metadata.snapshots?.at(-1)?.['snapshot-id'], id);
  const entry = { 'snapshot-id': id, 'timestamp-ms': isNew ? (snapshot?.['timestamp-ms'] ?? time) : time };
  return { refs, 'current-snapshot-id': id, 'snapshot-log': [...(metadata['snapshot-log'] ?? []), entry] };
}

function removeSnapshots(metadata: TableMetadata, ids: readonly Long[]): Partial<TableMetadata> {
  const removed = new Set(ids.map(String));
  for (const [name, ref] of Object.entries(refsOf(metadata))) {
    check(!removed.has(String(ref['snapshot-id'])), `snapshot ${ref['snapshot-id']} is named by ${name}`);
  }
  const snapshots = (metadata.snapshots ?? []).filter((snapshot) => !removed.has(String(snapshot['snapshot-id'])));
  // A history with gaps would tell readers of a time what was never so: all before a gap goes.
  let log: NonNullable<TableMetadata['snapshot-log']>[number][] = [];
  for (const entry of metadata['snapshot-log'] ?? []) {
    if (removed.has(String(entry['snapshot-id']))) log = [];
    else log.push(entry);
  }
  return { snapshots, 'snapshot-log': log };
}

function findSnapshot(metadata: TableMetadata, id: Long): Snapshot | undefined {
  return metadata.snapshots?.find((snapshot) => sameLong(snapshot['snapshot-id'], id));
}

function check(holds: boolean, message: string): void {
  if (!holds) throw new TypeError(message);
}
