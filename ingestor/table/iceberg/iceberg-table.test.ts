import { describe, expect, test } from 'vitest';
import { MemoryStore } from '../../../test/support/memory-store.ts';
import { testWaiting } from '../../../test/support/waiting.ts';
import { commitToTable, createTable, loadState } from '../commit.ts';
import type { Table, TableChange, TableState } from '../table.ts';
import {
  addFile,
  column,
  emptyTable,
  firstChange,
  keysOf,
  once,
  openTestTable,
  testFile,
  testFolder,
} from '../testing.ts';
import { FileCatalog } from './file-catalog.ts';
import { IcebergTable } from './iceberg-table.ts';
import { printJSON } from './json.ts';
import { readManifest } from './manifest.ts';
import { type ManifestFile, readManifestList, writeManifestList } from './manifest-list.ts';
import { currentSnapshot, parseTableMetadata } from './metadata.ts';
import type { MetadataUpdate, Snapshot, TableMetadata } from './spec.ts';
import { applyUpdates } from './updates.ts';

const open = (store: MemoryStore) => openTestTable('Iceberg', store);
let commits = 0;

async function change(store: MemoryStore, asked: TableChange | ((state: TableState) => TableChange)): Promise<string> {
  commits += 1;
  return await commitToTable(open(store), once(`change-${commits}`, asked), testWaiting(commits));
}

async function metadataOf(store: MemoryStore): Promise<TableMetadata> {
  const versions = [...store.objects.keys()].flatMap((key) => /\/v([0-9]+)\.metadata\.json$/.exec(key)?.[1] ?? []);
  const key = `${testFolder}metadata/v${Math.max(...versions.map(Number))}.metadata.json`;
  return parseTableMetadata(Buffer.from(store.objects.get(key)?.body ?? '').toString(), key);
}

async function snapshotOf(store: MemoryStore): Promise<Snapshot> {
  const snapshot = currentSnapshot(await metadataOf(store));
  if (snapshot === undefined) throw new Error('the table has no snapshot');
  return snapshot;
}

function bodyOf(store: MemoryStore, url: string): Uint8Array {
  const object = store.objects.get(url.slice(store.url.length + 1));
  if (object === undefined) throw new Error(`${url} is not there`);
  return object.body;
}

async function manifestsOf(store: MemoryStore, snapshot?: Snapshot): Promise<ManifestFile[]> {
  const url = (snapshot ?? (await snapshotOf(store)))['manifest-list'];
  return await readManifestList(bodyOf(store, url), url);
}

async function entriesOf(store: MemoryStore, manifest: ManifestFile) {
  const { 'partition-specs': specs } = await metadataOf(store);
  const spec = specs.find((one) => one['spec-id'] === manifest.specID);
  if (spec === undefined) throw new Error('the manifest has a spec of its own');
  return await readManifest(bodyOf(store, manifest.path), manifest, spec);
}

async function allOf<T>(items: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const item of items) all.push(item);
  return all;
}

