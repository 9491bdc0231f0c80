/** Hashes of bytes; 8 bytes at a time are read, so up to 7 past the end. */

/** For hash tables of this kernel: 64 bits, the lower 32 and the upper 32 of which are both mixed. */
export function hashOf(at: usize, length: usize): u64 {
  let hash: u64 = <u64>length * 0x9e3779b97f4a7c15;
  while (length > 8) {
    hash = (hash ^ load<u64>(at)) * 0xff51afd7ed558ccd;
    hash ^= hash >> 32;
    at += 8;
    length -= 8;
  }
  const rest: u64 = length == 0 ? 0 : load<u64>(at) & (<u64>-1 >> ((8 - <u64>length) << 3));
  hash ^= rest;
  // Down first, for a product passes bytes up only: texts often differ in their last bytes alone.
  hash = (hash ^ (hash >> 32)) * 0xc4ceb9fe1a85ec53;
  return hash ^ (hash >> 32);
}

@inline
export function mixed(value: u64): u64 {
  let hash = value * 0xc4ceb9fe1a85ec53;
  hash ^= hash >> 29;
  hash *= 0xff51afd7ed558ccd;
  return hash ^ (hash >> 32);
}

const prime1: u64 = 0x9e3779b185ebca87;
const prime2: u64 = 0xc2b2ae3d27d4eb4f;
const prime3: u64 = 0x165667b19e3779f9;
const prime4: u64 = 0x85ebca77c2b2ae63;
const prime5: u64 = 0x27d4eb2f165667c5;

/** XXH64 with seed 0, as the Parquet format's bloom filters have it. */
export function xxHash64(at: usize, length: usize): u64 {
  const end = at + length;
  let hash: u64 = prime5;
  if (length >= 32) {
    let a: u64 = prime1 + prime2;
    let b: u64 = prime2;
    let c: u64 = 0;
    let d: u64 = 0 - prime1;
    while (at + 32 <= end) {
      a = round(a, load<u64>(at));
      b = round(b, load<u64>(at, 8));
      c = round(c, load<u64>(at, 16));
      d = round(d, load<u64>(at, 24));
      at += 32;
    }
    hash = rotl<u64>(a, 1) + rotl<u64>(b, 7) + rotl<u64>(c, 12) + rotl<u64>(d, 18);
    hash = merge(merge(merge(merge(hash, a), b), c), d);
  }
  hash += <u64>length;
  for (; at + 8 <= end; at += 8) hash = rotl<u64>(hash ^ round(0, load<u64>(at)), 27) * prime1 + prime4;
  if (at + 4 <= end) {
    hash = rotl<u64>(hash ^ (<u64>load<u32>(at) * prime1), 23) * prime2 + prime3;
    at += 4;
  }
  for (; at < end; at++) hash = rotl<u64>(hash ^ (<u64>load<u8>(at) * prime5), 11) * prime1;
  hash = (hash ^ (hash >> 33)) * prime2;
  hash = (hash ^ (hash >> 29)) * prime3;
  return hash ^ (hash >> 32);
}

@inline
function round(hash: u64, value: u64): u64 {
  return rotl<u64>(hash + value * prime2, 31) * prime1;
}

@inline
function merge(hash: u64, value: u64): u64 {
  return (hash ^ round(0, value)) * prime1 + prime4;
}
