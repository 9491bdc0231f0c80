import { deflateRawSync, deflateSync, gzipSync, zstdCompressSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import type { DecompressionLimits, InputCompression } from '../../contract/task.ts';
import { ingestAll, inputOf } from '../testing.ts';
import { contentsOf } from './contents.ts';
import { Expansion } from './expansion.ts';
import { paxEntry, tarEntry, tarOf, type ZipFile, zipOf } from './testing.ts';

interface Options {
  readonly compression?: InputCompression;
  readonly decompression?: DecompressionLimits;
  readonly pieceBytes?: number;
}

/** Names and texts, and how many bytes were counted. */
async function contents(data: Uint8Array, { pieceBytes, ...options }: Options = {}) {
  const stored = new Counter();
  const found: [string, string][] = [];
  const settings = { compression: 'Auto' as const, ...options };
  for await (const { name, bytes } of contentsOf(inputOf(data, 'in', pieceBytes), settings, stored)) {
    const chunks: Uint8Array[] = [];
    for await (const chunk of bytes) chunks.push(chunk);
    found.push([name, Buffer.concat(chunks).toString()]);
  }
  expect(stored.bytes).toBe(data.length);
  return found;
}

class Counter {
  bytes = 0;

  async *counted(bytes: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
    for await (const chunk of bytes) {
      this.bytes += chunk.length;
      yield chunk;
    }
  }

  countBytes(bytes: number): void {
    this.bytes += bytes;
  }
}

const bzip2 = Buffer.from('425a68393141592653591488b7ea0000004000150020002198198461772453850901488b7ea0', 'hex');
const files = [
  { name: 'a.csv', data: 'first' },
  { name: 'folder/b.csv', data: 'x'.repeat(100_000) },
  { name: 'empty.csv', data: '' },
];
const expected = files.map(({ name, data }) => [`in/${name}`, data]);

describe('a file', () => {
  test.each<[string, Uint8Array]>([
    ['gzip', gzipSync('text')],
    ['zstd', zstdCompressSync('text')],
    ['nothing', Buffer.from('text')],
  ])('compressed with %s is found out by its first bytes', async (_name, data) => {
    for (const pieceBytes of [1, 1000]) expect(await contents(data, { pieceBytes })).toEqual([['in', 'text']]);
  });

  test('compressed with bzip2 is found out, too', async () => {
    expect(await contents(bzip2)).toEqual([['in', '\u0002\u0004\u0006']]);
  });

  test('of Deflate has a header of zlib or none', async () => {
    for (const data of [deflateSync('text'), deflateRawSync('text')]) {
      expect(await contents(data, { compression: 'Deflate' })).toEqual([['in', 'text']]);
      expect((await contents(data))[0]?.[1]).not.toBe('text');
    }
  });

  test.each(['Auto', 'None', 'Gzip', 'Zstd', 'Bzip2', 'Deflate', 'Zip', 'Tar', 'TarGzip'] as const)(
    'that is empty is empty, with %s',
    async (compression) => {
      expect(await contents(Buffer.alloc(0), { compression })).toEqual([['in', '']]);
    },
  );

  test('is left as it is with None', async () => {
    const data = gzipSync('text');
    expect(await contents(data, { compression: 'None' })).toEqual([['in', data.toString()]]);
  });

  test.each<[string, Uint8Array, InputCompression, string]>([
    ['gzip in gzip', gzipSync(gzipSync('x')), 'Auto', 'is compressed more than once, with Gzip within'],
    ['zip in gzip', gzipSync(zipOf(files)), 'Auto', 'is a Zip archive in another one, or compressed once more'],
    ['tar in what should be plain gzip', gzipSync(tarOf(files)), 'Gzip', 'is a Tar archive: set compression to Auto'],
    ['no zip', Buffer.from('a,b\n1,2\n'), 'Zip', 'Zip archive ends early, or with something else'],
    ['no tar', Buffer.from('a,b\n1,2\n'.repeat(100)), 'Tar', 'is no Tar archive'],
    ['no tar in gzip', gzipSync('a,b\n'.repeat(200)), 'TarGzip', 'is no Tar archive'],
    ['no gzip', Buffer.from('a,b\n'), 'TarGzip', 'is not compressed with Gzip'],
  ])('is refused with %s', async (_name, data, compression, message) => {
    await expect(contents(data, { compression })).rejects.toThrow(message);
  });
});

describe('a zip archive', () => {
  test.each<[string, Uint8Array]>([
    ['as it is', zipOf(files)],
    ['with a comment', zipOf(files, { comment: 'PK\u0005\u0006 no end' })],
    [
      'of the kind for large ones',
      zipOf(
        files.map((file) => ({ ...file, zip64: true })),
        { zip64: true },
      ),
    ],
    ['that stores', zipOf(files.map((file) => ({ ...file, method: 0 })))],
    ['with descriptors after the data', zipOf(files.map((file) => ({ ...file, flags: 8 })))],
    ['with zstd', zipOf(files.map((file) => ({ ...file, method: 93, stored: zstdCompressSync(file.data) })))],
  ])('%s has its files', async (_name, data) => {
    for (const compression of ['Auto', 'Zip'] as const) {
      for (const pieceBytes of [3, 70_000]) expect(await contents(data, { compression, pieceBytes })).toEqual(expected);
    }
  });

  test('may have no file', async () => {
    expect(await contents(zipOf([]))).toEqual([]);
  });

  test('may be in any order, with anything in between', async () => {
    const [first, second] = [
      { name: 'a', data: 'x'.repeat(10) },
      { name: 'b', data: 'y' },
    ];
    const whole = zipOf([{ name: '.between', data: Buffer.alloc(2_000_000), method: 0 }, first, second]);
    expect(await contents(whole)).toEqual([
      ['in/a', first.data],
      ['in/b', 'y'],
    ]);
  });

  test.each(['folder/', '__MACOSX/a.csv', '.DS_Store', 'folder/._a.csv', '.git/config'])(
    'passes over %s',
    async (name) => {
      expect(
        await contents(
          zipOf([
            { name, data: 'x' },
            { name: 'a', data: 'y' },
          ]),
        ),
      ).toEqual([['in/a', 'y']]);
    },
  );

  test('passes over links', async () => {
    const link = { name: 'link', data: '/etc/passwd', mode: 0o120777 };
    expect(await contents(zipOf([link, { name: 'a', data: 'y', mode: 0o100644 }]))).toEqual([['in/a', 'y']]);
  });

  test('has names that can be shown', async () => {
    const names = ['./a', '/b', '../c', 'd\\e', 'f\ng', 'é', 'x'.repeat(1000)];
    const found = await contents(zipOf(names.map((name) => ({ name, data: '' }))));
    expect(found.map(([name]) => name)).toEqual([
      'in/a',
      'in/b',
      'in/../c',
      'in/d/e',
      'in/f\ufffdg',
      'in/é',
      `in/${'x'.repeat(512)}…`,
    ]);
  });

  test('has files that are compressed once more', async () => {
    const data = zipOf([
      { name: 'a.gz', data: gzipSync('x') },
      { name: 'b.zst', data: zstdCompressSync('y'), method: 0 },
      { name: 'c', data: 'z' },
    ]);
    expect((await contents(data)).map(([, text]) => text)).toEqual(['x', 'y', 'z']);
  });

  test.each<[string, ZipFile, string]>([
    ['encrypted', { name: 'a', data: 'x', flags: 1 }, 'is encrypted'],
    ['encrypted with AES', { name: 'a', data: 'x', method: 99 }, 'is encrypted'],
    ['of Deflate64', { name: 'a', data: 'x', method: 9 }, 'is compressed with Deflate64, which is not read'],
    ['of LZMA', { name: 'a', data: 'x', method: 14 }, 'is compressed with LZMA, which is not read'],
    ['of a strange method', { name: 'a', data: 'x', method: 77 }, 'is compressed with method 77, which is not read'],
    ['with another checksum', { name: 'a', data: 'x', crc: 5 }, 'is damaged: its checksum is another'],
    ['longer than it says', { name: 'a', data: 'xyz', size: 2 }, 'is damaged: it has more than the 2 bytes'],
    [
      'shorter than it says',
      { name: 'a', data: 'xyz', size: 4 },
      'is damaged: it has 3 bytes, where the archive says 4',
    ],
    ['of damaged Deflate', { name: 'a', data: 'x', stored: Buffer.alloc(9, 0xff) }, 'Deflate data is damaged'],
    ['an archive', { name: 'a.zip', data: zipOf(files) }, 'is a Zip archive in another one'],
    ['an archive of tar', { name: 'a.tgz', data: gzipSync(tarOf(files)) }, 'is a Tar archive'],
  ])('with a file %s is refused where the file is read', async (_name, file, message) => {
    const schema = { properties: { n: { type: 'integer' } } };
    const reading = ingestAll(schema, [zipOf([{ name: 'good', data: '{"n":1}' }, file])]);
    await expect(reading).rejects.toMatchObject({ code: 'UnreadableFile' });
    await expect(reading).rejects.toThrow(`file-0/${file.name}: ${message}`);
  });

  const good = zipOf(files);
  const changed = (at: number, ...bytes: number[]) => {
    const copy = Buffer.from(good);
    copy.set(bytes, at < 0 ? copy.length + at : at);
    return copy;
  };
  const directory = good.readUInt32LE(good.length - 6);

  test.each<[string, Uint8Array, string]>([
    ['cut short', good.subarray(0, -1), 'Zip archive ends early'],
    ['cut in half', good.subarray(0, good.length / 2), 'Zip archive ends early'],
    ['followed by something', Buffer.concat([good, Buffer.from('x')]), 'or with something else than its directory'],
    [
      'after something',
      Buffer.concat([Buffer.from('PK\u0003\u0004'), good]),
      'its directory is not where it should be',
    ],
    ['of several disks', changed(-18, 1, 0), 'is spread over several files'],
    ['of more entries than it has', changed(-12, 9, 0), 'is damaged: entry 4 of its directory'],
    ['of fewer entries than it has', changed(-12, 1, 0), 'its directory has more entries than it says'],
    ['with a damaged directory', changed(directory, 0), 'is damaged: entry 1 of its directory'],
    ['with a name past its directory', changed(directory + 28, 0xff, 0xff), 'is damaged: entry 1 of its directory'],
    ['with an entry past its end', changed(directory + 42, 0xf0, 0xff, 0xff, 0), 'it does not begin at byte 16777200'],
    ['with an entry elsewhere', changed(directory + 42, 1), 'it does not begin at byte 1 of the archive'],
    ['with a longer entry', changed(directory + 22, 1), 'is damaged: entries overlap'],
  ])('%s is damaged', async (_name, data, message) => {
    const reading = contents(data, { compression: 'Zip' });
    await expect(reading).rejects.toMatchObject({ code: 'UnreadableFile' });
    await expect(reading).rejects.toThrow(message);
  });
});

describe('a tar archive', () => {
  test.each<[string, Uint8Array]>([
    ['of POSIX', tarOf(files)],
    ['of GNU', tarOf(files.map((file) => ({ ...file, magic: 'ustar  ' })))],
    ['before POSIX', tarOf(files.map((file) => ({ ...file, magic: '', type: '\0' })))],
    ['in gzip', gzipSync(tarOf(files))],
    ['in zstd', zstdCompressSync(tarOf(files))],
    ['with padding', Buffer.concat([tarOf(files), Buffer.alloc(9000)])],
  ])('%s has its files', async (_name, data) => {
    for (const pieceBytes of [7, 512, 70_000]) expect(await contents(data, { pieceBytes })).toEqual(expected);
  });

  test('is told without being found out', async () => {
    expect(await contents(tarOf(files), { compression: 'Tar' })).toEqual(expected);
    expect(await contents(gzipSync(tarOf(files)), { compression: 'TarGzip' })).toEqual(expected);
    expect(await contents(Buffer.alloc(1024), { compression: 'Tar' })).toEqual([]);
  });

  test('has long names, of all kinds', async () => {
    const long = 'x/'.repeat(100);
    const data = tarOf([
      paxEntry({ mtime: '1.5', path: `${long}pax` }),
      { name: 'cut', data: '1' },
      { name: '././@LongLink', type: 'L', data: `${long}gnu\0`, magic: 'ustar  ' },
      { name: 'cut', data: '2', magic: 'ustar  ' },
      { name: 'posix', prefix: 'x/x', data: '3' },
      { name: 'plain', data: '4' },
    ]);
    expect(await contents(data)).toEqual([
      [`in/${long}pax`, '1'],
      [`in/${long}gnu`, '2'],
      ['in/x/x/posix', '3'],
      ['in/plain', '4'],
    ]);
  });

  test('has sizes past 8 GiB in attributes, or as a number', async () => {
    const number = tarEntry({ name: 'b', data: 'xy' });
    number.fill(0, 124, 136);
    number[124] = 0x80;
    number[135] = 2;
    number.fill(0x20, 148, 156);
    number.write(
      `${number
        .subarray(0, 512)
        .reduce((sum, byte) => sum + byte, 0)
        .toString(8)
        .padStart(6, '0')}\0 `,
      148,
    );
    const data = Buffer.concat([
      tarEntry(paxEntry({ size: '3' })),
      tarEntry({ name: 'a', data: 'abc', size: 0 }),
      number,
      Buffer.alloc(1024),
    ]);
    expect(await contents(data)).toEqual([
      ['in/a', 'abc'],
      ['in/b', 'xy'],
    ]);
  });

  test.each([
    ['a hard link', { name: 'b', type: '1', size: 5 }],
    ['a link', { name: 'b', type: '2' }],
    ['a device', { name: 'b', type: '3' }],
    ['a folder', { name: 'b/', type: '5' }],
    ['a folder before POSIX', { name: 'b/', type: '\0' }],
    ['a pipe', { name: 'b', type: '6' }],
    ['attributes of all entries', { ...paxEntry({ comment: 'x' }), type: 'g' }],
    ['a hidden file', { name: 'x/.b', data: 'x' }],
    ['what macOS adds', { name: '._b', data: 'x' }],
  ])('passes over %s', async (_name, file) => {
    expect(await contents(tarOf([file, { name: 'a', data: 'y' }]))).toEqual([['in/a', 'y']]);
  });

  const good = tarOf(files);
  test.each<[string, Uint8Array, string]>([
    ['without its end', good.subarray(0, -1024), 'ends early, at byte'],
    ['cut within a file', good.subarray(0, 2000), 'ends early, at byte 2000'],
    ['cut within a header', good.subarray(0, 1200), 'ends early, at byte 1200'],
    ['followed by something', Buffer.concat([good, good]), 'is followed by something else at byte'],
    [
      'with a damaged header',
      Buffer.concat([good.subarray(0, 1030), Buffer.alloc(1), good.subarray(1031)]),
      'byte 1024 is where no entry begins',
    ],
    ['with a file with holes', tarOf([{ name: 'a', type: 'S' }]), 'entry a is a file with holes, which is not read'],
    [
      'with holes as pax tells',
      tarOf([paxEntry({ 'GNU.sparse.major': '1' }), { name: 'a' }]),
      'entry a is a file with holes',
    ],
    ['with the rest of a file', tarOf([{ name: 'a', type: 'M' }]), 'the rest of a file that began in another archive'],
    ['with an entry of a strange type', tarOf([{ name: 'a', type: 'Q' }]), 'entry a is of type "Q", which is not read'],
    ['with damaged attributes', tarOf([{ name: 'x', type: 'x', data: '99 path=a\n' }]), 'attributes at byte 512'],
    ['with a strange size', tarOf([paxEntry({ size: '-1' }), { name: 'a' }]), 'a size at byte 512'],
    ['with endless attributes', tarOf([{ name: 'x', type: 'x', size: 2 ** 30 }]), 'attributes of 1073741824 bytes'],
  ])('%s is refused', async (_name, data, message) => {
    const reading = contents(data, { compression: 'Tar' });
    await expect(reading).rejects.toMatchObject({ code: 'UnreadableFile' });
    await expect(reading).rejects.toThrow(message);
  });
});

describe('what few bytes become is limited', () => {
  const limits = { maxRatio: 2, maxBytes: 1000 };
  const text = 'x'.repeat(2000);

  test.each<[string, Uint8Array]>([
    ['gzip', gzipSync(text)],
    ['zip', zipOf([{ name: 'a', data: text }])],
    ['several files', zipOf([1, 2].map((n) => ({ name: `${n}`, data: text.slice(0, 600) })))],
    ['gzip in zip', zipOf([{ name: 'a', data: gzipSync(text), method: 0 }])],
    ['gzip in tar', tarOf([{ name: 'a', data: gzipSync(text) }])],
    ['tar in gzip', gzipSync(tarOf([{ name: 'a', data: '' }]))],
  ])('in %s', async (_name, data) => {
    await expect(contents(data, { decompression: limits })).rejects.toThrow('expands to more than 1000 bytes');
  });

  test('only where something is decompressed', async () => {
    expect(await contents(Buffer.from(text), { decompression: limits })).toEqual([['in', text]]);
  });

  test('by the ratio past 1 GiB', () => {
    const small = new Expansion(1000);
    small.add(2 ** 30);
    expect(() => small.add(1)).toThrow('expands to more than 1000 times its size, the most that is allowed past 1 GiB');
    const large = new Expansion(2 ** 30);
    large.add(1000 * 2 ** 30);
    expect(() => large.add(1)).toThrow('expands to more than 1000 times its size');
    const huge = new Expansion(2 ** 40);
    huge.add(2 ** 40);
    expect(() => huge.add(1)).toThrow('expands to more than 1099511627776 bytes, the most that is allowed');
  });
});

describe('the file is let go of', () => {
  const text = 'x'.repeat(100_000);
  const packed: [string, Uint8Array, InputCompression][] = [
    ['as it is', Buffer.from(text), 'Auto'],
    ['without compression', Buffer.from(text), 'None'],
    ['in gzip', gzipSync(text), 'Auto'],
    ['in zip', zipOf([{ name: 'a', data: text }]), 'Auto'],
    ['in tar', tarOf([{ name: 'a', data: text }]), 'Auto'],
    ['in tar in gzip', gzipSync(tarOf([{ name: 'a', data: text }])), 'TarGzip'],
    ['called gzip', Buffer.from(text), 'Gzip'],
    ['in gzip in gzip', gzipSync(gzipSync(text)), 'Auto'],
    ['in a zip that is cut', zipOf([{ name: 'a', data: text }]).subarray(0, -1), 'Auto'],
    ['in a tar that is cut', tarOf([{ name: 'a', data: text }]).subarray(0, 90_000), 'Auto'],
  ];

  /** A file that counts who holds it open. */
  function watched(data: Uint8Array) {
    const open = { now: 0 };
    const input = inputOf(data, 'in', 1000);
    const read = async function* (start?: number, end?: number): AsyncGenerator<Uint8Array> {
      open.now += 1;
      try {
        yield* input.read(start, end);
      } finally {
        open.now -= 1;
      }
    };
    return { open, input: { ...input, read } };
  }

  test.each(packed)('when it is read %s', async (_name, data, compression) => {
    const { open, input } = watched(data);
    try {
      for await (const content of contentsOf(input, { compression }, new Counter())) {
        for await (const _ of content.bytes);
      }
    } catch (error) {
      expect(error).toMatchObject({ code: 'UnreadableFile' });
    }
    await new Promise(setImmediate);
    expect(open.now).toBe(0);
  });

  test.each(packed.slice(0, 6))('when it is given up %s', async (_name, data, compression) => {
    for (const pieces of [0, 1]) {
      const { open, input } = watched(data);
      for await (const content of contentsOf(input, { compression }, new Counter())) {
        if (pieces === 1) for await (const _ of content.bytes) break;
        break;
      }
      await new Promise(setImmediate);
      expect(open.now).toBe(0);
    }
  });
});

test('records are numbered anew in each file of an archive, and named after it', async () => {
  const csv = {
    delimiter: ',',
    quote: '"',
    escape: '"',
    header: true,
    charset: 'UTF-8',
    skipLines: 0,
    comment: '',
  } as const;
  const data = zipOf([
    { name: 'a.csv', data: 'id,name\n1,x\nbad,y\n' },
    { name: 'sub/b.csv', data: 'name,id\nz,2\nz,bad\nz,3\n' },
  ]);
  const schema = { properties: { id: { type: 'integer' }, name: { type: 'string' } } };
  const { rows, rejects, inputs, output } = await ingestAll(schema, [data], { format: { type: 'CSV', csv } });
  expect(rows.map(({ id }) => id)).toEqual([1, 2, 3]);
  expect(rejects).toMatchObject([
    { file: 'file-0/a.csv', record: 2, offset: 12, raw: 'bad,y', columns: ['id', 'name'] },
    { file: 'file-0/sub/b.csv', record: 2, offset: 12, raw: 'z,bad', columns: ['name', 'id'] },
  ]);
  expect(inputs).toMatchObject([{ name: 'file-0', bytes: data.length, records: { read: 5, ingested: 3, failed: 2 } }]);
  expect(output.errors).toMatchObject([{ count: 2, sample: { file: 'file-0/a.csv', record: 2 } }]);
});

test('a file that cannot be read is named with its archive', async () => {
  const csv = {
    delimiter: ',',
    quote: '"',
    escape: '"',
    header: true,
    charset: 'UTF-8',
    skipLines: 0,
    comment: '',
  } as const;
  const data = tarOf([
    { name: 'a.csv', data: 'id\n1\n' },
    { name: 'b.csv', data: 'id,id\n1,1\n' },
  ]);
  const reading = ingestAll({ properties: { id: {} } }, [data], { format: { type: 'CSV', csv } });
  await expect(reading).rejects.toThrow('file-0/b.csv: field 2 of the header has the name of an earlier one');
});