describe('a new table', () => {
  test('has the metadata that the specification asks for', async () => {
    const store = await emptyTable('Iceberg');
    expect(await metadataOf(store)).toMatchObject({
      'format-version': 2,
      'table-uuid': testFolder.slice('table-'.length, -1),
      location: `${store.url}/${testFolder.slice(0, -1)}`,
      'last-sequence-number': 0,
      'last-column-id': 2,
      'current-schema-id': 0,
      schemas: [
        {
          type: 'struct',
          'schema-id': 0,
          fields: [
            { id: 1, name: 'id', required: false, type: 'string' },
            { id: 2, name: 'n', required: false, type: 'long' },
          ],
        },
      ],
      'partition-specs': [{ 'spec-id': 0, fields: [] }],
      'default-spec-id': 0,
      'last-partition-id': 999,
      'sort-orders': [{ 'order-id': 0, fields: [] }],
      'default-sort-order-id': 0,
    });
  });

  test('has partitions, order and field ids as asked', async () => {
    const store = new MemoryStore();
    const first = firstChange('Iceberg', {
      partitionBy: [{ field: 'n', transform: 'Bucket', parameter: 16 }],
      sortBy: ['id'],
    });
    const state = await createTable(open(store), first, testWaiting());
    expect(state.layout).toEqual({
      fieldIDs: { id: 1, n: 2 },
      partitionBy: [{ field: 'n', transform: 'Bucket', parameter: 16 }],
      sortBy: ['id'],
    });
    expect(await metadataOf(store)).toMatchObject({
      'partition-specs': [
        { 'spec-id': 0, fields: [{ 'source-id': 2, 'field-id': 1000, name: 'n_bucket', transform: 'bucket[16]' }] },
      ],
      'last-partition-id': 1000,
      'sort-orders': [
        { 'order-id': 0, fields: [] },
        {
          'order-id': 1,
          fields: [{ 'source-id': 1, transform: 'identity', direction: 'asc', 'null-order': 'nulls-first' }],
        },
      ],
      'default-sort-order-id': 1,
    });
  });

  test('is not begun where the place was claimed for the other format', async () => {
    const made = createTable(open(new MemoryStore()), firstChange('Parquet'), testWaiting());
    await expect(made).rejects.toMatchObject({ code: 'SchemaIncompatible' });
  });
});

