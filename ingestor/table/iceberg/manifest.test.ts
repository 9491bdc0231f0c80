import { describe, expect, test } from 'vitest';
import { readAvro, writeAvro } from './avro.ts';
import { type DataFileEntry, type ManifestEntry, readManifest, writeManifest } from './manifest.ts';
import { hasLiveFiles, type ManifestFile, readManifestList, writeManifestList } from './manifest-list.ts';
import type { IcebergSchema, PartitionSpec } from './spec.ts';

const sync = Buffer.alloc(16, 3);
const types = [
  'boolean',
  'int',
  'long',
  'float',
  'double',
  'date',
  'time',
  'timestamp',
  'timestamptz',
  'string',
  'uuid',
  'fixed[3]',
  'binary',
  'decimal(9, 2)',
];
const schema: IcebergSchema = {
  type: 'struct',
  'schema-id': 4,
  fields: types.map((type, index) => ({ id: index + 1, name: `f.${index}`, required: false, type })),
};
const spec: PartitionSpec = {
  'spec-id': 2,
  fields: types.map((_, index) => ({
    'source-id': index + 1,
    'field-id': 1000 + index,
    name: `f.${index}`,
    transform: 'identity',
  })),
};
const partition = [
  true,
  -5,
  9223372036854775807n,
  1.5,
  -2.25,
  19_000,
  86_399_999_999,
  1_700_000_000_000_000,
  1_700_000_000_000_001,
  'Köln',
  Buffer.alloc(16, 1),
  Buffer.of(1, 2, 3),
  Buffer.of(9),
  Buffer.from('000004d2', 'hex'),
];

const file: DataFileEntry = {
  content: 0,
  file_path: 's3://b/data/1.parquet',
  file_format: 'PARQUET',
  partition,
  record_count: 5,
  file_size_in_bytes: 1_000,
  column_sizes: [{ key: 1, value: 100 }],
  value_counts: [{ key: 1, value: 5 }],
  null_value_counts: [{ key: 1, value: 0 }],
  nan_value_counts: [{ key: 4, value: 1 }],
  lower_bounds: [{ key: 1, value: Buffer.of(0) }],
  upper_bounds: [{ key: 1, value: Buffer.of(1) }],
  key_metadata: Buffer.of(7),
  split_offsets: [4, 500],
  equality_ids: [1],
  sort_order_id: 1,
};
const bare: DataFileEntry = {
  ...file,
  partition: types.map(() => null),
  column_sizes: null,
  value_counts: null,
  null_value_counts: null,
  nan_value_counts: null,
  lower_bounds: null,
  upper_bounds: null,
  key_metadata: null,
  split_offsets: null,
  equality_ids: null,
  sort_order_id: null,
};

const listed: ManifestFile = {
  path: 's3://b/m.avro',
  length: 5,
  specID: 2,
  content: 'data',
  sequence: 12,
  minSequence: 3,
  addedSnapshotID: 9223372036854775807n,
  files: { added: 1, existing: 2, deleted: 3 },
  rows: { added: 10, existing: 20, deleted: 30 },
  partitions: [{ containsNull: true, containsNaN: false, lower: Buffer.of(1), upper: Buffer.of(2) }],
};

