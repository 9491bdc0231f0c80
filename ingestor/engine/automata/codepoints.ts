/** Sets of code points, as the classes of patterns mean them. */

/** Sorted, disjoint ranges of code points, both ends inclusive. Surrogates count: V8 sees them where text is not well-formed. */
export type CodePoints = readonly (readonly [number, number])[];

export const lastCodePoint = 0x10ffff;
export const allCodePoints: CodePoints = [[0, lastCodePoint]];

export function complement(set: CodePoints): CodePoints {
  const rest: [number, number][] = [];
  let next = 0;
  for (const [first, last] of set) {
    if (first > next) rest.push([next, first - 1]);
    next = last + 1;
  }
  if (next <= lastCodePoint) rest.push([next, lastCodePoint]);
  return rest;
}

/** Of ranges in any order. */
export function union(ranges: CodePoints): CodePoints {
  const joined: [number, number][] = [];
  for (const [first, last] of [...ranges].sort(([a], [b]) => a - b)) {
    const before = joined.at(-1);
    if (before && first <= before[1] + 1) before[1] = Math.max(before[1], last);
    else joined.push([first, last]);
  }
  return joined;
}

const digits: CodePoints = [[0x30, 0x39]];
const wordCharacters: CodePoints = [
  [0x30, 0x39],
  [0x41, 0x5a],
  [0x5f, 0x5f],
  [0x61, 0x7a],
];
const spaces: CodePoints = [
  [0x09, 0x0d],
  [0x20, 0x20],
  [0xa0, 0xa0],
  [0x1680, 0x1680],
  [0x2000, 0x200a],
  [0x2028, 0x2029],
  [0x202f, 0x202f],
  [0x205f, 0x205f],
  [0x3000, 0x3000],
  [0xfeff, 0xfeff],
];

export const anyButLineEnds = complement([
  [0x0a, 0x0a],
  [0x0d, 0x0d],
  [0x2028, 0x2029],
]);

/** What ECMA-262 means by `\d`, `\w`, `\s` and their complements, named by the letter. */
export function classOf(letter: string): CodePoints {
  const lower = letter.toLowerCase();
  const set = lower === 'd' ? digits : lower === 'w' ? wordCharacters : spaces;
  return letter === lower ? set : complement(set);
}

/** What V8 means by a property such as `\p{L}`, found by asking it, so that all engines know the same Unicode. */
export function codePointsOf(property: string): CodePoints {
  const known = properties.get(property);
  if (known) return known;
  const member = new RegExp(`^${property}$`, 'u');
  const found: [number, number][] = [];
  for (let code = 0; code <= lastCodePoint; code += 1) {
    if (!member.test(String.fromCodePoint(code))) continue;
    const last = found.at(-1);
    if (last && last[1] === code - 1) last[1] = code;
    else found.push([code, code]);
  }
  properties.set(property, found);
  return found;
}

/** Remembered, since each takes a hundred milliseconds. */
const properties = new Map<string, CodePoints>();
