/**
 * The `pattern`s of users' schemas, run in time linear in the text: with V8's backtracking engine one record could hold
 * a pod for ever (`^(a+)+$`). V8's own linear engine knows neither the `u` flag nor `{n,m}`, so patterns that cannot
 * backtrack run on V8 and all others on RE2 (re2js), translated so that they mean what ECMA-262 says.
 */
import { RE2JS } from 're2js';

export interface Pattern {
  test(text: string): boolean;
}

/** Throws Error with a message that says why the pattern is refused: its syntax, or what takes no linear time. */
export function compilePattern(source: string): Pattern {
  const native = new RegExp(source, 'u');
  const tokens = tokenize(source);
  if (cannotBacktrack(tokens)) return native;
  const repeats = tokens.flatMap((token) => [token.min ?? 0, token.max === Infinity ? 0 : (token.max ?? 0)]);
  if (Math.max(0, ...repeats) > maxRepeat)
    throw new Error(`a repeat of more than ${maxRepeat} times takes too much room`);
  const translated = tokens.map((token) => token.re2).join('');
  const linear = RE2JS.compile(translated);
  return { test: (text) => linear.test(text) };
}

interface Token {
  readonly kind: 'start' | 'end' | 'atom' | 'quantifier' | 'other';
  /** The same in RE2's syntax. Groups do not capture: only whether a text matches is asked. */
  readonly re2: string;
  /** quantifier: how often at least and at most. */
  readonly min?: number;
  readonly max?: number;
}

/**
 * A sequence of single characters and classes with at most one of them of variable length, anchored at the start, leaves
 * no more to try than the text is long; without any, not more than the text times the pattern.
 */
function cannotBacktrack(tokens: readonly Token[]): boolean {
  if (tokens.some((token) => token.kind === 'other')) return false;
  const variable = tokens.filter((token) => token.kind === 'quantifier' && token.min !== token.max).length;
  const anchored = tokens[0]?.kind === 'start';
  return variable === 0 || (variable === 1 && anchored);
}

/** RE2's own limit on `{n,m}`: it unrolls them. */
const maxRepeat = 1000;

/** Splits a pattern that is valid with the `u` flag; throws for what RE2 cannot run. */
function tokenize(source: string): Token[] {
  const tokens: Token[] = [];
  let at = 0;
  while (at < source.length) {
    const quantifier = /^(?:[*+?]|\{(\d+)(,?)(\d*)\})\??/.exec(source.slice(at));
    if (quantifier) {
      tokens.push(quantifierToken(quantifier));
      at += quantifier[0].length;
      continue;
    }
    const [token, length] = tokenAt(source, at);
    tokens.push(token);
    at += length;
  }
  return tokens;
}

function quantifierToken(match: RegExpExecArray): Token {
  const text = match[0];
  const braces = match[1] !== undefined;
  const min = braces ? Number(match[1]) : text.startsWith('+') ? 1 : 0;
  const max = !braces ? (text.startsWith('?') ? 1 : Infinity) : match[3] ? Number(match[3]) : match[2] ? Infinity : min;
  return { kind: 'quantifier', re2: text, min, max };
}

function tokenAt(source: string, at: number): [Token, number] {
  const char = source[at];
  if (char === '^') return [{ kind: 'start', re2: '\\A' }, 1];
  if (char === '$') return [{ kind: 'end', re2: '\\z' }, 1];
  if (char === '|' || char === ')') return [{ kind: 'other', re2: char }, 1];
  if (char === '.') return [{ kind: 'atom', re2: anyButLineEnds }, 1];
  if (char === '(') return groupAt(source, at);
  if (char === '[') return classAt(source, at);
  if (char === '\\') {
    const boundary = source[at + 1];
    if (boundary === 'b' || boundary === 'B') return [{ kind: 'other', re2: `\\${boundary}` }, 2];
    const [set, length] = escapeAt(source, at);
    return [{ kind: 'atom', re2: typeof set === 'number' ? literal(set) : `[${ranges(set)}]` }, length];
  }
  const code = source.codePointAt(at) ?? 0;
  return [{ kind: 'atom', re2: literal(code) }, code > 0xffff ? 2 : 1];
}

