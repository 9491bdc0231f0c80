/** The other threads, as the main thread sees them: it gives them blocks and has all sinks. */
import { getHeapStatistics } from 'node:v8';
import { Worker } from 'node:worker_threads';
import { type ErrorCode, ForebayError } from '../../contract/errors.ts';
import type { ByteSink, DataFile } from '../engine.ts';
import type { Outcome } from '../intake.ts';
import type { Block, FromThread, SinkCall, ThreadSettings, ToThread } from './messages.ts';

/** For objects that die young: a third of what V8 would take, which made nothing faster. */
const youngMiB = 32;

export class Pool {
  readonly #threads: Thread[];
  /** Those who wait for what a thread says next. */
  #changed: (() => void)[] = [];
  #failure: { readonly error: unknown } | undefined;

  /** `open` gives each thread the data files it asks for. */
  constructor(count: number, settings: ThreadSettings, open: () => ByteSink) {
    const changed = () => this.#wake();
    const failed = (error: unknown) => {
      this.#failure ??= { error };
      this.#wake();
    };
    // The limit that this process has is meant for all of its threads.
    const heapMiB = Math.floor(getHeapStatistics().heap_size_limit / (count + 1) / 1024 ** 2);
    this.#threads = Array.from({ length: count }, () => new Thread(settings, heapMiB, open, changed, failed));
  }

  /** The thread that has fewest blocks, where it has less than so many. */
  free(blocks: number): Thread | undefined {
    const [least] = [...this.#threads].sort((a, b) => a.blocks - b.blocks);
    return least && least.blocks < blocks ? least : undefined;
  }

  /** Resolves when all blocks are done. */
  async idle(): Promise<void> {
    await this.until(() => this.#threads.every(({ blocks }) => blocks === 0));
  }

  /** Ends the threads. */
  async finish(): Promise<readonly DataFile[]> {
    for (const thread of this.#threads) thread.finish();
    await this.until(() => this.#threads.every(({ files }) => files !== undefined));
    return this.#threads.flatMap(({ files }) => files ?? []);
  }

  /** Never throws. */
  async abort(): Promise<void> {
    await Promise.allSettled(this.#threads.map((thread) => thread.abort()));
  }

  /** Resolves when it holds, which is looked at whenever a thread says something. Throws what one failed with. */
  async until(holds: () => boolean): Promise<void> {
    for (;;) {
      if (this.#failure) throw this.#failure.error;
      if (holds()) return;
      await new Promise<void>((resolve) => this.#changed.push(resolve));
    }
  }

  #wake(): void {
    const waiting = this.#changed;
    this.#changed = [];
    for (const resolve of waiting) resolve();
  }
}

export class Thread {
  readonly #worker: Worker;
  readonly #open: () => ByteSink;
  readonly #changed: () => void;
  readonly #failed: (error: unknown) => void;
  readonly #sinks = new Map<number, ByteSink>();
  /** Those who wait for the outcomes of blocks, in the order of the blocks. */
  readonly #waiting: ((outcome: Outcome) => void)[] = [];
  files: readonly DataFile[] | undefined;

  constructor(
    settings: ThreadSettings,
    heapMiB: number,
    open: () => ByteSink,
    changed: () => void,
    failed: (error: unknown) => void,
  ) {
    this.#open = open;
    this.#changed = changed;
    this.#failed = failed;
    const resourceLimits = { maxOldGenerationSizeMb: heapMiB, maxYoungGenerationSizeMb: youngMiB };
    this.#worker = new Worker(new URL(threadFile, import.meta.url), { workerData: settings, resourceLimits });
    this.#worker.on('message', (message: FromThread) => this.#receive(message));
    this.#worker.on('error', failed);
    this.#worker.on('exit', () => {
      if (!this.files) failed(new Error('a thread ended before its work'));
    });
  }

  get blocks(): number {
    return this.#waiting.length;
  }

  /** `done` is told what came of the block. */
  give(block: Block, done: (outcome: Outcome) => void): void {
    this.#waiting.push(done);
    this.#send({ type: 'block', block }, [block.bytes.buffer]);
  }

  finish(): void {
    this.#send({ type: 'finish' });
  }

  async abort(): Promise<void> {
    await this.#worker.terminate();
    await Promise.allSettled([...this.#sinks.values()].map((sink) => sink.abort()));
  }

  #send(message: ToThread, handedOver: ArrayBuffer[] = []): void {
    this.#worker.postMessage(message, handedOver);
  }

  #receive(message: FromThread): void {
    switch (message.type) {
      case 'outcome':
        this.#waiting.shift()?.(message.outcome);
        break;
      case 'call':
        void this.#answer(message.call, message.sink);
        break;
      case 'finished':
        this.files = message.files.map((file) => ({ ...file, key: this.#sinkOf(Number(file.key)).key }));
        break;
      case 'failed':
        this.#failed(errorOf(message));
        break;
    }
    this.#changed();
  }

  async #answer(call: number, sinkCall: SinkCall): Promise<void> {
    try {
      this.#send({ type: 'answer', call, bytes: await this.#run(sinkCall), failed: false });
    } catch (error) {
      this.#failed(error);
      this.#send({ type: 'answer', call, bytes: 0, failed: true });
    }
  }

  async #run(call: SinkCall): Promise<number> {
    switch (call.does) {
      case 'open':
        this.#sinks.set(call.sink, oneByOne(this.#open()));
        return 0;
      case 'write':
        await this.#sinkOf(call.sink).write(call.bytes);
        return 0;
      case 'complete':
        return await this.#sinkOf(call.sink).complete();
      case 'abort':
        await this.#sinkOf(call.sink).abort();
        return 0;
    }
  }

  #sinkOf(sink: number): ByteSink {
    const found = this.#sinks.get(sink);
    if (!found) throw new Error(`a thread has no sink ${sink}`);
    return found;
  }
}

/** A thread does not wait for each of its calls; a sink is called only when its last call is done. */
function oneByOne(sink: ByteSink): ByteSink {
  let last: Promise<unknown> = Promise.resolve();
  const inTurn = <T>(call: () => Promise<T>): Promise<T> => {
    const done = last.then(call);
    last = done.catch(() => {});
    return done;
  };
  return {
    key: sink.key,
    write: (bytes) => inTurn(() => sink.write(bytes)),
    complete: () => inTurn(() => sink.complete()),
    abort: () => sink.abort(),
  };
}

/** The bundle has it beside the file that this is in. */
const threadFile = process.env.FOREBAY_THREAD_FILE ?? './thread.ts';

function errorOf({ code, message }: { readonly code?: string | undefined; readonly message: string }): Error {
  return code === undefined ? new Error(message) : new ForebayError(code as ErrorCode, message);
}
