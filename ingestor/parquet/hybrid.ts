/** Parquet's hybrid of run-length encoding and bit packing, read piece by piece: levels, dictionary indices, booleans. */
import { ByteCursor, bitsAt } from './bits.ts';

export class HybridReader {
  readonly #cursor: ByteCursor;
  readonly #width: number;
  /** Left of a run of one value. */
  #repeated = 0;
  #value = 0;
  /** Left of a run of packed values, the next of which begins here. */
  #packed = 0;
  #at = 0;
  #shift = 0;

  /** `width`: bits of a value, 0 to 32. */
  constructor(bytes: Uint8Array, start: number, end: number, width: number) {
    if (width > 32) throw new Error(`values of ${width} bits`);
    this.#cursor = new ByteCursor(bytes, start, end);
    this.#width = width;
    if (width === 0) this.#repeated = Number.POSITIVE_INFINITY;
  }

  /** Puts the next `count` values there. Throws Error when there are fewer. */
  read(output: Uint8Array | Uint32Array, from: number, count: number): void {
    const end = from + count;
    for (let at = from; at < end; ) {
      if (this.#repeated > 0) {
        const next = Math.min(end, at + this.#repeated);
        output.fill(this.#value, at, next);
        this.#repeated -= next - at;
        at = next;
      } else if (this.#packed > 0) {
        const next = Math.min(end, at + this.#packed);
        this.#unpack(output, at, next);
        this.#packed -= next - at;
        at = next;
      } else {
        this.#nextRun();
      }
    }
  }

  #nextRun(): void {
    const cursor = this.#cursor;
    const header = cursor.varint();
    const length = Math.floor(header / 2);
    if (header % 2 === 0) {
      let value = 0;
      for (let shift = 0; shift < this.#width; shift += 8) value |= cursor.byte() << shift;
      this.#value = value >>> 0;
      this.#repeated = length;
      return;
    }
    // The last group may lack what no value needs.
    const bytes = Math.min(length * this.#width, cursor.end - cursor.at);
    this.#packed = Math.floor((bytes * 8) / this.#width);
    this.#at = cursor.at;
    this.#shift = 0;
    cursor.at += bytes;
  }

  #unpack(output: Uint8Array | Uint32Array, from: number, end: number): void {
    const { bytes } = this.#cursor;
    const width = this.#width;
    let [at, shift] = [this.#at, this.#shift];
    for (let index = from; index < end; index += 1) {
      output[index] = bitsAt(bytes, at, shift, width);
      shift += width;
      at += shift >>> 3;
      shift &= 7;
    }
    this.#at = at;
    this.#shift = shift;
  }
}
