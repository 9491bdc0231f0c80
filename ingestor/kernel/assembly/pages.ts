/** One leaf of one row group as pages, which the host reads from records and compresses. */
import { addText, boundsSize, findBounds, hasBounds, mergeBounds, nansFound } from './bounds';
import { bitsOf, countOf } from './bytes';
import {
  deltaLengths,
  deltas,
  dictionary,
  distinctFound,
  distinctNumbers,
  distinctValues,
  findDistinct,
  plain,
  valuesBound,
  writeTexts,
  writeValues,
} from './encodings';
import { leafAt, leafType, maxDefinition, maxRepetition, table, typeBoolean, typeDouble, typeText, valueShift } from './leaf';
import { allocate, capacityOf, grow, release } from './memory';
import {
  forgetNumbers,
  pick,
  pickedDefinitions,
  pickedDistinct,
  pickedDistinctCount,
  pickedEntries,
  pickedPresent,
  pickedRepetitions,
  pickedRows,
  pickedValues,
} from './pick';
import { runsBound, writeLevels } from './runs';
import { scratch, scratchSeen } from './scratch';
import { lengthBytes } from './texts';

/** A page, as the host reads it: bounds first, then these. */
const pageAt: usize = boundsSize;
const pageBytes: usize = boundsSize + 4;
const pageEntries: usize = boundsSize + 8;
const pageRows: usize = boundsSize + 12;
const pageNulls: usize = boundsSize + 16;
const pageCapacity: usize = boundsSize + 20;
const pageSize: usize = 64;

/** The column, as the host reads it: bounds first, then these. */
const columnEntries: usize = boundsSize;
const columnNulls: usize = boundsSize + 4;
const columnNans: usize = boundsSize + 8;
const columnEncoding: usize = boundsSize + 12;
const columnPages: usize = boundsSize + 16;
const columnPageCount: usize = boundsSize + 20;
const dictionaryAt: usize = boundsSize + 24;
const dictionaryBytes: usize = boundsSize + 28;
const dictionaryEntries: usize = boundsSize + 32;
const dictionaryCapacity: usize = boundsSize + 36;
const columnSize: usize = boundsSize + 48;
const result: usize = memory.data(<i32>columnSize, 16);

/** An integer or double column has a dictionary of at most so many values. */
const mostDistinctNumbers: u32 = 16384;

const firstPages: usize = 4;
let pages: usize = 0;
let pagesCapacity: usize = 0;
let pageCount: u32 = 0;
/** Values as they are to be written: numbers of a dictionary, or what was picked. */
let source: usize = 0;
let sourceShift: u32 = 0;
let width: u32 = 0;

/**
 * Encodes the rows `wanted` (0: all). An encoding that does not suit the values gives way to `PLAIN`.
 */
export function encodeLeaf(leaf: u32, encoding: u32, wanted: usize, count: u32, bytes: u32, mostRows: u32): usize {
  releasePages();
  memory.fill(result, 0, columnSize);
  pick(leaf, wanted, count);
  const used = prepare(leaf, encoding);
  writePages(leaf, used, bytes, max<u32>(1, mostRows));
  store<u32>(result, used, columnEncoding);
  store<u32>(result, pickedEntries, columnEntries);
  store<u32>(result, pickedEntries - pickedPresent, columnNulls);
  store<usize>(result, pages, columnPages);
  store<u32>(result, pageCount, columnPageCount);
  return result;
}

/** Gives back the pages of the last call. */
export function releasePages(): void {
  for (let index: u32 = 0; index < pageCount; index++) {
    const page = pages + <usize>index * pageSize;
    release(load<usize>(page, pageAt), load<usize>(page, pageCapacity));
  }
  pageCount = 0;
  const made = load<usize>(result, dictionaryAt);
  if (made != 0) release(made, load<usize>(result, dictionaryCapacity));
  store<usize>(result, 0, dictionaryAt);
}

