/**
 * The columns that are being filled: for each leaf its values and the levels that say which are missing. A record is
 * appended as it is read and taken back when it turns out to be refused.
 */
import { isAllowed } from './checks';
import { dropDistinct, makeDictionary, makeTable, numberOf, refused, releaseDictionary, spilled } from './dictionary';
import {
  chunkEnd,
  counts,
  countsBefore,
  countsBeforeOf,
  countsOf,
  definitions,
  distinctCount,
  entryCapacity,
  entryCount,
  isPlain,
  leafAt,
  leafCount,
  leafType,
  makeLeaves,
  maxDefinition,
  maxRepetition,
  repetitions,
  table,
  tableMask,
  textEnd,
  typeBoolean,
  typeInt,
  typeText,
  valueCapacity,
  valueCount,
  values,
  valueShift,
} from './leaf';
import { allocate, grow, release } from './memory';
import { dropChunks, lengthBytes, releaseChunks, roomFor, takeChunks, textBytes, writeText } from './texts';

export { typeBoolean, typeDouble, typeInt, typeLong, typeText } from './leaf';

/** A leaf begins with room for so many. */
const firstEntries: u32 = 64;
const firstValues: u32 = 16;

let rowCount: u32 = 0;
/** Changes whenever rows come or go. */
let changes: u32 = 1;

/** Once, before `setLeaf` for each of them. */
export function makeColumns(count: u32): void {
  makeLeaves(count);
}

export function setLeaf(leaf: u32, type: u32, definition: u32, repetition: u32): void {
  const column = leafAt(leaf);
  const shift: u32 = type == typeBoolean ? 0 : type == typeInt || type == typeText ? 2 : 3;
  store<u32>(column, type, leafType);
  store<u32>(column, definition, maxDefinition);
  store<u32>(column, repetition, maxRepetition);
  store<u32>(column, shift, valueShift);
  makeBlocks(column, firstEntries, firstValues);
}

export function rows(): u32 {
  return rowCount;
}

/** Another number whenever rows came or went. */
export function version(): u32 {
  return changes;
}

/** What all values take, about. */
export function heldBytes(): usize {
  let bytes: usize = 0;
  for (let leaf: u32 = 0; leaf < leafCount; leaf++) {
    const column = leafAt(leaf);
    const count = countsOf(leaf);
    const levels: u32 = load<u32>(column, maxRepetition) == 0 ? 0 : 1;
    bytes += <usize>load<u32>(count, entryCount) << levels;
    bytes += <usize>load<u32>(count, valueCount) << load<u32>(column, valueShift);
    bytes += textBytes(column, count) + (<usize>load<u32>(count, distinctCount) << 5);
  }
  return bytes;
}

/** What follows is one row, until `endRow` keeps it or `dropRow` takes it back. */
export function beginRow(): void {
  const end = <usize>leafCount << 4;
  for (let at: usize = 0; at < end; at += 16) v128.store(countsBefore + at, v128.load(counts + at));
}

@inline
export function endRow(): void {
  rowCount++;
  changes++;
}

export function dropRow(): void {
  for (let leaf: u32 = 0; leaf < leafCount; leaf++) {
    const count = countsOf(leaf);
    const before = countsBeforeOf(leaf);
    const column = leafAt(leaf);
    if (load<u32>(column, leafType) == typeText) {
      const kept = load<u32>(before, distinctCount);
      const held = load<u32>(count, distinctCount);
      if (held > kept) dropDistinct(column, held, kept);
      const end = load<usize>(before, textEnd);
      if (load<usize>(count, textEnd) != end) dropChunks(column, end);
    }
    v128.store(count, v128.load(before));
  }
  changes++;
}

/** Forgets all rows. Blocks stay for the next ones, but where these took less than a quarter of them. */
export function clearColumns(): void {
  for (let leaf: u32 = 0; leaf < leafCount; leaf++) {
    const column = leafAt(leaf);
    const count = countsOf(leaf);
    shrink(column, count);
    if (load<u32>(column, leafType) == typeText) clearText(column, count);
    v128.store(count, i64x2.splat(0));
    v128.store(countsBeforeOf(leaf), i64x2.splat(0));
  }
  rowCount = 0;
  changes++;
}

/** After the leaves have been cut to so many rows. */
export function setRows(count: u32): void {
  rowCount = count;
  changes++;
}

/** From now on this leaf has no dictionary. Only where it has no values. */
export function setPlain(leaf: u32): void {
  const column = leafAt(leaf);
  releaseDictionary(column);
  store<u32>(column, 1, isPlain);
}

/** A missing value: `definition` tells at which level. */
@inline
export function appendNull(leaf: u32, definition: u32, repetition: u32): void {
  const column = leafAt(leaf);
  const count = countsOf(leaf);
  const entries = load<u32>(count, entryCount);
  if (entries == load<u32>(column, entryCapacity)) growLeaf(leaf);
  store<u8>(load<usize>(column, repetitions) + entries, repetition);
  store<u8>(load<usize>(column, definitions) + entries, definition);
  store<u32>(count, entries + 1, entryCount);
}

/** The same for all leaves from `first` to before `end`. */
export function appendNulls(first: u32, end: u32, definition: u32, repetition: u32): void {
  for (let leaf = first; leaf < end; leaf++) appendNull(leaf, definition, repetition);
}

@inline
export function appendBoolean(leaf: u32, value: u32, repetition: u32): void {
  store<u8>(nextValue(leaf, 0), value);
  appendPresent(leaf, repetition);
}

@inline
export function appendInt(leaf: u32, value: i32, repetition: u32): void {
  store<i32>(nextValue(leaf, 2), value);
  appendPresent(leaf, repetition);
}

