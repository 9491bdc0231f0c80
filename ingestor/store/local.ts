/**
 * A store in a folder: for the CLI, where a lake is a folder on a laptop or on a volume that one machine mounts.
 *
 * Each object is a file that was written elsewhere, synced, and then given its name in one step, so that a crash leaves
 * a whole object or none. What decides:
 * - `putIfAbsent` gives the name by link(), which fails where the name is taken: one winner, without a lock.
 * - `putIfMatch`, `put`, `complete` and `delete` change a name that is taken. They hold one lock of the folder, which
 *   the operating system takes back from a process that dies (file-lock.ts), so none of them falls between the
 *   comparing and the renaming of another.
 *
 * `x` and `x/y` cannot both be objects here. Links to files are followed, links to folders are not listed: `purge`
 * must not delete what lies elsewhere. Changes by other programs are seen by their time, size and file number.
 */
import type { Stats } from 'node:fs';
import {
  type FileHandle,
  link,
  mkdir,
  open,
  readdir,
  readFile,
  rename,
  rm,
  rmdir,
  stat,
  unlink,
  writeFile,
} from 'node:fs/promises';
import { dirname, join, resolve, sep } from 'node:path';
import { pathToFileURL } from 'node:url';
import { type Clock, type Random, systemClock, systemRandom } from '../contract/environment.ts';
import { ForebayError } from '../contract/errors.ts';
import { release } from '../contract/memory.ts';
import { FileLock } from './file-lock.ts';
import { checkPathKey, compareKeys, toBytes } from './keys.ts';
import type {
  CallOptions,
  ConditionalOutcome,
  ListOptions,
  ObjectFacts,
  ReadOptions,
  Store,
  StoredObject,
  Upload,
} from './store.ts';

/** Files on their way to a name, and the lock; never listed. */
const workFolder = '.forebay';

/** Files on their way that nobody wrote to for this long were left by a process that died. */
const abandonedAfter = 24 * 60 * 60 * 1000;

const readBytes = 1024 * 1024;

export interface LocalStoreOptions {
  readonly clock?: Clock;
  readonly random?: Random;
}

export class LocalStore implements Store {
  readonly url: string;
  readonly #folder: string;
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #lock: FileLock;
  #readied: Promise<void> | undefined;
  #closed = false;

