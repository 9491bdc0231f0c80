import fc from 'fast-check';
import { expect, test } from 'vitest';
import { createEngine } from '../index.ts';
import { engineSettings, inputOf, type Options, rejectsOf, rowsOf } from '../testing.ts';
import { anyText, mutated } from './cases.ts';

const schema = {
  type: 'object',
  properties: { a: { type: 'integer' }, b: { type: 'string' }, c: {} },
  required: ['a'],
};

/** What comes of a file in such pieces, and how many of its records walkers took. */
async function ingested(bytes: Uint8Array, pieceBytes: number, options: Options) {
  const files = new Map<string, Buffer>();
  const engine = createEngine(engineSettings(schema, files, { format: { type: 'JSON' }, ...options }));
  try {
    await engine.ingest(inputOf(bytes, 'file', pieceBytes));
    const { records, walked, errors } = await engine.finish();
    const rows = await Promise.all([...files].filter(([key]) => key !== 'rejects').map(([, file]) => rowsOf(file)));
    return { walked, found: { records, errors, rows, rejects: rejectsOf(files.get('rejects')) } };
  } catch (error) {
    await engine.abort();
    return { walked: 0, found: error instanceof Error ? error.message : error };
  }
}

const record = fc.oneof(
  fc
    .record({ a: fc.integer(), b: fc.string(), c: anyText.map((text) => ({ text })) }, { requiredKeys: [] })
    .map((value) => JSON.stringify(value)),
  fc.constantFrom('{"a":1}', '{ "a" : 1 ,\n "b":"]}" }', '{"a":1,"b":"\\\\"}', '{"a":1,"c":[{"x":"\\""}]}'),
  anyText,
);
const space = fc.constantFrom('', '', ' ', '\n', '\r\n\t');
const array = fc
  .tuple(fc.array(fc.tuple(space, record, space), { maxLength: 6 }), space)
  .map(([items, inside]) => `[${items.length > 0 ? items.map((item) => item.join('')).join(',') : inside}]`);
const sequence = fc
  .array(
    fc.tuple(
      space,
      fc.oneof(array, record),
      space.map((one) => `${one}\n`),
    ),
    { maxLength: 4 },
  )
  .map((items) => items.flat().join(''));
const files = fc.oneof(
  { weight: 3, arbitrary: array },
  { weight: 2, arbitrary: sequence },
  { weight: 2, arbitrary: array.chain(mutated) },
);

test('values are found as the plain way finds them, whatever the file and its pieces', async () => {
  let taken = 0;
  await fc.assert(
    fc.asyncProperty(files, fc.integer({ min: 1, max: 40 }), async (text, pieceBytes) => {
      const bytes = Buffer.from(text.toWellFormed());
      const { found, walked } = await ingested(bytes, pieceBytes, {});
      expect(found).toEqual((await ingested(bytes, pieceBytes, { plain: true })).found);
      taken += walked;
    }),
    { numRuns: 300 },
  );
  expect(taken).toBeGreaterThan(0);
}, 120_000);
