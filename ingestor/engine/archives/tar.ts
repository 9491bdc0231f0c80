/**
 * Tar, as POSIX (ustar, pax) and GNU write it, read as it comes. Directories, links and devices are no files and are
 * passed over; files with holes and files over several archives are refused, since what is there is not all of them.
 * The format: https://pubs.opengroup.org/onlinepubs/9799919799/utilities/pax.html and the manual of GNU tar.
 */
import { type Bytes, unreadable } from '../readers/reader.ts';
import { ByteReader } from './bytereader.ts';
import { type Entry, isPassedOver, shownName } from './entry.ts';

const blockBytes = 512;
/** Of a long name or of the attributes of one entry. 1 MiB: 256 times the longest path of Linux. */
const mostAttributeBytes = 1024 * 1024;

/** The regular files, as they come. Throws UnreadableFile. */
export async function* readTar(bytes: Bytes): AsyncGenerator<Entry> {
  const reader = new ByteReader(bytes);
  try {
    let given: Attributes = {};
    for (let header = await readHeader(reader); header; header = await readHeader(reader)) {
      const { name, size, type } = { ...header, ...given };
      if (attributeTypes.includes(header.type)) {
        given = { ...given, ...(await readAttributes(reader, header)) };
        continue;
      }
      given = {};
      const end = reader.position + (withoutContent.includes(type) ? 0 : size + padding(size));
      if (fileTypes.includes(type) && !name.endsWith('/') && !isPassedOver(shownName(name))) {
        yield { name: shownName(name), bytes: contentOf(reader, size) };
      } else if (!fileTypes.includes(type) && !passedOverTypes.includes(type)) {
        throw unreadable(
          `entry ${shownName(name)} is ${refusedTypes[type] ?? `of type "${shownName(type)}"`}, which is not read`,
        );
      }
      if (!(await reader.pass(end - reader.position))) throw endsEarly(reader, name);
    }
    await requireEnd(reader);
  } finally {
    await reader.close();
  }
}

const fileTypes = ['0', '\0', '7'];
/** Links, devices, folders, pipes: their size is that of something else. */
const withoutContent = ['1', '2', '3', '4', '5', '6'];
/** And names of volumes, and attributes of all entries, which are comments as a rule. */
const passedOverTypes = [...withoutContent, 'V', 'g'];
/** Attributes of the next entry: pax, and GNU's long name and long target of a link. */
const attributeTypes = ['x', 'L', 'K'];
const sparse = 'S';
const refusedTypes: Readonly<Record<string, string>> = {
  [sparse]: 'a file with holes',
  M: 'the rest of a file that began in another archive',
};

interface Header {
  readonly name: string;
  readonly size: number;
  /** The letter of the header; `\0` in archives before POSIX. */
  readonly type: string;
}

type Attributes = Partial<Header>;

/** Undefined at the mark of the end: a block of zeros. */
async function readHeader(reader: ByteReader): Promise<Header | undefined> {
  const at = reader.position;
  const block = await reader.take(blockBytes);
  if (block.length < blockBytes) throw unreadable(`Tar archive ends early, at byte ${at + block.length}`);
  if (isZero(block)) return undefined;
  if (!isTarHeader(block) && at === 0) throw unreadable('is no Tar archive');
  if (!isTarHeader(block)) throw unreadable(`Tar archive is damaged: byte ${at} is where no entry begins`);
  const size = readNumber(block.subarray(124, 136));
  if (size === undefined) throw unreadable(`Tar archive is damaged: the entry at byte ${at} has no size`);
  // GNU has times where POSIX has the beginning of a long name.
  const prefix = block.toString('latin1', 257, 263) === 'ustar\0' ? textOf(block.subarray(345, 500)) : '';
  const name = textOf(block.subarray(0, 100));
  const type = String.fromCharCode(block[156] ?? 0);
  return { name: prefix === '' ? name : `${prefix}/${name}`, size, type };
}

