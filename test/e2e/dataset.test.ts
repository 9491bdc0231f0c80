import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { apply, eventually } from '../support/cluster.ts';
import { listKeys } from '../support/lake.ts';
import { conditionOf, Workspace } from '../support/workspace.ts';

const schema = { type: 'object', properties: { id: { type: 'integer' } }, required: ['id'] };

let workspace: Workspace;
beforeAll(async () => {
  workspace = await Workspace.make('dataset', inject('clusterS3'));
});
afterAll(() => workspace.delete());

function datasetOf(prefix: string, more: object = {}): object {
  const storage = { s3: workspace.s3(prefix) };
  return { schema: { inline: schema }, storage, ...more };
}

async function putSchema(name: string, text: string): Promise<void> {
  await apply(workspace.name, [
    { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name }, data: { 'schema.json': text } },
  ]);
}

test('a Dataset waits for the ConfigMap of its schema', async () => {
  const schemaRef = { configMapRef: { name: 'late', key: 'schema.json' } };
  await workspace.apply('Dataset', 'late', datasetOf('late', { schema: schemaRef }));
  await workspace.until('Dataset', 'late', { type: 'Ready', status: 'False', reason: 'SchemaNotFound' });
  await putSchema('late', JSON.stringify(schema));
  await workspace.kubectl('annotate', 'dataset', 'late', 'ingest.forebay.dev/requestedAt=now');
  const { status } = await workspace.until('Dataset', 'late', { type: 'Ready', status: 'True' });
  expect(status?.table?.location).toBe(`s3://${workspace.name}/late/${status?.table?.location.split('/').at(-1)}`);
});

test.each([
  ['is no JSON Schema', { schema: { inline: { type: 'nothing' } } }, 'InvalidSchema'],
  ['names a bucket that does not exist', 'bucket', 'BucketNotFound'],
  ['has a key that the store refuses', 'key', 'CredentialsRefused'],
] as const)('a Dataset that %s is stalled', async (_, change, reason) => {
  const name = reason.toLowerCase();
  await workspace.putSecret('wrong-key', { accessKeyID: 'admin', secretAccessKey: 'wrong' });
  const changes = {
    bucket: { storage: { s3: { ...workspace.s3(name), bucket: `${workspace.name}-missing` } } },
    key: { storage: { s3: workspace.s3(name, 'wrong-key') } },
  };
  await workspace.apply('Dataset', name, datasetOf(name, typeof change === 'string' ? changes[change] : change));
  // A refused key is tried for two minutes, since Secrets are mounted late.
  await workspace.until('Dataset', name, { type: 'Stalled', status: 'True', reason }, 240);
});

test('a second Dataset in the same place is refused', async () => {
  await workspace.apply('Dataset', 'owner', datasetOf('shared'));
  await workspace.until('Dataset', 'owner', { type: 'Ready', status: 'True' });
  await workspace.apply('Dataset', 'intruder', datasetOf('shared'));
  await workspace.until('Dataset', 'intruder', { type: 'Stalled', status: 'True', reason: 'StorageInUse' });
});

test('a schema that would break the table leaves the earlier one in force', async () => {
  const schemaRef = { configMapRef: { name: 'evolving', key: 'schema.json' } };
  await putSchema('evolving', JSON.stringify(schema));
  await workspace.apply('Dataset', 'evolving', datasetOf('evolving', { schema: schemaRef }));
  const before = await workspace.until('Dataset', 'evolving', { type: 'Ready', status: 'True' });
  await putSchema('evolving', JSON.stringify({ ...schema, properties: { id: { type: 'string' } } }));
  await workspace.kubectl('annotate', 'dataset', 'evolving', 'ingest.forebay.dev/requestedAt=now');
  const wanted = { type: 'Stalled', status: 'True', reason: 'SchemaIncompatible' } as const;
  const after = await workspace.until('Dataset', 'evolving', wanted);
  expect(conditionOf(after, 'Stalled')?.message).toContain('id');
  expect(after.status?.schema).toEqual(before.status?.schema);
});

test.each([
  ['Delete', 0],
  ['Retain', 1],
] as const)('with deletionPolicy %s the data goes or stays', async (deletionPolicy, left) => {
  const name = deletionPolicy.toLowerCase();
  await workspace.apply('Dataset', name, datasetOf(name, { deletionPolicy }));
  await workspace.until('Dataset', name, { type: 'Ready', status: 'True' });
  await workspace.kubectl('delete', 'dataset', name, '--timeout=120s');
  await eventually('the tables as the policy says', async () => {
    const hints = (await listKeys(workspace.table(name))).filter((key) => key.endsWith('version-hint.text'));
    return hints.length === left || undefined;
  });
});
