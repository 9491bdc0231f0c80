import { describe, expect, test } from 'vitest';
import { mayContain, summarizePartitions } from './partition-summary.ts';
import {
  compareValues,
  deserializeValue,
  fromPartitionValue,
  type SingleValue,
  serializeValue,
  toPartitionValue,
} from './values.ts';

describe('the binary form of a single value', () => {
  test.for<[string, SingleValue, string]>([
    ['boolean', false, '00'],
    ['boolean', true, '01'],
    ['int', 34, '22000000'],
    ['int', -1, 'ffffffff'],
    ['long', 34, '2200000000000000'],
    ['long', 9223372036854775807n, 'ffffffffffffff7f'],
    ['float', 1.5, '0000c03f'],
    ['double', -1.5, '000000000000f8bf'],
    ['date', 17_486, '4e440000'],
    ['timestamptz', 400_000, '801a060000000000'],
    ['string', 'iceberg', '69636562657267'],
    ['string', 'Ä', 'c384'],
  ])('of %s %s is %s, and the same when read', ([type, value, hex]) => {
    const bytes = serializeValue(value, type);
    expect(bytes && Buffer.from(bytes).toString('hex')).toBe(hex);
    expect(deserializeValue(Buffer.from(hex, 'hex'), type)).toBe(value);
  });

  test('of a long that was an int is read', () => {
    expect(deserializeValue(Buffer.from('feffffff', 'hex'), 'long')).toBe(-2);
  });

  test('of null, and of types that are not written here, is none', () => {
    expect(serializeValue(null, 'int')).toBeUndefined();
    expect(serializeValue(1, 'unknown')).toBeUndefined();
    expect(deserializeValue(Buffer.of(1, 2), 'decimal(9, 2)')).toBeUndefined();
  });
});

test.for<[SingleValue, SingleValue]>([
  [-1, 1],
  [5, 9223372036854775807n],
  [-0, 0],
  [false, true],
  ['Z', 'a'],
  ['z', 'Ä'],
  // By bytes, not by UTF-16 units.
  ['\u{ffff}', '\u{10000}'],
  [Buffer.of(1), Buffer.of(1, 0)],
])('%o comes before %o', ([a, b]) => {
  expect(compareValues(a, b)).toBeLessThan(0);
  expect(compareValues(b, a)).toBeGreaterThan(0);
  expect(compareValues(a, a)).toBe(0);
});

test('64-bit numbers travel as text', () => {
  expect(fromPartitionValue('9223372036854775807', 'long')).toBe(9223372036854775807n);
  expect(fromPartitionValue('-5', 'timestamptz')).toBe(-5);
  expect(fromPartitionValue('5', 'string')).toBe('5');
  expect(toPartitionValue(5, 'long')).toBe('5');
  expect(toPartitionValue(5, 'int')).toBe(5);
  expect(toPartitionValue(null, 'long')).toBe(null);
});

describe('a summary of partitions', () => {
  const columns = [{ id: 1000, sourceID: 1, name: 'n', type: 'int' }];

  test('has bounds of what is neither null nor NaN', () => {
    const [summary] = summarizePartitions(
      [{ ...columns[0], id: 1, sourceID: 1, name: 'd', type: 'double' }],
      [[2.5], [null], [Number.NaN], [-1]],
    );
    expect(summary).toEqual({
      containsNull: true,
      containsNaN: true,
      lower: serializeValue(-1, 'double'),
      upper: serializeValue(2.5, 'double'),
    });
  });

  test('of nulls alone has no bounds', () => {
    expect(summarizePartitions(columns, [[null]])).toEqual([{ containsNull: true, containsNaN: false }]);
  });

  test.for<[SingleValue, boolean]>([
    [2, false],
    [3, true],
    [5, true],
    [7, true],
    [8, false],
    [null, false],
  ])('tells whether %o may be in it: %s', ([value, expected]) => {
    const summaries = summarizePartitions(columns, [[7], [3]]);
    expect(mayContain(summaries, columns, [value])).toBe(expected);
  });

  test('that is not there, or of other columns, excludes nothing', () => {
    expect(mayContain(undefined, columns, [1])).toBe(true);
    expect(mayContain([], columns, [1])).toBe(true);
  });
});
