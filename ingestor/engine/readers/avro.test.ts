import { deflateRawSync, zstdCompressSync } from 'node:zlib';
import avsc from 'avsc';
import { describe, expect, test } from 'vitest';
import { ingestAll, type Options } from '../testing.ts';

const long = avsc.Type.forSchema('long');
const sync = Buffer.alloc(16, 7);
const compressors: Readonly<Record<string, (block: Buffer) => Buffer>> = {
  null: (block) => block,
  deflate: (block) => deflateRawSync(block),
  zstandard: (block) => zstdCompressSync(block),
};

/** Encoded records in blocks of the given number. */
function avroOf(schema: unknown, records: readonly Buffer[], codec = 'null', perBlock = 2): Buffer {
  const parts = [headerOf(JSON.stringify(schema), codec)];
  for (let at = 0; at < records.length; at += perBlock) {
    const block = records.slice(at, at + perBlock);
    parts.push(blockOf(block.length, (compressors[codec] ?? ((one) => one))(Buffer.concat(block))));
  }
  return Buffer.concat(parts);
}

function headerOf(schema: string, codec = 'null'): Buffer {
  const metadata = { 'avro.schema': Buffer.from(schema), 'avro.codec': Buffer.from(codec) };
  const map = avsc.Type.forSchema({ type: 'map', values: 'bytes' });
  return Buffer.concat([Buffer.from('Obj\u0001', 'latin1'), map.toBuffer(metadata), sync]);
}

function blockOf(records: number, bytes: Buffer): Buffer {
  return Buffer.concat([long.toBuffer(records), long.toBuffer(bytes.length), bytes, sync]);
}

/** What the library writes for these records. */
function encoded(schema: object, records: readonly object[]): Buffer[] {
  const type = avsc.Type.forSchema(JSON.parse(JSON.stringify(schema)), { wrapUnions: 'never' });
  return records.map((record) => type.toBuffer(record));
}

/** A record of one field of this Avro type, whose value has these bytes, into a column of this JSON Schema. */
async function readValue(type: unknown, bytes: readonly number[] | Buffer, column: object = {}) {
  const schema = recordOf([{ name: 'v', type }]);
  return await read({ properties: { v: column } }, avroOf(schema, [Buffer.from(bytes)]));
}

function recordOf(fields: readonly object[], name = 'R'): object {
  return { type: 'record', name, fields };
}

async function read(schema: object, file: Uint8Array, options: Options = {}) {
  return await ingestAll({ type: 'object', ...schema }, [file], { format: { type: 'Avro' }, ...options });
}

/** Columns of any type hold JSON as text. */
function parsed(rows: Awaited<ReturnType<typeof read>>['rows']): unknown[] {
  const parse = (value: unknown) => (typeof value === 'string' ? JSON.parse(value) : value);
  return rows.map((row) => Object.fromEntries(Object.entries(row).map(([name, value]) => [name, parse(value)])));
}

async function problemOf(file: Uint8Array, options: Options = {}): Promise<string> {
  try {
    await read({ properties: { n: { type: 'integer' } } }, file, options);
    return 'nothing';
  } catch (error) {
    expect(error).toMatchObject({ code: 'UnreadableFile' });
    return error instanceof Error ? error.message : '';
  }
}

const numbers = recordOf([{ name: 'n', type: 'int' }]);
const oneToFive = encoded(numbers, [{ n: 1 }, { n: 2 }, { n: 3 }, { n: 4 }, { n: 5 }]);
const integers = { properties: { n: { type: 'integer', maximum: 4 } } };

test.each(Object.keys(compressors))('blocks with the codec %s are read one after the other', async (codec) => {
  const { rows, rejects, output } = await read(integers, avroOf(numbers, oneToFive, codec));
  expect(rows).toEqual([{ n: 1 }, { n: 2 }, { n: 3 }, { n: 4 }]);
  expect(rejects).toMatchObject([{ file: 'file-0', record: 5, raw: '{"n":5}', errors: [{ code: 'OutOfRange' }] }]);
  expect(output.records).toMatchObject({ read: 5, ingested: 4, failed: 1 });
});

