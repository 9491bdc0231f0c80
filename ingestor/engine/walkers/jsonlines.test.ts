import fc from 'fast-check';
import { expect, test } from 'vitest';
import { formatDateTime } from '../datetime.ts';
import { type Comparison, compare, LineTaker, planOf } from './testing.ts';

/** Compares, and expects that all that was taken is right. */
function compared(schema: object, lines: readonly string[]): Comparison {
  const comparison = compare(schema, lines);
  if (!comparison) throw new Error('the schema is not decided by walkers');
  expect(comparison.wrong).toEqual([]);
  expect(comparison.held).toEqual(comparison.expected);
  return comparison;
}

function record(properties: object, rest: object = {}): object {
  return { type: 'object', properties, ...rest };
}

const everything = record({
  text: { type: 'string', minLength: 1, maxLength: 5 },
  int: { type: 'integer', minimum: -5, maximum: 1000 },
  long: { type: ['integer', 'null'] },
  double: { type: 'number' },
  boolean: { type: 'boolean' },
  day: { type: 'string', format: 'date' },
  moment: { type: 'string', format: 'date-time' },
  any: {},
  struct: record({ a: { type: 'string' }, b: { type: 'integer' } }, { required: ['a'] }),
  list: { type: 'array', items: { type: ['string', 'null'] }, maxItems: 3 },
  map: { type: 'object', additionalProperties: { type: 'number' } },
  structs: { type: 'array', items: record({ x: { type: 'array', items: { type: 'integer' } } }) },
});

test('records of every type are taken as the plain way converts them', () => {
  const lines = [
    '{"text":"abc","int":7,"long":9223372036854775807,"double":-1.5e3,"boolean":true,"day":"2024-02-29","moment":"2024-01-01T00:00:00.1234567+01:30","any":{"x":[1,null]},"struct":{"a":"s","b":2},"list":["a",null],"map":{"k":1,"l":2.5},"structs":[{"x":[1,2]},{"x":[]},{}]}',
    '{}',
    '{ "text" : "é😀" , "int":-5 ,\t"list" : [ ] , "map" : { } , "structs":[ ],"struct": {"a":"","b":3}}\r',
    '{"long":-9223372036854775808,"double":0,"boolean":false,"any":"text","list":[null],"structs":[{}]}',
    '{"long":null,"double":-0,"any":12.5,"more":{"x":[true,"\\u00e9"]}}',
    '{"map":{"a":1,"\\u00e9\\n":2},"text":"\\ud83d\\ude00\\"","any":[{"b":1,"a":[]}]}',
  ];
  expect(compared(everything, lines).taken).toEqual(lines);
});

