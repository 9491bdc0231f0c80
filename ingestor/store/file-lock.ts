/**
 * A lock between processes of one machine that the operating system takes back when its holder dies. Node has no call
 * for file locks; SQLite, which comes with it, takes and gives back the system's own. Nothing is ever written to the
 * file, so a lock costs about 0.1 ms.
 *
 * A lock made of a file's existence would need a guess whether its holder still lives, and two who guess at the same
 * time both go on.
 */
import type { DatabaseSync } from 'node:sqlite';
import type { Clock } from '../contract/environment.ts';

export class FileLock {
  readonly #path: string;
  readonly #clock: Clock;
  #database: DatabaseSync | undefined;
  /** Those of this process wait for each other here, and only one of them for other processes. */
  #last: Promise<unknown> = Promise.resolve();

  /** The file's folder must exist when the lock is first held. */
  constructor(path: string, clock: Clock) {
    this.#path = path;
    this.#clock = clock;
  }

  /** Does `work` while nobody else holds the lock. */
  async hold<T>(work: () => Promise<T>, signal?: AbortSignal): Promise<T> {
    const turn = this.#last.then(() => this.#hold(work, signal));
    this.#last = turn.catch(() => {});
    return turn;
  }

  /** Gives back what a holder has: only when nobody holds the lock any more. */
  async close(): Promise<void> {
    await this.#last;
    this.#database?.close();
    this.#database = undefined;
  }

  async #hold<T>(work: () => Promise<T>, signal: AbortSignal | undefined): Promise<T> {
    const database = await this.#open();
    for (let wait = 1; !tryLock(database); wait = Math.min(wait * 2, 50)) await this.#clock.sleep(wait, signal);
    try {
      signal?.throwIfAborted();
      return await work();
    } finally {
      database.exec('ROLLBACK');
    }
  }

  async #open(): Promise<DatabaseSync> {
    if (this.#database !== undefined) return this.#database;
    const { DatabaseSync } = await import('node:sqlite');
    this.#database = new DatabaseSync(this.#path, { timeout: 0 });
    return this.#database;
  }
}

/** SQLITE_BUSY of https://sqlite.org/rescode.html: another connection holds it. */
const busy = 5;

function tryLock(database: DatabaseSync): boolean {
  try {
    database.exec('BEGIN EXCLUSIVE');
    return true;
  } catch (thrown) {
    if (thrown instanceof Error && 'errcode' in thrown && thrown.errcode === busy) return false;
    throw thrown;
  }
}
