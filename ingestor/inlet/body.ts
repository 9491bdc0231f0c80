/** The text of a request: read, unpacked, checked to be UTF-8, within its limits at every step. */
import { isUtf8 } from 'node:buffer';
import type { IncomingMessage } from 'node:http';
import { promisify } from 'node:util';
import zlib from 'node:zlib';
import type { Reservation } from './limits.ts';
import { type Answer, later, problem } from './problem.ts';

const gunzip = promisify(zlib.gunzip);
const unzstd = promisify(zlib.zstdDecompress);

/** How the bytes are packed. */
export type Coding = 'identity' | 'gzip' | 'zstd';

/** A frame may ask for a window of 2 GiB to be kept in memory; levels up to 19 need at most this much (8 MiB). */
const zstdWindowLog = 23;

/** Undefined when the sender went away. */
export async function readText(
  request: IncomingMessage,
  coding: Coding,
  maxBytes: number,
  reservation: Reservation,
): Promise<string | Answer | undefined> {
  const packed = await readBytes(request, maxBytes, reservation);
  if (!Buffer.isBuffer(packed)) return packed;
  const bytes = coding === 'identity' ? packed : await unpack(packed, coding, maxBytes, reservation);
  if (!Buffer.isBuffer(bytes)) return bytes;
  if (!isUtf8(bytes)) return problem(400, 'InvalidEncoding', 'The body is not valid UTF-8.');
  const text = bytes.toString('utf8');
  return text.charCodeAt(0) === byteOrderMark ? text.slice(1) : text;
}
const byteOrderMark = 0xfeff;

export function tooLarge(maxBytes: number): Answer {
  return problem(413, 'RequestTooLarge', `A request must not be longer than ${maxBytes} bytes.`);
}

export function noRoom(): Answer {
  return later(503, 'Busy', 'Too much is under way at the moment.', 1);
}

async function readBytes(
  request: IncomingMessage,
  maxBytes: number,
  reservation: Reservation,
): Promise<Buffer | Answer | undefined> {
  return await new Promise((resolve) => {
    const chunks: Buffer[] = [];
    let length = 0;
    const settle = (outcome: Buffer | Answer | undefined) => {
      request.off('data', onData);
      request.pause();
      resolve(outcome);
    };
    const onData = (chunk: Buffer) => {
      length += chunk.length;
      if (length > maxBytes) settle(tooLarge(maxBytes));
      else if (!reservation.growTo(length)) settle(noRoom());
      else chunks.push(chunk);
    };
    request.on('data', onData);
    request.on('end', () => settle(chunks.length === 1 && chunks[0] ? chunks[0] : Buffer.concat(chunks, length)));
    request.on('error', () => settle(undefined));
    request.on('close', () => settle(undefined));
  });
}

/** Room for the most it may become is taken before it is unpacked: a few bytes can be many. */
async function unpack(
  packed: Buffer,
  coding: Exclude<Coding, 'identity'>,
  maxBytes: number,
  reservation: Reservation,
): Promise<Buffer | Answer> {
  if (!reservation.resize(maxBytes)) return noRoom();
  try {
    const bytes =
      coding === 'gzip' ? await gunzip(packed, { maxOutputLength: maxBytes }) : await unpackZstd(packed, maxBytes);
    reservation.resize(bytes.length);
    return bytes;
  } catch (thrown) {
    if (isTooLarge(thrown)) return tooLarge(maxBytes);
    return problem(400, 'InvalidEncoding', `The body is not valid ${coding}.`);
  }
}

async function unpackZstd(packed: Buffer, maxBytes: number): Promise<Buffer> {
  const params = { [zlib.constants.ZSTD_d_windowLogMax]: zstdWindowLog };
  return await unzstd(packed, { maxOutputLength: maxBytes, params });
}

function isTooLarge(thrown: unknown): boolean {
  return thrown instanceof Error && 'code' in thrown && thrown.code === 'ERR_BUFFER_TOO_LARGE';
}
