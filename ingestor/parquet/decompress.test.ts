import { brotliCompressSync, gzipSync, zstdCompressSync } from 'node:zlib';
import type { CompressionCodec } from 'hyparquet';
import { snappyCompressor } from 'hysnappy';
import { describe, expect, test } from 'vitest';
import { decompress } from './decompress.ts';

const snappy = snappyCompressor();
const text = Buffer.from(
  Array.from({ length: 4000 }, (_, n) => `{"id":${n},"kind":"kind ${(n * 7919) % 50}"}`).join('\n'),
);
const zeros = Buffer.alloc(100_000);

/** An LZ4 block that has bytes alone, as they are. */
function lz4Literals(bytes: Buffer): Buffer {
  const more = bytes.length - 15;
  const lengths = more < 0 ? [] : [...Array.from({ length: Math.floor(more / 255) }, () => 255), more % 255];
  return Buffer.concat([Buffer.of(Math.min(15, bytes.length) << 4, ...lengths), bytes]);
}

/** One 0, and from there on as many as follow; five bytes as they are at the end, as the format wants it. */
function lz4Zeros(count: number): Buffer {
  const more = count - 6 - 4 - 15;
  const lengths = [...Array.from({ length: Math.floor(more / 255) }, () => 255), more % 255];
  return Buffer.concat([Buffer.of(0x1f, 0, 1, 0, ...lengths), Buffer.of(0x50, 0, 0, 0, 0, 0)]);
}

function hadoop(...blocks: readonly [number, Buffer][]): Buffer {
  const frames = blocks.map(([length, block]) => {
    const head = Buffer.alloc(8);
    head.writeUInt32BE(length, 0);
    head.writeUInt32BE(block.length, 4);
    return Buffer.concat([head, block]);
  });
  return Buffer.concat(frames);
}

const pages: readonly [CompressionCodec, Buffer, Uint8Array][] = [
  ['UNCOMPRESSED', text, text],
  ['SNAPPY', text, snappy(text).slice()],
  ['SNAPPY', zeros, snappy(zeros).slice()],
  ['SNAPPY', Buffer.alloc(0), Buffer.of(0)],
  ['GZIP', text, gzipSync(text)],
  ['ZSTD', text, zstdCompressSync(text)],
  ['BROTLI', text, brotliCompressSync(text)],
  ['LZ4_RAW', text, lz4Literals(text)],
  ['LZ4_RAW', zeros, lz4Zeros(zeros.length)],
  ['LZ4_RAW', Buffer.alloc(0), Buffer.of(0)],
  ['LZ4', text, lz4Literals(text)],
  [
    'LZ4',
    Buffer.concat([text, zeros]),
    hadoop([text.length, lz4Literals(text)], [zeros.length, lz4Zeros(zeros.length)]),
  ],
];

test.each(pages)('a page of %s comes back', (codec, plain, stored) => {
  expect(decompress(stored, plain.length, codec).equals(plain)).toBe(true);
});

describe('a page that is damaged is an error', () => {
  test.each(pages)('where it is shorter or longer than its header says, in %s', (codec, plain, stored) => {
    for (const length of [plain.length - 1, plain.length + 1, 256 * 1024 * 1024].filter((one) => one >= 0))
      expect(() => decompress(stored, length, codec)).toThrow();
  });

  test.each(pages.filter(([, plain]) => plain.length > 0))('where it ends early, in %s', (codec, plain, stored) => {
    for (let end = 0; end < stored.length; end += Math.max(1, Math.floor(stored.length / 100)))
      expect(() => decompress(stored.subarray(0, end), plain.length, codec)).toThrow();
  });

  test.each(pages)('or other bytes, where some were changed, in %s', (codec, plain, stored) => {
    for (let at = 0; at < stored.length; at += Math.max(1, Math.floor(stored.length / 200))) {
      const damaged = Buffer.from(stored);
      damaged[at] = (damaged[at] ?? 0) ^ 0xa5;
      try {
        expect(decompress(damaged, plain.length, codec)).toHaveLength(plain.length);
      } catch (error) {
        expect(error).toBeInstanceOf(Error);
      }
    }
  });

  test.each<[string, CompressionCodec, number[], number]>([
    ['claims 4 GiB', 'SNAPPY', [0xff, 0xff, 0xff, 0xff, 0x0f, 0, 1], 100],
    ['claims more than its bytes can become', 'SNAPPY', [0x80, 0x80, 0x40, 0, 1], 2 ** 20],
    ['has a length without end', 'SNAPPY', Array.from({ length: 100 }, () => 0x80), 100],
    ['has a literal of a length below zero', 'SNAPPY', [8, 0xfc, 0xfa, 0xff, 0xff, 0xff, 1, 2], 8],
    ['copies from before its start', 'SNAPPY', [8, 0, 1, 0x0d, 2], 8],
    ['copies from nowhere', 'SNAPPY', [8, 0, 1, 0x0d, 0], 8],
    ['copies more than it claims', 'SNAPPY', [8, 0, 1, 0xfe, 1, 0], 8],
    ['ends in a copy', 'SNAPPY', [8, 0, 1, 0xff, 1], 8],
    ['copies from before its start', 'LZ4_RAW', [0x10, 1, 2, 0, 0x00], 5],
    ['copies from nowhere', 'LZ4_RAW', [0x10, 1, 0, 0, 0x00], 5],
    ['has a length without end', 'LZ4_RAW', [0xf0, 255, 255, 255], 600],
    ['copies from the frame before', 'LZ4', [0, 0, 0, 1, 0, 0, 0, 2, 0x10, 1, 0, 0, 0, 4, 0, 0, 0, 3, 0, 1, 0], 5],
  ])('that %s, in %s', (_name, codec, stored, length) => {
    expect(() => decompress(Uint8Array.from(stored), length, codec)).toThrow();
  });
});

test('a compression that nobody knows is named', () => {
  expect(() => decompress(text, text.length, 'LZO')).toThrow('compression LZO is not read');
});
