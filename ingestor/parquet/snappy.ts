/**
 * Snappy's blocks, by the rules of its format description. Of the decoders at hand, hyparquet's goes round without end for
 * some lengths, and hysnappy's believes its memory and not the length that it is told.
 */
import { copyBack, copyLiteral, damaged, viewOf } from './backreference.ts';

/**
 * The bytes of a block, which begins with their number. Throws Error for what is damaged, before memory is taken for a
 * number that the block cannot have, or that is more than `most` (RangeError).
 */
export function uncompressSnappy(block: Uint8Array, most: number): Buffer {
  const { length, at } = readLength(block);
  if (length > most) throw new RangeError(`more than ${most} bytes`);
  if (length > mostExpansion * block.length) throw damaged();
  const output = Buffer.alloc(length);
  if (expand(block, at, output) !== length) throw damaged();
  return output;
}

/** A copy of 64 bytes takes three: 21.4 at most. */
const mostExpansion = 22;

/** Seven bits a byte, in at most five. */
function readLength(block: Uint8Array): { readonly length: number; readonly at: number } {
  let length = 0;
  for (let at = 0; at < 5; at += 1) {
    const byte = block[at] ?? 0x80;
    length += (byte & 0x7f) * 128 ** at;
    if (byte < 0x80) return { length, at: at + 1 };
  }
  throw damaged();
}

/** Gives the number of bytes that were put into the output. */
function expand(input: Uint8Array, start: number, output: Uint8Array): number {
  const [from, into] = [viewOf(input), viewOf(output)];
  let [at, to] = [start, 0];
  while (at < input.length) {
    const tag = input[at] ?? 0;
    const kind = tag & 3;
    at += 1;
    if (kind === 0) {
      const bytes = Math.max(0, (tag >>> 2) - 59);
      const length = bytes === 0 ? (tag >>> 2) + 1 : littleEndian(input, at, bytes) + 1;
      at += bytes;
      if (at + length > input.length || to + length > output.length) throw damaged();
      copyLiteral(from, at, into, to, length);
      at += length;
      to += length;
    } else {
      const length = kind === 1 ? ((tag >>> 2) & 7) + 4 : (tag >>> 2) + 1;
      const bytes = kind === 3 ? 4 : kind;
      const near = kind === 1 ? ((tag >>> 5) << 8) | (input[at] ?? 0) : (input[at] ?? 0) | ((input[at + 1] ?? 0) << 8);
      copyBack(into, to, kind === 3 ? littleEndian(input, at, 4) : near, length);
      at += bytes;
      to += length;
      if (at > input.length) throw damaged();
    }
  }
  return to;
}

function littleEndian(bytes: Uint8Array, at: number, count: number): number {
  let value = 0;
  for (let index = count - 1; index >= 0; index -= 1) value = value * 256 + (bytes[at + index] ?? 0);
  return value;
}
