import { describe, expect, test } from 'vitest';
import { parseAllDocuments } from 'yaml';
import { cases, manifestOf } from '../../test/integration/crds.cases.ts';
import { crdSchemas } from './crds.gen.ts';
import { formatFinding, type Validation, type ValidationOptions, validateManifests } from './validate.ts';
import { checkRules } from './validation/rules.ts';
import type { StructuralSchema } from './validation/schema.ts';

function validateYaml(text: string, options?: ValidationOptions): Validation {
  const documents = [...parseAllDocuments(text)].map((parsed, index) => ({
    file: 'a.yaml',
    document: index + 1,
    value: parsed.toJS(),
  }));
  return validateManifests(documents, options);
}

function problemsOf(text: string, options?: ValidationOptions): string[] {
  return validateYaml(text, options).problems.map(formatFinding);
}

describe('what the API server takes and refuses', () => {
  const validated = validateManifests(
    cases.map((entry, index) => ({ file: `${index}`, document: 1, value: { ...manifestOf(entry) } })),
  );

  test.each(cases.map((entry, index) => ({ ...entry, file: `${index}` })))('a $kind $name', ({ file, refused }) => {
    const problems = validated.problems.filter((problem) => problem.file === file);
    // Resources of one name are told apart by their files here: being there twice is no matter of the API server.
    const messages = problems.filter(({ message }) => !message.startsWith('is there twice')).map(formatFinding);
    if (refused === undefined) expect(messages).toEqual([]);
    else expect(messages.join('\n')).toContain(typeof refused === 'string' ? refused : refused.offline);
  });

  test('no rule of a case is left unchecked for want of a function', () => {
    expect(validated.unchecked.filter(({ message }) => message.startsWith('needs the API server'))).toEqual([]);
  });
});

const inlet = `
apiVersion: ingest.forebay.dev/v1alpha1
kind: StreamInlet
metadata: {name: clicks}
spec:
  datasetRef: {name: clicks}
  authentication: [{anonymous: {}}]
`;

test('a valid resource comes back with its defaults', () => {
  const { resources, problems, unchecked } = validateYaml(inlet);
  expect({ problems, unchecked }).toEqual({ problems: [], unchecked: [] });
  expect(resources).toMatchObject([
    {
      file: 'a.yaml',
      document: 1,
      object: {
        spec: { replicas: 1, service: { type: 'ClusterIP' }, limits: { maxRequestBytes: 1048576 } },
        status: { observedGeneration: -1 },
      },
    },
  ]);
});

test('a null stands for an absent field and brings the default', () => {
  const { resources } = validateYaml(
    `${inlet}  replicas: null\n  podTemplate: null\n  limits: {maxRequestBytes: null}\n`,
  );
  expect(resources).toMatchObject([{ object: { spec: { replicas: 1, limits: { maxRequestBytes: 1048576 } } } }]);
  expect(Object.keys(resources[0]?.object.spec ?? {})).not.toContain('podTemplate');
});

test('what a manifest says of its status is left out, as the API server does', () => {
  const { resources } = validateYaml(`${inlet}status: {replicas: 5}\n`);
  expect(resources[0]?.object.status).toEqual({ observedGeneration: -1 });
});

test('a problem names file, document, resource, place and cure', () => {
  expect(problemsOf(`${inlet}---${inlet.replace('clicks}', 'other}')}  envelope: xdm`)).toEqual([
    'a.yaml, document 2, StreamInlet/other: spec.envelope: "xdm" is not allowed; did you mean XDM?',
  ]);
});

test('all problems of a resource are told at once', () => {
  const text = inlet.replace('[{anonymous: {}}]', '[{}]').replace('clicks}', '1}');
  expect(problemsOf(`${text}  replica: 2\n  envelope: xdm\n`)).toEqual([
    'a.yaml, document 1, StreamInlet/no name: metadata.name: must be a string, not 1: put it in quotes',
    'a.yaml, document 1, StreamInlet/no name: spec.replica: unknown field; did you mean replicas?',
    'a.yaml, document 1, StreamInlet/no name: spec.envelope: "xdm" is not allowed; did you mean XDM?',
    expect.stringContaining('spec.authentication: each entry of authentication must have exactly one of'),
  ]);
});

test.each([
  ['text', 'text', ': is no resource: write apiVersion, kind, metadata and spec'],
  ['no apiVersion', '{kind: Batch}', ': apiVersion: is required: write ingest.forebay.dev/v1alpha1'],
  ['no kind', '{apiVersion: ingest.forebay.dev/v1alpha1}', ': kind: is required'],
  ['a plural', '{apiVersion: ingest.forebay.dev/v1alpha1, kind: batches}', '; did you mean Batch?'],
  ['a stranger', '{apiVersion: ingest.forebay.dev/v1alpha1, kind: Job}', '; write one of Dataset, Batch,'],
  ['a later version', '{apiVersion: ingest.forebay.dev/v1, kind: Batch}', 'there is no ingest.forebay.dev/v1; write'],
  [
    'no metadata',
    '{apiVersion: ingest.forebay.dev/v1alpha1, kind: Batch}',
    'metadata: is required, with at least a name',
  ],
])('%s instead of a resource is refused', (_, text, message) => {
  expect(problemsOf(text).join('\n')).toContain(message);
});

