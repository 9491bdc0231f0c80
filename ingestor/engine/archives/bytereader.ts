/** Bytes that come in chunks, taken as they are asked for. */
import type { Bytes } from '../readers/reader.ts';

export class ByteReader {
  readonly #iterator: AsyncIterator<Uint8Array>;
  #chunk: Uint8Array = new Uint8Array(0);
  /** How many bytes were taken or passed over. */
  position: number;

  /** `position`: of the first byte. */
  constructor(bytes: Bytes, position = 0) {
    this.#iterator = bytes[Symbol.asyncIterator]();
    this.position = position;
  }

  /** The next bytes; fewer at the end. Good until more are asked for. */
  async take(count: number): Promise<Buffer> {
    if (this.#chunk.length < count) await this.#gather(count);
    const taken = this.#chunk.subarray(0, count);
    this.#advance(taken.length);
    return Buffer.from(taken.buffer, taken.byteOffset, taken.length);
  }

  /** The next bytes as they come; fewer at the end. */
  async *stream(count: number): AsyncGenerator<Uint8Array> {
    for (let left = count; left > 0; ) {
      if (this.#chunk.length === 0 && !(await this.#next())) return;
      const piece = this.#chunk.subarray(0, left);
      left -= piece.length;
      this.#advance(piece.length);
      yield piece;
    }
  }

  /** Passes over bytes; false when the end comes before. */
  async pass(count: number): Promise<boolean> {
    let left = count;
    for await (const piece of this.stream(count)) left -= piece.length;
    return left === 0;
  }

  /** Lets go of the source. */
  async close(): Promise<void> {
    await this.#iterator.return?.();
  }

  #advance(bytes: number): void {
    this.#chunk = this.#chunk.subarray(bytes);
    this.position += bytes;
  }

  async #next(): Promise<boolean> {
    for (;;) {
      const next = await this.#iterator.next();
      if (next.done) return false;
      this.#chunk = next.value;
      if (next.value.length > 0) return true;
    }
  }

  async #gather(count: number): Promise<void> {
    const chunks: Uint8Array[] = [];
    let length = 0;
    do {
      // A source may write over its chunk when it is asked for the next one.
      chunks.push(Buffer.from(this.#chunk));
      length += this.#chunk.length;
      this.#chunk = new Uint8Array(0);
    } while (length < count && (await this.#next()));
    this.#chunk = Buffer.concat([...chunks, this.#chunk]);
  }
}
