import fc from 'fast-check';
import { expect, test } from 'vitest';
import { readJsonLines } from './jsonlines.ts';
import { inPieces, RecordingSink } from './recorded.ts';

async function read(data: string | Uint8Array, max = 1000, ...pieces: number[]): Promise<RecordingSink> {
  const sink = new RecordingSink();
  await readJsonLines(inPieces(data, ...(pieces.length > 0 ? pieces : [64 * 1024])), max, sink);
  return sink;
}

test.each<[string, string, unknown[]]>([
  ['an empty file', '', []],
  ['blank lines', '\n \n\r\n\t\n{"a":1}\n\n', [{ a: 1 }]],
  ['carriage returns', '{"a":1}\r\n{"a":2}\r\n', [{ a: 1 }, { a: 2 }]],
  ['no line feed at the end', '{"a":1}\n{"a":2}', [{ a: 1 }, { a: 2 }]],
  ['a byte-order mark', '\ufeff{"a":1}\n', [{ a: 1 }]],
  ['two objects on a line', '{"a":1}{"a":2}\n{"a":3}\n', ['MalformedRecord', { a: 3 }]],
  ['broken JSON', '{"a":\n{"a":2}\n', ['MalformedRecord', { a: 2 }]],
  ['values that are no objects', '5\n"x"\nnull\n[{"a":1}]\ntrue\n{}\n', [...Array(5).fill('MalformedRecord'), {}]],
  ['a duplicate key: the last counts', '{"a":1,"a":2}\n', [{ a: 2 }]],
  ['NUL bytes', '{"a":1}\u0000\n\u0000\n{"a":2}\n', ['MalformedRecord', 'MalformedRecord', { a: 2 }]],
  ['text that is not ASCII', '{"a":"é"}\n{"日本":"😀"}\n', [{ a: 'é' }, { 日本: '😀' }]],
])('%s', async (_name, text, expected) => {
  expect((await read(text)).records).toEqual(expected);
});

test('a line that is no UTF-8 costs its record only, and keeps its bytes', async () => {
  const data = Buffer.concat([Buffer.from('{"a":"'), Buffer.from([0xff, 0xc3]), Buffer.from('"}\n{"a":"é"}\n')]);
  const { said, records } = await read(data);
  expect(records).toEqual(['InvalidEncoding', { a: 'é' }]);
  expect(said[0]?.raw).toBe('{"a":"\xff\xc3"}');
});

test('UTF-16 is an unreadable file', async () => {
  await expect(read(Buffer.from('\ufeff{"a":1}\n', 'utf16le'))).rejects.toThrow('is UTF-16');
});

test('a line over the limit is refused with its beginning, its size and its place, and the next line is read', async () => {
  const long = `{"a":"${'x'.repeat(200_000)}"}`;
  for (const piece of [1000, 7777, 1_000_000]) {
    const { said } = await read(`{"a":1}\n${long}\n{"a":2}\n`, 5000, piece);
    expect(said.map(({ record, code, offset, size }) => ({ of: record ?? code, offset, size }))).toEqual([
      { of: { a: 1 }, offset: 0, size: 7 },
      { of: 'RecordTooLarge', offset: 8, size: long.length },
      { of: { a: 2 }, offset: 8 + long.length + 1, size: 7 },
    ]);
    expect(long.startsWith(said[1]?.raw ?? '?')).toBe(true);
  }
});

test('a line over the limit at the end of the file', async () => {
  const { said } = await read(`{"a":"${'x'.repeat(5000)}`, 1000, 100);
  expect(said.map(({ code, size }) => [code, size])).toEqual([['RecordTooLarge', 5006]]);
});

test('messages tell the place in the record and nothing of its content', async () => {
  const { said } = await read('{"secret":1 "secret"}\n');
  expect(said[0]?.message).toBe('is no valid JSON at character 13');
});

test('records are the same however the bytes come', async () => {
  const line = fc.oneof(
    fc.json({ maxDepth: 2 }),
    fc.string(),
    fc.constantFrom('', '\r', ' ', '{"a":', '{"a":1}', '😀'),
  );
  await fc.assert(
    fc.asyncProperty(
      fc.array(
        line.filter((text) => !text.includes('\n')),
        { maxLength: 8 },
      ),
      fc.array(fc.integer({ min: 1, max: 12 }), { minLength: 1, maxLength: 5 }),
      async (lines, pieces) => {
        const text = lines.join('\n');
        const whole = await read(text, 40);
        const split = await read(text, 40, ...pieces);
        expect(split.said).toEqual(whole.said);
      },
    ),
  );
});
