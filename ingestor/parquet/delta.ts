/** Parquet's DELTA_BINARY_PACKED encoding, read piece by piece. */

import { ByteCursor, bitsAt } from './bits.ts';
import { narrow } from './logicaltypes.ts';

interface Layout {
  readonly miniblocks: number;
  /** Values of a miniblock. */
  readonly values: number;
  /** Values of all. */
  readonly count: number;
}

export class DeltaReader {
  readonly #cursor: ByteCursor;
  readonly #layout: Layout;
  /** Bits of an integer: what is more wraps. */
  readonly #bits: 32 | 64;
  #value: number | bigint;
  #first = true;
  #leastDelta = 0n;
  /** The same where sums with it are exact. */
  #leastNumber: number | undefined;
  #widths = new Uint8Array(0);
  #miniblock = 0;
  /** Left of the miniblock, whose next value begins here. */
  #left = 0;
  #at = 0;
  #shift = 0;

  constructor(bytes: Uint8Array, start: number, end: number, bits: 32 | 64) {
    this.#cursor = new ByteCursor(bytes, start, end);
    this.#layout = readLayout(this.#cursor);
    this.#bits = bits;
    this.#value = narrow(BigInt.asIntN(bits, this.#cursor.zigzag()));
    this.#miniblock = this.#layout.miniblocks;
  }

  /** The next integer: a number, or a bigint past 2^53. Throws Error where the bytes end early. */
  next(): number | bigint {
    if (this.#first) {
      this.#first = false;
      return this.#value;
    }
    if (this.#left === 0) this.#nextMiniblock();
    this.#left -= 1;
    const width = this.#widths[this.#miniblock - 1] ?? 0;
    const low = bitsAt(this.#cursor.bytes, this.#at, this.#shift, Math.min(width, 32));
    const high = width > 32 ? bitsAt(this.#cursor.bytes, this.#at + 4, this.#shift, width - 32) : 0;
    const shift = this.#shift + width;
    this.#at += shift >>> 3;
    this.#shift = shift & 7;
    this.#add(low, high);
    return this.#value;
  }

  #add(low: number, high: number): void {
    if (high === 0 && this.#leastNumber !== undefined && typeof this.#value === 'number') {
      const sum = this.#value + (this.#leastNumber + low);
      if (this.#bits === 32) {
        this.#value = sum | 0;
        return;
      }
      if (Number.isSafeInteger(sum)) {
        this.#value = sum;
        return;
      }
    }
    const delta = this.#leastDelta + ((BigInt(high) << 32n) | BigInt(low));
    this.#value = narrow(BigInt.asIntN(this.#bits, BigInt(this.#value) + delta));
  }

  #nextMiniblock(): void {
    const { miniblocks, values } = this.#layout;
    const cursor = this.#cursor;
    if (this.#miniblock === miniblocks) {
      this.#leastDelta = cursor.zigzag();
      const exact = this.#leastDelta > -exactDelta && this.#leastDelta < exactDelta;
      this.#leastNumber = exact ? Number(this.#leastDelta) : undefined;
      this.#widths = readWidths(cursor, miniblocks);
      this.#miniblock = 0;
    }
    const width = this.#widths[this.#miniblock] ?? 0;
    this.#miniblock += 1;
    const bytes = Math.min((values * width) / 8, cursor.end - cursor.at);
    // The last miniblock may lack what no value needs.
    this.#left = width === 0 ? values : Math.floor((bytes * 8) / width);
    if (this.#left === 0) throw new Error('deltas end early');
    this.#at = cursor.at;
    this.#shift = 0;
    cursor.at += bytes;
  }
}

/** So that with 32 bits more it is still exact as a double. */
const exactDelta = 2n ** 52n;

/** Where the deltas that begin at `start` end, and how many there are; their values are not looked at. */
export function endOfDeltas(
  bytes: Uint8Array,
  start: number,
  end: number,
): { readonly at: number; readonly count: number } {
  const cursor = new ByteCursor(bytes, start, end);
  const { miniblocks, values, count } = readLayout(cursor);
  cursor.zigzag();
  for (let left = count - 1; left > 0; ) {
    cursor.zigzag();
    for (const width of readWidths(cursor, miniblocks)) {
      if (left <= 0) break;
      cursor.at += (values * width) / 8;
      left -= values;
    }
  }
  if (cursor.at > end) throw new Error('deltas end early');
  return { at: cursor.at, count };
}

function readLayout(cursor: ByteCursor): Layout {
  const [blockValues, miniblocks, count] = [cursor.varint(), cursor.varint(), cursor.varint()];
  const values = blockValues / miniblocks;
  if (miniblocks === 0 || values === 0 || values % 8 !== 0 || blockValues > mostBlockValues)
    throw new Error(`deltas in blocks of ${blockValues} values and ${miniblocks} miniblocks`);
  return { miniblocks, values, count };
}

/** Writers have 128 to some thousands. */
const mostBlockValues = 2 ** 24;

function readWidths(cursor: ByteCursor, miniblocks: number): Uint8Array<ArrayBuffer> {
  if (cursor.at + miniblocks > cursor.end) throw new Error('deltas end early');
  const widths = cursor.bytes.slice(cursor.at, cursor.at + miniblocks);
  if (widths.some((width) => width > 64)) throw new Error('deltas of more than 64 bits');
  cursor.at += miniblocks;
  return new Uint8Array(widths);
}
