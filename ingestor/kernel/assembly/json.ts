/**
 * The walk over a record's JSON: one pass that checks each value as its node asks and appends it to its leaves at once.
 * All functions answer where it goes on, or 0 where the record is not decided here: then it is taken back as a whole.
 */
import { areSame } from './bytes';
import { appendNulls, appendText, beginRow, dropRow, endRow } from './columns';
import { keepValue, keptLength, keptText, skipValue } from './jsontext';
import { keyOf } from './keys';
import { forgetNames, isRepeated, newObject, noNames, orderAfter, outOfOrder } from './names';
import {
  keyLength,
  keyNext,
  keyNode,
  keyRequired,
  keySize,
  keyStamp,
  keyText,
  kindBoolean,
  kindDate,
  kindDateTime,
  kindDouble,
  kindInt,
  kindJson,
  kindList,
  kindLong,
  kindMap,
  kindStruct,
  kindText,
  nodeAllowed,
  nodeChild,
  nodeEndLeaf,
  nodeFirstKey,
  nodeFirstLeaf,
  nodeKeyCount,
  nodeKeys,
  nodeKind,
  nodeLeast,
  nodeMost,
  nodeNullable,
  nodeNullLevel,
  nodeOpen,
  nodePresentLevel,
  nodeRepetition,
  nodeUnique,
} from './nodes';
import { double, integer, readDouble, readInteger } from './numbers';
import { setFeedsEnd, skipSpace } from './spaces';
import { endOfPlain, plainLength, plainText, unescape } from './text';
import {
  appendBooleanOf,
  appendDateOf,
  appendDateTimeOf,
  appendDoubleOf,
  appendIntegerOf,
  appendTextOf,
} from './values';

let taken: u32 = 0;
let warned: u32 = 0;
/** The record at hand has fields that no column holds. */
let hasMore: bool = false;

/** Rows that the last call took. */
export function takenRows(): u32 {
  return taken;
}

/** Those of them with fields that no column holds. */
export function warnedRows(): u32 {
  return warned;
}

/**
 * Takes lines from `start` on, one record each, as rows of `root`: to `end`, which stands behind a line feed, or until
 * there are `mostRows`, or before the first line that is not decided or longer than `mostBytes`. Blank lines are passed
 * over. The bytes are UTF-8.
 */
export function takeJsonLines(root: usize, start: usize, end: usize, mostRows: u32, mostBytes: u32): usize {
  setFeedsEnd(0);
  taken = 0;
  warned = 0;
  let at = start;
  while (at < end && taken < mostRows) {
    const line = at;
    at = skipSpace(at);
    if (load<u8>(at) == 0x0a) {
      if (at - line > mostBytes) return line;
      at++;
      continue;
    }
    beginRow();
    at = record(root, at);
    if (at != 0) at = skipSpace(at);
    if (at == 0 || load<u8>(at) != 0x0a || at - line > mostBytes) {
      dropRow();
      return line;
    }
    keepRow();
    at++;
  }
  return at;
}

/** Where a walk over the values of a file stands: outside of arrays; in one, before its first value, before one after a comma, after one. */
const outside: u32 = 0;
const beforeFirst: u32 = 1;
const beforeNext: u32 = 2;
const afterOne: u32 = 3;
let place: u32 = outside;

/** Where the last call of `takeJsonValues` stopped. */
export function placeInValues(): u32 {
  return place;
}

/**
 * Takes objects from `start` on, the elements of arrays or one after the other, as rows of `root`: to `end`, or until
 * there are `mostRows`, or before the first value that is not decided, not whole, or longer than `mostBytes`, or the
 * first byte that should not be where it is. It stands in `from`.
 */
export function takeJsonValues(
  root: usize,
  from: u32,
  start: usize,
  end: usize,
  mostRows: u32,
  mostBytes: u32,
): usize {
  taken = 0;
  warned = 0;
  place = from;
  // A line feed ends every text, number and space, so that nothing is read past the end.
  const behind = load<u8>(end);
  store<u8>(end, 0x0a);
  setFeedsEnd(end + 1);
  const at = takeValues(root, start, end, mostRows, mostBytes);
  store<u8>(end, behind);
  return at;
}

