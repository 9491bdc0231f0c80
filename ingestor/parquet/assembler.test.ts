import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { rowsOf } from '../engine/testing.ts';
import { column, everyColumn, makeRows, required, writeFile } from './testing.ts';

test('a key of a map that means an object its prototype is a key like any other', async () => {
  const columns = [column('m', 'map', required(column('key', 'string')), column('value', 'int'))];
  const entries = [
    { key: '__proto__', value: 1 },
    { key: 'a', value: 2 },
    { key: 'a', value: 3 },
  ];
  const [row] = await rowsOf(await writeFile(columns, [[entries]]));
  expect(Object.entries(row?.m ?? {})).toEqual([
    ['__proto__', 1],
    ['a', 3],
  ]);
});

test('rows are the same whatever their pages, row groups and compression', async () => {
  const settings = fc.record({
    pageRows: fc.integer({ min: 1, max: 50 }),
    pageBytes: fc.integer({ min: 1, max: 5000 }),
    rowGroupRows: fc.integer({ min: 1, max: 120 }),
    compression: fc.constantFrom('None', 'Zstd', 'Snappy', 'Gzip'),
  });
  await fc.assert(
    fc.asyncProperty(settings, fc.integer(), fc.integer({ min: 1, max: 150 }), async (choice, seed, count) => {
      const rows = makeRows(everyColumn, count, seed);
      const expected = await rowsOf(await writeFile(everyColumn, rows));
      expect(expected).toHaveLength(count);
      expect(await rowsOf(await writeFile(everyColumn, rows, choice))).toEqual(expected);
    }),
    { numRuns: 40 },
  );
}, 120_000);

test('a file that is damaged anywhere is an error, or has rows, and reading it ends', async () => {
  const whole = await writeFile(everyColumn, makeRows(everyColumn, 60), { compression: 'None', pageRows: 7 });
  let [errors, read] = [0, 0];
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.tuple(fc.nat(whole.length - 1), fc.nat(255)), { minLength: 1, maxLength: 4 }),
      async (damages) => {
        const bytes = Buffer.from(whole);
        for (const [at, byte] of damages) bytes[at] = byte;
        try {
          await rowsOf(bytes);
          read += 1;
        } catch (error) {
          expect(error).toBeInstanceOf(Error);
          errors += 1;
        }
      },
    ),
    { numRuns: 300 },
  );
  expect(errors).toBeGreaterThan(0);
  expect(read).toBeGreaterThan(0);
}, 120_000);

/** What the file takes that is made and read in one process, and some 100 MiB of it to read it. */
const mostMiB = 300;

test('memory is bounded where pages are large and rows are nested', async () => {
  const program = join(import.meta.dirname, 'largepages-process.ts');
  const { stdout } = await promisify(execFile)(process.execPath, ['--max-old-space-size=96', program]);
  const { rows, mostMiB: used } = JSON.parse(stdout);
  expect(rows).toBe(300_000);
  expect(used).toBeLessThan(mostMiB);
}, 120_000);