/** The encoding that is used, with its dictionary page, where it has one. */
function prepare(leaf: u32, encoding: u32): u32 {
  const column = leafAt(leaf);
  const type = load<u32>(column, leafType);
  source = pickedValues;
  sourceShift = load<u32>(column, valueShift);
  if (type == typeText) return prepareText(column, encoding);
  if (type == typeBoolean || encoding == deltaLengths) return plain;
  if (encoding == deltas) return type == typeDouble ? plain : deltas;
  if (encoding != dictionary) return plain;
  if (!findDistinct(pickedValues, pickedPresent, sourceShift, mostDistinctNumbers)) return plain;
  const size = <usize>distinctFound << sourceShift;
  memory.copy(makeDictionaryPage(size, distinctFound), distinctValues, size);
  source = distinctNumbers;
  return dictionary;
}

function prepareText(column: usize, encoding: u32): u32 {
  if (load<usize>(column, table) == 0 || pickedPresent == 0) return encoding == deltaLengths ? deltaLengths : plain;
  if (encoding == deltaLengths || encoding == plain) {
    forgetNumbers();
    source = pickedValues;
    return encoding;
  }
  const from = pickedDistinct;
  const size = textsSize(from, pickedDistinctCount);
  writeTexts(from, pickedDistinctCount, makeDictionaryPage(size, pickedDistinctCount));
  return dictionary;
}

function makeDictionaryPage(size: usize, entries: u32): usize {
  const capacity = capacityOf(size);
  const at = allocate(capacity);
  store<usize>(result, at, dictionaryAt);
  store<usize>(result, size, dictionaryBytes);
  store<u32>(result, entries, dictionaryEntries);
  store<usize>(result, capacity, dictionaryCapacity);
  width = max<u32>(1, bitsOf(max<u32>(entries, 1) - 1));
  return at;
}

function textsSize(from: usize, count: u32): usize {
  let bytes: usize = <usize>count << 2;
  for (const end = from + (<usize>count << 2); from < end; from += 4) bytes += load<u32>(load<usize>(from));
  return bytes;
}

let endEntry: u32 = 0;
let endValue: u32 = 0;
let endRow: u32 = 0;
let textSize: usize = 0;

function writePages(leaf: u32, encoding: u32, bytes: u32, mostRows: u32): void {
  endEntry = 0;
  endValue = 0;
  endRow = 0;
  while (endEntry < pickedEntries) {
    const entry = endEntry;
    const value = endValue;
    const row = endRow;
    findPageEnd(leaf, encoding, bytes, mostRows);
    writePage(leaf, encoding, entry, value, endRow - row);
  }
}

/** Moves past so many rows where they fit into so many bytes, else row by row until these are full. */
function findPageEnd(leaf: u32, encoding: u32, bytes: u32, mostRows: u32): void {
  const column = leafAt(leaf);
  const isRepeated = load<u32>(column, maxRepetition) != 0;
  const isText = load<u32>(column, leafType) == typeText && encoding != dictionary;
  const bitsOfValue: u64 = encoding == dictionary ? width : <u64>8 << sourceShift;
  const mostBits = <u64>bytes << 3;
  const rows = min(mostRows, pickedRows - endRow);
  const end = isRepeated ? entryAfterRows(rows) : endEntry + rows;
  const present = countOf(<u8>load<u32>(column, maxDefinition), pickedDefinitions + endEntry, end - endEntry);
  const size = isText ? textsSize(source + (<usize>endValue << 2), present) : 0;
  if (bitsOfValue * present + (<u64>size << 3) <= mostBits) {
    textSize = size;
    endEntry = end;
    endValue += present;
    endRow += rows;
  } else {
    fillPage(<u8>load<u32>(column, maxDefinition), isRepeated, isText, bitsOfValue, mostBits, rows);
  }
}

/** Where the entries of so many rows end. */
function entryAfterRows(rows: u32): u32 {
  let left = rows;
  for (let entry = endEntry; entry < pickedEntries; entry += 16) {
    let first: u32 = i8x16.bitmask(i8x16.eq(v128.load(pickedRepetitions + entry), i64x2.splat(0)));
    const found = <u32>popcnt(first);
    if (found <= left) {
      left -= found;
      continue;
    }
    for (; left > 0; left--) first &= first - 1;
    return min(entry + ctz(first), pickedEntries);
  }
  return pickedEntries;
}