describe('a snapshot', () => {
  test('tells what was added and what is in the table', async () => {
    const store = await emptyTable('Iceberg');
    await change(store, { addFiles: [testFile('a', { rows: 3, bytes: 100 }), testFile('b', { rows: 4, bytes: 50 })] });
    await change(store, { addFiles: [testFile('c', { rows: 1 })], summary: { 'forebay.batch': 'x' } });
    expect((await snapshotOf(store)).summary).toEqual({
      operation: 'append',
      'forebay.batch': 'x',
      'added-data-files': '1',
      'added-records': '1',
      'added-files-size': '10',
      'changed-partition-count': '1',
      'total-records': '8',
      'total-data-files': '3',
      'total-files-size': '160',
      'total-delete-files': '0',
      'total-position-deletes': '0',
      'total-equality-deletes': '0',
    });
  });

  test.for<[string, TableChange, string]>([
    ['adds files', { addFiles: [testFile('x')] }, 'append'],
    ['changes nothing', { snapshot: true }, 'append'],
    ['takes files out', { removeFiles: [testFile('a').key] }, 'delete'],
    ['replaces files', { removeFiles: [testFile('a').key], addFiles: [testFile('x')] }, 'overwrite'],
    ['rewrites files', { removeFiles: [testFile('a').key], addFiles: [testFile('x')], rewrites: true }, 'replace'],
  ])('that %s says so', async ([, asked, operation]) => {
    const store = await emptyTable('Iceberg');
    await change(store, { addFiles: [testFile('a'), testFile('b')] });
    await change(store, asked);
    expect((await snapshotOf(store)).summary.operation).toBe(operation);
  });

  test('names its parent, its schema, its time and a sequence number that rises', async () => {
    const store = await emptyTable('Iceberg');
    const first = await change(store, { addFiles: [testFile('a')] });
    await change(store, { addFiles: [testFile('b')] });
    const snapshot = await snapshotOf(store);
    const metadata = await metadataOf(store);
    expect(String(snapshot['parent-snapshot-id'])).toBe(first);
    expect(snapshot).toMatchObject({ 'sequence-number': 2, 'schema-id': 0 });
    expect(metadata['last-sequence-number']).toBe(2);
    expect(metadata['snapshot-log']?.map((entry) => String(entry['snapshot-id']))).toEqual([
      first,
      String(snapshot['snapshot-id']),
    ]);
    expect(snapshot['timestamp-ms']).toBe(metadata['last-updated-ms']);
    expect(metadata.refs).toEqual({ main: { type: 'branch', 'snapshot-id': snapshot['snapshot-id'] } });
  });

  test('adds a manifest and writes none anew', async () => {
    const store = await emptyTable('Iceberg');
    await change(store, { addFiles: [testFile('a')] });
    const [before] = await manifestsOf(store);
    await change(store, { addFiles: [testFile('b')] });
    const [added, kept, ...others] = await manifestsOf(store);
    expect(others).toEqual([]);
    expect(kept).toEqual(before);
    expect(added).toMatchObject({
      sequence: 2,
      minSequence: 2,
      files: { added: 1, existing: 0, deleted: 0 },
      rows: { added: 1, existing: 0, deleted: 0 },
    });
  });

  test('writes only the manifests anew that hold a file that leaves', async () => {
    const store = await emptyTable('Iceberg');
    const first = await change(store, { addFiles: [testFile('a'), testFile('b', { rows: 2 })] });
    await change(store, { addFiles: [testFile('c')] });
    const untouched = (await manifestsOf(store)).find(({ sequence }) => sequence === 2);
    const id = await change(store, { removeFiles: [testFile('a').key] });
    const manifests = await manifestsOf(store);
    const rewritten = manifests.find(({ sequence }) => sequence === 3);
    if (rewritten === undefined) throw new Error('no manifest was written');
    expect(manifests).toHaveLength(2);
    expect(manifests).toContainEqual(untouched);
    expect(rewritten).toMatchObject({ minSequence: 1, files: { added: 0, existing: 1, deleted: 1 } });
    const entries = await entriesOf(store, rewritten);
    expect(
      entries.map(({ status, snapshotID, sequence, fileSequence }) => [
        status,
        String(snapshotID),
        sequence,
        fileSequence,
      ]),
    ).toEqual([
      ['deleted', id, 1, 1],
      ['existing', first, 1, 1],
    ]);
  });

  test('leaves out manifests all of whose files have left before', async () => {
    const store = await emptyTable('Iceberg');
    await change(store, { addFiles: [testFile('a')] });
    await change(store, { removeFiles: [testFile('a').key] });
    expect(await manifestsOf(store)).toHaveLength(1);
    await change(store, { addFiles: [testFile('b')] });
    expect((await manifestsOf(store)).map(({ files }) => files)).toEqual([{ added: 1, existing: 0, deleted: 0 }]);
  });

  test('makes many small manifests one, whose files keep their numbers', { timeout: 30_000 }, async () => {
    const store = await emptyTable('Iceberg');
    for (let n = 1; n <= 102; n += 1) await change(store, { addFiles: [testFile(`f${n}`)] });
    const manifests = await manifestsOf(store);
    expect(manifests.map(({ files }) => files)).toEqual([
      { added: 1, existing: 0, deleted: 0 },
      { added: 1, existing: 0, deleted: 0 },
      { added: 0, existing: 100, deleted: 0 },
    ]);
    const merged = manifests[2];
    if (merged === undefined) throw new Error('nothing was merged');
    expect(merged).toMatchObject({ sequence: 101, minSequence: 1 });
    const entries = await entriesOf(store, merged);
    expect(entries.map(({ sequence }) => sequence)).toEqual(Array.from({ length: 100 }, (_, n) => n + 1));
    expect(await keysOf(open(store), await loadState(open(store)))).toHaveLength(102);
  });

  test('leaves the table when there are more than a thousand, but for those that a tag names', async () => {
    const store = await emptyTable('Iceberg');
    await change(store, { addFiles: [testFile('a')] });
    await pretendSnapshots(store, 1_000);
    const added = [await change(store, { snapshot: true }), await change(store, { snapshot: true })];
    const state = await loadState(open(store));
    const left = open(store).snapshots(state);
    expect(left).toHaveLength(1_000);
    expect(left.map(({ snapshotID }) => snapshotID)).toEqual([
      '1', // pinned
      ...Array.from({ length: 997 }, (_, n) => String(n + 4)),
      ...added,
    ]);
    expect((await metadataOf(store))['snapshot-log']).toHaveLength(999);
  });
});

