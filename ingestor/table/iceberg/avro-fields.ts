/**
 * Records of the Iceberg specification in Avro: fields are known by their ids. Writers of other versions call some of
 * them otherwise, or leave out what was added later.
 */
import type { AvroRecord, AvroSchema } from './avro.ts';
import type { IcebergType } from './spec.ts';

/** Our names of a record's fields and their ids. */
export type FieldTable = Readonly<Record<string, number>>;

export function record(name: string, fields: readonly AvroSchema[]): AvroSchema {
  return { type: 'record', name, fields };
}

export function required(name: string, id: number, type: AvroSchema): AvroSchema {
  return { name, type, 'field-id': id };
}

export function optional(name: string, id: number, type: AvroSchema): AvroSchema {
  return { name, type: ['null', type], default: null, 'field-id': id };
}

export function list(elementID: number, items: AvroSchema): AvroSchema {
  return { type: 'array', items, 'element-id': elementID };
}

/** A map with integer keys, which Avro has as a list of pairs. */
export function intMap(keyID: number, valueID: number, value: AvroSchema): AvroSchema {
  const pair = record(`k${keyID}_v${valueID}`, [required('key', keyID, 'int'), required('value', valueID, value)]);
  return { type: 'array', logicalType: 'map', items: pair };
}

/** How a value of a primitive type stands in Avro. `name`: for types that Avro wants named, once in a schema. */
export function avroType(type: IcebergType, name: string): AvroSchema {
  if (typeof type !== 'string') throw new TypeError(`a ${type.type} has no single value`);
  const fixed = /^fixed\[(\d+)\]$/.exec(type);
  if (fixed) return { type: 'fixed', name, size: Number(fixed[1]) };
  const decimal = /^decimal\((\d+),\s*(\d+)\)$/.exec(type);
  if (decimal) return decimalType(name, Number(decimal[1]), Number(decimal[2]));
  switch (type) {
    case 'date':
      return { type: 'int', logicalType: 'date' };
    case 'time':
      return { type: 'long', logicalType: 'time-micros' };
    case 'timestamp':
    case 'timestamptz':
      return { type: 'long', logicalType: 'timestamp-micros', 'adjust-to-utc': type === 'timestamptz' };
    case 'uuid':
      return { type: 'fixed', name, size: 16, logicalType: 'uuid' };
    case 'binary':
      return 'bytes';
    default:
      return type;
  }
}

/** In as few bytes as hold the precision. */
function decimalType(name: string, precision: number, scale: number): AvroSchema {
  let size = 1;
  while (2n ** BigInt(8 * size - 1) <= 10n ** BigInt(precision)) size += 1;
  return { type: 'fixed', name, size, logicalType: 'decimal', precision, scale };
}

/** A name that Avro allows; what it does not is written as its code. */
export function avroName(name: string): string {
  const safe = name.replace(/[^A-Za-z0-9_]/g, (letter) => `_x${letter.charCodeAt(0).toString(16).toUpperCase()}`);
  return /^[0-9]/.test(safe) ? `_${safe}` : safe;
}

interface WrittenField {
  readonly name: string;
  readonly id: number | undefined;
  readonly type: unknown;
}

/** The fields of a record's schema as it stands in a file; empty for what is no record. */
export function fieldsOf(schema: unknown): readonly WrittenField[] {
  const type = nonNull(schema);
  if (!isObject(type) || !Array.isArray(type.fields)) return [];
  return type.fields.filter(isObject).map((field) => ({
    name: String(field.name),
    id: typeof field['field-id'] === 'number' ? field['field-id'] : undefined,
    type: field.type,
  }));
}

/** Gives a record of a file our names; what is not in it is null. */
export function renameBy(schema: unknown, table: FieldTable): (record: AvroRecord) => AvroRecord {
  const fields = fieldsOf(schema);
  const names = Object.entries(table).map(([own, id]) => {
    const found = fields.find((field) => field.id === id) ?? fields.find((field) => field.name === own);
    return [own, found?.name] as const;
  });
  return (record) =>
    Object.fromEntries(names.map(([own, name]) => [own, name === undefined ? null : (record[name] ?? null)]));
}

/** The type of a field by its id. */
export function fieldType(schema: unknown, id: number, name: string): unknown {
  const fields = fieldsOf(schema);
  return (fields.find((field) => field.id === id) ?? fields.find((field) => field.name === name))?.type;
}

/** What is not null in a union, and what a list holds. */
export function itemsOf(schema: unknown): unknown {
  const type = nonNull(schema);
  return isObject(type) ? type.items : undefined;
}

function nonNull(schema: unknown): unknown {
  return Array.isArray(schema) ? schema.find((branch: unknown) => branch !== 'null') : schema;
}

export function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
