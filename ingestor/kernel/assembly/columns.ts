/**
 * The columns that are being filled: for each leaf its values and the levels that say which are missing. A record is
 * appended as it is read and taken back when it turns out to be refused.
 */
import { allocate, grow } from './memory';

/** Physical types of Parquet. */
export const typeBoolean: u32 = 0;
export const typeInt: u32 = 1;
export const typeLong: u32 = 2;
export const typeDouble: u32 = 5;
export const typeText: u32 = 6;

/** Called once for each distinct value of a text column that has a check: 1 when the value is allowed. */
@external("env", "checkText")
declare function checkText(check: i32, at: usize, length: u32): i32;

/** Of each leaf, what a record that is taken back takes back: 16 bytes, so that one vector holds it. */
const countSize: usize = 16;
const countEntries: usize = 0;
const countValues: usize = 4;
const countBytes: usize = 8;

const leafSize: usize = 64;
const leafType: usize = 0;
const leafMaxDefinition: usize = 4;
const leafMaxRepetition: usize = 8;
const leafEntryCapacity: usize = 12;
const leafDefinitions: usize = 16;
const leafRepetitions: usize = 20;
const leafValueCapacity: usize = 24;
const leafValues: usize = 28;
const leafBytesCapacity: usize = 32;
const leafBytes: usize = 36;

let leaves: usize = 0;
let leafCount: u32 = 0;
let counts: usize = 0;
let saved: usize = 0;
let rowCount: u32 = 0;

/** Once, before `setLeaf` for each of them. */
export function makeColumns(count: u32): void {
  leafCount = count;
  leaves = allocate(<usize>count * leafSize);
  counts = allocate(<usize>count * countSize);
  saved = allocate(<usize>count * countSize);
  memory.fill(counts, 0, <usize>count * countSize);
}

export function setLeaf(leaf: u32, type: u32, maxDefinition: u32, maxRepetition: u32): void {
  const at = leaves + <usize>leaf * leafSize;
  store<u32>(at, type, leafType);
  store<u32>(at, maxDefinition, leafMaxDefinition);
  store<u32>(at, maxRepetition, leafMaxRepetition);
  store<u32>(at, 1024, leafEntryCapacity);
  store<usize>(at, allocate(1024), leafDefinitions);
  store<usize>(at, allocate(1024), leafRepetitions);
  store<u32>(at, 1024, leafValueCapacity);
  store<usize>(at, allocate(1024 * 8), leafValues);
  store<u32>(at, 1024, leafBytesCapacity);
  store<usize>(at, allocate(1024), leafBytes);
}

export function rows(): u32 {
  return rowCount;
}

/** What follows is one row, until `endRow` keeps it or `dropRow` takes it back. */
export function beginRow(): void {
  memory.copy(saved, counts, <usize>leafCount * countSize);
}

export function endRow(): void {
  rowCount++;
}

export function dropRow(): void {
  memory.copy(counts, saved, <usize>leafCount * countSize);
}

/** A missing value: `definition` tells at which level. */
export function appendNull(leaf: u32, definition: u32, repetition: u32): void {
  appendLevels(leaf, definition, repetition);
}

/** The same for all leaves from `first` to before `end`. */
export function appendNulls(first: u32, end: u32, definition: u32, repetition: u32): void {
  for (let leaf = first; leaf < end; leaf++) appendLevels(leaf, definition, repetition);
}

export function appendBoolean(leaf: u32, value: u32, repetition: u32): void {
  store<u8>(valueAt(leaf, 0), value);
  appendPresent(leaf, repetition);
}

export function appendInt(leaf: u32, value: i32, repetition: u32): void {
  store<i32>(valueAt(leaf, 2), value);
  appendPresent(leaf, repetition);
}

export function appendLong(leaf: u32, value: i64, repetition: u32): void {
  store<i64>(valueAt(leaf, 3), value);
  appendPresent(leaf, repetition);
}

export function appendDouble(leaf: u32, value: f64, repetition: u32): void {
  store<f64>(valueAt(leaf, 3), value);
  appendPresent(leaf, repetition);
}

/**
 * UTF-8; what lies `padding` past its end may be read. False, and nothing appended, when `check` (-1: none) refuses it:
 * the answer for a value that was asked before is remembered.
 */
export function appendText(leaf: u32, at: usize, length: u32, repetition: u32, check: i32): bool {
  if (check >= 0 && checkText(check, at, length) == 0) return false;
  const column = leaves + <usize>leaf * leafSize;
  const count = counts + <usize>leaf * countSize;
  const held = load<u32>(count, countBytes);
  const capacity = load<u32>(column, leafBytesCapacity);
  if (held + length + 4 > capacity) {
    const larger = (held + length + 4) * 2;
    store<usize>(column, grow(load<usize>(column, leafBytes), capacity, held, larger), leafBytes);
    store<u32>(column, larger, leafBytesCapacity);
  }
  const to = load<usize>(column, leafBytes) + held;
  store<u32>(to, length);
  memory.copy(to + 4, at, length);
  store<u32>(valueAt(leaf, 2), held);
  store<u32>(count, held + 4 + length, countBytes);
  appendPresent(leaf, repetition);
  return true;
}

/** Where the next value goes, of `1 << shift` bytes. */
function valueAt(leaf: u32, shift: u32): usize {
  const column = leaves + <usize>leaf * leafSize;
  const count = load<u32>(counts + <usize>leaf * countSize, countValues);
  const capacity = load<u32>(column, leafValueCapacity);
  if (count == capacity) {
    const values = grow(load<usize>(column, leafValues), <usize>capacity << 3, <usize>count << shift, <usize>capacity << 4);
    store<usize>(column, values, leafValues);
    store<u32>(column, capacity << 1, leafValueCapacity);
  }
  return load<usize>(column, leafValues) + ((<usize>count) << shift);
}

function appendPresent(leaf: u32, repetition: u32): void {
  const count = counts + <usize>leaf * countSize;
  store<u32>(count, load<u32>(count, countValues) + 1, countValues);
  appendLevels(leaf, load<u32>(leaves + <usize>leaf * leafSize, leafMaxDefinition), repetition);
}

function appendLevels(leaf: u32, definition: u32, repetition: u32): void {
  const column = leaves + <usize>leaf * leafSize;
  const count = counts + <usize>leaf * countSize;
  const entries = load<u32>(count, countEntries);
  const capacity = load<u32>(column, leafEntryCapacity);
  if (entries == capacity) {
    store<usize>(column, grow(load<usize>(column, leafDefinitions), capacity, entries, capacity << 1), leafDefinitions);
    store<usize>(column, grow(load<usize>(column, leafRepetitions), capacity, entries, capacity << 1), leafRepetitions);
    store<u32>(column, capacity << 1, leafEntryCapacity);
  }
  store<u8>(load<usize>(column, leafDefinitions) + entries, definition);
  store<u8>(load<usize>(column, leafRepetitions) + entries, repetition);
  store<u32>(count, entries + 1, countEntries);
}