  /** The folder is made by the first write. */
  constructor(folder: string, { clock = systemClock, random = systemRandom }: LocalStoreOptions = {}) {
    this.#folder = resolve(folder);
    this.url = pathToFileURL(this.#folder).href;
    this.#clock = clock;
    this.#random = random;
    this.#lock = new FileLock(join(this.#folder, workFolder, 'lock'), clock);
  }

  async get(key: string, options: CallOptions = {}): Promise<StoredObject | undefined> {
    const path = this.#path(key, options);
    return this.#mapErrors(key, async () => {
      await using file = await this.#open(path);
      if (file === undefined) return undefined;
      const body = await file.handle.readFile();
      return { ...facts(key, await file.handle.stat()), body };
    });
  }

  async *read(key: string, options: ReadOptions = {}): AsyncIterable<Uint8Array> {
    const path = this.#path(key, options);
    await using file = await this.#mapErrors(key, () => this.#open(path));
    if (file === undefined) throw new ForebayError('FileChanged', `${this.url}/${key} is gone`);
    const { start = 0, ifMatch } = options;
    const check = async () => {
      const stats = await file.handle.stat();
      if (ifMatch === undefined || etagOf(stats) === ifMatch) return stats;
      throw new ForebayError('FileChanged', `${this.url}/${key} was changed`);
    };
    // Not further than it was long: a file that grows as fast as it is read has no end.
    const end = Math.min(options.end ?? Number.POSITIVE_INFINITY, (await check()).size);
    for (let position = start; position < end; ) {
      options.signal?.throwIfAborted();
      const length = Math.min(readBytes, end - position);
      // A buffer of its own for each piece: the caller keeps it.
      const { bytesRead, buffer } = await this.#mapErrors(key, () =>
        file.handle.read({ buffer: Buffer.allocUnsafeSlow(length), position }),
      );
      if (bytesRead === 0) break;
      position += bytesRead;
      yield buffer.subarray(0, bytesRead);
    }
    // A program that writes into the file in place could have done so meanwhile.
    await check();
  }

  async head(key: string, options: CallOptions = {}): Promise<ObjectFacts | undefined> {
    const path = this.#path(key, options);
    return this.#mapErrors(key, async () => {
      const stats = await this.#stat(path);
      return stats === undefined ? undefined : facts(key, stats);
    });
  }

  async *list(prefix: string, options: ListOptions = {}): AsyncIterable<ObjectFacts> {
    this.#check(options);
    const folder = prefix.slice(0, prefix.lastIndexOf('/') + 1);
    if (folder !== '') checkPathKey(this.url, folder.slice(0, -1));
    yield* this.#walk(folder, prefix, options.signal);
  }

  async putIfAbsent(key: string, body: Uint8Array | string, options: CallOptions = {}): Promise<ConditionalOutcome> {
    const path = this.#path(key, options);
    return this.#withNewFile(key, body, async (made) => {
      try {
        await this.#name(path, () => link(made, path));
      } catch (thrown) {
        if (!hasCode(thrown, 'EEXIST')) throw thrown;
        if ((await stat(path).catch(ignoreGone))?.isDirectory()) throw isFolder(this.url, key);
        return { created: false };
      }
      return { created: true, etag: etagOf(await stat(made)) };
    });
  }

  async putIfMatch(
    key: string,
    body: Uint8Array | string,
    etag: string,
    options: CallOptions = {},
  ): Promise<ConditionalOutcome> {
    const path = this.#path(key, options);
    return this.#withNewFile(key, body, (made) =>
      this.#lock.hold(async () => {
        const there = await this.#stat(path);
        if (there === undefined || etagOf(there) !== etag) return { created: false };
        const own = etagOf(await stat(made));
        await this.#name(path, () => rename(made, path));
        return { created: true, etag: own };
      }, options.signal),
    );
  }

  async put(key: string, body: Uint8Array | string, options: CallOptions = {}): Promise<void> {
    const path = this.#path(key, options);
    await this.#withNewFile(key, body, (made) => this.#replace(path, made, options.signal));
  }

  upload(key: string, options: CallOptions = {}): Upload {
    const path = this.#path(key, options);
    const opened = this.#mapErrors(key, async () => {
      const file = await this.#newFile();
      await writeFile(nameFile(file.made), key);
      return file;
    });
    opened.catch(() => {}); // whoever writes or completes hears of it
    let size = 0;
    let ended = false;
    const goOn = () => {
      options.signal?.throwIfAborted();
      if (ended) throw new Error(`the upload of ${key} has ended`);
      return opened;
    };
    return {
      key,
      write: (bytes) =>
        this.#mapErrors(key, async () => {
          await writeAll((await goOn()).handle, bytes);
          size += bytes.byteLength;
          release(bytes);
        }),
      complete: () =>
        this.#mapErrors(key, async () => {
          const { handle, made } = await goOn();
          ended = true;
          await this.#seal(handle);
          await this.#replace(path, made, options.signal);
          await rm(nameFile(made), { force: true });
          return size;
        }),
      abort: async () => {
        ended = true;
        const file = await opened.catch(() => undefined);
        await file?.handle.close().catch(() => {});
        if (file !== undefined) await removeUpload(file.made).catch(() => {});
      },
    };
  }

  async delete(keys: readonly string[], options: CallOptions = {}): Promise<void> {
    const paths = keys.map((key) => ({ key, path: this.#path(key, options) }));
    if (!(await stat(this.#folder).catch(ignoreGone))) return;
    await this.#mapErrors('', () => this.#ready());
    await this.#lock.hold(async () => {
      for (const { key, path } of paths) {
        options.signal?.throwIfAborted();
        await this.#mapErrors(key, () => this.#remove(path));
      }
    }, options.signal);
  }

  /** An upload that is written to is as old as its last piece. */
  async abandonUploads(prefix: string, olderThan: number, options: CallOptions = {}): Promise<number> {
    this.#check(options);
    return await this.#mapErrors(prefix, async () => {
      const folder = join(this.#folder, workFolder);
      let abandoned = 0;
      for (const name of (await readdir(folder).catch(ignoreGone)) ?? []) {
        options.signal?.throwIfAborted();
        const made = join(folder, name);
        const key = await readFile(nameFile(made), 'utf8').catch(ignoreGone);
        const stats = key?.startsWith(prefix) ? await stat(made).catch(ignoreGone) : undefined;
        if (stats === undefined || stats.mtimeMs >= olderThan) continue;
        await removeUpload(made);
        abandoned += 1;
      }
      return abandoned;
    });
  }

  /** The file system's clock is this machine's. */
  async now(): Promise<number> {
    return this.#clock.now();
  }

  async close(): Promise<void> {
    this.#closed = true;
    await this.#lock.close();
  }

  /** In byte order: a folder sorts as its name with a slash, so `a-b` comes before `a/b`. */
  async *#walk(folder: string, prefix: string, signal: AbortSignal | undefined): AsyncIterable<ObjectFacts> {
    const entries = await this.#mapErrors(folder, () =>
      readdir(join(this.#folder, folder), { withFileTypes: true }).catch(ignoreGone),
    );
    const keys = (entries ?? [])
      .filter((entry) => folder !== '' || entry.name !== workFolder)
      .map((entry) => `${folder}${entry.name}${entry.isDirectory() ? '/' : ''}`)
      .filter((key) => key.startsWith(prefix));
    for (const key of keys.sort(compareKeys)) {
      signal?.throwIfAborted();
      if (key.endsWith('/')) {
        yield* this.#walk(key, prefix, signal);
        continue;
      }
      const stats = await this.#mapErrors(key, () => this.#stat(join(this.#folder, key)));
      if (stats !== undefined) yield facts(key, stats);
      else if (key.includes('\uFFFD')) {
        throw new ForebayError('InvalidKey', `${this.url}/${key} has a name that is no UTF-8`);
      }
    }
  }

  #path(key: string, options: CallOptions): string {
    this.#check(options);
    checkPathKey(this.url, key);
    if (key === workFolder || key.startsWith(`${workFolder}/`)) {
      throw new ForebayError('InvalidKey', `${this.url}/${key} is kept for work in progress`);
    }
    return join(this.#folder, ...key.split('/'));
  }

  #check(options: CallOptions): void {
    if (this.#closed) throw new Error(`the store ${this.url} is closed`);
    options.signal?.throwIfAborted();
  }

  /** Undefined where there is no file: nothing, or a folder. */
  async #open(path: string): Promise<{ handle: FileHandle; [Symbol.asyncDispose](): Promise<void> } | undefined> {
    const handle = await open(path, 'r').catch(ignoreGone);
    if (handle === undefined) return undefined;
    if ((await handle.stat()).isFile()) return { handle, [Symbol.asyncDispose]: () => handle.close() };
    await handle.close();
    return undefined;
  }

  async #stat(path: string): Promise<Stats | undefined> {
    const stats = await stat(path).catch(ignoreGone);
    return stats?.isFile() ? stats : undefined;
  }

  async #replace(path: string, made: string, signal: AbortSignal | undefined): Promise<void> {
    await this.#lock.hold(() => this.#name(path, () => rename(made, path)), signal);
  }

  /** Makes an object's file, lets `use` name it, and takes the working name away. */
  async #withNewFile<T>(key: string, body: Uint8Array | string, use: (made: string) => Promise<T>): Promise<T> {
    return this.#mapErrors(key, async () => {
      const { handle, made } = await this.#newFile();
      try {
        try {
          await writeAll(handle, toBytes(body));
        } finally {
          await this.#seal(handle);
        }
        return await use(made);
      } finally {
        await rm(made, { force: true });
      }
    });
  }

  async #newFile(): Promise<{ handle: FileHandle; made: string }> {
    await this.#ready();
    const made = join(this.#folder, workFolder, this.#random.nonce());
    return { handle: await open(made, 'wx'), made };
  }

  /**
   * Syncs and closes. The time is set to the microsecond, since a kernel's own may stand still for milliseconds: time,
   * size and file number together are the ETag, and file numbers come back.
   */
  async #seal(handle: FileHandle): Promise<void> {
    try {
      const now = this.#clock.now() / 1000 + this.#random.number() / 1000;
      await handle.utimes(now, now);
      await handle.sync();
    } finally {
      await handle.close();
    }
  }

  /** Gives the name, in a folder that another's `delete` may just take away; then makes it durable. */
  async #name(path: string, give: () => Promise<void>): Promise<void> {
    for (let tries = 1; ; tries += 1) {
      let firstMade: string | undefined;
      try {
        firstMade = await this.#makeFolder(dirname(path));
        await give();
      } catch (thrown) {
        if (hasCode(thrown, 'ENOENT') && tries < 100) continue;
        throw thrown;
      }
      const last = firstMade === undefined ? dirname(path) : dirname(firstMade);
      return syncFolders(dirname(path), last).catch(ignoreGone);
    }
  }

  /** Answers the first folder that had to be made. A file in the way is told apart from a name that is taken. */
  async #makeFolder(folder: string): Promise<string | undefined> {
    try {
      return await mkdir(folder, { recursive: true });
    } catch (thrown) {
      throw hasCode(thrown, 'EEXIST') ? mapError(pathToFileURL(folder).href, thrown) : thrown;
    }
  }

  /** Empty folders go with their last file. */
  async #remove(path: string): Promise<void> {
    await unlink(path).catch(ignoreGone);
    for (let folder = dirname(path); folder.startsWith(this.#folder + sep); folder = dirname(folder)) {
      if (
        !(await rmdir(folder).then(
          () => true,
          () => false,
        ))
      )
        break;
    }
    await syncFolders(dirname(path), dirname(path)).catch(ignoreGone);
  }

  #ready(): Promise<void> {
    this.#readied ??= this.#makeWorkFolder().catch((thrown: unknown) => {
      this.#readied = undefined;
      throw thrown;
    });
    return this.#readied;
  }

  async #makeWorkFolder(): Promise<void> {
    const folder = join(this.#folder, workFolder);
    await mkdir(folder, { recursive: true });
    for (const name of await readdir(folder)) {
      const path = join(folder, name);
      const stats = /^[0-9a-f]{32}(\.key)?$/.test(name) ? await stat(path).catch(ignoreGone) : undefined;
      if (stats && stats.mtimeMs < this.#clock.now() - abandonedAfter) await rm(path, { force: true });
    }
  }

  async #mapErrors<T>(key: string, work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (thrown) {
      throw mapError(`${this.url}/${key}`, thrown);
    }
  }
}