function fillPage(present: u8, isRepeated: bool, isText: bool, bitsOfValue: u64, mostBits: u64, mostRows: u32): void {
  let bits: u64 = 0;
  let rows: u32 = 0;
  textSize = 0;
  do {
    do {
      if (load<u8>(pickedDefinitions + endEntry) == present) {
        bits += bitsOfValue;
        if (isText) {
          const length = load<u32>(load<usize>(source + (<usize>endValue << 2)));
          textSize += lengthBytes + length;
          bits += <u64>length << 3;
        }
        endValue++;
      }
      endEntry++;
    } while (isRepeated && endEntry < pickedEntries && load<u8>(pickedRepetitions + endEntry) != 0);
    rows++;
  } while (rows < mostRows && bits < mostBits);
  endRow += rows;
}

function writePage(leaf: u32, encoding: u32, entry: u32, value: u32, rows: u32): void {
  const column = leafAt(leaf);
  const type = load<u32>(column, leafType);
  const entries = endEntry - entry;
  const count = endValue - value;
  const levels = (runsBound(entries, 8) + lengthBytes) << 1;
  const capacity = capacityOf(levels + valuesBound(encoding, sourceShift, count, textSize));
  const at = allocate(capacity);
  let to = at;
  if (load<u32>(column, maxRepetition) != 0) {
    to = writeLevelsOf(pickedRepetitions + entry, entries, load<u32>(column, maxRepetition), to);
  }
  if (load<u32>(column, maxDefinition) != 0) {
    to = writeLevelsOf(pickedDefinitions + entry, entries, load<u32>(column, maxDefinition), to);
  }
  const from = source + (<usize>value << (encoding == dictionary ? 2 : sourceShift));
  to = writeValues(encoding, type, sourceShift, from, count, width, to);
  const page = addPage();
  store<usize>(page, at, pageAt);
  store<usize>(page, to - at, pageBytes);
  store<u32>(page, entries, pageEntries);
  store<u32>(page, rows, pageRows);
  store<u32>(page, entries - count, pageNulls);
  store<usize>(page, capacity, pageCapacity);
  findPageBounds(type, encoding, value, count, page);
}

/** With the 4 bytes of their length before them. */
function writeLevelsOf(from: usize, count: u32, most: u32, to: usize): usize {
  const end = writeLevels(from, count, bitsOf(most), to + 4);
  store<u32>(to, <u32>(end - to - 4));
  return end;
}

function addPage(): usize {
  const used = <usize>pageCount * pageSize;
  if (used == pagesCapacity) {
    pages = used == 0 ? allocate(firstPages * pageSize) : grow(pages, used, used, used << 1);
    pagesCapacity = used == 0 ? firstPages * pageSize : used << 1;
  }
  pageCount++;
  return pages + used;
}

function findPageBounds(type: u32, encoding: u32, value: u32, count: u32, page: usize): void {
  if (type == typeText && encoding == dictionary) {
    findBoundsOfNumbers(source + (<usize>value << 2), count, page);
  } else {
    const shift = type == typeText ? 2 : sourceShift;
    findBounds(type, pickedValues + (<usize>value << shift), count, page);
    store<u32>(result, load<u32>(result, columnNans) + nansFound, columnNans);
  }
  mergeBounds(type, page, result);
}

/** Of the texts that these numbers stand for, each of which is looked at once. */
function findBoundsOfNumbers(from: usize, count: u32, page: usize): void {
  store<u32>(page, 0, hasBounds);
  const seen = scratch(scratchSeen, <usize>pickedDistinctCount << 2);
  const end = from + (<usize>count << 2);
  for (let at = from; at < end; at += 4) {
    const number = <usize>load<u32>(at) << 2;
    if (load<u32>(seen + number) != 0) continue;
    store<u32>(seen + number, 1);
    addText(load<usize>(pickedDistinct + number), page);
  }
  for (let at = from; at < end; at += 4) store<u32>(seen + (<usize>load<u32>(at) << 2), 0);
}