/** For each keyword: the place's schema, values that are taken, values that are left. */
const keywords: readonly [name: string, place: object | boolean, taken: readonly string[], left: readonly string[]][] =
  [
    ['type', { type: 'string' }, ['"a"'], ['1', 'null', 'true', '{}', '[]']],
    ['types with null', { type: ['string', 'null'] }, ['"a"', 'null'], ['1']],
    ['enum of texts', { enum: ['a', 'é'] }, ['"a"', '"é"', '"\\u0061"'], ['"b"', '"A"', '""']],
    ['enum with null', { enum: ['a', null] }, ['"a"', 'null'], ['"null"']],
    ['enum without null beside a type with it', { type: ['string', 'null'], enum: ['a'] }, ['"a"'], ['null']],
    ['enum of integers', { enum: [1, -2] }, ['1', '-2'], ['2', '1.0', '-1']],
    ['enum of doubles', { type: 'number', enum: [1, 2.5] }, ['1', '2.5', '1.0', '25e-1'], ['2']],
    ['enum of booleans', { enum: [true] }, ['true'], ['false']],
    ['const', { const: 'a' }, ['"a"'], ['"b"']],
    ['enum and const', { type: 'integer', enum: [1, 2], const: 2 }, ['2'], ['1']],
    ['minLength', { type: 'string', minLength: 2 }, ['"ab"', '"éé"', '"😀😀"'], ['"a"', '"é"', '"😀"', '""']],
    ['maxLength', { type: 'string', maxLength: 2 }, ['"ab"', '""', '"😀😀"'], ['"abc"', '"éée"', '"😀😀😀"']],
    ['pattern', { type: 'string', pattern: '^a+$' }, ['"a"', '"aaa"'], ['""', '"ab"']],
    ['two patterns', { type: 'string', allOf: [{ pattern: 'a' }, { pattern: 'b' }] }, ['"ab"', '"ba"'], ['"a"', '"b"']],
    ['format', { type: 'string', format: 'ipv4' }, ['"1.2.3.4"'], ['"1.2.3"']],
    ['format and pattern', { type: 'string', format: 'ipv4', pattern: '^1' }, ['"1.2.3.4"'], ['"2.2.3.4"', '"1"']],
    ['format without a check', { type: 'string', format: 'password' }, ['"x"'], ['1']],
    ['minimum', { type: 'integer', minimum: 1.5 }, ['2'], ['1']],
    ['maximum', { type: 'integer', maximum: 1.5 }, ['1'], ['2']],
    ['exclusiveMinimum', { type: 'integer', exclusiveMinimum: 1 }, ['2'], ['1', '0']],
    ['exclusiveMaximum', { type: 'integer', exclusiveMaximum: 1.5 }, ['1'], ['2']],
    ['minimum of doubles', { type: 'number', minimum: 0 }, ['0', '-0', '0.1'], ['-0.1', '-1e-300']],
    [
      'exclusive bounds of doubles',
      { type: 'number', exclusiveMinimum: 0, exclusiveMaximum: 1 },
      ['0.5', '1e-300'],
      ['0', '-0', '1'],
    ],
    ['int32', { type: 'integer', format: 'int32' }, ['2147483647'], ['2147483648']],
    ['sizes of XDM', { type: 'integer', 'meta:xdmType': 'byte' }, ['-128'], ['128']],
    [
      'minItems and maxItems',
      { type: 'array', items: { type: 'integer' }, minItems: 1, maxItems: 2 },
      ['[1]', '[1,2]'],
      ['[]', '[1,2,3]'],
    ],
    [
      'uniqueItems of texts',
      { type: 'array', items: { type: ['string', 'null'] }, uniqueItems: true },
      ['["a","b",null]', '[]'],
      ['["a","a"]', '["a","\\u0061"]', '["a",null,null]'],
    ],
    [
      'uniqueItems of integers',
      { type: 'array', items: { type: 'integer' }, uniqueItems: true },
      ['[1,2,0]', '[9223372036854775807,9223372036854775806]'],
      ['[1,2,1]', '[0,-0]'],
    ],
    [
      'uniqueItems of doubles, of one',
      { type: 'array', items: { type: 'number' }, uniqueItems: true },
      ['[1]', '[]'],
      ['[1,1.0]', '[1,2]'],
    ],
    ['required', record({ a: { type: 'integer' } }, { required: ['a'] }), ['{"a":1}'], ['{}', '{"a":null}']],
    [
      'required and nullable',
      record({ a: { type: ['integer', 'null'] } }, { required: ['a'] }),
      ['{"a":null}'],
      ['{}'],
    ],
    ['additionalProperties false', record({ a: {} }, { additionalProperties: false }), ['{}'], ['{"b":1}']],
    ['minProperties', record({ a: {}, b: {} }, { minProperties: 1 }), ['{"a":1}'], ['{}']],
    ['maxProperties', record({ a: {}, b: {} }, { maxProperties: 1 }), ['{"a":1}', '{}'], ['{"a":1,"b":2}']],
    ['a field that must not be there', record({ a: false, b: {} }), ['{"b":1}'], ['{"a":1}']],
    [
      'a map with a stricter name',
      { type: 'object', additionalProperties: { type: 'string' }, properties: { a: { type: 'string', maxLength: 1 } } },
      ['{"a":"x"}', '{"b":"xx","a":"x"}'],
      ['{"a":"xx"}', '{"b":"xx","\\u0061":"xx"}'],
    ],
    [
      'a map of enums with a name of its own enum',
      { type: 'object', additionalProperties: { enum: ['x', 'y'] }, properties: { a: { enum: ['x', 'z'] } } },
      ['{"a":"x","b":"y"}', '{"b":"x","a":"z"}'],
      ['{"a":"y"}', '{"b":"z"}'],
    ],
    [
      'a map with a required name',
      { type: 'object', additionalProperties: { type: 'integer' }, required: ['a'], minProperties: 2 },
      ['{"a":1,"b":2}'],
      ['{"b":1,"c":2}', '{"a":1}', '{}'],
    ],
    ['anyOf with null', { anyOf: [{ type: 'integer' }, { type: 'null' }] }, ['1', 'null'], ['"a"']],
    ['oneOf with null', { oneOf: [{ const: null }, { type: 'string', minLength: 1 }] }, ['"a"', 'null'], ['""']],
    ['oneOf with null twice', { oneOf: [{ type: 'null' }, { type: ['string', 'null'] }] }, ['"a"'], ['null']],
    ['anyOf of one', { anyOf: [{ type: 'integer', minimum: 1 }] }, ['1'], ['0']],
    [
      'allOf of objects',
      { allOf: [record({ a: { type: 'integer' } }), record({ b: { type: 'string' } }, { required: ['b'] })] },
      ['{"a":1,"b":""}'],
      ['{"a":1}'],
    ],
    [
      'allOf of which one is closed',
      {
        allOf: [record({ a: { type: 'integer' } }, { additionalProperties: false }), record({ b: { type: 'string' } })],
      },
      ['{"a":1}'],
      ['{"b":""}'],
    ],
    [
      'keywords of other types',
      { type: 'string', minimum: 5, items: false, required: ['x'], multipleOf: 2 },
      ['"a"'],
      ['1'],
    ],
    [
      'annotations',
      { type: 'string', title: 't', 'meta:xdmField': 'x', 'x-any': { not: {} }, examples: [1] },
      ['"a"'],
      ['1'],
    ],
    [
      'anything',
      true,
      ['1', '"a"', '{"a":[1]}', '[]', 'true', 'null'],
      ['"\\u00e9"', '1.0', '-0', '1e3', '12345678901234567'],
    ],
    [
      'anything, as it is written again',
      {},
      ['{ "b" : 1 , "a" : [ 1 , { } ] }', '"\\n\\""', '0.000001', '{"1":1,"a":2}'],
      ['{"a":1,"a":2}', '{"b":1,"1":2}', '0.0000001', '"\\/"', '1.50'],
    ],
    ['mixed types', { type: ['integer', 'string'] }, ['1', '"a"'], ['1.5', 'true', 'null', '{}']],
  ];

