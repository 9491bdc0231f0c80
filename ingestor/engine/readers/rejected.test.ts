import { zstdCompressSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import type { CsvOptions, Format } from '../../contract/task.ts';
import type { RejectedRecord } from '../engine.ts';
import { createEngine } from '../index.ts';
import { engineSettings, ingestAll, inputOf, type Options, type Row, rejectsOf, rowsOf } from '../testing.ts';

const strict = {
  type: 'object',
  required: ['id'],
  properties: { id: { type: 'integer', maximum: 5 }, text: { type: 'string', maxLength: 3 } },
};
/** What was too strict is mended. */
const mild = { type: 'object', properties: { id: { type: 'integer' }, text: { type: 'string' } } };
const csv: CsvOptions = {
  delimiter: ',',
  quote: '"',
  escape: '"',
  header: true,
  charset: 'UTF-8',
  skipLines: 0,
  comment: '',
};
const asCsv: Format = { type: 'CSV', csv };

interface Replayed {
  readonly rows: readonly Row[];
  readonly rejects: readonly RejectedRecord[];
  readonly counts: readonly number[];
}

/** The reject file of these inputs under the strict schema. */
async function rejectFile(inputs: readonly (string | Uint8Array)[], options: Options = {}): Promise<Buffer> {
  return (await ingestAll(strict, inputs, options)).files.get('rejects') ?? Buffer.alloc(0);
}

async function replay(file: Uint8Array, options: Options = {}, schema: object = mild): Promise<Replayed> {
  const files = new Map<string, Buffer>();
  const engine = createEngine(engineSettings(schema, files, options));
  await engine.ingest({ ...inputOf(file, 'rejects/0.jsonl.zst'), rejects: true });
  const { dataFiles, records } = await engine.finish();
  const rows = (await Promise.all(dataFiles.map(({ key }) => rowsOf(files.get(key) ?? Buffer.alloc(0))))).flat();
  const counts = [records.read, records.ingested, records.failed];
  return { rows, rejects: rejectsOf(files.get('rejects')), counts };
}

test('records of JSON lines that a better schema accepts are rows, and integers stay exact', async () => {
  const file = await rejectFile(['{"id":1}\n{"id":7}\n{"text":"long"}\n', '{"id":9007199254740993}\n']);
  const { rows, counts } = await replay(file);
  expect(rows).toEqual([{ id: 7 }, { text: 'long' }, { id: 9007199254740993n }]);
  expect(counts).toEqual([3, 3, 0]);
});

test('a record that is refused again stands where it stood first', async () => {
  const file = await rejectFile(['{"id":1}\n{"id":"x"}\nno json\n', '{"id":1}\n\n[]\n']);
  const first = rejectsOf(file);
  const { rejects, counts } = await replay(file);
  expect(counts).toEqual([3, 0, 3]);
  expect(rejects).toEqual(first);
  expect(rejects.map(({ file, record, offset }) => [file, record, offset])).toEqual([
    ['file-0', 2, 9],
    ['file-0', 3, 20],
    ['file-1', 2, 10],
  ]);
});

test('rejects of rejects are read as they are, again and again', async () => {
  const file = await rejectFile(['a,id\nx,1\ny,7\n'], { format: asCsv });
  const files = new Map<string, Buffer>();
  const engine = createEngine(engineSettings(strict, files, { format: asCsv }));
  await engine.ingest({ ...inputOf(file), rejects: true });
  await engine.finish();
  const again = files.get('rejects') ?? Buffer.alloc(0);
  expect(rejectsOf(again)).toEqual(rejectsOf(file));
  expect((await replay(again, { format: asCsv })).rows).toEqual([{ id: 7 }]);
});

test('elements of a JSON array are records of their own, however they were printed', async () => {
  const file = await rejectFile(['[{"id":1},\n {\n  "id": 7\n }]'], { format: { type: 'JSON' } });
  expect((await replay(file, { format: { type: 'JSON' } })).rows).toEqual([{ id: 7 }]);
});

test('a mapping is applied as to any record', async () => {
  const mapping = [{ source: 'number', destination: 'id' }];
  const file = await rejectFile(['{"number":7,"text":"a"}\n']);
  expect((await replay(file, { mapping })).rows).toEqual([{ id: 7, text: 'a' }]);
});

describe('CSV', () => {
  test('rows are read with the header of their own file', async () => {
    const inputs = ['id,text\n1,a\n7,"two\nlines"\n', 'text,id\nb,8\nc,2\nd,9\n'];
    const file = await rejectFile(inputs, { format: asCsv });
    expect(rejectsOf(file).map(({ columns }) => columns)).toEqual([['id', 'text'], ['text', 'id'], undefined]);
    const { rows } = await replay(file, { format: asCsv });
    expect(rows).toEqual([
      { id: 7, text: 'two\nlines' },
      { text: 'b', id: 8 },
      { text: 'd', id: 9 },
    ]);
  });

  test('rows of a file without a header have the names that they were given', async () => {
    const options: CsvOptions = { ...csv, header: false, columns: ['id', 'text'] };
    const file = await rejectFile(['7,a\n'], { format: { type: 'CSV', csv: options } });
    expect((await replay(file, { format: { type: 'CSV', csv: options } })).rows).toEqual([{ id: 7, text: 'a' }]);
  });

  test('a row that was too long has the header of its file too', async () => {
    const inputs = ['id,text\n7,a\n', `text,id\n${'x'.repeat(50)},1\n`];
    const file = await rejectFile(inputs, { format: asCsv, maxRecordBytes: 20 });
    const { rows, rejects } = await replay(file, { format: asCsv, maxRecordBytes: 100 });
    expect(rows.at(-1)).toEqual({ text: 'x'.repeat(50), id: 1 });
    expect(rejects).toEqual([]);
  });

  test('what is no row is none again: ragged ones, quotes in odd places, other encodings', async () => {
    const bytes = Buffer.concat([Buffer.from('id,text\n1\n"2"x,a\n3,'), Buffer.from([0xff]), Buffer.from('\n4,"a\n')]);
    const file = await rejectFile([bytes], { format: asCsv });
    const codes = rejectsOf(file).map(({ errors }) => errors[0]?.code);
    expect(codes).toEqual(['RaggedRow', 'MalformedRecord', 'InvalidEncoding', 'MalformedRecord']);
    expect((await replay(file, { format: asCsv })).rejects).toEqual(rejectsOf(file));
  });

  test('rows that were kept without the names of their fields are refused', async () => {
    const line = { file: 'a.csv', record: 1, errors: [], raw: '7,a' };
    const { rejects } = await replay(zstdCompressSync(`${JSON.stringify(line)}\n`), { format: asCsv });
    expect(rejects[0]?.errors[0]).toMatchObject({ code: 'MalformedRecord', message: expect.stringContaining('names') });
  });
});

describe('Parquet', () => {
  const format: Format = { type: 'Parquet' };
  const loose = { type: 'object', properties: { id: { type: 'integer' }, text: { type: 'string' } } };

  async function parquet(...lines: readonly string[]): Promise<Buffer> {
    const { files } = await ingestAll(loose, [lines.join('\n')]);
    return files.get('data-0') ?? Buffer.alloc(0);
  }

  test('rows are read from their JSON text', async () => {
    const file = await rejectFile([await parquet('{"id":1}', '{"id":9007199254740993}', '{"text":"long"}')], {
      format,
    });
    const asked = { ...mild, required: ['id'], properties: { ...mild.properties, id: { type: ['integer', 'null'] } } };
    const { rows, counts } = await replay(file, { format }, asked);
    expect(rows).toEqual([{ id: 9007199254740993n }, { text: 'long' }]);
    expect(counts).toEqual([2, 2, 0]);
  });

  test('bytes that are no text do not become the text they are kept as', async () => {
    const errors = [{ code: 'InvalidEncoding', path: '/text', message: 'holds bytes that are no UTF-8 text' }];
    const line = { file: 'a.parquet', record: 1, errors, raw: '{"text":"/w=="}' };
    const { rejects, rows } = await replay(zstdCompressSync(`${JSON.stringify(line)}\n`), { format });
    expect([rows, rejects]).toEqual([[], [line]]);
  });
});

test('a record that was cut when it was kept cannot be read again', async () => {
  const text = `{"text":"${'x'.repeat(100_000)}"}\n`;
  const { rejects } = await replay(await rejectFile([text]));
  expect(rejects).toMatchObject([{ record: 1, errors: [{ code: 'RecordTooLarge' }], rawBytes: text.length - 1 }]);
});

test('a record is no larger than settings allow now', async () => {
  const { rejects } = await replay(await rejectFile(['{"text":"0123456789"}\n']), { maxRecordBytes: 10 });
  expect(rejects.map(({ errors }) => errors[0]?.code)).toEqual(['RecordTooLarge']);
});

test('bytes that are no text are refused as they were', async () => {
  const file = await rejectFile([Buffer.concat([Buffer.from('{"text":"'), Buffer.from([0xff]), Buffer.from('"}\n')])]);
  expect((await replay(file)).rejects).toEqual(rejectsOf(file));
});

test('what is no reject file cannot be read', async () => {
  for (const text of ['no json\n', '{"id":1}\n', '[]\n'])
    await expect(replay(zstdCompressSync(text))).rejects.toMatchObject({ code: 'UnreadableFile' });
  await expect(replay(Buffer.from('plain'))).rejects.toMatchObject({ code: 'UnreadableFile' });
});

test('a row of Parquet is not taken for cut when its text is shorter than the average of its row group', async () => {
  const loose = { type: 'object', properties: { id: { type: 'integer' }, text: { type: 'string' } } };
  const { files } = await ingestAll(loose, [`{"id":7}\n{"text":"${'x'.repeat(1000)}"}\n`]);
  const rejects = rejectsOf(await rejectFile([files.get('data-0') ?? ''], { format: { type: 'Parquet' } }));
  expect(rejects.map(({ raw, rawBytes }) => [raw?.length, rawBytes])).toEqual([
    [8, undefined],
    [1011, undefined],
  ]);
});
