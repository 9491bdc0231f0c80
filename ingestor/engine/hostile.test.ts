/** What comes in by mistake or on purpose costs a counted record, or fails clearly; never more memory than is set aside. */
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, test } from 'vitest';
import type { Format } from '../contract/task.ts';
import { ingestAll, type Options } from './testing.ts';

/** What the default of 16 MiB a record, and 192 MiB of heap, leave room for. */
const mostMiB = { 1: 500, 2: 600 };

test.each([1, 2] as const)(
  'memory is bounded whatever comes, with %i threads',
  async (threads) => {
    const program = join(import.meta.dirname, 'hostile-process.ts');
    const { stdout } = await promisify(execFile)(process.execPath, ['--max-old-space-size=192', program, `${threads}`]);
    const { outcomes, mostMiB: used } = JSON.parse(stdout);
    expect(outcomes).toEqual({
      'line of 200 MB': '3 read, 2 ingested: 1 RecordTooLarge',
      'last line of 100 MB': '2 read, 1 ingested: 1 RecordTooLarge',
      'element of 100 MB': '3 read, 2 ingested: 1 RecordTooLarge',
      'row of 100 MB': '3 read, 2 ingested: 1 RecordTooLarge',
      'quoted field of 100 MB': '3 read, 2 ingested: 1 RecordTooLarge',
      'header of 100 MB': 'hostile: the header is longer than 16777216 bytes',
      'header of a million columns': 'hostile: the header has 1000001 fields; at most 100000 are read',
      'row of a million fields': '3 read, 2 ingested: 1 RaggedRow',
      'record of a million fields': '2 read, 2 ingested: ',
      'lines of nothing': '1 read, 1 ingested: ',
      'rows of nothing': '1 read, 1 ingested: ',
      'spaces without end': '1 read, 1 ingested: ',
      'NUL bytes without end': '2 read, 1 ingested: 1 RecordTooLarge',
      'brackets without end': '2 read, 1 ingested: 1 RecordTooLarge',
      'an array of brackets': 'hostile: nests deeper than 1000000 levels',
      'bad lines without end': '491520 read, 0 ingested: 491520 WrongType',
    });
    expect(used).toBeLessThan(mostMiB[threads]);
  },
  120_000,
);

const csv: Format = {
  type: 'CSV',
  csv: { delimiter: ',', quote: '"', escape: '"', header: true, charset: 'UTF-8', skipLines: 0, comment: '' },
};
const [lines, array]: Format[] = [{ type: 'JSONLines' }, { type: 'JSON' }];
const schema = {
  type: 'object',
  properties: { id: { type: 'integer' }, name: { type: 'string' }, any: {} },
  required: ['id'],
};

/** Names of the rows, and number and codes of the refused records; or what is wrong with the file. */
async function read(data: string | Buffer, format: Format | undefined, options: Options = {}) {
  try {
    const { rows, rejects } = await ingestAll(schema, [data], { ...(format ? { format } : {}), ...options });
    return {
      rows: rows.map(({ id, name }) => (name === undefined ? `${id}` : `${id} ${name}`)),
      refused: rejects.map(({ record, errors }) => `${record} ${errors.map(({ code }) => code)}`),
    };
  } catch (error) {
    expect(error).toMatchObject({ code: 'UnreadableFile' });
    return error instanceof Error ? error.message : '';
  }
}

/** Both ways that an engine may go. */
const ways = [{ plain: true }, { plain: false }];

