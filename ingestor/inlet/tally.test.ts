import { expect, test } from 'vitest';
import { encodeSegment, type SegmentHeader } from './segment.ts';
import { Tally } from './tally.ts';

/** A segment of one record of ten bytes: number `sequence` of its writer. */
function header(writer: string, sequence: number): SegmentHeader {
  const upTo = { records: sequence, bytes: 10 * sequence };
  const facts = { nonce: 'n', writer, sequence, firstReceivedTime: 0, records: 1, upTo };
  return encodeSegment(facts, Buffer.from('{"a":123}\n')).header;
}

const take = (from: number, to: number) => [{ writer: 'w', from, to }];

test('records of a segment that is gone are counted by the one after it', () => {
  const tally = new Tally({ w: { sequence: 1, records: 1, bytes: 10, time: 0 } }, take(2, 4));
  tally.addReadable(header('w', 2), 100);
  tally.addUnreadable({ writer: 'w', sequence: 3 });
  tally.addReadable(header('w', 4), 200);
  expect(tally.counts()).toEqual({ received: 3, lost: 1, bytes: 30 });
  expect(tally.progress()).toEqual({ w: { sequence: 4, records: 4, bytes: 40, time: 200 } });
});

test('records of a last segment that is gone are counted by a later round', () => {
  const first = new Tally({}, take(1, 2));
  first.addReadable(header('w', 1), 100);
  first.addUnreadable({ writer: 'w', sequence: 2 });
  expect(first.counts()).toEqual({ received: 1, lost: 0, bytes: 10 });
  const second = new Tally(first.progress(), take(3, 3));
  second.addReadable(header('w', 3), 200);
  expect(second.counts()).toEqual({ received: 2, lost: 1, bytes: 20 });
});

test('records of a first segment that is gone are counted', () => {
  const tally = new Tally({}, take(1, 2));
  tally.addUnreadable({ writer: 'w', sequence: 1 });
  tally.addReadable(header('w', 2), 100);
  expect(tally.counts()).toEqual({ received: 2, lost: 1, bytes: 20 });
});

test('what came before, of a writer that everybody has forgotten, is not counted again', () => {
  const tally = new Tally({}, take(57, 57));
  tally.addReadable(header('w', 57), 100);
  expect(tally.counts()).toEqual({ received: 1, lost: 0, bytes: 10 });
});
