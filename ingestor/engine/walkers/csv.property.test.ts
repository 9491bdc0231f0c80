import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { CsvOptions, Mapping } from '../../contract/task.ts';
import { type Case, readPlain, readWalked } from './csvtesting.ts';

const runs = { numRuns: 200 };

/** Both ways of reading come to the same; answers how many rows the walker took, and how many more there were. */
async function compare(one: Case): Promise<{ walked: number; left: readonly string[] }> {
  const walked = await readWalked(one);
  if (!walked) return { walked: 0, left: [] };
  const plain = await readPlain(one);
  const { said, warned, columns, left } = walked;
  expect({ said, warned, columns }).toEqual({ said: plain.said, warned: plain.warned, columns: plain.columns });
  return { walked: walked.walked, left };
}

const tokens = [
  '"',
  '""',
  ',',
  '\n',
  '\r\n',
  '\r',
  'a',
  'bc',
  '\0',
  'é',
  '😀',
  ' ',
  '5',
  '","',
  '"\n"',
  ',\n',
  'x'.repeat(70),
];
const csvText = fc
  .array(fc.oneof({ weight: 3, arbitrary: fc.constantFrom(...tokens) }, fc.constantFrom(',', '\n')), { maxLength: 80 })
  .map((parts) => parts.join(''));
const cuts = fc.record({
  pieces: fc.array(fc.integer({ min: 1, max: 200 }), { minLength: 1, maxLength: 3 }),
  blockBytes: fc.integer({ min: 1, max: 300 }),
  rows: fc.integer({ min: 1, max: 5 }),
  maxRecordBytes: fc.constantFrom(20, 100, 10_000),
});

const texts = (count: number) => ({
  type: 'object',
  properties: Object.fromEntries(Array.from({ length: count }, (_, index) => [`c${index}`, { type: 'string' }])),
});
const schemas = [texts(1), texts(2), texts(3)];

test('whatever stands in it, text is read as the reader reads it', async () => {
  await fc.assert(
    fc.asyncProperty(fc.constantFrom(1, 2, 3), csvText, cuts, async (columns, text, cut) => {
      const names = Array.from({ length: columns }, (_, index) => `c${index}`);
      await compare({ schema: schemas[columns - 1] ?? {}, text: `${names.join()}\n${text}`, ...cut });
    }),
    runs,
  );
});

test('whatever its bytes are, it is read as the reader reads it', async () => {
  const byte = fc.oneof(fc.constantFrom(0x22, 0x2c, 0x0a, 0x0d, 0x61), fc.integer({ min: 0, max: 255 }));
  await fc.assert(
    fc.asyncProperty(fc.array(byte, { maxLength: 100 }), cuts, async (bytes, cut) => {
      const text = Buffer.concat([Buffer.from('c0,c1\n'), Buffer.from(bytes)]);
      await compare({ schema: schemas[1] ?? {}, text, ...cut });
    }),
    runs,
  );
});

