/**
 * Where the fields and rows of CSV end. 64 bytes at once by bit masks, as long as quotes stand only where RFC 4180 wants
 * them; a row in which one stands elsewhere is taken byte by byte. As ingestor/engine/readers/csvscanner.ts has it: a
 * quote inside of an unquoted field is a character, text after a closing quote is an error.
 */
import { allocate, release } from './memory';

const lineFeed: u32 = 0x0a;
const carriageReturn: u32 = 0x0d;

/** Where the fields end: addresses of their delimiters and line feeds. Before the first, that of the byte before it. */
export let fieldEnds: usize = 0;
let fieldCount: u32 = 0;
/** Of each row, the number of fields in it and all rows before. */
let rowEnds: usize = 0;
export let rowCount: u32 = 0;
let capacity: usize = 0;

/** Where the first so many rows end. */
export function endOfRows(rows: u32): usize {
  return load<usize>(fieldEnds + (<usize>fieldsOf(rows) << 2) - 4) + 1;
}

/** How many fields the first so many rows have. */
@inline
export function fieldsOf(rows: u32): u32 {
  return rows == 0 ? 0 : load<u32>(rowEnds + (<usize>(rows - 1) << 2));
}

export function scannedRows(): u32 {
  return rowCount;
}

/** Forgets the rows behind the first so many. */
export function keepScannedRows(rows: u32): void {
  rowCount = rows;
}

/**
 * Finds the rows from `start`, where one begins, to `end`. Answers where the last one ends that is whole and well formed
 * up to there: all before it are. Behind `end` so many bytes may be read as `padding` says.
 */
export function scanCsv(start: usize, end: usize, delimiter: u32, quote: u32): usize {
  makeRoom(end - start);
  store<usize>(fieldEnds - 4, start - 1);
  fieldCount = 0;
  rowCount = 0;
  let at = start;
  while (at != 0 && scanBlocks(at, end, delimiter, quote)) {
    fieldCount = fieldsOf(rowCount);
    at = scanOddRow(endOfRows(rowCount), end, delimiter, quote);
  }
  return endOfRows(rowCount);
}

/** Scans until a quote stands where it should not, or what follows one: then true. */
function scanBlocks(at: usize, end: usize, delimiter: u32, quote: u32): bool {
  const delimiters = i8x16.splat(<i8>delimiter);
  const quotes = i8x16.splat(<i8>quote);
  const feeds = i8x16.splat(<i8>lineFeed);
  let fields = fieldCount;
  let rows = rowCount;
  /** All ones where a quote is open. */
  let open: u64 = 0;
  /** Whether a quote may open at the next byte; whether the last one closed one; whether a line feed must follow. */
  let mayOpen: u64 = 1;
  let closed: u64 = 0;
  let returned: u64 = 0;
  let odd: u64 = 0;
  while (at < end) {
    const a = v128.load(at);
    const b = v128.load(at, 16);
    const c = v128.load(at, 32);
    const d = v128.load(at, 48);
    const aFeed = i8x16.eq(a, feeds);
    const bFeed = i8x16.eq(b, feeds);
    const cFeed = i8x16.eq(c, feeds);
    const dFeed = i8x16.eq(d, feeds);
    let feed = bits(aFeed, bFeed, cFeed, dFeed);
    let ends = bits(
      v128.or(i8x16.eq(a, delimiters), aFeed),
      v128.or(i8x16.eq(b, delimiters), bFeed),
      v128.or(i8x16.eq(c, delimiters), cFeed),
      v128.or(i8x16.eq(d, delimiters), dFeed),
    );
    let quoted = bits(i8x16.eq(a, quotes), i8x16.eq(b, quotes), i8x16.eq(c, quotes), i8x16.eq(d, quotes));
    if (end - at < 64) {
      const inside = ((<u64>1) << <u64>(end - at)) - 1;
      feed &= inside;
      ends &= inside;
      quoted &= inside;
    }
    if ((quoted | open | closed | returned) != 0) {
      let within = quoted;
      within ^= within << 1;
      within ^= within << 2;
      within ^= within << 4;
      within ^= within << 8;
      within ^= within << 16;
      within ^= within << 32;
      within ^= open;
      open = <u64>(<i64>within >> 63);
      feed &= ~within;
      ends &= ~within;
      const opening = quoted & within;
      const closing = quoted & ~within;
      const behind = (closing << 1) | closed;
      const returns = bits(
        i8x16.eq(a, i8x16.splat(<i8>carriageReturn)),
        i8x16.eq(b, i8x16.splat(<i8>carriageReturn)),
        i8x16.eq(c, i8x16.splat(<i8>carriageReturn)),
        i8x16.eq(d, i8x16.splat(<i8>carriageReturn)),
      ) & behind;
      odd = (opening & ~((ends << 1) | mayOpen | behind)) |
        (behind & ~(ends | quoted | returns)) |
        (((returns << 1) | returned) & ~feed);
      closed = closing >> 63;
      returned = returns >> 63;
      if (odd != 0) {
        const before = (odd & (0 - odd)) - 1;
        ends &= before;
        feed &= before;
      }
    }
    mayOpen = ends >> 63;
    while (feed != 0) {
      const below = (feed & (0 - feed)) - 1;
      store<u32>(rowEnds + (<usize>rows << 2), fields + <u32>popcnt(ends & below) + 1);
      rows++;
      feed &= feed - 1;
    }
    let to = fieldEnds + (<usize>fields << 2);
    fields += <u32>popcnt(ends);
    // Four at once: what is written too many is written over by the next ones.
    while (ends != 0) {
      store<usize>(to, at + <usize>ctz(ends));
      ends &= ends - 1;
      store<usize>(to, at + <usize>ctz(ends), 4);
      ends &= ends - 1;
      store<usize>(to, at + <usize>ctz(ends), 8);
      ends &= ends - 1;
      store<usize>(to, at + <usize>ctz(ends), 12);
      ends &= ends - 1;
      to += 16;
    }
    if (odd != 0) break;
    at += 64;
  }
  fieldCount = fields;
  rowCount = rows;
  return odd != 0;
}

