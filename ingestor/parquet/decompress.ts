/** How pages are decompressed: never to more than their header says, and to no less. */
import { brotliDecompressSync, gunzipSync, zstdDecompressSync } from 'node:zlib';
import type { CompressionCodec } from 'hyparquet';
import { uncompressHadoopLz4, uncompressLz4 } from './lz4.ts';
import { uncompressSnappy } from './snappy.ts';

/** Throws Error for a codec that is not known, and for bytes that do not become so many. */
export function decompress(bytes: Uint8Array, length: number, codec: CompressionCodec): Buffer {
  const plain = decompressed(bytes, length, codec);
  if (plain.length !== length) throw new Error(`page of ${plain.length} bytes, not of ${length} as its header says`);
  return Buffer.from(plain.buffer, plain.byteOffset, length);
}

function decompressed(bytes: Uint8Array, length: number, codec: CompressionCodec): Uint8Array {
  switch (codec) {
    case 'UNCOMPRESSED':
      return bytes;
    case 'SNAPPY':
      return uncompressSnappy(bytes, length);
    case 'GZIP':
      return gunzipSync(bytes, limit(length));
    case 'ZSTD':
      return zstdDecompressSync(bytes, limit(length));
    case 'BROTLI':
      return brotliDecompressSync(bytes, limit(length));
    case 'LZ4':
      return uncompressHadoopLz4(bytes, length);
    case 'LZ4_RAW':
      return uncompressLz4(bytes, length);
    default:
      throw new Error(`compression ${codec} is not read`);
  }
}

function limit(length: number): { readonly maxOutputLength: number; readonly chunkSize: number } {
  return { maxOutputLength: Math.max(1, length), chunkSize: Math.max(64, length) };
}
