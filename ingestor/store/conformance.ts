/**
 * What every store does, as tests: one suite, run on each implementation (local.test.ts, simulated.test.ts,
 * test/integration/store-s3.test.ts). Keys of one test never meet those of another.
 */
import { createHash, randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { compareKeys } from './keys.ts';
import type { ObjectFacts, Store } from './store.ts';

export interface ConformanceTraits {
  /** `byte`: as S3 says; `folder`: `a/b` before `a-b`. */
  readonly order: 'byte' | 'folder';
  /** True where `x` and `x/y` may both be objects, and keys may hold empty segments. */
  readonly takesAnyKey: boolean;
  /** True where uploads that nobody ended can be found. */
  readonly keepsUploads?: boolean;
}

/** `open` gives a new store on one and the same place each time. */
export function describeStore(name: string, traits: ConformanceTraits, open: () => Promise<Store>): void {
  // Generous: each put is synced to a disk or goes to a server.
  describe(name, { timeout: 60_000 }, () => {
    let store: Store;
    let other: Store;
    beforeAll(async () => {
      [store, other] = await Promise.all([open(), open()]);
    });
    afterAll(async () => {
      await Promise.all([store.close(), other.close()]);
    });

    describe('objects', () => {
      test('are given back as they were put, with size, ETag and time', async () => {
        const before = await store.now();
        await store.put('objects/plain', 'hello');
        const object = await other.get('objects/plain');
        expect(textOf(object?.body)).toBe('hello');
        expect(object).toMatchObject({ key: 'objects/plain', size: 5 });
        expect(object?.etag).not.toBe('');
        expect(Math.abs((object?.lastModified ?? 0) - before)).toBeLessThan(60_000);
        const { body: _, ...facts } = object ?? { body: undefined };
        // To the second: some stores tell parts of one in a listing only.
        const toSeconds = (of: Partial<ObjectFacts> | undefined) => ({
          ...of,
          lastModified: Math.floor((of?.lastModified ?? 0) / 1000),
        });
        expect(toSeconds(await other.head('objects/plain'))).toEqual(toSeconds(facts));
        expect((await listAll(other, 'objects/plain')).map(toSeconds)).toEqual([toSeconds(facts)]);
      });

      test('that are not there are told as such', async () => {
        expect(await store.get('objects/none')).toBeUndefined();
        expect(await store.head('objects/none')).toBeUndefined();
        expect(await listAll(store, 'objects/none')).toEqual([]);
        await expect(readAll(store, 'objects/none')).rejects.toMatchObject({ code: 'FileChanged' });
      });

      test('may be empty', async () => {
        await store.put('objects/empty', '');
        expect(await store.get('objects/empty')).toMatchObject({
          size: 0,
          body: expect.objectContaining({ length: 0 }),
        });
        expect(await store.head('objects/empty')).toMatchObject({ size: 0 });
        expect(await readAll(store, 'objects/empty')).toHaveLength(0);
        expect(await store.putIfAbsent('objects/empty', 'x')).toEqual({ created: false });
        expect(await store.putIfAbsent('objects/empty-too', '')).toMatchObject({ created: true });
      });

      test('are overwritten by put', async () => {
        await store.put('objects/twice', 'first');
        await other.put('objects/twice', new TextEncoder().encode('second'));
        expect(textOf((await store.get('objects/twice'))?.body)).toBe('second');
      });

      test.each(oddKeys)('may be called %j', async (key) => {
        await store.put(`odd/${key}`, key);
        expect(textOf((await other.get(`odd/${key}`))?.body)).toBe(key);
        expect(await other.head(`odd/${key}`)).toMatchObject({ key: `odd/${key}` });
        expect((await listAll(other, `odd/${key}`)).map((object) => object.key)).toEqual([`odd/${key}`]);
        expect(textOf(await readAll(other, `odd/${key}`))).toBe(key);
        expect(await other.putIfAbsent(`odd/${key}`, 'again')).toEqual({ created: false });
        await other.delete([`odd/${key}`]);
        expect(await store.head(`odd/${key}`)).toBeUndefined();
      });

      test.runIf(traits.takesAnyKey)('may have the name of a folder', async () => {
        await store.put('objects/both', 'object');
        await store.put('objects/both/below', 'below');
        expect(textOf((await store.get('objects/both'))?.body)).toBe('object');
        expect(textOf((await store.get('objects/both/below'))?.body)).toBe('below');
      });
    });

    describe('conditions', () => {
      test('keep an object that is there', async () => {
        expect(await store.putIfAbsent('conditions/there', 'first')).toMatchObject({ created: true });
        expect(await other.putIfAbsent('conditions/there', 'second')).toEqual({ created: false });
        expect(textOf((await store.get('conditions/there'))?.body)).toBe('first');
      });

      // All keys at once: SeaweedFS makes losers wait for whole seconds.
      test('let one of 16 create an object, on each of 20 keys', async () => {
        await eachOf([...Array(20).keys()], 20, async (k) => {
          const key = `conditions/create/${k}`;
          const bodies = Array.from({ length: 16 }, (_, i) => `racer ${i} of ${k}`);
          const race = bodies.map((body, i) => (i % 2 === 0 ? store : other).putIfAbsent(key, body));
          const outcomes = await Promise.all(race);
          const winners = bodies.filter((_, i) => outcomes[i]?.created);
          expect(winners).toHaveLength(1);
          expect(textOf((await store.get(key))?.body)).toBe(winners[0]);
        });
      });

      test('let one of 16 overwrite an object whose ETag all know, on each of 10 keys', async () => {
        await eachOf([...Array(10).keys()], 10, async (k) => {
          const key = `conditions/overwrite/${k}`;
          const { etag = '' } = await store.putIfAbsent(key, 'base');
          const bodies = Array.from({ length: 16 }, (_, i) => `racer ${i} of ${k}`);
          const race = bodies.map((body, i) => (i % 2 === 0 ? store : other).putIfMatch(key, body, etag));
          const outcomes = await Promise.all(race);
          const winners = bodies.filter((_, i) => outcomes[i]?.created);
          expect(winners).toHaveLength(1);
          const object = await store.get(key);
          expect(textOf(object?.body)).toBe(winners[0]);
          expect(outcomes.find((outcome) => outcome.created)?.etag).toBe(object?.etag);
        });
      });

      test('give with each overwriting the ETag for the next', async () => {
        let { etag = '' } = await store.putIfAbsent('conditions/chain', '0');
        for (let k = 1; k <= 20; k += 1) {
          const outcome = await store.putIfMatch('conditions/chain', `${k % 2}`, etag);
          expect(outcome.created).toBe(true);
          etag = outcome.etag ?? '';
          expect((await other.head('conditions/chain'))?.etag).toBe(etag);
        }
      });

      test('refuse an ETag that is no more, and one of an object that is gone', async () => {
        const { etag = '' } = await store.putIfAbsent('conditions/stale', 'first');
        await store.put('conditions/stale', 'second');
        expect(await store.putIfMatch('conditions/stale', 'third', etag)).toEqual({ created: false });
        expect(textOf((await store.get('conditions/stale'))?.body)).toBe('second');
        await store.delete(['conditions/stale']);
        expect(await store.putIfMatch('conditions/stale', 'third', etag)).toEqual({ created: false });
        expect(await store.head('conditions/stale')).toBeUndefined();
      });

      test('let an object be created again that was deleted', async () => {
        await store.putIfAbsent('conditions/again', 'first');
        await store.delete(['conditions/again']);
        expect(await store.putIfAbsent('conditions/again', 'second')).toMatchObject({ created: true });
      });
    });

    describe('reading', () => {
      const size = 3 * 1024 * 1024 + 5;
      const bytes = randomBytes(size);
      beforeAll(() => store.put('reading/object', bytes));

      test.each<[number | undefined, number | undefined]>([
        [undefined, undefined],
        [0, 1],
        [1, 4],
        [0, size],
        [size - 8, undefined],
        [size - 8, size],
        [1_000_000, 2_500_000],
        [7, 7],
        [size - 1, size + 100],
        [size, undefined],
        [size + 10, size + 20],
      ])('gives the bytes from %s to %s', async (start, end) => {
        const { etag = '' } = (await store.head('reading/object')) ?? {};
        const range = { ...(start === undefined ? {} : { start }), ...(end === undefined ? {} : { end }) };
        const wanted = bytes.subarray(start, end);
        expect(digest(await readAll(other, 'reading/object', range))).toBe(digest(wanted));
        expect(digest(await readAll(other, 'reading/object', { ...range, ifMatch: etag }))).toBe(digest(wanted));
      });

      test('refuses an object that was changed or removed', async () => {
        const { etag = '' } = await store.putIfAbsent('reading/changed', '0123456789');
        await store.put('reading/changed', 'abcdefghij');
        for (const range of [{}, { start: 2, end: 4 }, { start: 20 }]) {
          const reading = readAll(other, 'reading/changed', { ...range, ifMatch: etag });
          await expect(reading).rejects.toMatchObject({ code: 'FileChanged' });
        }
        await store.delete(['reading/changed']);
        await expect(readAll(other, 'reading/changed', { ifMatch: etag })).rejects.toMatchObject({
          code: 'FileChanged',
        });
      });

      test("gives pieces that are their reader's own", async () => {
        const before = await readAll(store, 'reading/object');
        for await (const piece of store.read('reading/object')) {
          piece.fill(0);
        }
        expect(await readAll(other, 'reading/object')).toEqual(before);
      });

      test('may be given up half-way', async () => {
        for await (const piece of store.read('reading/object')) {
          expect(piece.length).toBeGreaterThan(0);
          break;
        }
        expect(await store.head('reading/object')).toMatchObject({ size });
      });
    });

    describe('listing', () => {
      const keys = Array.from({ length: 1_050 }, (_, i) => `listing/many/${i % 7}/${String(i).padStart(5, '0')}`);
      beforeAll(() => eachOf(keys, 32, (key) => store.put(key, key.slice(-1))));

      test('gives each of more than a thousand objects once, in order', async () => {
        const found = await listAll(other, 'listing/many/');
        expect(found.map((object) => object.key)).toEqual([...keys].sort(compareKeys));
      });

      test('gives the same in small pages', async () => {
        const found = await listAll(other, 'listing/many/3/', 7);
        const wanted = keys.filter((key) => key.startsWith('listing/many/3/'));
        expect(found.map((object) => object.key)).toEqual([...wanted].sort(compareKeys));
      });

      test('gives the same in any order', async () => {
        const names = ['in-1/a', 'in/1/b', 'in/1-2', 'in!/x', 'in', 'in.d/é', 'in/1/\u{1F600}'];
        if (traits.takesAnyKey) names.push('in/1-2~1/below', 'in~1/below', 'in~2');
        const more = Array.from({ length: 60 }, (_, i) => names.map((name) => `listing/any/${name}~${i}`)).flat();
        await eachOf(more, 32, (key) => store.put(key, key));
        for (const prefix of ['listing/many/', 'listing/any/', 'listing/any/in/']) {
          const found = await collect(other.list(prefix, { anyOrder: true, pageSize: 11 }));
          const wanted = [...keys, ...more].filter((key) => key.startsWith(prefix));
          expect([...new Set(found.map(({ key }) => key))].sort()).toEqual(wanted.sort());
        }
      });

      test('takes its prefix as text, not as a folder', async () => {
        const names = ['ab', 'a-b', 'a/b', 'a.b', 'a/b-c', 'b/a', 'a!/b', 'a0'];
        await eachOf(names, 8, (name) => store.put(`listing/order/${name}`, ''));
        const found = (await listAll(other, 'listing/order/a')).map((object) => object.key);
        const wanted = names.filter((name) => name.startsWith('a')).map((name) => `listing/order/${name}`);
        if (traits.order === 'byte') expect(found).toEqual(wanted.sort(compareKeys));
        else expect(found.sort(compareKeys)).toEqual(wanted.sort(compareKeys));
        expect(await listAll(other, 'listing/order/a/')).toHaveLength(2);
        expect(await listAll(other, 'listing/nothing/')).toEqual([]);
      });

      test('ends when its reader has seen enough', async () => {
        let seen = 0;
        for await (const _ of store.list('listing/many/', { pageSize: 10 })) {
          seen += 1;
          if (seen === 15) break;
        }
        expect(seen).toBe(15);
      });
    });

    describe('deleting', () => {
      test('takes more than a thousand objects, and those that are gone already', async () => {
        const keys = Array.from({ length: 1_050 }, (_, i) => `deleting/many/${i}`);
        await eachOf(keys, 32, (key) => store.put(key, ''));
        await store.put('deleting/other', '');
        await store.delete([...keys, 'deleting/never-there']);
        expect((await listAll(other, 'deleting/')).map((object) => object.key)).toEqual(['deleting/other']);
        await store.delete(keys.slice(0, 1));
        await store.delete([]);
      });
    });

    describe('uploads', () => {
      test.each([0, 1, 5 << 20, 8 << 20, (40 << 20) + 1])('of %i bytes arrive whole', async (size) => {
        const key = `uploads/${size}`;
        const bytes = randomBytes(size);
        const upload = store.upload(key);
        for (let start = 0; start < size; start += 700_001) {
          await upload.write(Buffer.from(bytes.subarray(start, start + 700_001)));
        }
        expect(await other.head(key)).toBeUndefined();
        expect(await upload.complete()).toBe(size);
        expect(await other.head(key)).toMatchObject({ size });
        expect(digest(await readAll(other, key))).toBe(digest(bytes));
      });

      test('take a large piece at once', async () => {
        const bytes = randomBytes(20 << 20);
        const upload = store.upload('uploads/at-once');
        await upload.write(Buffer.from(bytes));
        expect(await upload.complete()).toBe(bytes.length);
        expect(digest(await readAll(other, 'uploads/at-once'))).toBe(digest(bytes));
      });

      test.each([0, 100, 20 << 20])('leave nothing when they are aborted after %i bytes', async (size) => {
        const upload = store.upload(`uploads/aborted-${size}`);
        if (size > 0) await upload.write(randomBytes(size));
        await upload.abort();
        await upload.abort();
        expect(await listAll(other, `uploads/aborted-${size}`)).toEqual([]);
        await expect(upload.write(randomBytes(1))).rejects.toThrow();
        await expect(upload.complete()).rejects.toThrow();
      });

      test.runIf(traits.keepsUploads === true)(
        'that were begun long ago and never ended are dropped, those of other prefixes are not',
        async () => {
          const key = 'uploads/left/object';
          const [left, elsewhere] = [store.upload(key), store.upload('uploads/right')];
          for (const upload of [left, elsewhere]) await upload.write(randomBytes(9 << 20));
          const later = (await store.now()) + 3_600_000;
          expect(await other.abandonUploads('uploads/left/', later - 7_200_000)).toBe(0);
          expect(await other.abandonUploads('uploads/left/', later)).toBe(1);
          expect(await other.abandonUploads('uploads/left/', later)).toBe(0);
          await expect(left.complete()).rejects.toThrow();
          expect(await other.head(key)).toBeUndefined();
          expect(await elsewhere.complete()).toBe(9 << 20);
        },
      );

      test('overwrite what is there', async () => {
        await store.put('uploads/there', 'old');
        const upload = store.upload('uploads/there');
        await upload.write(Buffer.from('new'));
        await upload.complete();
        expect(textOf((await store.get('uploads/there'))?.body)).toBe('new');
      });
    });

    describe('giving up', () => {
      test('every call ends with the reason of its signal', async () => {
        const signal = AbortSignal.abort(new Error('told to stop'));
        const options = { signal };
        await store.put('giving-up', 'x');
        const calls = [
          () => store.get('giving-up', options),
          () => store.head('giving-up', options),
          () => readAll(store, 'giving-up', options),
          () => collect(store.list('giving-up', options)),
          () => store.putIfAbsent('giving-up', 'y', options),
          () => store.putIfMatch('giving-up', 'y', '"x"', options),
          () => store.put('giving-up', 'y', options),
          () => store.delete(['giving-up'], options),
        ];
        for (const call of calls) await expect(call()).rejects.toThrow('told to stop');
        expect(textOf((await store.get('giving-up'))?.body)).toBe('x');
      });

      test('a closed store answers nothing', async () => {
        const closed = await open();
        await closed.close();
        await expect(closed.get('objects/plain')).rejects.toThrow('closed');
        await expect(closed.put('objects/plain', '')).rejects.toThrow('closed');
      });
    });
  });
}

const oddKeys = [
  'a b',
  'a+b',
  'a%20b',
  'a%2Fb',
  'dt=2026-01-01/h=01/x&y.parquet',
  'q?x=1',
  'h#x',
  '日本語',
  'é',
  '\u{1F600}',
  "it's(1)!*",
  'a:b@c,d;e',
  '"quoted"',
  'a<b>',
  '.hidden',
  'trailing ',
  'n'.repeat(200),
];

export async function readAll(store: Store, key: string, options: Parameters<Store['read']>[1] = {}): Promise<Buffer> {
  return Buffer.concat(await collect(store.read(key, options)));
}

export async function listAll(store: Store, prefix: string, pageSize?: number): Promise<ObjectFacts[]> {
  return collect(store.list(prefix, pageSize === undefined ? {} : { pageSize }));
}

async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const item of items) all.push(item);
  return all;
}

export function textOf(body: Uint8Array | undefined): string | undefined {
  return body === undefined ? undefined : Buffer.from(body).toString();
}

/** Of large bodies: comparing these as values is slow, and their difference says nothing. */
export function digest(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

/** So many at a time. */
async function eachOf<T>(items: readonly T[], most: number, work: (item: T) => Promise<unknown>): Promise<void> {
  const rest = items.values();
  const worker = async () => {
    for (const item of rest) await work(item);
  };
  await Promise.all(Array.from({ length: most }, worker));
}
