/** How pages are compressed. */
import { constants, gzipSync, zstdCompressSync } from 'node:zlib';
import { snappyCompressor } from 'hysnappy';
import type { Compression } from '../contract/task.ts';

export interface Codec {
  /** Its number in parquet.thrift. */
  readonly number: number;
  /** Gives bytes that are not the page's, in memory of their own. */
  compress(page: Uint8Array): Uint8Array;
}

export function codecOf(compression: Compression): Codec {
  switch (compression) {
    case 'None':
      return { number: 0, compress: (page) => new Uint8Array(page) };
    case 'Snappy':
      return { number: 1, compress: snappyCompressor() };
    case 'Gzip':
      return { number: 2, compress: (page) => gzipSync(page) };
    case 'Zstd':
      return { number: 6, compress: (page) => zstdCompressSync(page, zstdOptions(page)) };
  }
}

/**
 * Level 1: half the time of the default 3 for a few per cent more bytes; with a table of 2^12 places, which the processor
 * has at hand, a tenth less of it again for one or two per cent. One chunk takes all that can come of a page.
 */
function zstdOptions({ length }: Uint8Array) {
  const worst = length + Math.ceil(length / 128) + 1024;
  return { params: level, chunkSize: worst, pledgedSrcSize: length };
}

const level = {
  [constants.ZSTD_c_compressionLevel]: 1,
  [constants.ZSTD_c_hashLog]: 12,
  [constants.ZSTD_c_minMatch]: 6,
};
