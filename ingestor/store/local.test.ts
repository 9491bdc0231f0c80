import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { chmod, mkdir, mkdtemp, readdir, rm, symlink, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { describeStore, listAll, readAll, textOf } from './conformance.ts';
import { LocalStore } from './local.ts';
import { openStore } from './open.ts';

let folder: string;
let folders = 0;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'forebay-local-'));
});
afterAll(() => rm(folder, { recursive: true }));

function newFolder(): string {
  folders += 1;
  return join(folder, `${folders}`);
}

describeStore('a folder as a store', { order: 'byte', takesAnyKey: false, keepsUploads: true }, async () =>
  openStore({ local: { path: join(folder, 'conformance') } }),
);

describe('keys', () => {
  test.each(['', '..', '../x', 'a/../../x', 'a/./b', '/etc/passwd', 'a//b', 'a/', 'a\0b', '.forebay/lock'])(
    'that are no path below the folder are refused: %j',
    async (key) => {
      const store = new LocalStore(newFolder());
      for (const call of [
        () => store.get(key),
        () => store.head(key),
        () => readAll(store, key),
        () => store.put(key, ''),
        () => store.putIfAbsent(key, ''),
        () => store.delete([key]),
      ]) {
        await expect(call()).rejects.toMatchObject({ code: 'InvalidKey' });
      }
    },
  );

  test('of a folder cannot be an object, and none can be below an object', async () => {
    const store = new LocalStore(newFolder());
    await store.put('a/b', '');
    await expect(store.putIfAbsent('a', '')).rejects.toMatchObject({ code: 'InvalidKey' });
    await expect(store.put('a', '')).rejects.toMatchObject({ code: 'InvalidKey' });
    await expect(store.putIfAbsent('a/b/c', '')).rejects.toMatchObject({ code: 'InvalidKey' });
    expect(await store.get('a')).toBeUndefined();
    expect(await store.get('a/b/c')).toBeUndefined();
  });

  test('longer than a file name may be are refused', async () => {
    const store = new LocalStore(newFolder());
    await expect(store.put('n'.repeat(300), '')).rejects.toMatchObject({ code: 'InvalidKey' });
  });

  test('a listing does not leave the folder either', async () => {
    const store = new LocalStore(newFolder());
    await expect(listAll(store, '../')).rejects.toMatchObject({ code: 'InvalidKey' });
  });
});

describe('the folder', () => {
  test('is made by the first write, not by a look', async () => {
    const path = newFolder();
    const store = new LocalStore(path);
    expect(await store.get('x')).toBeUndefined();
    expect(await listAll(store, '')).toEqual([]);
    await store.delete(['x']);
    expect(existsSync(path)).toBe(false);
    await store.put('x', '');
    expect(await readdir(path)).toEqual(['.forebay', 'x']);
  });

  test('keeps no empty folder of deleted objects, and nothing of what was being made', async () => {
    const path = newFolder();
    const store = new LocalStore(path);
    await store.put('a/b/c', '');
    await store.putIfAbsent('a/b/c', '');
    await store.upload('a/x').abort();
    await store.delete(['a/b/c']);
    expect(await readdir(path)).toEqual(['.forebay']);
    expect(await readdir(join(path, '.forebay'))).toEqual(['lock']);
  });

  test('is rid of what a process left half-made a day ago', async () => {
    const path = newFolder();
    const left = join(path, '.forebay', '0123456789abcdef0123456789abcdef');
    await mkdir(join(path, '.forebay'), { recursive: true });
    await writeFile(left, 'half');
    await utimes(left, new Date(0), new Date(0));
    const store = new LocalStore(path);
    await store.put('x', '');
    expect(await readdir(join(path, '.forebay'))).not.toContain('0123456789abcdef0123456789abcdef');
  });

  test('shows files that links lead to, and no folders that links lead to', async () => {
    const path = newFolder();
    await mkdir(join(path, 'real'), { recursive: true });
    await writeFile(join(path, 'real', 'file'), 'text');
    await symlink(join(path, 'real', 'file'), join(path, 'link'));
    await symlink(join(path, 'real'), join(path, 'linked-folder'));
    const store = new LocalStore(path);
    expect((await listAll(store, '')).map((object) => object.key)).toEqual(['link', 'real/file']);
    expect(textOf((await store.get('link'))?.body)).toBe('text');
  });

  test.skipIf(process.getuid?.() === 0)('that may not be written is told as such', async () => {
    const path = newFolder();
    await mkdir(path);
    await chmod(path, 0o500);
    await expect(new LocalStore(path).put('x', '')).rejects.toMatchObject({ code: 'CredentialsRefused' });
  });
});

