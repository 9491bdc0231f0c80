import fc from 'fast-check';
import { expect, test } from 'vitest';
import { tables } from './cases.ts';
import { compare } from './testing.ts';

test('what is taken is what the plain way takes, whatever the schema and the record', () => {
  let [taken, left] = [0, 0];
  fc.assert(
    fc.property(tables, ({ schema, lines }) => {
      const comparison = compare(schema, lines);
      if (!comparison) return;
      expect(comparison.wrong).toEqual([]);
      expect(comparison.held).toEqual(comparison.expected);
      taken += comparison.taken.length;
      left += comparison.left.length;
    }),
    { numRuns: 80 },
  );
  // The generators must exercise both.
  expect(taken).toBeGreaterThan(0);
  expect(left).toBeGreaterThan(0);
}, 120_000);
