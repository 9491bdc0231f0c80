/** Table metadata as it is read: checked here, at the border, and trusted inside. */
import { ForebayError } from '../../contract/errors.ts';
import { isObject } from './avro-fields.ts';
import { parseJSON, sameLong } from './json.ts';
import type {
  IcebergSchema,
  PartitionSpec,
  Snapshot,
  SnapshotRef,
  SortOrder,
  TableCreation,
  TableMetadata,
} from './spec.ts';

/** Text of a metadata file. Throws DamagedDocument, and TableReplaced for a format version that is not ours. */
export function parseTableMetadata(text: string, name: string): TableMetadata {
  let value: unknown;
  try {
    value = parseJSON(text);
  } catch (cause) {
    throw new ForebayError('DamagedDocument', `${name} is no JSON`, { cause });
  }
  return checkTableMetadata(value, name);
}

/** As `parseTableMetadata`, for what `parseJSON` gave. */
export function checkTableMetadata(value: unknown, name: string): TableMetadata {
  const version = isObject(value) ? value['format-version'] : undefined;
  if (typeof version === 'number' && version !== 2) {
    throw new ForebayError(
      'TableReplaced',
      `${name} is of Iceberg format version ${version}, this program writes version 2: another engine changed it`,
    );
  }
  if (!isTableMetadata(value, name)) throw new Error('isTableMetadata answers or throws');
  return value;
}

export function currentSchema(metadata: TableMetadata): IcebergSchema {
  return found(
    metadata.schemas.find((schema) => schema['schema-id'] === metadata['current-schema-id']),
    'current schema',
  );
}

export function specOf(metadata: TableMetadata, id: number): PartitionSpec {
  return found(
    metadata['partition-specs'].find((spec) => spec['spec-id'] === id),
    `partition spec ${id}`,
  );
}

/** -1 and null stand for none, too. */
export function currentSnapshot(metadata: TableMetadata): Snapshot | undefined {
  const id = metadata['current-snapshot-id'];
  return metadata.snapshots?.find((snapshot) => sameLong(snapshot['snapshot-id'], id));
}

/** Branches and tags. A table whose writer knew none has its main branch at the current snapshot. */
export function refsOf(metadata: TableMetadata): Readonly<Record<string, SnapshotRef>> {
  const current = currentSnapshot(metadata);
  if (current === undefined) return metadata.refs ?? {};
  return { main: { 'snapshot-id': current['snapshot-id'], type: 'branch' }, ...metadata.refs };
}

/** The metadata of a table that begins. */
export function newTableMetadata(creation: TableCreation, lastColumnID: number): TableMetadata {
  const { schema, 'partition-spec': spec, 'write-order': order } = creation;
  const unsorted: SortOrder = { 'order-id': 0, fields: [] };
  return {
    'format-version': 2,
    'table-uuid': creation.uuid,
    location: creation.location,
    'last-sequence-number': 0,
    'last-updated-ms': creation.time,
    'last-column-id': lastColumnID,
    schemas: [schema],
    'current-schema-id': schema['schema-id'],
    'partition-specs': [spec],
    'default-spec-id': spec['spec-id'],
    'last-partition-id': Math.max(999, ...spec.fields.map((field) => field['field-id'])),
    properties: creation.properties,
    'current-snapshot-id': -1,
    snapshots: [],
    'snapshot-log': [],
    'metadata-log': [],
    'sort-orders': order['order-id'] === 0 ? [unsorted] : [unsorted, order],
    'default-sort-order-id': order['order-id'],
    refs: {},
  };
}

function found<T>(value: T | undefined, what: string): T {
  if (value === undefined) throw new ForebayError('DamagedDocument', `the table's metadata has no ${what}`);
  return value;
}

/** A predicate, so that the check and the type it proves are one. */
function isTableMetadata(value: unknown, name: string): value is TableMetadata {
  const problem = isObject(value) ? findProblem(value) : 'it is no object';
  if (problem === undefined) return true;
  throw new ForebayError('DamagedDocument', `${name} is no table metadata: ${problem}`);
}

type Members = Readonly<Record<string, unknown>>;

function findProblem(metadata: Members): string | undefined {
  return (
    findInMembers(metadata, topLevel) ??
    findInList(metadata.schemas, 'schemas', (schema) => findInMembers(schema, schemaMembers)) ??
    findInList(metadata['partition-specs'], 'partition-specs', (spec) => findInMembers(spec, specMembers)) ??
    findInList(metadata['sort-orders'], 'sort-orders', (order) => findInMembers(order, orderMembers)) ??
    findInList(metadata.snapshots ?? [], 'snapshots', (snapshot) => findInMembers(snapshot, snapshotMembers)) ??
    findDangling(metadata)
  );
}

