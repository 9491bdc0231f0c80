import fc from 'fast-check';
import { expect, test } from 'vitest';
import { readJson } from './json.ts';
import { inPieces, RecordingSink } from './recorded.ts';

async function read(data: string | Uint8Array, max = 1000, ...pieces: number[]): Promise<RecordingSink> {
  const sink = new RecordingSink();
  await readJson(inPieces(data, ...(pieces.length > 0 ? pieces : [64 * 1024])), max, sink);
  return sink;
}

test.each<[string, string, unknown[]]>([
  ['an empty file', '', []],
  ['white space', ' \r\n\t', []],
  ['an empty array', '[ ]', []],
  ['an array of objects', '[{"a":1},{"a":2}]', [{ a: 1 }, { a: 2 }]],
  ['an array with white space', ' [\n  {"a": 1} ,\r\n\t{"a" : [ 2 , {} ]}\n]\n', [{ a: 1 }, { a: [2, {}] }]],
  ['one object', '{"a":{"b":[1,2]}}', [{ a: { b: [1, 2] } }]],
  ['pretty-printed objects one after the other', '{\n "a": 1\n}\n{\n "a": 2\n}', [{ a: 1 }, { a: 2 }]],
  ['objects without anything between', '{"a":1}{"a":2}', [{ a: 1 }, { a: 2 }]],
  ['arrays one after the other', '[{"a":1}][{"a":2}] {"a":3}', [{ a: 1 }, { a: 2 }, { a: 3 }]],
  ['a byte-order mark', '\ufeff[{"a":1}]', [{ a: 1 }]],
  ['brackets and quotes in text', '[{"a":"]}\\"{[,"},{"\\\\":"\\\\"}]', [{ a: ']}"{[,' }, { '\\': '\\' }]],
  [
    'elements that are no objects',
    '[1, -2.5e3, "x,]", null, true, [1,[2]], {"a":1}]',
    [...Array(6).fill('MalformedRecord'), { a: 1 }],
  ],
  ['values that are no objects', '1 "x" null', Array(3).fill('MalformedRecord')],
  ['a broken element', '[{"a":1},{"a":},{"a":2}]', [{ a: 1 }, 'MalformedRecord', { a: 2 }]],
  ['a word that is none', '[{"a":1},nul,{"a":2}]', [{ a: 1 }, 'MalformedRecord', { a: 2 }]],
])('%s', async (_name, text, expected) => {
  expect((await read(text)).records).toEqual(expected);
});

test.each([
  ['[{"a":1}', 'ends at byte 8 in the middle'],
  ['[{"a":1},', 'ends at byte 9 in the middle'],
  ['[', 'ends at byte 1 in the middle'],
  ['{"a":"x', 'ends at byte 7 in the middle'],
  ['"x', 'ends at byte 2 in the middle'],
  ['[{"a":[1}]', 'is no JSON at byte 8'],
  ['[{"a":1} {"a":2}]', 'is no JSON at byte 9'],
  ['[{"a":1},]', 'is no JSON at byte 9'],
  ['[,{"a":1}]', 'is no JSON at byte 1'],
  ['{"a":1}]', 'is no JSON at byte 7'],
  ['<html>', 'is no JSON at byte 0'],
  ['PK\u0003\u0004', 'is no JSON at byte 2'],
])('%j is unreadable, whatever came before was given', async (text, message) => {
  for (const piece of [1, 3, 100]) await expect(read(text, 1000, piece)).rejects.toThrow(message);
});

test('an element that is no UTF-8 costs its record only', async () => {
  const data = Buffer.concat([Buffer.from('[{"a":"'), Buffer.from([0xff]), Buffer.from('"},{"a":"é"}]')]);
  expect((await read(data)).records).toEqual(['InvalidEncoding', { a: 'é' }]);
});

test('an element over the limit is refused, and the next one is read', async () => {
  const long = `{"a":"${'[{'.repeat(100_000)}"}`;
  for (const piece of [1000, 7777, 1_000_000]) {
    const { said } = await read(`[{"a":1},\n${long},{"a":2}]`, 5000, piece);
    expect(said.map(({ record, code, offset, size }) => ({ of: record ?? code, offset, size }))).toEqual([
      { of: { a: 1 }, offset: 1, size: 7 },
      { of: 'RecordTooLarge', offset: 10, size: long.length },
      { of: { a: 2 }, offset: 10 + long.length + 1, size: 7 },
    ]);
    expect(long.startsWith(said[1]?.raw ?? '?')).toBe(true);
  }
});

test('nesting by the hundred thousand is a record like any other to the reader', async () => {
  const depth = 200_000;
  const deep = `{"a":${'['.repeat(depth)}${']'.repeat(depth)}}`;
  const { said } = await read(`[${deep},{"a":1}]`, 1_000_000);
  expect(said).toHaveLength(2);
  expect(said[1]?.record).toEqual({ a: 1 });
});

test('any array of JSON values gives its objects, however the bytes come', async () => {
  const value = fc.jsonValue({ maxDepth: 3 });
  await fc.assert(
    fc.asyncProperty(
      fc.array(value, { maxLength: 5 }),
      fc.constantFrom(undefined, 1, '\t'),
      fc.array(fc.integer({ min: 1, max: 20 }), { minLength: 1, maxLength: 5 }),
      async (values, indent, pieces) => {
        const { records } = await read(JSON.stringify(values, undefined, indent), 100_000, ...pieces);
        const expected = JSON.parse(JSON.stringify(values)).map((item: unknown) =>
          typeof item === 'object' && item !== null && !Array.isArray(item) ? item : 'MalformedRecord',
        );
        expect(records).toEqual(expected);
      },
    ),
  );
});
