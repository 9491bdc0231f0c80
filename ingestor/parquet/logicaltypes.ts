/**
 * From Parquet's logical types to values as JSON has them: dates and times are RFC 3339 text, decimals are numbers,
 * integers past 2^53 are bigints. A timestamp without a time zone is taken for UTC. Bytes that are no UTF-8 stay bytes.
 */
import { isUtf8 } from 'node:buffer';
import type { ParquetParsers, SchemaElement } from 'hyparquet';
import { formatDate, formatDateTime } from '../engine/datetime.ts';
import { parseExact } from '../engine/exact.ts';

/** No date-time: the judge refuses it. */
export const outOfRange = 'out of range';

export const jsonParsers: Partial<ParquetParsers> = {
  timestampFromMilliseconds: (millis) => formatDateTime(millis * 1000n) ?? outOfRange,
  timestampFromMicroseconds: (micros) => formatDateTime(micros) ?? outOfRange,
  timestampFromNanoseconds: (nanos) => formatDateTime(floorDivide(nanos, 1000n)) ?? outOfRange,
  dateFromDays: (days) => formatDate(days) ?? outOfRange,
  stringFromBytes: (bytes) => textOf(bytes),
  jsonFromBytes: (bytes) => jsonOf(bytes),
};

/**
 * The element as hyparquet should decode it: converted types where only the newer logical ones stand, and none where it
 * would lose digits (decimals by way of doubles) and `valueConverter` does better.
 */
export function decodedElement(element: SchemaElement): SchemaElement {
  const logical = element.logical_type?.type;
  const converted = element.converted_type ?? (logical === undefined ? undefined : convertedTypes[logical]);
  if (converted === 'DECIMAL') return { ...element, converted_type: undefined, logical_type: undefined };
  if (converted === 'ENUM') return { ...element, converted_type: 'UTF8' };
  if (converted === 'MAP_KEY_VALUE') return { ...element, converted_type: 'MAP' };
  return { ...element, converted_type: converted };
}

const convertedTypes: Readonly<Record<string, SchemaElement['converted_type']>> = {
  STRING: 'UTF8',
  ENUM: 'UTF8',
  JSON: 'JSON',
  DATE: 'DATE',
  DECIMAL: 'DECIMAL',
  LIST: 'LIST',
  MAP: 'MAP',
};

/** What is left to do with a decoded value of a leaf; undefined when nothing is. */
export function valueConverter(element: SchemaElement): ((value: unknown) => unknown) | undefined {
  const { type, converted_type: converted, logical_type: logical, type_length: length } = element;
  if (converted === 'DECIMAL' || logical?.type === 'DECIMAL') {
    const scale = element.scale ?? (logical?.type === 'DECIMAL' ? logical.scale : 0);
    return (value) => decimal(unscaled(value), scale);
  }
  if (converted === 'TIME_MILLIS') return (value) => formatTime(BigInt(Number(value)) * 1000n);
  if (converted === 'TIME_MICROS') return (value) => formatTime(integer(value));
  if (logical?.type === 'TIME') {
    const { unit } = logical;
    return (value) =>
      formatTime(
        unit === 'MILLIS' ? integer(value) * 1000n : unit === 'NANOS' ? integer(value) / 1000n : integer(value),
      );
  }
  const isText =
    ['UTF8', 'ENUM', 'JSON'].includes(converted ?? '') ||
    ['STRING', 'ENUM', 'JSON', 'UUID', 'FLOAT16'].includes(logical?.type ?? '');
  if (!isText && (type === 'BYTE_ARRAY' || (type === 'FIXED_LEN_BYTE_ARRAY' && length !== undefined))) {
    return (value) => (value instanceof Uint8Array ? textOf(value) : value);
  }
  return type === 'INT64' ? narrow : undefined;
}

/** A bigint where a number cannot hold it. */
export function narrow(value: bigint): number | bigint;
export function narrow(value: unknown): unknown;
export function narrow(value: unknown): unknown {
  if (typeof value !== 'bigint') return value;
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : value;
}

function integer(value: unknown): bigint {
  return typeof value === 'bigint' ? value : BigInt(Number(value));
}

/** Big-endian two's complement where it is bytes. */
export function unscaled(value: unknown): bigint {
  if (!(value instanceof Uint8Array)) return integer(value);
  const hex = Buffer.from(value).toString('hex');
  return hex === '' ? 0n : BigInt.asIntN(8 * value.length, BigInt(`0x${hex}`));
}

/** The nearest double, or the integer itself. */
export function decimal(value: bigint, scale: number): unknown {
  if (scale <= 0) return narrow(value * 10n ** BigInt(-scale));
  if (value % 10n ** BigInt(scale) === 0n) return narrow(value / 10n ** BigInt(scale));
  return Number(`${value}e-${scale}`);
}

export function formatTime(micros: bigint): string {
  return (formatDateTime(micros) ?? '').slice(11);
}

export function floorDivide(a: bigint, b: bigint): bigint {
  return (a - (((a % b) + b) % b)) / b;
}

function textOf(bytes: Uint8Array): unknown {
  const { length } = bytes;
  // Short ASCII is faster read by hand than through the decoder.
  if (length <= 16) {
    let text = '';
    let at = 0;
    for (; at < length; at += 1) {
      const byte = bytes[at] ?? 0;
      if (byte >= 0x80) break;
      text += String.fromCharCode(byte);
    }
    if (at === length) return text;
  }
  if (!isUtf8(bytes)) return bytes.slice();
  return Buffer.from(bytes.buffer, bytes.byteOffset, length).toString();
}

function jsonOf(bytes: Uint8Array): unknown {
  const text = textOf(bytes);
  if (typeof text !== 'string') return text;
  try {
    return parseExact(text);
  } catch {
    return text;
  }
}
