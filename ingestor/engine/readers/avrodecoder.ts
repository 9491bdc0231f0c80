/**
 * From the bytes of Avro values to values as JSON has them, the same that Parquet's reader gives: dates and times are RFC
 * 3339 text, decimals are numbers, integers past 2^53 are bigints, bytes that are no UTF-8 stay bytes. Nulls of records are
 * left out, since Avro writes a field that is not there so. A schema is compiled to functions once.
 */
import { isUtf8 } from 'node:buffer';
import { decimal, floorDivide, formatTime, narrow, outOfRange, unscaled } from '../../parquet/logicaltypes.ts';
import { formatDate, formatDateTime } from '../datetime.ts';
import {
  type AvroField,
  type AvroLeaf,
  type AvroRecord,
  type AvroType,
  type Logical,
  mostScale,
} from './avroschema.ts';

type Read = (cursor: Cursor) => unknown;
type Skip = (cursor: Cursor) => void;

export interface AvroDecoder {
  /** The value that begins at the cursor, which is then after it. Throws Damage, or Excess where it passes the limits. */
  readonly read: Read;
  /** Passes over a value, however large. Throws Damage. */
  readonly skip: Skip;
  /** All values take no bytes. */
  readonly isEmpty: boolean;
}

export function compileDecoder(type: AvroType): AvroDecoder {
  return { read: readerOf(type, new Map()), skip: skipperOf(type, new Map()), isEmpty: isEmpty(type) };
}

/** The bytes are no value; the message says what they have instead. */
export class Damage extends Error {}

/** A value is larger or deeper than allowed. */
export class Excess extends Error {
  readonly of: 'size' | 'depth';

  constructor(of: 'size' | 'depth') {
    super(of);
    this.of = of;
  }
}

/** A record may nest so deep: far less than what exhausts the stack of who walks it. */
export const mostDepth = 1000;

/** Bytes of values, and how far they were read. Past the end there are zeros: whoever reads a value looks afterwards. */
export class Cursor {
  readonly bytes: Buffer;
  at = 0;
  /** A value that reaches past it is too large. */
  limit = 0;
  /** Bytes that are no UTF-8 were read, and stand as bytes in the value. */
  hasBytes = false;
  /** An integer past 2^53 was read. */
  hasBigInt = false;
  /** Of what is read. */
  #depth = 0;

  constructor(bytes: Buffer) {
    this.bytes = bytes;
  }

  /** The next value may have so many bytes. */
  begin(mostBytes: number): void {
    this.limit = this.at + mostBytes;
    this.hasBytes = false;
    this.hasBigInt = false;
    this.#depth = 0;
  }