test.each(keywords)('%s', (_name, place, taken, left) => {
  const schema = record({ field: place });
  const lineOf = (value: string) => `{"field":${value}}`;
  const comparison = compared(schema, [...taken, ...left].map(lineOf));
  expect(comparison.taken).toEqual(taken.map(lineOf));
});

test.each<[string, object]>([
  ['multipleOf', { type: 'integer', multipleOf: 2 }],
  ['not', { type: 'string', not: { const: 'a' } }],
  ['if', { type: 'string', if: { minLength: 1 }, else: true }],
  ['contains', { type: 'array', items: { type: 'integer' }, contains: { const: 1 } }],
  ['items that are not allowed', { allOf: [{ type: 'array', items: { type: 'integer' } }, { items: false }] }],
  ['patternProperties', record({ a: {} }, { patternProperties: { b: {} } })],
  ['propertyNames', record({ a: {} }, { propertyNames: { maxLength: 1 } })],
  ['dependentRequired', record({ a: {} }, { dependentRequired: { a: ['b'] } })],
  ['an unnamed field that must be there', record({ a: {} }, { required: ['b'] })],
  [
    'oneOf of two',
    {
      oneOf: [
        { type: 'string', maxLength: 2 },
        { type: 'string', minLength: 1 },
      ],
    },
  ],
  ['a format of integers for doubles', { type: 'number', format: 'int32' }],
  ['enum of objects', { ...record({ a: {} }), enum: [{}] }],
  ['a pattern of dates', { type: 'string', format: 'date', pattern: '^2' }],
  ['nullable', { type: 'string', nullable: true }],
])('%s is left to the plain way, and records without the field are taken', (_name, place) => {
  const { taken } = compared(record({ field: place, other: {} }), [
    ...['{}', '{"other":1}'],
    ...['1', '2', '"a"', '"2024-01-01"', 'null', '[]', '[1]', '{}', '{"a":1}'].map((value) => `{"field":${value}}`),
  ]);
  expect(taken).toEqual(['{}', '{"other":1}']);
});

