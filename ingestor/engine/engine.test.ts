import { gzipSync, zstdCompressSync } from 'node:zlib';
import { expect, test } from 'vitest';
import { addsUp, type RecordCounts } from '../contract/counts.ts';
import { ForebayError } from '../contract/errors.ts';
import type { CsvOptions } from '../contract/task.ts';
import type { EngineInput } from './engine.ts';
import { createEngine } from './index.ts';
import { engineSettings, ingestAll, inputOf } from './testing.ts';

const csv: CsvOptions = {
  delimiter: ',',
  quote: '"',
  escape: '"',
  header: true,
  charset: 'UTF-8',
  skipLines: 0,
  comment: '',
};
const person = {
  type: 'object',
  required: ['name'],
  additionalProperties: false,
  properties: {
    name: { type: 'string', minLength: 1 },
    age: { type: 'integer', minimum: 0 },
    home: {
      type: 'object',
      additionalProperties: false,
      properties: { city: { type: 'string' }, zip: { type: 'string' } },
    },
  },
};

test('records that fit are stored, the others are kept with their reasons, and the counts add up', async () => {
  const text = '{"name":"Ann","age":5}\n{"age":-1}\n\nno json\n{"name":"Bob","home":{"city":"Ulm"}}\n';
  const { output, inputs, rows, rejects } = await ingestAll(person, [text]);
  expect(output.records).toEqual({ read: 4, ingested: 2, failed: 2, skipped: 0, warnings: 0 });
  expect(inputs).toEqual([{ name: 'file-0', records: output.records, bytes: text.length }]);
  expect(output.dataFiles.map(({ key, rows: count }) => [key, count])).toEqual([['data-0', 2]]);
  expect(output.rejectFile).toMatchObject({ key: 'rejects', rows: 2 });
  expect(rows).toEqual([
    { name: 'Ann', age: 5 },
    { name: 'Bob', home: { city: 'Ulm' } },
  ]);
  expect(rejects).toEqual([
    {
      file: 'file-0',
      record: 2,
      offset: 23,
      errors: [
        { code: 'RequiredMissing', path: '/name', message: 'is required and missing' },
        { code: 'OutOfRange', path: '/age', message: 'must be >= 0' },
      ],
      raw: '{"age":-1}',
    },
    {
      file: 'file-0',
      record: 3,
      offset: 35,
      errors: [{ code: 'MalformedRecord', path: '', message: expect.stringContaining('is no valid JSON') }],
      raw: 'no json',
    },
  ]);
  expect(output.errors).toEqual([
    { code: 'MalformedRecord', message: expect.any(String), count: 1, sample: { file: 'file-0', record: 3 } },
    { code: 'OutOfRange', path: '/age', message: 'must be >= 0', count: 1, sample: { file: 'file-0', record: 2 } },
    {
      code: 'RequiredMissing',
      path: '/name',
      message: 'is required and missing',
      count: 1,
      sample: { file: 'file-0', record: 2 },
    },
  ]);
});

test('without records there is no data file, without rejects no reject file', async () => {
  const nothing = await ingestAll(person, ['', '\n']);
  expect([nothing.output.dataFiles, nothing.output.rejectFile, nothing.files.size]).toEqual([[], undefined, 0]);
  const refused = await ingestAll(person, ['{}\n']);
  expect([...refused.files.keys()]).toEqual(['rejects']);
});

test('several inputs share the files, and records are numbered within each', async () => {
  const { inputs, rows, rejects, output } = await ingestAll(person, ['{"name":"a"}\n{}\n', '{}\n{"name":"b"}\n']);
  expect(rows).toEqual([{ name: 'a' }, { name: 'b' }]);
  expect(rejects.map(({ file, record }) => [file, record])).toEqual([
    ['file-0', 2],
    ['file-1', 1],
  ]);
  expect(inputs.map(({ records }) => records.read)).toEqual([2, 2]);
  expect(output.inputBytes).toBe(inputs[0]?.bytes === undefined ? 0 : inputs[0].bytes + (inputs[1]?.bytes ?? 0));
});

test('the format may be CSV, with nested fields by their dotted names and types by the schema', async () => {
  const text = 'name,age,home.city,home.zip\nAnn,5,Ulm,01234\nBob,,,\n"",1,,\nEve,x,,\nDan,5.5,,\n';
  const { rows, rejects } = await ingestAll(person, [text], { format: { type: 'CSV', csv } });
  expect(rows).toEqual([{ name: 'Ann', age: 5, home: { city: 'Ulm', zip: '01234' } }, { name: 'Bob' }]);
  expect(rejects.map(({ record, errors, raw }) => [record, errors[0]?.code, errors[0]?.path, raw])).toEqual([
    [3, 'OutOfRange', '/name', '"",1,,'],
    [4, 'WrongType', '/age', 'Eve,x,,'],
    [5, 'WrongType', '/age', 'Dan,5.5,,'],
  ]);
});

