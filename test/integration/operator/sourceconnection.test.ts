import { afterAll, beforeAll, expect, test } from 'vitest';
import { requestRunName } from '../../../operator/api/names.ts';
import { batches } from '../../../operator/api/resources.ts';
import { eventually } from '../../support/cluster.ts';
import { conditionsOf, failure, Harness, outcome, planResult } from './harness.ts';

let harness: Harness;
beforeAll(async () => {
  harness = await Harness.start('op-source');
  await harness.makeDataset('accounts');
});
afterAll(() => harness.end());

const spec = {
  datasetRef: { name: 'accounts' },
  source: { s3: { bucket: 'landing', prefix: 'crm' } },
  format: { type: 'CSV' },
};

async function runsOf(name: string) {
  const labelSelector = `ingest.forebay.dev/source=${name}`;
  const { items } = await harness.client.list(batches, {
    namespace: harness.namespace,
    labelSelector,
    ...harness.options(),
  });
  return items;
}

async function connect(name: string, more: object = {}): Promise<void> {
  await harness.create('SourceConnection', name, { ...spec, ...more });
  await harness.finish(name, 'check', { version: 1, verb: 'check', matchingFiles: 2, more: false });
}

test('a check tells whether the source answers', async () => {
  await connect('checked');
  const connection = await harness.until('SourceConnection', 'checked', 'Connected', 'Connected');
  expect(conditionsOf(connection)).toEqual({ Ready: 'True', Connected: 'True' });
  expect(connection.status).toMatchObject({ sourceType: 's3', lastCheckTime: expect.any(String) });

  await harness.patch('SourceConnection', 'checked', { spec: { source: { s3: { prefix: 'other' } } } });
  await harness.finish('checked', 'check', failure('check', 'CredentialsRefused', 'the key is refused'), 42);
  const refused = await harness.until('SourceConnection', 'checked', 'Connected', 'CredentialsRefused');
  expect(conditionsOf(refused)).toMatchObject({ Ready: 'False', Connected: 'False', Stalled: 'True' });
});

test('a request makes a run, which is counted once when it has ended', async () => {
  await connect('asked');
  await harness.until('SourceConnection', 'asked', 'Ready', 'OnRequest');
  const request = await harness.request('SourceConnection', 'asked');
  const name = requestRunName('asked', request);
  await harness.finish(name, 'plan', planResult('accounts', 1, outcome()));
  await harness.until('Batch', name, 'Succeeded', 'Active');
  const connection = await eventually('the run counted', async () => {
    const found = await harness.get('SourceConnection', 'asked');
    return found.status?.runs === undefined ? undefined : found;
  });
  expect(connection.status).toMatchObject({
    lastHandledRequest: request,
    runs: { succeeded: 1, failed: 0 },
    records: { read: 10, ingested: 9, failed: 1, skipped: 0 },
    lastRun: { name, reason: 'Active' },
    lastSuccessfulRun: { name },
  });
  expect(await runsOf('asked')).toHaveLength(1);
});

test('slots missed during a run become one run', async () => {
  await connect('scheduled', { schedule: { cron: '*/10 * * * *' } });
  const waiting = await harness.until('SourceConnection', 'scheduled', 'Ready', 'Scheduled');
  expect(waiting.status?.nextRunTime).toMatch(/T\d\d:\d0:00Z$/);
  harness.advance(600);
  await harness.request('SourceConnection', 'scheduled', 'look');
  const [first] = await eventually('a run', async () => {
    const runs = await runsOf('scheduled');
    return runs.length > 0 ? runs : undefined;
  });
  harness.advance(3600);
  await harness.finish(first?.metadata.name ?? '', 'plan', planResult('accounts', 1, outcome()));
  const later = await eventually('one more run', async () => {
    const runs = await runsOf('scheduled');
    return runs.length > 1 ? runs : undefined;
  });
  expect(later).toHaveLength(2);
});

test('a suspended connection makes no run, also none on request', async () => {
  await connect('held', { suspend: true });
  const connection = await harness.until('SourceConnection', 'held', 'Ready', 'Suspended');
  expect(connection.status).not.toHaveProperty('nextRunTime');
  const request = await harness.request('SourceConnection', 'held');
  await harness.finish('held', 'check', { version: 1, verb: 'check', matchingFiles: 2, more: false });
  expect(await runsOf('held')).toEqual([]);
  await harness.patch('SourceConnection', 'held', { spec: { suspend: false } });
  await eventually(
    'the run that was asked for',
    async () =>
      (await runsOf('held')).some(({ metadata }) => metadata.name === requestRunName('held', request)) || undefined,
  );
});
