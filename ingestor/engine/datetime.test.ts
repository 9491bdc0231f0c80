import fc from 'fast-check';
import { expect, test } from 'vitest';
import { formatDate, formatDateTime, isTime, parseDate, parseDateTime } from './datetime.ts';

test.each([
  ['1970-01-01', 0],
  ['1969-12-31', -1],
  ['2000-02-29', 11016],
  ['0000-01-01', -719528],
  ['9999-12-31', 2932896],
])('the date %s is day %i', (text, days) => {
  expect(parseDate(text)).toBe(days);
  expect(formatDate(days)).toBe(text);
});

test.each([
  '2026-02-31',
  '2025-02-29',
  '1900-02-29',
  '2026-13-01',
  '2026-00-10',
  '2026-01-00',
  '2026-1-01',
  '2026-01-1',
  '20260101',
  '2026/01/01',
  ' 2026-01-01',
  '2026-01-01 ',
  '+026-01-01',
  '2026-01-०१',
  '',
])('%j is no date', (text) => {
  expect(parseDate(text)).toBeUndefined();
});

test.each([
  ['1970-01-01T00:00:00Z', 0],
  ['1970-01-01t00:00:01z', 1_000_000],
  ['1970-01-01T01:00:00+01:00', 0],
  ['1969-12-31T19:00:00.5-05:00', 500_000],
  ['1970-01-01T00:00:00.123456789Z', 123_456],
  ['1990-12-31T23:59:60Z', Date.UTC(1991, 0, 1) * 1000],
  ['1990-12-31T15:59:60-08:00', Date.UTC(1991, 0, 1) * 1000],
  ['9999-12-31T23:59:59.999999Z', 253_402_300_799_999_999n],
])('the date-time %s is %s microseconds', (text, micros) => {
  expect(parseDateTime(text)).toBe(micros);
});

test.each([
  '2026-02-31T00:00:00Z',
  '2026-01-01T24:00:00Z',
  '2026-01-01T00:60:00Z',
  '2026-01-01T00:00:61Z',
  '2026-01-01T12:00:60Z',
  '2026-01-01T00:00:00',
  '2026-01-01 00:00:00Z',
  '2026-01-01T00:00:00.Z',
  '2026-01-01T00:00:00+0100',
  '2026-01-01T00:00:00+01',
  '2026-01-01T00:00:00+24:00',
  '2026-01-01T00:00:00ZZ',
  '2026-01-01T0:00:00Z',
  '2026-01-01T00:00Z',
])('%j is no date-time', (text) => {
  expect(parseDateTime(text)).toBeUndefined();
});

test('times are times with an offset', () => {
  expect(isTime('12:34:56Z')).toBe(true);
  expect(isTime('23:59:60+00:00')).toBe(true);
  expect(isTime('12:34:56')).toBe(false);
  expect(isTime('12:34Z')).toBe(false);
});

test('every instant is parsed as the platform parses it, and comes back', () => {
  const min = new Date('0000-01-01T00:00:00Z');
  const max = new Date('9999-12-31T23:59:59.999Z');
  fc.assert(
    fc.property(fc.date({ min, max, noInvalidDate: true }), (date) => {
      const text = date.toISOString();
      const micros = parseDateTime(text);
      expect(BigInt(micros ?? -1)).toBe(BigInt(date.getTime()) * 1000n);
      expect(parseDateTime(formatDateTime(micros ?? 0) ?? '')).toBe(micros);
      const days = Math.floor(date.getTime() / 86_400_000);
      expect(parseDate(text.slice(0, 10))).toBe(days);
      expect(formatDate(days)).toBe(text.slice(0, 10));
    }),
  );
});

test('instants outside the years 0000 to 9999 have no text', () => {
  expect(formatDateTime(253_402_300_800_000_000n)).toBeUndefined();
  expect(formatDate(2932897)).toBeUndefined();
});