/** A version of the table with so many snapshots, 1, 2, ..., all with the files of the newest; the first has a tag. */
async function pretendSnapshots(store: MemoryStore, count: number): Promise<void> {
  const metadata = await metadataOf(store);
  const newest = await snapshotOf(store);
  const { 'parent-snapshot-id': _, ...root } = newest;
  const snapshots = Array.from({ length: count }, (_value, n) => ({
    ...root,
    'snapshot-id': n + 1,
    'sequence-number': n + 1,
    'timestamp-ms': newest['timestamp-ms'] + n,
  }));
  const body = printJSON({
    ...metadata,
    snapshots,
    'snapshot-log': snapshots.map((one) => ({
      'snapshot-id': one['snapshot-id'],
      'timestamp-ms': one['timestamp-ms'],
    })),
    'current-snapshot-id': count,
    'last-sequence-number': count,
    'last-updated-ms': newest['timestamp-ms'] + count,
    refs: { main: { type: 'branch', 'snapshot-id': count }, first: { type: 'tag', 'snapshot-id': 1 } },
  });
  await store.put(`${testFolder}metadata/v2.metadata.json`, body);
}

describe('what a manifest says about a file', () => {
  const columns = [
    { id: 1, bytes: 20, values: 3, nulls: 1, lower: 'YQ==', upper: 'Yg==' },
    { id: 2, bytes: 24, values: 3, nulls: 0 },
  ];

  test('is what the table was told', async () => {
    const store = new MemoryStore();
    const first = firstChange('Iceberg', { partitionBy: [{ field: 'n', transform: 'Identity' }], sortBy: ['id'] });
    await createTable(open(store), first, testWaiting());
    const file = testFile('a', {
      partition: ['9223372036854775807'],
      columns,
      splitOffsets: [4, 1_000],
      sorted: true,
    });
    await change(store, { addFiles: [file] });
    expect(await allOf(open(store).files(await loadState(open(store))))).toEqual([file]);
    const [manifest] = await manifestsOf(store);
    expect(manifest?.partitions).toEqual([
      {
        containsNull: false,
        containsNaN: false,
        lower: Buffer.from('ffffffffffffff7f', 'hex'),
        upper: Buffer.from('ffffffffffffff7f', 'hex'),
      },
    ]);
  });

  test('has bounds of the first hundred columns and of those that files are found by', async () => {
    const store = new MemoryStore();
    const wide = Array.from({ length: 120 }, (_, n) => column(`c${n + 1}`, 'long'));
    const settings = firstChange('Iceberg', {
      partitionBy: [{ field: 'c110', transform: 'Bucket', parameter: 4 }],
      sortBy: ['c120'],
    });
    await createTable(open(store), { ...settings, columns: wide }, testWaiting());
    const measured = wide.map((_, n) => ({ id: n + 1, bytes: 1, values: 1, nulls: 0 }));
    await change(store, { addFiles: [testFile('a', { partition: [3], columns: measured })] });
    const [file] = await allOf(open(store).files(await loadState(open(store))));
    expect(file?.columns?.map(({ id }) => id)).toEqual([...Array.from({ length: 100 }, (_, n) => n + 1), 110, 120]);
  });

  test('must have a value for each partition field', async () => {
    const store = await emptyTable('Iceberg');
    await expect(change(store, { addFiles: [testFile('a', { partition: [1] })] })).rejects.toThrow('partition values');
  });
});

describe('tries of one commit', () => {
  /** Another commit comes in first, at each of the first two tries. */
  async function commitAgainst(store: MemoryStore, waiting = testWaiting(900), pause = 0): Promise<string> {
    let lost = 0;
    return await commitToTable(
      openTestTable('Iceberg', store, waiting),
      async (state, stamp) => {
        const step = await once('mine', { addFiles: [testFile('mine')] })(state, stamp);
        if ('change' in step && lost < 2) {
          lost += 1;
          await change(store, { addFiles: [testFile(`other-${lost}`)] });
          waiting.clock.advance(pause);
        }
        return step;
      },
      waiting,
    );
  }

  const manifestsBy = (store: MemoryStore, id: string) =>
    [...store.objects.keys()].filter((key) => key.includes(`forebay-${id}-`) && key.endsWith('-m.avro'));

  test('share the manifest of the new files', async () => {
    const store = await emptyTable('Iceberg');
    const id = await commitAgainst(store);
    expect(manifestsBy(store, id)).toHaveLength(1);
    expect(await keysOf(open(store), await loadState(open(store)))).toHaveLength(3);
  });

  test('write it anew when an hour has passed: it may be garbage by then', async () => {
    const store = await emptyTable('Iceberg');
    const id = await commitAgainst(store, testWaiting(900), 3_600_001);
    expect(manifestsBy(store, id)).toHaveLength(2);
  });
});

