import { describe, expect, test } from 'vitest';
import type { LeafType } from '../kernel/shape.ts';
import { compareBounds, cutLower, cutUpper } from './bounds.ts';

const characters = (count: number) => ({ characters: count, bytes: Number.POSITIVE_INFINITY });
const bytes = (count: number) => ({ characters: Number.POSITIVE_INFINITY, bytes: count });
const last = '\u{10ffff}';

describe('text is cut', () => {
  test.each([
    ['not at all where it fits', 'abc', characters(3), 'abc', 'abc'],
    ['and rounded up above', 'abcd', characters(3), 'abc', 'abd'],
    ['by characters and not within one', 'aé😀b', characters(3), 'aé😀', 'aé😁'],
    ['by bytes and not within a character', 'aé😀b', bytes(6), 'aé', 'aê'],
    ['past what has no next character', `a${last}${last}b`, characters(3), `a${last}${last}`, 'b'],
    ['past the surrogates', '\ud7ffxx', characters(1), '\ud7ff', '\ue000'],
    ['to nothing below where the first character is too long', '😀', bytes(3), '', undefined],
    ['without an upper bound where nothing is greater', last.repeat(3), characters(2), last.repeat(2), undefined],
  ])('%s', (_, text, limit, lower, upper) => {
    const value = Buffer.from(text);
    expect(Buffer.from(cutLower(value, limit)).toString()).toBe(lower);
    const found = cutUpper(value, limit);
    expect(found && Buffer.from(found).toString()).toBe(upper);
  });

  test('and is known for uncut by being the same', () => {
    const value = Buffer.from('abc');
    expect([cutLower(value, bytes(3)), cutUpper(value, bytes(3))].every((one) => one === value)).toBe(true);
  });
});

function long(value: bigint): Buffer {
  const buffer = Buffer.alloc(8);
  buffer.writeBigInt64LE(value);
  return buffer;
}

function double(value: number): Buffer {
  const buffer = Buffer.alloc(8);
  buffer.writeDoubleLE(value);
  return buffer;
}

function int(value: number): Buffer {
  const buffer = Buffer.alloc(4);
  buffer.writeInt32LE(value);
  return buffer;
}

test.each<[LeafType, Uint8Array, Uint8Array]>([
  ['string', Buffer.from('\uffee'), Buffer.from('😀')],
  ['json', Buffer.from('1'), Buffer.from('10')],
  ['boolean', Buffer.of(0), Buffer.of(1)],
  ['int', int(-1), int(256)],
  ['date', int(-300), int(-2)],
  ['long', long(-(2n ** 63n)), long(2n ** 63n - 1n)],
  ['timestamptz', long(255n), long(256n)],
  ['double', double(-0), double(0)],
  ['double', double(-1.5), double(1e-300)],
])('values of %s are compared as they are ordered', (type, less, more) => {
  expect(Math.sign(compareBounds(type, less, more))).toBe(-1);
  expect(Math.sign(compareBounds(type, more, less))).toBe(1);
  expect(compareBounds(type, less, less)).toBe(0);
});
