/**
 * Partition transforms of the Apache Iceberg table specification (format version 2, "Partition Transforms" and appendix
 * B). All of them round down, also before 1970 and below zero; null stays null. Pure.
 */
import type { PartitionValue } from '../contract/layout.ts';
import type { PartitionField } from '../contract/task.ts';
import type { ColumnType } from './schema.ts';

/** From a value as the writer takes it (date: days, timestamptz: microseconds, both since 1970) to its partition's. */
export type Transform = (value: unknown) => PartitionValue;

type Kind = Pick<PartitionField, 'transform' | 'parameter'>;

/**
 * The type of what a transform gives, or undefined where columns of `type` cannot be transformed so. JSON text is text:
 * Iceberg knows no other type of it.
 */
export function transformedType({ transform }: Kind, column: ColumnType): ColumnType | undefined {
  const type = storedType(column);
  switch (transform) {
    case 'Identity':
      return isOneOf(type, 'boolean', 'int', 'long', 'double', 'date', 'timestamptz', 'string') ? type : undefined;
    case 'Year':
    case 'Month':
    case 'Day':
      return isOneOf(type, 'date', 'timestamptz') ? 'int' : undefined;
    case 'Hour':
      return type === 'timestamptz' ? 'int' : undefined;
    case 'Bucket':
      return isOneOf(type, 'int', 'long', 'date', 'timestamptz', 'string') ? 'int' : undefined;
    case 'Truncate':
      return isOneOf(type, 'int', 'long', 'string') ? type : undefined;
  }
}

/** Throws TypeError for what `transformedType` does not allow, or without the parameter that the transform needs. */
export function createTransform(kind: Kind, column: ColumnType): Transform {
  if (transformedType(kind, column) === undefined) throw new TypeError(`no ${kind.transform} of ${column}`);
  const type = storedType(column);
  const transform = transformOf(kind, type);
  return (value) => (value === null || value === undefined ? null : transform(value));
}

function transformOf(kind: Kind, type: ColumnType): Transform {
  switch (kind.transform) {
    case 'Identity':
      return identity(type);
    case 'Year':
      return (value) => dayOf(value, type).getUTCFullYear() - 1970;
    case 'Month':
      return (value) => {
        const day = dayOf(value, type);
        return (day.getUTCFullYear() - 1970) * 12 + day.getUTCMonth();
      };
    case 'Day':
      return (value) => daysOf(value, type);
    case 'Hour':
      return (value) => floorDivide(value, microsPerHour);
    case 'Bucket':
      return bucket(type, parameterOf(kind));
    case 'Truncate':
      return truncate(type, parameterOf(kind));
  }
}

const microsPerHour = 3_600_000_000;
const microsPerDay = 24 * microsPerHour;
const millisPerDay = 86_400_000;

/** 64-bit numbers travel as text. */
function identity(type: ColumnType): Transform {
  if (type === 'long' || type === 'timestamptz') return (value) => toBigInt(value).toString();
  // Documents are JSON, which has no negative zero.
  if (type === 'double') return (value) => Number(value) + 0;
  return (value) => (typeof value === 'number' || typeof value === 'boolean' ? value : String(value));
}

function daysOf(value: unknown, type: ColumnType): number {
  return type === 'date' ? Number(value) : floorDivide(value, microsPerDay);
}

function dayOf(value: unknown, type: ColumnType): Date {
  return new Date(daysOf(value, type) * millisPerDay);
}

/** Exact: below 2^53 the quotient of two integers is never rounded up to the next one. */
function floorDivide(value: unknown, divisor: number): number {
  if (typeof value === 'number') return Math.floor(value / divisor);
  const [dividend, by] = [toBigInt(value), BigInt(divisor)];
  return Number((dividend - floorRemainder(dividend, by)) / by);
}

function floorRemainder(value: bigint, divisor: bigint): bigint {
  return ((value % divisor) + divisor) % divisor;
}

/** The hash without its sign, by the number of buckets. */
function bucket(type: ColumnType, buckets: number): Transform {
  const bytesOf = type === 'string' ? (value: unknown) => Buffer.from(String(value)) : longBytes;
  return (value) => (murmur3(bytesOf(value)) & 0x7fffffff) % buckets;
}

/** Ints and dates are hashed as longs, so that a column can become one. */
function longBytes(value: unknown): Buffer {
  const bytes = Buffer.allocUnsafe(8);
  bytes.writeBigInt64LE(toBigInt(value));
  return bytes;
}

/** What falls out of the type's range wraps around, as it does where others compute it. Text is cut by code points. */
function truncate(type: ColumnType, width: number): Transform {
  if (type === 'string') return (value) => firstCharacters(String(value), width);
  if (type === 'int') {
    return (value) => (Number(value) - (((Number(value) % width) + width) % width)) | 0;
  }
  return (value) => {
    const long = toBigInt(value);
    return BigInt.asIntN(64, long - floorRemainder(long, BigInt(width))).toString();
  };
}

function firstCharacters(text: string, count: number): string {
  let end = 0;
  for (let left = count; left > 0 && end < text.length; left -= 1) {
    end += (text.codePointAt(end) ?? 0) > 0xffff ? 2 : 1;
  }
  return text.slice(0, end);
}

function parameterOf({ transform, parameter }: Kind): number {
  if (parameter === undefined || parameter < 1) throw new TypeError(`${transform} without its parameter`);
  return parameter;
}

function toBigInt(value: unknown): bigint {
  return typeof value === 'bigint' ? value : BigInt(Number(value));
}

function storedType(type: ColumnType): ColumnType {
  return type === 'json' ? 'string' : type;
}

function isOneOf(type: ColumnType, ...types: readonly ColumnType[]): boolean {
  return types.includes(type);
}

/** Murmur3, the 32-bit hash for x86 with seed 0 (A. Appleby, public domain), as a signed integer. */
export function murmur3(bytes: Uint8Array): number {
  let hash = 0;
  const whole = bytes.length & ~3;
  for (let at = 0; at < whole; at += 4) {
    const word = byteAt(bytes, at) | (byteAt(bytes, at + 1) << 8) | (byteAt(bytes, at + 2) << 16);
    hash ^= scramble(word | (byteAt(bytes, at + 3) << 24));
    hash = Math.imul(rotate(hash, 13), 5) + 0xe6546b64;
  }
  let tail = 0;
  for (let at = bytes.length - 1; at >= whole; at -= 1) tail = (tail << 8) | byteAt(bytes, at);
  if (whole < bytes.length) hash ^= scramble(tail);
  hash ^= bytes.length;
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return hash ^ (hash >>> 16);
}

function scramble(word: number): number {
  return Math.imul(rotate(Math.imul(word, 0xcc9e2d51), 15), 0x1b873593);
}

function rotate(word: number, bits: number): number {
  return (word << bits) | (word >>> (32 - bits));
}

function byteAt(bytes: Uint8Array, at: number): number {
  return bytes[at] ?? 0;
}
