/** The bytes of a file without their compression; `Auto` goes by the first bytes, whatever the file's name says. */
import { pipeline, Readable, type Transform } from 'node:stream';
import { createGunzip, createZstdDecompress } from 'node:zlib';
import { ForebayError } from '../contract/errors.ts';
import type { InputCompression } from '../contract/task.ts';
import { type Bytes, unreadable } from './readers/reader.ts';

/** Throws UnreadableFile when the compressed data is damaged, ends early, or is followed by something else. */
export async function* decompress(bytes: Bytes, compression: InputCompression): AsyncGenerator<Uint8Array> {
  const [head, all] = await peek(bytes);
  const found = compressionOf(head);
  if (compression === 'None' || (compression === 'Auto' && found === 'None') || head.length === 0) {
    yield* all;
    return;
  }
  if (compression !== 'Auto' && found !== compression) throw unreadable(`is not compressed with ${compression}`);
  yield* inflate(all, found === 'Gzip' ? 'Gzip' : 'Zstd');
}

/** 256 KiB a piece doubles the speed of the default of 16 KiB. */
const chunkSize = 256 * 1024;

async function* inflate(bytes: Bytes, compression: 'Gzip' | 'Zstd'): AsyncGenerator<Uint8Array> {
  const stream = compression === 'Gzip' ? createGunzip({ chunkSize }) : createZstdDecompress({ chunkSize });
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
    throw unreadable(`${compression} data ${problemOf(error)}`, error);
  } finally {
    source.destroy();
  }
  // Zstandard's stream ends quietly at what is no frame; gzip's own tolerates zeros, which are padding.
  if (compression === 'Zstd' && stream.bytesWritten < fed.bytes) {
    throw unreadable(`Zstd data is followed by something else at byte ${stream.bytesWritten}`);
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
  return code === 'Z_BUF_ERROR' ? 'ends early' : 'is damaged';
}

/** By the first four bytes of a file. */
export function compressionOf(head: Uint8Array): 'None' | 'Gzip' | 'Zstd' {
  const [a, b, c, d] = head;
  if (a === 0x1f && b === 0x8b) return 'Gzip';
  if (a === 0x28 && b === 0xb5 && c === 0x2f && d === 0xfd) return 'Zstd';
  // A skippable frame (RFC 8878, 3.1.2) may come first.
  if (a !== undefined && a >= 0x50 && a <= 0x5f && b === 0x2a && c === 0x4d && d === 0x18) return 'Zstd';
  return 'None';
}

/** The first four bytes (fewer of a shorter file), and all bytes. */
async function peek(bytes: Bytes): Promise<[Uint8Array, Bytes]> {
  const iterator = bytes[Symbol.asyncIterator]();
  const chunks: Uint8Array[] = [];
  let head = Buffer.alloc(0);
  while (head.length < 4) {
    const next = await iterator.next();
    if (next.done) break;
    chunks.push(next.value);
    head = Buffer.concat([head, next.value.subarray(0, 4)]);
  }
  return [head, rejoined(chunks, iterator)];
}

async function* rejoined(chunks: readonly Uint8Array[], rest: AsyncIterator<Uint8Array>): AsyncGenerator<Uint8Array> {
  try {
    yield* chunks;
    for (let next = await rest.next(); !next.done; next = await rest.next()) yield next.value;
  } finally {
    await rest.return?.();
  }
}