test('a mapping moves fields of JSON and of CSV alike', async () => {
  const mapping = [
    { source: 'Full\\.Name', destination: 'name' },
    { source: 'city', destination: 'home.city' },
  ];
  const expected = [{ name: 'Ann', age: 5, home: { city: 'Ulm' } }];
  const fromJson = await ingestAll(person, ['{"Full.Name":"Ann","age":5,"city":"Ulm"}'], { mapping });
  const fromCsv = await ingestAll(person, ['Full.Name,age,city\nAnn,5,Ulm\n'], {
    mapping,
    format: { type: 'CSV', csv },
  });
  expect([fromJson.rows, fromCsv.rows]).toEqual([expected, expected]);
});

test('an array of JSON and compressed files are read alike', async () => {
  const array = '[{"name":"a"},\n{"name":5},{"name":"b"}]';
  for (const data of [array, gzipSync(array), zstdCompressSync(array)]) {
    const { rows, output } = await ingestAll(person, [data], { format: { type: 'JSON' } });
    expect(rows).toEqual([{ name: 'a' }, { name: 'b' }]);
    expect(output.inputBytes).toBe(data.length);
  }
});

test('integers keep all their digits to 2^63, as fields, in lists and in JSON text', async () => {
  const schema = {
    properties: {
      long: { type: 'integer' },
      list: { type: 'array', items: { type: 'integer' } },
      any: {},
    },
  };
  const lines = [
    '{"long":9223372036854775807,"list":[9007199254740993,-9223372036854775808],"any":{"x":18446744073709551615,"y":"9007199254740993"}}',
    '{"long":9007199254740993.0,"list":[1e18]}',
    '{"long":9223372036854775808}',
    '{"any":1e400}',
  ];
  const { rows, rejects } = await ingestAll(schema, [lines.join('\n')]);
  expect(rows[0]).toEqual({
    long: 9223372036854775807n,
    list: [9007199254740993n, -9223372036854775808n],
    any: '{"x":18446744073709551615,"y":"9007199254740993"}',
  });
  expect(rows[1]).toEqual({ long: 9007199254740993n, list: [1000000000000000000n] });
  expect(rejects.map(({ record, errors }) => [record, errors[0]?.code])).toEqual([
    [3, 'OutOfRange'],
    [4, 'OutOfRange'],
  ]);
  const fromCsv = await ingestAll(schema, ['long\n9223372036854775807\n-9007199254740993\n9223372036854775808\n'], {
    format: { type: 'CSV', csv },
  });
  expect(fromCsv.rows).toEqual([{ long: 9223372036854775807n }, { long: -9007199254740993n }]);
});

test('odd records neither crash nor reach prototypes', async () => {
  const schema = {
    properties: { a: { type: 'string' }, o: { type: 'object', properties: { x: { type: 'string' } } }, any: {} },
  };
  const lines = [
    '{"a":"x","__proto__":{"polluted":1},"constructor":{"prototype":{"polluted":1}}}',
    '{"a":"1","a":"2"}',
    '{"a":"\\ud800"}',
    '{"a":"\\u0000nul"}',
    '{"o":{"__proto__":{"x":"y"}}}',
    '{"any":{"__proto__":{"x":1},"t":"\\ud800"}}',
    `{"any":${'['.repeat(50_000)}${']'.repeat(50_000)}}`,
  ];
  const { rows, rejects, output } = await ingestAll(schema, [lines.join('\n')], { maxRecordBytes: 200_000 });
  expect(rows).toEqual([
    { a: 'x' },
    { a: '2' },
    { a: '\u0000nul' },
    { o: {} },
    { any: '{"__proto__":{"x":1},"t":"\\ud800"}' },
    { any: '['.repeat(50_000) + ']'.repeat(50_000) },
  ]);
  expect(rejects.map(({ record, errors }) => [record, errors[0]?.code])).toEqual([[3, 'InvalidEncoding']]);
  expect(output.records.warnings).toBe(2);
  expect(Reflect.get({}, 'polluted')).toBeUndefined();
});

