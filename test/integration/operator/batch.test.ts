import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { isNotFound, jobs, keyOf, pods } from '../../../operator/runtime/index.ts';
import { eventually } from '../../support/cluster.ts';
import { batchSpec, conditionsOf, failure, Harness, outcome, planResult, tableTotals } from './harness.ts';

let harness: Harness;
beforeAll(async () => {
  harness = await Harness.start('op-batch');
  await harness.makeDataset('events');
});
afterAll(() => harness.end());

const active = { Succeeded: 'True', Ready: 'True' };

test('a small batch is one pod, whose result is the status', async () => {
  await harness.create('Batch', 'small', batchSpec('events'));
  const [pod] = await harness.pods('small', 'plan');
  if (pod === undefined) throw new Error('no pod');
  expect(await harness.taskOf(pod)).toMatchObject({
    verb: 'plan',
    request: { batch: { kind: 'resource', id: `${harness.namespace}/small` }, requestToken: '' },
  });
  await harness.finish('small', 'plan', planResult('events', 1, outcome()));
  const batch = await harness.until('Batch', 'small', 'Succeeded', 'Active');
  expect(conditionsOf(batch)).toEqual(active);
  expect(batch.status).toMatchObject({
    attempts: 1,
    run: 1,
    progressPercent: 100,
    records: { read: 10, ingested: 9, failed: 1 },
    plan: { shards: 1 },
  });
  expect(await harness.jobNames('small')).toHaveLength(1);
  await eventually('the totals of the Dataset', async () => {
    const { status } = await harness.get('Dataset', 'events');
    const lastBatch = status?.lastBatch;
    return (status?.table as { sequence?: number })?.sequence === 1 && lastBatch !== undefined ? true : undefined;
  });
});

test('a large batch is planned, read by a pod for each shard, and finished', async () => {
  await harness.create('Batch', 'large', { ...batchSpec('events'), parallelism: 2 });
  await harness.finish('large', 'plan', planResult('events', 3));
  const first = await harness.pods('large', 'shard', 2);
  await harness.until('Batch', 'large', 'Succeeded', 'Unschedulable');
  await harness.patch('Batch', 'large', { spec: { parallelism: 3 } });
  expect(await harness.pods('large', 'shard', 3)).toHaveLength(3);
  expect(await harness.taskOf(first[0] as NonNullable<(typeof first)[0]>)).toMatchObject({ verb: 'shard', run: 1 });
  for (const pod of await harness.pods('large', 'shard', 3)) {
    const index = Number(pod.metadata.annotations?.['batch.kubernetes.io/job-completion-index']);
    const records = { read: 4, ingested: 4, failed: 0, skipped: 0, warnings: 0 };
    const result = { version: 1, verb: 'shard', index, records, bytes: { input: 1, output: 1 } };
    await harness.endPod(pod, { exitCode: 0, message: JSON.stringify(result) });
  }
  await harness.finish('large', 'finish', {
    version: 1,
    verb: 'finish',
    batch: outcome({ shards: 3 }),
    table: tableTotals('events', 2, 18),
  });
  expect(conditionsOf(await harness.until('Batch', 'large', 'Succeeded', 'Active'))).toEqual(active);
});

test('a shard that refuses for good ends the batch through the bucket', async () => {
  await harness.create('Batch', 'refused', batchSpec('events'));
  await harness.finish('refused', 'plan', planResult('events', 2));
  await harness.finish('refused', 'shard', failure('shard', 'CredentialsRefused', 'the key is refused'), 42);
  const [pod] = await harness.pods('refused', 'finish');
  if (pod === undefined) throw new Error('no pod');
  expect(await harness.taskOf(pod)).toMatchObject({
    verb: 'finish',
    abort: { reason: 'CredentialsRefused', message: 'the key is refused' },
    request: { token: '' },
  });
  const aborted = outcome({ outcome: 'Aborted', reason: 'CredentialsRefused', shards: 2 });
  await harness.finish('refused', 'finish', { version: 1, verb: 'finish', batch: aborted });
  const batch = await harness.until('Batch', 'refused', 'Succeeded', 'CredentialsRefused');
  expect(conditionsOf(batch)).toEqual({ Succeeded: 'False', Ready: 'False', Stalled: 'True' });
  expect(batch.status?.completionTime).toBeDefined();
});

