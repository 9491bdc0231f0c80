import { describe, expect, test } from 'vitest';
import type { PartitionValue } from '../contract/layout.ts';
import type { PartitionField } from '../contract/task.ts';
import { parseDate, parseDateTime } from './datetime.ts';
import type { ColumnType } from './schema.ts';
import { createTransform, murmur3, transformedType } from './transforms.ts';

const micros = (text: string) => parseDateTime(text) ?? Number.NaN;
const days = (text: string) => parseDate(text) ?? Number.NaN;

describe('the hash is that of appendix B of the Iceberg specification', () => {
  const long = (value: bigint) => {
    const bytes = Buffer.alloc(8);
    bytes.writeBigInt64LE(value);
    return bytes;
  };
  const cases: readonly [string, Uint8Array, number][] = [
    ['int and long 34', long(34n), 2017239379],
    ['decimal 14.20', Buffer.from('058c', 'hex'), -500754589],
    ['date 2017-11-16', long(BigInt(days('2017-11-16'))), -653330422],
    ['time 22:31:08', long(81_068_000_000n), -662762989],
    ['timestamp 2017-11-16T22:31:08', long(BigInt(micros('2017-11-16T22:31:08Z'))), -2047944441],
    ['timestamptz with microseconds', long(BigInt(micros('2017-11-16T14:31:08.000001-08:00'))), -1207196810],
    ['string iceberg', Buffer.from('iceberg'), 1210000089],
    ['uuid', Buffer.from('f79c3e09677c4bbda4793f349cb785e7', 'hex'), 1488055340],
    ['binary 00010203', Buffer.from('00010203', 'hex'), -188683207],
    ['nothing', Buffer.alloc(0), 0],
  ];
  test.each(cases)('of %s', (_, bytes, hash) => {
    expect(murmur3(bytes)).toBe(hash);
  });
});

type Case = readonly [ColumnType, PartitionField['transform'], number | undefined, unknown, PartitionValue];