test('fields that the schema allows but no column holds are warnings', async () => {
  const schema = {
    properties: { a: { type: 'string' }, o: { type: 'object', properties: { x: { type: 'string' } } } },
  };
  const { output, rows } = await ingestAll(schema, ['{"a":"1"}\n{"a":"1","b":2}\n{"o":{"y":1}}\n{"o":{"x":"1"}}\n']);
  expect(output.records).toMatchObject({ ingested: 4, warnings: 2 });
  expect(rows).toEqual([{ a: '1' }, { a: '1' }, { o: {} }, { o: { x: '1' } }]);
  const moved = await ingestAll(schema, ['{"q":"1","a":"2"}'], { mapping: [{ source: 'q', destination: 'a' }] });
  expect([moved.rows, moved.output.records.warnings]).toEqual([[{ a: '1' }], 1]);
  const fromCsv = await ingestAll(schema, ['q,a\n1,2\n3,\n'], {
    mapping: [{ source: 'q', destination: 'a' }],
    format: { type: 'CSV', csv },
  });
  expect([fromCsv.rows, fromCsv.output.records.warnings]).toEqual([[{ a: '1' }, { a: '3' }], 1]);
});

test('a required field that may be null is null where CSV has nothing', async () => {
  const schema = { required: ['a', 'b'], properties: { a: { type: ['string', 'null'] }, b: { type: 'string' } } };
  const { rows, rejects } = await ingestAll(schema, ['a,b\n,x\n,\n'], { format: { type: 'CSV', csv } });
  expect(rows).toEqual([{ b: 'x' }]);
  expect(rejects.map(({ errors }) => errors)).toEqual([
    [{ code: 'RequiredMissing', path: '/b', message: 'is required and missing' }],
  ]);
});

test('classes of errors name schema places: not indexes, not keys of maps, not names that only records know', async () => {
  const schema = {
    additionalProperties: false,
    properties: {
      l: { type: 'array', items: { type: 'object', properties: { x: { type: 'string' } } } },
      m: { type: 'object', additionalProperties: { type: 'integer' } },
    },
  };
  const lines = [
    '{"l":[{"x":1},{"x":2}]}',
    '{"l":[{},{"x":3}]}',
    '{"m":{"jane@example.com":"x","joe@example.com":1}}',
    '{"jane@example.com":1,"joe@example.com":2}',
    '{"colour":1}',
  ];
  const { output, rejects } = await ingestAll(schema, [lines.join('\n')]);
  expect(output.errors.map(({ code, path, count }) => [code, path, count])).toEqual([
    ['WrongType', '/l/*/x', 2],
    ['UnknownField', '/*', 1],
    ['UnknownField', '/colour', 1],
    ['WrongType', '/m/*', 1],
  ]);
  expect(rejects[0]?.errors.map(({ path }) => path)).toEqual(['/l/0/x', '/l/1/x']);
});

test('kinds of errors past the thousandth are summed up', async () => {
  const lines = Array.from({ length: 1500 }, (_, index) => `{"unknown${index}":1}`).join('\n');
  const { output } = await ingestAll({ properties: { a: {} }, additionalProperties: false }, [lines]);
  expect(output.errors).toHaveLength(1001);
  expect(output.errors[0]).toMatchObject({ code: 'Other', count: 500 });
});

test('the raw text of rejects is cut where it is long, and in base64 where it is no text', async () => {
  const long = `{"name":5,"x":"${'é'.repeat(100_000)}"}`;
  const broken = Buffer.concat([Buffer.from('{"name":"'), Buffer.from([0xff]), Buffer.from('"}')]);
  const { rejects } = await ingestAll(person, [Buffer.concat([Buffer.from(`${long}\n`), broken])]);
  expect(rejects[0]?.rawBytes).toBe(Buffer.byteLength(long));
  expect(long.startsWith(rejects[0]?.raw ?? '?')).toBe(true);
  expect(Buffer.byteLength(rejects[0]?.raw ?? '')).toBeGreaterThan(65_000);
  expect(rejects[1]?.raw).toBeUndefined();
  expect(Buffer.from(rejects[1]?.rawBase64 ?? '', 'base64')).toEqual(broken);
});

test('a record over the limit is refused and the next is read', async () => {
  const text = `{"name":"a"}\n{"name":"${'x'.repeat(500_000)}"}\n{"name":"b"}\n`;
  const { rows, rejects } = await ingestAll(person, [text], { maxRecordBytes: 1000 });
  expect(rows).toEqual([{ name: 'a' }, { name: 'b' }]);
  expect(rejects[0]).toMatchObject({ record: 2, offset: 13, rawBytes: 500_011 });
  expect(rejects[0]?.errors).toEqual([{ code: 'RecordTooLarge', path: '', message: 'is longer than 1000 bytes' }]);
});

