/**
 * The walk over rows of CSV whose fields `scanCsv` has found: each is checked as its node asks and appended to its leaf.
 * A row that is not decided here is taken back as a whole.
 */
import { appendNull, appendNulls, beginRow, dropRow, endRow } from './columns';
import { endOfRows, fieldEnds, fieldsOf, rowCount } from './csvscan';
import {
  csvMarker,
  csvMarkerLength,
  csvQuote,
  csvSteps,
  csvStepsEnd,
  csvWidth,
  kindExtra,
  kindNothing,
  kindOfFields,
  kindUndecided,
  stepEndLeaf,
  stepField,
  stepFieldCount,
  stepFields,
  stepFirstLeaf,
  stepKind,
  stepNext,
  stepNode,
  stepNullable,
  stepNullLevel,
  stepSize,
} from './csvsteps';
import { allocate, padding, release } from './memory';
import { kindBoolean, kindDate, kindDateTime, kindDouble, kindInt, kindLong, kindText } from './nodes';
import { double, readDouble } from './numbers';
import {
  appendBooleanOf,
  appendDateOf,
  appendDateTimeOf,
  appendDoubleOf,
  appendIntegerOf,
  appendTextOf,
} from './values';

const carriageReturn: u32 = 0x0d;

let taken: u32 = 0;
let warned: u32 = 0;
/** The row at hand has fields that no column holds. */
let hasMore: bool = false;
/** How the fields of the row at hand are read. */
let quote: u32 = 0;
let marker: usize = 0;
let markerLength: u32 = 0;
/** Where the ends of its fields stand. */
let ends: usize = 0;

/** Rows that the last call took. */
export function takenCsvRows(): u32 {
  return taken;
}

/** Those of them with fields that no column holds. */
export function warnedCsvRows(): u32 {
  return warned;
}

/** The row that is taken next. */
let row: u32 = 0;

/**
 * Takes rows of the block that was scanned last, from the one that begins at `start`, as `plan` says: all of them, or
 * until there are `mostRows`, or before the first one that is not decided. Blank lines are passed over, where a row has
 * more than one field. Answers where it stopped.
 */
export function takeCsv(plan: usize, start: usize, mostRows: u32): usize {
  taken = 0;
  warned = 0;
  if (!seek(start)) return start;
  const width = load<u32>(plan, csvWidth);
  quote = <u32>load<u8>(plan, csvQuote);
  marker = load<usize>(plan, csvMarker);
  markerLength = load<u32>(plan, csvMarkerLength);
  let first = fieldsOf(row);
  for (; row < rowCount && taken < mostRows; row++) {
    const behind = fieldsOf(row + 1);
    ends = fieldEnds + (<usize>first << 2);
    const last = fieldEnds + (<usize>behind << 2) - 4;
    const begin = load<usize>(ends - 4) + 1;
    const feed = load<usize>(last);
    const hasReturn = feed > begin && load<u8>(feed - 1) == carriageReturn;
    const end = feed - usize(hasReturn);
    if (end > begin || width == 1) {
      if (behind - first != width) return begin;
      store<usize>(last, end);
      beginRow();
      const decided = walkRow(load<usize>(plan, csvSteps), load<usize>(plan, csvStepsEnd));
      // The next row begins behind the line feed.
      store<usize>(last, feed);
      if (!decided) {
        dropRow();
        return begin;
      }
      endRow();
      taken++;
      warned += u32(hasMore);
    }
    first = behind;
  }
  return endOfRows(row);
}

/** Finds the row that begins there; false where none does. */
function seek(start: usize): bool {
  if (row > rowCount || endOfRows(row) > start) row = 0;
  while (row < rowCount && endOfRows(row) < start) row++;
  return endOfRows(row) == start;
}

function walkRow(step: usize, stepsEnd: usize): bool {
  hasMore = false;
  for (; step < stepsEnd; step += stepSize) {
    const kind = <i32>load<u8>(step, stepKind);
    if (kind >= kindNothing) {
      if (kind == kindOfFields) {
        if (isThere(step)) continue;
        if (!appendNothing(step)) return false;
        step = load<usize>(step, stepNext) - stepSize;
      } else if (kind == kindNothing) {
        if (!appendNothing(step)) return false;
      } else if (!isNullField(load<u32>(step, stepField))) {
        if (kind == kindUndecided) return false;
        hasMore = true;
      }
      continue;
    }
    const place = ends + (<usize>load<u32>(step, stepField) << 2);
    let at = load<usize>(place - 4) + 1;
    let length = <u32>(load<usize>(place) - at);
    if (isNull(at, length)) {
      if (load<u8>(step, stepNullable) == 0) return false;
      appendNull(load<u32>(step, stepFirstLeaf), load<u8>(step, stepNullLevel), 0);
      continue;
    }
    if (load<u8>(at) == quote) {
      unquote(at, length);
      at = textAt;
      length = textLength;
    }
    const node = load<usize>(step, stepNode);
    switch (kind) {
      case kindText:
        if (!appendTextOf(node, at, length, 0)) return false;
        break;
      case kindInt:
      case kindLong:
        if (!readDigits(at, length) || !appendIntegerOf(node, integer, 0)) return false;
        break;
      case kindDouble:
        if (readDouble(at) != at + length || !appendDoubleOf(node, double, 0)) return false;
        break;
      case kindDate:
        if (!appendDateOf(node, at, length, 0)) return false;
        break;
      case kindDateTime:
        if (!appendDateTimeOf(node, at, length, 0)) return false;
        break;
      case kindBoolean: {
        const value = booleanOf(at, length);
        if (value > 1 || !appendBooleanOf(node, value, 0)) return false;
        break;
      }
      default:
        return false;
    }
  }
  return true;
}

