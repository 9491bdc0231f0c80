import { deserializeTCompactProtocol } from 'hyparquet/src/thrift.js';
import { expect, test } from 'vitest';
import { ThriftWriter, thriftTypes } from './thrift.ts';

function read(write: (out: ThriftWriter) => void): unknown {
  const out = new ThriftWriter();
  out.fields(() => write(out));
  const bytes = new Uint8Array(out.bytes());
  const reader = { view: new DataView(bytes.buffer), offset: 0 };
  const fields = deserializeTCompactProtocol(reader);
  expect(reader.offset).toBe(bytes.length);
  return fields;
}

test.each([0, 1, -1, 63, 64, -65, 2 ** 31 - 1, -(2 ** 31)])('the 32-bit integer %i', (value) => {
  expect(read((out) => out.int32(1, value))).toEqual({ field_1: value });
});

test.each([0, -1, 2 ** 31, 2 ** 40 + 7, 2 ** 52 - 1, -(2 ** 52) + 1])('the 64-bit integer %i', (value) => {
  expect(read((out) => out.int64(1, value))).toEqual({ field_1: BigInt(value) });
});

test('an integer that a number does not hold exactly is refused', () => {
  expect(() => read((out) => out.int64(1, 2 ** 53))).toThrow('too large');
});

test('text and bytes are those of UTF-8, also long ones', () => {
  const long = 'é😀'.repeat(1000);
  const fields = read((out) => {
    out.bytesField(1, 'é');
    out.bytesField(2, Uint8Array.of(0, 255));
    out.bytesField(3, long);
  });
  expect(fields).toEqual({
    field_1: new TextEncoder().encode('é'),
    field_2: Uint8Array.of(0, 255),
    field_3: new TextEncoder().encode(long),
  });
});

test('fields that are far apart, in structs within structs, keep their numbers', () => {
  const fields = read((out) => {
    out.boolean(1, true);
    out.struct(2, () => {
      out.int16(40, 7);
      out.struct(41, () => {});
      out.boolean(300, false);
    });
    out.int32(3, undefined);
    out.int32(4, 5);
  });
  expect(fields).toEqual({ field_1: true, field_2: { field_40: 7, field_41: {}, field_300: false }, field_4: 5 });
});

test.each([0, 1, 14, 15, 300])('a list of %i items', (length) => {
  const numbers = Array.from({ length }, (_, index) => index);
  const fields = read((out) => {
    out.list(1, thriftTypes.int32, numbers, (one) => out.intItem(one));
    out.list(2, thriftTypes.struct, numbers, (one) => out.fields(() => out.int32(1, one)));
    out.list(3, thriftTypes.boolean, numbers, (one) => out.booleanItem(one % 2 === 0));
  });
  expect(fields).toEqual({
    field_1: numbers,
    field_2: numbers.map((one) => ({ field_1: one })),
    field_3: numbers.map((one) => one % 2 === 0),
  });
});