function takeValues(root: usize, at: usize, end: usize, mostRows: u32, mostBytes: u32): usize {
  while (true) {
    at = skipSpace(at);
    if (at >= end) return end;
    const byte = <u32>load<u8>(at);
    if (place == afterOne) {
      if (byte != 0x2c && byte != 0x5d) return at;
      place = byte == 0x2c ? beforeNext : outside;
      at++;
    } else if (byte == 0x5d && place == beforeFirst) {
      place = outside;
      at++;
    } else if (byte == 0x5b && place == outside) {
      place = beforeFirst;
      at++;
    } else {
      if (taken == mostRows) return at;
      const first = at;
      beginRow();
      at = record(root, first);
      if (at == 0 || at - first > mostBytes) {
        dropRow();
        return first;
      }
      keepRow();
      place = place == outside ? outside : afterOne;
    }
  }
}

@inline
function keepRow(): void {
  endRow();
  taken++;
  warned += u32(hasMore);
}

/** Appends the record that begins at `at`. */
@inline
function record(root: usize, at: usize): usize {
  forgetNames();
  hasMore = false;
  return walkStruct(root, at, 0);
}

function walk(node: usize, at: usize, repetition: u32): usize {
  switch (<u32>load<u8>(node, nodeKind)) {
    case kindText:
      return walkText(node, at, repetition);
    case kindInt:
    case kindLong:
      return walkInteger(node, at, repetition);
    case kindDouble:
      return walkDouble(node, at, repetition);
    case kindBoolean:
      return walkBoolean(node, at, repetition);
    case kindDate:
    case kindDateTime:
      return walkDate(node, at, repetition);
    case kindStruct:
      return walkStruct(node, at, repetition);
    case kindList:
      return walkList(node, at, repetition);
    case kindMap:
      return walkMap(node, at, repetition);
    case kindJson:
      return walkJson(node, at, repetition);
    default:
      return walkNull(node, at, repetition);
  }
}

function walkNull(node: usize, at: usize, repetition: u32): usize {
  if (load<u32>(at) != 0x6c6c756e || load<u8>(node, nodeNullable) == 0) return 0;
  appendNulls(load<u32>(node, nodeFirstLeaf), load<u32>(node, nodeEndLeaf), load<u8>(node, nodeNullLevel), repetition);
  return at + 4;
}

@inline
function walkText(node: usize, at: usize, repetition: u32): usize {
  if (load<u8>(at) != 0x22) return walkNull(node, at, repetition);
  const first = at + 1;
  const end = endOfPlain(first);
  if (load<u8>(end) == 0x22) {
    return appendTextOf(node, first, <u32>(end - first), repetition) ? end + 1 : 0;
  }
  return walkEscaped(node, first, repetition);
}

function walkEscaped(node: usize, first: usize, repetition: u32): usize {
  const end = unescape(first);
  return end != 0 && appendTextOf(node, plainText, plainLength, repetition) ? end : 0;
}

/** A date or a date-time; escapes in one are not decided. */
function walkDate(node: usize, at: usize, repetition: u32): usize {
  if (load<u8>(at) != 0x22) return walkNull(node, at, repetition);
  const first = at + 1;
  const end = endOfPlain(first);
  if (load<u8>(end) != 0x22) return 0;
  const length = <u32>(end - first);
  const isAppended = load<u8>(node, nodeKind) == kindDate
    ? appendDateOf(node, first, length, repetition)
    : appendDateTimeOf(node, first, length, repetition);
  return isAppended ? end + 1 : 0;
}

@inline
function walkInteger(node: usize, at: usize, repetition: u32): usize {
  const end = readInteger(at);
  if (end == 0) return walkNull(node, at, repetition);
  return appendIntegerOf(node, integer, repetition) ? end : 0;
}

@inline
function walkDouble(node: usize, at: usize, repetition: u32): usize {
  const end = readDouble(at);
  if (end == 0) return walkNull(node, at, repetition);
  return appendDoubleOf(node, double, repetition) ? end : 0;
}

