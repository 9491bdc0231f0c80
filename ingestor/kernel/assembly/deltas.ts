/** Parquet's DELTA_BINARY_PACKED: blocks of 128 differences, bit-packed by 32 with the bits that these need. */
import { writeVarint, writeZigzag } from './bytes';

const blockValues: u32 = 128;
const miniblocks: u32 = 4;
const miniblockValues: u32 = 32;
const differences: usize = memory.data(<i32>(128 * 8), 16);

/** What the functions below write at most, of values of so many bytes. */
export function deltasBound(count: u32, bytes: usize): usize {
  return 64 + ((<usize>count >> 7) + 1) * (16 + 128 * bytes);
}

export function writeIntDeltas(from: usize, count: u32, to: usize): usize {
  to = writeHead(to, count, count == 0 ? 0 : load<i32>(from));
  const end = from + (<usize>count << 2);
  from += 4;
  while (from < end) {
    const inBlock = <u32>min<usize>((end - from) >> 2, blockValues);
    let least: i32 = i32.MAX_VALUE;
    for (let index: usize = 0; index < inBlock; index++) {
      const at = from + (index << 2);
      least = min(least, load<i32>(at) - load<i32>(at - 4));
    }
    for (let index: usize = 0; index < inBlock; index++) {
      const at = from + (index << 2);
      store<u64>(differences + (index << 3), <u64><u32>(load<i32>(at) - load<i32>(at - 4) - least));
    }
    to = writeBlock(to, inBlock, least);
    from += <usize>inBlock << 2;
  }
  return to;
}

export function writeLongDeltas(from: usize, count: u32, to: usize): usize {
  to = writeHead(to, count, count == 0 ? 0 : load<i64>(from));
  const end = from + (<usize>count << 3);
  from += 8;
  while (from < end) {
    const inBlock = <u32>min<usize>((end - from) >> 3, blockValues);
    let least: i64 = i64.MAX_VALUE;
    for (let index: usize = 0; index < inBlock; index++) {
      const at = from + (index << 3);
      least = min(least, load<i64>(at) - load<i64>(at - 8));
    }
    for (let index: usize = 0; index < inBlock; index++) {
      const at = from + (index << 3);
      store<i64>(differences + (index << 3), load<i64>(at) - load<i64>(at - 8) - least);
    }
    to = writeBlock(to, inBlock, least);
    from += <usize>inBlock << 3;
  }
  return to;
}

function writeHead(to: usize, count: u32, first: i64): usize {
  to = writeVarint(to, blockValues);
  to = writeVarint(to, miniblocks);
  to = writeVarint(to, count);
  return writeZigzag(to, first);
}

/** The `count` differences that lie ready; miniblocks past them are left out, the last one is filled up. */
function writeBlock(to: usize, count: u32, least: i64): usize {
  to = writeZigzag(to, least);
  const widths = to;
  store<u32>(widths, 0);
  to += miniblocks;
  for (let index = count; index & (miniblockValues - 1); index++) {
    store<u64>(differences + (<usize>index << 3), 0);
  }
  for (let first: u32 = 0; first < count; first += miniblockValues) {
    const from = differences + (<usize>first << 3);
    let all: u64 = 0;
    for (let at = from; at < from + (miniblockValues << 3); at += 8) all |= load<u64>(at);
    const width: u32 = 64 - <u32>clz(all);
    store<u8>(widths + first / miniblockValues, width);
    to = pack(from, width, to);
  }
  return to;
}

function pack(from: usize, width: u32, to: usize): usize {
  if (width == 0) return to;
  let held: u64 = 0;
  let bits: u32 = 0;
  for (let at = from; at < from + (miniblockValues << 3); at += 8) {
    const value = load<u64>(at);
    held |= value << (<u64>bits);
    bits += width;
    if (bits >= 64) {
      store<u64>(to, held);
      to += 8;
      bits -= 64;
      held = bits == 0 ? 0 : value >> (<u64>(width - bits));
    }
  }
  store<u64>(to, held);
  return to + (bits >> 3);
}