describe.each<['JSON lines' | 'JSON' | 'CSV', Format | undefined, (name: string, lineEnd?: string) => string]>([
  ['JSON lines', lines, (name, end = '\n') => `{"id":1,"name":"${name}"}${end}{"id":2,"name":"b"}${end}`],
  ['JSON', array, (name, end = '\n') => `[{"id":1,"name":"${name}"},${end}{"id":2,"name":"b"}]`],
  ['CSV', csv, (name, end = '\n') => `id,name${end}1,${name}${end}2,b${end}`],
])('%s', (type, format, textOf) => {
  const text = textOf('a');

  test('with a byte-order mark of UTF-8 is read', async () => {
    for (const way of ways)
      expect(await read(`\ufeff${text}`, format, way)).toEqual({ rows: ['1 a', '2 b'], refused: [] });
  });

  test('in UTF-16 is refused, and says so', async () => {
    const little = Buffer.from(`\ufeff${text}`, 'utf16le');
    for (const data of [little, Buffer.from(little).swap16()]) {
      for (const way of ways) expect(await read(data, format, way)).toBe('file-0: is UTF-16; write it as UTF-8');
    }
  });

  test('in UTF-16 without a mark has no record', async () => {
    for (const way of ways) {
      const outcome = await read(Buffer.from(text, 'utf16le'), format, way);
      expect(outcome).not.toEqual({ rows: [], refused: [] });
      if (typeof outcome !== 'string') expect(outcome.rows).toEqual([]);
    }
  });

  test('with one text that is no UTF-8 loses one record', async () => {
    const broken = Buffer.from(textOf('\xff'), 'latin1');
    for (const way of ways) {
      expect(await read(broken, format, way)).toEqual({ rows: ['2 b'], refused: ['1 InvalidEncoding'] });
    }
  });

  test('with carriage returns alone is never half read', async () => {
    const outcomes = {
      'JSON lines': { rows: [], refused: ['1 MalformedRecord'] },
      JSON: { rows: ['1 a', '2 b'], refused: [] },
      CSV: 'file-0: the header has a carriage return: lines end with a line feed',
    };
    for (const way of ways) expect(await read(textOf('a', '\r'), format, way)).toEqual(outcomes[type]);
  });

  test('with a NUL byte in a text has it there, or loses one record', async () => {
    const rows = type === 'CSV' ? ['1 a\0b', '2 b'] : ['2 b'];
    const refused = type === 'CSV' ? [] : ['1 MalformedRecord'];
    for (const way of ways) expect(await read(textOf('a\0b'), format, way)).toEqual({ rows, refused });
  });
});

const deep = `${'['.repeat(100_000)}${']'.repeat(100_000)}`;

describe.each<[string, Format | undefined, (records: readonly string[]) => string]>([
  ['JSON lines', lines, (records) => records.join('\n')],
  ['JSON', array, (records) => `[${records.join()}]`],
])('%s', (_type, format, textOf) => {
  test.each<[string, string, string | { readonly refused: string }]>([
    ['a key that is there twice has the last value', '{"id":1,"id":2,"name":"x","name":"y"}', '2 y'],
    ['half a surrogate pair is no text', '{"id":1,"name":"\\ud83e"}', { refused: '2 InvalidEncoding' }],
    ['the name of a field that nobody asked for is not looked at', '{"id":1,"\\ud83e":1}', '1'],
    ['a NUL that is escaped is a character', '{"id":1,"name":"\\u0000"}', '1 \0'],
    ['brackets without number are no text', `{"id":1,"name":${deep}}`, { refused: '2 WrongType' }],
    ['brackets without number are a value of any type', `{"id":1,"any":${deep}}`, '1'],
    ['brackets without number are passed over', `{"id":1,"other":${deep}}`, '1'],
  ])('%s', async (_name, record, expected) => {
    const taken = typeof expected === 'string' ? [expected] : [];
    const refused = typeof expected === 'string' ? [] : [expected.refused];
    for (const way of ways) {
      const outcome = await read(textOf(['{"id":0}', record, '{"id":9}']), format, way);
      expect(outcome).toEqual({ rows: ['0', ...taken, '9'], refused });
    }
  });
});

test('two objects on one line are no record of JSON lines', async () => {
  for (const way of ways) {
    expect(await read('{"id":0}\n{"id":1} {"id":2}\n{"id":9}\n', lines, way)).toEqual({
      rows: ['0', '9'],
      refused: ['2 MalformedRecord'],
    });
  }
});

test('two objects without a comma are no JSON', async () => {
  for (const way of ways) expect(await read('[{"id":1} {"id":2}]', array, way)).toBe('file-0: is no JSON at byte 10');
});