describe('a manifest', () => {
  const entries: ManifestEntry[] = [
    { status: 'added', snapshotID: 9223372036854775807n, file },
    { status: 'existing', snapshotID: 5, sequence: 3, fileSequence: 4, file: bare },
    { status: 'deleted', snapshotID: 6, sequence: 1, fileSequence: 1, file },
  ];

  test('keeps its entries; what was added gets the sequence number of the list', async () => {
    const body = await writeManifest({ schema, spec, content: 'data' }, entries, sync);
    expect(await readManifest(body, listed, spec)).toEqual([
      { ...entries[0], sequence: 12, fileSequence: 12 },
      entries[1],
      entries[2],
    ]);
  });

  test('has ids in its schema, and says what it is', async () => {
    const body = await writeManifest({ schema, spec, content: 'data' }, entries, sync);
    const { metadata, schema: avro } = await readAvro(body, 'm');
    expect(metadata).toMatchObject({
      'format-version': '2',
      content: 'data',
      'schema-id': '4',
      'partition-spec-id': '2',
      'partition-spec': JSON.stringify(spec.fields),
      schema: JSON.stringify(schema),
    });
    const ids = [...JSON.stringify(avro).matchAll(/"(?:field|element)-id":(\d+)/g)].map(([, id]) => Number(id));
    const expected = [0, 1, 3, 4, 2, 134, 100, 101, 102, ...spec.fields.map((field) => field['field-id'])];
    const rest = [103, 104, 108, 117, 118, 109, 119, 120, 110, 121, 122, 137, 138, 139, 125, 126, 127, 128, 129, 130];
    expect(ids.toSorted()).toEqual([...expected, ...rest, 131, 132, 133, 135, 136, 140].toSorted());
  });

  test('has names that Avro allows, and says what they stand for', async () => {
    const body = await writeManifest({ schema, spec, content: 'data' }, entries, sync);
    const { schema: avro } = await readAvro(body, 'm');
    expect(JSON.stringify(avro)).toContain('"name":"f_x2E0"');
    expect(JSON.stringify(avro)).toContain('"iceberg-field-name":"f.0"');
  });

  test('of another order of partition fields is read by their ids', async () => {
    const body = await writeManifest({ schema, spec, content: 'data' }, entries.slice(0, 1), sync);
    const reordered = {
      'spec-id': 2,
      fields: [
        ...spec.fields.slice(0, 2).reverse(),
        { 'source-id': 1, 'field-id': 1500, name: 'x', transform: 'void' },
      ],
    };
    const [entry] = await readManifest(body, listed, reordered);
    expect(entry?.file.partition).toEqual([-5, true, null]);
  });

  test('of version 1 is read: it has no sequence numbers, no content, and fields that were dropped since', async () => {
    const field = (name: string, id: number, type: unknown) => ({ name, type, 'field-id': id });
    const first = {
      type: 'record',
      name: 'manifest_entry',
      fields: [
        field('status', 0, 'int'),
        field('snapshot_id', 1, 'long'),
        field('data_file', 2, {
          type: 'record',
          name: 'r2',
          fields: [
            field('file_path', 100, 'string'),
            field('file_format', 101, 'string'),
            field('partition', 102, { type: 'record', name: 'r102', fields: [field('n', 1001, ['null', 'int'])] }),
            field('record_count', 103, 'long'),
            field('file_size_in_bytes', 104, 'long'),
            field('block_size_in_bytes', 105, 'long'),
            field('lower_bounds', 125, [
              'null',
              {
                type: 'array',
                logicalType: 'map',
                items: {
                  type: 'record',
                  name: 'k126_v127',
                  fields: [field('key', 126, 'int'), field('value', 127, 'bytes')],
                },
              },
            ]),
          ],
        }),
      ],
    };
    const data_file = {
      file_path: 'f',
      file_format: 'PARQUET',
      partition: { n: 7 },
      record_count: 3,
      file_size_in_bytes: 4,
      block_size_in_bytes: 5,
      lower_bounds: [{ key: 1, value: Buffer.of(1) }],
    };
    const body = await writeAvro(
      first,
      {},
      [
        { status: 0, snapshot_id: 8, data_file },
        { status: 1, snapshot_id: 9, data_file },
      ],
      sync,
    );
    const read = await readManifest(
      body,
      { ...listed, sequence: 0 },
      { 'spec-id': 0, fields: spec.fields.slice(1, 2) },
    );
    expect(read).toMatchObject([
      {
        status: 'existing',
        snapshotID: 8,
        sequence: 0,
        fileSequence: 0,
        file: {
          content: 0,
          partition: [7],
          record_count: 3,
          column_sizes: null,
          lower_bounds: [{ key: 1, value: Buffer.of(1) }],
        },
      },
      { status: 'added', snapshotID: 9, sequence: 0, fileSequence: 0 },
    ]);
  });
});

describe('a manifest list', () => {
  const snapshot = { 'snapshot-id': 9223372036854775807n, 'parent-snapshot-id': 5, 'sequence-number': 12 };

  test('keeps what it says of manifests', async () => {
    const others: ManifestFile[] = [
      { ...listed, content: 'deletes', keyMetadata: Buffer.of(1), partitions: [{ containsNull: false }] },
      {
        path: 'p',
        length: 1,
        specID: 0,
        content: 'data',
        sequence: 1,
        minSequence: 1,
        addedSnapshotID: 1,
        files: { added: 0, existing: 0, deleted: 1 },
        rows: { added: 0, existing: 0, deleted: 1 },
      },
    ];
    const body = await writeManifestList(snapshot, [listed, ...others], sync);
    expect(await readManifestList(body, 'l')).toEqual([listed, ...others]);
    expect((await readAvro(body, 'l')).metadata).toMatchObject({
      'snapshot-id': '9223372036854775807',
      'parent-snapshot-id': '5',
      'sequence-number': '12',
      'format-version': '2',
    });
  });

  test('of version 1 is read by the ids of its fields', async () => {
    const field = (name: string, id: number, type: unknown) => ({ name, type, 'field-id': id });
    const first = {
      type: 'record',
      name: 'manifest_file',
      fields: [
        field('manifest_path', 500, 'string'),
        field('manifest_length', 501, 'long'),
        field('partition_spec_id', 502, 'int'),
        field('added_snapshot_id', 503, ['null', 'long']),
        field('added_data_files_count', 504, ['null', 'int']),
        field('existing_data_files_count', 505, ['null', 'int']),
        field('deleted_data_files_count', 506, ['null', 'int']),
      ],
    };
    const common = { manifest_path: 'p', manifest_length: 1, partition_spec_id: 0 };
    const none = {
      added_snapshot_id: null,
      added_data_files_count: null,
      existing_data_files_count: null,
      deleted_data_files_count: null,
    };
    const counted = {
      added_snapshot_id: 4,
      added_data_files_count: 0,
      existing_data_files_count: 0,
      deleted_data_files_count: 2,
    };
    const body = await writeAvro(
      first,
      {},
      [
        { ...common, ...none },
        { ...common, ...counted },
      ],
      sync,
    );
    const [uncounted, dead] = await readManifestList(body, 'l');
    if (uncounted === undefined || dead === undefined) throw new Error('the list has two manifests');
    expect(dead).toMatchObject({
      content: 'data',
      sequence: 0,
      addedSnapshotID: 4,
      files: { added: 0, existing: 0, deleted: 2 },
    });
    expect(hasLiveFiles(uncounted)).toBe(true);
    expect(hasLiveFiles(dead)).toBe(false);
    const again = await readManifestList(await writeManifestList(snapshot, [uncounted], sync), 'l');
    expect(again.every(hasLiveFiles)).toBe(true);
  });
});
