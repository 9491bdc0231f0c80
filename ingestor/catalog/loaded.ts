/** What must be in table metadata that a catalog answers with, before anything else is read from it. */
import { type DocumentSchema, findProblem } from '../contract/check.ts';
import type { TableMetadata } from '../table/iceberg/spec.ts';

const text: DocumentSchema = { type: 'string', minLength: 1 };
const id: DocumentSchema = { type: 'integer' };
const list = (properties: Readonly<Record<string, DocumentSchema>>): DocumentSchema => ({
  type: 'array',
  items: { type: 'object', properties, required: Object.keys(properties) },
});
const anyList: DocumentSchema = { type: 'array' };

/** Numbers of 64 bits are left out: they may be bigint. */
const schema: DocumentSchema = {
  type: 'object',
  properties: {
    'format-version': { const: 2 },
    'table-uuid': text,
    location: text,
    'last-updated-ms': id,
    'last-column-id': id,
    schemas: list({ 'schema-id': id, fields: anyList }),
    'current-schema-id': id,
    'partition-specs': list({ 'spec-id': id, fields: anyList }),
    'default-spec-id': id,
    'sort-orders': list({ 'order-id': id, fields: anyList }),
    'default-sort-order-id': id,
    properties: { type: 'object', patternProperties: { '.*': { type: 'string' } } },
    snapshots: list({ 'timestamp-ms': id, 'manifest-list': { type: 'string' }, summary: { type: 'object' } }),
  },
  required: [
    'format-version',
    'table-uuid',
    'location',
    'last-sequence-number',
    'last-updated-ms',
    'last-column-id',
    'schemas',
    'current-schema-id',
    'partition-specs',
    'default-spec-id',
    'sort-orders',
    'default-sort-order-id',
  ],
};

export function isTableMetadata(value: unknown): value is TableMetadata {
  return findProblem(schema, value) === undefined;
}

/** One line; empty when there is none. */
export function findMetadataProblem(value: unknown): string {
  const problem = findProblem(schema, value);
  return problem === undefined ? '' : `${problem.path} ${problem.message}`.trim();
}