test('kinds of others are reported as not checked', () => {
  const { problems, unchecked } = validateYaml('{apiVersion: v1, kind: ConfigMap, metadata: {name: a}}');
  expect({ problems, unchecked: unchecked.map(formatFinding) }).toEqual({
    problems: [],
    unchecked: ['a.yaml, document 1, ConfigMap/a: not checked: v1 is not of ingest.forebay.dev'],
  });
});

test('two resources of one name are a problem, in two namespaces they are none', () => {
  const elsewhere = inlet.replace('clicks}', 'clicks, namespace: b}');
  expect(problemsOf(`${inlet}---${elsewhere}---${inlet}`)).toEqual([
    'a.yaml, document 3, StreamInlet/clicks: metadata.name: is there twice, first in a.yaml, document 1: rename or remove one',
  ]);
});

test('a rule that cannot be evaluated is reported as not checked, never passed', () => {
  const schema: StructuralSchema = {
    type: 'string',
    'x-kubernetes-validations': [{ rule: 'isURL(self)', message: 'must be a URL' }],
  };
  const { broken, unchecked } = checkRules(schema, 'x', []);
  expect(broken).toEqual([]);
  expect(unchecked).toEqual([{ path: [], message: expect.stringMatching(/^needs the API server .*must be a URL$/) }]);
});

describe('without a cluster', () => {
  const dataset = `
apiVersion: ingest.forebay.dev/v1alpha1
kind: Dataset
metadata: {name: movies}
spec:
  schema: {inline: {type: object}}
  table: {format: Parquet}
`;
  const batch = `
apiVersion: ingest.forebay.dev/v1alpha1
kind: Batch
metadata: {name: movies}
spec:
  datasetRef: {name: movies}
  input: {local: {path: movies.json}}
  format: {type: JSON}
`;

  test('a Dataset may be without storage, and a Batch may read a file of this machine', () => {
    expect(problemsOf(`${dataset}---${batch}`, { local: true })).toEqual([]);
    expect(problemsOf(`${dataset}---${batch}`)).toEqual([
      expect.stringContaining('Dataset/movies: spec.storage: is required.'),
      expect.stringContaining('Batch/movies: spec.input.local: unknown field; it is for runs without a cluster'),
    ]);
  });

  test('a file of this machine is one of the inputs, of which there is one', () => {
    const both = batch.replace('input: {', 'input: {inline: {data: ""}, ');
    expect(problemsOf(both, { local: true })).toEqual([
      expect.stringContaining('input must have exactly one of s3, connection, inline, rejects and local'),
    ]);
  });
});

test('every field of the CRDs has a description', () => {
  const lacking: string[] = [];
  const visit = (schema: StructuralSchema, path: string): void => {
    for (const [key, property] of Object.entries(schema.properties ?? {})) {
      // Terms of affinity have no name of their own, and metadata is Kubernetes' own.
      if (!property.description && path !== '' && !['preference', 'podAffinityTerm'].includes(key))
        lacking.push(`${path}.${key}`);
      visit(property, `${path}.${key}`);
    }
    if (schema.items) visit(schema.items, `${path}[]`);
    if (schema.additionalProperties) visit(schema.additionalProperties, `${path}{}`);
  };
  for (const [kind, schema] of Object.entries(crdSchemas)) {
    const { spec, status } = schema.properties ?? {};
    visit({ properties: { ...(spec && { spec }), ...(status && { status }) } }, kind);
  }
  expect(lacking).toEqual([]);
});

test('every string, list and map of a spec is bounded', () => {
  const unbounded: string[] = [];
  const visit = (schema: StructuralSchema, path: string): void => {
    const text = schema.type === 'string' || schema['x-kubernetes-int-or-string'];
    if (text && schema.maxLength === undefined && !schema.enum && schema.format !== 'date-time') unbounded.push(path);
    if (schema.type === 'array' && schema.maxItems === undefined) unbounded.push(path);
    if (schema.additionalProperties && schema.maxProperties === undefined) unbounded.push(path);
    for (const [key, property] of Object.entries(schema.properties ?? {})) visit(property, `${path}.${key}`);
    if (schema.items) visit(schema.items, `${path}[]`);
    if (schema.additionalProperties) visit(schema.additionalProperties, `${path}{}`);
  };
  for (const [kind, { properties }] of Object.entries(crdSchemas)) {
    if (properties?.spec) visit(properties.spec, `${kind}.spec`);
    if (properties?.status) visit(properties.status, `${kind}.status`);
  }
  expect(unbounded).toEqual([]);
});
