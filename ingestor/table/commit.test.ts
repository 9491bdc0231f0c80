import { describe, expect, test } from 'vitest';
import { faultyStore } from '../../test/support/faulty-store.ts';
import { MemoryStore } from '../../test/support/memory-store.ts';
import { testWaiting } from '../../test/support/waiting.ts';
import type { Store } from '../store/store.ts';
import { commitToTable, createTable, loadState } from './commit.ts';
import {
  addFile,
  emptyTable,
  firstChange,
  formats,
  keysOf,
  once,
  openTestTable,
  testFile,
  testFolder,
} from './testing.ts';

const hintKey = `${testFolder}metadata/version-hint.text`;
const versionKey = (n: number) => `${testFolder}metadata/v${n}.metadata.json`;

function textOf(store: MemoryStore, key: string): string {
  return Buffer.from(store.objects.get(key)?.body ?? '').toString();
}

describe.each(formats)('a table of format %s', (format) => {
  const open = (store: Store) => openTestTable(format, store);
  const add = async (store: Store, name: string, seed?: number) =>
    await commitToTable(open(store), addFile(name), testWaiting(seed));

  test('takes files, properties and totals in one version', async () => {
    const store = await emptyTable(format);
    const snapshotID = await add(store, 'a');
    const state = await loadState(open(store));
    expect(state.sequence).toBe(2);
    expect(state.snapshotID).toBe(snapshotID);
    expect(state.totals).toMatchObject({ records: 1, files: 1, sizeBytes: 10, ingested: 1 });
    expect(await keysOf(open(store), state)).toEqual([testFile('a').key]);
  });

  test('answers what was done before and does it not again', async () => {
    const store = await emptyTable(format);
    const first = await add(store, 'a');
    expect(await add(store, 'a', 2)).toBe(first);
    expect((await loadState(open(store))).totals.records).toBe(1);
  });

  test('gives writers at once a version each, and loses none', async () => {
    const store = await emptyTable(format);
    const names = Array.from({ length: 20 }, (_, n) => `file-${n}`);
    const ids = await Promise.all(names.map((name, seed) => add(store, name, seed)));
    const state = await loadState(open(store));
    expect(new Set(ids).size).toBe(20);
    expect(state.sequence).toBe(21);
    expect(await keysOf(open(store), state)).toEqual(names.map((name) => testFile(name).key).sort());
    expect(textOf(store, hintKey)).toBe('21');
  });

  test('has one commit whichever answer is lost', async () => {
    for (let lost = 1; lost <= 16; lost += 1) {
      const store = await emptyTable(format);
      const faulty = faultyStore(store, (call) => (call === lost ? 'lost' : undefined));
      await add(faulty, 'a');
      const state = await loadState(open(store));
      expect(state.sequence, `answer ${lost} lost`).toBe(2);
      expect(state.totals.records).toBe(1);
      expect(await keysOf(open(store), state)).toHaveLength(1);
    }
  });

  test('loses and keeps files as one change, whichever answer is lost', async () => {
    for (let lost = 1; lost <= 16; lost += 1) {
      const store = await emptyTable(format);
      for (const name of ['a', 'b', 'c']) await add(store, name);
      const faulty = faultyStore(store, (call) => (call === lost ? 'lost' : undefined));
      const change = { removeFiles: [testFile('a').key, testFile('c').key], addFiles: [testFile('d', { rows: 5 })] };
      await commitToTable(open(faulty), once('replace', change), testWaiting());
      const state = await loadState(open(store));
      expect(await keysOf(open(store), state), `answer ${lost} lost`).toEqual([testFile('b').key, testFile('d').key]);
      expect(state.totals).toMatchObject({ records: 6, files: 2, sizeBytes: 20 });
    }
  });

  test('refuses to take out a file that it has not', async () => {
    const store = await emptyTable(format);
    await add(store, 'a');
    const change = { removeFiles: [testFile('other').key] };
    await expect(commitToTable(open(store), once('x', change), testWaiting())).rejects.toThrow(TypeError);
  });

  test('finds those of its files that are asked for', async () => {
    const store = await emptyTable(format);
    for (const name of ['a', 'b']) await add(store, name);
    const found = await open(store).find(await loadState(open(store)), new Set([testFile('b').key, 'other']));
    expect([...found.keys()]).toEqual([testFile('b').key]);
    expect(found.get(testFile('b').key)).toMatchObject({ rows: 1, bytes: 10 });
  });

  test('makes a snapshot without files where it is asked for', async () => {
    const store = await emptyTable(format);
    const before = await add(store, 'a');
    const id = await commitToTable(open(store), once('refused', { snapshot: true }), testWaiting(3));
    const state = await loadState(open(store));
    expect(id).not.toBe(before);
    expect(state.snapshotID).toBe(id);
    expect(state.totals).toMatchObject({ records: 1, files: 1 });
  });

  test('only counts and remembers where no file comes or goes', async () => {
    const store = await emptyTable(format);
    const before = await add(store, 'a');
    const lastBatch = { id: 'b', time: 5 };
    await commitToTable(open(store), once('seen', { count: { failed: 3, lastBatch } }), testWaiting(3));
    const state = await loadState(open(store));
    expect(state.snapshotID).toBe(before);
    expect(state.totals).toMatchObject({ ingested: 1, failed: 3, lastBatch });
    expect(state.sequence).toBe(3);
  });

  test('drops properties', async () => {
    const store = await emptyTable(format);
    await add(store, 'a');
    await commitToTable(open(store), once('b', { dropProperties: ['a', 'never there'] }), testWaiting());
    expect(Object.keys((await loadState(open(store))).properties)).toEqual(['b']);
  });

  test('ends the task after a while when the store stays away', async () => {
    const store = await emptyTable(format);
    const gone = faultyStore(store, () => 'refused');
    await expect(add(gone, 'a')).rejects.toMatchObject({ code: 'StoreUnavailable' });
  });

  test('has times that rise with every commit, also when the clock goes back', async () => {
    let now = Date.UTC(2026, 0, 1);
    const store = await emptyTable(format, new MemoryStore(new Map(), () => now));
    const { lastCommitTime } = await loadState(open(store));
    now -= 3_600_000;
    await add(store, 'a');
    expect(lastCommitTime).toBe(Date.UTC(2026, 0, 1));
    expect((await loadState(open(store))).lastCommitTime).toBe(lastCommitTime + 1);
  });

  test('has its time from the store, not from the process', async () => {
    const start = Date.UTC(2030, 0, 1);
    const store = await emptyTable(format, new MemoryStore(new Map(), () => start));
    expect((await loadState(open(store))).lastCommitTime).toBe(start);
  });

  test('is found from a hint that is old or missing', async () => {
    const store = await emptyTable(format);
    for (const name of ['a', 'b', 'c', 'd']) await add(store, name);
    await store.put(hintKey, '2');
    expect((await loadState(open(store))).sequence).toBe(5);
    await store.delete([hintKey]);
    expect((await loadState(open(store))).sequence).toBe(5);
  });

  test('moves its hint forward only', async () => {
    const store = await emptyTable(format);
    const old = await loadState(open(store));
    await add(store, 'a');
    await open(store).publish(old);
    expect(textOf(store, hintKey)).toBe('2');
  });

  test('is created once, though two ask for it', async () => {
    const store = new MemoryStore();
    const [a, b] = await Promise.all(
      [1, 2].map((seed) => createTable(open(store), firstChange(format), testWaiting(seed))),
    );
    expect(a?.sequence).toBe(1);
    expect(b?.sequence).toBe(1);
  });

  test('is not created where it was before', async () => {
    const table = openTestTable(format, new MemoryStore(), testWaiting(), true);
    await expect(createTable(table, firstChange(format), testWaiting())).rejects.toMatchObject({
      code: 'TableReplaced',
      message: expect.stringContaining(testFolder.slice(0, -1)),
    });
  });

  test('empties old versions, whose names stay', async () => {
    const store = await emptyTable(format);
    const table = open(store);
    for (let n = 2; n <= 105; n += 1) await commitToTable(table, addFile(String(n)), testWaiting(n));
    const newest = await loadState(table);
    expect(await table.emptyOldVersions(newest)).toBe(5);
    expect(await table.emptyOldVersions(newest)).toBe(0);
    expect(textOf(store, versionKey(5))).toBe('');
    expect(textOf(store, versionKey(6))).not.toBe('');
    await store.delete([hintKey]);
    expect((await loadState(open(store))).sequence).toBe(105);
    expect((await keysOf(table, newest)).length).toBe(104);
  });

  test('says which object is damaged', async () => {
    const store = await emptyTable(format);
    for (const body of ['{"version":1}', '{"version":1,', '']) {
      await store.put(versionKey(1), body);
      await expect(loadState(open(store)), body).rejects.toMatchObject({
        code: 'DamagedDocument',
        message: expect.stringContaining('v1.metadata.json'),
      });
    }
  });

  test('says so when versions that were there are gone', async () => {
    const store = await emptyTable(format);
    await add(store, 'a');
    await store.delete([versionKey(1), versionKey(2)]);
    await expect(loadState(open(store))).rejects.toMatchObject({
      code: 'TableReplaced',
      message: expect.stringContaining('v2.metadata.json'),
    });
  });

  test('is not taken for another that lies in its place', async () => {
    const store = await emptyTable(format);
    const other = textOf(store, versionKey(1)).replaceAll('9c12d441', '00000000');
    await store.put(versionKey(1), other);
    await expect(loadState(open(store))).rejects.toMatchObject({ code: 'TableReplaced' });
  });
});

test('a version of a newer program is not guessed at', async () => {
  const store = await emptyTable('Parquet');
  await store.put(versionKey(1), '{"version":2}');
  await expect(loadState(openTestTable('Parquet', store))).rejects.toMatchObject({ code: 'NewerDocument' });
});