// The block of 1, 2, 3 as Python's bzip2 and snappy (a literal, and a checksum) have it.
test.each([
  ['bzip2', '425a68393141592653591488b7ea0000004000150020002198198461772453850901488b7ea0'],
  ['snappy', '030802040671ca6d4d'],
])('a block with the codec %s is read', async (codec, hex) => {
  const file = Buffer.concat([headerOf(JSON.stringify(numbers), codec), blockOf(3, Buffer.from(hex, 'hex'))]);
  expect((await read(integers, file)).rows).toEqual([{ n: 1 }, { n: 2 }, { n: 3 }]);
});

describe('values are those that Parquet has', () => {
  const zigzag = (value: bigint) => bytesOf(((value << 1n) ^ (value >> 63n)) & 0xffff_ffff_ffff_ffffn);
  /** Seven bits a byte. */
  function bytesOf(value: bigint): Buffer {
    const bytes: number[] = [];
    let rest = value;
    for (; rest >= 0x80n; rest >>= 7n) bytes.push(Number(rest & 0x7fn) | 0x80);
    return Buffer.from([...bytes, Number(rest)]);
  }
  const text = (value: string) => Buffer.concat([zigzag(BigInt(Buffer.byteLength(value))), Buffer.from(value)]);
  const logical = (type: string, logicalType: string, more: object = {}) => ({ type, logicalType, ...more });
  const double = Buffer.alloc(8);
  double.writeDoubleLE(-0.1);
  const float = Buffer.alloc(4);
  float.writeFloatLE(0.5);

  test.each<[string, unknown, Buffer | number[], unknown]>([
    ['boolean', 'boolean', [1], true],
    ['false', 'boolean', [0], false],
    ['int', 'int', [1], -1],
    ['double', 'double', double, -0.1],
    ['float', 'float', float, 0.5],
    [
      'string',
      'string',
      text('né 東京 🦆, and longer than sixteen bytes'),
      'né 東京 🦆, and longer than sixteen bytes',
    ],
    ['bytes that are text', 'bytes', text('abc'), 'abc'],
    ['fixed', { type: 'fixed', name: 'F', size: 2 }, Buffer.from('ab'), 'ab'],
    ['enum', { type: 'enum', name: 'E', symbols: ['A', 'B'] }, [2], 'B'],
    ['array', { type: 'array', items: 'int' }, [4, 2, 4, 0], [1, 2]],
    ['array in blocks with sizes', { type: 'array', items: 'int' }, [1, 2, 2, 3, 4, 4, 6, 0], [1, 2, 3]],
    ['array with nulls', { type: 'array', items: ['null', 'int'] }, [4, 0, 2, 2, 0], [null, 1]],
    ['map', { type: 'map', values: 'int' }, [2, 2, 0x61, 2, 0], { a: 1 }],
    ['map with null', { type: 'map', values: ['null', 'int'] }, [2, 2, 0x61, 0, 0], { a: null }],
    ['union', ['null', 'string', 'int'], [4, 2], 1],
    ['date', logical('int', 'date'), zigzag(20_781n), '2026-11-24'],
    ['date before 1970', logical('int', 'date'), zigzag(-1n), '1969-12-31'],
    ['time-millis', logical('int', 'time-millis'), zigzag(3_661_001n), '01:01:01.001Z'],
    ['time-micros', logical('long', 'time-micros'), zigzag(1n), '00:00:00.000001Z'],
    ['timestamp-millis', logical('long', 'timestamp-millis'), zigzag(1n), '1970-01-01T00:00:00.001Z'],
    ['timestamp-micros', logical('long', 'timestamp-micros'), zigzag(-1n), '1969-12-31T23:59:59.999999Z'],
    ['timestamp-nanos', logical('long', 'timestamp-nanos'), zigzag(-1n), '1969-12-31T23:59:59.999999Z'],
    ['local-timestamp-millis', logical('long', 'local-timestamp-millis'), zigzag(0n), '1970-01-01T00:00:00Z'],
    ['local-timestamp-micros', logical('long', 'local-timestamp-micros'), zigzag(0n), '1970-01-01T00:00:00Z'],
    ['local-timestamp-nanos', logical('long', 'local-timestamp-nanos'), zigzag(1000n), '1970-01-01T00:00:00.000001Z'],
    ['decimal', logical('bytes', 'decimal', { precision: 9, scale: 2 }), [4, 0xcf, 0xc7], -123.45],
    ['decimal that is whole', logical('bytes', 'decimal', { precision: 9, scale: 2 }), [4, 0x30, 0x70], 124],
    ['decimal in a fixed', { type: 'fixed', name: 'D', size: 2, logicalType: 'decimal', precision: 4 }, [1, 0], 256],
    ['big-decimal', logical('bytes', 'big-decimal'), [6, 2, 15, 2], 1.5],
    ['uuid as text', logical('string', 'uuid'), text('a'), 'a'],
    [
      'uuid as bytes',
      { type: 'fixed', name: 'U', size: 16, logicalType: 'uuid' },
      Buffer.from('00112233445566778899aabbccddeeff', 'hex'),
      '00112233-4455-6677-8899-aabbccddeeff',
    ],
    [
      'duration',
      { type: 'fixed', name: 'T', size: 12, logicalType: 'duration' },
      [1, 0, 0, 0, 2, 0, 0, 0, 0xdc, 5, 0, 0],
      'P1M2DT1.5S',
    ],
    ['a logical type that does not fit', logical('string', 'date'), text('a'), 'a'],
    ['a logical type that is not known', logical('int', 'toString'), [2], 1],
    ['a date past the year 9999', logical('int', 'date'), zigzag(2n ** 31n - 1n), 'out of range'],
    [
      'a decimal of far too many digits',
      logical('bytes', 'big-decimal'),
      [14, 2, 1, ...zigzag(2n ** 30n)],
      'out of range',
    ],
  ])('%s', async (_name, type, bytes, expected) => {
    const { rows, rejects } = await readValue(type, Buffer.from(bytes));
    expect(rejects).toEqual([]);
    expect(parsed(rows)).toEqual([{ v: expected }]);
  });

  test.each(
    [0n, 63n, 64n, -64n, 2n ** 27n, 2n ** 28n - 1n, -(2n ** 31n), 2n ** 52n, 2n ** 53n - 1n, 1n - 2n ** 53n].map(
      (n) => [n],
    ),
  )('long %s', async (value) => {
    const { rows } = await readValue('long', zigzag(value), { type: 'integer' });
    expect(rows).toEqual([{ v: Number(value) }]);
  });

  test.each([2n ** 53n, -(2n ** 53n), 2n ** 53n + 1n, 2n ** 62n, 2n ** 63n - 1n, -(2n ** 63n)].map((n) => [n]))(
    'long %s, exactly',
    async (value) => {
      const { rows } = await readValue('long', zigzag(value), { type: 'integer' });
      expect(rows).toEqual([{ v: value }]);
    },
  );
});

