/**
 * From requests to segments. Records wait here for at most `maxDelayMilliseconds`, until enough of them are together or
 * a writer is free; a request is answered when the segment with its records is durable. Room is bounded by who calls:
 * see InFlight.
 */
import type { Log, Waiting } from '../contract/environment.ts';
import { ForebayError, toForebayError } from '../contract/errors.ts';
import type { Store } from '../store/store.ts';
import type { SegmentHeader } from './segment.ts';
import { WakeUp } from './wake-up.ts';
import { SegmentWriter, type WriterListener, type WriterSettings } from './writer.ts';

export interface SegmentQueueSettings extends WriterSettings {
  readonly maxDelayMilliseconds: number;
  /** A segment is closed when it has grown to this; it holds whole requests, so it may be one request longer. */
  readonly maxSegmentBytes: number;
  /** Writers at once: each waits for the store by itself. */
  readonly writers: number;
}

/** Where the records of one request stand. */
export interface Place {
  readonly writer: string;
  readonly sequence: number;
  /** Of the request's first record in the segment; the first of the segment is 0. */
  readonly index: number;
}

interface Entry {
  readonly lines: Buffer;
  readonly records: number;
  readonly receivedTime: number;
  resolve(place: Place): void;
  reject(error: ForebayError): void;
}

export class SegmentQueue {
  readonly #store: Store;
  readonly #inlet: string;
  readonly #settings: SegmentQueueSettings;
  readonly #waiting: Waiting;
  readonly #log: Log;
  readonly #listener: WriterListener;
  readonly #arrival = new WakeUp();
  readonly #full = new WakeUp();
  #entries: Entry[] = [];
  #bytes = 0;
  #collecting: Promise<unknown> = Promise.resolve();
  #closed = false;
  #failure: ForebayError | undefined;
  /** When the writes under way began. */
  readonly #writing = new Set<{ readonly since: number }>();

  constructor(
    store: Store,
    inlet: string,
    settings: SegmentQueueSettings,
    waiting: Waiting,
    log: Log,
    listener: WriterListener,
  ) {
    this.#store = store;
    this.#inlet = inlet;
    this.#settings = settings;
    this.#waiting = waiting;
    this.#log = log;
    this.#listener = listener;
  }

  /**
   * Writes segments until `close`, and then what is left. Throws when the store gave no clear answer for too long: all
   * who wait were told, nothing more is taken, and the process must end.
   */
  async run(): Promise<void> {
    await Promise.all(Array.from({ length: this.#settings.writers }, () => this.#runWriter()));
  }

  /** Resolves when the records are durable; the whole request stands in one segment. */
  async append(lines: Buffer, records: number): Promise<Place> {
    if (this.#failure) throw this.#failure;
    if (this.#closed) throw new ForebayError('Interrupted', 'the inlet is stopping');
    return await new Promise<Place>((resolve, reject) => {
      this.#entries.push({ lines, records, receivedTime: this.#waiting.clock.now(), resolve, reject });
      this.#bytes += lines.length;
      this.#arrival.call();
      if (this.#isFull()) this.#full.call();
    });
  }

  /** Milliseconds that the store has owed an answer; 0 when it owes none. */
  silence(): number {
    const since = Math.min(...[...this.#writing].map((write) => write.since));
    return Number.isFinite(since) ? this.#waiting.clock.now() - since : 0;
  }

  /** No more records; those that wait are written at once. */
  close(): void {
    this.#closed = true;
    this.#arrival.call();
    this.#full.call();
  }

  async #runWriter(): Promise<void> {
    const writer = new SegmentWriter(this.#store, this.#inlet, this.#settings, this.#listener, this.#waiting);
    for (;;) {
      const entries = await this.#nextTurn();
      if (entries.length === 0) return;
      await this.#write(writer, entries);
    }
  }

  /** One writer collects at a time, so that records are not spread over many small segments. */
  async #nextTurn(): Promise<Entry[]> {
    const turn = this.#collecting.then(() => this.#collect());
    this.#collecting = turn;
    return await turn;
  }

  /** The entries of the next segment; none when the queue has ended. */
  async #collect(): Promise<Entry[]> {
    while (this.#entries.length === 0 && !this.#isOver()) await this.#arrival.wait();
    await this.#untilDue();
    return this.#failure ? [] : this.#take();
  }

  /** Until the oldest entry has waited long enough, or there is enough for a segment. */
  async #untilDue(): Promise<void> {
    const { clock } = this.#waiting;
    const oldest = this.#entries[0];
    if (oldest === undefined || this.#isFull() || this.#isOver()) return;
    const rest = oldest.receivedTime + this.#settings.maxDelayMilliseconds - clock.now();
    if (rest <= 0) return;
    const awake = new AbortController();
    await Promise.race([clock.sleep(rest, awake.signal).catch(() => {}), this.#full.wait()]);
    awake.abort();
  }

  #take(): Entry[] {
    let bytes = 0;
    let count = 0;
    for (const entry of this.#entries) {
      if (bytes >= this.#settings.maxSegmentBytes) break;
      bytes += entry.lines.length;
      count += 1;
    }
    const taken = this.#entries.slice(0, count);
    this.#entries = this.#entries.slice(count);
    this.#bytes -= bytes;
    return taken;
  }

  async #write(writer: SegmentWriter, entries: readonly Entry[]): Promise<void> {
    const write = { since: this.#waiting.clock.now() };
    this.#writing.add(write);
    try {
      resolveAll(entries, await writer.write(toGroup(entries)));
    } catch (thrown) {
      this.#fail(toForebayError(thrown), entries);
      throw thrown;
    } finally {
      this.#writing.delete(write);
    }
  }

  #fail(error: ForebayError, entries: readonly Entry[]): void {
    this.#failure = error;
    this.#log.error({ code: error.code, error: error.message }, 'segment not durable; the inlet ends');
    for (const entry of [...entries, ...this.#entries]) entry.reject(error);
    this.#entries = [];
    this.#arrival.call();
    this.#full.call();
  }

  #isFull(): boolean {
    return this.#bytes >= this.#settings.maxSegmentBytes;
  }

  #isOver(): boolean {
    return this.#closed || this.#failure !== undefined;
  }
}

function toGroup(entries: readonly Entry[]): { lines: Buffer; records: number; firstReceivedTime: number } {
  return {
    lines: Buffer.concat(entries.map((entry) => entry.lines)),
    records: entries.reduce((sum, entry) => sum + entry.records, 0),
    firstReceivedTime: entries[0]?.receivedTime ?? 0,
  };
}

function resolveAll(entries: readonly Entry[], { writer, sequence }: SegmentHeader): void {
  let index = 0;
  for (const entry of entries) {
    entry.resolve({ writer, sequence, index });
    index += entry.records;
  }
}