describe('expiry', () => {
  async function threeSnapshots(): Promise<{ store: MemoryStore; ids: string[] }> {
    const store = await emptyTable('Iceberg');
    const ids = [
      await change(store, { addFiles: [testFile('a'), testFile('b')] }),
      await change(store, { removeFiles: [testFile('a').key], addFiles: [testFile('c')] }),
      await change(store, { addFiles: [testFile('d')] }),
    ];
    return { store, ids };
  }
  const onlyIn = async (table: Table, ids: readonly string[]) =>
    (await allOf(table.filesOnlyIn(await loadState(table), new Set(ids)))).sort();

  test('takes snapshots out, and files stay', async () => {
    const { store, ids } = await threeSnapshots();
    const before = await keysOf(open(store), await loadState(open(store)));
    await change(store, { expireSnapshots: [...ids.slice(0, 2), '12345'] });
    const state = await loadState(open(store));
    expect(open(store).snapshots(state)).toMatchObject([{ snapshotID: ids[2], pinned: true, sequence: 3 }]);
    expect(await keysOf(open(store), state)).toEqual(before);
    expect((await metadataOf(store))['snapshot-log']).toHaveLength(1);
  });

  test('never takes the current snapshot', async () => {
    const { store, ids } = await threeSnapshots();
    await expect(change(store, { expireSnapshots: ids })).rejects.toThrow(TypeError);
  });

  test('knows the files that go with the snapshots', async () => {
    const { store, ids } = await threeSnapshots();
    expect(await onlyIn(open(store), ids.slice(0, 1))).toEqual([testFile('a').key]);
    expect(await onlyIn(open(store), ids.slice(1, 2))).toEqual([]);
    expect(await onlyIn(open(store), [])).toEqual([]);
  });

  test('keeps files that were only listed in other manifests since', { timeout: 30_000 }, async () => {
    const store = await emptyTable('Iceberg');
    const ids: string[] = [];
    for (let n = 1; n <= 102; n += 1) ids.push(await change(store, { addFiles: [testFile(`f${n}`)] }));
    expect(await onlyIn(open(store), ids.slice(0, -1))).toEqual([]);
  });

  test('knows all metadata that snapshots need, and which of the objects are its own', async () => {
    const { store } = await threeSnapshots();
    const table = open(store);
    const named = await table.metadataKeys(await loadState(table));
    const written = [...store.objects.keys()].filter((key) => key.endsWith('.avro'));
    expect([...named].sort()).toEqual(written.sort());
    expect(written.every((key) => table.isOwnMetadata(key))).toBe(true);
    for (const name of ['v1.metadata.json', 'version-hint.text', 'snap-1-1-abc.avro', 'x/forebay-1.avro']) {
      expect(table.isOwnMetadata(`${testFolder}metadata/${name}`), name).toBe(false);
    }
  });
});