test('a null is a field that is not there, unless the schema asks for it', async () => {
  const type = recordOf([
    { name: 'a', type: ['null', 'string'] },
    { name: 'b', type: ['null', recordOf([{ name: 'c', type: ['int', 'null'] }], 'B')] },
  ]);
  const file = avroOf(
    type,
    encoded(type, [
      { a: null, b: { c: null } },
      { a: null, b: null },
      { a: 'x', b: { c: 1 } },
    ]),
  );
  const b = { type: 'object', properties: { c: { type: 'integer' } } };
  const { rows } = await read({ properties: { a: { type: 'string' }, b } }, file);
  expect(rows).toEqual([{ b: {} }, {}, { a: 'x', b: { c: 1 } }]);
  const asked = await read({ properties: { a: { type: ['string', 'null'] }, b }, required: ['a'] }, file);
  expect(asked.output.records).toMatchObject({ ingested: 3 });
  const refused = await read({ properties: { a: { type: 'string' }, b }, required: ['a'] }, file);
  expect(refused.rejects).toMatchObject([{ errors: [{ code: 'RequiredMissing', path: '/a' }] }, { record: 2 }]);
});

test('names are resolved in their namespaces, and a type may be within itself', async () => {
  const type = {
    type: 'record',
    name: 'a.b.Node',
    fields: [
      { name: 'id', type: { type: 'fixed', name: 'ID', namespace: 'c', size: 1 } },
      { name: 'other', type: 'c.ID' },
      { name: 'next', type: ['null', 'Node'] },
      { name: 'kinds', type: { type: 'array', items: 'a.b.Node' } },
    ],
  };
  const leaf = { id: Buffer.from('3'), other: Buffer.from('4'), next: null, kinds: [] };
  const file = avroOf(type, encoded(type, [{ ...leaf, next: leaf, kinds: [leaf] }]));
  const { rows } = await read({ properties: { next: {}, kinds: {} } }, file);
  const read1 = { id: '3', other: '4', kinds: [] };
  expect(parsed(rows)).toEqual([{ next: read1, kinds: [read1] }]);
});