describe('a failed batch', () => {
  async function fail(name: string): Promise<void> {
    await harness.create('Batch', name, batchSpec('events'));
    const failed = outcome({ outcome: 'Failed', reason: 'TooManyFailed' });
    await harness.finish(name, 'plan', planResult('events', 1, failed));
    await harness.until('Batch', name, 'Succeeded', 'TooManyFailed');
  }

  test('is tried again on request, with the request as its token', async () => {
    await fail('asked');
    const token = await harness.request('Batch', 'asked');
    const [pod] = await harness.pods('asked', 'plan');
    if (pod === undefined) throw new Error('no pod');
    expect(await harness.taskOf(pod)).toMatchObject({ request: { requestToken: token } });
    const queued = await harness.get('Batch', 'asked');
    expect(queued.status).toMatchObject({ attempts: 2, lastHandledRequest: token });
    expect(queued.status).not.toHaveProperty('completionTime');
    await harness.finish('asked', 'plan', planResult('events', 1, outcome({ run: 2 })));
    expect((await harness.until('Batch', 'asked', 'Succeeded', 'Active')).status).toMatchObject({
      run: 2,
      attempts: 2,
    });
  });

  test('is tried again when it is edited, and then immutable again', async () => {
    await fail('edited');
    await harness.patch('Batch', 'edited', { spec: { errorPolicy: { maxFailed: 5 } } });
    const [pod] = await harness.pods('edited', 'plan');
    if (pod === undefined) throw new Error('no pod');
    expect(await harness.taskOf(pod)).toMatchObject({
      request: { maxFailed: 5, requestToken: expect.stringMatching(/^edit-2-/) },
    });
    await expect(harness.patch('Batch', 'edited', { spec: { errorPolicy: { maxFailed: 6 } } })).rejects.toThrow(
      /immutable/,
    );
    await harness.finish('edited', 'plan', planResult('events', 1, outcome({ run: 2 })));
    await harness.until('Batch', 'edited', 'Succeeded', 'Active');
  });
});

test('a batch waits for its Dataset, and goes on when it comes', async () => {
  await harness.create('Batch', 'early', batchSpec('coming'));
  expect(conditionsOf(await harness.until('Batch', 'early', 'Succeeded', 'DatasetNotFound'))).toMatchObject({
    Succeeded: 'Unknown',
    Reconciling: 'True',
  });
  await harness.makeDataset('coming');
  await harness.finish('early', 'plan', planResult('coming', 1, outcome()));
  await harness.until('Batch', 'early', 'Succeeded', 'Active');
});

test('a suspended batch has no pods, and goes on from there', async () => {
  await harness.create('Batch', 'paused', batchSpec('events'));
  await harness.pods('paused', 'plan');
  await harness.patch('Batch', 'paused', { spec: { suspend: true } });
  const batch = await harness.until('Batch', 'paused', 'Succeeded', 'Suspended');
  expect(conditionsOf(batch)).toEqual({ Succeeded: 'Unknown', Ready: 'False' });
  await eventually('its pods gone', async () => {
    const labelSelector = 'ingest.forebay.dev/name=paused';
    const { items } = await harness.client.list(pods, {
      namespace: harness.namespace,
      labelSelector,
      ...harness.options(),
    });
    return items.length === 0 ? true : undefined;
  });
  await harness.patch('Batch', 'paused', { spec: { suspend: false } });
  await harness.finish('paused', 'plan', planResult('events', 1, outcome()));
  await harness.until('Batch', 'paused', 'Succeeded', 'Active');
});

test('a pod that is gone before its result was read is replaced by another Job', async () => {
  await harness.create('Batch', 'gone', batchSpec('events'));
  await harness.pods('gone', 'plan');
  await harness.stopOperator();
  const pod = await harness.finish('gone', 'plan', planResult('events', 1, outcome()));
  const [job] = await harness.jobNames('gone');
  await eventually('the Job complete', async () => {
    const found = await harness.client.get(jobs, { namespace: harness.namespace, name: job ?? '' }, harness.options());
    return found.status?.conditions?.some(({ type }) => type === 'Complete') || undefined;
  });
  await harness.client.delete(pods, keyOf(pod), harness.options());
  harness.startOperator();
  await harness.finish('gone', 'plan', planResult('events', 1, outcome()));
  await harness.until('Batch', 'gone', 'Succeeded', 'Active');
  expect(await harness.jobNames('gone')).not.toContain(job);
});

test('a result that was given while the operator was away is read when it is back', async () => {
  await harness.create('Batch', 'away', batchSpec('events'));
  await harness.pods('away', 'plan');
  await harness.stopOperator();
  await harness.finish('away', 'plan', planResult('events', 1, outcome()));
  harness.startOperator();
  await harness.until('Batch', 'away', 'Succeeded', 'Active');
});

test('an ended batch deletes itself after its time', async () => {
  await harness.create('Batch', 'short', { ...batchSpec('events'), ttlSecondsAfterFinished: 0 });
  await harness.finish('short', 'plan', planResult('events', 1, outcome()));
  await eventually('the Batch gone', () =>
    harness.get('Batch', 'short').then(
      () => undefined,
      (error: unknown) => isNotFound(error) || undefined,
    ),
  );
});
