import { describe, expect, test } from 'vitest';
import { column } from '../testing.ts';
import { newTableMetadata } from './metadata.ts';
import { createSchema } from './schema.ts';
import type { MetadataUpdate, Snapshot, TableMetadata, TableRequirement } from './spec.ts';
import { applyUpdates, logMetadataFile, meetsRequirements } from './updates.ts';

const { schema, lastColumnID } = createSchema([column('a'), column('b')]);
const empty = newTableMetadata(
  {
    uuid: 'u',
    location: 's3://b/t',
    schema,
    'partition-spec': { 'spec-id': 0, fields: [] },
    'write-order': { 'order-id': 0, fields: [] },
    properties: { kept: '1', dropped: '2' },
    time: 100,
  },
  lastColumnID,
);

function snapshot(id: number | bigint, sequence: number, more: Partial<Snapshot> = {}): Snapshot {
  return {
    'snapshot-id': id,
    'sequence-number': sequence,
    'timestamp-ms': 100 + sequence,
    'manifest-list': `s3://b/t/metadata/${id}.avro`,
    summary: { operation: 'append' },
    'schema-id': 0,
    ...more,
  };
}

function commit(base: TableMetadata, one: Snapshot): TableMetadata {
  const ref = {
    action: 'set-snapshot-ref',
    'ref-name': 'main',
    type: 'branch',
    'snapshot-id': one['snapshot-id'],
  } as const;
  return applyUpdates(base, [{ action: 'add-snapshot', snapshot: one }, ref], one['timestamp-ms']);
}

const large = 9223372036854775807n;
const two = commit(commit(empty, snapshot(large, 1)), snapshot(2, 2, { 'parent-snapshot-id': large }));

test('a snapshot that becomes main is current and in the log', () => {
  expect(two).toMatchObject({
    'last-sequence-number': 2,
    'last-updated-ms': 102,
    'current-snapshot-id': 2,
    refs: { main: { 'snapshot-id': 2, type: 'branch' } },
    'snapshot-log': [
      { 'snapshot-id': large, 'timestamp-ms': 101 },
      { 'snapshot-id': 2, 'timestamp-ms': 102 },
    ],
  });
});

test('the base stays as it was', () => {
  expect(empty.snapshots).toEqual([]);
  expect(empty['last-sequence-number']).toBe(0);
});

test('a branch goes its own way', () => {
  const branched = applyUpdates(
    two,
    [{ action: 'set-snapshot-ref', 'ref-name': 'b', type: 'branch', 'snapshot-id': large }],
    200,
  );
  expect(branched['current-snapshot-id']).toBe(2);
  expect(branched.refs).toMatchObject({ main: { 'snapshot-id': 2 }, b: { 'snapshot-id': large } });
});

test('going back to an earlier snapshot is logged with the time of going back', () => {
  const back = applyUpdates(
    two,
    [{ action: 'set-snapshot-ref', 'ref-name': 'main', type: 'branch', 'snapshot-id': large }],
    200,
  );
  expect(back['current-snapshot-id']).toBe(large);
  expect(back['snapshot-log']?.at(-1)).toEqual({ 'snapshot-id': large, 'timestamp-ms': 200 });
});

test('snapshots leave with all the history before them', () => {
  const three = commit(two, snapshot(3, 3, { 'parent-snapshot-id': 2 }));
  const left = applyUpdates(three, [{ action: 'remove-snapshots', 'snapshot-ids': [2] }], 200);
  expect(left.snapshots?.map((one) => one['snapshot-id'])).toEqual([large, 3]);
  expect(left['snapshot-log']?.map((one) => one['snapshot-id'])).toEqual([3]);
});

test('a schema is added with the ids it uses, and made the current one', () => {
  const next = { ...createSchema([column('a'), column('b'), column('c')]).schema, 'schema-id': 1 };
  const evolved = applyUpdates(
    empty,
    [
      { action: 'add-schema', schema: next },
      { action: 'set-current-schema', 'schema-id': -1 },
    ],
    200,
  );
  expect(evolved).toMatchObject({ 'current-schema-id': 1, 'last-column-id': 3, schemas: [schema, next] });
  const back = applyUpdates(evolved, [{ action: 'set-current-schema', 'schema-id': 0 }], 300);
  expect(back).toMatchObject({ 'current-schema-id': 0, 'last-column-id': 3 });
});

