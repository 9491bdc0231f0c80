import { expect, test } from 'vitest';
import { datasetPlace, prepareTask } from './dataset.ts';
import { exampleBatch, exampleDataset, exampleInstallation } from './examples.ts';
import { type TaskInput, taskConfigMap, taskJob } from './task.ts';

const dataset = exampleDataset();
const place = datasetPlace(dataset, 'main');

function input(changes: Partial<TaskInput> = {}): TaskInput {
  return {
    resource: dataset,
    installation: exampleInstallation,
    plan: prepareTask(place, dataset, '{}'),
    attempt: 'abc',
    retry: 0,
    podTemplates: [],
    ...changes,
  };
}

test('ConfigMap and Job bear one name and belong to the resource', () => {
  const [configMap, job] = [taskConfigMap(input()), taskJob(input())];
  expect(configMap?.metadata.name).toBe(job.metadata.name);
  const owner = { kind: 'Dataset', name: 'events', uid: 'uid-of-events', controller: true };
  expect(configMap?.metadata.ownerReferences).toEqual([expect.objectContaining(owner)]);
  expect(job.metadata.ownerReferences).toEqual([expect.objectContaining(owner)]);
});

test('a Job ignores disruptions, then fails at once on permanent errors', () => {
  expect(taskJob(input()).spec).toMatchObject({
    backoffLimit: 3,
    podReplacementPolicy: 'Failed',
    ttlSecondsAfterFinished: 3600,
    podFailurePolicy: {
      rules: [
        { action: 'Ignore', onPodConditions: [{ type: 'DisruptionTarget', status: 'True' }] },
        { action: 'FailJob', onExitCodes: { containerName: 'ingestor', operator: 'In', values: [42] } },
      ],
    },
    template: { spec: { restartPolicy: 'Never' } },
  });
  expect(taskJob(input()).spec?.activeDeadlineSeconds).toBeUndefined();
});

test('a Job of shards ends with the first shard that used up its retries', () => {
  const { spec } = taskJob(input({ resource: exampleBatch(), shards: { count: 3, parallelism: 8 } }));
  expect(spec).toMatchObject({
    completionMode: 'Indexed',
    completions: 3,
    parallelism: 3,
    backoffLimitPerIndex: 3,
    maxFailedIndexes: 0,
  });
  expect(spec?.backoffLimit).toBeUndefined();
});

test('another retry is another Job, another image is the same', () => {
  const first = taskJob(input()).metadata.name;
  expect(taskJob(input({ retry: 1 })).metadata.name).not.toBe(first);
  expect(taskJob(input({ installation: { ...exampleInstallation, image: 'forebay:2' } })).metadata.name).toBe(first);
});

test('labels of podTemplate are on the Job too, those of the resource nowhere', () => {
  const resource = { ...dataset, metadata: { ...dataset.metadata, labels: { 'argocd.argoproj.io/instance': 'x' } } };
  const job = taskJob(
    input({ resource, podTemplates: [{ metadata: { labels: { 'kueue.x-k8s.io/queue-name': 'q' } } }] }),
  );
  expect(job.metadata.labels).toMatchObject({ 'kueue.x-k8s.io/queue-name': 'q' });
  expect(JSON.stringify(job)).not.toContain('argocd');
});

test('credentials are documented keys only, beside task document and certificates in one volume', () => {
  const volume = taskJob(input()).spec?.template.spec?.volumes?.find(({ name }) => name === 'task');
  expect(volume?.projected?.sources).toEqual([
    { configMap: { name: taskJob(input()).metadata.name, items: [{ key: 'task.json', path: 'task.json' }] } },
    {
      secret: {
        name: 'lake-key',
        items: [
          { key: 'accessKeyID', path: 'credentials/dataset/accessKeyID' },
          { key: 'secretAccessKey', path: 'credentials/dataset/secretAccessKey' },
        ],
      },
    },
    {
      secret: {
        name: 'lake-key',
        items: [{ key: 'sessionToken', path: 'credentials/dataset/sessionToken' }],
        optional: true,
      },
    },
    { configMap: { name: 'lake-ca', items: [{ key: 'ca.crt', path: 'certificates/dataset.pem' }] } },
  ]);
  expect(place.target.storage).toEqual({
    s3: {
      bucket: 'lake',
      prefix: 'events',
      endpoint: 'https://s3.example.com',
      credentialsPath: '/etc/forebay/credentials/dataset',
      caPath: '/etc/forebay/certificates/dataset.pem',
    },
  });
});

test('a document that no ConfigMap holds makes none', () => {
  expect(taskConfigMap(input({ plan: prepareTask(place, dataset, 'x'.repeat(2 ** 20)) }))).toBeUndefined();
});
