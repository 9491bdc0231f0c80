/**
 * The schema that stands in an Avro file, resolved: names of types are replaced by the types. What Avro says about defaults,
 * aliases and order does not matter to who reads what was written.
 * The specification: https://avro.apache.org/docs/1.12.0/specification/
 */
import { isObject, type JsonObject } from '../schemadocument.ts';
import { unreadable } from './reader.ts';

export type AvroType =
  | AvroLeaf
  | { readonly kind: 'enum'; readonly symbols: readonly string[] }
  | { readonly kind: 'array'; readonly items: AvroType }
  | { readonly kind: 'map'; readonly values: AvroType }
  | { readonly kind: 'union'; readonly branches: readonly AvroType[] }
  | AvroRecord;

/** It may be within itself: its fields are added when it has a name. */
export interface AvroRecord {
  readonly kind: 'record';
  readonly fields: AvroField[];
}

export interface AvroLeaf {
  readonly kind: (typeof primitives)[number] | 'fixed';
  /** Bytes of a fixed. */
  readonly size?: number;
  readonly logical?: Logical;
}

export interface AvroField {
  readonly name: string;
  readonly type: AvroType;
}

/** What a value means, where it fits its type; what does not is ignored, as the specification asks. */
export type Logical = { readonly type: 'decimal'; readonly scale: number } | { readonly type: LogicalName };

type LogicalName = keyof typeof logicalTypes;

const primitives = ['null', 'boolean', 'int', 'long', 'float', 'double', 'bytes', 'string'] as const;

/** The types that they annotate; a fixed of so many bytes. */
const logicalTypes = {
  date: 'int',
  'time-millis': 'int',
  'time-micros': 'long',
  'timestamp-millis': 'long',
  'timestamp-micros': 'long',
  'timestamp-nanos': 'long',
  'local-timestamp-millis': 'long',
  'local-timestamp-micros': 'long',
  'local-timestamp-nanos': 'long',
  uuid: 16,
  duration: 12,
  'big-decimal': 'bytes',
} as const;

/** Throws UnreadableFile. */
export function parseAvroSchema(text: string): AvroType {
  try {
    return new Resolver().resolve(JSON.parse(text), '');
  } catch (error) {
    if (error instanceof SyntaxError) throw unreadable('its schema is no valid JSON', error);
    if (error instanceof RangeError) throw unreadable('its schema nests too deeply', error);
    throw error;
  }
}

class Resolver {
  readonly #named = new Map<string, AvroType>();

  /** `namespace`: of the type around it. */
  resolve(schema: unknown, namespace: string): AvroType {
    if (typeof schema === 'string') return this.#byName(schema, namespace);
    if (Array.isArray(schema))
      return { kind: 'union', branches: schema.map((branch) => this.#branch(branch, namespace)) };
    if (!isObject(schema)) throw invalid('has something that is no type');
    const { type } = schema;
    switch (type) {
      case 'array':
        return { kind: 'array', items: this.resolve(schema.items, namespace) };
      case 'map':
        return { kind: 'map', values: this.resolve(schema.values, namespace) };
      case 'record':
      case 'error':
        return this.#record(schema, namespace);
      case 'enum':
        return this.#add<AvroType>(schema, namespace, { kind: 'enum', symbols: texts(schema.symbols) });
      case 'fixed':
        return this.#fixed(schema, namespace);
      default:
        return withLogical(this.resolve(type, namespace), schema);
    }
  }

  #branch(schema: unknown, namespace: string): AvroType {
    if (Array.isArray(schema)) throw invalid('has a union in a union');
    return this.resolve(schema, namespace);
  }

  #byName(name: string, namespace: string): AvroType {
    const kind = primitives.find((primitive) => primitive === name);
    if (kind) return { kind };
    const found = this.#named.get(fullName(name, namespace)) ?? this.#named.get(name);
    if (!found) throw invalid(`has no type ${JSON.stringify(name.slice(0, 100))}`);
    return found;
  }

  #record(schema: JsonObject, namespace: string): AvroType {
    const fields: AvroField[] = [];
    const record = this.#add<AvroRecord>(schema, namespace, { kind: 'record', fields });
    if (!Array.isArray(schema.fields)) throw invalid('has a record without fields');
    const inner = namespaceOf(schema, namespace);
    const names = new Set<string>();
    for (const field of schema.fields) {
      if (!isObject(field) || typeof field.name !== 'string') throw invalid('has a field without a name');
      if (names.has(field.name)) throw invalid('has two fields of one name in a record');
      names.add(field.name);
      fields.push({ name: field.name, type: this.resolve(field.type, inner) });
    }
    return record;
  }

  #fixed(schema: JsonObject, namespace: string): AvroType {
    const { size } = schema;
    if (typeof size !== 'number' || !Number.isSafeInteger(size) || size < 0)
      throw invalid('has a fixed without a size');
    return this.#add(schema, namespace, withLogical({ kind: 'fixed', size }, schema));
  }

  #add<T extends AvroType>(schema: JsonObject, namespace: string, type: T): T {
    if (typeof schema.name !== 'string') throw invalid('has a type without a name');
    this.#named.set(fullName(schema.name, namespaceOf(schema, namespace)), type);
    return type;
  }
}

function withLogical(type: AvroType, { logicalType, scale = 0 }: JsonObject): AvroType {
  if (!isLeaf(type)) return type;
  if (logicalType === 'decimal') {
    const fits = (type.kind === 'bytes' || type.kind === 'fixed') && isScale(scale);
    return fits ? { ...type, logical: { type: 'decimal', scale } } : type;
  }
  if (!isLogical(logicalType)) return type;
  const fits = logicalTypes[logicalType] === (type.size ?? type.kind);
  return fits ? { ...type, logical: { type: logicalType } } : type;
}

function isLogical(name: unknown): name is LogicalName {
  return typeof name === 'string' && Object.hasOwn(logicalTypes, name);
}

function isLeaf(type: AvroType): type is AvroLeaf {
  return type.kind === 'fixed' || primitives.some((primitive) => primitive === type.kind);
}

/** More digits are beyond any double. */
export const mostScale = 400;

function isScale(scale: unknown): scale is number {
  return typeof scale === 'number' && Number.isInteger(scale) && scale >= 0 && scale <= mostScale;
}

function namespaceOf(schema: JsonObject, around: string): string {
  const name = typeof schema.name === 'string' ? schema.name : '';
  if (name.includes('.')) return name.slice(0, name.lastIndexOf('.'));
  return typeof schema.namespace === 'string' ? schema.namespace : around;
}

function fullName(name: string, namespace: string): string {
  return name.includes('.') || namespace === '' ? name : `${namespace}.${name}`;
}

function texts(value: unknown): string[] {
  if (Array.isArray(value) && value.every((item) => typeof item === 'string')) return value;
  throw invalid('has an enum without symbols');
}

function invalid(problem: string): Error {
  return unreadable(`its schema ${problem}`);
}