@inline
export function appendLong(leaf: u32, value: i64, repetition: u32): void {
  store<i64>(nextValue(leaf, 3), value);
  appendPresent(leaf, repetition);
}

@inline
export function appendDouble(leaf: u32, value: f64, repetition: u32): void {
  store<f64>(nextValue(leaf, 3), value);
  appendPresent(leaf, repetition);
}

/**
 * UTF-8; what lies `padding` past its end may be read. False, and nothing appended, when `check` (-1: none) refuses it:
 * the answer for a value that was asked before is remembered while the leaf has a dictionary.
 */
export function appendText(leaf: u32, at: usize, length: u32, repetition: u32, check: i32): bool {
  const column = leafAt(leaf);
  if (load<u32>(column, isPlain) == 0) {
    if (load<usize>(column, table) == 0) makeDictionary(leaf);
    const number = numberOf(leaf, at, length, check);
    if (number == refused) return false;
    if (number != spilled) {
      store<u32>(nextValue(leaf, 2), number);
      appendPresent(leaf, repetition);
      return true;
    }
  } else if (!isAllowed(check, at, length)) {
    return false;
  }
  const count = countsOf(leaf);
  const record = roomFor(column, count, lengthBytes + length);
  store<usize>(count, writeText(record, at, length), textEnd);
  store<usize>(nextValue(leaf, 2), record);
  appendPresent(leaf, repetition);
  return true;
}

/** Where the next value goes, of `1 << shift` bytes; there is room for its entry too. */
@inline
function nextValue(leaf: u32, shift: u32): usize {
  const column = leafAt(leaf);
  const count = countsOf(leaf);
  const isFull =
    <i32>(load<u32>(count, entryCount) == load<u32>(column, entryCapacity)) |
    <i32>(load<u32>(count, valueCount) == load<u32>(column, valueCapacity));
  if (isFull) growLeaf(leaf);
  return load<usize>(column, values) + (<usize>load<u32>(count, valueCount) << shift);
}

@inline
function appendPresent(leaf: u32, repetition: u32): void {
  const column = leafAt(leaf);
  const count = countsOf(leaf);
  const both = load<u64>(count, entryCount);
  const entries = <u32>both;
  store<u8>(load<usize>(column, repetitions) + entries, repetition);
  store<u8>(load<usize>(column, definitions) + entries, load<u32>(column, maxDefinition));
  store<u64>(count, both + 0x100000001, entryCount);
}

/** Twice the room, where it is full. */
function growLeaf(leaf: u32): void {
  const count = countsOf(leaf);
  reserve(leaf, load<u32>(count, entryCount) + 1, load<u32>(count, valueCount) + 1);
}

/** Room for so many in all. */
export function reserve(leaf: u32, entries: u32, present: u32): void {
  const column = leafAt(leaf);
  const count = countsOf(leaf);
  const entriesNow = load<u32>(column, entryCapacity);
  if (entries > entriesNow) {
    let larger = entriesNow;
    while (larger < entries) larger <<= 1;
    const used = load<u32>(count, entryCount);
    const moved = grow(load<usize>(column, definitions), entriesNow, used, larger);
    store<usize>(column, moved, definitions);
    if (load<u32>(column, maxRepetition) == 0) store<usize>(column, moved, repetitions);
    else store<usize>(column, grow(load<usize>(column, repetitions), entriesNow, used, larger), repetitions);
    store<u32>(column, larger, entryCapacity);
  }
  const presentNow = load<u32>(column, valueCapacity);
  if (present > presentNow) {
    let larger = presentNow;
    while (larger < present) larger <<= 1;
    const shift = load<u32>(column, valueShift);
    const used = <usize>load<u32>(count, valueCount) << shift;
    store<usize>(column, grow(load<usize>(column, values), <usize>presentNow << shift, used, <usize>larger << shift), values);
    store<u32>(column, larger, valueCapacity);
  }
}

function makeBlocks(column: usize, entries: u32, present: u32): void {
  const block = allocate(entries);
  store<usize>(column, block, definitions);
  store<usize>(column, load<u32>(column, maxRepetition) == 0 ? block : allocate(entries), repetitions);
  store<usize>(column, allocate(<usize>present << load<u32>(column, valueShift)), values);
  store<u32>(column, entries, entryCapacity);
  store<u32>(column, present, valueCapacity);
}

function shrink(column: usize, count: usize): void {
  const entries = load<u32>(column, entryCapacity);
  const present = load<u32>(column, valueCapacity);
  const fewerEntries = lessThanQuarter(load<u32>(count, entryCount), entries, firstEntries);
  const fewerPresent = lessThanQuarter(load<u32>(count, valueCount), present, firstValues);
  if (fewerEntries == entries && fewerPresent == present) return;
  release(load<usize>(column, definitions), entries);
  if (load<u32>(column, maxRepetition) != 0) release(load<usize>(column, repetitions), entries);
  release(load<usize>(column, values), <usize>present << load<u32>(column, valueShift));
  makeBlocks(column, fewerEntries, fewerPresent);
}

function lessThanQuarter(used: u32, capacity: u32, least: u32): u32 {
  return used < capacity >> 2 && capacity > least ? capacity >> 1 : capacity;
}

function clearText(column: usize, count: usize): void {
  const slots = load<usize>(column, table);
  if (slots != 0) {
    const mask = load<u32>(column, tableMask);
    if (load<u32>(count, distinctCount) < mask >> 4) {
      releaseDictionary(column);
    } else {
      memory.fill(slots, 0, (<usize>mask + 1) << 3);
    }
  }
  releaseChunks(takeChunks(column, count));
}
