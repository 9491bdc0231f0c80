/**
 * Whether records are read here or in other threads. Those are started when so much was read that they are worth it; from
 * then on this thread only finds where records begin, and has all sources and sinks.
 */
import type { ByteSink, DataFile, EngineSettings } from '../engine.ts';
import type { Bulk } from '../readers/reader.ts';
import type { InputSink } from '../sink.ts';
import { Pool } from './pool.ts';

/** A thread takes some 0.1 s to start: the time that 16 MiB take. */
const worthThreads = 16 * 1024 * 1024;

export class Threads {
  readonly #settings: EngineSettings;
  readonly #open: () => ByteSink;
  #seen = 0;
  #pool: Pool | undefined;

  constructor(settings: EngineSettings, open: () => ByteSink) {
    this.#settings = settings;
    this.#open = open;
  }

  /** Takes lines: in other threads, or in this one by `here`. */
  lines(sink: InputSink, here: Bulk | undefined): Bulk | undefined {
    return this.#several ? new ThreadedBulk(this, sink, here, undefined, wholeBlock) : here;
  }

  /** The same for rows of CSV; only the kernel can tell in bulk where rows end. */
  rows(sink: InputSink, names: readonly string[], here: Bulk | undefined): Bulk | undefined {
    return this.#several && here ? new ThreadedBulk(this, sink, here, names, here.load.bind(here)) : here;
  }

  /** The other threads, once they are worth it. */
  poolFor(bytes: number): Pool | undefined {
    this.#seen += bytes;
    if (this.#pool || this.#seen < worthThreads) return this.#pool;
    const { schema, read, compression, layout, targetFileSizeBytes, plain, threads = 1 } = this.#settings;
    const settings = {
      schema,
      read,
      compression,
      targetFileSizeBytes,
      ...(layout ? { layout } : {}),
      ...(plain ? { plain } : {}),
    };
    this.#pool = new Pool(threads, settings, this.#open);
    return this.#pool;
  }

  async room(): Promise<void> {
    await this.#pool?.room();
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

  get #several(): boolean {
    return (this.#settings.threads ?? 1) > 1;
  }
}

/** How many bytes of a block are whole records. */
type WholeRecords = (block: Uint8Array, offset: number) => number;

const wholeBlock: WholeRecords = (block) => block.length;

class ThreadedBulk implements Bulk {
  readonly #threads: Threads;
  readonly #sink: InputSink;
  readonly #here: Bulk | undefined;
  readonly #columns: readonly string[] | undefined;
  readonly #wholeRecords: WholeRecords;
  #inPool = false;
  #length = 0;

  constructor(
    threads: Threads,
    sink: InputSink,
    here: Bulk | undefined,
    columns: readonly string[] | undefined,
    wholeRecords: WholeRecords,
  ) {
    this.#threads = threads;
    this.#sink = sink;
    this.#here = here;
    this.#columns = columns;
    this.#wholeRecords = wholeRecords;
  }

  load(block: Uint8Array, offset: number): number {
    const pool = this.#threads.poolFor(block.length);
    this.#inPool = pool !== undefined;
    if (!pool) return this.#here?.load(block, offset) ?? block.length;
    this.#length = this.#wholeRecords(block, offset);
    if (this.#length === 0) return 0;
    // Memory of its own, since it is handed over.
    const bytes = Buffer.allocUnsafeSlow(this.#length);
    bytes.set(block.subarray(0, this.#length));
    const done = this.#sink.reserve();
    pool.give({ bytes, offset, columns: this.#columns }, done);
    return this.#length;
  }

  take(at: number): number {
    return this.#inPool ? this.#length : (this.#here?.take(at) ?? at);
  }
}