describe('one who slept while the snapshot it knew was expired and its manifests collected', () => {
  /** A state, and the store long after. */
  async function sleep(): Promise<{ store: MemoryStore; old: TableState; table: Table }> {
    const store = await emptyTable('Iceberg');
    const first = await change(store, { addFiles: [testFile('a'), testFile('b')] });
    const table = open(store);
    const old = await loadState(table);
    const named = await table.metadataKeys(old);
    await change(store, { removeFiles: [testFile('a').key] });
    await change(store, { expireSnapshots: [first] });
    const needed = await open(store).metadataKeys(await loadState(open(store)));
    await store.delete([...named].filter((key) => !needed.has(key)));
    return { store, old, table: openTestTable('Iceberg', store) };
  }

  test('tries again and finds the newest', async () => {
    const { store, old, table } = await sleep();
    let first: TableState | undefined = old;
    const dreaming: Table = {
      ...bind(table),
      load: async () => {
        const known = first ?? (await table.load());
        first = undefined;
        return known;
      },
    };
    await commitToTable(dreaming, once('late', { addFiles: [testFile('late')] }), testWaiting(500));
    expect(await keysOf(open(store), await loadState(open(store)))).toEqual([testFile('b').key, testFile('late').key]);
  });

  test('is told that what it reads has left, not that anything is damaged', async () => {
    const { old, table } = await sleep();
    const gone = expect.objectContaining({ code: 'StoreUnavailable', message: expect.stringContaining('left') });
    await expect(keysOf(table, old)).rejects.toEqual(gone);
    await expect(table.find(old, new Set([testFile('a').key]))).rejects.toEqual(gone);
    await expect(table.metadataKeys(old)).rejects.toEqual(gone);
    await expect(allOf(table.filesOnlyIn(old, new Set([old.snapshotID ?? ''])))).rejects.toEqual(gone);
  });

  /** The methods of a table, to be put into another object. */
  function bind(table: Table): Table {
    const { uuid, location, dataFolder } = table;
    return {
      uuid,
      location,
      dataFolder,
      load: () => table.load(),
      commit: (...given) => table.commit(...given),
      publish: (state) => table.publish(state),
      now: () => table.now(),
      emptyOldVersions: (state) => table.emptyOldVersions(state),
      files: (state) => table.files(state),
      find: (...given) => table.find(...given),
      snapshots: (state) => table.snapshots(state),
      filesOnlyIn: (...given) => table.filesOnlyIn(...given),
      metadataKeys: (state) => table.metadataKeys(state),
      isOwnMetadata: (key) => table.isOwnMetadata(key),
    };
  }
});

describe('a schema that changes', () => {
  const wider = [...firstChange('Iceberg').columns, column('later')];

  test('is a new one, with new ids for what is new', async () => {
    const store = await emptyTable('Iceberg');
    await change(store, { schemaDigest: 'second', columns: wider });
    const state = await loadState(open(store));
    expect(state.schemaDigest).toBe('second');
    expect(state.layout.fieldIDs).toEqual({ id: 1, n: 2, later: 3 });
    expect(await metadataOf(store)).toMatchObject({ 'current-schema-id': 1, 'last-column-id': 3 });
  });

  test('is no new one when only what columns do not tell is changed', async () => {
    const store = await emptyTable('Iceberg');
    await change(store, { schemaDigest: 'second', columns: firstChange('Iceberg').columns });
    expect((await metadataOf(store)).schemas).toHaveLength(1);
  });

  test('changes with its snapshots, which each name theirs', async () => {
    const store = await emptyTable('Iceberg');
    await change(store, { addFiles: [testFile('a')] });
    await change(store, { schemaDigest: 'second', columns: wider });
    await change(store, { addFiles: [testFile('b')] });
    const { snapshots } = await metadataOf(store);
    expect(snapshots?.map((snapshot) => snapshot['schema-id'])).toEqual([0, 1]);
  });
});

test('an order may be by a field that comes in the same change', async () => {
  const store = await emptyTable('Iceberg');
  const { settings } = firstChange('Iceberg', { sortBy: ['later'] });
  await change(store, { schemaDigest: 'd', columns: [...firstChange('Iceberg').columns, column('later')], settings });
  expect((await metadataOf(store))['sort-orders'].at(-1)?.fields).toMatchObject([{ 'source-id': 3 }]);
});

