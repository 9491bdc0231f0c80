/**
 * The bytes of text, in chunks that never move: a value is known by where it lies. Each is a record as `PLAIN` has it, 4
 * bytes of length and then the text; of a dictionary, 8 bytes lie before it: its number, and the check that it passed.
 */
import { copyBytes } from './bytes';
import { chunk, chunkEnd, earlierChunks, textEnd } from './leaf';
import { allocate, capacityOf, release } from './memory';

export const lengthBytes: usize = 4;
export const distinctHead: usize = 8;

/** At a chunk's beginning: the chunk before it, and its size. */
const before: usize = 0;
const size: usize = 4;
const chunkHead: usize = 16;
const smallestChunk: usize = 256;
const largestChunk: usize = 1 << 20;

/** Room for `bytes` more; where it begins. The caller moves `textEnd` past what it wrote. */
@inline
export function roomFor(column: usize, count: usize, bytes: usize): usize {
  const at = load<usize>(count, textEnd);
  return at + bytes <= load<usize>(column, chunkEnd) ? at : nextChunk(column, bytes);
}

/** Writes the record of a text; where it ends. */
@inline
export function writeText(to: usize, from: usize, length: u32): usize {
  store<u32>(to, length);
  copyBytes(to + lengthBytes, from, length);
  return to + lengthBytes + length;
}

function nextChunk(column: usize, bytes: usize): usize {
  const last = load<usize>(column, chunk);
  const lastSize: usize = last == 0 ? 0 : load<usize>(last, size);
  const wanted = capacityOf(max(chunkHead + bytes, min(max(lastSize << 1, smallestChunk), largestChunk)));
  const next = allocate(wanted);
  store<usize>(next, last, before);
  store<usize>(next, wanted, size);
  store<usize>(column, load<usize>(column, earlierChunks) + lastSize, earlierChunks);
  store<usize>(column, next, chunk);
  store<usize>(column, next + wanted, chunkEnd);
  return next + chunkHead;
}

/** Gives back the chunks begun after `end` was where the next text would go; 0 was before all of them. */
export function dropChunks(column: usize, end: usize): void {
  let at = load<usize>(column, chunk);
  while (at != 0 && !(end > at && end <= at + load<usize>(at, size))) {
    const earlier = load<usize>(at, before);
    const earlierSize: usize = earlier == 0 ? 0 : load<usize>(earlier, size);
    release(at, load<usize>(at, size));
    store<usize>(column, load<usize>(column, earlierChunks) - earlierSize, earlierChunks);
    at = earlier;
  }
  store<usize>(column, at, chunk);
  store<usize>(column, at == 0 ? 0 : at + load<usize>(at, size), chunkEnd);
}

/** Begins anew; what there was is to be given back by `releaseChunks`. */
export function takeChunks(column: usize, count: usize): usize {
  const last = load<usize>(column, chunk);
  store<usize>(column, 0, chunk);
  store<usize>(column, 0, chunkEnd);
  store<usize>(column, 0, earlierChunks);
  store<usize>(count, 0, textEnd);
  return last;
}

export function releaseChunks(last: usize): void {
  while (last != 0) {
    const earlier = load<usize>(last, before);
    release(last, load<usize>(last, size));
    last = earlier;
  }
}

/** What the leaf's text takes. */
export function textBytes(column: usize, count: usize): usize {
  const last = load<usize>(column, chunk);
  return last == 0 ? 0 : load<usize>(column, earlierChunks) + (load<usize>(count, textEnd) - last);
}
