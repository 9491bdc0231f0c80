/** Partition specs and sort orders from what a dataset asks for. */
import { ForebayError } from '../../contract/errors.ts';
import type { PartitionField } from '../../contract/task.ts';
import { type SchemaPlace, walkSchema } from './schema.ts';
import type { IcebergType, PartitionSpec, SortOrder, StructType } from './spec.ts';

/** Ids of partition fields begin here, so that they never meet those of columns in a reader's mind. */
const firstPartitionID = 1000;

const largestParameter = 2 ** 31 - 1;

const numbers = ['int', 'long'];
const times = ['date', 'timestamptz'];
const fittingTypes = {
  Identity: ['boolean', ...numbers, 'double', 'string', ...times],
  Year: times,
  Month: times,
  Day: times,
  Hour: ['timestamptz'],
  Bucket: [...numbers, 'string', ...times],
  Truncate: [...numbers, 'string'],
} as const satisfies Record<PartitionField['transform'], readonly string[]>;

/** What the Java library adds to the field's name. */
const suffixes = {
  Identity: '',
  Year: '_year',
  Month: '_month',
  Day: '_day',
  Hour: '_hour',
  Bucket: '_bucket',
  Truncate: '_trunc',
} as const satisfies Record<PartitionField['transform'], string>;

/** The spec of a new table. Throws PartitionFieldInvalid with the field, its type and the types that fit. */
export function createSpec(schema: StructType, partitionBy: readonly PartitionField[]): PartitionSpec {
  const places = placesOf(schema);
  const taken = new Map([...places].map(([path, { id }]) => [path.replaceAll('\\.', '.'), id]));
  const fields: PartitionSpec['fields'][number][] = [];
  for (const [index, field] of partitionBy.entries()) {
    const { id } = checkField(places, field);
    const transform = transformName(field);
    if (fields.some((other) => other['source-id'] === id && other.transform === transform)) {
      throw invalid(`table.partitionBy names ${field.field} by ${field.transform} twice`);
    }
    const name = freeName(field, id, taken);
    taken.set(name, -1);
    fields.push({ 'source-id': id, 'field-id': firstPartitionID + index, name, transform });
  }
  return { 'spec-id': 0, fields };
}

/** `identity`, `day`, `bucket[16]`, ... */
export function transformName({ transform, parameter }: PartitionField): string {
  const name = transform.toLowerCase();
  return parameter === undefined ? name : `${name}[${parameter}]`;
}

/** Ascending, nulls first. Throws PartitionFieldInvalid. */
export function createSortOrder(schema: StructType, sortBy: readonly string[]): SortOrder {
  const places = placesOf(schema);
  const sources = sortBy.map((path) => {
    const place = findPlace(places, 'table.sortBy', path);
    if (typeof place.type !== 'string') {
      throw invalid(`table.sortBy names ${path}, which is a ${place.type.type}: rows are sorted by plain values`);
    }
    return place.id;
  });
  const twice = sortBy.find((_, index) => sources.indexOf(sources[index] ?? 0) !== index);
  if (twice !== undefined) throw invalid(`table.sortBy names ${twice} twice`);
  return {
    'order-id': sources.length === 0 ? 0 : 1,
    fields: sources.map((id) => ({
      'source-id': id,
      transform: 'identity',
      direction: 'asc',
      'null-order': 'nulls-first',
    })),
  };
}

export interface PartitionColumn {
  readonly id: number;
  readonly sourceID: number;
  readonly name: string;
  /** Of the transform's result. */
  readonly type: IcebergType;
}

/** What the values of a spec are, in its order. */
export function partitionColumns(spec: PartitionSpec, schemas: readonly StructType[]): PartitionColumn[] {
  return spec.fields.map(({ 'source-id': sourceID, 'field-id': id, name, transform }) => ({
    id,
    sourceID,
    name,
    type: resultType(transform, sourceType(schemas, sourceID)),
  }));
}

/** A field that was dropped since is found in an earlier schema. */
function sourceType(schemas: readonly StructType[], id: number): IcebergType {
  for (const schema of schemas) {
    for (const place of walkSchema(schema)) if (place.id === id) return place.type;
  }
  return 'string';
}

function resultType(transform: string, source: IcebergType): IcebergType {
  if (transform === 'day') return 'date';
  if (/^(year|month|hour|bucket)/.test(transform)) return 'int';
  return source;
}

function placesOf(schema: StructType): ReadonlyMap<string, SchemaPlace> {
  return new Map([...walkSchema(schema)].map((place) => [place.path, place]));
}

function checkField(places: ReadonlyMap<string, SchemaPlace>, field: PartitionField): SchemaPlace {
  const { field: path, transform, parameter } = field;
  const place = findPlace(places, 'table.partitionBy', path);
  const fitting: readonly string[] = fittingTypes[transform];
  const type = typeof place.type === 'string' ? place.type : place.type.type;
  if (!fitting.includes(type)) {
    throw invalid(
      `table.partitionBy names ${path}, which is of type ${type}: ${transform} takes ${fitting.join(', ')}`,
    );
  }
  const needsParameter = transform === 'Bucket' || transform === 'Truncate';
  if (needsParameter !== (parameter !== undefined)) {
    const what = needsParameter ? 'needs a parameter' : 'takes no parameter';
    throw invalid(`table.partitionBy names ${path} by ${transform}, which ${what}`);
  }
  if (parameter !== undefined && (parameter < 1 || parameter > largestParameter)) {
    throw invalid(`table.partitionBy names ${path} by ${transform} with ${parameter}: 1 to ${largestParameter} fit`);
  }
  return place;
}

function findPlace(places: ReadonlyMap<string, SchemaPlace>, where: string, path: string): SchemaPlace {
  const place = places.get(path);
  if (place === undefined) throw invalid(`${where} names ${path}, which is no field of the schema`);
  if (place.repeated) throw invalid(`${where} names ${path}, which lies in a list or map: a record has one value`);
  return place;
}

/** No column may have the name but the source of an identity. */
function freeName({ field, transform }: PartitionField, id: number, taken: ReadonlyMap<string, number>): string {
  const base = `${field.replaceAll('\\.', '.')}${suffixes[transform]}`;
  const isFree = (name: string) => !taken.has(name) || (transform === 'Identity' && taken.get(name) === id);
  let name = base;
  for (let n = 2; !isFree(name); n += 1) name = `${base}_${n}`;
  return name;
}

function invalid(message: string): ForebayError {
  return new ForebayError('PartitionFieldInvalid', message);
}
