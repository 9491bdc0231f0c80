import { expect, test } from 'vitest';
import { type Comparison, compare } from './testing.ts';

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

test('records of every type are taken as the plain way converts them', () => {
  const schema = record({
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
  const lines = [
    '{"text":"abc","int":7,"long":9223372036854775807,"double":-1.5e3,"boolean":true,"day":"2024-02-29","moment":"2024-01-01T00:00:00.1234567+01:30","any":{"x":[1,null]},"struct":{"a":"s","b":2},"list":["a",null],"map":{"k":1,"l":2.5},"structs":[{"x":[1,2]},{"x":[]},{}]}',
    '{}',
    '{ "text" : "é😀" , "int":-5 ,\t"list" : [ ] , "map" : { } , "structs":[ ],"struct": {"a":"","b":3}}\r',
    '{"long":-9223372036854775808,"double":0,"boolean":false,"any":"text","list":[null],"structs":[{}]}',
    '{"long":null,"double":-0,"any":12.5,"more":{"x":[true,"\\u00e9"]}}',
    '{"map":{"a":1,"\\u00e9\\n":2},"text":"\\ud83d\\ude00\\"","any":[{"b":1,"a":[]}]}',
  ];
  const { taken, left } = compared(schema, lines);
  expect(left).toEqual([]);
  expect(taken).toEqual(lines);
});