/** Whether a block begins an entry: its checksum is right, which is told from its own place as if that held spaces. */
export function isTarHeader(block: Uint8Array): boolean {
  if (block.length < blockBytes) return false;
  const expected = readNumber(block.subarray(148, 156));
  let sum = 8 * 0x20;
  let signed = sum;
  for (let at = 0; at < blockBytes; at += 1) {
    if (at >= 148 && at < 156) continue;
    const byte = block[at] ?? 0;
    sum += byte;
    signed += byte < 0x80 ? byte : byte - 0x100;
  }
  return expected === sum || expected === signed;
}

/** Octal digits; or, with the highest bit set, the number itself (GNU). Undefined where it is neither, or too large. */
function readNumber(field: Uint8Array): number | undefined {
  if (((field[0] ?? 0) & 0x80) !== 0) {
    const value = field.reduce((sum, byte, at) => sum * 256 + (at === 0 ? byte & 0x7f : byte), 0);
    return Number.isSafeInteger(value) ? value : undefined;
  }
  const digits = /^ *([0-7]*)[ \0]*$/.exec(Buffer.from(field).toString('latin1'))?.[1];
  return digits === undefined ? undefined : Number.parseInt(`0${digits}`, 8);
}

async function readAttributes(reader: ByteReader, { size, type }: Header): Promise<Attributes> {
  const at = reader.position;
  if (size > mostAttributeBytes) throw unreadable(`Tar archive is damaged: attributes of ${size} bytes at byte ${at}`);
  const value = Buffer.from((await reader.take(size + padding(size))).subarray(0, size));
  if (value.length < size) throw unreadable(`Tar archive ends early, at byte ${reader.position}`);
  if (type === 'K') return {};
  if (type === 'L') return { name: textOf(value) };
  const attributes = parsePax(value);
  if (!attributes) throw unreadable(`Tar archive is damaged: attributes at byte ${at}`);
  const [path, length] = [attributes.get('path'), attributes.get('size')];
  if (length !== undefined && !/^\d{1,15}$/.test(length))
    throw unreadable(`Tar archive is damaged: a size at byte ${at}`);
  return {
    ...(path === undefined ? {} : { name: path }),
    ...(length === undefined ? {} : { size: Number(length) }),
    ...([...attributes.keys()].some((key) => key.startsWith('GNU.sparse.')) ? { type: sparse } : {}),
  };
}

/** Lines `length key=value`, where the length is that of the whole line in bytes. Undefined where they are none. */
function parsePax(bytes: Buffer): ReadonlyMap<string, string> | undefined {
  const attributes = new Map<string, string>();
  for (let at = 0; at < bytes.length; ) {
    const space = bytes.indexOf(0x20, at);
    const length = space < 0 ? 0 : Number(bytes.toString('latin1', at, space));
    const line = bytes.subarray(space + 1, at + length);
    const equals = line.indexOf(0x3d);
    if (!(length > 0) || at + length > bytes.length || equals < 0 || line.at(-1) !== 0x0a) return undefined;
    attributes.set(line.toString('utf8', 0, equals), line.toString('utf8', equals + 1, line.length - 1));
    at += length;
  }
  return attributes;
}

async function* contentOf(reader: ByteReader, size: number): AsyncGenerator<Uint8Array> {
  let left = size;
  for await (const piece of reader.stream(size)) {
    left -= piece.length;
    yield piece;
  }
  if (left > 0) throw unreadable(`Tar archive ends early, at byte ${reader.position}, ${left} bytes before its end`);
}

/** After the mark there are zeros, up to any length. */
async function requireEnd(reader: ByteReader): Promise<void> {
  for (;;) {
    const at = reader.position;
    const block = await reader.take(blockBytes);
    if (block.length === 0) return;
    if (!isZero(block)) throw unreadable(`Tar archive is followed by something else at byte ${at}`);
  }
}

function endsEarly(reader: ByteReader, name: string): Error {
  return unreadable(`Tar archive ends early, at byte ${reader.position}, within ${shownName(name)}`);
}

function padding(size: number): number {
  return (blockBytes - (size % blockBytes)) % blockBytes;
}

/** Text that a zero ends. */
function textOf(field: Buffer): string {
  const end = field.indexOf(0);
  return field.toString('utf8', 0, end < 0 ? field.length : end);
}

function isZero(block: Uint8Array): boolean {
  return block.every((byte) => byte === 0);
}
