/** Single values: as a manifest has them, as documents have them, and in Iceberg's binary form for bounds. */
import type { PartitionValue } from '../../contract/layout.ts';
import { toLong } from './json.ts';
import type { IcebergType } from './spec.ts';

/** As Avro has it: bytes for uuid, fixed, binary and decimal. */
export type SingleValue = null | boolean | number | bigint | string | Uint8Array;

const longTypes: readonly unknown[] = ['long', 'timestamp', 'timestamptz', 'time'];

/** 64-bit integers are text in documents. */
export function fromPartitionValue(value: PartitionValue, type: IcebergType): SingleValue {
  return longTypes.includes(type) && (typeof value === 'string' || typeof value === 'number') ? toLong(value) : value;
}

export function toPartitionValue(value: SingleValue, type: IcebergType): PartitionValue {
  if (value === null || typeof value === 'boolean' || typeof value === 'string') return value;
  if (value instanceof Uint8Array) return Buffer.from(value).toString('base64');
  return longTypes.includes(type) || typeof value === 'bigint' ? String(value) : value;
}

/** By value; strings by the bytes of their UTF-8 form, -0 before 0. NaN has no place: leave it out. */
export function compareValues(a: SingleValue, b: SingleValue): number {
  if (typeof a === 'string' && typeof b === 'string') return Buffer.compare(Buffer.from(a), Buffer.from(b));
  if (a instanceof Uint8Array && b instanceof Uint8Array) return Buffer.compare(a, b);
  if (a === null || b === null || a === b) return zeroSign(a) - zeroSign(b);
  return a < b ? -1 : 1;
}

function zeroSign(value: SingleValue): number {
  return Object.is(value, -0) ? -1 : 0;
}

/** Iceberg's single-value serialization; undefined for null and for types that are not written here. */
export function serializeValue(value: SingleValue, type: IcebergType): Uint8Array | undefined {
  if (value === null) return undefined;
  if (value instanceof Uint8Array) return value;
  if (typeof value === 'string') return Buffer.from(value);
  if (typeof value === 'boolean') return Uint8Array.of(value ? 1 : 0);
  return serializeNumber(value, type);
}

function serializeNumber(value: number | bigint, type: IcebergType): Uint8Array | undefined {
  const bytes = Buffer.alloc(type === 'int' || type === 'date' || type === 'float' ? 4 : 8);
  switch (type) {
    case 'int':
    case 'date':
      bytes.writeInt32LE(Number(value));
      return bytes;
    case 'float':
      bytes.writeFloatLE(Number(value));
      return bytes;
    case 'double':
      bytes.writeDoubleLE(Number(value));
      return bytes;
    default:
      if (!longTypes.includes(type)) return undefined;
      bytes.writeBigInt64LE(BigInt(value));
      return bytes;
  }
}

/** Undefined for types that are not read here. A long may be as short as the int it was before. */
export function deserializeValue(bytes: Uint8Array, type: IcebergType): SingleValue | undefined {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (type === 'string') return buffer.toString();
  if (type === 'boolean' && buffer.length === 1) return buffer[0] !== 0;
  if (type === 'double' && buffer.length === 8) return buffer.readDoubleLE();
  if (type === 'float' && buffer.length === 4) return buffer.readFloatLE();
  const isInteger = type === 'int' || type === 'date' || longTypes.includes(type);
  if (isInteger && buffer.length === 4) return buffer.readInt32LE();
  if (isInteger && buffer.length === 8) return toLong(buffer.readBigInt64LE());
  return undefined;
}
