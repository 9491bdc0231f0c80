/**
 * Zip, by the directory at its end: it alone says what is in the archive and how long each file is. Files are read in the
 * order of the directory, which as a rule is that of the archive, so that one request serves for all of them.
 * The format: https://pkware.cachefly.net/webdocs/casestudies/APPNOTE.TXT
 */
import { crc32 } from 'node:zlib';
import { type RangedFile, RangeReader, readRange } from '../../parquet/rangedfile.ts';
import { type Codec, inflate } from '../decompress.ts';
import { type Bytes, unreadable } from '../readers/reader.ts';
import { ByteReader } from './bytereader.ts';
import { type Entry, isPassedOver, shownName } from './entry.ts';

export interface ZipWatcher {
  /** Passes on the stored bytes of a file. */
  counted(bytes: Bytes): Bytes;
  /** Is told what comes of them, before it does. */
  expanded(bytes: number): void;
}

/** The regular files. Throws UnreadableFile. */
export async function* readZip(file: RangedFile, watcher: ZipWatcher): AsyncGenerator<Entry> {
  const directory = await findDirectory(file);
  const forward = new ForwardReader(file, directory.start);
  let stored = 0;
  try {
    for await (const entry of readDirectory(file, directory)) {
      stored += entry.storedBytes;
      // Entries that share their bytes make much of little.
      if (stored > directory.start) throw damaged('entries overlap');
      const name = shownName(entry.name);
      if (isFile(entry) && !isPassedOver(name)) yield { name, bytes: contentOf(entry, forward, watcher) };
    }
  } finally {
    await forward.close();
  }
}

interface Directory {
  readonly start: number;
  readonly end: number;
  readonly entries: number;
}

interface ZipEntry {
  /** With a slash at the end it is a folder. */
  readonly name: string;
  readonly isEncrypted: boolean;
  readonly method: number;
  readonly crc: number;
  readonly storedBytes: number;
  readonly bytes: number;
  /** Of its local header in the file. */
  readonly offset: number;
  /** Type and rights as Unix has them; 0 where the archive was made elsewhere. */
  readonly mode: number;
}

/** First four bytes of a record, and the length of the part that all of them have. */
const records = {
  local: { signature: 0x04034b50, bytes: 30 },
  central: { signature: 0x02014b50, bytes: 46 },
  end: { signature: 0x06054b50, bytes: 22 },
  end64: { signature: 0x06064b50, bytes: 56 },
  locator64: { signature: 0x07064b50, bytes: 20 },
} as const;
const [most16, most32] = [0xffff, 0xffffffff];
/** Of the directory, held at once. 1 MiB: some 10,000 entries. */
const directoryPiece = 1024 * 1024;

/** The record at the end says where the directory is; past 65,535 entries or 4 GiB another one does, which lies before it. */
async function findDirectory(file: RangedFile): Promise<Directory> {
  const tailStart = Math.max(0, file.size - records.end.bytes - most16);
  const tail = asBuffer(await readRange(file, tailStart, file.size));
  const at = findEnd(tail);
  if (at === undefined) throw unreadable('Zip archive ends early, or with something else than its directory');
  const locator = at - records.locator64.bytes;
  const is64 = locator >= 0 && tail.readUInt32LE(locator) === records.locator64.signature;
  const end = is64 ? Number(tail.readBigUInt64LE(locator + 8)) : tailStart + at;
  const found = is64 ? await readEnd64(file, end) : parseEnd(tail, at);
  if (found.disk !== 0) throw unreadable('Zip archive is spread over several files');
  if (found.start + found.bytes !== end) throw damaged('its directory is not where it should be');
  return { start: found.start, end, entries: found.entries };
}

/** Only a comment follows it. */
function findEnd(tail: Buffer): number | undefined {
  for (let at = tail.length - records.end.bytes; at >= 0; at -= 1) {
    if (tail.readUInt32LE(at) !== records.end.signature) continue;
    if (at + records.end.bytes + tail.readUInt16LE(at + 20) === tail.length) return at;
  }
  return undefined;
}

function parseEnd(tail: Buffer, at: number) {
  return {
    disk: tail.readUInt16LE(at + 4),
    entries: tail.readUInt16LE(at + 10),
    bytes: tail.readUInt32LE(at + 12),
    start: tail.readUInt32LE(at + 16),
  };
}

async function readEnd64(file: RangedFile, at: number) {
  if (at + records.end64.bytes > file.size) throw damaged('its directory is not where it should be');
  const record = asBuffer(await readRange(file, at, at + records.end64.bytes));
  if (record.readUInt32LE(0) !== records.end64.signature) throw damaged('its directory is not where it should be');
  return {
    disk: record.readUInt32LE(16),
    entries: Number(record.readBigUInt64LE(32)),
    bytes: Number(record.readBigUInt64LE(40)),
    start: Number(record.readBigUInt64LE(48)),
  };
}

async function* readDirectory(file: RangedFile, { start, end, entries }: Directory): AsyncGenerator<ZipEntry> {
  const reader = new RangeReader(file, start, end, directoryPiece);
  for (let index = 1; index <= entries; index += 1) {
    const fixed = asBuffer(await reader.peek(records.central.bytes));
    if (fixed.length < records.central.bytes || fixed.readUInt32LE(0) !== records.central.signature) {
      throw damaged(`entry ${index} of its directory`);
    }
    const length = fixed.readUInt16LE(28) + fixed.readUInt16LE(30) + fixed.readUInt16LE(32) + records.central.bytes;
    const record = asBuffer(await reader.peek(length));
    const entry = record.length < length ? undefined : parseEntry(record);
    if (!entry) throw damaged(`entry ${index} of its directory`);
    reader.skip(length);
    yield entry;
  }
  if (!reader.done) throw damaged('its directory has more entries than it says');
}