test('rows as programs write them are all taken', async () => {
  const field = fc.oneof(
    fc.constantFrom('', 'a', '"', ',', '\n', '\r\n', '""', ' x', 'é'),
    fc.string({ unit: 'grapheme', maxLength: 100 }),
  );
  const row = fc.array(field, { minLength: 3, maxLength: 3 });
  const written = fc.record({ all: fc.boolean(), lineEnd: fc.constantFrom('\n', '\r\n') });
  await fc.assert(
    fc.asyncProperty(fc.array(row, { minLength: 1, maxLength: 20 }), written, async (rows, { all, lineEnd }) => {
      const quoted = (text: string) => (all || /[",\n\r]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);
      const text = ['c0,c1,c2', ...rows.map((fields) => fields.map(quoted).join())].map((line) => line + lineEnd);
      const { walked } = await compare({ schema: schemas[2] ?? {}, text: text.join('') });
      expect(walked).toBe(rows.length);
    }),
    runs,
  );
});

const leaf = fc.constantFrom<object>(
  { type: 'string' },
  { type: ['string', 'null'] },
  { type: 'string', maxLength: 3 },
  { type: 'string', enum: ['a', 'yes', '5'] },
  { enum: ['a', null] },
  { type: 'string', pattern: '^[a-z0-9]+$' },
  { type: 'integer' },
  { type: ['integer', 'null'], minimum: -10, maximum: 100 },
  { type: 'integer', enum: [5, 7, 1e19] },
  { type: 'integer', minimum: 1e30 },
  { type: 'number' },
  { type: 'number', minimum: 0.5, exclusiveMaximum: 1e17 },
  { type: 'boolean' },
  { type: 'boolean', const: true },
  { type: 'string', format: 'date' },
  { type: ['string', 'null'], format: 'date-time' },
  { type: 'array', items: { type: 'string' } },
  { type: 'object', additionalProperties: { type: 'integer' } },
  { type: ['string', 'integer'] },
  { type: 'integer', multipleOf: 5 },
  {},
);
const names = ['a', 'b', 'a.b', 'toString'];

/** A record, or a struct, of some of the names. */
function structOf(depth: number): fc.Arbitrary<object> {
  const value = depth === 0 ? leaf : fc.oneof({ weight: 2, arbitrary: leaf }, structOf(depth - 1));
  const property = fc.record({ name: fc.constantFrom(...names), value, required: fc.boolean() });
  return fc
    .record({
      properties: fc.uniqueArray(property, { selector: ({ name }) => name, minLength: 1, maxLength: 4 }),
      rest: fc.oneof(
        {
          weight: 8,
          arbitrary: fc.constantFrom<object>({}, { additionalProperties: false }, { type: ['object', 'null'] }),
        },
        fc.constantFrom<object>({ minProperties: 1 }, { maxProperties: 2 }, { minProperties: 2 }, { required: ['zz'] }),
      ),
    })
    .map(({ properties, rest }) => {
      const required = properties.filter((one) => one.required).map(({ name }) => name);
      return {
        type: 'object',
        properties: Object.fromEntries(properties.map((one) => [one.name, one.value])),
        ...(required.length > 0 ? { required } : {}),
        ...rest,
      };
    });
}

const paths = [
  'a',
  'b',
  'a.b',
  'a.a',
  'b.a',
  'b.b',
  'a\\.b',
  'b.a\\.b',
  'a.a.b',
  'b.b.a',
  'toString',
  'b.toString',
  'zz',
  'zz.a',
  '__proto__',
  'a.zz',
  'a..b',
];
const values = [
  '',
  '""',
  'a',
  'yes',
  'TRUE',
  'true',
  'off',
  '5',
  '"7"',
  '-3',
  '+5',
  '007',
  '0.5',
  '-0',
  '.5',
  '1e3',
  '1e400',
  '12345678901234567890',
  '9007199254740993',
  '100000000000000001',
  '2024-02-29',
  '2023-02-29',
  '2024-01-01T00:00:00Z',
  '2024-01-01t00:00:60.5+00:00',
  'NULL',
  '"NULL"',
  '"[""a""]"',
  '"{""a"":1}"',
  'null',
  'éé',
  '"a""b"',
];
const fieldText = fc.oneof({ weight: 2, arbitrary: fc.constant('') }, fc.constantFrom(...values));
const move = fc.record({ source: fc.constantFrom(...paths), destination: fc.constantFrom(...paths) });

const table = fc.uniqueArray(fc.constantFrom(...paths), { minLength: 1, maxLength: 6 }).chain((header) => {
  const row = fc.array(fieldText, { minLength: header.length, maxLength: header.length });
  return fc.record({
    schema: structOf(2).map((schema) => ({ ...schema, type: 'object' })),
    header: fc.constant(header),
    mapping: fc.oneof(fc.constant<Mapping>([]), fc.array(move, { maxLength: 2 })),
    options: fc.constantFrom<Partial<CsvOptions>>({}, { nullMarker: 'NULL' }, { nullMarker: '5' }),
    rows: fc.array(row, { maxLength: 12 }),
  });
});

test('whatever the schema, the header and the mapping are, rows become what they are for the reader', async () => {
  await fc.assert(
    fc.asyncProperty(table, async ({ schema, header, mapping, options, rows }) => {
      const text = [header.join(), ...rows.map((fields) => fields.join())].map((line) => `${line}\n`).join('');
      const one = { schema, text, mapping, options };
      const possible = await isPossible(one);
      fc.pre(possible);
      await compare(one);
    }),
    { numRuns: 60 },
  );
}, 60_000);

/** Not every schema that is generated is one, nor every mapping. */
async function isPossible(one: Case): Promise<boolean> {
  try {
    await readPlain(one);
    return true;
  } catch {
    return false;
  }
}