test('another order is added, an earlier one taken again', async () => {
  const store = await emptyTable('Iceberg');
  const settings = (sortBy: string[]) => ({ settings: firstChange('Iceberg', { sortBy }).settings });
  await change(store, settings(['n']));
  await change(store, settings([]));
  await change(store, settings(['n']));
  const metadata = await metadataOf(store);
  expect(metadata['sort-orders'].map((order) => order['order-id'])).toEqual([0, 1]);
  expect(metadata['default-sort-order-id']).toBe(1);
});

test('the log of metadata files names the last hundred', async () => {
  const store = await emptyTable('Iceberg');
  const table = open(store);
  for (let n = 1; n <= 104; n += 1) await commitToTable(table, addFile(String(n)), testWaiting(n));
  const log = (await metadataOf(store))['metadata-log'] ?? [];
  expect(log).toHaveLength(100);
  expect(log.at(-1)?.['metadata-file']).toBe(`${store.url}/${testFolder}metadata/v104.metadata.json`);
});

describe('a table that another hand has changed', () => {
  async function replace(store: MemoryStore, from: string | RegExp, to: string): Promise<void> {
    const key = `${testFolder}metadata/v1.metadata.json`;
    const text = Buffer.from(store.objects.get(key)?.body ?? '').toString();
    if (text.replace(from, to) === text) throw new Error(`${from} is not in the metadata`);
    await store.put(key, text.replace(from, to));
  }

  test.for<[string, string | RegExp, string, string, string]>([
    ['has lost our properties', /"forebay.table":"[^"]*",/, '', 'TableReplaced', 'forebay.table'],
    ['has lost a count', /"forebay.totals":"[^}]*\}[^}]*\}"/, '"x":"y"', 'DamagedDocument', 'forebay.totals'],
    ['is of version 3', '"format-version":2', '"format-version":3', 'TableReplaced', 'version 3'],
    ['has no schemas', /"schemas":\[.*?\],"current/, '"current', 'DamagedDocument', '"schemas"'],
    ['has another schema', '"current-schema-id":0', '"current-schema-id":7', 'DamagedDocument', 'current schema'],
    [
      'names a snapshot that is not there',
      '"current-snapshot-id":-1',
      '"current-snapshot-id":7',
      'DamagedDocument',
      'current snapshot',
    ],
  ])('is refused when it %s', async ([, from, to, code, message]) => {
    const store = await emptyTable('Iceberg');
    await replace(store, from, to);
    await expect(loadState(open(store))).rejects.toMatchObject({ code, message: expect.stringContaining(message) });
  });

  test('is refused when another engine wrote its metadata compressed', async () => {
    const store = await emptyTable('Iceberg');
    await store.put(`${testFolder}metadata/v2.metadata.json`, Buffer.from('1f8b0800', 'hex'));
    await expect(loadState(open(store))).rejects.toMatchObject({
      code: 'DamagedDocument',
      message: expect.stringContaining('v2.metadata.json is compressed'),
    });
  });

  test('says which manifest is gone or damaged', async () => {
    const store = await emptyTable('Iceberg');
    await change(store, { addFiles: [testFile('a')] });
    const state = await loadState(open(store));
    const [manifest] = await manifestsOf(store);
    const key = manifest?.path.slice(store.url.length + 1) ?? '';
    await store.put(key, 'Obj');
    await expect(keysOf(open(store), state)).rejects.toMatchObject({
      code: 'DamagedDocument',
      message: expect.stringContaining(key),
    });
    await store.delete([key]);
    await expect(keysOf(open(store), state)).rejects.toMatchObject({
      code: 'DamagedDocument',
      message: expect.stringContaining(key),
    });
  });
});

describe('rows that another engine deletes by files of their own', () => {
  /** As a writer does that merges when it reads. */
  async function withDeletes(): Promise<MemoryStore> {
    const store = await emptyTable('Iceberg');
    await change(store, { addFiles: [testFile('a'), testFile('b')] });
    const snapshot = await snapshotOf(store);
    const manifests = await manifestsOf(store);
    const counts = { added: 1, existing: 0, deleted: 0 };
    const deletes: ManifestFile = {
      path: `${store.url}/${testFolder}metadata/deletes.avro`,
      length: 1,
      specID: 0,
      content: 'deletes',
      sequence: 2,
      minSequence: 2,
      addedSnapshotID: 77,
      files: counts,
      rows: counts,
    };
    const list = `${testFolder}metadata/list.avro`;
    const theirs: Snapshot = {
      ...snapshot,
      'snapshot-id': 77,
      'sequence-number': 2,
      'timestamp-ms': snapshot['timestamp-ms'] + 1,
      'manifest-list': `${store.url}/${list}`,
      summary: { ...snapshot.summary, operation: 'delete', 'total-delete-files': '1', 'total-position-deletes': '1' },
    };
    await store.put(list, await writeManifestList(theirs, [deletes, ...manifests], Buffer.alloc(16)));
    const updates: MetadataUpdate[] = [
      { action: 'add-snapshot', snapshot: theirs },
      { action: 'set-snapshot-ref', 'ref-name': 'main', type: 'branch', 'snapshot-id': 77 },
    ];
    const metadata = applyUpdates(await metadataOf(store), updates, theirs['timestamp-ms']);
    await store.put(`${testFolder}metadata/v3.metadata.json`, printJSON(metadata));
    return store;
  }

  test('are told, and stay deleted when files come and go', async () => {
    const store = await withDeletes();
    expect((await loadState(open(store))).deleteFiles).toBe(1);
    await change(store, { addFiles: [testFile('c')], removeFiles: [testFile('a').key] });
    expect((await manifestsOf(store)).map(({ content }) => content)).toContain('deletes');
    expect((await snapshotOf(store)).summary).toMatchObject({
      'total-delete-files': '1',
      'total-position-deletes': '1',
    });
    expect((await keysOf(open(store), await loadState(open(store)))).length).toBe(2);
  });

  test('would come back with rows that are put into other files, so none are', async () => {
    const store = await withDeletes();
    const asked = { addFiles: [testFile('c')], removeFiles: [testFile('a').key], rewrites: true };
    await expect(change(store, asked)).rejects.toMatchObject({ code: 'FilesRewritten' });
  });
});

test('where only snapshots are compared, each change brings one and names what must hold', async () => {
  const store = await emptyTable('Iceberg');
  const catalog = new FileCatalog(store, `${testFolder}metadata/`, testFolder.slice(6, -1), testWaiting().signal);
  const seen: unknown[] = [];
  const comparing = {
    comparesSnapshotsOnly: true,
    load: () => catalog.load(),
    create: catalog.create.bind(catalog),
    publish: catalog.publish.bind(catalog),
    emptyOldVersions: catalog.emptyOldVersions.bind(catalog),
    commit: async (...[base, asked]: Parameters<FileCatalog['commit']>) => {
      seen.push(asked.requirements);
      return await catalog.commit(base, asked);
    },
  };
  const waiting = testWaiting();
  const table = new IcebergTable({
    store,
    catalog: comparing,
    uuid: testFolder.slice(6, -1),
    folder: testFolder,
    created: true,
    waiting,
  });
  await commitToTable(table, once('a', { count: { failed: 1 } }), waiting);
  await commitToTable(
    table,
    once('b', { schemaDigest: 'd', columns: [...firstChange('Iceberg').columns, column('later')] }),
    waiting,
  );
  const metadata = await metadataOf(store);
  const [first] = metadata.snapshots ?? [];
  const uuid = { type: 'assert-table-uuid', uuid: metadata['table-uuid'] };
  expect(metadata.snapshots).toHaveLength(2);
  expect(seen).toEqual([
    [uuid, { type: 'assert-ref-snapshot-id', ref: 'main', 'snapshot-id': null }],
    [
      uuid,
      { type: 'assert-ref-snapshot-id', ref: 'main', 'snapshot-id': first?.['snapshot-id'] },
      { type: 'assert-current-schema-id', 'current-schema-id': 0 },
      { type: 'assert-last-assigned-field-id', 'last-assigned-field-id': 2 },
    ],
  ]);
});