/** Undefined where a size is missing. */
function parseEntry(record: Buffer): ZipEntry | undefined {
  const [nameBytes, extraBytes] = [record.readUInt16LE(28), record.readUInt16LE(30)];
  const nameEnd = records.central.bytes + nameBytes;
  const long = longSizes(record.subarray(nameEnd, nameEnd + extraBytes));
  // Those that do not fit stand in the extra field, in this order.
  const [bytes, storedBytes, offset] = [24, 20, 42].map((at) => {
    const value = record.readUInt32LE(at);
    return value === most32 ? long.shift() : value;
  });
  if (bytes === undefined || storedBytes === undefined || offset === undefined) return undefined;
  const madeByUnix = record[5] === 3;
  return {
    name: decodeName(record.subarray(records.central.bytes, nameEnd)),
    isEncrypted: (record.readUInt16LE(8) & 1) !== 0,
    method: record.readUInt16LE(10),
    crc: record.readUInt32LE(16),
    storedBytes,
    bytes,
    offset,
    mode: madeByUnix ? record.readUInt16LE(40) : 0,
  };
}

function longSizes(extra: Buffer): number[] {
  for (let at = 0; at + 4 <= extra.length; at += 4 + extra.readUInt16LE(at + 2)) {
    if (extra.readUInt16LE(at) !== 1) continue;
    const field = extra.subarray(at + 4, at + 4 + extra.readUInt16LE(at + 2));
    const count = Math.min(3, field.length >> 3);
    return Array.from({ length: count }, (_, index) => Number(field.readBigUInt64LE(8 * index)));
  }
  return [];
}

/** UTF-8, whether the archive says so or not; else the character set of the first PCs, of which only ASCII is told. */
function decodeName(bytes: Buffer): string {
  return bytes.toString('utf8').replaceAll('\\', '/');
}

/** Folders, links and devices are none. */
function isFile({ name, mode }: ZipEntry): boolean {
  const type = mode & 0o170000;
  return !name.endsWith('/') && (type === 0 || type === 0o100000);
}

const codecs: Readonly<Record<number, Codec>> = { 8: 'RawDeflate', 12: 'Bzip2', 93: 'Zstd' };
const refusedMethods: Readonly<Record<number, string>> = { 9: 'Deflate64', 14: 'LZMA', 95: 'XZ', 98: 'PPMd' };

async function* contentOf(entry: ZipEntry, forward: ForwardReader, watcher: ZipWatcher): AsyncGenerator<Uint8Array> {
  const codec = codecs[entry.method];
  if (entry.isEncrypted || entry.method === 99) throw unreadable('is encrypted');
  if (entry.method !== 0 && !codec) {
    throw unreadable(
      `is compressed with ${refusedMethods[entry.method] ?? `method ${entry.method}`}, which is not read`,
    );
  }
  const stored = watcher.counted(forward.contentAt(entry));
  for await (const piece of verified(codec ? inflate(stored, codec, entry.bytes) : stored, entry)) {
    watcher.expanded(piece.length);
    yield piece;
  }
}

async function* verified(content: Bytes, { crc, bytes }: ZipEntry): AsyncGenerator<Uint8Array> {
  let [sum, length] = [0, 0];
  for await (const piece of content) {
    sum = crc32(piece, sum);
    length += piece.length;
    if (length > bytes) throw unreadable(`is damaged: it has more than the ${bytes} bytes that the archive says`);
    yield piece;
  }
  if (length < bytes) throw unreadable(`is damaged: it has ${length} bytes, where the archive says ${bytes}`);
  if (sum !== crc) throw unreadable('is damaged: its checksum is another');
}

/** Reads on in one stream as long as what is asked for lies ahead and near. */
class ForwardReader {
  readonly #file: RangedFile;
  readonly #end: number;
  #reader: ByteReader | undefined;

  constructor(file: RangedFile, end: number) {
    this.#file = file;
    this.#end = end;
  }

  async *contentAt({ offset, storedBytes }: ZipEntry): AsyncGenerator<Uint8Array> {
    const reader = await this.#at(offset);
    const fixed = await reader.take(records.local.bytes);
    if (fixed.length < records.local.bytes || fixed.readUInt32LE(0) !== records.local.signature) {
      throw unreadable(`is damaged: it does not begin at byte ${offset} of the archive`);
    }
    await reader.pass(fixed.readUInt16LE(26) + fixed.readUInt16LE(28));
    if (reader.position + storedBytes > this.#end)
      throw unreadable('is damaged: it reaches past the end of the archive');
    yield* reader.stream(storedBytes);
  }

  async close(): Promise<void> {
    await this.#reader?.close();
  }

  async #at(offset: number): Promise<ByteReader> {
    const gap = offset - (this.#reader?.position ?? Number.POSITIVE_INFINITY);
    if (!this.#reader || gap < 0 || gap > nearBytes) {
      await this.close();
      this.#reader = new ByteReader(this.#file.read(offset, this.#end), offset);
    } else {
      await this.#reader.pass(gap);
    }
    return this.#reader;
  }
}

/** Passed over sooner than asked for anew. 1 MiB takes about as long as a request. */
const nearBytes = 1024 * 1024;

function damaged(what: string): Error {
  return unreadable(`Zip archive is damaged: ${what}`);
}

function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
}
