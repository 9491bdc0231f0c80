/**
 * From Parquet's logical types to values as JSON has them: dates and times are RFC 3339 text, decimals are numbers,
 * integers past 2^53 are bigints. A timestamp without a time zone is taken for UTC. Bytes that are no UTF-8 stay bytes.
 */
import { isUtf8 } from 'node:buffer';
import type { SchemaElement } from 'hyparquet';
import { DEFAULT_PARSERS, parseFloat16 } from 'hyparquet/src/convert.js';
import { formatDate, formatDateTime } from '../engine/datetime.ts';
import { parseExact } from '../engine/exact.ts';
import type { ValueType } from './valuereader.ts';

/** No date-time: the judge refuses it. */
export const outOfRange = 'out of range';

type FromNumber = ValueType['fromNumber'];
type FromBytes = ValueType['fromBytes'];

/** What values of the leaf are in JSON. Throws Error for a type that is not read, or that cannot be. */
export function jsonValues(element: SchemaElement): ValueType {
  const { type, type_length: length = 0, name } = element;
  if (type === undefined) throw new Error(`column ${name} has no type`);
  const logical = logicalNameOf(element);
  if (unread.has(logical)) throw new Error(`column ${name} is ${logical}, which is not read`);
  const scale = logical === 'DECIMAL' ? scaleOf(element) : 0;
  return {
    type,
    length,
    fromNumber: type === 'INT96' ? fromInt96 : logical === 'DECIMAL' ? decimalFromNumber(scale) : numbers[logical],
    fromBytes: logical === 'DECIMAL' ? decimalFromBytes(scale) : (bytes[logical] ?? textAt),
    mayBeBig: big.has(logical) || (type === 'INT64' && numbers[logical] === undefined),
  };
}

/** The converted types of old and the logical ones under one name. */
function logicalNameOf({ converted_type: converted, logical_type: logical }: SchemaElement): string {
  if (converted !== undefined) return convertedNames[converted] ?? converted;
  if (logical?.type === undefined) return '';
  switch (logical.type) {
    case 'TIME':
    case 'TIMESTAMP':
      return `${logical.type}_${logical.unit}`;
    case 'INTEGER':
      return `${logical.isSigned ? '' : 'U'}INT_${logical.bitWidth}`;
    default:
      return logical.type;
  }
}

const convertedNames: Readonly<Record<string, string>> = { UTF8: 'STRING' };

const unread: ReadonlySet<string> = new Set(['BSON', 'INTERVAL']);
const big: ReadonlySet<string> = new Set(['DECIMAL', 'JSON', 'UINT_64']);

const numbers: Readonly<Record<string, FromNumber>> = {
  DATE: (days) => formatDate(Number(days)) ?? outOfRange,
  TIME_MILLIS: (millis) => formatTime(integer(millis) * 1000n),
  TIME_MICROS: (micros) => formatTime(integer(micros)),
  TIME_NANOS: (nanos) => formatTime(integer(nanos) / 1000n),
  TIMESTAMP_MILLIS: (millis) => fromMicros(timesThousand(millis)),
  TIMESTAMP_MICROS: fromMicros,
  TIMESTAMP_NANOS: (nanos) => fromMicros(floorDivide(integer(nanos), 1000n)),
  UINT_64: (value) => narrow(BigInt.asUintN(64, integer(value))),
  UINT_32: (value) => Number(value) >>> 0,
};

function fromMicros(micros: unknown): string {
  return formatDateTime(typeof micros === 'number' ? micros : integer(micros)) ?? outOfRange;
}

function timesThousand(value: unknown): number | bigint {
  const product = Number(value) * 1000;
  return Number.isSafeInteger(product) ? product : integer(value) * 1000n;
}

/** Nanoseconds of the day in 64 bits, and above them the Julian day. */
function fromInt96(value: unknown): string {
  const bits = integer(value);
  const nanos = ((bits >> 64n) - 2_440_588n) * 86_400_000_000_000n + BigInt.asUintN(64, bits);
  return fromMicros(floorDivide(nanos, 1000n));
}

