import { expect, test } from 'vitest';
import { MemoryStore } from '../../test/support/memory-store.ts';
import type { FileSelection } from '../contract/task.ts';
import { findFiles, nameOf } from './files.ts';

const location = { s3: { bucket: 'b', prefix: 'in' } };
const { signal } = new AbortController();

async function find(keys: readonly string[], selection: FileSelection): Promise<readonly string[]> {
  let now = 1_000_000;
  const store = new MemoryStore(new Map(), () => now);
  for (const key of keys) await store.put(key, key);
  now += 60_000;
  return (await findFiles(store, location, selection, signal)).files.map((file) => file.key);
}

test.for<[string | undefined, string[], string[]]>([
  [undefined, ['b.csv', 'a/c.csv'], ['a/c.csv', 'b.csv']],
  ['*.csv', ['b.csv', 'b.json', 'a/c.csv'], ['b.csv']],
  ['**/*.csv', ['b.csv', 'a/c.csv', 'a/b/d.csv', 'a/x.json'], ['a/b/d.csv', 'a/c.csv', 'b.csv']],
  ['a/*.csv', ['a/c.csv', 'ab/c.csv', 'a/b/d.csv'], ['a/c.csv']],
  ['a/**', ['a/c.csv', 'ab/c.csv', 'a/b/d.csv'], ['a/b/d.csv', 'a/c.csv']],
  ['{a,b}/*.csv', ['a/c.csv', 'b/c.csv', 'c/c.csv'], ['a/c.csv', 'b/c.csv']],
  ['b.csv', ['b.csv', 'b.csv.bak'], ['b.csv']],
  ['!a/*.csv', ['!a/c.csv', 'b/c.csv'], ['!a/c.csv']],
  ['a\\*b/*.csv', ['a*b/c.csv', 'axb/c.csv'], ['a*b/c.csv']],
  ['**', ['.a/b.csv', 'a/.b.csv', 'a/b.csv'], ['a/b.csv']],
  [undefined, ['.a/b.csv', 'a/.b.csv'], ['.a/b.csv', 'a/.b.csv']],
  [undefined, ['a/b', 'a-b', 'a.b', 'a', '\u{1F600}', '\uFF5E'], ['a', 'a-b', 'a.b', 'a/b', '\uFF5E', '\u{1F600}']],
  ['2026-[01]*/*.csv', ['2026-01/a.csv', '2026-2/a.csv'], ['2026-01/a.csv']],
])('the glob %s takes of %j the files %j', async ([glob, keys, found]) => {
  expect(await find(keys, glob === undefined ? {} : { glob })).toEqual(found);
});

test('marks of folders and of finished jobs are no files, unless they are named or hold something', async () => {
  const store = new MemoryStore();
  for (const key of ['a/', 'a_$folder$', 'a/_SUCCESS', 'a/empty.csv']) await store.put(key, '');
  await store.put('b/', 'text');
  const keysOf = async (selection: FileSelection) =>
    (await findFiles(store, location, selection, signal)).files.map((file) => file.key);
  expect(await keysOf({})).toEqual(['a/empty.csv', 'b/']);
  expect(await keysOf({ keys: ['a/_SUCCESS'] })).toEqual(['a/_SUCCESS']);
});

test('keys are taken as they stand, each once, and those that are missing are told', async () => {
  const store = new MemoryStore();
  await store.put('a*.csv', '');
  const { files, missing } = await findFiles(store, location, { keys: ['a*.csv', 'x', 'a*.csv'] }, signal);
  expect(files).toMatchObject([{ key: 'a*.csv', name: 'in/a*.csv', size: 0 }]);
  expect(missing).toEqual(['x']);
});

test('files that are too young are left for the next run', async () => {
  expect(await find(['a'], { minAgeSeconds: 60 })).toEqual(['a']);
  expect(await find(['a'], { minAgeSeconds: 61 })).toEqual([]);
});

test('only the folders that the glob names are listed', async () => {
  const prefixes: string[] = [];
  const store = new MemoryStore();
  const list = store.list.bind(store);
  store.list = (prefix, options) => {
    prefixes.push(prefix);
    return list(prefix, options);
  };
  await findFiles(store, location, { glob: 'a/b/*.csv' }, signal);
  expect(prefixes).toEqual(['a/b/']);
});

test('a file is called by its key below the bucket', () => {
  expect(nameOf({ s3: { bucket: 'b', prefix: 'in/x' } }, 'a.csv')).toBe('in/x/a.csv');
  expect(nameOf({ s3: { bucket: 'b', prefix: '' } }, 'a.csv')).toBe('a.csv');
  expect(nameOf({ local: { path: '/data' } }, 'a.csv')).toBe('a.csv');
});

test('a file that a listing shows twice is one', async () => {
  const store = new MemoryStore();
  for (const key of ['a', 'b']) await store.put(key, key);
  const list = store.list.bind(store);
  store.list = async function* (prefix) {
    yield* list(prefix);
    yield* list(prefix);
  };
  expect((await findFiles(store, location, {}, signal)).files.map((file) => file.key)).toEqual(['a', 'b']);
});
