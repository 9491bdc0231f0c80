import { constants, gzipSync, zstdCompressSync } from 'node:zlib';
import { expect, test } from 'vitest';
import { ForebayError } from '../contract/errors.ts';
import { type Codec, decompress } from './decompress.ts';
import { inPieces } from './readers/recorded.ts';

async function text(
  data: Uint8Array,
  compression: Codec | 'Auto' | 'None' = 'Auto',
  piece = 64 * 1024,
): Promise<string> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of decompress(inPieces(data, piece), compression)) chunks.push(chunk);
  return Buffer.concat(chunks).toString();
}

/** What the command-line tool writes; without it a flipped literal goes unseen. */
const checksum = { params: { [constants.ZSTD_c_checksumFlag]: 1 } };
const first = 'a'.repeat(300_000);
const second = Array.from({ length: 20_000 }, (_, index) => index).join();
const skippable = Buffer.concat([Buffer.from([0x50, 0x2a, 0x4d, 0x18, 3, 0, 0, 0]), Buffer.from('abc')]);

test.each<[string, (text: string) => Uint8Array]>([
  ['gzip', (plain) => gzipSync(plain)],
  ['zstd', (plain) => zstdCompressSync(plain)],
])('%s of several parts is read whole, however it comes', async (_name, compress) => {
  const data = Buffer.concat([compress(first), compress(second), compress('')]);
  for (const piece of [7, 1000, data.length]) expect(await text(data, 'Auto', piece)).toBe(first + second);
});

test('bytes that are not compressed pass as they are', async () => {
  for (const plain of ['', 'x', '{"a":1}']) expect(await text(Buffer.from(plain))).toBe(plain);
  expect(await text(gzipSync('x'), 'None')).toBe(gzipSync('x').toString());
});

test('an empty file is empty, whatever its compression', async () => {
  expect(await text(Buffer.alloc(0), 'Gzip')).toBe('');
});

test('zeros after gzip are padding, a skippable frame of zstd is skipped', async () => {
  expect(await text(Buffer.concat([gzipSync('x'), Buffer.alloc(600)]))).toBe('x');
  expect(await text(Buffer.concat([skippable, zstdCompressSync('x'), skippable]))).toBe('x');
});

test.each<[string, Uint8Array, Codec | 'Auto', string]>([
  ['gzip cut short', gzipSync(second).subarray(0, -5), 'Auto', 'Gzip data ends early'],
  ['zstd cut short', zstdCompressSync(second).subarray(0, -5), 'Auto', 'Zstd data ends early'],
  [
    'a second part cut short',
    Buffer.concat([gzipSync('x'), gzipSync('y').subarray(0, 12)]),
    'Auto',
    'Gzip data ends early',
  ],
  ['gzip with a flipped bit', flipped(gzipSync(second)), 'Auto', 'Gzip data is damaged'],
  ['zstd with a flipped bit', flipped(zstdCompressSync(second, checksum)), 'Auto', 'Zstd data is damaged'],
  ['something after gzip', Buffer.concat([gzipSync('x'), Buffer.from('more')]), 'Auto', 'Gzip data is damaged'],
  [
    'something after zstd',
    Buffer.concat([zstdCompressSync('x'), Buffer.from('more')]),
    'Auto',
    'followed by something else',
  ],
  ['plain text called gzip', Buffer.from('plain'), 'Gzip', 'is not compressed with Gzip'],
  ['gzip called zstd', gzipSync('x'), 'Zstd', 'is not compressed with Zstd'],
])('%s is an unreadable file', async (_name, data, compression, message) => {
  const length = async (piece?: number) => (await text(data, compression, piece)).length;
  await expect(length()).rejects.toThrow(message);
  await expect(length(5)).rejects.toMatchObject({ code: 'UnreadableFile' });
});

test('an error of the source is its own, not one of the data', async () => {
  const gone = new ForebayError('StoreUnavailable', 'gone');
  async function* failing() {
    yield gzipSync(second).subarray(0, 100);
    throw gone;
  }
  const all = async () => {
    for await (const _ of decompress(failing(), 'Auto'));
  };
  await expect(all()).rejects.toBe(gone);
});

test('who stops reading ends the source', async () => {
  let ended = false;
  async function* source() {
    try {
      for (;;) yield gzipSync(first);
    } finally {
      ended = true;
    }
  }
  for await (const _ of decompress(source(), 'Auto')) break;
  await new Promise(setImmediate);
  expect(ended).toBe(true);
});

function flipped(bytes: Buffer): Buffer {
  const copy = Buffer.from(bytes);
  const at = copy.length >> 1;
  copy[at] = (copy[at] ?? 0) ^ 0xff;
  return copy;
}
