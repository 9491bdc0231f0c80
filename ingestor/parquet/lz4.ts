/** LZ4 blocks, by the rules of its block format: the library's decoder takes a block that ends early for a whole one. */
import { copyBack, copyLiteral, damaged, viewOf } from './backreference.ts';

/** The `length` bytes of a block. Throws Error for what is damaged, before memory is taken that the block cannot fill. */
export function uncompressLz4(block: Uint8Array, length: number): Buffer {
  if (length > mostExpansion * block.length) throw damaged();
  const output = Buffer.alloc(length);
  if (expand(block, output, 0) !== length) throw damaged();
  return output;
}

/** The same in the frames of Hadoop, each with both its lengths before it; some writers leave these out. */
export function uncompressHadoopLz4(bytes: Uint8Array, length: number): Buffer {
  const frames = framesOf(bytes);
  if (!frames || frames.reduce((sum, frame) => sum + frame.length, 0) !== length) return uncompressLz4(bytes, length);
  if (length > mostExpansion * bytes.length) throw damaged();
  const output = Buffer.alloc(length);
  let to = 0;
  for (const frame of frames) {
    const end = to + frame.length;
    if (expand(frame.block, output.subarray(0, end), to) !== end) throw damaged();
    to = end;
  }
  return output;
}

/** A byte of a match's length stands for 255 bytes. */
const mostExpansion = 255;
const frameHeadBytes = 8;

interface Frame {
  readonly length: number;
  readonly block: Uint8Array;
}

/** Undefined where the bytes are no such frames. */
function framesOf(bytes: Uint8Array): Frame[] | undefined {
  const view = viewOf(bytes);
  const frames: Frame[] = [];
  for (let at = 0; at < bytes.length; ) {
    if (at + frameHeadBytes > bytes.length) return undefined;
    const start = at + frameHeadBytes;
    const end = start + view.getUint32(at + 4);
    if (end > bytes.length) return undefined;
    frames.push({ length: view.getUint32(at), block: bytes.subarray(start, end) });
    at = end;
  }
  return frames;
}

/** Puts the bytes of the block there from `start` on; gives the place behind them. */
function expand(input: Uint8Array, output: Uint8Array, start: number): number {
  const [from, into] = [viewOf(input), viewOf(output)];
  let [at, to] = [0, start];
  const longer = (length: number): number => {
    if (length < 15) return length;
    let sum = length;
    for (let byte = 255; byte === 255; at += 1) {
      if (at >= input.length) throw damaged();
      byte = input[at] ?? 0;
      sum += byte;
    }
    return sum;
  };
  while (at < input.length) {
    const token = input[at] ?? 0;
    at += 1;
    const literals = longer(token >>> 4);
    if (at + literals > input.length || to + literals > output.length) throw damaged();
    copyLiteral(from, at, into, to, literals);
    at += literals;
    to += literals;
    // The last sequence has literals alone.
    if (at === input.length) return to;
    const offset = (input[at] ?? 0) | ((input[at + 1] ?? 0) << 8);
    at += 2;
    const length = longer(token & 15) + 4;
    // Matches do not reach before this block, in which frames stand alone.
    if (at > input.length || offset > to - start) throw damaged();
    copyBack(into, to, offset, length);
    to += length;
  }
  return to;
}