test('fields are moved as the mapping says', async () => {
  const mapping = [{ source: 'n', destination: 'm.k' }];
  const schema = { properties: { m: { type: 'object', properties: { k: { type: 'integer' } } } } };
  const { rows } = await read(schema, avroOf(numbers, oneToFive.slice(0, 1)), { mapping });
  expect(rows).toEqual([{ m: { k: 1 } }]);
});

test('names that JavaScript has a meaning for are names like any other', async () => {
  const names = ['__proto__', 'constructor', 'toString', '"]; throw 1; //', 'a.b'];
  const type = recordOf(names.map((name) => ({ name, type: 'int' })));
  const file = avroOf(type, [Buffer.from([2, 4, 6, 8, 10])]);
  const { rejects } = await read({ properties: { n: {} }, additionalProperties: false }, file);
  expect(rejects[0]?.raw).toBe('{"__proto__":1,"constructor":2,"toString":3,"\\"]; throw 1; //":4,"a.b":5}');
  const map = await readValue({ type: 'map', values: 'int' }, [2, 18, ...Buffer.from('__proto__'), 2, 0]);
  expect(parsed(map.rows)).toEqual([{ v: JSON.parse('{"__proto__": 1}') }]);
});

test('a record with bytes, or a text, that are no UTF-8 is refused alone', async () => {
  const type = recordOf([{ name: 'v', type: 'string' }]);
  const file = avroOf(type, [Buffer.from([2, 0x61]), Buffer.from([2, 0xff]), Buffer.from([2, 0x62])]);
  const { rows, rejects } = await read({ properties: { v: { type: 'string' } } }, file);
  expect(rows).toEqual([{ v: 'a' }, { v: 'b' }]);
  expect(rejects).toMatchObject([
    { record: 2, raw: '{"v":"/w=="}', errors: [{ code: 'InvalidEncoding', path: '/v' }] },
  ]);
  const deep = await readValue({ type: 'array', items: 'bytes' }, [2, 2, 0xff, 0]);
  expect(deep.rejects).toMatchObject([{ errors: [{ code: 'InvalidEncoding', path: '/v' }] }]);
});

test('a file whose records are no objects refuses each', async () => {
  const { rejects } = await read({ properties: { n: {} } }, avroOf('int', [Buffer.from([2]), Buffer.from([4])]));
  expect(rejects.map(({ record, raw, errors }) => [record, raw, errors[0]?.code])).toEqual([
    [1, '1', 'MalformedRecord'],
    [2, '2', 'MalformedRecord'],
  ]);
});

test('a file without records is empty', async () => {
  expect((await read({ properties: { n: {} } }, headerOf(JSON.stringify(numbers)))).output.records.read).toBe(0);
});

describe('a record past the limits is refused alone', () => {
  const schema = { properties: { v: {} } };
  const array = recordOf([{ name: 'v', type: { type: 'array', items: 'null' } }]);
  const small = Buffer.from([2, 0]);
  const codesOf = (rejects: Awaited<ReturnType<typeof read>>['rejects']) =>
    rejects.map(({ record, errors }) => [record, errors[0]?.code]);

  test('by its bytes', async () => {
    const type = recordOf([{ name: 'v', type: 'string' }]);
    const long = encoded(type, [{ v: 'x'.repeat(2000) }, { v: 'y' }]);
    const { rows, rejects } = await read(schema, avroOf(type, long), { maxRecordBytes: 1000 });
    expect(codesOf(rejects)).toEqual([[1, 'RecordTooLarge']]);
    expect(rejects[0]).toMatchObject({ raw: '', rawBytes: 2002 });
    expect(parsed(rows)).toEqual([{ v: 'y' }]);
  });

  test('by items that take no bytes', async () => {
    const much = Buffer.concat([long.toBuffer(2 ** 50), Buffer.from([0])]);
    const { rows, rejects } = await read(schema, avroOf(array, [much, small, small]));
    expect(codesOf(rejects)).toEqual([[1, 'RecordTooLarge']]);
    expect(parsed(rows)).toEqual([{ v: [null] }, { v: [null] }]);
  });

  test('by its depth', async () => {
    const type = recordOf([{ name: 'v', type: ['null', 'R'] }]);
    const deep = Buffer.concat([Buffer.alloc(1500, 2), Buffer.from([0])]);
    const { rows, rejects } = await read(schema, avroOf(type, [Buffer.from([0]), deep, Buffer.from([0])], 'null', 3));
    expect(codesOf(rejects)).toEqual([[2, 'MalformedRecord']]);
    expect(rows).toHaveLength(2);
  });
});

