/**
 * Whether records are read here or in other threads. Those are started when so much was read that they are worth it. From
 * then on this thread, which has all sources and sinks, gives blocks of records away as long as others wait for some, and
 * reads the rest by itself.
 */
import type { ByteSink, DataFile, EngineSettings } from '../engine.ts';
import type { Bulk } from '../readers/reader.ts';
import type { InputSink } from '../sink.ts';
import { Pool, type Thread } from './pool.ts';

/** A thread takes some 0.1 s to start: the time that 16 MiB take. */
const worthThreads = 16 * 1024 * 1024;

/** Blocks, of 1 MiB at most, that a thread has or waits for: enough to go on while this one reads a block. */
const blocksAhead = 3;
/** Enough to go on while this one writes a row group; all threads together have no more than `mostAhead`. */
const blocksAheadOfRowGroup = 32;
const mostAhead = 64;

export class Threads {
  readonly #settings: EngineSettings;
  readonly #open: () => ByteSink;
  readonly #isNearlyFull: () => boolean;
  #seen = 0;
  #pool: Pool | undefined;

  /** `isNearlyFull`: with its next blocks, this thread has a row group to write. */
  constructor(settings: EngineSettings, open: () => ByteSink, isNearlyFull: () => boolean) {
    this.#settings = settings;
    this.#open = open;
    this.#isNearlyFull = isNearlyFull;
  }

  /** Takes lines: in other threads, or in this one by `here`. */
  lines(sink: InputSink, here: Bulk | undefined): Bulk | undefined {
    return this.#several ? new ThreadedBulk(this, sink, here, undefined) : here;
  }

  /** The same for rows of CSV; only the kernel can tell in bulk where rows end. */
  rows(sink: InputSink, names: readonly string[], here: Bulk | undefined): Bulk | undefined {
    return this.#several && here ? new ThreadedBulk(this, sink, here, names) : here;
  }

  /**
   * One of the other threads that waits for a block of so many bytes. So many more of the input are `expected`: what comes
   * last is read here, as nothing else is left to do, and so are small files.
   */
  free(bytes: number, expected: number): Thread | undefined {
    this.#seen += bytes;
    if (expected === 0 || this.#seen + expected < worthThreads) return undefined;
    this.#pool ??= this.#start();
    return this.#pool.free(this.#isNearlyFull() ? this.#aheadOfRowGroup() : blocksAhead);
  }

  /** Resolves when it holds, which other threads bring about. Throws what one of them failed with. */
  async until(holds: () => boolean): Promise<void> {
    await this.#pool?.until(holds);
  }

  async idle(): Promise<void> {
    await this.#pool?.idle();
  }

  async finish(): Promise<readonly DataFile[]> {
    return (await this.#pool?.finish()) ?? [];
  }

  async abort(): Promise<void> {
    await this.#pool?.abort();
  }

  #start(): Pool {
    const { schema, read, compression, layout, targetFileSizeBytes, plain, threads = 1 } = this.#settings;
    const settings = {
      schema,
      read,
      compression,
      targetFileSizeBytes,
      ...(layout ? { layout } : {}),
      ...(plain ? { plain } : {}),
    };
    return new Pool(threads - 1, settings, this.#open);
  }

  #aheadOfRowGroup(): number {
    const others = (this.#settings.threads ?? 1) - 1;
    return Math.max(blocksAhead, Math.min(blocksAheadOfRowGroup, Math.floor(mostAhead / others)));
  }

  get #several(): boolean {
    return (this.#settings.threads ?? 1) > 1;
  }
}

class ThreadedBulk implements Bulk {
  readonly #threads: Threads;
  readonly #sink: InputSink;
  readonly #here: Bulk | undefined;
  readonly #columns: readonly string[] | undefined;
  #isGiven = false;
  #length = 0;

  /** `columns`: of rows of CSV. */
  constructor(threads: Threads, sink: InputSink, here: Bulk | undefined, columns: readonly string[] | undefined) {
    this.#threads = threads;
    this.#sink = sink;
    this.#here = here;
    this.#columns = columns;
  }

  load(block: Uint8Array, offset: number): number {
    const thread = this.#threads.free(block.length, this.#sink.expectedBytes);
    this.#isGiven = thread !== undefined;
    if (!thread) return this.#here?.load(block, offset) ?? block.length;
    this.#length = this.#wholeRecords(block, offset);
    if (this.#length === 0) return 0;
    // Memory of its own, since it is handed over.
    const bytes = Buffer.allocUnsafeSlow(this.#length);
    bytes.set(block.subarray(0, this.#length));
    thread.give({ bytes, offset, columns: this.#columns }, this.#sink.reserve());
    return this.#length;
  }

  take(at: number): number {
    return this.#isGiven ? this.#length : (this.#here?.take(at) ?? at);
  }

  /** Lines are whole; where rows end, the kernel tells. */
  #wholeRecords(block: Uint8Array, offset: number): number {
    return this.#columns ? (this.#here?.load(block, offset) ?? 0) : block.length;
  }
}
