/** The syntax of ECMA-262 patterns with the `u` flag, as far as they are regular: what RE2 and the automata are made from. */
import { anyButLineEnds, type CodePoints, classOf, codePointsOf, complement, union } from './codepoints.ts';

/** Groups do not capture and quantifiers are neither greedy nor lazy: only whether a text matches is asked. */
export type Expression =
  /** One code point of the set. */
  | { readonly kind: 'set'; readonly set: CodePoints }
  | { readonly kind: 'sequence'; readonly items: readonly Expression[] }
  | { readonly kind: 'choice'; readonly options: readonly Expression[] }
  /** `max` may be Infinity. */
  | { readonly kind: 'repeat'; readonly item: Expression; readonly min: number; readonly max: number }
  | Assertion;

/** Start and end of the text, a border of a word, and no border of a word. */
export interface Assertion {
  readonly kind: 'start' | 'end' | 'border' | 'inside';
}

/** Throws Error that says why: the syntax is wrong, or the pattern is not regular and so takes no linear time. */
export function parseExpression(source: string): Expression {
  // V8 knows what is valid; below, only valid patterns are read.
  new RegExp(source, 'u');
  return new Parser(source).parse();
}

/** Deeper groups are refused: whoever reads an expression does so by recursion. */
const maxDepth = 200;

const controls: Readonly<Record<string, number>> = { t: 0x09, n: 0x0a, v: 0x0b, f: 0x0c, r: 0x0d, 0: 0x00 };

class Parser {
  readonly #source: string;
  #at = 0;
  #depth = 0;

  constructor(source: string) {
    this.#source = source;
  }

  parse(): Expression {
    return this.#choice();
  }

  #choice(): Expression {
    const options = [this.#sequence()];
    while (this.#takes('|')) options.push(this.#sequence());
    return options.length === 1 && options[0] ? options[0] : { kind: 'choice', options };
  }

  #sequence(): Expression {
    const items: Expression[] = [];
    while (this.#at < this.#source.length && !'|)'.includes(this.#peek())) items.push(this.#repeated(this.#term()));
    return items.length === 1 && items[0] ? items[0] : { kind: 'sequence', items };
  }

  #repeated(item: Expression): Expression {
    const match = this.#match(/([*+?])\??|\{(\d+)(,?)(\d*)\}\??/y);
    if (!match) return item;
    const [, sign, least, comma, most] = match;
    if (sign) return { kind: 'repeat', item, min: sign === '+' ? 1 : 0, max: sign === '?' ? 1 : Infinity };
    const min = Number(least);
    return { kind: 'repeat', item, min, max: most ? Number(most) : comma ? Infinity : min };
  }

  #term(): Expression {
    if (this.#takes('^')) return { kind: 'start' };
    if (this.#takes('$')) return { kind: 'end' };
    if (this.#takes('\\b')) return { kind: 'border' };
    if (this.#takes('\\B')) return { kind: 'inside' };
    if (this.#takes('.')) return { kind: 'set', set: anyButLineEnds };
    if (this.#takes('[')) return { kind: 'set', set: this.#class() };
    if (this.#takes('(')) return this.#group();
    return { kind: 'set', set: setOf(this.#member()) };
  }

  #group(): Expression {
    if (this.#match(/\?<?[=!]/y)) throw new Error('lookahead and lookbehind take no linear time');
    if (!this.#match(/\?:|\?<[^>]*>/y) && this.#takes('?'))
      throw new Error('flags inside of a pattern are not supported');
    this.#depth += 1;
    if (this.#depth > maxDepth) throw new Error(`groups nest deeper than ${maxDepth} levels`);
    const inner = this.#choice();
    this.#depth -= 1;
    this.#takes(')');
    return inner;
  }

  #class(): CodePoints {
    const negated = this.#takes('^');
    const ranges: (readonly [number, number])[] = [];
    while (!this.#takes(']')) {
      const first = this.#classMember();
      if (typeof first === 'number' && this.#peek() === '-' && this.#source[this.#at + 1] !== ']') {
        this.#at += 1;
        ranges.push([first, Number(this.#classMember())]);
      } else {
        ranges.push(...setOf(first));
      }
    }
    const set = union(ranges);
    return negated ? complement(set) : set;
  }

  #classMember(): number | CodePoints {
    return this.#takes('\\b') ? 0x08 : this.#member();
  }

  /** One code point, or a set of them where an escape stands for one. */
  #member(): number | CodePoints {
    if (this.#peek() === '\\') return this.#escape();
    return this.#codePoint();
  }

  #escape(): number | CodePoints {
    this.#at += 1;
    const letter = this.#peek();
    if (/[1-9k]/.test(letter)) throw new Error('back references take no linear time');
    const property = this.#match(/[pP]\{[^}]*\}/y);
    if (property) return codePointsOf(`\\${property[0]}`);
    const pair = this.#match(/u([dD][89abAB][0-9a-fA-F]{2})\\u([dD][c-fC-F][0-9a-fA-F]{2})/y);
    if (pair) return String.fromCharCode(hexadecimal(pair[1]), hexadecimal(pair[2])).codePointAt(0) ?? 0;
    const hex = this.#match(/u\{([0-9a-fA-F]+)\}|u([0-9a-fA-F]{4})|x([0-9a-fA-F]{2})/y);
    if (hex) return hexadecimal(hex[1] ?? hex[2] ?? hex[3]);
    const control = this.#match(/c([A-Za-z])/y);
    if (control?.[1]) return control[1].charCodeAt(0) % 32;
    const code = this.#codePoint();
    if (/[dDwWsS]/.test(letter)) return classOf(letter);
    return controls[letter] ?? code;
  }

  #codePoint(): number {
    const code = this.#source.codePointAt(this.#at) ?? 0;
    this.#at += code > 0xffff ? 2 : 1;
    return code;
  }

  #peek(): string {
    return this.#source[this.#at] ?? '';
  }

  #takes(text: string): boolean {
    if (!this.#source.startsWith(text, this.#at)) return false;
    this.#at += text.length;
    return true;
  }

  /** `pattern` is sticky. */
  #match(pattern: RegExp): RegExpExecArray | null {
    pattern.lastIndex = this.#at;
    const match = pattern.exec(this.#source);
    if (match) this.#at += match[0].length;
    return match;
  }
}

function setOf(member: number | CodePoints): CodePoints {
  return typeof member === 'number' ? [[member, member]] : member;
}

function hexadecimal(digits: string | undefined): number {
  return Number.parseInt(digits ?? '', 16);
}
