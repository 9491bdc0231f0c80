/**
 * Who may send. API keys are the files of a folder (a mounted Secret): a key that is added works on its first use, one
 * that is taken out is refused after `refreshMilliseconds` at the latest, without a restart.
 *
 * The folder is read, not watched: a projected volume changes by swapping a link, of which watchers tell in many ways.
 */
import { createHash, timingSafeEqual } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import type { IncomingHttpHeaders } from 'node:http';
import { join } from 'node:path';
import type { Clock, Log } from '../contract/environment.ts';
import { ForebayError } from '../contract/errors.ts';
import type { Authentication } from '../contract/task.ts';
import { type Answer, problem } from './problem.ts';

/** Age at which known keys are read again. */
const refreshMilliseconds = 10_000;
/** An unknown key makes the folder be read again, at most this often: a flood of wrong keys costs no more. */
const recheckMilliseconds = 1_000;

export interface Authenticator {
  /** Undefined when the sender may come in. */
  refuse(headers: IncomingHttpHeaders): Promise<Answer | undefined>;
}

/** Throws InvalidTask when a folder of keys cannot be read. */
export async function createAuthenticator(
  ways: readonly Authentication[],
  clock: Clock,
  log: Log,
): Promise<Authenticator> {
  if (ways.some((way) => 'anonymous' in way)) return { refuse: async () => undefined };
  const folders = ways.flatMap((way) => ('apiKey' in way ? [new KeyFolder(way.apiKey.path, clock, log)] : []));
  for (const folder of folders) await folder.open();
  return { refuse: async (headers) => await refuse(folders, headers) };
}

async function refuse(folders: readonly KeyFolder[], headers: IncomingHttpHeaders): Promise<Answer | undefined> {
  const keys = presentedKeys(headers);
  if (keys.length === 0) {
    return unauthorized('Send an API key: "Authorization: Bearer <key>" or "x-api-key: <key>".', 'Bearer');
  }
  for (const folder of folders) {
    for (const key of keys) if (await folder.has(key)) return undefined;
  }
  return unauthorized('The API key is not accepted.', 'Bearer error="invalid_token"');
}

function unauthorized(detail: string, challenge: string): Answer {
  return problem(401, 'Unauthorized', detail, { headers: { 'WWW-Authenticate': challenge } });
}

function presentedKeys(headers: IncomingHttpHeaders): string[] {
  const [, bearer] = /^Bearer +(\S+) *$/i.exec(headers.authorization ?? '') ?? [];
  const header = headers['x-api-key'];
  const other = typeof header === 'string' ? header.trim() : '';
  return [bearer ?? '', other].filter((key) => key !== '');
}

class KeyFolder {
  readonly #path: string;
  readonly #clock: Clock;
  readonly #log: Log;
  /** Digests: of one length, as the comparison wants it, and no key stays in memory. */
  #keys: readonly Buffer[] = [];
  #readAt = 0;
  #reading: Promise<void> | undefined;

  constructor(path: string, clock: Clock, log: Log) {
    this.#path = path;
    this.#clock = clock;
    this.#log = log;
  }

  async open(): Promise<void> {
    try {
      await this.#read();
    } catch (cause) {
      throw new ForebayError('InvalidTask', `the folder of API keys ${this.#path} cannot be read`, { cause });
    }
  }

  async has(key: string): Promise<boolean> {
    if (this.#age() >= refreshMilliseconds) await this.#reread();
    if (this.#matches(key)) return true;
    if (this.#age() < recheckMilliseconds) return false;
    await this.#reread();
    return this.#matches(key);
  }

  #age(): number {
    return this.#clock.now() - this.#readAt;
  }

  /** Compares with all keys, so that the time says nothing about which one was near. */
  #matches(key: string): boolean {
    const digest = sha256(key);
    let matches = false;
    for (const known of this.#keys) matches = timingSafeEqual(known, digest) || matches;
    return matches;
  }

  /** One read serves all who ask meanwhile. What cannot be read leaves the known keys in force. */
  async #reread(): Promise<void> {
    this.#reading ??= this.#read()
      .catch((error: unknown) => {
        this.#readAt = this.#clock.now();
        this.#log.error({ path: this.#path, error: errorCode(error) }, 'API keys cannot be read; the known ones stay');
      })
      .finally(() => {
        this.#reading = undefined;
      });
    await this.#reading;
  }

  async #read(): Promise<void> {
    const entries = await readdir(this.#path);
    // `..data` and its like are how a projected volume swaps its content.
    const names = entries.filter((name) => !name.startsWith('..'));
    const texts = await Promise.all(names.map((name) => readFile(join(this.#path, name), 'utf8')));
    this.#keys = texts
      .map((text) => text.trim())
      .filter((text) => text !== '')
      .map(sha256);
    this.#readAt = this.#clock.now();
  }
}

function sha256(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}

function errorCode(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : 'unknown';
}
