/**
 * JSON values of any kind: passed over, or kept as the text that JSON.stringify makes of what JSON.parse reads. 0 where
 * it is no JSON, nests too deeply, or would be written otherwise.
 */
import { allocate, grow } from './memory';
import { isRepeated, newObject, noNames, orderAfter, outOfOrder } from './names';
import { allowBoolean, allowInteger, allowList, allowNumber, allowObject, allowText } from './nodes';
import { skipSpace } from './spaces';
import { endOfPlain, endOfText } from './text';

/** Nesting inside of such a value. */
const maxDepth: u32 = 64;

/** Passes over the value at `at`. */
export function skipValue(at: usize, depth: u32): usize {
  const byte = <u32>load<u8>(at);
  if (byte == 0x22) {
    const end = endOfText(at + 1);
    return end == 0 ? 0 : end + 1;
  }
  if (byte != 0x7b && byte != 0x5b) return skipScalar(at);
  if (depth == maxDepth) return 0;
  const closing = byte + 2;
  at = skipSpace(at + 1);
  if (load<u8>(at) == closing) return at + 1;
  while (true) {
    if (byte == 0x7b) {
      if (load<u8>(at) != 0x22) return 0;
      const end = endOfText(at + 1);
      if (end == 0) return 0;
      at = skipSpace(end + 1);
      if (load<u8>(at) != 0x3a) return 0;
      at = skipSpace(at + 1);
    }
    at = skipValue(at, depth + 1);
    if (at == 0) return 0;
    at = skipSpace(at);
    const next = <u32>load<u8>(at);
    if (next == closing) return at + 1;
    if (next != 0x2c) return 0;
    at = skipSpace(at + 1);
  }
}

function skipScalar(at: usize): usize {
  const word = load<u32>(at);
  if (word == 0x65757274 || word == 0x6c6c756e) return at + 4;
  if (word == 0x736c6166 && load<u8>(at, 4) == 0x65) return at + 5;
  at += usize(load<u8>(at) == 0x2d);
  const first = at;
  at = skipDigits(at);
  if (at == first || (at - first > 1 && load<u8>(first) == 0x30)) return 0;
  if (load<u8>(at) == 0x2e) {
    const point = at + 1;
    at = skipDigits(point);
    if (at == point) return 0;
  }
  if ((<u32>load<u8>(at) | 0x20) == 0x65) {
    at++;
    if (load<u8>(at) == 0x2b || load<u8>(at) == 0x2d) at++;
    const exponent = at;
    at = skipDigits(at);
    if (at == exponent) return 0;
  }
  return at;
}

function skipDigits(at: usize): usize {
  while (<u32>load<u8>(at) - 0x30 <= 9) at++;
  return at;
}

/** Where the text stands that `keepValue` answers, and how long it is: in the input itself where it has no white space. */
export let keptText: usize = 0;
export let keptLength: u32 = 0;
/** What is kept of the input and not copied yet begins here. */
let pending: usize = 0;
let copied: usize = 0;
let copiedLength: u32 = 0;
let copiedCapacity: u32 = 0;

/** Keeps the value as JSON text without white space; `allowed`: kinds that it may be of. */
export function keepValue(at: usize, allowed: u32): usize {
  copiedLength = 0;
  pending = at;
  const end = keepPart(at, allowed, 0);
  if (copiedLength > 0 && end != 0) copy(end);
  keptText = copiedLength > 0 ? copied : at;
  keptLength = copiedLength > 0 ? copiedLength : <u32>(end - at);
  return end;
}

/** Passes over white space, which is not kept. */
@inline
function leaveSpace(at: usize): usize {
  return load<u8>(at) > 0x20 ? at : leaveSpaces(at);
}

function leaveSpaces(at: usize): usize {
  const next = skipSpace(at);
  if (next == at) return at;
  copy(at);
  pending = next;
  return next;
}

