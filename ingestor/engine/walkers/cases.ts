/** For tests: schemas of all kinds, each with the text of values that mostly fit it, in every spelling that JSON has. */
import fc from 'fast-check';
import { createExaminer } from '../examine.ts';
import { parseSchemaDocument } from '../schemadocument.ts';

export interface Case {
  readonly schema: object | boolean;
  /** JSON text of a value. */
  readonly text: fc.Arbitrary<string>;
}

type Texts = fc.Arbitrary<string>;

const space = fc.constantFrom('', '', '', '', '', ' ', '  ', '\t', '\r', ' \t ');

/** A string in one of the ways in which JSON may write it. */
function spelled(values: Texts): Texts {
  return fc.tuple(values, fc.constantFrom('plain', 'plain', 'plain', 'ascii', 'all')).map(([value, way]) => {
    const text = JSON.stringify(value);
    if (way === 'plain') return text;
    const escaped = (unit: string) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`;
    if (way === 'ascii') return text.replace(/[\u0080-\uffff]/g, escaped);
    return `"${value.replace(/[\s\S]/g, escaped)}"`;
  });
}

const oddTexts = fc.constantFrom(
  '',
  ' ',
  'a',
  'é',
  '日本',
  '😀',
  '\u0000',
  '\u007f',
  '\u2028',
  '\ufeff',
  '"',
  '\\',
  'a\nb',
  '\ud800',
  'null',
);

const texts: Texts = fc.oneof(
  { weight: 4, arbitrary: fc.constantFrom('a', 'é', 'b', '', 'abc') },
  { weight: 5, arbitrary: fc.string({ maxLength: 8 }) },
  { weight: 3, arbitrary: fc.string({ unit: 'grapheme', maxLength: 8 }) },
  { weight: 1, arbitrary: oddTexts },
  { weight: 1, arbitrary: fc.string({ minLength: 14, maxLength: 40 }) },
);

const oddNumbers = fc.constantFrom(
  ...['0', '-0', '0.0', '-0.0', '5.0', '1e3', '1E3', '1e+3', '1.5e-3', '12.50', '0.1', '0.000001', '0.0000001', '1e-7'],
  ...['9007199254740991', '9007199254740992', '9007199254740993', '-9007199254740993', '9223372036854775807'],
  ...['9223372036854775808', '-9223372036854775808', '-9223372036854775809', '12345678901234567890', '1e19', '1e400'],
  ...['1e22', '1e23', '123456789012345678', '0.30000000000000004', '2.2250738585072014e-308', '5e-324', '1e-400', '01'],
  ...[
    '1.7976931348623157e308',
    '1.8e308',
    '9007199254740993.0',
    '0.1e1',
    '100000000000000000000',
    '1.',
    '.5',
    '+1',
    '1e',
    '--1',
  ],
);
const integers: Texts = fc.oneof(
  { weight: 4, arbitrary: fc.constantFrom('0', '1', '2', '5') },
  { weight: 4, arbitrary: fc.integer({ min: -12, max: 12 }).map(String) },
  { weight: 2, arbitrary: fc.maxSafeInteger().map(String) },
  { weight: 1, arbitrary: fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }).map(String) },
  { weight: 1, arbitrary: oddNumbers },
);
const doubles: Texts = fc.oneof(
  { weight: 3, arbitrary: fc.double({ noNaN: true, noDefaultInfinity: true }).map(String) },
  { weight: 3, arbitrary: fc.double({ noNaN: true, min: -100, max: 100 }).map((value) => value.toFixed(3)) },
  {
    weight: 2,
    arbitrary: fc
      .tuple(fc.bigInt({ min: -(10n ** 19n), max: 10n ** 19n }), fc.integer({ min: -320, max: 300 }))
      .map(([digits, exponent]) => `${digits}e${exponent}`),
  },
  { weight: 2, arbitrary: integers },
);

const two = (most: number) => fc.integer({ min: 0, max: most }).map((value) => String(value).padStart(2, '0'));
const year = fc
  .oneof(fc.integer({ min: 0, max: 9999 }), fc.constantFrom(1900, 2000, 2023, 2024, 0, 9999))
  .map((value) => String(value).padStart(4, '0'));
const days: Texts = fc.oneof(
  fc.tuple(year, two(13), two(32)).map((parts) => parts.join('-')),
  fc
    .tuple(year, fc.constantFrom('02', '12', '01'), fc.constantFrom('28', '29', '30', '31', '01'))
    .map((parts) => parts.join('-')),
);
const fraction = fc.oneof(
  fc.constant(''),
  fc.string({ unit: fc.constantFrom('0', '9', '5'), maxLength: 9 }).map((digits) => `.${digits}`),
);
const offset = fc.oneof(
  fc.constantFrom('Z', 'z', '', '+00:00', '-00:00', '+0100', '+01'),
  fc.tuple(fc.constantFrom('+', '-'), two(24), two(60)).map(([sign, hours, minutes]) => `${sign}${hours}:${minutes}`),
);
const clock = fc.oneof(
  fc.tuple(two(24), two(60), two(61)).map((parts) => parts.join(':')),
  fc.constantFrom('23:59:60', '00:59:60', '22:59:60'),
);
const moments: Texts = fc
  .tuple(days, fc.constantFrom('T', 'T', 't', ' '), clock, fraction, offset)
  .map((parts) => parts.join(''));

const bounds = fc.record(
  {
    minimum: fc.constantFrom<unknown>(-5, 0, 1.5, 0.1, -1e300, 9007199254740992),
    maximum: fc.constantFrom<unknown>(5, 10, 100.5, 1e300, 2147483647, 2 ** 53),
    exclusiveMinimum: fc.constantFrom<unknown>(-6, 0, 0.5),
    exclusiveMaximum: fc.constantFrom<unknown>(6, 10, 12.5, 0),
    enum: fc.constantFrom<unknown>([1, 2, 3.5, 'a'], [0], [-1, 5, null]),
    const: fc.constantFrom<unknown>(5, 0),
    multipleOf: fc.constantFrom<unknown>(1, 2),
    format: fc.constantFrom<unknown>('int32', 'int64', 'double', 'uuid'),
    'meta:xdmType': fc.constantFrom<unknown>('int', 'short', 'long'),
    minLength: fc.constant(50),
    title: fc.constant('a number'),
  },
  { requiredKeys: [] },
);
/** Mostly no keyword or one. */
function few(keywords: fc.Arbitrary<object>): fc.Arbitrary<object> {
  return fc.tuple(keywords, fc.nat(100), fc.nat(100)).map(([all, first, second]) => {
    const entries = Object.entries(all);
    const picked = [first, second]
      .map((number) => entries[number % (entries.length + 2)])
      .filter((entry) => entry !== undefined);
    return Object.fromEntries(picked);
  });
}

const textKeywords = fc.record({
  minLength: fc.nat(6),
  maxLength: fc.integer({ min: 1, max: 9 }),
  pattern: fc.constantFrom('^[a-m]*', 'é|a', '^.{2,4}$'),
  format: fc.constantFrom('regex', 'int32', 'password', 'uri-reference', 'json-pointer'),
  enum: fc.constantFrom<unknown>(['', 'a', 'é', 1], ['a'], [null, 'null']),
  const: fc.constantFrom<unknown>('a', ''),
  minimum: fc.constant(3),
  'meta:xdmType': fc.constantFrom('string', 'date'),
});

const formatted: fc.Arbitrary<Case> = fc
  .constantFrom<[string, Texts]>(
    ['uuid', fc.uuid()],
    ['ipv4', fc.ipV4()],
    ['email', fc.emailAddress()],
    ['uri', fc.webUrl()],
    ['date', days],
    ['date-time', moments],
    ['time', fc.tuple(clock, fraction, offset).map((parts) => parts.join(''))],
  )
  .map(([format, values]) => ({ schema: { type: 'string', format }, text: spelled(values) }));

/** A value of any kind. */
export const anyText: Texts = fc.letrec<{ any: string }>((tie) => ({
  any: fc.oneof(
    { maxDepth: 3 },
    spelled(texts),
    doubles,
    fc.constantFrom('null', 'true', 'false', '{}', '[]', '{"a":1}', '[[[1]]]', 'nul', 'truefalse'),
    fc.array(tie('any'), { maxLength: 3 }).chain((items) => listText(items.map((item) => fc.constant(item)))),
    fc
      .array(fc.tuple(spelled(fc.oneof(texts, fc.constantFrom('1', '0', '10', 'a', '__proto__'))), tie('any')), {
        maxLength: 3,
      })
      .chain((entries) => objectText(entries.map(([name, value]) => ({ name, text: fc.constant(value) })))),
  ),
})).any;

/** Of several texts the first that fits, so that whole records do now and then. */
function fitting({ schema, text }: Case, tries = 6): Case {
  const several = fc.array(text, { minLength: tries, maxLength: tries });
  return {
    schema,
    text: fc.tuple(several, fc.nat(40)).map(([options, choice]) => {
      const [first = ''] = options;
      return choice === 0 ? first : (options.find(fitOf(schema)) ?? first);
    }),
  };
}

const fits = new Map<string, (text: string) => boolean>();

/** Made once for each schema, since that is what takes time. */
function fitOf(schema: object | boolean): (text: string) => boolean {
  const key = JSON.stringify({ type: 'object', properties: { value: schema } });
  const known = fits.get(key) ?? fitTo(key);
  fits.set(key, known);
  return known;
}

function fitTo(schema: string): (text: string) => boolean {
  const examiner = createExaminer(parseSchemaDocument(schema));
  return (text) => {
    try {
      return examiner.examine({ value: JSON.parse(text) }, []).length === 0;
    } catch {
      return false;
    }
  };
}

const leaf: fc.Arbitrary<Case> = fc
  .oneof(
    few(textKeywords).map((keywords) => ({ schema: { type: 'string', ...keywords }, text: spelled(texts) })),
    formatted,
    few(bounds).map((keywords) => ({ schema: { type: 'integer', ...keywords }, text: integers })),
    few(bounds).map((keywords) => ({ schema: { type: 'number', ...keywords }, text: doubles })),
    fc
      .constantFrom<object>(
        { type: 'boolean' },
        { type: 'boolean', const: true },
        { enum: [true, false] },
        { enum: [false] },
      )
      .map((schema) => ({ schema, text: fc.constantFrom('true', 'false') })),
    fc
      .constantFrom<object>(
        { enum: ['a', 'b', null] },
        { const: 'a' },
        { enum: ['a', 'é'] },
        { type: ['string', 'null'], enum: ['a'] },
      )
      .map((schema) => ({ schema, text: spelled(fc.constantFrom('a', 'b', 'é', 'c')) })),
    fc
      .constantFrom<object>({ enum: [1, 2, null] }, { const: 5 }, { type: ['null', 'integer'], enum: [1] })
      .map((schema) => ({ schema, text: integers })),
    fc
      .constantFrom<object | boolean>(
        {},
        true,
        { type: ['string', 'number'] },
        { type: ['integer', 'null', 'object'] },
        { type: 'object' },
        { type: 'array' },
        { type: ['string', 'integer'], minLength: 2 },
        { not: { type: 'string' } },
      )
      .map((schema) => ({ schema, text: anyText })),
  )
  .map((one) => fitting(one));

function orNull({ schema, text }: Case, way: number): Case {
  const branches = [schema, { type: 'null' }];
  const wrapped = [
    { anyOf: branches },
    { oneOf: branches },
    { anyOf: [...branches].reverse(), description: 'optional' },
    typeof schema === 'object' && 'type' in schema && typeof schema.type === 'string'
      ? { ...schema, type: [schema.type, 'null'] }
      : schema,
    { oneOf: [{ const: null }, schema] },
  ][way % 5];
  return {
    schema: wrapped ?? schema,
    text: fc.oneof({ weight: 3, arbitrary: text }, { weight: 2, arbitrary: fc.constant('null') }),
  };
}

function joined(open: string, close: string, parts: readonly string[], spaces: readonly string[]): string {
  const at = (index: number) => spaces[index % Math.max(1, spaces.length)] ?? '';
  return `${open}${at(0)}${parts.map((part, index) => `${part}${at(index * 2 + 1)}`).join(`,${at(2)}`)}${close}`;
}

const spaces = fc.array(space, { minLength: 1, maxLength: 5 });

function listText(items: readonly Texts[]): Texts {
  return fc.tuple(fc.tuple(...items), spaces).map(([parts, around]) => joined('[', ']', parts, around));
}

interface Field {
  /** As JSON text. */
  readonly name: string;
  readonly text: Texts;
}

/** Some fields may be missing, come in another order or twice. */
function objectText(fields: readonly Field[]): Texts {
  const entries = fields.map(({ name, text }) => text.map((value) => [name, value] as const));
  return fc
    .tuple(fc.tuple(...entries), spaces, fc.nat(40), fc.nat(40), fc.nat(30))
    .map(([all, around, left, moved, twice]) => {
      const kept = all.filter((_, index) => index !== left);
      const [one] = kept.splice(moved % 7, moved < 14 ? 1 : 0);
      if (one) kept.push(one);
      const again = kept[twice];
      if (again && twice < 3) kept.push(again);
      const at = (index: number) => around[index % around.length] ?? '';
      return joined(
        '{',
        '}',
        kept.map(([name, value], index) => `${name}${at(index)}:${at(index + 1)}${value}`),
        around,
      );
    });
}

function listCase(item: Case, rest: object): Case {
  const text = fc.array(item.text, { maxLength: 4 }).chain((items) => listText(items.map((one) => fc.constant(one))));
  return { schema: { type: 'array', items: item.schema, ...rest }, text };
}

function mapCase(value: Case, rest: object, named: readonly string[]): Case {
  const names = fc.oneof(
    fc.constantFrom('a', 'b', '1', '0', '10', '01', 'é', '', '__proto__', 'constructor', ...named),
    texts,
  );
  const entries = fc.array(fc.tuple(spelled(names), value.text), { maxLength: 4 });
  const text = entries.chain((list) => objectText(list.map(([name, one]) => ({ name, text: fc.constant(one) }))));
  return { schema: { type: 'object', additionalProperties: value.schema, ...rest }, text };
}

const fieldNames = ['a', 'field_b', 'a.rather.long.name.of.a.field', 'é', 'constructor', 'quoted"name', 'b'];

function structCase(fields: readonly Case[], rest: object, required: number, open: number): Case {
  const named = fields.map((field, index) => [fieldNames[index % fieldNames.length] ?? '', field] as const);
  const names = named.map(([name]) => name);
  const more = [{}, { additionalProperties: false }, { additionalProperties: {} }, { additionalProperties: true }, {}][
    open % 5
  ];
  const extra = fc.tuple(fc.constantFrom('extra', 'more', 'aa', 'é'), anyText);
  const own = named.map(([name, { text }]) => ({ name: JSON.stringify(name), text }));
  return {
    schema: {
      type: 'object',
      properties: Object.fromEntries(named.map(([name, { schema }]) => [name, schema])),
      required: names.filter((_, index) => (required >> index) & 1),
      ...more,
      ...rest,
    },
    text: fc.oneof(
      { weight: 8, arbitrary: objectText(own) },
      {
        weight: 1,
        arbitrary: extra.chain(([name, value]) =>
          objectText([...own, { name: JSON.stringify(name), text: fc.constant(value) }]),
        ),
      },
    ),
  };
}

const listKeywords = few(
  fc.record({
    minItems: fc.nat(2),
    maxItems: fc.integer({ min: 1, max: 3 }),
    uniqueItems: fc.boolean(),
    contains: fc.constant({ type: 'string' }),
  }),
);
const objectKeywords = few(
  fc.record({
    minProperties: fc.nat(1),
    maxProperties: fc.integer({ min: 2, max: 5 }),
    propertyNames: fc.constant({ maxLength: 9 }),
    title: fc.constant('t'),
  }),
);

const anyCase: fc.Arbitrary<Case> = fc.letrec<{ node: Case }>((tie) => ({
  node: fc.oneof(
    { maxDepth: 3, withCrossShrink: true },
    { weight: 6, arbitrary: leaf },
    { weight: 2, arbitrary: fc.tuple(tie('node'), fc.nat(4)).map(([inner, way]) => orNull(inner, way)) },
    { weight: 2, arbitrary: fc.tuple(tie('node'), listKeywords).map(([item, rest]) => listCase(item, rest)) },
    {
      weight: 2,
      arbitrary: fc
        .tuple(tie('node'), objectKeywords, fc.nat(3))
        .map(([value, rest, way]) => mapCase(value, { ...rest, ...stricter(value, way) }, ['Email'])),
    },
    {
      weight: 3,
      arbitrary: fc
        .tuple(fc.array(tie('node'), { minLength: 1, maxLength: 4 }), objectKeywords, fc.nat(15), fc.nat(4))
        .map((parts) => structCase(...parts)),
    },
    {
      weight: 1,
      arbitrary: tie('node').map(({ schema, text }) => ({ schema: { allOf: [schema, { title: 'both' }] }, text })),
    },
    {
      weight: 1,
      arbitrary: fc.tuple(tie('node'), fc.constantFrom('f', 'g')).map(([{ schema, text }, name]) => ({
        schema: {
          allOf: [
            { type: 'object', properties: { [name]: schema } },
            { properties: { f: schema, h: { type: 'integer' } }, required: ['f'] },
          ],
        },
        text: objectText([
          { name: '"f"', text },
          { name: '"h"', text: integers },
          { name: '"g"', text },
        ]),
      })),
    },
  ),
})).node;

/** Of a map: names with a schema of their own. */
function stricter({ schema }: Case, way: number): object {
  if (way === 0 || typeof schema !== 'object') return {};
  if (way === 1)
    return { properties: { Email: { ...schema, minLength: 2, minimum: 1, minItems: 1, pattern: '^[a-f]' } } };
  return way === 2 ? { required: ['Email'] } : {};
}

/** The schema of a record, and texts that are records of it more or less. */
export const tables: fc.Arbitrary<{ readonly schema: object; readonly lines: readonly string[] }> = fc
  .tuple(fc.array(anyCase, { minLength: 1, maxLength: 5 }), fc.nat(31), fc.nat(4), fc.boolean())
  .chain(([fields, required, open, draft]) => {
    const { schema, text } = fitting(structCase(fields, {}, required, open), 4);
    const drafted = draft ? { $schema: 'http://json-schema.org/draft-07/schema#', ...Object(schema) } : Object(schema);
    const line = fc.oneof({ weight: 3, arbitrary: text }, { weight: 1, arbitrary: text.chain(mutated) });
    return fc.record({ schema: fc.constant(drafted), lines: fc.array(line, { minLength: 1, maxLength: 25 }) });
  })
  .map(({ schema, lines }) => ({ schema, lines: lines.map((line) => line.toWellFormed().replaceAll('\n', ' ')) }));

const odd = fc.oneof(
  fc.constantFrom(
    ...'{}[]",:\\ \t\r0123456789.eE+-ntfu',
    '\u0000',
    '\ufeff',
    '\u00a0',
    'é',
    '""',
    '\\u',
    '\\ud83d',
    'null',
    ',,',
    '\u001f',
    '\f',
  ),
  fc.string({ maxLength: 2 }),
);

/** Some characters are taken out, put in, or put in twice. */
export function mutated(text: string): Texts {
  const change = fc.tuple(fc.nat(Math.max(0, text.length - 1)), fc.nat(3), odd, fc.nat(6));
  return fc.array(change, { minLength: 1, maxLength: 2 }).map((changes) =>
    changes.reduce((now, [at, how, other, length]) => {
      if (how === 0) return now.slice(0, at) + now.slice(at + 1 + (length % 2));
      if (how === 1) return now.slice(0, at) + other + now.slice(at + 1);
      return now.slice(0, at) + (how === 2 ? other : now.slice(at, at + length)) + now.slice(at);
    }, text),
  );
}