function facts(key: string, stats: Stats): ObjectFacts {
  return { key, size: stats.size, etag: etagOf(stats), lastModified: Math.floor(stats.mtimeMs) };
}

function etagOf(stats: Stats): string {
  return `"${stats.mtimeMs.toString(36)}-${stats.size.toString(36)}-${stats.ino.toString(36)}"`;
}

/** Says which object an upload is for. */
function nameFile(made: string): string {
  return `${made}.key`;
}

async function removeUpload(made: string): Promise<void> {
  await rm(made, { force: true });
  await rm(nameFile(made), { force: true });
}

async function writeAll(handle: FileHandle, bytes: Uint8Array): Promise<void> {
  for (let done = 0; done < bytes.byteLength; ) {
    done += (await handle.write(bytes, done)).bytesWritten;
  }
}

/** From `folder` up to `last`: a new folder's own name has to last as well. */
async function syncFolders(folder: string, last: string): Promise<void> {
  for (let path = folder; path.length >= last.length; path = dirname(path)) {
    const handle = await open(path, 'r');
    await handle.sync().finally(() => handle.close());
    if (path === dirname(path)) return;
  }
}

const goneCodes = ['ENOENT', 'ENOTDIR', 'EISDIR'];

function ignoreGone(thrown: unknown): undefined {
  if (!goneCodes.some((code) => hasCode(thrown, code))) throw thrown;
}

function hasCode(thrown: unknown, code: string): boolean {
  return thrown instanceof Error && 'code' in thrown && thrown.code === code;
}

function isFolder(url: string, key: string): ForebayError {
  return new ForebayError('InvalidKey', `${url}/${key} is a folder: it cannot be an object as well`);
}

const refusedCodes = ['EACCES', 'EPERM', 'EROFS'];
const badNameCodes = ['ENAMETOOLONG', 'ENOTDIR', 'EISDIR', 'EEXIST', 'ENOTEMPTY', 'EINVAL'];

/** The system's own words name the trouble (`ENOSPC: no space left on device, write`). */
function mapError(where: string, thrown: unknown): unknown {
  if (!(thrown instanceof Error) || !('syscall' in thrown)) return thrown;
  const message = `${where}: ${thrown.message}`;
  if (refusedCodes.some((code) => hasCode(thrown, code))) {
    return new ForebayError('CredentialsRefused', `${message}; give this user the right to the folder`, {
      cause: thrown,
    });
  }
  const code = badNameCodes.some((known) => hasCode(thrown, known)) ? 'InvalidKey' : 'StoreUnavailable';
  return new ForebayError(code, message, { cause: thrown });
}
