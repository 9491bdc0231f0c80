import { afterAll, beforeAll, expect, test } from 'vitest';
import { configMaps, isNotFound } from '../../../operator/runtime/index.ts';
import { deleteNamespace, eventually } from '../../support/cluster.ts';
import { conditionsOf, datasetSpec, failure, Harness, prepareResult, resourceTypes } from './harness.ts';

let harness: Harness;
beforeAll(async () => {
  harness = await Harness.start('op-dataset');
});
afterAll(() => harness.end());

async function putSchema(name: string, text: string): Promise<void> {
  const { namespace } = harness;
  const configMap = {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name, namespace },
    data: { 'schema.json': text },
  };
  await harness.client.apply(configMaps, configMap, harness.options());
}

const fromConfigMap = (name: string) => ({ schema: { configMapRef: { name, key: 'schema.json' } } });

test('waits for the ConfigMap of its schema, and hands the text to a pod as it stands', async () => {
  await harness.create('Dataset', 'late', { ...datasetSpec('late'), ...fromConfigMap('late-schema') });
  const waiting = await harness.until('Dataset', 'late', 'Ready', 'SchemaNotFound');
  expect(conditionsOf(waiting)).toEqual({ Ready: 'False', Reconciling: 'True' });
  const text = '{"type": "object",  "properties": {}}';
  await putSchema('late-schema', text);
  const [pod] = await harness.pods('late', 'prepare');
  if (pod === undefined) throw new Error('no pod');
  expect(await harness.taskOf(pod)).toMatchObject({
    verb: 'prepare',
    schema: text,
    dataset: { owner: { installation: harness.namespace, namespace: harness.namespace, name: 'late' } },
  });
  await harness.finish('late', 'prepare', prepareResult('late'));
  const { status } = await harness.until('Dataset', 'late', 'Ready', 'Prepared');
  expect(status).toMatchObject({ schema: { digest: 'd1', fields: 1 }, table: { location: 's3://lake/late/table-1' } });
});

test('a pod that finds no node is told of, and waited for', async () => {
  await harness.create('Dataset', 'nowhere', datasetSpec('nowhere'));
  const { status } = await harness.until('Dataset', 'nowhere', 'Ready', 'Unschedulable');
  expect(status?.conditions?.[0]?.message).toMatch(/a pod finds no node/);
});

test('a refused edit leaves it Ready for the schema in force, and Stalled', async () => {
  await harness.makeDataset('kept');
  const inline = { type: 'object', properties: { id: { type: 'string' } } };
  await harness.patch('Dataset', 'kept', { spec: { schema: { inline } } });
  await harness.finish(
    'kept',
    'prepare',
    prepareResult('kept', { code: 'SchemaIncompatible', message: 'id was integer' }),
  );
  const kept = await harness.until('Dataset', 'kept', 'Stalled', 'SchemaIncompatible');
  expect(conditionsOf(kept)).toEqual({ Ready: 'True', Stalled: 'True' });

  await harness.patch('Dataset', 'kept', { spec: datasetSpec('kept') });
  await harness.finish('kept', 'prepare', prepareResult('kept'));
  expect(conditionsOf(await harness.until('Dataset', 'kept', 'Ready', 'Prepared'))).toEqual({ Ready: 'True' });
});

test('a place that refuses is Stalled, and asked again after a pause', async () => {
  await harness.create('Dataset', 'bucketless', datasetSpec('bucketless'));
  await harness.finish('bucketless', 'prepare', failure('prepare', 'BucketNotFound', 'there is no bucket lake'), 42);
  const stalled = await harness.until('Dataset', 'bucketless', 'Stalled', 'BucketNotFound');
  expect(stalled.status?.conditions).toContainEqual(expect.objectContaining({ message: 'there is no bucket lake' }));
  harness.advance(31);
  await harness.poke('bucketless');
  await harness.finish('bucketless', 'prepare', prepareResult('bucketless'));
  await harness.until('Dataset', 'bucketless', 'Ready', 'Prepared');
});

test('a request has it prepared again, and is answered', async () => {
  await harness.makeDataset('asked');
  const request = await harness.request('Dataset', 'asked');
  await harness.finish('asked', 'prepare', prepareResult('asked'));
  await eventually('the request answered', async () =>
    (await harness.get('Dataset', 'asked')).status?.lastHandledRequest === request ? true : undefined,
  );
});

test('with deletionPolicy Delete it goes after its data', async () => {
  await harness.makeDataset('purged', { deletionPolicy: 'Delete' });
  const key = { namespace: harness.namespace, name: 'purged' };
  await eventually(
    'the finalizer',
    async () =>
      (await harness.get('Dataset', 'purged')).metadata.finalizers?.includes('ingest.forebay.dev/purge') || undefined,
  );
  await harness.client.delete(resourceTypes.Dataset, key, harness.options());
  const pod = await harness.finish('purged', 'purge', { version: 1, verb: 'purge', deletedObjects: 3 });
  expect(pod.metadata.labels).toMatchObject({ 'ingest.forebay.dev/verb': 'purge' });
  await eventually('the Dataset gone', () =>
    harness.get('Dataset', 'purged').then(
      () => undefined,
      (error: unknown) => isNotFound(error) || undefined,
    ),
  );
});

test('a namespace that is deleted is not held up by data that was to be purged', async () => {
  const other = await Harness.start('op-terminating');
  await other.makeDataset('left', { deletionPolicy: 'Delete' });
  await deleteNamespace(other.namespace);
  await eventually('the Dataset gone', () =>
    other.get('Dataset', 'left').then(
      () => undefined,
      (error: unknown) => isNotFound(error) || undefined,
    ),
  );
  await other.stopOperator();
});
