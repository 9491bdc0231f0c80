/**
 * A segment: the records that one writer made durable at once. One line of JSON that describes it, then the records as
 * their senders wrote them, one a line:
 *
 *   {"version":1,"nonce":"…","writer":"…","sequence":7,"firstReceivedTime":1764000000000,"records":2,"bytes":31,"crc32":"89ab01cd","upTo":{"records":812,"bytes":90210}}
 *   {"_id":"a","n":1}
 *   {"_id":"b"}
 *
 * `records`, `bytes` and `crc32` (as hexadecimal digits) are of all after the first line; `upTo` counts all that the
 * writer has written, this segment included: the newest header of a writer tells how much waits, without reading the
 * rest, and what was lost is counted when a segment is damaged. Not compressed: segments live for an hour, `head` and
 * `wc` read them, and compressing would cost more than the whole of the rest of accepting a record.
 */
import { crc32 } from 'node:zlib';
import { type Static, Type } from 'typebox';
import { parseDocument } from '../contract/documents.ts';
import { ForebayError } from '../contract/errors.ts';

const count = Type.Integer({ minimum: 0 });

export const SegmentHeader = Type.Object({
  version: Type.Literal(1),
  /** Of the process's one intention to write this segment: tells its own object from another's. */
  nonce: Type.String(),
  writer: Type.String(),
  /** 1, 2, 3, ... without a gap. */
  sequence: Type.Integer({ minimum: 1 }),
  /** When the first of its records came in, milliseconds since 1970 by the writer's clock. */
  firstReceivedTime: count,
  records: count,
  bytes: count,
  crc32: Type.String(),
  upTo: Type.Object({ records: count, bytes: count }),
});
export type SegmentHeader = Static<typeof SegmentHeader>;

/** A header is shorter than this: a range read of so many bytes holds it. */
export const maxHeaderBytes = 1024;

export interface Segment {
  readonly header: SegmentHeader;
  /** The records, each ended by a line feed. */
  readonly lines: Buffer;
}

/** What the writer knows; the rest of the header follows from `lines`. */
export type SegmentFacts = Omit<SegmentHeader, 'version' | 'bytes' | 'crc32'>;

export function encodeSegment(facts: SegmentFacts, lines: Buffer): { header: SegmentHeader; body: Buffer } {
  const header: SegmentHeader = { version: 1, ...facts, bytes: lines.length, crc32: checksum(lines) };
  return { header, body: Buffer.concat([Buffer.from(`${JSON.stringify(header)}\n`), lines]) };
}

/** Throws DamagedDocument when the bytes are not what a writer wrote, NewerDocument when a newer version wrote them. */
export function decodeSegment(body: Uint8Array, key: string): Segment {
  const bytes = Buffer.from(body.buffer, body.byteOffset, body.byteLength);
  const header = decodeHeader(bytes, key);
  const lines = bytes.subarray(bytes.indexOf(lineFeed) + 1);
  if (lines.length !== header.bytes || checksum(lines) !== header.crc32) {
    throw new ForebayError(
      'DamagedDocument',
      `the segment ${key} is damaged: its records are not those it was made of`,
    );
  }
  return { header, lines };
}

/** From the first `maxHeaderBytes` of a segment, or more of it. */
export function decodeHeader(bytes: Buffer, key: string): SegmentHeader {
  const end = bytes.subarray(0, maxHeaderBytes).indexOf(lineFeed);
  if (end === -1) throw new ForebayError('DamagedDocument', `the segment ${key} is damaged: it has no header`);
  return parseDocument(SegmentHeader, bytes.toString('utf8', 0, end), `the segment ${key}`, 'DamagedDocument');
}

const lineFeed = 0x0a;

function checksum(bytes: Buffer): string {
  return crc32(bytes).toString(16).padStart(8, '0');
}
