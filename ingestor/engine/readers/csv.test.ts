import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { CsvOptions } from '../../contract/task.ts';
import { type RowTaker, readCsv } from './csv.ts';
import type { RecordSource } from './reader.ts';
import { inPieces, RecordingSink } from './recorded.ts';

const defaults: CsvOptions = {
  delimiter: ',',
  quote: '"',
  escape: '"',
  header: true,
  charset: 'UTF-8',
  skipLines: 0,
  comment: '',
};

class Rows implements RowTaker {
  names: readonly string[] = [];
  readonly rows: unknown[] = [];
  readonly places: unknown[] = [];
  readonly #sink: RecordingSink;

  constructor(sink: RecordingSink) {
    this.#sink = sink;
  }

  header(names: readonly string[]): void {
    this.names = names;
  }

  row(fields: readonly (string | null)[], source: RecordSource): void {
    this.#sink.accept({ row: fields }, source);
  }
}

interface Read {
  readonly names: readonly string[];
  readonly rows: unknown[];
  readonly sink: RecordingSink;
}

async function read(
  data: string | Uint8Array,
  options: Partial<CsvOptions> = {},
  max = 1000,
  ...pieces: number[]
): Promise<Read> {
  const sink = new RecordingSink();
  const taker = new Rows(sink);
  const bytes = inPieces(data, ...(pieces.length > 0 ? pieces : [64 * 1024]));
  await readCsv(bytes, { ...defaults, ...options }, max, taker, sink);
  return { names: taker.names, rows: sink.said.map(({ record, code }) => record?.row ?? code), sink };
}

test.each<[string, string, Partial<CsvOptions>, unknown[]]>([
  ['an empty file', '', {}, []],
  ['a header alone', 'a,b\n', {}, []],
  [
    'rows',
    'a,b\n1,2\n3,4\n',
    {},
    [
      ['1', '2'],
      ['3', '4'],
    ],
  ],
  ['no line feed at the end', 'a,b\n1,2', {}, [['1', '2']]],
  [
    'carriage returns',
    'a,b\r\n1,2\r\n"x","y"\r\n',
    {},
    [
      ['1', '2'],
      ['x', 'y'],
    ],
  ],
  ['a byte-order mark', '\ufeffa,b\n1,2\n', {}, [['1', '2']]],
  ['empty fields are null, quoted ones are text', 'a,b,c\n,"",\n', {}, [[null, '', null]]],
  ['quotes', 'a,b\n"1,\n2","say ""hi"""\n', {}, [['1,\n2', 'say "hi"']]],
  ['line ends in quotes stay as they are', 'a\n"1\r\n2"\n', {}, [['1\r\n2']]],
  ['a quote inside of an unquoted field', 'a,b\n5" pipe,x"y"\n', {}, [['5" pipe', 'x"y"']]],
  ['a backslash as escape', 'a,b\n"x\\"y\\\\","z\\n"\n', { escape: '\\' }, [['x"y\\', 'z\\n']]],
  ['no quotes at all', 'a,b\n"1","2\n', { quote: '' }, [['"1"', '"2']]],
  ['another delimiter', 'a;b\n1,5;2\n', { delimiter: ';' }, [['1,5', '2']]],
  ['a tab', 'a\tb\n1\t2\n', { delimiter: '\t' }, [['1', '2']]],
  [
    'a delimiter of several bytes',
    'a¦b\n1¦"2"\n§¦3\n',
    { delimiter: '¦' },
    [
      ['1', '2'],
      ['§', '3'],
    ],
  ],
  ['a null marker, unquoted only', 'a,b\nNA,"NA"\n', { nullMarker: 'NA' }, [[null, 'NA']]],
  ['comments', '#x\na,b\n#1,2\n3,#4\n#', { comment: '#' }, [['3', '#4']]],
  ['skipped lines', 'title\n"x\na,b\n1,2\n', { skipLines: 2 }, [['1', '2']]],
  ['blank lines', '\na,b\n\n1,2\n\r\n\n', {}, [['1', '2']]],
  ['a blank line of a file with one column', 'a\n1\n\n2\n', {}, [['1'], [null], ['2']]],
  [
    'no header',
    '1,2\n3,4\n',
    { header: false },
    [
      ['1', '2'],
      ['3', '4'],
    ],
  ],
  [
    'rows with more or fewer fields',
    'a,b\n1\n1,2,3\n1,2\n,\n',
    {},
    ['RaggedRow', 'RaggedRow', ['1', '2'], [null, null]],
  ],
  ['text after a closing quote', 'a,b\n"1"x,2\n3,4\n', {}, ['MalformedRecord', ['3', '4']]],
  ['a late quote', 'a,b\n"1" ,2\n3,4\n', {}, ['MalformedRecord', ['3', '4']]],
  ['a quote that never closes', 'a,b\n"1,2\n3,4\n5,6', {}, ['MalformedRecord', ['3', '4'], ['5', '6']]],
  [
    'a quote closed by that of the next line',
    'a,b\n"1,2\n"3",4\n5,6\n',
    {},
    ['MalformedRecord', ['3', '4'], ['5', '6']],
  ],
  ['a quote that never closes at the very end', 'a,b\n1,2\n"', {}, [['1', '2'], 'MalformedRecord']],
  ['text that is not ASCII', 'ä,b\né,"日本 😀"\n', {}, [['é', '日本 😀']]],
])('%s', async (_name, text, options, expected) => {
  for (const piece of [1, 2, 5, 1000]) expect((await read(text, options, 1000, piece)).rows).toEqual(expected);
});

