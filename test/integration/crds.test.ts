/** The CRDs on a real API server. */
import { readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { crdSchemas } from '../../operator/api/crds.gen.ts';
import { type Kind, kinds } from '../../operator/api/types.gen.ts';
import { validateManifests } from '../../operator/api/validate.ts';
import { isObject, type StructuralSchema } from '../../operator/api/validation/schema.ts';
import { deleteNamespace, eventually, kubectl, makeNamespace, startCluster } from '../support/cluster.ts';
import { type ApiServer, connect } from './api-server.ts';
import { type Case, cases, manifestOf } from './crds.cases.ts';

const group = '/apis/ingest.forebay.dev/v1alpha1';
const files = ['dataset', 'batch', 'streaminlet', 'sourceconnection'];
let namespace: string;
let server: ApiServer;

beforeAll(async () => {
  await startCluster();
  server = connect();
  for (const name of files) await applyCrd(name, '');
  await kubectl([
    'wait',
    '--for=condition=Established',
    'crd',
    ...Object.values(kinds).map(({ plural }) => `${plural}.ingest.forebay.dev`),
  ]);
  // Discovery follows the CRDs a moment later.
  await eventually('all four kinds to be discovered', async () => (await discoveredKinds()).length === 4 || undefined);
  namespace = await makeNamespace('crds');
}, 900_000);

/** kubectl keeps what it discovered for minutes, also that of a cluster that was here before: not here. */
async function kubectlAfresh(...options: string[]): Promise<string> {
  const cache = await mkdtemp(join(tmpdir(), 'kubectl-cache-'));
  try {
    return await kubectl([...options, '--cache-dir', cache]);
  } finally {
    await rm(cache, { recursive: true, force: true });
  }
}

async function discoveredKinds(): Promise<string[]> {
  const names = await kubectlAfresh('api-resources', '--categories=forebay', '-o', 'name');
  return names
    .split('\n')
    .filter((name) => name !== '')
    .toSorted();
}

afterAll(async () => {
  if (namespace) await deleteNamespace(namespace);
  await server?.close();
});

/** Server-side, as the chart's owner may be another; the content is the same. */
async function applyCrd(name: string, query: string) {
  const crd: unknown = parse(readFileSync(new URL(`../../crds/${name}.yaml`, import.meta.url), 'utf8'));
  const { metadata } = isObject(crd) ? crd : {};
  const path = `/apis/apiextensions.k8s.io/v1/customresourcedefinitions/${isObject(metadata) ? metadata.name : ''}`;
  return server.call(`${path}?fieldManager=crds-test&force=true&fieldValidation=Strict${query}`, {
    method: 'PATCH',
    contentType: 'application/apply-patch+yaml',
    body: crd,
  });
}

const urlOf = (kind: Kind, name = '') => `${group}/namespaces/${namespace}/${kinds[kind].plural}${name && `/${name}`}`;

async function tryOut(entry: Pick<Case, 'kind' | 'change'>) {
  const options = { method: 'POST', body: manifestOf(entry) } as const;
  return server.call(`${urlOf(entry.kind)}?dryRun=All&fieldValidation=Strict`, options);
}

async function create(kind: Kind, name: string, change: object): Promise<void> {
  const body = manifestOf({ kind, change: { ...change, metadata: { name } } });
  const { code, answer } = await server.call(`${urlOf(kind)}?fieldValidation=Strict`, { method: 'POST', body });
  expect(answer.message ?? code).toBe(201);
}

test.each(files)('the API server takes crds/%s.yaml, whose rules keep to the cost budget', async (name) => {
  const { code, answer } = await applyCrd(name, '&dryRun=All');
  expect(answer.message ?? code).toBe(200);
  const conditions = isObject(answer.status) ? answer.status.conditions : undefined;
  expect(conditions).not.toContainEqual(expect.objectContaining({ type: 'NonStructuralSchema' }));
});

describe('the API server', () => {
  test.each(cases.filter(({ refused }) => !refused))('takes: a $kind $name', async (entry) => {
    const { code, answer } = await tryOut(entry);
    expect(answer.message ?? code).toBe(201);
    // The validation without a cluster fills in the same defaults.
    const [resource] = validateManifests([{ file: '', document: 1, value: manifestOf(entry) }]).resources;
    expect(resource?.object.spec).toEqual(answer.spec);
    expect(resource?.object.status).toEqual(answer.status);
  });

  test.each(cases.filter(({ refused }) => refused))('refuses: a $kind $name', async (entry) => {
    const { code, answer } = await tryOut(entry);
    expect(code).toBeGreaterThanOrEqual(400);
    expect(answer.message).toContain(typeof entry.refused === 'object' ? entry.refused.server : entry.refused);
  });

  test('takes a null for an absent field', async () => {
    const manifest = { ...manifestOf({ kind: 'StreamInlet', change: {} }) };
    const spec = {
      ...(isObject(manifest.spec) ? manifest.spec : {}),
      replicas: null,
      podTemplate: null,
      limits: { maxRequestBytes: null },
    };
    const body = { ...manifest, spec };
    const { answer } = await server.call(`${urlOf('StreamInlet')}?dryRun=All&fieldValidation=Strict`, {
      method: 'POST',
      body,
    });
    const [resource] = validateManifests([{ file: '', document: 1, value: body }]).resources;
    expect(answer.spec).toMatchObject({ replicas: 1, limits: { maxRequestBytes: 1048576 } });
    expect(resource?.object.spec).toEqual(answer.spec);
  });
});

/** `Kind spec.a.b` of every field with a default, and the default. */
function defaultsOf(kind: Kind): [string, unknown][] {
  const found: [string, unknown][] = [];
  const visit = (schema: StructuralSchema, path: readonly string[]): void => {
    for (const [key, property] of Object.entries(schema.properties ?? {})) {
      const place = [...path, key];
      // Those of objects are there for the defaults within.
      if (property.default !== undefined && property.type !== 'object') found.push([place.join('.'), property.default]);
      visit(property, place);
    }
  };
  visit(crdSchemas[kind], []);
  return found;
}

const allDefaults = Object.keys(kinds)
  .filter((kind): kind is Kind => kind in kinds)
  .flatMap((kind) => defaultsOf(kind).map(([path, value]) => ({ kind, path, value })));

test.each(allDefaults)('$kind $path is $value by default', async ({ kind, path, value }) => {
  const complete = cases.filter((entry) => entry.kind === kind && entry.name.includes('default') && !entry.refused);
  const answers = await Promise.all(complete.map(tryOut));
  const seen = answers.map(({ answer }) =>
    path.split('.').reduce<unknown>((at, key) => (isObject(at) ? at[key] : undefined), answer),
  );
  expect(seen).toContainEqual(value);
});

interface Transition {
  readonly name: string;
  readonly kind: Kind;
  /** How it is before. */
  readonly before?: object;
  readonly change: object;
  readonly refused?: string;
}

const spec = (change: object) => ({ spec: change });
const s3 = { bucket: 'b', prefix: 'p', endpoint: 'http://a' };
const rest = { uri: 'http://a' };
const transitions: Transition[] = [
  {
    name: 'the bucket',
    kind: 'Dataset',
    change: spec({ storage: { s3: { bucket: 'other' } } }),
    refused: 'storage.s3.bucket is immutable: the data stays where it is; make a new Dataset for another bucket',
  },
  {
    name: 'the prefix, also where it was left out',
    kind: 'Dataset',
    change: spec({ storage: { s3: { prefix: 'other' } } }),
    refused: 'storage.s3.prefix is immutable: the data stays where it is; make a new Dataset for another prefix',
  },
  {
    name: 'the behavior, also where it was left out',
    kind: 'Dataset',
    change: spec({ schema: { behavior: 'TimeSeries' } }),
    refused: 'schema.behavior is immutable: make a new Dataset',
  },
  {
    name: 'the format, also where it was left out',
    kind: 'Dataset',
    change: spec({ table: { format: 'Parquet' } }),
    refused: 'table.format is immutable: make a new Dataset',
  },
  ...[
    { before: null, after: [{ field: 'a', transform: 'Identity' }] },
    { before: [{ field: 'a', transform: 'Identity' }], after: null },
    { before: [{ field: 'a', transform: 'Day' }], after: [{ field: 'a', transform: 'Hour' }] },
  ].map(({ before, after }) => ({
    name: `partitionBy from ${JSON.stringify(before)} to ${JSON.stringify(after)}`,
    kind: 'Dataset' as const,
    before: spec({ table: { partitionBy: before } }),
    change: spec({ table: { partitionBy: after } }),
    refused: 'table.partitionBy is immutable: make a new Dataset',
  })),
  ...[{ table: { catalog: { rest } } }, { table: { catalog: null } }].map((change, index) => ({
    name: index === 0 ? 'catalog by adding it' : 'catalog by taking it out',
    kind: 'Dataset' as const,
    before: index === 0 ? {} : spec({ table: { catalog: { rest } } }),
    change: spec(change),
    refused: 'table.catalog can be neither added nor removed: make a new Dataset',
  })),
  ...[{ warehouse: 'other' }, { namespace: ['other'] }, { table: 'other' }, { table: null }].map((change) => ({
    name: `the table of a catalog by ${JSON.stringify(change)}`,
    kind: 'Dataset' as const,
    before: spec({ table: { catalog: { rest: { ...rest, table: 'a' } } } }),
    change: spec({ table: { catalog: { rest: change } } }),
    refused: 'warehouse, namespace and table of table.catalog.rest are immutable: make a new Dataset for another table',
  })),
  {
    name: 'address and credentials of a catalog, order and retention',
    kind: 'Dataset',
    before: spec({ table: { catalog: { rest } } }),
    change: spec({
      table: {
        catalog: {
          rest: { uri: 'http://b', scope: 'c', oauth2ServerURI: 'http://d', credentialsSecretRef: { name: 'e' } },
        },
        sortBy: ['a'],
      },
      retention: { snapshotDays: 1 },
    }),
  },
  {
    name: 'endpoint, credentials, compression, schema and deletionPolicy',
    kind: 'Dataset',
    change: spec({
      storage: { s3: { endpoint: 'http://b', credentialsSecretRef: { name: 'c' } } },
      table: { compression: 'Gzip', targetFileSizeMiB: 1 },
      schema: { inline: null, configMapRef: { name: 'a', key: 'b' } },
      deletionPolicy: 'Delete',
    }),
  },
  ...(
    [
      ['datasetRef', { datasetRef: { name: 'other' } }],
      ['externalID', { externalID: 'added' }],
      ['input', { input: { s3: { keys: ['a'], prefix: '', glob: null } } }],
      ['input', { input: { s3: { region: 'added' } } }],
      ['input', { input: { s3: null, inline: { data: '' } } }],
      ['format', { format: { csv: { header: false } } }],
      ['format', { format: null, input: { s3: null, connection: { name: 'c' } } }, 'input'],
      ['compression', { compression: 'Gzip' }],
      ['decompression', { decompression: { maxRatio: 5 } }],
      ['mapping', { mapping: [{ source: 'a', destination: 'b' }] }],
      ['errorPolicy', { errorPolicy: { maxFailed: 1 } }],
      ['maxRecordBytes', { maxRecordBytes: 2048 }],
      ['shardSizeMiB', { shardSizeMiB: 1 }],
      ['replaces', { replaces: ['a'] }],
      ['input', { input: null, replaces: ['a'] }],
      ['validateOnly', { validateOnly: true }],
    ] as const
  ).map(([field, change, named]) => ({
    name: `${field} by ${JSON.stringify(change)}`,
    kind: 'Batch' as const,
    before: spec({ input: { inline: null, s3 }, format: { type: 'CSV' } }),
    change: spec(change),
    refused: `spec.${named ?? field} is immutable until the batch has failed, was stopped or was reverted: make a new Batch`,
  })),
  {
    name: 'externalID by taking it out',
    kind: 'Batch',
    before: spec({ externalID: 'a' }),
    change: spec({ externalID: null }),
    refused: 'spec.externalID is immutable until the batch has failed, was stopped or was reverted: make a new Batch',
  },
  {
    name: 'mapping by taking it out',
    kind: 'Batch',
    before: spec({ mapping: [] }),
    change: spec({ mapping: null }),
    refused: 'spec.mapping is immutable until the batch has failed, was stopped or was reverted: make a new Batch',
  },
  {
    name: 'parallelism, suspend, desiredState, ttlSecondsAfterFinished and podTemplate',
    kind: 'Batch',
    change: spec({
      parallelism: 1,
      suspend: true,
      desiredState: 'Reverted',
      ttlSecondsAfterFinished: 0,
      podTemplate: { metadata: { labels: { a: 'b' } } },
    }),
  },
  {
    name: 'everything',
    kind: 'StreamInlet',
    change: spec({ datasetRef: { name: 'e' }, authentication: [{ apiKey: { secretRef: { name: 'a' } } }] }),
  },
  {
    name: 'everything',
    kind: 'SourceConnection',
    change: spec({ datasetRef: { name: 'e' }, source: { s3: { bucket: 'c' } } }),
  },
];

describe('a change of', () => {
  test.each(transitions.map((entry, index) => ({ ...entry, object: `transition-${index}` })))(
    '$name ($kind)',
    async ({ object, kind, before = {}, change, refused }) => {
      await create(kind, object, before);
      const { code, answer } = await server.call(`${urlOf(kind, object)}?dryRun=All&fieldValidation=Strict`, {
        method: 'PATCH',
        body: change,
      });
      if (refused) expect(answer.message).toContain(refused);
      else expect(answer.message ?? code).toBe(200);
    },
  );

  test.each([
    ['False', 200],
    ['True', 422],
    ['Unknown', 422],
  ])('what a Batch takes in, while Succeeded is %s', async (status, expected) => {
    const name = `batch-${status.toLowerCase()}`;
    await create('Batch', name, {});
    const lastTransitionTime = '2026-11-24T00:00:00Z';
    const condition = { type: 'Succeeded', status, reason: 'Test', message: '', lastTransitionTime };
    const set = await server.call(`${urlOf('Batch', name)}/status`, {
      method: 'PATCH',
      body: { status: { conditions: [condition] } },
    });
    expect(set.answer.message ?? set.code).toBe(200);
    const change = { metadata: set.answer.metadata, spec: { input: { inline: { data: 'mended' } } } };
    const { code, answer } = await server.call(`${urlOf('Batch', name)}?dryRun=All`, {
      method: 'PATCH',
      body: { ...change, metadata: { resourceVersion: set.answer.metadata?.resourceVersion } },
    });
    expect(code, answer.message).toBe(expected);
  });
});

/** `Kind: message` of every CEL rule. */
function rulesOf(kind: Kind): string[] {
  const found: string[] = [];
  const visit = (schema: StructuralSchema): void => {
    for (const rule of schema['x-kubernetes-validations'] ?? []) found.push(`${kind}: ${rule.message}`);
    for (const child of Object.values(schema.properties ?? {})) visit(child);
    if (schema.items) visit(schema.items);
  };
  visit(crdSchemas[kind]);
  return [...new Set(found)];
}

test('every rule is broken by a case of these tables', () => {
  const broken = [...cases, ...transitions].map(({ kind, refused }) => `${kind}: ${refused}`);
  const untried = (['Dataset', 'Batch', 'StreamInlet', 'SourceConnection'] as const)
    .flatMap(rulesOf)
    .filter((rule) => !broken.includes(rule));
  expect(untried).toEqual([
    // The word for what the tests see with the field's name in front.
    'Batch: what a batch takes in is immutable until the batch has failed, was stopped or was reverted: make a new Batch',
  ]);
});

test.each([
  [
    'Dataset',
    'spec.schema.configMapRef.name',
    spec({ schema: { inline: null, configMapRef: { name: 'wanted', key: 'k' } } }),
  ],
  [
    'Dataset',
    'spec.storage.s3.credentialsSecretRef.name',
    spec({ storage: { s3: { credentialsSecretRef: { name: 'wanted' } } } }),
  ],
  [
    'Dataset',
    'spec.storage.s3.caConfigMapRef.name',
    spec({ storage: { s3: { caConfigMapRef: { name: 'wanted', key: 'k' } } } }),
  ],
  [
    'Dataset',
    'spec.table.catalog.rest.credentialsSecretRef.name',
    spec({ table: { catalog: { rest: { ...rest, credentialsSecretRef: { name: 'wanted' } } } } }),
  ],
  [
    'Dataset',
    'spec.table.catalog.rest.caConfigMapRef.name',
    spec({ table: { catalog: { rest: { ...rest, caConfigMapRef: { name: 'wanted', key: 'k' } } } } }),
  ],
  ['Batch', 'spec.datasetRef.name', spec({ datasetRef: { name: 'wanted' } })],
  ['Batch', 'spec.input.connection.name', spec({ input: { inline: null, connection: { name: 'wanted' } } })],
  [
    'Batch',
    'spec.input.s3.credentialsSecretRef.name',
    spec({ input: { inline: null, s3: { bucket: 'b', credentialsSecretRef: { name: 'wanted' } } } }),
  ],
  [
    'Batch',
    'spec.input.s3.caConfigMapRef.name',
    spec({ input: { inline: null, s3: { bucket: 'b', caConfigMapRef: { name: 'wanted', key: 'k' } } } }),
  ],
  ['StreamInlet', 'spec.datasetRef.name', spec({ datasetRef: { name: 'wanted' } })],
  ['SourceConnection', 'spec.datasetRef.name', spec({ datasetRef: { name: 'wanted' } })],
  [
    'SourceConnection',
    'spec.source.s3.credentialsSecretRef.name',
    spec({ source: { s3: { credentialsSecretRef: { name: 'wanted' } } } }),
  ],
  [
    'SourceConnection',
    'spec.source.s3.caConfigMapRef.name',
    spec({ source: { s3: { caConfigMapRef: { name: 'wanted', key: 'k' } } } }),
  ],
] as const)('a %s is found by its field %s', async (kind, field, change) => {
  const name = `by-${field.replaceAll('.', '-').toLowerCase()}`;
  await create(kind, name, change);
  const { answer } = await server.call(`${urlOf(kind)}?fieldSelector=${field}%3Dwanted`);
  expect(answer.items?.map(({ metadata }) => metadata.name)).toEqual([name]);
});

test('a StreamInlet can be scaled', async () => {
  await create('StreamInlet', 'scaled', {});
  const options = { method: 'PATCH', body: spec({ replicas: 3 }) } as const;
  const { answer } = await server.call(`${urlOf('StreamInlet', 'scaled')}/scale`, options);
  expect(answer.spec).toEqual({ replicas: 3 });
  expect((await server.call(urlOf('StreamInlet', 'scaled'))).answer.spec).toMatchObject({ replicas: 3 });
});

test.each([
  ['Dataset', ['Name', 'Ready', 'Reason', 'Records', 'Failed', 'Last commit', 'Age'], []],
  [
    'Batch',
    ['Name', 'Succeeded', 'Reason', 'Progress', 'Ingested', 'Failed', 'Finished', 'Age'],
    ['Dataset', 'Batch ID', 'Read', 'Skipped', 'Files'],
  ],
  ['StreamInlet', ['Name', 'Ready', 'Reason', 'Replicas', 'Ingested', 'Failed', 'Lag', 'Age'], []],
  ['SourceConnection', ['Name', 'Ready', 'Reason', 'Source', 'Last run', 'Next run', 'Ingested', 'Failed', 'Age'], []],
] as const)('kubectl get shows the columns of %s', async (kind, always, wide) => {
  const { answer } = await server.call(urlOf(kind), { accept: 'application/json;as=Table;v=v1;g=meta.k8s.io' });
  const columns = answer.columnDefinitions ?? [];
  expect(columns.filter(({ priority }) => priority === 0).map(({ name }) => name)).toEqual(always);
  expect(columns.filter(({ priority }) => priority > 0).map(({ name }) => name)).toEqual(wide);
});

test.each([
  ['fds', 'dataset.spec.storage.s3.bucket', 'Name of the bucket, which must exist'],
  ['fbatch', 'batch.spec.errorPolicy.maxFailed', 'Most records that may fail before the whole batch does'],
  ['finlet', 'streaminlet.spec.durability.maxDelayMilliseconds', 'in milliseconds'],
  ['fsrc', 'sourceconnection.spec.schedule.cron', 'Minute, hour, day of month, month, day of week'],
])('kubectl knows %s, and explains %s', async (shortName, field, words) => {
  const [root, explained] = await Promise.all([kubectlAfresh('explain', shortName), kubectlAfresh('explain', field)]);
  expect(root).toMatch(/DESCRIPTION:\n\s+\w{2}/);
  expect(explained.replaceAll(/\s+/g, ' ')).toContain(words);
});

test('kubectl get forebay lists all four kinds', async () => {
  expect(await discoveredKinds()).toEqual(
    ['batches', 'datasets', 'sourceconnections', 'streaminlets'].map((plural) => `${plural}.ingest.forebay.dev`),
  );
});
