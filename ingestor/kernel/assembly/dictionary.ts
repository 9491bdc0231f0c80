/**
 * The dictionary of a text leaf, made while it is filled: open addressing with linear probing. A slot has the upper half
 * of a value's hash and where its record lies, or 0. Values come out only in the reverse order in which they came in, so
 * that no search ever misses what once had to make way for them.
 */
import { areSame } from './bytes';
import { isAllowed, passes } from './checks';
import { hashOf } from './hash';
import {
  countsBeforeOf,
  countsOf,
  distinct,
  distinctCapacity,
  distinctCount,
  isPlain,
  leafAt,
  table,
  tableMask,
  textEnd,
  valueCount,
  values,
} from './leaf';
import { allocate, grow, release } from './memory';
import { distinctHead, lengthBytes, roomFor, textBytes, writeText } from './texts';

/** What `numberOf` answers beside numbers of values. */
export const spilled: i32 = -1;
export const refused: i32 = -2;

const number: usize = 0;
const passedCheck: usize = 4;

const firstSlots: u32 = 64;
const firstDistinct: u32 = 16;

/** A dictionary must pay from so many values on: less than half of all values are distinct. */
const leastJudged: u32 = 2048;
/** Numbers of 16 bits; and readers hold a dictionary whole, so it is bounded in bytes too. */
const mostDistinct: u32 = 65536;
const mostBytes: usize = 4 << 20;

/** For a leaf that has no values yet. */
export function makeDictionary(leaf: u32): void {
  const column = leafAt(leaf);
  if (load<usize>(column, distinct) == 0) {
    store<usize>(column, allocate(<usize>firstDistinct << 2), distinct);
    store<u32>(column, firstDistinct, distinctCapacity);
  }
  makeTable(column, firstSlots);
}

/** The number of a text, which is added where it is new; or `refused`, or `spilled` when there is no dictionary any more. */
export function numberOf(leaf: u32, at: usize, length: u32, check: i32): i32 {
  const column = leafAt(leaf);
  const hash = hashOf(at, length);
  const slots = load<usize>(column, table);
  const mask = load<u32>(column, tableMask);
  let slot = <u32>hash & mask;
  let found = load<u64>(slots + (<usize>slot << 3));
  while (found != 0) {
    if ((found ^ hash) >> 32 == 0) {
      const record = <usize>found;
      if (load<u32>(record) == length && areSame(record + lengthBytes, at, length)) {
        if (check >= 0 && load<i32>(record - distinctHead, passedCheck) != check) {
          if (!passes(check, at, length)) return refused;
          store<i32>(record - distinctHead, check, passedCheck);
        }
        return load<i32>(record - distinctHead, number);
      }
    }
    slot = (slot + 1) & mask;
    found = load<u64>(slots + (<usize>slot << 3));
  }
  return add(leaf, at, length, check, hash);
}

function add(leaf: u32, at: usize, length: u32, check: i32, hash: u64): i32 {
  if (!isAllowed(check, at, length)) return refused;
  const column = leafAt(leaf);
  const count = countsOf(leaf);
  const held = load<u32>(count, distinctCount);
  const isLarge = held >= mostDistinct || textBytes(column, count) + length > mostBytes;
  if (isLarge || (held >= leastJudged && held * 2 > load<u32>(count, valueCount))) {
    spill(leaf);
    return spilled;
  }
  const record = addRecord(column, count, at, length, check);
  insert(column, hash, record);
  return <i32>held;
}

/** Writes the record of a new value, and its place into the list of them. */
export function addRecord(column: usize, count: usize, at: usize, length: u32, check: i32): usize {
  const held = load<u32>(count, distinctCount);
  const capacity = load<u32>(column, distinctCapacity);
  if (held == capacity) {
    const bytes = <usize>capacity << 2;
    store<usize>(column, grow(load<usize>(column, distinct), bytes, bytes, bytes << 1), distinct);
    store<u32>(column, capacity << 1, distinctCapacity);
  }
  const head = roomFor(column, count, distinctHead + lengthBytes + length);
  const record = head + distinctHead;
  store<u32>(head, held, number);
  store<i32>(head, check, passedCheck);
  store<usize>(count, writeText(record, at, length), textEnd);
  store<usize>(load<usize>(column, distinct) + (<usize>held << 2), record);
  store<u32>(count, held + 1, distinctCount);
  return record;
}

/** Puts a record into the table, which is grown when half of it is taken. */
function insert(column: usize, hash: u64, record: usize): void {
  const held = load<u32>(record - distinctHead, number) + 1;
  const mask = load<u32>(column, tableMask);
  if (held * 2 > mask) {
    release(load<usize>(column, table), (<usize>mask + 1) << 3);
    makeTable(column, (mask + 1) * 4);
    fillTable(column, held);
  } else {
    put(load<usize>(column, table), mask, hash, record);
  }
}

/** All of the first `count` values, in the order in which they came. */
export function fillTable(column: usize, count: u32): void {
  const slots = load<usize>(column, table);
  const mask = load<u32>(column, tableMask);
  const records = load<usize>(column, distinct);
  for (let index: u32 = 0; index < count; index++) {
    const record = load<usize>(records + (<usize>index << 2));
    put(slots, mask, hashOf(record + lengthBytes, load<u32>(record)), record);
  }
}

function put(slots: usize, mask: u32, hash: u64, record: usize): void {
  let slot = <u32>hash & mask;
  while (load<u64>(slots + (<usize>slot << 3)) != 0) slot = (slot + 1) & mask;
  store<u64>(slots + (<usize>slot << 3), (hash & 0xffffffff00000000) | <u64>record);
}

export function makeTable(column: usize, slots: u32): void {
  const bytes = <usize>slots << 3;
  const made = allocate(bytes);
  memory.fill(made, 0, bytes);
  store<usize>(column, made, table);
  store<u32>(column, slots - 1, tableMask);
}

/** Takes out all but the first `kept` values. Their records must still be there. */
export function dropDistinct(column: usize, held: u32, kept: u32): void {
  const slots = load<usize>(column, table);
  const mask = load<u32>(column, tableMask);
  const records = load<usize>(column, distinct);
  while (held > kept) {
    held--;
    const record = load<usize>(records + (<usize>held << 2));
    let slot = <u32>hashOf(record + lengthBytes, load<u32>(record)) & mask;
    while (<usize>load<u64>(slots + (<usize>slot << 3)) != record) slot = (slot + 1) & mask;
    store<u64>(slots + (<usize>slot << 3), 0);
  }
}

/** From now on each value is known by where it lies, as each new one is; no byte moves. */
export function spill(leaf: u32): void {
  const column = leafAt(leaf);
  const count = countsOf(leaf);
  const records = load<usize>(column, distinct);
  let at = load<usize>(column, values);
  const end = at + (<usize>load<u32>(count, valueCount) << 2);
  for (; at < end; at += 4) store<usize>(at, load<usize>(records + (<usize>load<u32>(at) << 2)));
  releaseDictionary(column);
  store<u32>(column, 1, isPlain);
  store<u32>(count, 0, distinctCount);
  store<u32>(countsBeforeOf(leaf), 0, distinctCount);
}

export function releaseDictionary(column: usize): void {
  const slots = load<usize>(column, table);
  if (slots != 0) release(slots, (<usize>load<u32>(column, tableMask) + 1) << 3);
  store<usize>(column, 0, table);
  const records = load<usize>(column, distinct);
  if (records != 0) release(records, <usize>load<u32>(column, distinctCapacity) << 2);
  store<usize>(column, 0, distinct);
  store<u32>(column, 0, distinctCapacity);
}
