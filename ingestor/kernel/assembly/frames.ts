/**
 * Where a JSON value ends, told by its brackets alone: what lies between is read by whoever takes it. The search may go
 * on in later bytes, so that a value may come in pieces.
 */
import { allocate, grow } from './memory';

/** What `frame` found. */
const unfinished: u32 = 0;
const whole: u32 = 1;
/** A bracket that closes what is not open. */
const mismatched: u32 = 2;
const tooDeep: u32 = 3;

/** Deeper nesting than this is refused by every walker of the value anyway. */
const maxDepth: u32 = 1_000_000;

/** What the value is, by its first byte. */
const isNew: u32 = 0;
const isNested: u32 = 1;
const isText: u32 = 2;
const isWord: u32 = 3;

let form: u32 = isNew;
let found: u32 = unfinished;
let inText: bool = false;
/** The next byte was escaped by the last one of the piece before. */
let isEscaped: bool = false;
let depth: u32 = 0;
/** Closing brackets that are awaited, the innermost last. */
let awaited: usize = 0;
let capacity: u32 = 0;

/** What follows is a value from its first byte on. */
export function beginFrame(): void {
  form = isNew;
  found = unfinished;
  inText = false;
  isEscaped = false;
  depth = 0;
}

/** What the last call of `frame` found. */
export function framed(): u32 {
  return found;
}

/** Goes on from `at`; where the value ends, or the bracket stands that does not match; else `end`. */
export function frame(at: usize, end: usize): usize {
  if (form == isNew && at < end) {
    const byte = <u32>load<u8>(at);
    form = (byte | 0x20) == 0x7b ? isNested : byte == 0x22 ? isText : isWord;
    if (form == isText) at++;
    inText = form == isText;
  }
  if (form == isWord) return frameWord(at, end);
  while (at < end) {
    if (inText) {
      at = endOfText(at, end);
      if (at >= end) return end;
      inText = false;
      at++;
      if (form == isText) return finish(whole, at);
    } else {
      at = nextBracket(at, end);
      if (at >= end) return end;
      const byte = <u32>load<u8>(at);
      if (byte == 0x22) {
        inText = true;
      } else if ((byte | 0x20) == 0x7b) {
        if (depth == maxDepth) return finish(tooDeep, at);
        open(byte + 2);
      } else {
        if (depth == 0 || load<u8>(awaited + depth - 1) != byte) return finish(mismatched, at);
        depth--;
        if (depth == 0) return finish(whole, at + 1);
      }
      at++;
    }
  }
  return end;
}

function finish(what: u32, at: usize): usize {
  found = what;
  return at;
}

function open(closing: u32): void {
  if (depth == capacity) {
    const larger = capacity == 0 ? 64 : capacity * 2;
    awaited = capacity == 0 ? allocate(larger) : grow(awaited, capacity, capacity, larger);
    capacity = larger;
  }
  store<u8>(awaited + depth, closing);
  depth++;
}

/** Letters, digits, `+`, `-` and `.`. */
function frameWord(at: usize, end: usize): usize {
  for (; at < end; at++) {
    const byte = <u32>load<u8>(at);
    const isLetter = (byte | 0x20) - 0x61 < 26;
    if (!isLetter && byte - 0x30 > 9 && byte != 0x2b && byte != 0x2d && byte != 0x2e) return finish(whole, at);
  }
  return end;
}

/** The closing quote, or `end` or more. */
function endOfText(at: usize, end: usize): usize {
  if (isEscaped) {
    isEscaped = false;
    at++;
  }
  while (at < end) {
    const bytes = v128.load(at);
    const ends = i8x16.bitmask(
      v128.or(i8x16.eq(bytes, i8x16.splat(0x22)), i8x16.eq(bytes, i8x16.splat(0x5c))),
    );
    if (ends == 0) {
      at += 16;
      continue;
    }
    at += <usize>ctz(ends);
    if (at >= end || load<u8>(at) == 0x22) return at;
    at += 2;
    if (at > end) isEscaped = true;
  }
  return at;
}

/** A bracket or a quote, or `end` or more. */
function nextBracket(at: usize, end: usize): usize {
  while (at < end) {
    const bytes = v128.load(at);
    const folded = v128.or(bytes, i8x16.splat(0x20));
    const brackets = v128.or(i8x16.eq(folded, i8x16.splat(0x7b)), i8x16.eq(folded, i8x16.splat(0x7d)));
    const ends = i8x16.bitmask(v128.or(brackets, i8x16.eq(bytes, i8x16.splat(0x22))));
    if (ends != 0) return at + <usize>ctz(ends);
    at += 16;
  }
  return at;
}