test.each<[string, object]>([
  ['not', { not: { required: ['b'] } }],
  ['an unnamed field that must be there', { required: ['b'] }],
  ['enum', { enum: [{}] }],
  ['a schema for fields that no keyword looked at', { unevaluatedProperties: { type: 'string' } }],
  ['unevaluatedProperties for a part of it', { allOf: [{ unevaluatedProperties: false }] }],
])('a schema with %s goes the plain way as a whole', (_name, rest) => {
  expect(planOf(record({ a: {} }, rest))).toBeUndefined();
});

test('unevaluatedProperties closes what allOf is made of', () => {
  const schema = record(
    { inner: { allOf: [record({ x: {} }), { $ref: '#/$defs/y' }], unevaluatedProperties: false }, map: {} },
    {
      allOf: [record({ a: { type: 'integer' } }), { $ref: '#/$defs/b' }],
      unevaluatedProperties: false,
      $defs: { b: record({ b: { type: 'string' } }), y: record({ y: { type: 'integer' } }) },
    },
  );
  const { taken, left } = compared(schema, [
    ...['{"a":1,"b":"x"}', '{"inner":{"x":1,"y":2}}', '{"c":1}', '{"inner":{"z":1}}', '{"a":"x"}', '{}'],
  ]);
  expect(taken).toEqual(['{"a":1,"b":"x"}', '{"inner":{"x":1,"y":2}}', '{}']);
  expect(left).toEqual([]);
});

test('references are followed, also beside other keywords, and where they lead back nothing is decided', () => {
  const schema = record(
    { name: { $ref: '#/$defs/name', maxLength: 2 }, tree: { $ref: '#/$defs/tree' } },
    {
      $defs: {
        name: { type: 'string', minLength: 1 },
        tree: record({ value: { type: 'integer' }, left: { $ref: '#/$defs/tree' } }),
      },
    },
  );
  const { taken } = compared(schema, [
    ...['{"name":"a"}', '{"name":""}', '{"name":"abc"}'],
    ...['{"tree":{"value":1}}', '{"tree":{"left":{"value":1}}}', '{"tree":{"left":null}}'],
  ]);
  expect(taken).toEqual(['{"name":"a"}', '{"tree":{"value":1}}']);
});

