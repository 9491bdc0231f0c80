/** Texts as JSON writes them, and their length. */
import { allocate, release } from './memory';

/** Where the text that `unescape` read stands, good until it is called again. */
export let plainText: usize = 0;
export let plainLength: u32 = 0;
let plainCapacity: usize = 0;

/** The first byte at or after `at` that ends plain text: a quote, a backslash or a control character. */
@inline
export function endOfPlain(at: usize): usize {
  while (true) {
    const bytes = v128.load(at);
    const ends = i8x16.bitmask(
      v128.or(
        v128.or(i8x16.eq(bytes, i8x16.splat(0x22)), i8x16.eq(bytes, i8x16.splat(0x5c))),
        i8x16.lt_u(bytes, i8x16.splat(0x20)),
      ),
    );
    if (ends != 0) return at + <usize>ctz(ends);
    at += 16;
  }
}

/**
 * Reads a text that has escapes, from behind its opening quote, into `plainText`. Where it goes on behind the closing
 * quote; 0 where it is no JSON text, or none that UTF-8 can hold.
 */
export function unescape(at: usize): usize {
  const end = endOfText(at);
  if (end == 0) return 0;
  if (end - at > plainCapacity) {
    if (plainCapacity > 0) release(plainText, plainCapacity);
    plainCapacity = end - at;
    plainText = allocate(plainCapacity);
  }
  let to = plainText;
  while (at < end) {
    const part = endOfPlain(at);
    memory.copy(to, at, part - at);
    to += part - at;
    at = part;
    if (at >= end) break;
    const short = shortEscape(load<u8>(at, 1));
    if (short != 0) {
      store<u8>(to, short);
      to += 1;
      at += 2;
      continue;
    }
    let code = fourDigits(at + 2);
    at += 6;
    if (code >= 0xd800 && code < 0xe000) {
      const low = load<u16>(at) == 0x755c ? fourDigits(at + 2) : 0;
      if (code >= 0xdc00 || low < 0xdc00 || low > 0xdfff) return 0;
      code = 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00);
      at += 6;
    }
    to += writeCodePoint(to, code);
  }
  plainLength = <u32>(to - plainText);
  return end + 1;
}

/** Where the closing quote stands of a text whose escapes are all well formed, or 0. */
export function endOfText(at: usize): usize {
  while (true) {
    at = endOfPlain(at);
    const byte = load<u8>(at);
    if (byte == 0x22) return at;
    if (byte != 0x5c) return 0;
    const escape = load<u8>(at, 1);
    if (shortEscape(escape) != 0) at += 2;
    else if (escape == 0x75 && fourDigits(at + 2) >= 0) at += 6;
    else return 0;
  }
}

/** What `\b` and its like mean; 0 where there is no such escape. */
function shortEscape(byte: u32): u32 {
  switch (byte) {
    case 0x22:
    case 0x5c:
    case 0x2f:
      return byte;
    case 0x62:
      return 8;
    case 0x66:
      return 12;
    case 0x6e:
      return 10;
    case 0x72:
      return 13;
    case 0x74:
      return 9;
    default:
      return 0;
  }
}

/** The number that four hexadecimal digits mean, or -1. */
function fourDigits(at: usize): i32 {
  let value: i32 = 0;
  for (let end = at + 4; at < end; at++) {
    const byte = <u32>load<u8>(at);
    const letter = (byte | 0x20) - 0x61;
    let digit: u32 = byte - 0x30;
    if (digit > 9) digit = letter <= 5 ? letter + 10 : 16;
    if (digit > 15) return -1;
    value = (value << 4) | <i32>digit;
  }
  return value;
}

/** Writes it as UTF-8 and answers how many bytes that are. */
function writeCodePoint(to: usize, code: u32): u32 {
  if (code < 0x80) {
    store<u8>(to, code);
    return 1;
  }
  if (code < 0x800) {
    store<u8>(to, 0xc0 | (code >> 6));
    store<u8>(to, 0x80 | (code & 0x3f), 1);
    return 2;
  }
  if (code < 0x10000) {
    store<u8>(to, 0xe0 | (code >> 12));
    store<u8>(to, 0x80 | ((code >> 6) & 0x3f), 1);
    store<u8>(to, 0x80 | (code & 0x3f), 2);
    return 3;
  }
  store<u8>(to, 0xf0 | (code >> 18));
  store<u8>(to, 0x80 | ((code >> 12) & 0x3f), 1);
  store<u8>(to, 0x80 | ((code >> 6) & 0x3f), 2);
  store<u8>(to, 0x80 | (code & 0x3f), 3);
  return 4;
}

/** True when UTF-8 text has from `least` (below 2^30) to `most` code points. */
@inline
export function hasLength(at: usize, length: u32, least: u32, most: u32): bool {
  // A code point takes one to four bytes.
  if (length >= least && length <= most && (least == 0 || length > (least - 1) * 4)) return true;
  return countsWithin(at, length, least, most);
}

function countsWithin(at: usize, length: u32, least: u32, most: u32): bool {
  if (length < least) return false;
  let count: u32 = 0;
  for (let end = at + length; at < end; at++) count += u32((load<u8>(at) & 0xc0) != 0x80);
  return count >= least && count <= most;
}
