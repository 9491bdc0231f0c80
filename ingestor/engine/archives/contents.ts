/**
 * The files of an input: itself, or, where it is an archive, each regular file in it, which is a file of its own from then
 * on: records are counted anew, CSV has its header in each. Each may be compressed once more, as its first bytes tell; an
 * archive in an archive is refused.
 */
import type { ReadSettings } from '../../contract/task.ts';
import { compressionOf, decompress, headBytes, peek } from '../decompress.ts';
import type { EngineInput } from '../engine.ts';
import { type Bytes, unreadable } from '../readers/reader.ts';
import type { Entry } from './entry.ts';
import { Expansion } from './expansion.ts';
import { readTar } from './tar.ts';
import { readZip } from './zip.ts';

export interface Content {
  /** Of an archive's file, after the name of the archive: `archive.zip/folder/file.csv`. */
  readonly name: string;
  /** Decompressed. To be read, or given up, before the next content is asked for. Throws UnreadableFile. */
  readonly bytes: Bytes;
  /** To be told what comes of bytes that are compressed within the format. Throws UnreadableFile when it is too much. */
  expanded(bytes: number): void;
}

/** Is told of all bytes as they are stored, once each. */
export interface StoredBytes {
  counted(bytes: Bytes): Bytes;
  countBytes(bytes: number): void;
  readonly bytes: number;
}

/** Throws UnreadableFile. */
export async function* contentsOf(
  input: EngineInput,
  { compression, decompression }: Pick<ReadSettings, 'compression' | 'decompression'>,
  stored: StoredBytes,
): AsyncGenerator<Content> {
  const { name } = input;
  const expansion = new Expansion(input.size, decompression);
  const expanded = (bytes: number) => expansion.add(bytes);
  if (compression === 'None' || input.size === 0) {
    yield { name, bytes: stored.counted(input.read(0)), expanded };
    return;
  }
  const found = compression === 'Auto' ? compressionOf(await readHead(input)) : compression;
  if (found === 'Zip') {
    const file = { size: input.size, read: (start: number, end: number) => input.read(start, end) };
    yield* filesOf(name, readZip(file, { expanded, counted: (bytes) => stored.counted(bytes) }), expanded);
    // Its directory, and what was passed over.
    stored.countBytes(input.size - stored.bytes);
    return;
  }
  const codec = found === 'Tar' ? 'None' : found === 'TarGzip' ? 'Gzip' : found;
  const [start, bytes] = await peek(decompress(stored.counted(input.read(0)), codec, expanded));
  const isTar = found === 'Tar' || found === 'TarGzip' || (compression === 'Auto' && compressionOf(start) === 'Tar');
  try {
    if (isTar) yield* filesOf(name, readTar(bytes), expanded);
    else yield { name, bytes: withoutCompression(bytes), expanded };
  } finally {
    await bytes.return();
  }
}

async function readHead(input: EngineInput): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of input.read(0, Math.min(input.size, headBytes))) chunks.push(chunk);
  return Buffer.concat(chunks);
}

async function* filesOf(
  archive: string,
  entries: AsyncIterable<Entry>,
  expanded: (bytes: number) => void,
): AsyncGenerator<Content> {
  for await (const { name, bytes } of entries) {
    yield { name: `${archive}/${name}`, bytes: withoutCompression(decompress(bytes, 'Auto', expanded)), expanded };
  }
}

/** What is still compressed, or is an archive, is none of the formats of records. */
async function* withoutCompression(bytes: Bytes): AsyncGenerator<Uint8Array> {
  const [head, all] = await peek(bytes);
  try {
    const found = compressionOf(head);
    if (found === 'Tar') throw unreadable('is a Tar archive: set compression to Auto, and put no archive into another');
    if (found === 'Zip') throw unreadable('is a Zip archive in another one, or compressed once more, and is not read');
    if (found !== 'None') throw unreadable(`is compressed more than once, with ${found} within`);
    yield* all;
  } finally {
    await all.return();
  }
}