test('what is no JSON is left, and what JSON.parse takes otherwise', () => {
  const schema = record({ a: { type: 'integer' }, b: { type: 'number' }, c: { type: 'string' }, d: {} });
  const lines = [
    ...[
      '{"a":01}',
      '{"a":+1}',
      '{"a":1.}',
      '{"b":.5}',
      '{"b":1.}',
      '{"b":1e}',
      '{"b":1e+}',
      '{"b":-}',
      '{"b":00}',
      '{"b":0x1}',
    ],
    ...[
      '{"b":NaN}',
      '{"b":Infinity}',
      '{"b":1e400}',
      '{"b":-1e400}',
      '{"b":1_0}',
      '{"a":--1}',
      '{"a":1 2}',
      '{"d":01}',
      '{"d":1.}',
    ],
    ...[
      '{"a":1,}',
      '{,"a":1}',
      '{"a":1,,"b":1}',
      '{"a" 1}',
      '{"a"::1}',
      '{a:1}',
      "{'a':1}",
      '{"a":1',
      '{"a":1}}',
      '{"a":1]',
    ],
    ...[
      '{"a":1}{"a":2}',
      '{"a":1} 1',
      '{"a":1},',
      '[{"a":1}]',
      '"a"',
      '1',
      'null',
      '{',
      '{"a"',
      '{"a":',
      '{"c":"',
      '{"c":"a',
    ],
    ...[
      '{"c":"\u0000"}',
      '{"c":"\u001f"}',
      '{"c":"\t"}',
      '{"c":"\\x"}',
      '{"c":"\\u12"}',
      '{"c":"\\u12g4"}',
      '{"c":"\\"}',
      '{"c":"a\\',
    ],
    ...[
      '{"c":"\\ud800"}',
      '{"c":"\\udc00\\ud800"}',
      '{"c":"\\ud800\\u0041"}',
      '{"c":"\\ud800"\\udc00"}',
      '\ufeff{"a":1}',
    ],
    ...[
      '{\ufeff"a":1}',
      '{\u00a0"a":1}',
      '{"a":\f1}',
      '{"a":\u000b1}',
      '\u0000',
      '{"a":1}\u0000',
      '{"a":1}\u00a0',
      '{"a":tru}',
    ],
    ...[
      '{"x":[1,]}',
      '{"x":{"y"}}',
      '{"x":{"y":}}',
      '{"x":[1}}',
      '{"x":tru}',
      '{"x":"\\q"}',
      '{"x":01}',
      '{"x":}',
      '{"x":1e}',
      '{"x"1}',
    ],
    ...['{"a":1,"a":2}', '{"a":1,"\\u0061":2}', '{"\\u0061":1}', '{"a":5.0}', '{"a":1e3}', '{"a":9223372036854775808}'],
    ...[
      '{"c":nulll}',
      '{"c":nul}',
      '{"c":truefalse}',
      '{"a":1,"c":"x" "b":1}',
      '{"a":1/**/}',
      '{"d":[1,]}',
      '{"d":{"a":1,}}',
    ],
  ];
  expect(compared(schema, lines).taken).toEqual([]);
});

test('what follows an open text or object on its line is not taken from the next line', () => {
  const plan = planOf(record({ a: { type: 'string' }, b: {} }));
  for (const broken of [
    '{"a":"x',
    '{"a":"x\\',
    '{"a":',
    '{"a"',
    '{',
    '{"b":[',
    '{"c":{"d":',
    '{"b":1',
    '{"b":"\\u00',
  ]) {
    const taker = plan && new LineTaker(plan);
    expect(taker?.take(`{}\n${broken}\n"}]}\n`)).toEqual({ rows: 1, warned: 0, next: 3 });
    expect(taker?.take(`${broken}\n`).next).toBe(0);
    expect(taker?.columns.rows).toBe(1);
  }
});

test('lines are taken until there are enough, blank ones passed over, and long ones left', () => {
  const plan = planOf(record({ a: { type: 'integer' } }));
  if (!plan) throw new Error('the schema is not decided by walkers');
  const taker = new LineTaker(plan, 12);
  expect(taker.take('\n \r\n{"a":1}\n\t\n{"a":2}\n{"a":3}\n', 2)).toEqual({ rows: 2, warned: 0, next: 22 });
  expect(taker.take('\n \n')).toEqual({ rows: 0, warned: 0, next: 3 });
  expect(taker.take('{"a":1}\n{"a":      2}\n')).toEqual({ rows: 1, warned: 0, next: 8 });
  expect(taker.take(`${' '.repeat(13)}\n`)).toEqual({ rows: 0, warned: 0, next: 0 });
  expect(taker.take('{"a":1,"b":2}\n{"c":[],"d":0}\n'.replaceAll(':', ':'))).toEqual({ rows: 0, warned: 0, next: 0 });
  expect(taker.take('{"b":2}\n{"a":1}\n{"c":[]}\n')).toEqual({ rows: 3, warned: 2, next: 25 });
});

