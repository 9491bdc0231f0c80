/** What plain ajv refuses is rejected, what it accepts is ingested, and comes back equal: for any schema and any record. */
import { Ajv2020 } from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { formatDateTime, parseDateTime } from './datetime.ts';
import { type Column, compileSchema } from './schema.ts';
import { ingestAll, type Row } from './testing.ts';

type Json = null | boolean | number | string | Json[] | { [key: string]: Json };

/** A schema together with values that mostly fit it. */
interface Case {
  readonly schema: object;
  readonly value: fc.Arbitrary<Json>;
}

const text = fc.string({ maxLength: 6 });
const anything: fc.Arbitrary<Json> = fc.oneof(
  fc.constantFrom<Json>(null, true, 0, 1, -1, 1.5, '', 'a', '2026-02-31', [], {}),
  text,
  fc.integer(),
  // Larger ones are the same number in other digits once they are JSON text: 1e+21.
  fc.double({ noNaN: true, min: -1e9, max: 1e9 }),
  fc.array(fc.oneof(text, fc.integer(), fc.constant(null)), { maxLength: 3 }),
  fc.dictionary(fc.constantFrom('a', 'b', 'x'), fc.oneof(text, fc.integer(), fc.constant(null)), { maxKeys: 3 }),
);

const moment = fc.date({ min: new Date('0001-01-01'), max: new Date('9999-12-31'), noInvalidDate: true });

const leaf: fc.Arbitrary<Case> = fc.oneof(
  fc.tuple(fc.nat(3), fc.integer({ min: 3, max: 6 })).map(([minLength, maxLength]) => ({
    schema: { type: 'string', minLength, maxLength },
    value: fc.string({ maxLength: 8 }),
  })),
  fc.constant({
    schema: { type: 'string', pattern: '^[a-c]*x?$' },
    value: fc.string({ unit: fc.constantFrom('a', 'c', 'x'), maxLength: 4 }),
  }),
  fc.constant({ schema: { type: 'boolean' }, value: fc.boolean() }),
  fc.constant({ schema: { type: 'integer' }, value: fc.maxSafeInteger() }),
  fc.constant({
    schema: { type: 'integer', minimum: -5, exclusiveMaximum: 5, multipleOf: 2 },
    value: fc.integer({ min: -6, max: 6 }),
  }),
  fc.constant({ schema: { type: 'number' }, value: fc.double({ noNaN: true, noDefaultInfinity: true }) }),
  fc.constant({ schema: { type: 'string', format: 'date-time' }, value: moment.map((date) => date.toISOString()) }),
  fc.constant({
    schema: { type: 'string', format: 'date' },
    value: moment.map((date) => date.toISOString().slice(0, 10)),
  }),
  fc.constant({ schema: { type: 'string', format: 'uuid' }, value: fc.uuid() }),
  fc.constant({ schema: { enum: ['a', 'b', null] }, value: fc.constantFrom('a', 'b', null, 'c') }),
  fc.constant({ schema: { enum: ['a', 1, { x: [1] }] }, value: fc.constantFrom<Json>('a', 1, { x: [1] }, { x: [2] }) }),
  fc.constant({ schema: {}, value: anything }),
);

const anyCase = fc.letrec<{ node: Case }>((tie) => ({
  node: fc.oneof(
    { maxDepth: 3, withCrossShrink: true },
    leaf,
    leaf.map(({ schema, value }) => ({
      schema: { anyOf: [schema, { type: 'null' }] },
      value: fc.oneof(value, fc.constant(null)),
    })),
    fc.tuple(tie('node'), fc.boolean()).map(([{ schema, value }, unique]) => ({
      schema: { type: 'array', items: schema, maxItems: 3, uniqueItems: unique },
      value: fc.array(value, { maxLength: 4 }),
    })),
    tie('node').map(({ schema, value }) => ({
      schema: { type: ['object', 'null'], additionalProperties: schema, maxProperties: 3 },
      value: fc.oneof(fc.dictionary(fc.constantFrom('a', 'k/~', ''), value, { maxKeys: 4 }), fc.constant(null)),
    })),
    fc.tuple(fc.array(tie('node'), { minLength: 1, maxLength: 3 }), fc.nat(), fc.boolean()).map(structCase),
  ),
})).node;

