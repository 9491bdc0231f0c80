import { domainToASCII } from 'node:url';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { isHostname, isIdnHostname } from './uri.ts';

test.each([
  'bücher.example',
  'faß.de',
  '日本語.jp',
  'παράδειγμα.δοκιμή',
  'उदाहरण.परीक्षा',
  'إختبار',
  'דוגמה.טעסט',
  'क्\u200dष',
  'ⴀⴁ',
  '𐌰𐌱',
])('%s is a host name, and so is what it is in ASCII', (name) => {
  expect(isIdnHostname(name)).toBe(true);
  expect(isHostname(name)).toBe(false);
  const ascii = domainToASCII(name);
  expect(ascii).toMatch(/xn--/);
  expect(isHostname(ascii)).toBe(true);
  expect(isHostname(ascii.toUpperCase())).toBe(true);
  expect(isIdnHostname(ascii)).toBe(true);
});

test.each([
  'Bücher.example',
  'a\u00b7b',
  '\u0301a',
  'ａ.example',
  'א.1a',
  'אa',
  '-é',
  'é-',
  'éa--b',
  'e\u0301',
  'é'.repeat(60),
  'a b.é',
  '\ud800é',
  'a\u200cb',
])('%j is none', (name) => {
  expect(isIdnHostname(name)).toBe(false);
});

test.each(['xn--', 'xn--a', 'xn--a-', 'xn--99999999', 'xn--!', 'xn--abc-', 'xn--0'.padEnd(63, '0')])(
  '%s stands for nothing',
  (name) => {
    expect(isHostname(name)).toBe(false);
  },
);

test('what is a label in Unicode is one in ASCII, whatever it is', () => {
  const unit = fc.oneof(fc.constantFrom(...'aé日अ्אب٠۰-l·'), fc.string({ unit: 'grapheme', maxLength: 1 }));
  const property = fc.property(fc.string({ unit, maxLength: 8 }), (label) => {
    if (!isIdnHostname(label) || isHostname(label)) return;
    const ascii = domainToASCII(label);
    // Letters that the newest Unicode brought may not be known there yet.
    if (ascii !== '') expect([label, isHostname(ascii)]).toEqual([label, true]);
  });
  fc.assert(property, { numRuns: 500 });
});