@inline
function appendNothing(step: usize): bool {
  if (load<u8>(step, stepNullable) == 0) return false;
  appendNulls(load<u32>(step, stepFirstLeaf), load<u32>(step, stepEndLeaf), load<u8>(step, stepNullLevel), 0);
  return true;
}

/** Whether one of a struct's fields is not null. */
function isThere(step: usize): bool {
  let field = load<usize>(step, stepFields);
  for (const end = field + (<usize>load<u32>(step, stepFieldCount) << 2); field < end; field += 4) {
    if (!isNullField(load<u32>(field))) return true;
  }
  return false;
}

@inline
function isNullField(field: u32): bool {
  const place = ends + (<usize>field << 2);
  const at = load<usize>(place - 4) + 1;
  return isNull(at, <u32>(load<usize>(place) - at));
}

@inline
function isNull(at: usize, length: u32): bool {
  return length == 0 || (length == markerLength && isSame(at, marker, length));
}

function isSame(at: usize, other: usize, length: u32): bool {
  for (let index: u32 = 0; index < length; index++) {
    if (load<u8>(at + index) != load<u8>(other + index)) return false;
  }
  return true;
}

/** What `unquote` found. */
let textAt: usize = 0;
let textLength: u32 = 0;
/** Where text goes whose quotes were doubled. */
let arena: usize = 0;
let arenaCapacity: usize = 0;

/** The text of a field in quotes. */
function unquote(at: usize, length: u32): void {
  const end = at + length - 1;
  textAt = at + 1;
  textLength = length - 2;
  const first = nextQuote(textAt);
  if (first < end) unescape(textAt, first, end);
}

@inline
function nextQuote(at: usize): usize {
  const quotes = i8x16.splat(<i8>quote);
  while (true) {
    const found = i8x16.bitmask(i8x16.eq(v128.load(at), quotes));
    if (found != 0) return at + <usize>ctz(found);
    at += 16;
  }
}

/** `first`: where the first doubled quote stands. */
function unescape(at: usize, first: usize, end: usize): void {
  if (end - at > arenaCapacity) {
    if (arenaCapacity > 0) release(arena, arenaCapacity);
    arenaCapacity = (end - at) << 1;
    arena = allocate(arenaCapacity);
  }
  let to = arena;
  while (first < end) {
    const part = first + 1 - at;
    memory.copy(to, at, part);
    to += part;
    at = first + 2;
    first = nextQuote(at);
  }
  memory.copy(to, at, end - at);
  to += end - at;
  // What reads numbers stops there.
  store<u64>(to, 0);
  textAt = arena;
  textLength = <u32>(to - arena);
}

/** What `readDigits` read. */
let integer: i64 = 0;

/** An integer of up to 18 plain digits, with or without a sign. */
@inline
function readDigits(at: usize, length: u32): bool {
  const sign = <u32>load<u8>(at);
  const isSigned = u32(sign == 0x2d) | u32(sign == 0x2b);
  const end = at + length;
  at += isSigned;
  if (length - isSigned - 1 > 17) return false;
  let value: u64 = 0;
  for (; at < end; at++) {
    const digit = <u64>load<u8>(at) - 0x30;
    if (digit > 9) return false;
    value = value * 10 + digit;
  }
  integer = sign == 0x2d ? -<i64>value : <i64>value;
  return true;
}

/** true, yes, on, y and their opposites, in any case; 2 for what is none. */
function booleanOf(at: usize, length: u32): u32 {
  if (length > 5) return 2;
  // Of the bytes of letters only, this makes small letters.
  const word = (load<u64>(at) | 0x2020_2020_2020_2020) & (((<u64>1) << (<u64>length << 3)) - 1);
  switch (length) {
    case 1:
      return word == 0x79 ? 1 : word == 0x6e ? 0 : 2;
    case 2:
      return word == 0x6e6f ? 1 : word == 0x6f6e ? 0 : 2;
    case 3:
      return word == 0x73_6579 ? 1 : word == 0x66_666f ? 0 : 2;
    case 4:
      return word == 0x6575_7274 ? 1 : 2;
    case 5:
      return word == 0x65_736c_6166 ? 0 : 2;
    default:
      return 2;
  }
}
