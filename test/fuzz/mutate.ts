/** Bytes of records, changed. */
import type { Chance } from '../support/chance.ts';

const tokens: readonly Buffer[] = [
  ...[
    '"',
    '""',
    '\\',
    '\\"',
    '\\u0041',
    '\\ud800',
    '{',
    '}',
    '[',
    ']',
    ',',
    ',,',
    ':',
    ';',
    'null',
    'true',
    '1',
    '-',
    '0',
    '00',
    'e5',
    '.',
    '1e400',
    ' ',
    '\t',
    '\n',
    '\r',
    '\r\n',
    '\u0000',
    '\u001f',
    '\u2028',
    '\ufeff',
    'é',
    '😀',
    '"a":1,',
    '{"a":',
  ].map((text) => Buffer.from(text)),
  // No UTF-8: bytes that stand alone, that are never, too long a form, half of a pair, past the last character, cut off.
  ...[[0x80], [0xff], [0xc0, 0x80], [0xed, 0xa0, 0x80], [0xf4, 0x90, 0x80, 0x80], [0xe2, 0x82], [0xf0, 0x9f]].map(
    (bytes) => Buffer.from(bytes),
  ),
];

/** One to three changes. `others`: where slices are taken from. */
export function mutated(record: Buffer, others: readonly Buffer[], chance: Chance): Buffer {
  let bytes = record;
  for (let change = chance.from(1, 3); change > 0; change -= 1) bytes = changed(bytes, others, chance);
  return bytes;
}

function changed(bytes: Buffer, others: readonly Buffer[], chance: Chance): Buffer {
  const at = chance.whole(bytes.length + 1);
  const splice = (until: number, inserted: Uint8Array) =>
    Buffer.concat([bytes.subarray(0, at), inserted, bytes.subarray(Math.min(until, bytes.length))]);
  switch (chance.whole(6)) {
    case 0:
      return splice(at + 1, Uint8Array.of(chance.from(0x20, 0x7e)));
    case 1:
      return splice(at + chance.from(1, 4), new Uint8Array());
    case 2:
      return splice(at, bytes.subarray(at, at + chance.from(1, 40)));
    case 3: {
      const other = chance.pick(others);
      const from = chance.whole(other.length + 1);
      return splice(at + chance.whole(20), other.subarray(from, from + chance.from(1, 40)));
    }
    default:
      return splice(at + chance.whole(2), chance.pick(tokens));
  }
}
