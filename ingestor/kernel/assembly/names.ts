/** Which names an object has had so far, and whether JSON.parse would keep them in the order in which they came. */
import { hashOf, mixed } from './hash';
import { allocate } from './memory';

/** Entries of the table of names, hashes of 64 bits: two names of one hash are taken for the same, and not decided. */
const size: u32 = 1 << 14;
/** A record with more names than this is not decided. */
const most: u32 = 12_000;
let table: usize = 0;
let held: u32 = 0;
let objects: u64 = 0;

/** Before each record. */
@inline
export function forgetNames(): void {
  if (held > most >> 3) clear();
}

function clear(): void {
  memory.fill(table, 0, <usize>size << 3);
  held = 0;
}

/** A number that no object before had. */
@inline
export function newObject(): u64 {
  return ++objects;
}

/** Notes a name of the object; true where it had it before, or may have. */
export function isRepeated(object: u64, at: usize, length: u32): bool {
  if (table == 0) {
    table = allocate(<usize>size << 3);
    clear();
  }
  if (held >= most) return true;
  const hash = mixed(hashOf(at, length) + object) | 1;
  let entry = <u32>(hash >> 1) & (size - 1);
  let found = load<u64>(table + (<usize>entry << 3));
  while (found != 0 && found != hash) {
    entry = (entry + 1) & (size - 1);
    found = load<u64>(table + (<usize>entry << 3));
  }
  if (found == hash) return true;
  store<u64>(table + (<usize>entry << 3), hash);
  held++;
  return false;
}

/** Of an object that has had no names yet. */
export const noNames: i64 = -1;
/** Of one whose names are not all numbers. */
const someName: i64 = i64.MAX_VALUE;
/** What `orderAfter` answers where JSON.parse would put the name before others. */
export const outOfOrder: i64 = i64.MIN_VALUE;

/**
 * JavaScript puts names that are array indexes first, in the order of numbers. Given what it answered for the name
 * before, answers `outOfOrder` where that changes the order.
 */
@inline
export function orderAfter(order: i64, at: usize, length: u32): i64 {
  return <u32>load<u8>(at) - 0x30 > 9 || length == 0 ? someName : orderOfDigits(order, at, length);
}

function orderOfDigits(order: i64, at: usize, length: u32): i64 {
  let index: i64 = 0;
  for (let digits: u32 = 0; digits < length; digits++) {
    const digit = <u32>load<u8>(at + digits) - 0x30;
    if (digit > 9) return someName;
    if (digits < 10) index = index * 10 + digit;
  }
  if (length >= 10) return outOfOrder;
  if (length > 1 && load<u8>(at) == 0x30) return someName;
  return index > order ? index : outOfOrder;
}
