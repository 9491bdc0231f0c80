import { expect, test } from 'vitest';
import { checkTask, runBatch } from './connection.ts';
import { exampleConnection } from './examples.ts';

test('a check lists the place that runs read', () => {
  expect(checkTask(exampleConnection()).document).toMatchObject({
    verb: 'check',
    location: { s3: { bucket: 'landing', prefix: 'crm/daily', credentialsPath: '/etc/forebay/credentials/input' } },
    selection: { glob: '*.json', minAgeSeconds: 60 },
  });
});

test('a run is a Batch of the connection, which brings the format itself', () => {
  const run = runBatch(exampleConnection(), 'crm-1', '2026-11-24T09:00:00Z', 'main');
  expect(run).toMatchObject({
    kind: 'Batch',
    metadata: {
      name: 'crm-1',
      namespace: 'shop',
      labels: { 'ingest.forebay.dev/source': 'crm' },
      annotations: { 'ingest.forebay.dev/scheduledTime': '2026-11-24T09:00:00Z' },
      ownerReferences: [{ kind: 'SourceConnection', name: 'crm', controller: true }],
    },
    spec: {
      datasetRef: { name: 'events' },
      input: { connection: { name: 'crm' } },
      errorPolicy: { maxFailed: '100%' },
    },
  });
  expect(run.spec).not.toHaveProperty('format');
});
