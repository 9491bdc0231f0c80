/**
 * The records of an Avro object container file, block by block. A block is held whole, and checked before its records are
 * read: it ends with the marker of its file.
 */
import { crc32, inflateRawSync, zstdDecompressSync } from 'node:zlib';
import { uncompressSnappy } from '../../parquet/snappy.ts';
import { ByteReader } from '../archives/bytereader.ts';
import { bunzip2 } from '../bzip2.ts';
import { stringifyExact } from '../exact.ts';
import { notAnObject } from '../examine.ts';
import type { RecordError } from '../schema.ts';
import { isObject, type JsonObject } from '../schemadocument.ts';
import { type AvroDecoder, Cursor, compileDecoder, Damage, Excess } from './avrodecoder.ts';
import { parseAvroSchema } from './avroschema.ts';
import { bytesWithoutText, type GiveRow, type ParquetRecords, rowGiver } from './parquet.ts';
import { type Bytes, type RecordSink, type RecordSource, tooLarge, unreadable } from './reader.ts';

export interface AvroLimits {
  readonly maxRecordBytes: number;
  /** Is told what comes of the blocks, before it is used. */
  expanded(bytes: number): void;
}

/** Throws UnreadableFile. */
export async function readAvro(bytes: Bytes, records: ParquetRecords, limits: AvroLimits): Promise<void> {
  const reader = new ByteReader(bytes);
  try {
    const { decoder, decompress, sync } = await readHeader(reader, limits);
    const rows = new RecordReader(decoder, limits.maxRecordBytes, records);
    for (let block = await readBlock(reader, sync, limits); block; block = await readBlock(reader, sync, limits)) {
      const bytes = await decompressed(block, decompress);
      limits.expanded(bytes.length);
      for (const _turn of rows.read({ ...block, bytes })) await records.sink.drain();
      await records.sink.drain();
    }
  } finally {
    await reader.close();
  }
}

const magic = Buffer.from('Obj\u0001', 'latin1');
const syncBytes = 16;
/** Of the header: its schema, and what a program wrote there. 16 MiB. */
const mostHeaderBytes = 16 * 1024 * 1024;

async function readHeader(reader: ByteReader, limits: AvroLimits) {
  if (!(await reader.take(magic.length)).equals(magic)) throw unreadable('is no Avro file');
  const metadata = new Map<string, Buffer>();
  for (let count = await readLong(reader); count !== 0; count = await readLong(reader)) {
    if (count < 0) await readLong(reader);
    for (let left = Math.abs(count); left > 0; left -= 1) {
      const name = (await readBytes(reader)).toString();
      metadata.set(name, Buffer.from(await readBytes(reader)));
      if (reader.position > mostHeaderBytes) throw unreadable(`its header has more than ${mostHeaderBytes} bytes`);
    }
  }
  const sync = Buffer.from(await exactly(reader, syncBytes));
  const schema = parseAvroSchema(metadata.get('avro.schema')?.toString() ?? '');
  const codec = metadata.get('avro.codec')?.toString() ?? 'null';
  return { decoder: compileDecoder(schema), decompress: await decompressorOf(codec, limits), sync };
}

interface Block {
  /** Where it begins in the file. */
  readonly position: number;
  readonly records: number;
  readonly bytes: Buffer;
}

/** Undefined at the end of the file. */
async function readBlock(reader: ByteReader, sync: Buffer, limits: AvroLimits): Promise<Block | undefined> {
  const { position } = reader;
  const first = await reader.take(1);
  if (first.length === 0) return undefined;
  const records = await readLong(reader, first[0]);
  const size = await readLong(reader);
  if (records < 0 || size < 0) throw damagedBlock(position);
  if (size > mostBlockBytes(limits)) throw unreadable(`has a block of ${size} bytes, at byte ${position}`);
  const block = await exactly(reader, size + syncBytes);
  if (!block.subarray(size).equals(sync)) throw damagedBlock(position);
  return { position, records, bytes: block.subarray(0, size) };
}

/** Of a block, before and after it is decompressed. 64 MiB: a thousand times what writers make; or four large records. */
function mostBlockBytes({ maxRecordBytes }: AvroLimits): number {
  return Math.max(64 * 1024 * 1024, 4 * maxRecordBytes);
}

async function decompressed({ position, bytes }: Block, decompress: Decompress): Promise<Buffer> {
  try {
    return await decompress(bytes);
  } catch (error) {
    const isTooLong = error instanceof RangeError;
    throw unreadable(
      `is damaged: the block at byte ${position} ${isTooLong ? 'is too long when' : 'cannot be'} decompressed`,
      error,
    );
  }
}

type Decompress = (block: Buffer) => Buffer | Promise<Buffer>;

/** Of the codec that the header names. */
async function decompressorOf(codec: string, limits: AvroLimits): Promise<Decompress> {
  const maxOutputLength = mostBlockBytes(limits);
  switch (codec) {
    case 'null':
      return (block) => block;
    case 'deflate':
      return (block) => inflateRawSync(block, { maxOutputLength, chunkSize });
    case 'zstandard':
      return (block) => zstdDecompressSync(block, { maxOutputLength, chunkSize });
    case 'bzip2':
      return (block) => unbzip2(block, maxOutputLength);
    case 'snappy':
      return (block) => unsnap(block, maxOutputLength);
    default:
      throw unreadable(`is compressed with ${JSON.stringify(codec.slice(0, 40))}, which is not read`);
  }
}