const numbers = [
  ...[
    '0',
    '-0',
    '0.0',
    '-0.0',
    '1',
    '-1',
    '0.1',
    '1e0',
    '1E5',
    '1e+5',
    '1e-5',
    '123.456e-7',
    '0e0',
    '0e999',
    '0.0e-999',
  ],
  ...[
    '9007199254740992',
    '9007199254740993',
    '9007199254740995',
    '9007199254740992.5',
    '1e22',
    '1e23',
    '8.5e22',
    '1e-22',
    '1e-23',
  ],
  ...[
    '0.30000000000000004',
    '5e-324',
    '2.2250738585072014e-308',
    '1.7976931348623157e308',
    '4.35',
    '1.1',
    '6.02214076e23',
  ],
  ...[
    '179769313486231580793e289',
    '1.00000000000000011102230246251565',
    '0.500000000000000166533453693773481063544750213623046875',
  ],
  ...[
    '7.2057594037927933e16',
    '9214843084008499',
    '0.000123456789',
    '123456789012345680',
    '3.0000000000000000',
    '1e309',
    '1e-400',
  ],
  ...['00000', '0000001', '17.976931348623157e307', '4503599627370496.5', '4503599627370497.5', '6250983067623041e3'],
];

test('doubles are rounded as JSON.parse rounds them', () => {
  const { left } = compared(
    record({ n: { type: 'number' } }),
    numbers.map((number) => `{"n":${number}}`),
  );
  // Of more than 19 digits, or next to the least double there is.
  expect(left.map((line) => line.slice(5, -1))).toEqual([
    '5e-324',
    '1.00000000000000011102230246251565',
    '0.500000000000000166533453693773481063544750213623046875',
    '1e-400',
  ]);
});

/** Numbers that are hard to round: doubles in 17 digits, and the middles between two of them. */
const hardNumbers = fc
  .tuple(
    fc.double({ noNaN: true, noDefaultInfinity: true }),
    fc.bigInt({ min: 0n, max: 2n ** 54n }),
    fc.integer({ min: -27, max: 23 }),
  )
  .map(([double, mantissa, power]) => {
    const middle = 2n * mantissa + 1n;
    const digits = power < 0 ? `${middle * 5n ** BigInt(-power)}e${power}` : `${middle * 2n ** BigInt(power)}`;
    return [String(double), double.toPrecision(17), double.toExponential(18), `${middle}e${power}`, digits];
  });

test('doubles that are hard to round are rounded as JSON.parse rounds them', () => {
  const lines = fc
    .sample(hardNumbers, { numRuns: 4000, seed: 1 })
    .flat()
    .map((number) => `{"n":${number}}`);
  const { taken, left } = compared(record({ n: { type: 'number' } }), lines);
  expect(left.length).toBeLessThan(taken.length);
});

const moments = [
  ...[
    '2024-01-01T00:00:00Z',
    '2024-01-01t00:00:00z',
    '2024-02-29T23:59:59.999999999+23:59',
    '2023-02-29T00:00:00Z',
    '1900-02-29T00:00:00Z',
  ],
  ...[
    '2000-02-29T00:00:00-23:59',
    '0000-01-01T00:00:00Z',
    '0000-01-01T00:00:00+23:59',
    '9999-12-31T23:59:59.9999999Z',
    '9999-12-31T23:59:60Z',
  ],
  ...[
    '2016-12-31T23:59:60Z',
    '2017-01-01T00:59:60+01:00',
    '2016-12-31T23:58:60Z',
    '2016-12-31T23:59:61Z',
    '2016-12-31T15:59:60-08:00',
  ],
  ...[
    '2024-01-01 00:00:00Z',
    '2024-01-01T00:00:00',
    '2024-01-01T00:00:00.Z',
    '2024-01-01T00:00:00,5Z',
    '2024-01-01T24:00:00Z',
    '2024-01-01T00:60:00Z',
  ],
  ...[
    '2024-13-01T00:00:00Z',
    '2024-00-01T00:00:00Z',
    '2024-01-00T00:00:00Z',
    '2024-04-31T00:00:00Z',
    '2024-01-01T00:00:00+24:00',
    '2024-01-01T00:00:00+00:60',
  ],
  ...[
    '2024-01-01T00:00:00+0000',
    '2024-01-01T00:00:00+00:0',
    '+024-01-01T00:00:00Z',
    '2024-1-01T00:00:00Z',
    '2024-01-01T00:00:00ZZ',
    '２０２４-01-01T00:00:00Z',
    '',
  ],
];