@inline
function walkBoolean(node: usize, at: usize, repetition: u32): usize {
  const word = load<u32>(at);
  if (word == 0x65757274) return appendBooleanOf(node, 1, repetition) ? at + 4 : 0;
  if (word == 0x736c6166 && load<u8>(at, 4) == 0x65) return appendBooleanOf(node, 0, repetition) ? at + 5 : 0;
  return walkNull(node, at, repetition);
}

function walkJson(node: usize, at: usize, repetition: u32): usize {
  if (load<u32>(at) == 0x6c6c756e) return walkNull(node, at, repetition);
  const end = keepValue(at, load<u8>(node, nodeAllowed));
  return end != 0 && appendText(load<u32>(node, nodeFirstLeaf), keptText, keptLength, repetition, -1) ? end : 0;
}

function walkStruct(node: usize, at: usize, repetition: u32): usize {
  if (load<u8>(at) != 0x7b) return walkNull(node, at, repetition);
  at = skipSpace(at + 1);
  const stamp = newObject();
  let fields: u32 = 0;
  if (load<u8>(at) == 0x7d) {
    at++;
  } else {
    let predicted = node + nodeFirstKey;
    while (true) {
      let key = load<usize>(predicted);
      if (isAt(key, at)) {
        at += <usize>load<u32>(key, keyLength);
      } else {
        key = findKey(node, at);
        at = afterKey;
        if (key != 0) store<usize>(predicted, key);
        else at = skipField(node, at);
        if (at == 0) return 0;
      }
      if (key != 0) {
        if (load<u64>(key, keyStamp) == stamp) return 0;
        store<u64>(key, stamp, keyStamp);
        fields++;
        predicted = key + keyNext;
        at = walk(load<usize>(key, keyNode), skipSpace(at), repetition);
        if (at == 0) return 0;
      }
      at = skipSpace(at);
      const byte = <u32>load<u8>(at);
      at++;
      if (byte == 0x2c) at = skipSpace(at);
      else if (byte == 0x7d) break;
      else return 0;
    }
  }
  if (fields < load<u32>(node, nodeLeast) || fields > load<u32>(node, nodeMost)) return 0;
  return fields == load<u32>(node, nodeKeyCount) || fillMissing(node, stamp, repetition) ? at : 0;
}

/** A field that the schema does not name. */
function skipField(node: usize, at: usize): usize {
  if (at == 0 || load<u8>(node, nodeOpen) == 0) return 0;
  hasMore = true;
  return skipValue(skipSpace(at), 0);
}

/** Nulls for the fields that the object has not; false where one of them must be there. */
function fillMissing(node: usize, stamp: u64, repetition: u32): bool {
  let key = load<usize>(node, nodeKeys);
  for (const end = key + <usize>load<u32>(node, nodeKeyCount) * keySize; key < end; key += keySize) {
    if (load<u64>(key, keyStamp) == stamp) continue;
    if (load<u32>(key, keyRequired) != 0) return false;
    const field = load<usize>(key, keyNode);
    appendNulls(
      load<u32>(field, nodeFirstLeaf),
      load<u32>(field, nodeEndLeaf),
      load<u8>(field, nodeNullLevel),
      repetition,
    );
  }
  return true;
}

/** Whether the text of the key, `"name":`, stands at `at`. */
@inline
function isAt(key: usize, at: usize): bool {
  const length = load<u32>(key, keyLength);
  const text = load<usize>(key, keyText);
  if (length > 16) return areSame(text, at, length);
  const same = i8x16.bitmask(i8x16.eq(v128.load(at), v128.load(text)));
  return ctz(~same) >= <i32>length;
}

/** Where it goes on behind the colon of what `findKey` found. */
let afterKey: usize = 0;

/** The key that stands at `at`; 0 where the schema names none such. `afterKey` is 0 where that is not decided. */
function findKey(node: usize, at: usize): usize {
  afterKey = 0;
  if (load<u8>(at) != 0x22) return 0;
  const name = at + 1;
  const end = endOfPlain(name);
  if (load<u8>(end) != 0x22) return 0;
  const colon = skipSpace(end + 1);
  if (load<u8>(colon) != 0x3a) return 0;
  afterKey = colon + 1;
  return keyOf(node, name, <u32>(end - name));
}