/** Most blocks are smaller. */
const chunkSize = 128 * 1024;

/** After the block there are four bytes of checksum. */
function unsnap(block: Buffer, most: number): Buffer {
  if (block.length < 5) throw new Error('it has no checksum');
  const plain = uncompressSnappy(block.subarray(0, -4), most);
  if (crc32(plain) !== block.readUInt32BE(block.length - 4)) throw new Error('its checksum is another');
  return plain;
}

async function unbzip2(block: Buffer, most: number): Promise<Buffer> {
  const pieces: Uint8Array[] = [];
  let length = 0;
  for await (const piece of bunzip2(once(block))) {
    length += piece.length;
    if (length > most) throw new RangeError('not that long');
    pieces.push(piece);
  }
  return Buffer.concat(pieces);
}

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}

async function readBytes(reader: ByteReader): Promise<Buffer> {
  const size = await readLong(reader);
  if (size < 0 || size > mostHeaderBytes) throw unreadable('its header is damaged');
  return await exactly(reader, size);
}

/** A long of which a number is enough. `known`: its first byte, where that was taken already. */
async function readLong(reader: ByteReader, known?: number): Promise<number> {
  let byte = known ?? (await exactly(reader, 1))[0] ?? 0;
  let value = byte & 0x7f;
  for (let scale = 2 ** 7; byte >= 0x80; scale *= 2 ** 7) {
    if (scale > 2 ** 63) throw unreadable(`is damaged at byte ${reader.position}`);
    byte = (await exactly(reader, 1))[0] ?? 0;
    value += (byte & 0x7f) * scale;
  }
  return value % 2 === 0 ? value / 2 : -(value + 1) / 2;
}

async function exactly(reader: ByteReader, size: number): Promise<Buffer> {
  const bytes = await reader.take(size);
  if (bytes.length < size) throw unreadable(`ends early, at byte ${reader.position}`);
  return bytes;
}

/** After so many records of a block the sink may drain. */
const recordsPerTurn = 10_000;

class RecordReader implements RecordSource {
  readonly offset = undefined;
  readonly #decoder: AvroDecoder;
  readonly #maxRecordBytes: number;
  readonly #sink: RecordSink;
  readonly #give: GiveRow;
  /** How many records were read before the one at hand. */
  #read = 0;
  #record: unknown;
  size = 0;

  constructor(decoder: AvroDecoder, maxRecordBytes: number, records: ParquetRecords) {
    this.#decoder = decoder;
    this.#maxRecordBytes = maxRecordBytes;
    this.#sink = records.sink;
    this.#give = rowGiver(records);
  }

  /** Empty where the record was too large, or too deep, to be held. */
  raw(): Uint8Array {
    return Buffer.from(this.#record === undefined ? '' : stringifyExact(this.#record));
  }

  /** Yields where the sink may drain. */
  *read({ position, records, bytes }: Block): Generator<void> {
    // Empty records would make any number of them.
    if (records > bytes.length) throw damagedBlock(position);
    const cursor = new Cursor(bytes);
    for (let nth = 1; nth <= records; nth += 1) {
      try {
        this.#readRecord(cursor);
      } catch (error) {
        throw error instanceof Damage ? this.#damaged(error, position) : error;
      }
      if (nth % recordsPerTurn === 0) yield;
    }
    if (cursor.at !== bytes.length) throw damagedBlock(position);
  }

  #readRecord(cursor: Cursor): void {
    const start = cursor.at;
    const excess = this.#decode(cursor);
    if (cursor.at > cursor.bytes.length) throw new Damage('ends after its block');
    this.#read += 1;
    this.size = cursor.at - start;
    const record = this.#record;
    if (excess === 'depth') this.#sink.refuse(nestsTooDeeply, this);
    else if (excess === 'size' || this.size > this.#maxRecordBytes)
      this.#sink.refuse(tooLarge(this.#maxRecordBytes), this);
    else if (!isObject(record)) this.#sink.refuse(notAnObject, this);
    else if (cursor.hasBytes) this.#sink.refuse(bytesWithoutText(fieldWithBytes(record)), this);
    else this.#give(record, cursor.hasBigInt, this);
  }

  /** What the record is too much of; it is passed over then. */
  #decode(cursor: Cursor): Excess['of'] | undefined {
    const start = cursor.at;
    this.#record = undefined;
    cursor.begin(this.#maxRecordBytes);
    try {
      this.#record = this.#decoder.read(cursor);
      return undefined;
    } catch (error) {
      if (!(error instanceof Excess)) throw error;
      cursor.at = start;
      this.#skip(cursor);
      return error.of;
    }
  }

  #skip(cursor: Cursor): void {
    try {
      this.#decoder.skip(cursor);
    } catch (error) {
      throw error instanceof RangeError ? new Damage('nests so deeply that it cannot be passed over') : error;
    }
  }

  #damaged({ message }: Damage, position: number): Error {
    return unreadable(`is damaged: record ${this.#read + 1}, in the block at byte ${position}, ${message}`);
  }
}

const nestsTooDeeply: RecordError = { code: 'MalformedRecord', path: '', message: 'nests too deeply' };

function fieldWithBytes(record: JsonObject): string {
  return Object.keys(record).find((name) => holdsBytes(record[name])) ?? '';
}

function holdsBytes(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false;
  return value instanceof Uint8Array || Object.values(value).some(holdsBytes);
}

function damagedBlock(position: number): Error {
  return unreadable(`is damaged: the block at byte ${position}`);
}
