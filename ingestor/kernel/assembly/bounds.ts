/**
 * The least and the greatest of values, kept in a record: of text where they lie, of others as `PLAIN` has them. No NaN is
 * among them; a bound that is zero is -0 as the least and +0 as the greatest, as the Parquet format asks.
 */
import { compare } from './bytes';
import { typeBoolean, typeDouble, typeInt, typeText } from './leaf';
import { lengthBytes } from './texts';

/** Of the record, whoever it belongs to: 0 there is none, 1 there is. */
export const hasBounds: usize = 0;
/** Of text: where the record of the least and of the greatest lies. */
export const leastText: usize = 4;
export const greatestText: usize = 8;
export const leastValue: usize = 16;
export const greatestValue: usize = 24;
export const boundsSize: usize = 32;

/** NaNs that the last call of `findBounds` met. */
export let nansFound: u32 = 0;

/** Of values as they lie in a leaf that has no dictionary. */
export function findBounds(type: u32, from: usize, count: u32, to: usize): void {
  store<u32>(to, 0, hasBounds);
  nansFound = 0;
  if (count == 0) return;
  if (type == typeText) findTexts(from, count, to);
  else if (type == typeDouble) findDoubles(from, count, to);
  else if (type == typeInt) findInts(from, count, to);
  else if (type == typeBoolean) findBooleans(from, count, to);
  else findLongs(from, count, to);
}

function findTexts(from: usize, count: u32, to: usize): void {
  let least = load<usize>(from);
  let greatest = least;
  let leastKey = keyOf(least);
  let greatestKey = leastKey;
  const end = from + (<usize>count << 2);
  for (let at = from + 4; at < end; at += 4) {
    const record = load<usize>(at);
    const key = keyOf(record);
    if (key < leastKey || (key == leastKey && comesBefore(record, least))) {
      least = record;
      leastKey = key;
    }
    if (key > greatestKey || (key == greatestKey && comesBefore(greatest, record))) {
      greatest = record;
      greatestKey = key;
    }
  }
  store<usize>(to, least, leastText);
  store<usize>(to, greatest, greatestText);
  store<u32>(to, 1, hasBounds);
}

/** A number that compares as the text's first 8 bytes do, of which those that it does not have count as 0. */
@inline
function keyOf(record: usize): u64 {
  const length = load<u32>(record);
  const reverse = i8x16(7, 6, 5, 4, 3, 2, 1, 0, -1, -1, -1, -1, -1, -1, -1, -1);
  const key = i64x2.extract_lane(i8x16.swizzle(v128.load64_zero(record + lengthBytes), reverse), 0);
  if (length >= 8) return key;
  return length == 0 ? 0 : key & (<u64>-1 << ((8 - <u64>length) << 3));
}

/** Widens the bounds of texts, where there are some, by one. */
export function addText(record: usize, to: usize): void {
  if (load<u32>(to, hasBounds) == 0) {
    store<usize>(to, record, leastText);
    store<usize>(to, record, greatestText);
    store<u32>(to, 1, hasBounds);
    return;
  }
  if (comesBefore(record, load<usize>(to, leastText))) store<usize>(to, record, leastText);
  else if (comesBefore(load<usize>(to, greatestText), record)) store<usize>(to, record, greatestText);
}

@inline
function comesBefore(a: usize, b: usize): bool {
  return compare(a + lengthBytes, load<u32>(a), b + lengthBytes, load<u32>(b)) < 0;
}

function findInts(from: usize, count: u32, to: usize): void {
  let least = load<i32>(from);
  let greatest = least;
  const end = from + (<usize>count << 2);
  for (let at = from; at < end; at += 4) {
    least = min(least, load<i32>(at));
    greatest = max(greatest, load<i32>(at));
  }
  store<i64>(to, least, leastValue);
  store<i64>(to, greatest, greatestValue);
  store<u32>(to, 1, hasBounds);
}

function findLongs(from: usize, count: u32, to: usize): void {
  let least = load<i64>(from);
  let greatest = least;
  const end = from + (<usize>count << 3);
  for (let at = from; at < end; at += 8) {
    least = min(least, load<i64>(at));
    greatest = max(greatest, load<i64>(at));
  }
  store<i64>(to, least, leastValue);
  store<i64>(to, greatest, greatestValue);
  store<u32>(to, 1, hasBounds);
}

function findBooleans(from: usize, count: u32, to: usize): void {
  let least: u64 = 1;
  let greatest: u64 = 0;
  for (let at = from; at < from + count; at++) {
    least &= <u64>load<u8>(at);
    greatest |= <u64>load<u8>(at);
  }
  store<u64>(to, least, leastValue);
  store<u64>(to, greatest, greatestValue);
  store<u32>(to, 1, hasBounds);
}

function findDoubles(from: usize, count: u32, to: usize): void {
  let least = f64x2.splat(Infinity);
  let greatest = f64x2.splat(-Infinity);
  let nans: u32 = 0;
  const end = from + (<usize>count << 3);
  let at = from;
  for (; at + 16 <= end; at += 16) {
    const both = v128.load(at);
    // Comparisons with NaN are false, so these keep what they had.
    least = v128.bitselect(both, least, f64x2.lt(both, least));
    greatest = v128.bitselect(both, greatest, f64x2.gt(both, greatest));
    nans += popcnt(i64x2.bitmask(f64x2.ne(both, both)));
  }
  let low = min(f64x2.extract_lane(least, 0), f64x2.extract_lane(least, 1));
  let high = max(f64x2.extract_lane(greatest, 0), f64x2.extract_lane(greatest, 1));
  if (at < end) {
    const last = load<f64>(at);
    if (last != last) nans++;
    else {
      low = min(low, last);
      high = max(high, last);
    }
  }
  nansFound = nans;
  if (nans == count) return;
  store<f64>(to, low == 0 ? -0.0 : low, leastValue);
  store<f64>(to, high == 0 ? 0.0 : high, greatestValue);
  store<u32>(to, 1, hasBounds);
}

/** Widens one record by another. */
export function mergeBounds(type: u32, from: usize, to: usize): void {
  if (load<u32>(from, hasBounds) == 0) return;
  if (load<u32>(to, hasBounds) == 0) {
    memory.copy(to, from, boundsSize);
  } else if (type == typeText) {
    if (comesBefore(load<usize>(from, leastText), load<usize>(to, leastText))) {
      store<usize>(to, load<usize>(from, leastText), leastText);
    }
    if (comesBefore(load<usize>(to, greatestText), load<usize>(from, greatestText))) {
      store<usize>(to, load<usize>(from, greatestText), greatestText);
    }
  } else if (type == typeDouble) {
    store<f64>(to, min(load<f64>(to, leastValue), load<f64>(from, leastValue)), leastValue);
    store<f64>(to, max(load<f64>(to, greatestValue), load<f64>(from, greatestValue)), greatestValue);
  } else {
    store<i64>(to, min(load<i64>(to, leastValue), load<i64>(from, leastValue)), leastValue);
    store<i64>(to, max(load<i64>(to, greatestValue), load<i64>(from, greatestValue)), greatestValue);
  }
}
