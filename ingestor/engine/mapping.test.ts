import { expect, test } from 'vitest';
import { applyMoves, compileMoves, parsePath } from './mapping.ts';
import { compileSchema } from './schema.ts';

const { columns } = compileSchema(
  JSON.stringify({
    properties: {
      a: { type: 'string' },
      'x.y': { type: 'string' },
      s: {
        type: 'object',
        properties: { b: { type: 'string' }, t: { type: 'object', properties: { c: { type: 'string' } } } },
      },
      m: { type: 'object', additionalProperties: { type: 'string' } },
    },
  }),
  'Record',
);

function move(record: object, ...mapping: [string, string][]) {
  const moves = compileMoves(
    mapping.map(([source, destination]) => ({ source, destination })),
    columns,
  );
  return applyMoves(JSON.parse(JSON.stringify(record)), moves);
}

test.each([
  ['a', ['a']],
  ['a.b', ['a', 'b']],
  ['a\\.b.c', ['a.b', 'c']],
  ['a\\\\.b', ['a\\', 'b']],
  ['a\\b', ['a\\b']],
])('the path %s', (text, names) => {
  expect(parsePath(text)).toEqual(names);
});

test.each(['', 'a.', '.a', 'a..b'])('%j is no path', (text) => {
  expect(() => parsePath(text)).toThrow('has a part without a name');
});

test.each<[object, [string, string][], object]>([
  [{ q: 1, r: 2 }, [['q', 'a']], { r: 2, a: 1 }],
  [{ q: 1 }, [['none', 'a']], { q: 1 }],
  [{ q: { v: 1 } }, [['q.v', 'a']], { a: 1 }],
  [{ q: { v: 1, w: 2 } }, [['q.v', 's.t.c']], { q: { w: 2 }, s: { t: { c: 1 } } }],
  [{ 'q.v': 1 }, [['q\\.v', 'x\\.y']], { 'x.y': 1 }],
  [{ q: { b: 1 } }, [['q', 's']], { s: { b: 1 } }],
  [
    { q: 1 },
    [
      ['q', 'a'],
      ['q', 's.b'],
    ],
    { a: 1, s: { b: 1 } },
  ],
  [
    { a: 1, s: { b: 2 } },
    [
      ['a', 's.b'],
      ['s.b', 'a'],
    ],
    { s: { b: 1 }, a: 2 },
  ],
  [{ q: null }, [['q', 'a']], { a: null }],
  [{ q: 5, s: 'no object' }, [['q', 's.b']], { s: { b: 5 } }],
  [{ q: [1] }, [['q.0', 'a']], { q: [1] }],
])('%j by %j becomes %j', (record, mapping, expected) => {
  expect(move(record, ...mapping).record).toEqual(expected);
});

test('a field that another one is moved onto gives way, and the record tells it', () => {
  expect(move({ q: 1, a: 2 }, ['q', 'a'])).toEqual({ record: { a: 1 }, overwrote: true });
  expect(move({ q: 1 }, ['q', 'a']).overwrote).toBe(false);
});

test('a field called __proto__ is a field', () => {
  const moves = compileMoves([{ source: 'q', destination: 'a' }], columns);
  const { record } = applyMoves(JSON.parse('{"__proto__":{"polluted":1},"q":1}'), moves);
  expect(Object.keys(record)).toEqual(['__proto__', 'a']);
  expect(Object.getPrototypeOf(record)).toBe(Object.prototype);
  expect(Reflect.get({}, 'polluted')).toBeUndefined();
});

test.each<[[string, string][], string]>([
  [[['q', 'nowhere']], 'the schema has no field nowhere'],
  [[['q', 's.nowhere']], 'the schema has no field s.nowhere'],
  [[['q', 'm.key']], 'the schema has no field m.key'],
  [
    [
      ['q', 'a'],
      ['r', 'a'],
    ],
    'two fields go to a',
  ],
  [
    [
      ['q', 's.b'],
      ['r', 's'],
    ],
    'two fields go to s.b',
  ],
])('%j is refused: %s', (mapping, message) => {
  expect(() => move({}, ...mapping)).toThrow(message);
  try {
    move({}, ...mapping);
  } catch (error) {
    expect(error).toMatchObject({ code: 'InvalidMapping' });
  }
});
