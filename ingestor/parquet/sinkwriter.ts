/** Bytes on their way to a sink: gathered to pieces that are worth a call. */
import { free } from '../contract/memory.ts';
import type { ByteSink } from '../engine/engine.ts';

/** 1 MiB. */
const pieceBytes = 1024 * 1024;

export class SinkWriter {
  readonly #sink: ByteSink;
  #waiting: Uint8Array[] = [];
  #waitingBytes = 0;
  #offset = 0;

  constructor(sink: ByteSink) {
    this.#sink = sink;
  }

  /** Bytes that were appended: where the next ones will stand in the file. */
  get offset(): number {
    return this.#offset;
  }

  /** Takes the bytes over, with all of the memory in which they lie: it is freed. */
  append(bytes: Uint8Array): void {
    this.#waiting.push(bytes);
    this.#waitingBytes += bytes.length;
    this.#offset += bytes.length;
  }

  get isFull(): boolean {
    return this.#waitingBytes >= pieceBytes;
  }

  async flush(): Promise<void> {
    if (this.#waitingBytes === 0) return;
    const piece = Buffer.concat(this.#waiting, this.#waitingBytes);
    for (const bytes of this.#waiting) free(bytes);
    this.#waiting = [];
    this.#waitingBytes = 0;
    await this.#sink.write(piece);
  }
}
