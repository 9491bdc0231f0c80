/** A thread that reads blocks: it judges and converts by itself and writes files of its own through the main thread's sinks. */
import { type MessagePort, parentPort, workerData } from 'node:worker_threads';
import { ForebayError } from '../../contract/errors.ts';
import { ownMemory } from '../../contract/memory.ts';
import type { ByteSink } from '../engine.ts';
import { BlockReader } from './blockreader.ts';
import type { FromThread, SinkCall, ThreadSettings, ToThread } from './messages.ts';

/** Pieces of a file that may be on their way to the main thread: while it writes them, this one goes on. */
const writesAhead = 4;

class Thread {
  readonly #port: MessagePort;
  readonly #reader: BlockReader;
  readonly #calls = new Map<number, (bytes: number | undefined) => void>();
  #nextCall = 0;
  #nextSink = 0;
  /** Messages are worked on one after the other. */
  #work: Promise<void> = Promise.resolve();

  constructor(port: MessagePort, settings: ThreadSettings) {
    this.#port = port;
    this.#reader = new BlockReader(settings, () => this.#openSink());
    port.on('message', (message: ToThread) => this.#receive(message));
  }

  #receive(message: ToThread): void {
    if (message.type === 'answer') {
      this.#calls.get(message.call)?.(message.failed ? undefined : message.bytes);
      this.#calls.delete(message.call);
      return;
    }
    this.#work = this.#work
      .then(() => this.#do(message))
      .catch((error) => this.#send({ type: 'failed', ...describe(error) }));
  }

  async #do(message: Exclude<ToThread, { type: 'answer' }>): Promise<void> {
    if (message.type === 'block') {
      this.#send({ type: 'outcome', outcome: await this.#reader.read(message.block) });
    } else {
      this.#send({ type: 'finished', files: await this.#reader.finish() });
      this.#port.close();
    }
  }

  #send(message: FromThread, handedOver: ArrayBuffer[] = []): void {
    this.#port.postMessage(message, handedOver);
  }

  #openSink(): ByteSink {
    const sink = this.#nextSink;
    this.#nextSink += 1;
    // Before any other call on it, since messages stay in order.
    void this.#call({ does: 'open', sink });
    /** Not answered yet, the oldest first. */
    const writes: Promise<number>[] = [];
    return {
      key: String(sink),
      write: async (bytes) => {
        const own = ownMemory(bytes) ? (bytes as Uint8Array<ArrayBuffer>) : new Uint8Array(bytes);
        const write = this.#call({ does: 'write', sink, bytes: own }, [own.buffer]);
        // Thrown where it is waited for.
        write.catch(() => {});
        if (writes.push(write) > writesAhead) await writes.shift();
      },
      complete: async () => {
        await Promise.all(writes);
        return await this.#call({ does: 'complete', sink });
      },
      abort: async () => {
        await this.#call({ does: 'abort', sink });
      },
    };
  }

  /** Why a call failed is known in the main thread, which stops this one. */
  async #call(sink: SinkCall, handedOver: ArrayBuffer[] = []): Promise<number> {
    const call = this.#nextCall;
    this.#nextCall += 1;
    const bytes = await new Promise<number | undefined>((resolve) => {
      this.#calls.set(call, resolve);
      this.#send({ type: 'call', call, sink }, handedOver);
    });
    if (bytes === undefined) throw new Error('the main thread could not write');
    return bytes;
  }
}

function describe(error: unknown): { readonly code?: string; readonly message: string } {
  if (error instanceof ForebayError) return { code: error.code, message: error.message };
  return { message: error instanceof Error ? (error.stack ?? error.message) : String(error) };
}

if (parentPort) new Thread(parentPort, workerData);
