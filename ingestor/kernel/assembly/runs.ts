/** Parquet's hybrid of run lengths and bit-packed groups of 8 ("RLE" encoding): levels, and numbers in a dictionary. */
import { writeVarint } from './bytes';

/** A run is written as one from so many on. */
const leastRun: u32 = 16;
/** The header of so many groups is one byte. */
const mostGroups: u32 = 63;

/** What `writeLevels` and `writeNumbers` write at most. */
export function runsBound(count: u32, width: u32): usize {
  return <usize>count * (((width + 7) >> 3) + 1) + 64;
}

/** Levels: a byte each. Where they end. */
export function writeLevels(from: usize, count: u32, width: u32, to: usize): usize {
  const end = from + count;
  while (from < end) {
    const run = runOfBytes(from, end);
    if (run >= leastRun || from + run == end) {
      to = writeVarint(to, <u64>run << 1);
      store<u8>(to++, load<u8>(from));
      from += run;
      continue;
    }
    const header = to++;
    let groups: u32 = 0;
    while (from < end && groups < mostGroups) {
      if (groups > 0 && from + leastRun <= end && isRunOfBytes(from)) break;
      store<u64>(to, packBytes(from, <u32>min<usize>(end - from, 8), width));
      to += width;
      from += 8;
      groups++;
    }
    store<u8>(header, (groups << 1) | 1);
  }
  return to;
}

function runOfBytes(from: usize, end: usize): u32 {
  const wanted = i8x16.splat(load<u8>(from));
  let at = from;
  while (at < end) {
    const differ: u32 = ~i8x16.bitmask(i8x16.eq(v128.load(at), wanted)) & 0xffff;
    if (differ != 0) {
      at += ctz(differ);
      break;
    }
    at += 16;
  }
  return <u32>(min(at, end) - from);
}

@inline
function isRunOfBytes(at: usize): bool {
  return i8x16.bitmask(i8x16.eq(v128.load(at), i8x16.splat(load<u8>(at)))) == 0xffff;
}

function packBytes(from: usize, count: u32, width: u32): u64 {
  if (count == 8) {
    let word = load<u64>(from);
    if (width == 1) return (word * 0x0102040810204080) >> 56;
    if (width == 2) {
      word = (word | (word >> 6)) & 0x000f000f000f000f;
      word = (word | (word >> 12)) & 0x000000ff000000ff;
      return (word | (word >> 24)) & 0xffff;
    }
    if (width == 3) {
      word = (word | (word >> 5)) & 0x003f003f003f003f;
      word = (word | (word >> 10)) & 0x00000fff00000fff;
      return (word | (word >> 20)) & 0xffffff;
    }
  }
  let packed: u64 = 0;
  for (let index: u32 = 0; index < count; index++) {
    packed |= <u64>load<u8>(from + index) << (<u64>(index * width));
  }
  return packed;
}

/** Numbers of 32 bits, of which `width` are used. Where they end. */
export function writeNumbers(from: usize, count: u32, width: u32, to: usize): usize {
  const end = from + (<usize>count << 2);
  const bytes = <usize>(width + 7) >> 3;
  while (from < end) {
    const run = runOfNumbers(from, end);
    if (run >= leastRun || from + (<usize>run << 2) == end) {
      to = writeVarint(to, <u64>run << 1);
      store<u32>(to, load<u32>(from));
      to += bytes;
      from += <usize>run << 2;
      continue;
    }
    const header = to++;
    let groups: u32 = 0;
    while (from < end && groups < mostGroups) {
      if (groups > 0 && from + (leastRun << 2) <= end && isRunOfNumbers(from)) break;
      to = packNumbers(from, <u32>min<usize>((end - from) >> 2, 8), width, to);
      from += 32;
      groups++;
    }
    store<u8>(header, (groups << 1) | 1);
  }
  return to;
}

function runOfNumbers(from: usize, end: usize): u32 {
  const wanted = i32x4.splat(load<u32>(from));
  let at = from;
  while (at < end) {
    const differ: u32 = ~i32x4.bitmask(i32x4.eq(v128.load(at), wanted)) & 0xf;
    if (differ != 0) {
      at += <usize>ctz(differ) << 2;
      break;
    }
    at += 16;
  }
  return <u32>((min(at, end) - from) >> 2);
}

@inline
function isRunOfNumbers(at: usize): bool {
  if (load<u32>(at) != load<u32>(at, 4)) return false;
  const wanted = i32x4.splat(load<u32>(at));
  const first = v128.and(i32x4.eq(v128.load(at), wanted), i32x4.eq(v128.load(at, 16), wanted));
  const second = v128.and(i32x4.eq(v128.load(at, 32), wanted), i32x4.eq(v128.load(at, 48), wanted));
  return i32x4.bitmask(v128.and(first, second)) == 0xf;
}

/** A group of 8, of which `count` are there; where it ends. */
function packNumbers(from: usize, count: u32, width: u32, to: usize): usize {
  if (count == 8 && width <= 16) {
    const shift = <u64>width;
    const low =
      <u64>load<u32>(from) |
      (<u64>load<u32>(from, 4) << shift) |
      (<u64>load<u32>(from, 8) << (shift * 2)) |
      (<u64>load<u32>(from, 12) << (shift * 3));
    const high =
      <u64>load<u32>(from, 16) |
      (<u64>load<u32>(from, 20) << shift) |
      (<u64>load<u32>(from, 24) << (shift * 2)) |
      (<u64>load<u32>(from, 28) << (shift * 3));
    const bits = shift * 4;
    if (width == 16) {
      store<u64>(to, low);
      store<u64>(to, high, 8);
    } else {
      store<u64>(to, low | (high << bits));
      store<u64>(to, high >> (64 - bits), 8);
    }
    return to + width;
  }
  const end = to + width;
  let held: u64 = 0;
  let bits: u64 = 0;
  for (let index: u32 = 0; index < 8; index++) {
    if (index < count) held |= <u64>load<u32>(from + (<usize>index << 2)) << bits;
    bits += width;
    if (bits >= 32) {
      store<u32>(to, <u32>held);
      to += 4;
      held >>= 32;
      bits -= 32;
    }
  }
  store<u32>(to, <u32>held);
  return end;
}
