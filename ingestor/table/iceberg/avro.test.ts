import { buffer } from 'node:stream/consumers';
import { zstdCompressSync } from 'node:zlib';
import avsc from 'avsc';
import { describe, expect, test } from 'vitest';
import { readAvro, writeAvro } from './avro.ts';

const schema = {
  type: 'record',
  name: 'r',
  fields: [
    { name: 'id', type: ['null', 'long'], 'field-id': 1 },
    { name: 'text', type: 'string', 'field-id': 2 },
    { name: 'day', type: ['null', { type: 'int', logicalType: 'date' }], default: null, 'field-id': 3 },
  ],
};
const sync = Buffer.alloc(16, 7);

const rows = [
  { id: 9223372036854775807n, text: 'large', day: null },
  { id: -9223372036854775808n, text: 'small', day: -1 },
  { id: 2 ** 52 - 1, text: '', day: 0 },
  { id: -(2 ** 52), text: 'Ä', day: 1 },
  { id: null, text: 'none', day: 2 ** 31 - 1 },
];

test('records are read as they were written, and so are schema and metadata', async () => {
  const body = await writeAvro(schema, { 'partition-spec-id': '3' }, rows, sync);
  const file = await readAvro(body, 'f');
  expect(file.records).toEqual(rows);
  expect(file.schema).toEqual(schema);
  expect(file.metadata).toMatchObject({ 'partition-spec-id': '3', 'avro.codec': 'deflate' });
});

test('a file of no records is one', async () => {
  expect((await readAvro(await writeAvro(schema, {}, [], sync), 'f')).records).toEqual([]);
});

test('many records lie in blocks', async () => {
  const many = Array.from({ length: 5_000 }, (_, id) => ({ id, text: 'x'.repeat(50), day: id }));
  const body = Buffer.from(await writeAvro(schema, {}, many, sync));
  expect((await readAvro(body, 'f')).records).toEqual(many);
  expect(body.toString('latin1').split(sync.toString('latin1')).length).toBeGreaterThan(4);
});

test('another implementation reads it', async () => {
  const decoder = new avsc.streams.BlockDecoder();
  const records: unknown[] = [];
  const small = rows.filter(({ id }) => typeof id !== 'bigint');
  decoder.on('data', (record) => records.push({ ...record }));
  decoder.end(await writeAvro(schema, {}, small, sync));
  await new Promise((resolve) => decoder.on('end', resolve));
  expect(records).toEqual(small);
});

describe('a file of another writer is read', () => {
  type Compress = (block: Buffer, done: (error: Error | null, result?: Buffer) => void) => void;
  const codecs: Record<string, Compress> = {
    null: (block, done) => done(null, block),
    snappy: (block, done) => done(null, Buffer.concat([snappyLiterals(block), Buffer.alloc(4)])),
    zstandard: (block, done) => done(null, zstdCompressSync(block)),
  };

  test.for(['null', 'deflate', 'snappy', 'zstandard'])('with the codec %s', async (codec) => {
    const records = Array.from({ length: 300 }, (_, id) => ({ id, text: `text ${id}`, day: null }));
    const copy = JSON.parse(JSON.stringify(schema));
    const { deflate: _, ...others } = codecs;
    const options = codec === 'deflate' ? { codec } : { codec, codecs: others };
    const encoder = new avsc.streams.BlockEncoder(copy, options);
    for (const record of records) encoder.write(record);
    encoder.end();
    expect((await readAvro(await buffer(encoder), 'f')).records).toEqual(records);
  });
});

describe('a file that is none says which it is', () => {
  test.for<[string, (body: Buffer) => Buffer]>([
    ['begins otherwise', (body) => Buffer.concat([Buffer.from('PAR1'), body])],
    ['is empty', () => Buffer.alloc(0)],
    ['ends in its header', (body) => body.subarray(0, 40)],
    ['ends in a block', (body) => body.subarray(0, body.length - 20)],
    [
      'has a block that is broken',
      (body) => Buffer.from(body.map((byte, at) => (at > body.length - 40 && at < body.length - 16 ? 0xff : byte))),
    ],
    [
      'has a codec nobody knows',
      (body) => Buffer.from(body.toString('latin1').replace('deflate', 'deflato'), 'latin1'),
    ],
  ])('when it %s', async ([, damage]) => {
    const body = damage(Buffer.from(await writeAvro(schema, {}, rows, sync)));
    await expect(readAvro(body, 's3://b/m.avro')).rejects.toMatchObject({
      code: 'DamagedDocument',
      message: expect.stringContaining('s3://b/m.avro'),
    });
  });
});

test.for<[string, number[]]>([
  ['claims 4 GiB', [0xff, 0xff, 0xff, 0xff, 0x0f, 0, 1]],
  ['has a literal of a length below zero', [8, 0xfc, 0xfa, 0xff, 0xff, 0xff, 1, 2]],
  ['copies from before its start', [8, 0, 1, 0x0d, 2]],
  ['ends early', [8, 0x1c, 1, 2]],
])('a block of Snappy that %s is damaged', async ([, block]) => {
  const encoder = new avsc.streams.BlockEncoder(JSON.parse(JSON.stringify(schema)), {
    codec: 'snappy',
    codecs: { snappy: (_plain, done) => done(null, Buffer.from([...block, 0, 0, 0, 0])) },
  });
  encoder.write({ id: 1, text: 'text', day: null });
  encoder.end();
  await expect(readAvro(await buffer(encoder), 'f')).rejects.toMatchObject({ code: 'DamagedDocument' });
});

/** The simplest Snappy stream: the length, then literals of up to 60 bytes. */
function snappyLiterals(block: Buffer): Buffer {
  const parts: Buffer[] = [];
  let rest = block.length;
  while (rest >= 0x80) {
    parts.push(Buffer.of((rest & 0x7f) | 0x80));
    rest >>= 7;
  }
  parts.push(Buffer.of(rest));
  for (let at = 0; at < block.length; at += 60) {
    const literal = block.subarray(at, at + 60);
    parts.push(Buffer.of((literal.length - 1) << 2), literal);
  }
  return Buffer.concat(parts);
}
