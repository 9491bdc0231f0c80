/** White space between the parts of JSON. */

/** Line feeds before this one are white space: those of pretty-printed JSON; none where lines are records. */
let feedsEnd: usize = 0;

/** Line feeds that are not the last byte before `end` are white space; 0: none. */
export function setFeedsEnd(end: usize): void {
  feedsEnd = end == 0 ? 0 : end - 1;
}

/** The first byte at or after `at` that is no white space. */
@inline
export function skipSpace(at: usize): usize {
  return load<u8>(at) > 0x20 ? at : skipSpaces(at);
}

function skipSpaces(at: usize): usize {
  while (true) {
    const byte = load<u8>(at);
    if (byte != 0x20 && byte != 0x0d && byte != 0x09 && (byte != 0x0a || at >= feedsEnd)) return at;
    at++;
  }
}