function walkList(node: usize, at: usize, repetition: u32): usize {
  if (load<u8>(at) != 0x5b) return walkNull(node, at, repetition);
  at = skipSpace(at + 1);
  if (load<u8>(at) == 0x5d) return appendEmpty(node, repetition) ? at + 1 : 0;
  const item = load<usize>(node, nodeChild);
  const list: u64 = load<u8>(node, nodeUnique) == 0 ? 0 : newObject();
  let items: u32 = 0;
  while (true) {
    const first = at;
    at = walk(item, at, repetition);
    if (at == 0 || (list != 0 && !isNewItem(list, first, at))) return 0;
    items++;
    repetition = <u32>load<u8>(node, nodeRepetition);
    at = skipSpace(at);
    const byte = <u32>load<u8>(at);
    at++;
    if (byte == 0x2c) at = skipSpace(at);
    else if (byte == 0x5d) break;
    else return 0;
  }
  return items >= load<u32>(node, nodeLeast) && items <= load<u32>(node, nodeMost) ? at : 0;
}

/** Whether the list had no item of the same text; of two ways to write one value only the plainer is decided. */
function isNewItem(list: u64, first: usize, end: usize): bool {
  const byte = load<u8>(first);
  const isPlain = byte == 0x22 ? endOfPlain(first + 1) == end - 1 : load<u16>(first) != 0x302d;
  return isPlain && !isRepeated(list, first, <u32>(end - first));
}

/** An empty list or map. */
function appendEmpty(node: usize, repetition: u32): bool {
  if (load<u32>(node, nodeLeast) > 0) return false;
  const level = <u32>load<u8>(node, nodePresentLevel);
  appendNulls(load<u32>(node, nodeFirstLeaf), load<u32>(node, nodeEndLeaf), level, repetition);
  return true;
}

function walkMap(node: usize, at: usize, repetition: u32): usize {
  if (load<u8>(at) != 0x7b) return walkNull(node, at, repetition);
  at = skipSpace(at + 1);
  const stamp = newObject();
  if (load<u8>(at) == 0x7d) return hasRequired(node, stamp) && appendEmpty(node, repetition) ? at + 1 : 0;
  let fields: u32 = 0;
  let order = noNames;
  while (true) {
    if (load<u8>(at) != 0x22) return 0;
    let name = at + 1;
    let end = endOfPlain(name);
    let length = <u32>(end - name);
    if (load<u8>(end) != 0x22) {
      end = unescape(name) - 1;
      if (end == usize.MAX_VALUE) return 0;
      name = plainText;
      length = plainLength;
    }
    order = orderAfter(order, name, length);
    if (order == outOfOrder || isRepeated(stamp, name, length)) return 0;
    if (!appendText(load<u32>(node, nodeFirstLeaf), name, length, repetition, -1)) return 0;
    const value = nodeOfName(node, name, length, stamp);
    at = skipSpace(end + 1);
    if (load<u8>(at) != 0x3a) return 0;
    at = walk(value, skipSpace(at + 1), repetition);
    if (at == 0) return 0;
    fields++;
    repetition = <u32>load<u8>(node, nodeRepetition);
    at = skipSpace(at);
    const byte = <u32>load<u8>(at);
    at++;
    if (byte == 0x2c) at = skipSpace(at);
    else if (byte == 0x7d) break;
    else return 0;
  }
  if (fields < load<u32>(node, nodeLeast) || fields > load<u32>(node, nodeMost)) return 0;
  return hasRequired(node, stamp) ? at : 0;
}

/** The node of the values of a map, or that of this one name. */
@inline
function nodeOfName(node: usize, name: usize, length: u32, stamp: u64): usize {
  if (load<u32>(node, nodeKeyCount) == 0) return load<usize>(node, nodeChild);
  const key = keyOf(node, name, length);
  if (key == 0) return load<usize>(node, nodeChild);
  store<u64>(key, stamp, keyStamp);
  return load<usize>(key, keyNode);
}

function hasRequired(node: usize, stamp: u64): bool {
  let key = load<usize>(node, nodeKeys);
  for (const end = key + <usize>load<u32>(node, nodeKeyCount) * keySize; key < end; key += keySize) {
    if (load<u32>(key, keyRequired) != 0 && load<u64>(key, keyStamp) != stamp) return false;
  }
  return true;
}