@inline
function bits(a: v128, b: v128, c: v128, d: v128): u64 {
  return (
    <u64>i8x16.bitmask(a) |
    (<u64>i8x16.bitmask(b) << 16) |
    (<u64>i8x16.bitmask(c) << 32) |
    (<u64>i8x16.bitmask(d) << 48)
  );
}

/** One row; where the next one begins, or 0 where it is not whole or not well formed. */
function scanOddRow(at: usize, end: usize, delimiter: u32, quote: u32): usize {
  while (true) {
    if (at < end && load<u8>(at) == quote) {
      at = behindQuoted(at + 1, end, quote);
      if (at < end && load<u8>(at) == carriageReturn) at++;
      if (at >= end || !isEnd(load<u8>(at), delimiter)) return 0;
      if (load<u8>(at) == delimiter && load<u8>(at - 1) != quote) return 0;
    } else {
      while (at < end && !isEnd(load<u8>(at), delimiter)) at++;
      if (at >= end) return 0;
    }
    store<usize>(fieldEnds + (<usize>fieldCount << 2), at);
    fieldCount++;
    at++;
    if (load<u8>(at - 1) == lineFeed) break;
  }
  store<u32>(rowEnds + (<usize>rowCount << 2), fieldCount);
  rowCount++;
  return at;
}

@inline
function isEnd(byte: u32, delimiter: u32): bool {
  return byte == delimiter || byte == lineFeed;
}

/** Behind the quote that closes what begins at `at`; `end` where none does. */
function behindQuoted(at: usize, end: usize, quote: u32): usize {
  for (; at < end; at++) {
    if (load<u8>(at) != quote) continue;
    if (at + 1 < end && load<u8>(at, 1) == quote) at++;
    else return at + 1;
  }
  return end;
}

/** For as many fields, and rows, as so many bytes can have. */
function makeRoom(bytes: usize): void {
  const needed = (bytes + 64) << 2;
  if (needed <= capacity) return;
  if (capacity > 0) {
    release(fieldEnds - 4, capacity);
    release(rowEnds, capacity);
  }
  capacity = needed;
  fieldEnds = allocate(needed) + 4;
  rowEnds = allocate(needed);
}
