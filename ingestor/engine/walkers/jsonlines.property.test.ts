import fc from 'fast-check';
import { expect, test } from 'vitest';
import { tables } from './cases.ts';
import { compare } from './testing.ts';

test('what is taken is what the plain way takes, whatever the schema and the record', () => {
  let [taken, left, plain] = [0, 0, 0];
  fc.assert(
    fc.property(tables, ({ schema, lines }) => {
      const comparison = compare(schema, lines);
      if (!comparison) {
        plain += 1;
        return;
      }
      expect(comparison.wrong).toEqual([]);
      expect(comparison.held).toEqual(comparison.expected);
      taken += comparison.taken.length;
      left += comparison.left.length;
    }),
    { numRuns: Number(process.env.RUNS ?? 300) },
  );
  console.log({ taken, left, plain });
  // Most are decided.
  expect(taken).toBeGreaterThan(left);
}, 1_200_000);