type Check = (value: unknown) => boolean;
const isText: Check = (value) => typeof value === 'string';
const isInteger: Check = (value) => Number.isSafeInteger(value);
const isLong: Check = (value) => typeof value === 'bigint' || Number.isSafeInteger(value);
const isList: Check = (value) => Array.isArray(value);
const isTextRecord: Check = (value) => isObject(value) && Object.values(value).every(isText);
const orAbsent =
  (check: Check): Check =>
  (value) =>
    value === undefined || value === null || check(value);

const topLevel: Readonly<Record<string, Check>> = {
  'format-version': (value) => value === 2,
  'table-uuid': isText,
  location: isText,
  'last-sequence-number': isLong,
  'last-updated-ms': isInteger,
  'last-column-id': isInteger,
  schemas: isList,
  'current-schema-id': isInteger,
  'partition-specs': isList,
  'default-spec-id': isInteger,
  'last-partition-id': isInteger,
  properties: orAbsent(isTextRecord),
  'current-snapshot-id': orAbsent(isLong),
  snapshots: orAbsent(isList),
  'snapshot-log': orAbsent(isList),
  'metadata-log': orAbsent(isList),
  'sort-orders': isList,
  'default-sort-order-id': isInteger,
  refs: orAbsent(
    (value) => isObject(value) && Object.values(value).every((ref) => isObject(ref) && isLong(ref['snapshot-id'])),
  ),
};

const schemaMembers = { 'schema-id': isInteger, fields: (value: unknown) => areFields(value) };
const specMembers = {
  'spec-id': isInteger,
  fields: everyObject({ 'source-id': isInteger, 'field-id': isInteger, name: isText, transform: isText }),
};
const orderMembers = { 'order-id': isInteger, fields: everyObject({ 'source-id': isInteger, transform: isText }) };
const snapshotMembers = {
  'snapshot-id': isLong,
  'parent-snapshot-id': orAbsent(isLong),
  'sequence-number': isLong,
  'timestamp-ms': isInteger,
  'manifest-list': isText,
  summary: isTextRecord,
};

function everyObject(checks: Readonly<Record<string, Check>>): Check {
  return (value) =>
    Array.isArray(value) && value.every((one) => isObject(one) && findInMembers(one, checks) === undefined);
}

function areFields(value: unknown): boolean {
  if (!Array.isArray(value)) return false;
  return value.every(
    (field) =>
      isObject(field) &&
      isInteger(field.id) &&
      isText(field.name) &&
      typeof field.required === 'boolean' &&
      isType(field.type),
  );
}

function isType(type: unknown): boolean {
  if (typeof type === 'string') return true;
  if (!isObject(type)) return false;
  switch (type.type) {
    case 'struct':
      return areFields(type.fields);
    case 'list':
      return isInteger(type['element-id']) && isType(type.element);
    case 'map':
      return isInteger(type['key-id']) && isInteger(type['value-id']) && isType(type.key) && isType(type.value);
    default:
      return false;
  }
}

function findInMembers(members: Members, checks: Readonly<Record<string, Check>>): string | undefined {
  const wrong = Object.entries(checks).find(([name, check]) => !check(members[name]));
  return wrong && `"${wrong[0]}" is missing or of a wrong type`;
}

function findInList(list: unknown, name: string, find: (one: Members) => string | undefined): string | undefined {
  for (const [index, one] of (Array.isArray(list) ? list : []).entries()) {
    const problem = isObject(one) ? find(one) : 'it is no object';
    if (problem !== undefined) return `${name}[${index}]: ${problem}`;
  }
  return undefined;
}

/** An id that names nothing. */
function findDangling(metadata: Members): string | undefined {
  const isNamed = (list: unknown, member: string, id: unknown) =>
    Array.isArray(list) && list.some((one) => isObject(one) && String(one[member]) === String(id));
  const { schemas, snapshots, refs } = metadata;
  if (!isNamed(schemas, 'schema-id', metadata['current-schema-id'])) return 'the current schema is not in it';
  if (!isNamed(metadata['partition-specs'], 'spec-id', metadata['default-spec-id']))
    return 'the default partition spec is not in it';
  const current = metadata['current-snapshot-id'] ?? -1;
  if (String(current) !== '-1' && !isNamed(snapshots, 'snapshot-id', current))
    return 'the current snapshot is not in it';
  const dangling = Object.entries(isObject(refs) ? refs : {}).find(
    ([, ref]) => !(isObject(ref) && isNamed(snapshots, 'snapshot-id', ref['snapshot-id'])),
  );
  return dangling && `the reference ${dangling[0]} names a snapshot that is not in it`;
}
