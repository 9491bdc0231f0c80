/** Reads Avro object container files at once, as the specification of Avro has them; types are kept by their text. */
import { inflateRawSync } from 'node:zlib';
import avro from 'avsc';

export type AvroRow = Readonly<Record<string, unknown>>;

const header = avro.Type.forSchema({
  type: 'record',
  name: 'Header',
  fields: [
    { name: 'magic', type: { type: 'fixed', name: 'Magic', size: 4 } },
    { name: 'meta', type: { type: 'map', values: 'bytes' } },
    { name: 'sync', type: { type: 'fixed', name: 'Sync', size: 16 } },
  ],
});
const block = avro.Type.forSchema({
  type: 'record',
  name: 'Block',
  fields: [
    { name: 'count', type: 'long' },
    { name: 'bytes', type: 'bytes' },
    { name: 'sync', type: { type: 'fixed', name: 'BlockSync', size: 16 } },
  ],
});
const long = avro.types.LongType.__with({
  fromBuffer: (buffer: Buffer) => buffer.readBigInt64LE(),
  toBuffer: (value: bigint) => {
    const buffer = Buffer.alloc(8);
    buffer.writeBigInt64LE(value);
    return buffer;
  },
  fromJSON: BigInt,
  toJSON: Number,
  isValid: (value: unknown) => typeof value === 'bigint',
  compare: (a: bigint, b: bigint) => (a === b ? 0 : a < b ? -1 : 1),
});

const types = new Map<string, ReturnType<typeof avro.Type.forSchema>>();

function typeOf(schema: string): ReturnType<typeof avro.Type.forSchema> {
  const known = types.get(schema) ?? avro.Type.forSchema(JSON.parse(schema), { registry: { long }, wrapUnions: false });
  types.set(schema, known);
  return known;
}

/** 64-bit numbers as bigint. */
export function readAvro(body: Uint8Array): AvroRow[] {
  const bytes = Buffer.from(body);
  const start = header.decode(bytes, 0);
  const { meta } = start.value as { meta: Record<string, Buffer> };
  const codec = meta['avro.codec']?.toString() ?? 'null';
  if (codec !== 'null' && codec !== 'deflate') throw new Error(`an Avro file of codec ${codec}`);
  const type = typeOf(meta['avro.schema']?.toString() ?? '');
  const rows: AvroRow[] = [];
  for (let at = start.offset; at < bytes.length; ) {
    const next = block.decode(bytes, at);
    const { count, bytes: packed } = next.value as { count: number; bytes: Buffer };
    rows.push(...rowsOf(type, codec === 'deflate' ? inflateRawSync(packed) : packed, count));
    at = next.offset;
  }
  return rows;
}

function rowsOf(type: ReturnType<typeof avro.Type.forSchema>, bytes: Buffer, count: number): AvroRow[] {
  const rows: AvroRow[] = [];
  for (let at = 0; rows.length < count; ) {
    const { value, offset } = type.decode(bytes, at) as { value: AvroRow; offset: number };
    rows.push(value);
    at = offset;
  }
  return rows;
}
