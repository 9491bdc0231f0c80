/**
 * Avro object container files: what manifests and manifest lists are. `avsc` encodes the values; the container is
 * written here, since its schema must keep the ids of the fields, and blocks of other engines come in more codecs.
 */
import { promisify } from 'node:util';
import { deflateRaw, inflateRaw, zstdDecompress } from 'node:zlib';
import avsc from 'avsc';
import { ForebayError } from '../../contract/errors.ts';
import { uncompressSnappy } from '../../parquet/snappy.ts';

const deflate = promisify(deflateRaw);
const inflate = promisify(inflateRaw);
const unzstd = promisify(zstdDecompress);

/** Bytes of encoded records in a block before it is compressed. */
const blockBytes = 64 * 1024;
const syncBytes = 16;
/** Of a block that others wrote, without compression: they have 64 KiB, some a few MiB. 256 MiB. */
const maxOutputLength = 256 * 1024 * 1024;

/** An Avro schema as JSON; members that Avro does not know (`field-id`) are kept. */
export type AvroSchema = string | { readonly [name: string]: unknown } | readonly AvroSchema[];

export type AvroRecord = Readonly<Record<string, unknown>>;

export interface AvroFile {
  /** Of the records, as it stands in the file. */
  readonly schema: unknown;
  readonly metadata: Readonly<Record<string, string>>;
  readonly records: readonly AvroRecord[];
}

/** `sync`: 16 bytes that are in no other file. Longs may be numbers or bigints; what is absent is null. */
export async function writeAvro(
  schema: AvroSchema,
  metadata: Readonly<Record<string, string>>,
  records: readonly AvroRecord[],
  sync: Uint8Array,
): Promise<Uint8Array> {
  const type = typeOf(schema);
  const meta = { ...metadata, 'avro.schema': JSON.stringify(schema), 'avro.codec': 'deflate' };
  const parts: Uint8Array[] = [encodeHeader(meta, sync)];
  let block: Uint8Array[] = [];
  let size = 0;
  const close = async () => {
    if (block.length === 0) return;
    const body = await deflate(Buffer.concat(block));
    parts.push(long.toBuffer(block.length), long.toBuffer(body.length), body, sync);
    block = [];
    size = 0;
  };
  for (const record of records) {
    const encoded = type.toBuffer(record);
    block.push(encoded);
    size += encoded.length;
    if (size >= blockBytes) await close();
  }
  await close();
  return Buffer.concat(parts);
}

/** Throws DamagedDocument that names the file. */
export async function readAvro(body: Uint8Array, name: string): Promise<AvroFile> {
  try {
    return await decodeFile(Buffer.from(body.buffer, body.byteOffset, body.byteLength));
  } catch (cause) {
    throw new ForebayError('DamagedDocument', `${name} is no Avro file, or it was damaged`, { cause });
  }
}

/** Longs are numbers where a double holds them, else bigints. */
const exactLong = avsc.types.LongType.__with({
  fromBuffer: (bytes: Buffer) => {
    const high = bytes.readInt32LE(4);
    // Up to 2^52 in size, and so exact.
    if (high >= -0x10_0000 && high < 0x10_0000) return high * 2 ** 32 + bytes.readUInt32LE(0);
    return bytes.readBigInt64LE(0);
  },
  toBuffer: (value: number | bigint) => {
    const bytes = Buffer.alloc(8);
    bytes.writeBigInt64LE(BigInt(value));
    return bytes;
  },
  fromJSON: Number,
  toJSON: Number,
  isValid: (value: unknown) => typeof value === 'bigint' || Number.isSafeInteger(value),
  compare: (a: number | bigint, b: number | bigint) => Number(a > b) - Number(a < b),
});

function typeOf(schema: unknown): avsc.Type {
  // Avro's own types want mutable schemas; the library does not change them.
  const copy = JSON.parse(JSON.stringify(schema));
  return avsc.Type.forSchema(copy, {
    typeHook: (one) => (isLong(one) ? exactLong : undefined),
    omitRecordMethods: true,
  });
}

function isLong(schema: unknown): boolean {
  if (schema === 'long') return true;
  return typeof schema === 'object' && schema !== null && 'type' in schema && schema.type === 'long';
}

const long = avsc.Type.forSchema('long');
const metadataMap = avsc.Type.forSchema({ type: 'map', values: 'bytes' });
const magic = Buffer.from('Obj\u0001', 'latin1');

function encodeHeader(metadata: Readonly<Record<string, string>>, sync: Uint8Array): Uint8Array {
  if (sync.length !== syncBytes) throw new TypeError('a sync marker has 16 bytes');
  const values = Object.fromEntries(Object.entries(metadata).map(([name, value]) => [name, Buffer.from(value)]));
  return Buffer.concat([magic, metadataMap.toBuffer(values), sync]);
}

async function decodeFile(file: Buffer): Promise<AvroFile> {
  if (!file.subarray(0, magic.length).equals(magic)) throw new Error('does not begin as an Avro file');
  const header = decode(metadataMap, file, magic.length);
  const metadata = Object.fromEntries(Object.entries(header.value).map(([name, value]) => [name, String(value)]));
  const schema: unknown = JSON.parse(metadata['avro.schema'] ?? '');
  const type = typeOf(schema);
  const records: AvroRecord[] = [];
  const sync = file.subarray(header.offset, header.offset + syncBytes);
  let offset = header.offset + syncBytes;
  while (offset < file.length) {
    const count = decode(long, file, offset);
    const size = decode(long, file, count.offset);
    if (size.value < 0) throw new Error('a block of fewer than no bytes');
    const end = size.offset + size.value;
    if (!file.subarray(end, end + syncBytes).equals(sync)) throw new Error('a block does not end as it should');
    const block = await decompress(metadata['avro.codec'], file.subarray(size.offset, end));
    // Each record has a byte at least.
    if (count.value > block.length) throw new Error('a block of more records than bytes');
    let at = 0;
    for (let n = 0; n < count.value; n += 1) {
      const record = decode(type, block, at);
      records.push(record.value);
      at = record.offset;
    }
    offset = end + syncBytes;
  }
  return { schema, metadata, records };
}

/** The library's values are untyped; it answers an offset of -1 where the bytes end too early. */
function decode(type: avsc.Type, bytes: Buffer, offset: number) {
  const decoded = type.decode(bytes, offset);
  if (decoded.offset < 0) throw new Error('ends too early');
  return decoded;
}

async function decompress(codec: string | undefined, block: Buffer): Promise<Buffer> {
  switch (codec) {
    case undefined:
    case 'null':
      return block;
    case 'deflate':
      return await inflate(block, { maxOutputLength });
    case 'zstandard':
      return await unzstd(block, { maxOutputLength });
    case 'snappy':
      return uncompressSnappy(block.subarray(0, -4), maxOutputLength); // after it four bytes of checksum
    default:
      throw new Error(`codec ${codec} is not known`);
  }
}