test.each<[string, string, Partial<CsvOptions>, string[]]>([
  ['from the header', 'a,"b ""c""", d\n', {}, ['a', 'b "c"', ' d']],
  ['from columns', '1,2\n', { header: false, columns: ['x', 'y'] }, ['x', 'y']],
  ['from columns in place of the header', 'a,b\n1,2\n', { columns: ['x', 'y'] }, ['x', 'y']],
  ['by number', '1,2,3\n', { header: false }, ['_1', '_2', '_3']],
])('names come %s', async (_name, text, options, expected) => {
  expect((await read(text, options)).names).toEqual(expected);
});

test.each<[string, string | Uint8Array, Partial<CsvOptions>, string]>([
  ['a name twice', 'a,b,a\n1,2,3\n', {}, 'field 3 of the header has the name of an earlier one'],
  ['a name that is empty', 'a,,c\n', {}, 'field 2 of the header has no name'],
  ['a broken header', '"a"b,c\n', {}, 'the header has text after a closing quote'],
  ['columns that are not as many', 'a,b,c\n', { columns: ['x'] }, 'the header has 3 fields, columns 1'],
  ['a header that is no UTF-8', Buffer.from([0xff, 0x0a]), {}, 'the header is no valid UTF-8'],
  ['a header over the limit', 'x'.repeat(3000), {}, 'the header is longer than 1000 bytes'],
  ['UTF-16', Buffer.from('\ufeffa,b\n', 'utf16le'), {}, 'is UTF-16'],
])('%s makes the file unreadable', async (_name, data, options, message) => {
  await expect(read(data, options)).rejects.toThrow(message);
});

test('character sets', async () => {
  const data = Buffer.from('a,b\n\xe9,"\xfc"\n', 'latin1');
  expect((await read(data, { charset: 'ISO-8859-1' })).rows).toEqual([['é', 'ü']]);
  expect((await read(data)).rows).toEqual(['InvalidEncoding']);
  expect((await read(data, { charset: 'US-ASCII' })).rows).toEqual(['InvalidEncoding']);
  expect((await read('a\né\nx\n', { charset: 'US-ASCII' })).rows).toEqual(['InvalidEncoding', ['x']]);
});

test('rows tell their bytes and their place', async () => {
  const { sink } = await read('a,b\r\n1,"x\ny"\r\n\r\n2,3,4\n');
  expect(sink.said.map(({ raw, offset, size }) => [raw, offset, size])).toEqual([
    ['1,"x\ny"', 5, 7],
    ['2,3,4', 16, 5],
  ]);
});

test('a row over the limit is refused, and the next line is read', async () => {
  const long = `1,${'x'.repeat(200_000)}`;
  for (const piece of [1000, 7777, 1_000_000]) {
    const { rows, sink } = await read(`a,b\n${long}\n3,4\n`, {}, 5000, piece);
    expect(rows).toEqual(['RecordTooLarge', ['3', '4']]);
    expect([sink.said[0]?.offset, sink.said[0]?.size]).toEqual([4, long.length]);
  }
});

test('an opening quote too many costs its line, though the rest of the file is larger than a record may be', async () => {
  const lines = Array.from({ length: 2000 }, (_, index) => `${index},x`);
  const text = `a,b\n1,"oops\n${lines.join('\n')}\n`;
  for (const piece of [100, 5000, 1_000_000]) {
    const { rows } = await read(text, {}, 1000, piece);
    expect(rows).toHaveLength(2001);
    expect([rows[0], rows[1], rows[2000]]).toEqual(['RecordTooLarge', ['0', 'x'], ['1999', 'x']]);
  }
});

test('what was written by the rules comes back, however the bytes come', async () => {
  const field = fc.oneof(
    fc.string({ unit: fc.constantFrom('a', ',', '"', '\n', '\r', ' ', 'é', '😀', '\\'), maxLength: 6 }),
    fc.constant(null),
  );
  const quoted = (value: string | null) => (value === null ? '' : `"${value.replaceAll('"', '""')}"`);
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.tuple(field, field), { maxLength: 6 }),
      fc.constantFrom('\n', '\r\n'),
      fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1, maxLength: 4 }),
      async (table, lineEnd, pieces) => {
        const text = ['a,b', ...table.map((row) => row.map(quoted).join(','))].map((line) => line + lineEnd).join('');
        expect((await read(text, {}, 1000, ...pieces)).rows).toEqual(table);
      },
    ),
  );
});

test('any bytes give the same rows however they come, and every line is accounted for', async () => {
  const chars = fc.string({ unit: fc.constantFrom('a', '1', ',', '"', '\n', '\r', 'é'), maxLength: 60 });
  await fc.assert(
    fc.asyncProperty(
      chars,
      fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1, maxLength: 4 }),
      async (text, pieces) => {
        const whole = await read(`a,b\n${text}`, {}, 100);
        const split = await read(`a,b\n${text}`, {}, 100, ...pieces);
        expect(split.sink.said).toEqual(whole.sink.said);
        const lines = text.split('\n').filter((line) => line !== '' && line !== '\r').length;
        const seen = whole.sink.said.map(
          ({ raw }) => raw.split('\n').filter((line) => line !== '' && line !== '\r').length,
        );
        expect(seen.reduce((sum, count) => sum + count, 0)).toBeLessThanOrEqual(lines);
      },
    ),
  );
});
