/**
 * The `pattern`s of users' schemas, run in time linear in the text: with V8's backtracking engine one record could hold
 * a pod for ever (`^(a+)+$`). V8's own linear engine knows neither the `u` flag nor `{n,m}`, so patterns that cannot
 * backtrack run on V8 and all others on RE2 (re2js), translated so that they mean what ECMA-262 says.
 */
import { RE2JS } from 're2js';
import type { CodePoints } from './automata/codepoints.ts';
import { type Expression, parseExpression } from './automata/expression.ts';

export interface Pattern {
  test(text: string): boolean;
}

/** Throws Error with a message that says why the pattern is refused: its syntax, or what takes no linear time. */
export function compilePattern(source: string): Pattern {
  return compile(source).pattern;
}

/** The patterns of one schema document: each is compiled once, and all together are of bounded size. */
export class Patterns {
  readonly #compiled = new Map<string, Pattern>();
  #size = 0;

  /** Throws Error as `compilePattern` does, and where there are too many. */
  get(source: string): Pattern {
    const known = this.#compiled.get(source);
    if (known) return known;
    const { pattern, size } = compile(source);
    this.#size += size;
    if (this.#size > maxSizeOfAll)
      throw new Error(`with it, all patterns take more room than ${maxSizeOfAll} characters`);
    this.#compiled.set(source, pattern);
    return pattern;
  }
}

/** `size`: what it costs to make, in characters. */
function compile(source: string): { readonly pattern: Pattern; readonly size: number } {
  const expression = parseExpression(source);
  if (cannotBacktrack(expression)) return { pattern: new RegExp(source, 'u'), size: source.length };
  const size = sizeOf(expression);
  if (size > maxSize) throw new Error(`takes more room than ${maxSize} characters, its repeats written out`);
  const linear = RE2JS.compile(translate(expression));
  return { pattern: { test: (text) => linear.test(text) }, size };
}

/** RE2 takes a second for a million. */
const maxSize = 20_000;
const maxSizeOfAll = 500_000;

/** How many characters it has when repeats are written out; a class counts by how many ranges it is of. */
function sizeOf(expression: Expression): number {
  switch (expression.kind) {
    case 'set':
      return 1 + expression.set.length / 10;
    case 'sequence':
      return expression.items.reduce((sum, item) => sum + sizeOf(item), 1);
    case 'choice':
      return expression.options.reduce((sum, option) => sum + sizeOf(option), 1);
    case 'repeat':
      return sizeOf(expression.item) * Math.max(1, expression.max === Infinity ? expression.min + 1 : expression.max);
    default:
      return 1;
  }
}

/**
 * A sequence of single characters and classes, anchored at the start, with at most one of them of variable length: it is
 * tried from as many places as the text is long at most, where the variable part ends, so what follows has to be short.
 * Those that are not anchored are none of V8's: it stops between the halves of surrogate pairs, and misses at the end.
 */
function cannotBacktrack(expression: Expression): boolean {
  const items = expression.kind === 'sequence' ? expression.items : [expression];
  if (items[0]?.kind !== 'start' || !items.every(isSimple)) return false;
  const variable = items.filter((item) => item.kind === 'repeat' && item.min !== item.max).length;
  const characters = items.reduce((sum, item) => sum + (item.kind === 'repeat' ? item.min : 1), 0);
  return variable === 0 || (variable === 1 && characters <= maxTriedAgain);
}

function isSimple(item: Expression): boolean {
  if (item.kind === 'repeat') return item.item.kind === 'set';
  return item.kind === 'set' || item.kind === 'start' || item.kind === 'end';
}

const maxTriedAgain = 100;

/** RE2's own limit on `{n,m}`: it unrolls them. */
const maxRepeat = 1000;

/** The same in RE2's syntax. */
function translate(expression: Expression): string {
  switch (expression.kind) {
    case 'set':
      return translateSet(expression.set);
    case 'sequence':
      return expression.items.map(translateItem).join('');
    case 'choice':
      return `(?:${expression.options.map(translate).join('|')})`;
    case 'repeat':
      return `${translateItem(expression.item)}${quantifier(expression.min, expression.max)}`;
    case 'start':
      return '\\A';
    case 'end':
      return '\\z';
    case 'border':
      return '\\b';
    case 'inside':
      return '\\B';
  }
}

/** In brackets where something might stand behind it. */
function translateItem(item: Expression): string {
  return item.kind === 'sequence' || item.kind === 'repeat' ? `(?:${translate(item)})` : translate(item);
}

function quantifier(min: number, max: number): string {
  if (max === Infinity && min < 2) return min === 0 ? '*' : '+';
  if (min === 0 && max === 1) return '?';
  if ((max === Infinity ? min : max) > maxRepeat)
    throw new Error(`a repeat of more than ${maxRepeat} times takes too much room`);
  return max === Infinity ? `{${min},}` : `{${min},${max}}`;
}

function translateSet(set: CodePoints): string {
  if (set.length === 0) return '[^\\x{0}-\\x{10FFFF}]';
  const ranges = set.map(([first, last]) => (first === last ? literal(first) : `${literal(first)}-${literal(last)}`));
  return `[${ranges.join('')}]`;
}

function literal(code: number): string {
  return `\\x{${code.toString(16).toUpperCase()}}`;
}
