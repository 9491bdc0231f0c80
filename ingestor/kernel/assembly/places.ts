/** Where a row's entries and values lie in a leaf; what that needs to know is made when it is first asked after a change. */
import { countOf } from './bytes';
import { version } from './columns';
import {
  countsOf,
  definitions,
  distinct,
  distinctCount,
  entryCount,
  leafAt,
  maxDefinition,
  ranks,
  ranksSize,
  ranksVersion,
  repetitions,
  rowStarts,
  rowStartsSize,
  rowStartsVersion,
  table,
  valueCount,
  values,
} from './leaf';
import { allocate, release } from './memory';

/** Number of values before an entry: `ranks` knows it for each 64th. */
@inline
export function valuesBefore(column: usize, entry: u32): u32 {
  const block = entry & ~63;
  const known = load<u32>(load<usize>(column, ranks) + (<usize>(entry >> 6) << 2));
  return known + countOf(<u8>load<u32>(column, maxDefinition), load<usize>(column, definitions) + block, entry - block);
}

/** Before `valuesBefore`; not where each entry has a value. */
export function makeRanks(leaf: u32): void {
  const column = leafAt(leaf);
  if (load<u32>(column, ranksVersion) == version()) return;
  const entries = load<u32>(countsOf(leaf), entryCount);
  const present = <u8>load<u32>(column, maxDefinition);
  const from = load<usize>(column, definitions);
  const to = blockFor(column, ranks, ranksSize, <usize>((entries >> 6) + 1) << 2);
  let before: u32 = 0;
  for (let entry: u32 = 0; entry <= entries; entry += 64) {
    store<u32>(to + (<usize>(entry >> 6) << 2), before);
    before += countOf(present, from + entry, min<u32>(64, entries - entry));
  }
  store<u32>(column, version(), ranksVersion);
}

/** The first entry of each row, and past the last one where entries end; of a repeated leaf. */
export function makeRowStarts(leaf: u32, rows: u32): usize {
  const column = leafAt(leaf);
  if (load<u32>(column, rowStartsVersion) == version()) return load<usize>(column, rowStarts);
  const entries = load<u32>(countsOf(leaf), entryCount);
  const from = load<usize>(column, repetitions);
  const starts = blockFor(column, rowStarts, rowStartsSize, (<usize>rows + 1) << 2);
  let to = starts;
  for (let entry: u32 = 0; entry < entries; entry += 16) {
    let first: u32 = i8x16.bitmask(i8x16.eq(v128.load(from + entry), i64x2.splat(0)));
    if (entries - entry < 16) first &= (1 << (entries - entry)) - 1;
    for (; first != 0; first &= first - 1) {
      store<u32>(to, entry + ctz(first));
      to += 4;
    }
  }
  store<u32>(to, entries);
  store<u32>(column, version(), rowStartsVersion);
  return starts;
}

/** Of each row of a leaf that is not repeated the number of its value, or -1. */
export function placeValues(leaf: u32, to: usize): void {
  const column = leafAt(leaf);
  const count = countsOf(leaf);
  const entries = load<u32>(count, entryCount);
  const present = load<u32>(column, maxDefinition);
  const from = load<usize>(column, definitions);
  let next: i32 = 0;
  for (let entry: u32 = 0; entry < entries; entry++) {
    const isThere = load<u8>(from + entry) == present;
    store<i32>(to + (<usize>entry << 2), isThere ? next : -1);
    next += <i32>isThere;
  }
}

/** For when the leaf is cleared. */
export function releasePlaces(column: usize): void {
  if (load<usize>(column, ranks) != 0) release(load<usize>(column, ranks), load<usize>(column, ranksSize));
  if (load<usize>(column, rowStarts) != 0) release(load<usize>(column, rowStarts), load<usize>(column, rowStartsSize));
  store<usize>(column, 0, ranks);
  store<usize>(column, 0, ranksSize);
  store<usize>(column, 0, rowStarts);
  store<usize>(column, 0, rowStartsSize);
}

function blockFor(column: usize, at: usize, size: usize, bytes: usize): usize {
  const block = load<usize>(column + at);
  if (bytes <= load<usize>(column + size)) return block;
  if (block != 0) release(block, load<usize>(column + size));
  const larger = allocate(bytes);
  store<usize>(column + at, larger);
  store<usize>(column + size, bytes);
  return larger;
}

export function hasAllValues(leaf: u32): bool {
  const count = countsOf(leaf);
  return load<u32>(count, valueCount) == load<u32>(count, entryCount);
}

/** Where the leaf's values lie: of text their numbers in the dictionary, or where their records lie. */
export function valuesAt(leaf: u32): usize {
  return load<usize>(leafAt(leaf), values);
}

/** Where the places of the records lie that the numbers stand for; 0: the leaf has no dictionary. */
export function distinctAt(leaf: u32): usize {
  const column = leafAt(leaf);
  return load<usize>(column, table) == 0 ? 0 : load<usize>(column, distinct);
}

/** Number of the leaf's values that are there. */
export function presentValues(leaf: u32): u32 {
  return load<u32>(countsOf(leaf), valueCount);
}

/** Number of its dictionary's values; 0: it has none. */
export function distinctValues(leaf: u32): u32 {
  return load<u32>(countsOf(leaf), distinctCount);
}
