/** What manifests may say, and leave out, where there is no cluster: `forebay run` and `forebay validate`. */
import type { Batch, BatchSpec, BatchSpecInput, Dataset, DatasetSpec, Kind } from '../types.gen.ts';
import type { StructuralSchema } from './schema.ts';

/** A file of this machine; relative paths are relative to the manifest. */
interface LocalInput {
  path: string;
}

/** `storage` may be absent: `--lake` stands in. */
export type LocalDataset = Omit<Dataset, 'spec'> & {
  spec: Omit<DatasetSpec, 'storage'> & Partial<Pick<DatasetSpec, 'storage'>>;
};

export type LocalBatch = Omit<Batch, 'spec'> & {
  spec: Omit<BatchSpec, 'input'> & { input?: BatchSpecInput & { local?: LocalInput } };
};

/** What to say where such a field is written for a cluster. */
export const localFieldHints: Readonly<Record<string, string>> = {
  'spec.input.local':
    'it is for runs without a cluster (forebay run); in a cluster use s3, connection, inline or rejects',
};

/** The schema of a kind with these fields. */
export function withLocalFields(kind: Kind, schema: StructuralSchema): StructuralSchema {
  if (kind === 'Dataset')
    return inSpec(schema, (spec) => ({ ...spec, required: spec.required?.filter((name) => name !== 'storage') }));
  if (kind === 'Batch') return inSpec(schema, withLocalInput);
  return schema;
}

function inSpec(schema: StructuralSchema, change: (spec: StructuralSchema) => StructuralSchema): StructuralSchema {
  return { ...schema, properties: { ...schema.properties, spec: change(schema.properties?.spec ?? {}) } };
}

function withLocalInput(spec: StructuralSchema): StructuralSchema {
  const input = spec.properties?.input ?? {};
  const local: StructuralSchema = {
    description: 'A file of this machine, relative to the manifest. Example: {path: data/movies.json}.',
    type: 'object',
    required: ['path'],
    properties: { path: { description: 'Path of the file. Example: data/movies.json.', type: 'string', minLength: 1 } },
  };
  const oneOf = {
    rule: '[has(self.s3), has(self.connection), has(self.inline), has(self.rejects), has(self.local)].filter(x, x).size() == 1',
    message: 'input must have exactly one of s3, connection, inline, rejects and local: remove the others, or add one',
  };
  const properties = { ...input.properties, local };
  return {
    ...spec,
    properties: { ...spec.properties, input: { ...input, properties, 'x-kubernetes-validations': [oneOf] } },
  };
}
