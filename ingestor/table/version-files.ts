/**
 * A dense row of versions `v<N>.metadata.json`. A version is made by a conditional create, so one writer wins each
 * number, and its name is never freed. `version-hint.text` names a version for readers and as a place to start looking;
 * it only moves forward. What a version says is the format's business.
 */
import { ForebayError } from '../contract/errors.ts';
import type { Store } from '../store/store.ts';
import { findLast } from './versions.ts';

export interface VersionFile {
  readonly version: number;
  /** URL. */
  readonly location: string;
  readonly body: Uint8Array;
}

/** Versions whose bodies are kept for readers that are behind; older ones are emptied, their names stay. */
const keptVersions = 100;
/** A backlog is worked off over several calls. */
const mostEmptied = 1_000;

export class VersionFiles {
  readonly #store: Store;
  readonly #folder: string;
  readonly #signal: AbortSignal;
  /** A version that exists: the newest is this one or a later one. */
  #known = 0;

  /** `folder` ends with a slash. */
  constructor(store: Store, folder: string, signal: AbortSignal) {
    this.#store = store;
    this.#folder = folder;
    this.#signal = signal;
  }

  /**
   * The newest version, or undefined when there is none. Throws TableReplaced when one that was there is gone, and
   * DamagedDocument when its body is.
   */
  async newest(): Promise<VersionFile | undefined> {
    if (this.#known === 0) this.#known = (await this.#hint())?.version ?? 0;
    const [likely, isOld] = await Promise.all([this.#read(this.#known), this.#exists(this.#known + 1)]);
    if (!isOld && likely?.body.length !== 0) return this.#known === 0 ? undefined : this.#require(likely);
    return await this.#search();
  }

  /** Whoever sleeps between looking for a version and reading it may find it emptied: then there are newer ones. */
  async #search(): Promise<VersionFile> {
    for (;;) {
      const before = this.#known;
      this.#known = await findLast(before, (version) => this.#exists(version));
      const file = await this.#read(this.#known);
      const mayHaveMovedOn = file?.body.length === 0 && this.#known > before;
      if (!mayHaveMovedOn) return this.#require(file);
    }
  }

  /** Whether this version, which was there, is there still and the newest. */
  async isNewest(version: number): Promise<boolean> {
    const [size, isOld] = await Promise.all([this.#size(version), this.#exists(version + 1)]);
    return size > 0 && !isOld;
  }

  /** False when the number is taken. */
  async create(version: number, body: Uint8Array | string): Promise<boolean> {
    const { created } = await this.#store.putIfAbsent(this.key(version), body, { signal: this.#signal });
    if (created) this.#known = version;
    return created;
  }

  /** Moves the hint to this version, unless it is farther. A race that was lost is seen by looking again. */
  async publish(version: number): Promise<void> {
    for (;;) {
      const hint = await this.#hint();
      if (hint !== undefined && hint.version >= version) return;
      const options = { signal: this.#signal };
      if (hint === undefined) await this.#store.putIfAbsent(this.#hintKey, String(version), options);
      else await this.#store.putIfMatch(this.#hintKey, String(version), hint.etag, options);
    }
  }

  /** Empties bodies that are too old; oldest first, so that one who is interrupted leaves no gap that hides the rest. */
  async emptyOld(newest: number): Promise<number> {
    const old: number[] = [];
    for (let n = newest - keptVersions; n >= 1 && (await this.#size(n)) > 0; n -= 1) old.push(n);
    const emptied = old.reverse().slice(0, mostEmptied);
    for (const n of emptied) await this.#store.put(this.key(n), '', { signal: this.#signal });
    return emptied.length;
  }

  key(version: number): string {
    return `${this.#folder}v${version}.metadata.json`;
  }

  location(version: number): string {
    return `${this.#store.url}/${this.key(version)}`;
  }

  get #hintKey(): string {
    return `${this.#folder}version-hint.text`;
  }

  async #hint(): Promise<{ version: number; etag: string } | undefined> {
    const object = await this.#store.get(this.#hintKey, { signal: this.#signal });
    if (object === undefined) return undefined;
    const text = Buffer.from(object.body).toString().trim();
    if (!/^[1-9][0-9]{0,14}$/.test(text)) {
      throw new ForebayError('DamagedDocument', `${this.#store.url}/${this.#hintKey} is no version number`);
    }
    return { version: Number(text), etag: object.etag };
  }

  async #exists(version: number): Promise<boolean> {
    return (await this.#store.head(this.key(version), { signal: this.#signal })) !== undefined;
  }

  async #size(version: number): Promise<number> {
    return (await this.#store.head(this.key(version), { signal: this.#signal }))?.size ?? 0;
  }

  async #read(version: number): Promise<VersionFile | undefined> {
    if (version === 0) return undefined;
    const object = await this.#store.get(this.key(version), { signal: this.#signal });
    return object && { version, location: this.location(version), body: object.body };
  }

  #require(file: VersionFile | undefined): VersionFile {
    if (file === undefined) {
      throw new ForebayError(
        'TableReplaced',
        `${this.location(this.#known)} is gone: someone deleted versions of the table`,
      );
    }
    if (file.body.length === 0) throw new ForebayError('DamagedDocument', `${file.location} is empty`);
    return file;
  }
}