describe('files of other programs', () => {
  test('that grow while they are read are told as changed', async () => {
    const path = newFolder();
    await mkdir(path);
    await writeFile(join(path, 'file'), Buffer.alloc(1 << 20));
    const store = new LocalStore(path);
    const { etag = '' } = (await store.head('file')) ?? {};
    const reading = async () => {
      for await (const _ of store.read('file', { ifMatch: etag })) {
        await writeFile(join(path, 'file'), 'x', { flag: 'a' });
      }
    };
    await expect(reading()).rejects.toMatchObject({ code: 'FileChanged' });
  });
});

describe('processes that die', { timeout: 60_000 }, () => {
  test('give the lock back', async () => {
    const path = newFolder();
    const store = new LocalStore(path);
    await store.put('object', 'first');
    const holder = spawn(process.execPath, ['--input-type=module', '--eval', holdLock], {
      env: { ...process.env, LOCK: join(path, '.forebay', 'lock') },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    await once(holder.stdout, 'data');
    let isDone = false;
    const put = store.put('object', 'second').then(() => {
      isDone = true;
    });
    // Calls that need no lock are not held up.
    expect(await store.putIfAbsent('other', '')).toMatchObject({ created: true });
    expect(isDone).toBe(false);
    holder.kill('SIGKILL');
    await put;
    expect(textOf((await store.get('object'))?.body)).toBe('second');
  });

  test('leave whole objects or none, and each count of a counter once', async () => {
    const path = newFolder();
    const store = new LocalStore(path);
    await store.put('counter', '0');
    const acknowledged: number[] = [];
    for (let round = 0; round < 4; round += 1) {
      const workers = Array.from({ length: 3 }, () =>
        spawn(process.execPath, ['--input-type=module', '--eval', count], {
          env: { ...process.env, FOLDER: path, STORE: join(import.meta.dirname, 'local.ts') },
          stdio: ['ignore', 'pipe', 'inherit'],
        }),
      );
      const texts = workers.map((worker) => {
        let text = '';
        worker.stdout.on('data', (data: Buffer) => {
          text += data;
          // Killed in the midst of its work, after so many answers.
          if (text.split('\n').length > 5 + round) worker.kill('SIGKILL');
        });
        return once(worker, 'close').then(() => text);
      });
      for (const text of await Promise.all(texts)) acknowledged.push(...text.split('\n').slice(0, -1).map(Number));
    }
    expect(new Set(acknowledged).size).toBe(acknowledged.length);
    const counter = Number(textOf((await store.get('counter'))?.body));
    // Of each killed process one count may have landed without its word.
    expect(counter).toBeGreaterThanOrEqual(acknowledged.length);
    expect(counter).toBeLessThanOrEqual(acknowledged.length + 12);
  });
});

const holdLock = `
  import { DatabaseSync } from 'node:sqlite';
  const database = new DatabaseSync(process.env.LOCK);
  database.exec('BEGIN EXCLUSIVE');
  console.log('held');
  setInterval(() => {}, 1000);
`;

const count = `
  const { LocalStore } = await import(process.env.STORE);
  const store = new LocalStore(process.env.FOLDER);
  for (;;) {
    const { body, etag } = await store.get('counter');
    const next = String(Number(Buffer.from(body)) + 1);
    const { created } = await store.putIfMatch('counter', next, etag);
    if (created) console.log(next);
  }
`;