const bytes: Readonly<Record<string, FromBytes>> = {
  JSON: (page, start, end) => jsonOf(textAt(page, start, end)),
  UUID: (page, start, end) => DEFAULT_PARSERS.uuidFromBytes(page.subarray(start, end)),
  FLOAT16: (page, start, end) => parseFloat16(page.subarray(start, end)),
  GEOMETRY: (page, start, end) => DEFAULT_PARSERS.geometryFromBytes(page.subarray(start, end)),
  GEOGRAPHY: (page, start, end) => DEFAULT_PARSERS.geographyFromBytes(page.subarray(start, end)),
};

/** Digits after the point. Throws Error for what Parquet does not allow, and for more digits than any engine has. */
function scaleOf(element: SchemaElement): number {
  const { name, logical_type: logical, type = 'BYTE_ARRAY' } = element;
  const own = logical?.type === 'DECIMAL' ? logical : undefined;
  const [scale, precision] = [element.scale ?? own?.scale ?? 0, element.precision ?? own?.precision ?? 0];
  const most = mostDigits(type, element.type_length ?? 0);
  const isValid = precision > 0 && precision <= most && scale >= 0 && scale <= precision;
  if (isValid) return scale;
  throw new Error(`column ${name} is a decimal of ${precision} digits, ${scale} after the point, in ${type}`);
}

/** Engines have 38 or 76; arithmetic with so many costs little. */
const mostDecimalDigits = 1000;
/** Of a number with so many digits, and one for its sign: log2(10) bits a digit. */
const mostDecimalBytes = Math.ceil((mostDecimalDigits * Math.log2(10)) / 8) + 1;

function mostDigits(type: string, length: number): number {
  if (type === 'INT32') return 9;
  if (type === 'INT64') return 18;
  if (type === 'FIXED_LEN_BYTE_ARRAY') return Math.min(mostDecimalDigits, Math.floor((8 * length - 1) * Math.log10(2)));
  return mostDecimalDigits;
}

function decimalFromNumber(scale: number): FromNumber {
  return (value) => decimal(integer(value), scale);
}

function decimalFromBytes(scale: number): FromBytes {
  return (page, start, end) => {
    if (end - start > mostDecimalBytes) throw new Error(`a decimal of ${end - start} bytes`);
    return decimal(unscaled(page.subarray(start, end)), scale);
  };
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
  const number = narrow(value);
  // Both are exact, so the quotient is the nearest double.
  if (typeof number === 'number' && scale >= 0 && scale <= mostExactPower) return number / 10 ** scale;
  if (scale <= 0) return narrow(value * 10n ** BigInt(-scale));
  if (value % 10n ** BigInt(scale) === 0n) return narrow(value / 10n ** BigInt(scale));
  return Number(`${value}e-${scale}`);
}

/** 10^22 is the last power of ten that is a double. */
const mostExactPower = 22;

export function formatTime(micros: bigint): string {
  return (formatDateTime(micros) ?? '').slice(11);
}

export function floorDivide(a: bigint, b: bigint): bigint {
  return (a - (((a % b) + b) % b)) / b;
}

/** Text of UTF-8; what is none stays bytes, in memory of their own. */
export function textAt(page: Buffer, start: number, end: number): unknown {
  // Short ASCII is faster read by hand than through the decoder.
  if (end - start <= 16) {
    let text = '';
    let at = start;
    for (; at < end; at += 1) {
      const byte = page[at] ?? 0;
      if (byte >= 0x80) break;
      text += String.fromCharCode(byte);
    }
    if (at === end) return text;
  }
  if (isAscii(page, start, end)) return page.toString('latin1', start, end);
  const bytes = page.subarray(start, end);
  return isUtf8(bytes) ? page.toString('utf8', start, end) : new Uint8Array(bytes);
}

/** Of short text only: the decoder looks at long text faster itself. */
function isAscii(page: Buffer, start: number, end: number): boolean {
  if (end - start > 64) return false;
  for (let at = start; at < end; at += 1) if ((page[at] ?? 0) >= 0x80) return false;
  return true;
}

function jsonOf(text: unknown): unknown {
  if (typeof text !== 'string') return text;
  try {
    return parseExact(text);
  } catch {
    return text;
  }
}
