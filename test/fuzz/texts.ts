/** Texts by chance, and how JSON may write them. */
import type { Chance } from '../support/chance.ts';
import type { Draw } from './draw.ts';

const letters = 'abcxyzABZ019 _-.@/:';
/** One, two, three and four bytes of UTF-8; controls; what looks like syntax. */
const characters = [
  ...letters,
  ...'äßé×ÿĀſ', // two bytes
  ...'東京‘’€\u2028\u2029\ufeff\uffff', // three
  ...'😀𝒳\u{10ffff}', // four
  ...'"\\/{}[],:\'#;|\t\n\r\b\f\u0000\u0001\u001f\u007f\u0080',
];

/** `length` in code points. */
export function anyText(chance: Chance, length: number): string {
  const plain = chance.is(0.7);
  return chance.repeat(length, () => chance.pick(plain ? [...letters] : characters)).join('');
}

/** A length near bounds, or a small one; now and then one that fills more than a vector. */
export function anyLength(chance: Chance, bounds: readonly number[] = []): number {
  if (bounds.length > 0 && chance.is(0.6)) return Math.max(0, chance.pick(bounds) + chance.from(-1, 1));
  return chance.weighted([
    [8, chance.whole(8)],
    [3, chance.from(8, 40)],
    [1, chance.from(40, 300)],
  ]);
}

const shortEscapes: Readonly<Record<string, string>> = {
  '"': '\\"',
  '\\': '\\\\',
  '/': '\\/',
  '\b': '\\b',
  '\f': '\\f',
  '\n': '\\n',
  '\r': '\\r',
  '\t': '\\t',
};

/** A JSON string: some characters are escaped that need not be, in one of the ways there are. */
export function spellText(text: string, draw: Draw): string {
  if (draw.escaping === 0 && !draw.chance.is(0.005)) return JSON.stringify(text);
  let spelled = '';
  for (const character of text) {
    const must = character < ' ' || character === '"' || character === '\\';
    spelled += must || draw.chance.is(draw.escaping + 0.002) ? escaped(character, draw.chance) : character;
  }
  return `"${spelled}"`;
}

function escaped(character: string, chance: Chance): string {
  const short = shortEscapes[character];
  if (short && chance.is(0.6)) return short;
  return Array.from({ length: character.length }, (_, at) => {
    const digits = character.charCodeAt(at).toString(16).padStart(4, '0');
    return `\\u${chance.is(0.5) ? digits : digits.toUpperCase()}`;
  }).join('');
}

/** What stands for a text and is none that JSON knows, or none that is valid Unicode. */
export const oddTexts: readonly string[] = [
  '"\\ud83d"',
  '"\\ude00x"',
  '"\\ude00\\ud83d"',
  '"\\uD83D\\u0041"',
  '"\\u12"',
  '"\\x41"',
  '"\\u00g0"',
  '"a\tb"',
  '"a\u0000b"',
  '"unfinished',
  "'single'",
  '"\\"',
  '"a""b"',
  'text',
];