const fieldNames = ['a', 'b.c', 'constructor'];

function structCase([fields, requiredBits, open]: [Case[], number, boolean]): Case {
  const named = fields.map((field, index) => [fieldNames[index] ?? '', field] as const);
  const required = named.flatMap(([name], index) => ((requiredBits >> index) & 1 ? [name] : []));
  const properties = Object.fromEntries(named.map(([name, { schema }]) => [name, schema]));
  const values = Object.fromEntries(named.map(([name, { value }]) => [name, value]));
  return {
    schema: { type: 'object', properties, required, ...(open ? {} : { additionalProperties: false }) },
    value: fc.oneof(
      { weight: 6, arbitrary: fc.record(values, { requiredKeys: [] }) as fc.Arbitrary<Json> },
      { weight: 6, arbitrary: fc.record(values) as fc.Arbitrary<Json> },
      { weight: 1, arbitrary: fc.record({ ...values, extra: anything }, { requiredKeys: [] }) as fc.Arbitrary<Json> },
    ),
  };
}

/** A record schema and records, of which some do not fit at all. */
const tables = fc.tuple(fc.array(anyCase, { minLength: 1, maxLength: 3 }), fc.nat(), fc.boolean()).chain((parts) => {
  const { schema, value } = structCase(parts);
  const records = fc.array(fc.oneof({ weight: 15, arbitrary: value }, { weight: 1, arbitrary: anything }), {
    minLength: 1,
    maxLength: 12,
  });
  // As JSON has them, without prototypes of their own.
  return fc.tuple(
    fc.constant(schema),
    records.map((list): Json[] => JSON.parse(JSON.stringify(list))),
  );
});

test('any schema, any record', async () => {
  let [accepted, refused] = [0, 0];
  await fc.assert(
    fc.asyncProperty(tables, async ([schema, records]) => {
      const ajv = new Ajv2020({ strict: false, ownProperties: true, logger: false });
      addFormats.default(ajv);
      const validate = ajv.compile(schema);
      const isRecord = (value: Json) => typeof value === 'object' && value !== null && !Array.isArray(value);
      const verdicts = records.map((record) => isRecord(record) && validate(record));
      const { columns } = compileSchema(JSON.stringify(schema), 'Record');

      const { rows, rejects } = await ingestAll(schema, [records.map((record) => JSON.stringify(record)).join('\n')]);

      const expected = records.filter((_, index) => verdicts[index]).map((record) => storedStruct(record, columns));
      expect(rows).toEqual(expected);
      expect(rejects.map(({ record }) => record)).toEqual(
        verdicts.flatMap((verdict, index) => (verdict ? [] : [index + 1])),
      );
      accepted += rows.length;
      refused += rejects.length;
    }),
    { numRuns: 100 },
  );
  // The generators must exercise both.
  expect(accepted).toBeGreaterThan(100);
  expect(refused).toBeGreaterThan(100);
}, 120_000);

function storedStruct(value: Json, columns: readonly Column[]): Row {
  const struct = value as { readonly [key: string]: Json };
  const fields = columns.flatMap((column): [string, unknown][] => {
    const field = Object.hasOwn(struct, column.name) ? struct[column.name] : undefined;
    return field === undefined || field === null ? [] : [[column.name, stored(field, column)]];
  });
  return Object.fromEntries(fields);
}

function stored(value: Json, column: Column): unknown {
  if (value === null) return null;
  const [first, second] = column.children;
  if (column.type === 'json') return JSON.stringify(value);
  if (column.type === 'timestamptz') return formatDateTime(parseDateTime(String(value)) ?? 0);
  if (column.type === 'struct') return storedStruct(value, column.children);
  if (column.type === 'list' && Array.isArray(value)) return value.map((item) => (first ? stored(item, first) : item));
  if (column.type === 'map' && typeof value === 'object' && !Array.isArray(value)) {
    return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, second ? stored(item, second) : item]));
  }
  return value;
}
