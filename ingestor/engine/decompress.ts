/** Bytes without their compression. `Auto` goes by the first bytes, whatever the file's name says. */
import { pipeline, Readable, type Transform } from 'node:stream';
import { createGunzip, createInflate, createInflateRaw, createZstdDecompress } from 'node:zlib';
import { ForebayError } from '../contract/errors.ts';
import { isTarHeader } from './archives/tar.ts';
import { bunzip2 } from './bzip2.ts';
import { type Bytes, unreadable } from './readers/reader.ts';

/** Of one stream of bytes. Deflate is that with the header of zlib or without one, RawDeflate without. */
export type Codec = 'Gzip' | 'Zstd' | 'Bzip2' | 'Deflate' | 'RawDeflate';

/**
 * Throws UnreadableFile when the compressed data is damaged, ends early, or is followed by something else. An empty file
 * is empty whatever its compression. `expanded` is told of what comes out, before it does.
 */
export async function* decompress(
  bytes: Bytes,
  compression: Codec | 'Auto' | 'None',
  expanded: (bytes: number) => void = () => {},
): AsyncGenerator<Uint8Array> {
  const [head, all] = await peek(bytes);
  try {
    const codec = head.length === 0 ? undefined : codecOf(compression, head);
    if (codec === undefined) {
      yield* all;
      return;
    }
    for await (const piece of inflate(all, codec)) {
      expanded(piece.length);
      yield piece;
    }
  } finally {
    await all.return();
  }
}

function codecOf(compression: Codec | 'Auto' | 'None', head: Uint8Array): Codec | undefined {
  if (compression === 'None') return undefined;
  if (compression === 'Deflate') return hasZlibHeader(head) ? 'Deflate' : 'RawDeflate';
  if (compression === 'RawDeflate') return compression;
  const found = compressionOf(head);
  if (compression !== 'Auto' && found !== compression) throw unreadable(`is not compressed with ${compression}`);
  return found === 'None' || found === 'Zip' || found === 'Tar' ? undefined : found;
}

/** RFC 1950: the method is 8, and the two bytes are a multiple of 31. Deflate itself never begins so. */
function hasZlibHeader([first = 0, second = 0]: Uint8Array): boolean {
  return (first & 0x0f) === 8 && (first * 256 + second) % 31 === 0;
}

/** 256 KiB a piece doubles the speed of the default of 16 KiB. The least that zlib takes is 64 bytes. */
const [leastChunk, mostChunk] = [64, 256 * 1024];

const streams = {
  Gzip: createGunzip,
  Zstd: createZstdDecompress,
  Deflate: createInflate,
  RawDeflate: createInflateRaw,
};

/** Of bytes that are compressed so. `size`: what is likely to come of them, for memory is set aside for so much. */
export async function* inflate(bytes: Bytes, codec: Codec, size = mostChunk): AsyncGenerator<Uint8Array> {
  if (codec === 'Bzip2') {
    yield* bunzip2(bytes);
    return;
  }
  const name = codec === 'RawDeflate' ? 'Deflate' : codec;
  const chunkSize = Math.min(mostChunk, Math.max(leastChunk, size));
  const stream: Transform & { readonly bytesWritten: number } = streams[codec]({ chunkSize });
  const fed = { bytes: 0 };
  let sourceError: unknown;
  const source = Readable.from(
    counted(bytes, fed, (error) => (sourceError = error)),
    { objectMode: false },
  );
  // The outcome shows where the stream is read.
  pipeline(source, stream, () => {});
  try {
    yield* read(stream);
  } catch (error) {
    if (sourceError) throw sourceError;
    throw unreadable(`${name} data ${problemOf(error)}`, error);
  } finally {
    source.destroy();
  }
  // Only gzip's own stream looks at what follows; it tolerates zeros, which are padding.
  if (codec !== 'Gzip' && stream.bytesWritten < fed.bytes) {
    throw unreadable(`${name} data is followed by something else at byte ${stream.bytesWritten}`);
  }
}

async function* read(stream: Transform): AsyncGenerator<Uint8Array> {
  for await (const chunk of stream) yield chunk;
}

/** Counts what passes; an error of the source is told apart from one of the data. */
async function* counted(bytes: Bytes, fed: { bytes: number }, failed: (error: unknown) => void): Bytes {
  try {
    for await (const chunk of bytes) {
      fed.bytes += chunk.length;
      yield chunk;
    }
  } catch (error) {
    failed(error);
    throw error;
  }
}

function problemOf(error: unknown): string {
  if (error instanceof ForebayError) return error.message;
  const code = error instanceof Error && 'code' in error ? error.code : '';
  if (code === 'ZSTD_error_frameParameter_windowTooLarge') return 'needs more than 128 MiB of memory';
  return code === 'Z_BUF_ERROR' ? 'ends early' : 'is damaged';
}

/** So many bytes tell how a file is compressed, or that it is an archive: the first header of tar. */
export const headBytes = 512;

/** By the first `headBytes` of a file, or all of a shorter one. Deflate has nothing to tell it by. */
export function compressionOf(head: Uint8Array): 'None' | 'Gzip' | 'Zstd' | 'Bzip2' | 'Zip' | 'Tar' {
  const bytes = Buffer.from(head.buffer, head.byteOffset, head.length);
  const beginsWith = (start: string) => bytes.toString('latin1', 0, start.length) === start;
  if (beginsWith('\x1f\x8b')) return 'Gzip';
  if (beginsWith('\x28\xb5\x2f\xfd')) return 'Zstd';
  // A skippable frame (RFC 8878, 3.1.2) may come first.
  const [first = 0] = bytes;
  if (first >= 0x50 && first <= 0x5f && bytes.toString('latin1', 1, 4) === '\x2a\x4d\x18') return 'Zstd';
  // After the signature a first block, or the end of an empty stream.
  if (beginsWith('BZh') && ['314159265359', '177245385090'].includes(bytes.toString('hex', 4, 10))) return 'Bzip2';
  if (beginsWith('PK\x03\x04') || beginsWith('PK\x05\x06')) return 'Zip';
  return isTarHeader(bytes.subarray(0, headBytes)) ? 'Tar' : 'None';
}

/** The first `headBytes` (fewer of a shorter file), and all bytes. */
export async function peek(bytes: Bytes): Promise<[Uint8Array, Rejoined]> {
  const iterator = bytes[Symbol.asyncIterator]();
  const chunks: Uint8Array[] = [];
  let head = Buffer.alloc(0);
  while (head.length < headBytes) {
    const next = await iterator.next();
    if (next.done) break;
    chunks.push(next.value);
    head = Buffer.concat([head, next.value.subarray(0, headBytes - head.length)]);
  }
  return [head, new Rejoined(chunks, iterator)];
}

/** Bytes that were taken, and those after them. Lets go of the source when it is told so, even if nothing was read of it. */
class Rejoined implements AsyncIterableIterator<Uint8Array> {
  readonly #taken: Uint8Array[];
  readonly #rest: AsyncIterator<Uint8Array>;

  constructor(taken: Uint8Array[], rest: AsyncIterator<Uint8Array>) {
    this.#taken = taken;
    this.#rest = rest;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  async next(): Promise<IteratorResult<Uint8Array>> {
    const value = this.#taken.shift();
    return value === undefined ? await this.#rest.next() : { done: false, value };
  }

  async return(): Promise<IteratorResult<Uint8Array>> {
    await this.#rest.return?.();
    return { done: true, value: undefined };
  }
}