  enter(): void {
    this.#depth += 1;
    if (this.#depth > mostDepth) throw new Excess('depth');
  }

  leave(): void {
    this.#depth -= 1;
  }

  /** A number where one holds it, else a bigint. */
  readLong(): number | bigint {
    const { bytes } = this;
    let byte = bytes[this.at++] ?? 0;
    let low = byte & 0x7f;
    for (let shift = 7; byte >= 0x80 && shift < 28; shift += 7) {
      byte = bytes[this.at++] ?? 0;
      low |= (byte & 0x7f) << shift;
    }
    if (byte < 0x80) return (low >>> 1) ^ -(low & 1);
    let middle = 0;
    for (let shift = 0; byte >= 0x80 && shift < 28; shift += 7) {
      byte = bytes[this.at++] ?? 0;
      middle |= (byte & 0x7f) << shift;
    }
    // Of 53 bits, the lowest of which tells the sign.
    if (byte < 0x80 && middle < 2 ** 25) {
      const half = (low >>> 1) + middle * 2 ** 27;
      return (low & 1) === 0 ? half : -half - 1;
    }
    let high = 0;
    for (let shift = 0; byte >= 0x80; shift += 7) {
      if (shift > 7) throw new Damage('has a number of more than 64 bits');
      byte = bytes[this.at++] ?? 0;
      high |= (byte & 0x7f) << shift;
    }
    const whole = BigInt(low) | (BigInt(middle) << 28n) | (BigInt(high & 0xff) << 56n);
    const value = narrow((whole >> 1n) ^ -(whole & 1n));
    if (typeof value === 'bigint') this.hasBigInt = true;
    return value;
  }

  readInt(): number {
    return Number(this.readLong());
  }

  skipLong(): void {
    while ((this.bytes[this.at++] ?? 0) >= 0x80);
  }

  /** Where so many bytes from here on end; absent: as many as stand here. */
  endOf(size?: number): number {
    const length = size ?? this.readInt();
    const end = this.at + length;
    if (!(length >= 0 && end <= this.bytes.length)) throw new Damage('has a length that is none');
    return end;
  }

  /** How many items come next. `areEmpty`: they take no bytes. */
  readCount(areEmpty: boolean): number {
    let count = this.readInt();
    if (count < 0) {
      count = -count;
      this.skipLong();
    }
    if (!areEmpty && count > this.bytes.length - this.at) throw new Damage('has a number of items that is none');
    return count;
  }

  /** So many items more will be in the value: as JSON each takes two bytes, if it has nothing in it. */
  allow(items: number): void {
    this.limit -= 2 * items;
    if (this.at > this.limit) throw new Excess('size');
  }

  /** The next bytes; absent: as many as stand here. */
  take(size?: number): Buffer {
    const end = this.endOf(size);
    const taken = this.bytes.subarray(this.at, end);
    this.at = end;
    return taken;
  }

  /** The next bytes as text, or as bytes where they are no UTF-8. */
  readText(size?: number): string | Uint8Array {
    const { bytes } = this;
    const end = this.endOf(size);
    if (end > this.limit) throw new Excess('size');
    const start = this.at;
    this.at = end;
    // Short ASCII is faster read by hand than through the decoder.
    if (end - start <= 16) {
      let text = '';
      let at = start;
      for (; at < end; at += 1) {
        const byte = bytes[at] ?? 0;
        if (byte >= 0x80) break;
        text += String.fromCharCode(byte);
      }
      if (at === end) return text;
    }
    const text = bytes.toString('utf8', start, end);
    if (!text.includes('\ufffd') || isUtf8(bytes.subarray(start, end))) return text;
    this.hasBytes = true;
    return new Uint8Array(bytes.subarray(start, end));
  }
}

/** Records stand in the map before their fields are compiled, in which they may be again. */
function readerOf(type: AvroType, records: Map<AvroType, Read>): Read {
  switch (type.kind) {
    case 'record':
      return records.get(type) ?? readerOfRecord(type, records);
    case 'union':
      return readerOfUnion(type.branches.map((branch) => readerOf(branch, records)));
    case 'array':
      return readerOfArray(readerOf(type.items, records), isEmpty(type.items));
    case 'map':
      return readerOfMap(readerOf(type.values, records));
    case 'enum':
      return (cursor) => oneOf(type.symbols, cursor);
    default:
      return readerOfLeaf(type);
  }
}

function readerOfRecord(type: AvroRecord, records: Map<AvroType, Read>): Read {
  const parts: ReadFields[] = [];
  const readRecord: Read = (cursor) => {
    const record: Record<string, unknown> = {};
    cursor.enter();
    for (const readFields of parts) readFields(record, cursor);
    cursor.leave();
    return record;
  };
  records.set(type, readRecord);
  for (let at = 0; at < type.fields.length; at += fieldsPerFunction) {
    parts.push(readerOfFields(type.fields.slice(at, at + fieldsPerFunction), records));
  }
  return readRecord;
}

type ReadFields = (record: Record<string, unknown>, cursor: Cursor) => void;

/** Few enough that the function is optimised, many enough that most records have one. */
const fieldsPerFunction = 64;

/**
 * One function with the names of the fields in it reads half as many records a second more than a loop over them.
 * Names come from the file, so each is a string literal; `__proto__` must become a field like any other.
 */
function readerOfFields(fields: readonly AvroField[], records: Map<AvroType, Read>): ReadFields {
  const readers = fields.map((field) => readerOf(field.type, records));
  const names = fields.map((_, index) => `read${index}`);
  const statements = fields.map(({ name }, index) => {
    const target = name === '__proto__' ? 'define(record, value)' : `record[${JSON.stringify(name)}] = value`;
    return `value = read${index}(cursor); if (value !== null) ${target};`;
  });
  const source = `const [${names}] = readers; return (record, cursor) => { let value; ${statements.join('\n')} };`;
  return new Function('readers', 'define', source)(readers, defineProto);
}

function defineProto(record: object, value: unknown): void {
  Object.defineProperty(record, '__proto__', { value, writable: true, enumerable: true, configurable: true });
}

function readerOfUnion(branches: readonly Read[]): Read {
  return (cursor) => oneOf(branches, cursor)(cursor);
}

function readerOfArray(read: Read, areEmpty: boolean): Read {
  return (cursor) => {
    const items: unknown[] = [];
    cursor.enter();
    for (let count = cursor.readCount(areEmpty); count > 0; count = cursor.readCount(areEmpty)) {
      cursor.allow(count);
      for (let item = 0; item < count; item += 1) {
        items.push(read(cursor));
        if (cursor.at > cursor.limit) throw new Excess('size');
      }
    }
    cursor.leave();
    return items;
  };
}

function readerOfMap(read: Read): Read {
  return (cursor) => {
    const entries: Record<string, unknown> = {};
    cursor.enter();
    for (let count = cursor.readCount(false); count > 0; count = cursor.readCount(false)) {
      cursor.allow(count);
      for (let item = 0; item < count; item += 1) {
        const name = String(cursor.readText());
        if (name === '__proto__') defineProto(entries, read(cursor));
        else entries[name] = read(cursor);
        if (cursor.at > cursor.limit) throw new Excess('size');
      }
    }
    cursor.leave();
    return entries;
  };
}

function oneOf<T>(choices: readonly T[], cursor: Cursor): T {
  const chosen = choices[cursor.readInt()];
  if (chosen === undefined) throw new Damage('has a choice that is none');
  return chosen;
}

function readerOfLeaf({ kind, size, logical }: AvroLeaf): Read {
  switch (kind) {
    case 'null':
      return () => null;
    case 'boolean':
      return (cursor) => cursor.bytes[cursor.at++] === 1;
    case 'int':
    case 'long':
      return readerOfNumber(logical);
    case 'float':
      return (cursor) => cursor.take(4).readFloatLE();
    case 'double':
      return (cursor) => cursor.take(8).readDoubleLE();
    case 'string':
      return (cursor) => cursor.readText();
    case 'bytes':
    case 'fixed':
      return readerOfBytes(size, logical);
  }
}

function readerOfNumber(logical: Logical | undefined): Read {
  switch (logical?.type) {
    case undefined:
      return (cursor) => cursor.readLong();
    case 'date':
      return (cursor) => formatDate(cursor.readInt()) ?? outOfRange;
    case 'time-millis':
      return (cursor) => formatTime(BigInt(cursor.readLong()) * 1000n);
    case 'time-micros':
      return (cursor) => formatTime(BigInt(cursor.readLong()));
    case 'timestamp-millis':
    case 'local-timestamp-millis':
      return (cursor) => formatDateTime(BigInt(cursor.readLong()) * 1000n) ?? outOfRange;
    case 'timestamp-nanos':
    case 'local-timestamp-nanos':
      return (cursor) => formatDateTime(floorDivide(BigInt(cursor.readLong()), 1000n)) ?? outOfRange;
    default:
      return (cursor) => formatDateTime(cursor.readLong()) ?? outOfRange;
  }
}

function readerOfBytes(size: number | undefined, logical: Logical | undefined): Read {
  switch (logical?.type) {
    case 'decimal':
      return (cursor) => noted(decimalOf(cursor.take(size), logical.scale), cursor);
    case 'big-decimal':
      return (cursor) => noted(bigDecimalOf(cursor.take()), cursor);
    case 'uuid':
      return (cursor) => uuidOf(cursor.take(size));
    case 'duration':
      return (cursor) => durationOf(cursor.take(size));
    default:
      return (cursor) => cursor.readText(size);
  }
}

/** 512 bits: more than any double. */
const mostDecimalBytes = 64;

function decimalOf(bytes: Uint8Array, scale: number): unknown {
  return bytes.length <= mostDecimalBytes ? decimal(unscaled(bytes), scale) : outOfRange;
}

function noted(value: unknown, cursor: Cursor): unknown {
  if (typeof value === 'bigint') cursor.hasBigInt = true;
  return value;
}

/** The digits as bytes, and the scale. */
function bigDecimalOf(bytes: Buffer): unknown {
  const cursor = new Cursor(bytes);
  const digits = cursor.take();
  const scale = cursor.readInt();
  return Math.abs(scale) <= mostScale ? decimalOf(digits, scale) : outOfRange;
}

function uuidOf(bytes: Buffer): string {
  return bytes.toString('hex').replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-');
}

/** As ISO 8601 has it: months, days and milliseconds. */
function durationOf(bytes: Buffer): string {
  const [months, days, millis] = [0, 4, 8].map((at) => bytes.readUInt32LE(at));
  return `P${months}M${days}DT${(millis ?? 0) / 1000}S`;
}

function skipperOf(type: AvroType, records: Map<AvroType, Skip>): Skip {
  switch (type.kind) {
    case 'record':
      return records.get(type) ?? skipperOfRecord(type, records);
    case 'union':
      return skipperOfUnion(type.branches.map((branch) => skipperOf(branch, records)));
    case 'array':
      return skipperOfItems(skipperOf(type.items, records), isEmpty(type.items));
    case 'map':
      return skipperOfItems(skipperOfEntry(skipperOf(type.values, records)), false);
    case 'enum':
      return (cursor) => cursor.skipLong();
    default:
      return skipperOfLeaf(type);
  }
}

function skipperOfRecord(type: AvroRecord, records: Map<AvroType, Skip>): Skip {
  const fields: Skip[] = [];
  const skipRecord: Skip = (cursor) => {
    for (const skip of fields) skip(cursor);
  };
  records.set(type, skipRecord);
  for (const field of type.fields) fields.push(skipperOf(field.type, records));
  return skipRecord;
}

function skipperOfUnion(branches: readonly Skip[]): Skip {
  return (cursor) => oneOf(branches, cursor)(cursor);
}

function skipperOfItems(skip: Skip, areEmpty: boolean): Skip {
  return (cursor) => {
    for (let count = cursor.readCount(areEmpty); count > 0; count = cursor.readCount(areEmpty)) {
      for (let item = 0; item < count && !areEmpty; item += 1) skip(cursor);
    }
  };
}

function skipperOfEntry(skip: Skip): Skip {
  return (cursor) => {
    cursor.at = cursor.endOf();
    skip(cursor);
  };
}

function skipperOfLeaf({ kind, size }: AvroLeaf): Skip {
  switch (kind) {
    case 'null':
      return () => {};
    case 'boolean':
      return (cursor) => cursor.take(1);
    case 'int':
    case 'long':
      return (cursor) => cursor.skipLong();
    case 'float':
      return (cursor) => cursor.take(4);
    case 'double':
      return (cursor) => cursor.take(8);
    default:
      return (cursor) => {
        cursor.at = cursor.endOf(size);
      };
  }
}

/** Whether all values of the type take no bytes. A record within itself is not, since it would never end. */
function isEmpty(type: AvroType, around: readonly AvroType[] = []): boolean {
  if (type.kind === 'record') {
    if (around.includes(type)) return false;
    return type.fields.every((field) => isEmpty(field.type, [...around, type]));
  }
  return type.kind === 'null' || (type.kind === 'fixed' && type.size === 0);
}