test.each<[string, string | Uint8Array, 'JSON' | 'JSONLines' | 'Parquet']>([
  ['a truncated array', '[{"name":"a"},{"na', 'JSON'],
  ['gzip cut short', gzipSync('{"name":"a"}\n').subarray(0, -4), 'JSONLines'],
  ['no Parquet', 'PAR1 this is none, though it says so PAR1', 'Parquet'],
  ['an empty Parquet file', '', 'Parquet'],
])('%s is an unreadable file that is named', async (_name, data, type) => {
  const engine = createEngine(engineSettings(person, new Map(), { format: { type } }));
  const error = await engine.ingest(inputOf(data, 'in/x.dat')).catch((thrown: unknown) => thrown);
  expect(error).toMatchObject({ code: 'UnreadableFile', message: expect.stringMatching(/^in\/x\.dat: /) });
  await engine.abort();
});

test('an error of the source passes as it is', async () => {
  const gone = new ForebayError('StoreUnavailable', 'gone');
  const input: EngineInput = {
    name: 'x',
    size: 100,
    // biome-ignore lint/correctness/useYield: it fails before there is anything
    async *read() {
      throw gone;
    },
  };
  for (const type of ['JSON', 'JSONLines', 'Parquet'] as const) {
    const engine = createEngine(engineSettings(person, new Map(), { format: { type } }));
    await expect(engine.ingest(input)).rejects.toBe(gone);
  }
});

test('an aborted engine stops and leaves no file', async () => {
  const files = new Map<string, Buffer>();
  const controller = new AbortController();
  const onProgress = () => controller.abort();
  const engine = createEngine(engineSettings(person, files, { signal: controller.signal, onProgress }));
  const lines = `${'{"name":"a"}\n'.repeat(1000)}`.repeat(500);
  await expect(engine.ingest(inputOf(lines))).rejects.toMatchObject({ code: 'Interrupted' });
  await engine.abort();
  expect(files.size).toBe(0);
});

test('progress tells counts that add up and bytes that grow', async () => {
  const seen: { readonly records: RecordCounts; readonly bytes: number }[] = [];
  const onProgress = (records: RecordCounts, bytes: number) => seen.push({ records, bytes });
  const lines = `{"name":"${'x'.repeat(1000)}"}\n{}\n`.repeat(10_000);
  await ingestAll(person, [lines], { onProgress });
  expect(seen.length).toBeGreaterThan(2);
  for (const [index, { records, bytes }] of seen.entries()) {
    expect(addsUp(records)).toBe(true);
    expect(bytes).toBeGreaterThanOrEqual(seen[index - 1]?.bytes ?? 0);
  }
  expect(seen.at(-1)).toEqual({
    records: { read: 20_000, ingested: 10_000, failed: 10_000, skipped: 0, warnings: 0 },
    bytes: lines.length,
  });
});

test('a data file is rolled when it has its size', async () => {
  const lines = Array.from({ length: 250_000 }, (_, index) => `{"name":"${(index * 7919) % 1_000_003}-${index}"}`).join(
    '\n',
  );
  const { output, rows } = await ingestAll(person, [lines], { targetFileSizeBytes: 1000 });
  expect(output.dataFiles.map(({ key }) => key)).toEqual(['data-0', 'data-1']);
  expect(output.dataFiles[0]?.rows).toBeGreaterThanOrEqual(122_880);
  expect(rows).toHaveLength(250_000);
});

test('thousands of columns are judged and stored like few', async () => {
  const names = Array.from({ length: 3000 }, (_, index) => `c${index}`);
  const properties = Object.fromEntries(
    names.map((name, index) => [name, { type: index % 2 === 0 ? 'integer' : 'string' }]),
  );
  const values = names.map((_, index) => (index % 2 === 0 ? index : `v${index}`));
  const record = Object.fromEntries(names.map((name, index) => [name, values[index]]));
  const lines = [record, { ...record, c0: 'x', c2998: 1.5 }].map((one) => JSON.stringify(one)).join('\n');
  const table = [names, values, ['x', ...values.slice(1)]].map((row) => row.join()).join('\n');
  for (const [data, format] of [
    [lines, { type: 'JSONLines' }],
    [table, { type: 'CSV', csv }],
  ] as const) {
    const { rows, rejects } = await ingestAll({ properties, additionalProperties: false }, [data], { format });
    expect(rows).toEqual([record]);
    expect(rejects[0]?.errors[0]).toMatchObject({ code: 'WrongType', path: '/c0' });
  }
}, 20_000);

test('a mapping to nowhere and a broken schema are told at once', () => {
  expect(() =>
    createEngine(engineSettings(person, new Map(), { mapping: [{ source: 'a', destination: 'b' }] })),
  ).toThrow('the schema has no field b');
  expect(() => createEngine(engineSettings({ type: 'string' }, new Map()))).toThrow('a record is an object');
});
