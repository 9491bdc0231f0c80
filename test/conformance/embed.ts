/** Puts a schema of the suite, which may be of any type, into one of records: as their field `value`. */
import { isObject, type JsonObject, subschemas } from '../../ingestor/engine/schemadocument.ts';
import { type Draft, isRawNumber } from './suite.ts';

export const dialects: Readonly<Record<Draft, string>> = {
  'draft-07': 'http://json-schema.org/draft-07/schema#',
  '2020-12': 'https://json-schema.org/draft/2020-12/schema',
};

/** What relative references of a schema without a name of its own are relative to. */
const base = 'http://localhost/case.json';

/** With a type, the field is said to be of it, so that it becomes a column of that type; else it is what the schema says. */
export function embed(schema: boolean | JsonObject, draft: Draft, type?: string): JsonObject {
  const [dialect, bare] = withoutDialect(schema);
  const place = type === undefined ? '#/properties/value' : '#/properties/value/allOf/0';
  const embedded = isObject(bare) ? atPlace(bare, { draft, place }) : bare;
  const value = type === undefined ? embedded : { type, allOf: [embedded] };
  return {
    $schema: dialect ?? dialects[draft],
    type: 'object',
    required: ['case', 'value'],
    properties: { case: { type: 'integer' }, value },
  };
}

interface Embedding {
  readonly draft: Draft;
  /** Where the schema stands in that of the records. */
  readonly place: string;
}

/** `$schema` belongs to the root of a document. */
function withoutDialect(schema: boolean | JsonObject): [unknown, boolean | JsonObject] {
  if (!isObject(schema)) return [undefined, schema];
  const { $schema, ...bare } = schema;
  return [$schema, bare];
}

/**
 * With its references turned to where it stands now, so that it is read as any other schema is. One that has a name is left as
 * it is, a resource of its own; and so becomes one where references stand where no schema should.
 */
function atPlace(schema: JsonObject, embedding: Embedding): JsonObject {
  if (isResource(schema, embedding.draft)) return schema;
  const [moved, references] = move(schema, embedding);
  return isObject(moved) && references === countReferences(schema) ? moved : { $id: base, ...schema };
}

/** It has a name that its references are relative to. */
function isResource(schema: JsonObject, draft: Draft): boolean {
  if (draft === 'draft-07' && schema.$ref !== undefined) return false;
  return typeof schema.$id === 'string' && !schema.$id.startsWith('#');
}

/** The schema with its references moved, and how many references there are. */
function move(schema: unknown, embedding: Embedding): [unknown, number] {
  if (!isObject(schema)) return [schema, 0];
  if (isResource(schema, embedding.draft)) return [schema, countReferences(schema)];
  let count = 0;
  const below = new Map(
    [...subschemas({ schema, pointer: '' })].map((child): [unknown, unknown] => {
      const [moved, references] = move(child.schema, embedding);
      count += references;
      return [child.schema, moved];
    }),
  );
  const moved = Object.entries(schema).map(([keyword, value]): [string, unknown] => {
    if (keyword === '$ref' || keyword === '$dynamicRef') {
      count += 1;
      return [keyword, typeof value === 'string' ? value.replace(/^#(?=$|\/)/, embedding.place) : value];
    }
    return [keyword, replaced(value, below)];
  });
  return [Object.fromEntries(moved), count];
}

/** A keyword's value: a schema, or a list or map of them; anything else stays. */
function replaced(value: unknown, below: ReadonlyMap<unknown, unknown>): unknown {
  if (!isObject(value) && !Array.isArray(value)) return value;
  if (below.has(value)) return below.get(value);
  const child = (item: unknown) => (typeof item === 'object' && below.has(item) ? below.get(item) : item);
  if (Array.isArray(value)) return value.map(child);
  if (isRawNumber(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, child(item)]));
}

/** Wherever they stand. */
function countReferences(value: unknown): number {
  if (Array.isArray(value)) return value.reduce<number>((sum, item) => sum + countReferences(item), 0);
  if (!isObject(value) || isRawNumber(value)) return 0;
  return Object.entries(value).reduce((sum, [name, item]) => {
    const here = (name === '$ref' || name === '$dynamicRef') && typeof item === 'string' ? 1 : 0;
    return sum + here + countReferences(item);
  }, 0);
}
