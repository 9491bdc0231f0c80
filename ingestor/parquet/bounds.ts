/** Least and greatest values of columns, as `PLAIN` encodes one: they are compared, and those of text are cut. */
import type { LeafType } from '../kernel/shape.ts';

/** By value; text by its UTF-8 bytes. */
export function compareBounds(type: LeafType, a: Uint8Array, b: Uint8Array): number {
  switch (type) {
    case 'string':
    case 'json':
      return Buffer.compare(a, b);
    case 'boolean':
      return (a[0] ?? 0) - (b[0] ?? 0);
    case 'int':
    case 'date':
      return viewOf(a).getInt32(0, true) - viewOf(b).getInt32(0, true);
    case 'double':
      return compareDoubles(viewOf(a).getFloat64(0, true), viewOf(b).getFloat64(0, true));
    case 'long':
    case 'timestamptz':
      return Number(viewOf(a).getBigInt64(0, true) - viewOf(b).getBigInt64(0, true));
  }
}

/** The negative zero is below the other one. */
function compareDoubles(a: number, b: number): number {
  if (a === 0 && b === 0) return Number(Object.is(b, -0)) - Number(Object.is(a, -0));
  return a - b;
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/** How long a text's bound may be. */
export interface TextLimit {
  readonly bytes: number;
  readonly characters: number;
}

/** The text itself, or as many of its characters as fit: not greater than the text. */
export function cutLower(text: Uint8Array, limit: TextLimit): Uint8Array {
  const end = endOf(text, limit);
  return end === text.length ? text : text.subarray(0, end);
}

/** The text itself, or the shortest greater one of that length: undefined where there is none. */
export function cutUpper(text: Uint8Array, limit: TextLimit): Uint8Array | undefined {
  const end = endOf(text, limit);
  if (end === text.length) return text;
  const characters = [...Buffer.from(text.subarray(0, end)).toString()];
  for (let length = characters.length; length > 0; length -= 1) {
    const next = characterAfter(characters[length - 1] ?? '');
    if (next !== undefined) return Buffer.from(characters.slice(0, length - 1).join('') + next);
  }
  return undefined;
}

/** Where the characters end that the limit allows. */
function endOf(text: Uint8Array, limit: TextLimit): number {
  let end = 0;
  for (let characters = 0; characters < limit.characters && end < text.length; characters += 1) {
    let next = end + 1;
    while (next < text.length && ((text[next] ?? 0) & 0xc0) === 0x80) next += 1;
    if (next > limit.bytes) break;
    end = next;
  }
  return end;
}

const lastCharacter = 0x10ffff;
/** Halves of surrogate pairs are no characters. */
const [beforeSurrogates, afterSurrogates] = [0xd7ff, 0xe000];

function characterAfter(character: string): string | undefined {
  const code = character.codePointAt(0) ?? lastCharacter;
  if (code === lastCharacter) return undefined;
  return String.fromCodePoint(code === beforeSurrogates ? afterSurrogates : code + 1);
}