test('properties are set and removed, others stay', () => {
  const updates: MetadataUpdate[] = [
    { action: 'set-properties', updates: { added: '3' } },
    { action: 'remove-properties', removals: ['dropped', 'never there'] },
  ];
  expect(applyUpdates(empty, updates, 200).properties).toEqual({ kept: '1', added: '3' });
});

test('members of other engines stay', () => {
  const foreign = { ...empty, statistics: [{ 'snapshot-id': 5 }] };
  expect(applyUpdates(foreign, [], 200)).toMatchObject({ statistics: [{ 'snapshot-id': 5 }] });
});

test('the file before is named, as far as the log is kept', () => {
  let metadata: TableMetadata = empty;
  for (let version = 1; version <= 105; version += 1) {
    metadata = logMetadataFile(metadata, {
      metadata: { ...empty, 'last-updated-ms': version },
      location: `v${version}`,
    });
  }
  expect(metadata['metadata-log']).toHaveLength(100);
  expect(metadata['metadata-log']?.at(-1)).toEqual({ 'metadata-file': 'v105', 'timestamp-ms': 105 });
});

describe('what no writer may ask', () => {
  test.for<[string, TableMetadata, MetadataUpdate]>([
    ['snapshot 2 is there already', two, { action: 'add-snapshot', snapshot: snapshot(2, 3) }],
    ['which is not after 2', two, { action: 'add-snapshot', snapshot: snapshot(3, 2) }],
    ['no parent snapshot 9', two, { action: 'add-snapshot', snapshot: snapshot(3, 3, { 'parent-snapshot-id': 9 }) }],
    ['not later', two, { action: 'add-snapshot', snapshot: snapshot(3, 3, { 'timestamp-ms': 102 }) }],
    ['no snapshot 9', two, { action: 'set-snapshot-ref', 'ref-name': 'main', type: 'branch', 'snapshot-id': 9 }],
    ['named by main', two, { action: 'remove-snapshots', 'snapshot-ids': [2] }],
    ['schema 0 is there already', empty, { action: 'add-schema', schema }],
    ['no schema 7', empty, { action: 'set-current-schema', 'schema-id': 7 }],
    ['no schema -1', empty, { action: 'set-current-schema', 'schema-id': -1 }],
    ['sort order 0 is there', empty, { action: 'add-sort-order', 'sort-order': { 'order-id': 0, fields: [] } }],
    ['no sort order 4', empty, { action: 'set-default-sort-order', 'sort-order-id': 4 }],
  ])('is refused: %s', ([message, base, update]) => {
    expect(() => applyUpdates(base, [update], 200)).toThrow(new RegExp(message));
  });
});

test.for<[TableRequirement, boolean]>([
  [{ type: 'assert-create' }, false],
  [{ type: 'assert-table-uuid', uuid: 'u' }, true],
  [{ type: 'assert-table-uuid', uuid: 'v' }, false],
  [{ type: 'assert-ref-snapshot-id', ref: 'main', 'snapshot-id': 2 }, true],
  [{ type: 'assert-ref-snapshot-id', ref: 'main', 'snapshot-id': 2n }, true],
  [{ type: 'assert-ref-snapshot-id', ref: 'main', 'snapshot-id': null }, false],
  [{ type: 'assert-ref-snapshot-id', ref: 'other', 'snapshot-id': null }, true],
  [{ type: 'assert-last-assigned-field-id', 'last-assigned-field-id': 2 }, true],
  [{ type: 'assert-last-assigned-field-id', 'last-assigned-field-id': 3 }, false],
  [{ type: 'assert-current-schema-id', 'current-schema-id': 0 }, true],
  [{ type: 'assert-current-schema-id', 'current-schema-id': 1 }, false],
])('the requirement %o is met: %s', ([requirement, expected]) => {
  expect(meetsRequirements(two, [requirement])).toBe(expected);
});

test('a table that is not there meets only that it is to be made', () => {
  expect(meetsRequirements(undefined, [{ type: 'assert-create' }])).toBe(true);
  expect(meetsRequirements(undefined, [{ type: 'assert-table-uuid', uuid: 'u' }])).toBe(false);
});

test('a main branch that an older writer did not name is the current snapshot', () => {
  const { refs: _, ...older } = two;
  expect(meetsRequirements(older, [{ type: 'assert-ref-snapshot-id', ref: 'main', 'snapshot-id': 2 }])).toBe(true);
});
