/**
 * A writer of segments: a random id, and segments 1, 2, 3, ... strictly one after the other, the next only after a
 * clear yes for the one before. So whoever sees a segment knows that all before it are there.
 */
import type { Waiting } from '../contract/environment.ts';
import type { Store } from '../store/store.ts';
import { createOwn } from './create-own.ts';
import { segmentKey, writerKey } from './names.ts';
import { encodeSegment, type SegmentHeader } from './segment.ts';

export interface WriterSettings {
  /** Milliseconds without a clear answer after which a write is given up. */
  readonly unclearMilliseconds: number;
  /** A writer that was silent for so long goes on under a new id: rounds forget the old one some day. */
  readonly idleMilliseconds: number;
}

/** Hears what writers do. */
export interface WriterListener {
  /** A new id; its first segment comes next. */
  introduced(writer: string): void;
  durable(header: SegmentHeader): void;
}

/** Lines to be made durable together. */
export interface Group {
  /** Each ended by a line feed. */
  readonly lines: Buffer;
  readonly records: number;
  /** Milliseconds since 1970. */
  readonly firstReceivedTime: number;
}

export class SegmentWriter {
  readonly #store: Store;
  readonly #inlet: string;
  readonly #settings: WriterSettings;
  readonly #listener: WriterListener;
  readonly #waiting: Waiting;
  #id = '';
  #sequence = 0;
  #upTo = { records: 0, bytes: 0 };
  #lastWrite = 0;

  constructor(store: Store, inlet: string, settings: WriterSettings, listener: WriterListener, waiting: Waiting) {
    this.#store = store;
    this.#inlet = inlet;
    this.#settings = settings;
    this.#listener = listener;
    this.#waiting = waiting;
  }

  /** Resolves when the group is durable. After a throw the outcome is not known, and the writer must not be used again. */
  async write({ lines, records, firstReceivedTime }: Group): Promise<SegmentHeader> {
    if (this.#id === '' || this.#wasSilent()) await this.#introduce();
    const nonce = this.#waiting.random.nonce();
    const sequence = this.#sequence + 1;
    const upTo = { records: this.#upTo.records + records, bytes: this.#upTo.bytes + lines.length };
    const facts = { nonce, writer: this.#id, sequence, firstReceivedTime, records, upTo };
    const { header, body } = encodeSegment(facts, lines);
    await this.#create(segmentKey(this.#inlet, this.#id, sequence), body, nonce);
    this.#sequence = sequence;
    this.#upTo = upTo;
    this.#lastWrite = this.#waiting.clock.now();
    this.#listener.durable(header);
    return header;
  }

  #wasSilent(): boolean {
    return this.#waiting.clock.now() - this.#lastWrite > this.#settings.idleMilliseconds;
  }

  async #introduce(): Promise<void> {
    const { random } = this.#waiting;
    this.#id = random.nonce();
    this.#sequence = 0;
    this.#upTo = { records: 0, bytes: 0 };
    this.#listener.introduced(this.#id);
    const nonce = random.nonce();
    const body = Buffer.from(JSON.stringify({ version: 1, nonce }));
    await this.#create(writerKey(this.#inlet, this.#id), body, nonce);
  }

  async #create(key: string, body: Buffer, nonce: string): Promise<void> {
    await createOwn(this.#store, { key, body, nonce }, this.#settings.unclearMilliseconds, this.#waiting);
  }
}
