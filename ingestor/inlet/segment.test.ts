import { expect, test } from 'vitest';
import { decodeHeader, decodeSegment, encodeSegment, maxHeaderBytes } from './segment.ts';

const huge = Number.MAX_SAFE_INTEGER;
const lines = Buffer.from('{"_id":"a"}\n{"_id":"é"}\n');
const facts = {
  nonce: 'f'.repeat(32),
  writer: 'e'.repeat(32),
  sequence: 7,
  firstReceivedTime: 1_764_000_000_000,
  records: 2,
  upTo: { records: 812, bytes: 90_210 },
};

test('a segment is read as it was written', () => {
  const { header, body } = encodeSegment(facts, lines);
  expect(decodeSegment(body, 'key')).toEqual({ header, lines });
  expect(header).toMatchObject({ ...facts, bytes: lines.length });
});

test('any byte that changes is noticed', () => {
  const { body } = encodeSegment(facts, lines);
  for (const at of [0, 1, body.length - lines.length, body.length - 1]) {
    const damaged = Buffer.from(body);
    damaged[at] = (damaged[at] ?? 0) ^ 1;
    expect(() => decodeSegment(damaged, 'key')).toThrow(expect.objectContaining({ code: 'DamagedDocument' }));
  }
  expect(() => decodeSegment(body.subarray(0, -1), 'key')).toThrow(
    expect.objectContaining({ code: 'DamagedDocument' }),
  );
  expect(() => decodeSegment(Buffer.alloc(0), 'key')).toThrow(expect.objectContaining({ code: 'DamagedDocument' }));
});

test('a segment of a newer version is not taken for damaged', () => {
  const body = Buffer.from('{"version":2,"other":true}\n');
  expect(() => decodeSegment(body, 'key')).toThrow(expect.objectContaining({ code: 'NewerDocument' }));
});

test('the longest header fits the range that is read for it', () => {
  const { body, header } = encodeSegment(
    { ...facts, sequence: huge, firstReceivedTime: huge, records: huge, upTo: { records: huge, bytes: huge } },
    lines,
  );
  expect(decodeHeader(body.subarray(0, maxHeaderBytes), 'key')).toEqual(header);
});