/** Copies what is pending. */
function copy(end: usize): void {
  const length = <u32>(end - pending);
  if (copiedLength + length > copiedCapacity) {
    const capacity = (copiedLength + length) * 2 + 256;
    copied = copiedCapacity == 0 ? allocate(capacity) : grow(copied, copiedCapacity, copiedLength, capacity);
    copiedCapacity = capacity;
  }
  memory.copy(copied + copiedLength, pending, length);
  copiedLength += length;
}

function keepPart(at: usize, allowed: u32, depth: u32): usize {
  const byte = <u32>load<u8>(at);
  if (byte == 0x22) return allowed & allowText ? endOfKeptText(at) : 0;
  if (byte == 0x5b) return allowed & allowList && depth < maxDepth ? keepList(at, depth) : 0;
  if (byte == 0x7b) return allowed & allowObject && depth < maxDepth ? keepObject(at, depth) : 0;
  return endOfScalar(at, allowed, depth);
}

function keepList(at: usize, depth: u32): usize {
  at = leaveSpace(at + 1);
  if (load<u8>(at) == 0x5d) return at + 1;
  while (true) {
    at = keepPart(at, 0xff, depth + 1);
    if (at == 0) return 0;
    at = leaveSpace(at);
    const next = <u32>load<u8>(at);
    if (next == 0x5d) return at + 1;
    if (next != 0x2c) return 0;
    at = leaveSpace(at + 1);
  }
}

function keepObject(at: usize, depth: u32): usize {
  at = leaveSpace(at + 1);
  if (load<u8>(at) == 0x7d) return at + 1;
  const object = newObject();
  let order = noNames;
  while (true) {
    if (load<u8>(at) != 0x22) return 0;
    const name = at + 1;
    const end = endOfPlain(name);
    if (load<u8>(end) != 0x22 || isRepeated(object, name, <u32>(end - name))) return 0;
    order = orderAfter(order, name, <u32>(end - name));
    if (order == outOfOrder) return 0;
    at = leaveSpace(end + 1);
    if (load<u8>(at) != 0x3a) return 0;
    at = keepPart(leaveSpace(at + 1), 0xff, depth + 1);
    if (at == 0) return 0;
    at = leaveSpace(at);
    const next = <u32>load<u8>(at);
    if (next == 0x7d) return at + 1;
    if (next != 0x2c) return 0;
    at = leaveSpace(at + 1);
  }
}

/** Escapes are kept that JSON.stringify writes too. */
function endOfKeptText(at: usize): usize {
  at = endOfPlain(at + 1);
  while (load<u8>(at) == 0x5c) {
    const escape = load<u8>(at, 1);
    const same = escape == 0x22 || escape == 0x5c || escape == 0x62 || escape == 0x66;
    if (!same && escape != 0x6e && escape != 0x72 && escape != 0x74) return 0;
    at = endOfPlain(at + 2);
  }
  return load<u8>(at) == 0x22 ? at + 1 : 0;
}

/** Words, and numbers of up to 15 digits in the very form in which they are written again. */
function endOfScalar(at: usize, allowed: u32, depth: u32): usize {
  const word = load<u32>(at);
  // At the top, null is no text but nothing at all.
  if (word == 0x6c6c756e) return depth > 0 ? at + 4 : 0;
  if (word == 0x65757274) return allowed & allowBoolean ? at + 4 : 0;
  if (word == 0x736c6166) return allowed & allowBoolean && load<u8>(at, 4) == 0x65 ? at + 5 : 0;
  const end = skipScalar(at);
  if (end == 0) return 0;
  const negative = usize(load<u8>(at) == 0x2d);
  const first = at + negative;
  const point = skipDigits(first);
  if (point == end) {
    if (negative && load<u8>(first) == 0x30) return 0;
    return end - first <= 15 && allowed & (allowInteger | allowNumber) ? end : 0;
  }
  // From 0.000001 on, without an exponent and without a zero at the end.
  if (load<u8>(point) != 0x2e || skipDigits(point + 1) != end || load<u8>(end - 1) == 0x30) return 0;
  const small = load<u8>(first) == 0x30 && load<u32>(point, 1) == 0x30303030 && load<u16>(point, 5) == 0x3030;
  return !small && end - first <= 16 && allowed & allowNumber ? end : 0;
}
