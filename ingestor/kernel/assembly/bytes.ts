/** Bytes by whole vectors: every block of memory may be read, and what is being filled written, 64 bytes past its end. */

/** Up to 15 bytes more are read and written. */
@inline
export function copyBytes(to: usize, from: usize, length: usize): void {
  v128.store(to, v128.load(from));
  for (let at: usize = 16; at < length; at += 16) v128.store(to + at, v128.load(from + at));
}

export function areSame(a: usize, b: usize, length: usize): bool {
  while (length > 16) {
    if (i8x16.bitmask(i8x16.eq(v128.load(a), v128.load(b))) != 0xffff) return false;
    a += 16;
    b += 16;
    length -= 16;
  }
  const mask: u32 = (1 << <u32>length) - 1;
  return (i8x16.bitmask(i8x16.eq(v128.load(a), v128.load(b))) & mask) == mask;
}

/** By unsigned bytes, a beginning before what it begins: negative where `a` comes first. */
export function compare(a: usize, aLength: usize, b: usize, bLength: usize): i32 {
  const length = min(aLength, bLength);
  for (let at: usize = 0; at < length; at += 16) {
    const differ: u32 = ~i8x16.bitmask(i8x16.eq(v128.load(a + at), v128.load(b + at))) & 0xffff;
    if (differ == 0) continue;
    const first = at + ctz(differ);
    if (first >= length) break;
    return <i32>load<u8>(a + first) - <i32>load<u8>(b + first);
  }
  return aLength < bLength ? -1 : aLength > bLength ? 1 : 0;
}

/** The past-the-end of what was written; LEB128. */
export function writeVarint(to: usize, value: u64): usize {
  while (value > 127) {
    store<u8>(to++, <u8>(value | 0x80));
    value >>= 7;
  }
  store<u8>(to, <u8>value);
  return to + 1;
}

export function writeZigzag(to: usize, value: i64): usize {
  return writeVarint(to, <u64>((value << 1) ^ (value >> 63)));
}

/** How many of `count` bytes are `byte`. */
export function countOf(byte: u8, from: usize, count: u32): u32 {
  const wanted = i8x16.splat(byte);
  let found: u32 = 0;
  while (count >= 16) {
    found += popcnt(i8x16.bitmask(i8x16.eq(v128.load(from), wanted)));
    from += 16;
    count -= 16;
  }
  return found + popcnt(i8x16.bitmask(i8x16.eq(v128.load(from), wanted)) & ((1 << count) - 1));
}

/** Bits that numbers up to `most` need. */
@inline
export function bitsOf(most: u32): u32 {
  return 32 - clz(most);
}