function groupAt(source: string, at: number): [Token, number] {
  const rest = source.slice(at);
  if (/^\(\?<?[=!]/.test(rest)) throw new Error('lookahead and lookbehind take no linear time');
  const named = /^\(\?<[^>]*>/.exec(rest);
  if (named) return [{ kind: 'other', re2: '(?:' }, named[0].length];
  if (rest.startsWith('(?:')) return [{ kind: 'other', re2: '(?:' }, 3];
  if (rest.startsWith('(?')) throw new Error('flags inside of a pattern are not supported');
  return [{ kind: 'other', re2: '(?:' }, 1];
}

/** Sorted, disjoint ranges of code points, both ends inclusive. */
type CodePoints = readonly (readonly [number, number])[];

function classAt(source: string, at: number): [Token, number] {
  let next = at + 1;
  const negated = source[next] === '^';
  if (negated) next += 1;
  let inside = '';
  while (source[next] !== ']') {
    const [first, length] = memberAt(source, next);
    next += length;
    if (typeof first === 'number' && source[next] === '-' && source[next + 1] !== ']') {
      const [last, lastLength] = memberAt(source, next + 1);
      next += 1 + lastLength;
      inside += `${literal(first)}-${literal(Number(last))}`;
    } else {
      inside += typeof first === 'number' ? literal(first) : ranges(first);
    }
  }
  const all = '\\x{0}-\\x{10FFFF}';
  const re2 = inside === '' ? (negated ? `[${all}]` : `[^${all}]`) : `[${negated ? '^' : ''}${inside}]`;
  return [{ kind: 'atom', re2 }, next + 1 - at];
}

function memberAt(source: string, at: number): [number | CodePoints, number] {
  if (source[at] === '\\') return source[at + 1] === 'b' ? [0x08, 2] : escapeAt(source, at);
  const code = source.codePointAt(at) ?? 0;
  return [code, code > 0xffff ? 2 : 1];
}

const controls: Readonly<Record<string, number>> = { t: 0x09, n: 0x0a, v: 0x0b, f: 0x0c, r: 0x0d, 0: 0x00 };

/** One code point or a set of them, and the length of the escape. */
function escapeAt(source: string, at: number): [number | CodePoints, number] {
  const rest = source.slice(at);
  const char = rest[1] ?? '';
  if (/[1-9k]/.test(char)) throw new Error('back references take no linear time');
  if (/[dDwWsS]/.test(char)) return [classOf(char), 2];
  const property = /^\\[pP]\{[^}]*\}/.exec(rest);
  if (property) return [codePointsOf(property[0]), property[0].length];
  const pair = /^\\u([dD][89abAB][0-9a-fA-F]{2})\\u([dD][c-fC-F][0-9a-fA-F]{2})/.exec(rest);
  if (pair) {
    const high = Number.parseInt(pair[1] ?? '', 16);
    const low = Number.parseInt(pair[2] ?? '', 16);
    return [(high - 0xd800) * 0x400 + (low - 0xdc00) + 0x10000, pair[0].length];
  }
  const hex = /^\\(?:u\{([0-9a-fA-F]+)\}|u([0-9a-fA-F]{4})|x([0-9a-fA-F]{2}))/.exec(rest);
  if (hex) return [Number.parseInt(hex[1] ?? hex[2] ?? hex[3] ?? '', 16), hex[0].length];
  if (char === 'c') return [(rest.charCodeAt(2) || 0) % 32, 3];
  const control = controls[char];
  if (control !== undefined) return [control, 2];
  const code = rest.codePointAt(1) ?? 0;
  return [code, code > 0xffff ? 3 : 2];
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

/** What ECMA-262 means by `\d`, `\w`, `\s` and their complements. */
function classOf(char: string): CodePoints {
  const lower = char.toLowerCase();
  const set = lower === 'd' ? digits : lower === 'w' ? wordCharacters : spaces;
  return char === lower ? set : complement(set);
}

function complement(set: CodePoints): CodePoints {
  const rest: [number, number][] = [];
  let next = 0;
  for (const [first, last] of set) {
    if (first > next) rest.push([next, first - 1]);
    next = last + 1;
  }
  rest.push([next, 0x10ffff]);
  // Surrogates are no characters.
  return rest.flatMap(([first, last]): [number, number][] =>
    first < 0xd800 && last > 0xdfff
      ? [
          [first, 0xd7ff],
          [0xe000, last],
        ]
      : [[first, last]],
  );
}

/** What V8 means by a property such as `\p{L}`, found by asking it, so that both engines know the same Unicode. */
function codePointsOf(property: string): CodePoints {
  const known = properties.get(property);
  if (known) return known;
  const member = new RegExp(`^${property}$`, 'u');
  const found: [number, number][] = [];
  for (let code = 0; code <= 0x10ffff; code += 1) {
    if (code === 0xd800) code = 0xe000;
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

const anyButLineEnds = '[^\\x{A}\\x{D}\\x{2028}\\x{2029}]';

function literal(code: number): string {
  if (code >= 0xd800 && code <= 0xdfff) throw new Error('a lone surrogate matches no text');
  return `\\x{${code.toString(16).toUpperCase()}}`;
}

function ranges(set: CodePoints): string {
  return set.map(([first, last]) => (first === last ? literal(first) : `${literal(first)}-${literal(last)}`)).join('');
}