describe('a value goes to its partition', () => {
  const cases: readonly Case[] = [
    ['string', 'Identity', undefined, 'a', 'a'],
    ['boolean', 'Identity', undefined, false, false],
    ['int', 'Identity', undefined, -5, -5],
    ['long', 'Identity', undefined, 9007199254740993n, '9007199254740993'],
    ['long', 'Identity', undefined, 5, '5'],
    ['double', 'Identity', undefined, 1.5, 1.5],
    ['double', 'Identity', undefined, -0, 0],
    ['date', 'Identity', undefined, -1, -1],
    ['timestamptz', 'Identity', undefined, -1, '-1'],

    ['date', 'Year', undefined, days('2017-11-16'), 47],
    ['date', 'Month', undefined, days('2017-11-16'), 574],
    ['date', 'Day', undefined, 17_486, 17_486],
    ['timestamptz', 'Year', undefined, micros('2017-11-16T22:31:08Z'), 47],
    ['timestamptz', 'Month', undefined, micros('2017-11-16T22:31:08Z'), 574],
    ['timestamptz', 'Day', undefined, micros('2017-11-16T22:31:08Z'), 17_486],
    ['timestamptz', 'Hour', undefined, micros('2017-11-16T22:31:08Z'), 419_686],

    ['date', 'Year', undefined, days('1969-12-31'), -1],
    ['date', 'Month', undefined, days('1969-12-31'), -1],
    ['date', 'Year', undefined, days('0000-01-01'), -1970],
    ['timestamptz', 'Year', undefined, -1, -1],
    ['timestamptz', 'Month', undefined, -1, -1],
    ['timestamptz', 'Day', undefined, -1, -1],
    ['timestamptz', 'Hour', undefined, -1, -1],
    ['timestamptz', 'Hour', undefined, micros('1969-12-31T22:00:00Z'), -2],
    ['timestamptz', 'Day', undefined, 0, 0],
    ['timestamptz', 'Day', undefined, micros('9999-12-31T23:59:59.999999Z'), 2_932_896],
    ['timestamptz', 'Hour', undefined, BigInt(micros('9999-12-31T23:59:59.999999Z')), 70_389_527],
    ['timestamptz', 'Day', undefined, micros('0000-01-01T00:00:00Z'), -719_528],

    ['int', 'Bucket', 16, 34, (2017239379 & 0x7fffffff) % 16],
    ['long', 'Bucket', 16, 34n, (2017239379 & 0x7fffffff) % 16],
    ['string', 'Bucket', 100, 'iceberg', 89],
    ['date', 'Bucket', 1000, days('2017-11-16'), (-653330422 & 0x7fffffff) % 1000],
    ['timestamptz', 'Bucket', 1000, micros('2017-11-16T22:31:08Z'), (-2047944441 & 0x7fffffff) % 1000],

    ['int', 'Truncate', 10, 1, 0],
    ['int', 'Truncate', 10, -1, -10],
    ['int', 'Truncate', 10, -10, -10],
    ['int', 'Truncate', 10, -(2 ** 31), 2147483646],
    ['long', 'Truncate', 10, 1, '0'],
    ['long', 'Truncate', 10, -1n, '-10'],
    ['long', 'Truncate', 7, 9007199254740993n, '9007199254740988'],
    ['string', 'Truncate', 3, 'iceberg', 'ice'],
    ['string', 'Truncate', 3, 'ab', 'ab'],
    ['string', 'Truncate', 2, 'ä😀b', 'ä😀'],
    ['json', 'Identity', undefined, '{"a":1}', '{"a":1}'],
    ['json', 'Bucket', 100, 'iceberg', 89],
    ['json', 'Truncate', 3, '{"a":1}', '{"a'],
  ];
  test.each(cases)('%s %s(%s) of %s', (type, transform, parameter, value, expected) => {
    const kind = { transform, ...(parameter === undefined ? {} : { parameter }) };
    expect(createTransform(kind, type)(value)).toBe(expected);
    expect(createTransform(kind, type)(null)).toBe(null);
  });
});

test('days and hours are floors on both sides of each border, as numbers and as bigints', () => {
  const [day, hour] = [
    createTransform({ transform: 'Day' }, 'timestamptz'),
    createTransform({ transform: 'Hour' }, 'timestamptz'),
  ];
  for (const unit of [-104_249, -719_528, -2, -1, 0, 1, 104_249, 2_932_896]) {
    const border = BigInt(unit) * 86_400_000_000n;
    for (const [value, expected] of [
      [border - 1n, unit - 1],
      [border, unit],
      [border + 1n, unit],
    ] as const) {
      expect(day(value)).toBe(expected);
      if (Number.isSafeInteger(Number(value))) expect(day(Number(value))).toBe(expected);
      expect(hour(value)).toBe(value < border ? unit * 24 - 1 : unit * 24);
    }
  }
});

test('only types that a transform is made for have it', () => {
  const types: readonly ColumnType[] = ['string', 'boolean', 'int', 'long', 'double', 'date', 'timestamptz'];
  const allowed = (transform: PartitionField['transform']) =>
    types.filter((type) => transformedType({ transform }, type) !== undefined);
  expect(allowed('Identity')).toEqual(types);
  expect(allowed('Year')).toEqual(['date', 'timestamptz']);
  expect(allowed('Hour')).toEqual(['timestamptz']);
  expect(allowed('Bucket')).toEqual(['string', 'int', 'long', 'date', 'timestamptz']);
  expect(allowed('Truncate')).toEqual(['string', 'int', 'long']);
  for (const type of ['struct', 'map', 'list'] as const)
    expect(transformedType({ transform: 'Identity' }, type)).toBeUndefined();
  expect(() => createTransform({ transform: 'Hour' }, 'date')).toThrow('no Hour of date');
  expect(() => createTransform({ transform: 'Bucket' }, 'int')).toThrow('without its parameter');
});