describe('what cannot be read says so', () => {
  const good = avroOf(numbers, oneToFive);
  const header = headerOf(JSON.stringify(numbers));
  const withBlock = (records: number, ...bytes: number[]) =>
    Buffer.concat([header, blockOf(records, Buffer.from(bytes))]);
  const withSchema = (schema: unknown) => headerOf(typeof schema === 'string' ? schema : JSON.stringify(schema));
  const marked = Buffer.from(good);
  marked[good.length - 1] = 0;

  test.each<[string, Uint8Array, string]>([
    ['no Avro', Buffer.from('{"n": 1}\n'), 'is no Avro file'],
    ['less than a header', good.subarray(0, 20), 'ends early, at byte 20'],
    ['a block cut short', good.subarray(0, -20), 'ends early, at byte'],
    ['another marker', marked, `is damaged: the block at byte ${good.length - 19}`],
    ['a negative size', Buffer.concat([header, Buffer.from([2, 1])]), 'is damaged: the block at byte'],
    ['an endless number', Buffer.concat([header, Buffer.alloc(20, 0xff)]), 'is damaged at byte'],
    [
      'a block too large to hold',
      Buffer.concat([header, Buffer.from([2]), long.toBuffer(2 ** 40)]),
      'has a block of 1099511627776 bytes',
    ],
    ['more records than bytes', withBlock(5, 2), 'is damaged: the block at byte'],
    ['fewer records than bytes', withBlock(1, 2, 4), 'is damaged: the block at byte'],
    ['a record past its block', withBlock(1, 0x80), 'record 1, in the block at byte'],
    ['an int of more than 64 bits', withBlock(1, ...Buffer.alloc(12, 0xff)), 'has a number of more than 64 bits'],
    [
      'a codec that is not known',
      headerOf(JSON.stringify(numbers), 'xz'),
      'is compressed with "xz", which is not read',
    ],
    ['a schema that is no JSON', withSchema('{'), 'its schema is no valid JSON'],
    ['a schema without types', withSchema({ type: 'record', name: 'R' }), 'its schema has a record without fields'],
    ['a type without a name', withSchema({ type: 'record', fields: [] }), 'its schema has a type without a name'],
    ['a type that is not there', withSchema(recordOf([{ name: 'n', type: 'Gone' }])), 'its schema has no type "Gone"'],
    [
      'two fields of one name',
      withSchema(recordOf([1, 2].map(() => ({ name: 'n', type: 'int' })))),
      'two fields of one name',
    ],
    ['a union in a union', withSchema([['int']]), 'a union in a union'],
    ['something that is no type', withSchema(recordOf([{ name: 'n', type: 5 }])), 'something that is no type'],
    ['a schema that nests without end', withSchema(`${'{"type":'.repeat(1e5)}"int"${'}'.repeat(1e5)}`), 'its schema'],
  ])('%s', async (_name, file, message) => {
    expect(await problemOf(file)).toContain(message);
  });

  test.each([
    ['a length', 'string', [0x7e]],
    ['a negative length', 'bytes', [1]],
    ['a choice', ['null'], [2]],
    ['a symbol', { type: 'enum', name: 'E', symbols: ['A'] }, [4]],
    ['a number of items', { type: 'array', items: 'int' }, [0x7e, 0]],
    ['a double', 'double', [0]],
  ])('%s that is none', async (_name, type, bytes) => {
    await expect(readValue(type, bytes)).rejects.toThrow(
      /^file-0: is damaged: record 1, in the block at byte \d+, has /,
    );
  });

  test.each(['deflate', 'zstandard', 'snappy', 'bzip2'])('a damaged block of codec %s', async (codec) => {
    const file = Buffer.concat([
      headerOf(JSON.stringify(numbers), codec),
      blockOf(1, Buffer.from('damaged, all of it')),
    ]);
    expect(await problemOf(file)).toContain('is damaged: the block at byte');
  });

  test('a block that becomes too large when it is decompressed', async () => {
    const bomb = zstdCompressSync(Buffer.alloc(65 * 1024 * 1024));
    const file = Buffer.concat([headerOf(JSON.stringify(numbers), 'zstandard'), blockOf(1, bomb)]);
    expect(await problemOf(file)).toContain('is too long when decompressed');
  });
});
