import { expect, test } from 'vitest';
import { faultyStore } from '../../test/support/faulty-store.ts';
import { MemoryStore } from '../../test/support/memory-store.ts';
import { testWaiting } from '../../test/support/waiting.ts';
import type { TableSettings } from '../contract/task.ts';
import type { Store } from '../store/store.ts';
import { type Builder, commitToTable, createTable, loadState } from './commit.ts';
import { filesOf, ParquetTable } from './parquet-table.ts';

const settings: TableSettings = { format: 'Parquet', compression: 'Zstd', targetFileSizeBytes: 1 };
const hintKey = 'table-t/metadata/version-hint.text';

async function emptyTable(store = new MemoryStore()): Promise<MemoryStore> {
  await createTable(open(store), 'digest', settings, testWaiting());
  return store;
}

function open(store: Store): ParquetTable {
  return new ParquetTable(store, 't', testWaiting().signal);
}

/** Adds one file of one row, once. */
function addFile(name: string): Builder<string> {
  return (state, { snapshotID }) => {
    const done = state.properties[name];
    if (done !== undefined) return { done };
    return {
      change: {
        addFiles: [{ key: name, rows: 1, bytes: 10, batch: name }],
        setProperties: { [name]: snapshotID },
        count: { ingested: 1 },
      },
    };
  };
}

function textOf(store: MemoryStore, key: string): string {
  return Buffer.from(store.objects.get(key)?.body ?? '').toString();
}

test('a commit adds files, properties and totals in one version', async () => {
  const store = await emptyTable();
  expect(await commitToTable(open(store), addFile('a'), testWaiting())).toBe('2');
  const state = await loadState(open(store));
  expect(state.sequence).toBe(2);
  expect(state.totals).toMatchObject({ records: 1, files: 1, sizeBytes: 10, ingested: 1 });
  expect(filesOf(state).map((file) => file.key)).toEqual(['a']);
});

test('what was done before is answered and not done again', async () => {
  const store = await emptyTable();
  await commitToTable(open(store), addFile('a'), testWaiting());
  expect(await commitToTable(open(store), addFile('a'), testWaiting())).toBe('2');
  expect((await loadState(open(store))).totals.records).toBe(1);
});

test('writers at once get a version each, and none is lost', async () => {
  const store = await emptyTable();
  const names = Array.from({ length: 20 }, (_, n) => `file-${n}`);
  await Promise.all(names.map((name, seed) => commitToTable(open(store), addFile(name), testWaiting(seed))));
  const state = await loadState(open(store));
  expect(state.sequence).toBe(21);
  expect(
    filesOf(state)
      .map((file) => file.key)
      .sort(),
  ).toEqual([...names].sort());
  expect(textOf(store, hintKey)).toBe('21');
});

test('an answer that is lost at any call leads to one commit', async () => {
  for (let lost = 1; lost <= 12; lost += 1) {
    const store = await emptyTable();
    const faulty = faultyStore(store, (call) => (call === lost ? 'lost' : undefined));
    await commitToTable(open(faulty), addFile('a'), testWaiting());
    const state = await loadState(open(store));
    expect(state.sequence, `answer ${lost} lost`).toBe(2);
    expect(state.totals.records).toBe(1);
  }
});

test('a store that stays away ends the task after a while', async () => {
  const store = await emptyTable();
  const gone = faultyStore(store, () => 'refused');
  await expect(commitToTable(open(gone), addFile('a'), testWaiting())).rejects.toMatchObject({
    code: 'StoreUnavailable',
  });
});

test('times rise with every commit, also when clocks go back', async () => {
  const store = await emptyTable();
  const { lastCommitTime } = await loadState(open(store));
  const behind = testWaiting();
  behind.clock.advance(-3_600_000);
  await commitToTable(open(store), addFile('a'), behind);
  expect((await loadState(open(store))).lastCommitTime).toBe(lastCommitTime + 1);
});

test('the newest version is found from a hint that is old or missing', async () => {
  const store = await emptyTable();
  for (const name of ['a', 'b', 'c', 'd']) await commitToTable(open(store), addFile(name), testWaiting());
  await store.put(hintKey, '2');
  expect((await loadState(open(store))).sequence).toBe(5);
  await store.delete([hintKey]);
  expect((await loadState(open(store))).sequence).toBe(5);
});

test('the hint moves forward only', async () => {
  const store = await emptyTable();
  const old = await loadState(open(store));
  await commitToTable(open(store), addFile('a'), testWaiting());
  await open(store).publish(old);
  expect(textOf(store, hintKey)).toBe('2');
});

test('a table that is asked for by two is created once', async () => {
  const store = new MemoryStore();
  const [a, b] = await Promise.all(
    [1, 2].map((seed) => createTable(open(store), 'digest', settings, testWaiting(seed))),
  );
  expect(a?.sequence).toBe(1);
  expect(b?.sequence).toBe(1);
});

test('old versions are emptied and their names stay', async () => {
  const store = await emptyTable();
  const table = open(store);
  for (let n = 2; n <= 105; n += 1) await commitToTable(table, addFile(String(n)), testWaiting());
  const newest = await loadState(table);
  expect(await table.emptyOldVersions(newest)).toBe(5);
  expect(await table.emptyOldVersions(newest)).toBe(0);
  expect(textOf(store, 'table-t/metadata/v5.metadata.json')).toBe('');
  expect(textOf(store, 'table-t/metadata/v6.metadata.json')).not.toBe('');
  await store.delete([hintKey]);
  expect((await loadState(open(store))).sequence).toBe(105);
});

test('a damaged version says which object it is', async () => {
  const store = await emptyTable();
  await store.put('table-t/metadata/v1.metadata.json', '{"version":1}');
  await expect(loadState(open(store))).rejects.toMatchObject({
    code: 'DamagedDocument',
    message: expect.stringContaining('v1.metadata.json'),
  });
});

test('a version of a newer program is not guessed at', async () => {
  const store = await emptyTable();
  await store.put('table-t/metadata/v1.metadata.json', '{"version":2}');
  await expect(loadState(open(store))).rejects.toMatchObject({ code: 'NewerDocument' });
});