test('dates and date-times are those of the plain way', () => {
  const schema = record({ moment: { type: 'string', format: 'date-time' }, day: { type: 'string', format: 'date' } });
  const days = moments.map((moment) => moment.slice(0, 10));
  const { taken, left } = compared(schema, [
    ...moments.map((moment) => `{"moment":"${moment}"}`),
    ...days.map((day) => `{"day":"${day}"}`),
  ]);
  expect(left).toEqual([]);
  expect(taken.length).toBeGreaterThan(moments.length / 2);
});

test('every day of the calendar is told as the plain way tells it', () => {
  const schema = record({ moment: { type: 'string', format: 'date-time' } });
  const lines = Array.from({ length: 4000 }, (_, index) => {
    const seconds = -62_167_219_200 + index * 78_893_113;
    return `{"moment":"${formatDateTime(BigInt(seconds) * 1_000_000n)}"}`;
  });
  expect(compared(schema, lines).taken).toEqual(lines);
});

test('fields are found in whatever order, and those of long names and of a thousand', () => {
  const names = Array.from({ length: 1000 }, (_, index) => `a_field_with_a_rather_long_name_${index}`);
  const schema = record(Object.fromEntries(names.map((name) => [name, { type: 'integer' }])));
  const all = names.map((name, index) => `"${name}":${index}`);
  const lines = [
    all,
    all.toReversed(),
    all.filter((_, index) => index % 3 > 0),
    [...all.slice(500), ...all.slice(0, 500)],
  ];
  const texts = [...lines, [all[7], all[7]]].map((fields) => `{${fields.join(',')}}`);
  expect(compared(schema, texts).taken).toEqual(texts.slice(0, 4));
});

test('maps keep the order of JSON.parse, and a name that comes twice is left', () => {
  const schema = record({ map: { type: 'object', additionalProperties: { type: 'integer' } } });
  const taken = ['{"b":1,"a":2}', '{"1":1,"2":2,"a":3}', '{"01":1,"b":2}', '{"__proto__":1,"constructor":2}', '{"":1}'];
  const many = `{${Array.from({ length: 3000 }, (_, index) => `"key ${index}":${index}`).join(',')}}`;
  const left = ['{"b":1,"1":2}', '{"2":1,"1":2}', '{"a":1,"a":2}', '{"a":1,"\\u0061":2}', '{"4294967295":1}'];
  const lineOf = (map: string) => `{"map":${map}}`;
  expect(compared(schema, [...taken, many, ...left].map(lineOf)).taken).toEqual([...taken, many].map(lineOf));
});

test('values of fields that the schema does not name may nest to a depth', () => {
  const nested = (depth: number) => `{"x":${'['.repeat(depth)}${']'.repeat(depth)}}`;
  const { taken } = compared(record({ a: {} }), [nested(10), nested(64), nested(10_000)]);
  expect(taken).toEqual([nested(10), nested(64)]);
});

test('a record that is left leaves nothing behind', () => {
  const lines = [
    '{"text":"new","list":["x","y"],"map":{"k":1},"int":5000}',
    '{"text":"abc","struct":{"b":1}}',
    '{"text":"abc"}',
  ];
  expect(compared(everything, lines).taken).toEqual(lines.slice(2));
});
