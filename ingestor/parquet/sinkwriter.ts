/** Bytes on their way to a sink: gathered to pieces that are worth a call. */
import type { ByteSink } from '../engine/engine.ts';

/** 1 MiB. */
const pieceBytes = 1024 * 1024;
/** Of a buffer that is larger than what stands in it by this factor, a copy is kept. */
const mostSlack = 4;

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

  /** Takes bytes that nobody changes. */
  append(bytes: Uint8Array): void {
    const kept = bytes.buffer.byteLength > mostSlack * bytes.length ? new Uint8Array(bytes) : bytes;
    this.#waiting.push(kept);
    this.#waitingBytes += kept.length;
    this.#offset += kept.length;
  }

  get isFull(): boolean {
    return this.#waitingBytes >= pieceBytes;
  }

  async flush(): Promise<void> {
    if (this.#waitingBytes === 0) return;
    const piece = Buffer.concat(this.#waiting, this.#waitingBytes);
    this.#waiting = [];
    this.#waitingBytes = 0;
    await this.#sink.write(piece);
  }
}
