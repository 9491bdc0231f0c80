import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { isNotFound, jobs, keyOf, type Pod, pods } from '../../../operator/runtime/index.ts';
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
    const { table, lastBatch } = status ?? {};
    return JSON.stringify([table, lastBatch]).includes('"sequence":1') && lastBatch !== undefined ? true : undefined;
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

describe('desiredState', () => {
  const reverted = outcome({ outcome: 'Reverted', reason: 'Reverted', message: '9 records were taken out again' });
  const aborted = outcome({ outcome: 'Aborted', reason: 'Aborted' });
  const told = (batch: ReturnType<typeof outcome>) => ({ version: 1 as const, verb: 'finish' as const, batch });
  const wish = (name: string, desiredState: string) => harness.patch('Batch', name, { spec: { desiredState } });

  async function commit(name: string, spec: object = {}): Promise<void> {
    await harness.create('Batch', name, { ...batchSpec('events'), ...spec });
    await harness.finish(name, 'plan', planResult('events', 1, outcome()));
    await harness.until('Batch', name, 'Succeeded', 'Active');
  }

  test('Aborted ends the pods that read, and the run in the bucket', async () => {
    await harness.create('Batch', 'stopped', batchSpec('events'));
    await harness.finish('stopped', 'plan', planResult('events', 3));
    await harness.pods('stopped', 'shard', 3);
    await wish('stopped', 'Aborted');
    const [pod] = await harness.pods('stopped', 'finish');
    if (pod === undefined) throw new Error('no pod');
    expect(await harness.taskOf(pod)).toMatchObject({ abort: { reason: 'Aborted' }, request: { token: '' } });
    expect(conditionsOf(await harness.until('Batch', 'stopped', 'Ready', 'Unschedulable'))).toMatchObject({
      Succeeded: 'Unknown',
      Reconciling: 'True',
    });
    await harness.finish('stopped', 'finish', told(aborted));
    const batch = await harness.until('Batch', 'stopped', 'Succeeded', 'Aborted');
    expect(conditionsOf(batch)).toEqual({ Succeeded: 'False', Ready: 'True' });
    const jobs = await harness.jobNames('stopped');
    expect(jobs.filter((name) => !name.startsWith('stopped-finish'))).toEqual([]);
  });

  test('Aborted that comes too late leaves the batch committed, and no pod is made for it', async () => {
    await commit('late');
    await wish('late', 'Aborted');
    const batch = await harness.until('Batch', 'late', 'Ready', 'Active');
    expect(conditionsOf(batch)).toEqual(active);
    expect(batch.status?.conditions?.find(({ type }) => type === 'Ready')?.message).toMatch(
      /before it could be stopped/,
    );
    expect((await harness.jobNames('late')).filter((name) => name.includes('-finish-'))).toEqual([]);
  });

  test('Reverted takes rows out, and Active again waits for a request', async () => {
    await commit('taken-out');
    await wish('taken-out', 'Reverted');
    const [pod] = await harness.pods('taken-out', 'finish');
    if (pod === undefined) throw new Error('no pod');
    expect(await harness.taskOf(pod)).toMatchObject({ revert: true, run: 1, request: { token: '' } });
    const during = await harness.until('Batch', 'taken-out', 'Ready', 'Unschedulable');
    expect(conditionsOf(during)).toEqual({ Succeeded: 'True', Ready: 'False', Reconciling: 'True' });
    await harness.finish('taken-out', 'finish', told(reverted));
    const out = await harness.until('Batch', 'taken-out', 'Succeeded', 'Reverted');
    expect(conditionsOf(out)).toEqual({ Succeeded: 'False', Ready: 'True' });

    await wish('taken-out', 'Active');
    const back = await harness.until('Batch', 'taken-out', 'Stalled', 'Reverted');
    expect(conditionsOf(back)).toEqual({ Succeeded: 'False', Ready: 'False', Stalled: 'True' });
    const token = await harness.request('Batch', 'taken-out');
    const [again] = await harness.pods('taken-out', 'plan');
    if (again === undefined) throw new Error('no pod');
    expect(await harness.taskOf(again)).toMatchObject({ request: { requestToken: token } });
    await harness.finish('taken-out', 'plan', planResult('events', 1, outcome({ run: 2 })));
    expect((await harness.until('Batch', 'taken-out', 'Succeeded', 'Active')).status).toMatchObject({ run: 2 });
  });

  test('a revert that the table refuses leaves the batch committed, and Stalled', async () => {
    await commit('compacted');
    await wish('compacted', 'Reverted');
    const refusal = outcome({ reason: 'FilesRewritten', message: 'its files were compacted' });
    await harness.finish('compacted', 'finish', told(refusal));
    const batch = await harness.until('Batch', 'compacted', 'Stalled', 'FilesRewritten');
    expect(conditionsOf(batch)).toEqual({ Succeeded: 'True', Ready: 'False', Stalled: 'True' });
    await wish('compacted', 'Active');
    expect(conditionsOf(await harness.until('Batch', 'compacted', 'Ready', 'Active'))).toEqual(active);
  });

  test('a batch whose rows another life of it brought is taken out as soon as the bucket can be asked', async () => {
    await harness.create('Batch', 'reborn', { ...batchSpec('later'), desiredState: 'Reverted' });
    await harness.until('Batch', 'reborn', 'Succeeded', 'DatasetNotFound');
    await harness.makeDataset('later');
    await harness.finish('reborn', 'finish', told(reverted));
    const batch = await harness.until('Batch', 'reborn', 'Succeeded', 'Reverted');
    expect(conditionsOf(batch)).toEqual({ Succeeded: 'False', Ready: 'True' });
    expect((await harness.jobNames('reborn')).filter((name) => name.includes('-plan-'))).toEqual([]);
  });

  test('a batch that another replaces is asked how it stands', async () => {
    await commit('old');
    await harness.create('Batch', 'new', { ...batchSpec('events'), replaces: [`${harness.namespace}/old`] });
    const [pod] = await harness.pods('new', 'plan');
    if (pod === undefined) throw new Error('no pod');
    const replaces = [{ kind: 'resource', id: `${harness.namespace}/old` }];
    expect(await harness.taskOf(pod)).toMatchObject({ request: { replaces } });
    const completionTime = new Date(Date.now() + 1_000).toISOString();
    await harness.finish('new', 'plan', planResult('events', 1, outcome({ completionTime })));
    const replaced = outcome({ outcome: 'Reverted', reason: 'Replaced', completionTime });
    await harness.finish('old', 'finish', told(replaced));
    const old = await harness.until('Batch', 'old', 'Succeeded', 'Replaced');
    expect(conditionsOf(old)).toEqual({ Succeeded: 'False', Ready: 'True' });
  });
});

test('a batch that is only to be checked is Ready without rows, and ingests when it is told to', async () => {
  await harness.create('Batch', 'checked', { ...batchSpec('events'), validateOnly: true });
  const [pod] = await harness.pods('checked', 'plan');
  if (pod === undefined) throw new Error('no pod');
  expect(await harness.taskOf(pod)).toMatchObject({ request: { validateOnly: true } });
  const validated = outcome({ outcome: 'Aborted', reason: 'Validated' });
  await harness.finish('checked', 'plan', planResult('events', 1, validated));
  const batch = await harness.until('Batch', 'checked', 'Succeeded', 'Validated');
  expect(conditionsOf(batch)).toEqual({ Succeeded: 'False', Ready: 'True' });
  await harness.patch('Batch', 'checked', { spec: { validateOnly: false } });
  await harness.finish('checked', 'plan', planResult('events', 1, outcome({ run: 2 })));
  expect(conditionsOf(await harness.until('Batch', 'checked', 'Succeeded', 'Active'))).toEqual(active);
});

test('a suspended batch of several shards keeps those that are done, and reads the others when it goes on', async () => {
  await harness.create('Batch', 'halfway', { ...batchSpec('events'), parallelism: 3 });
  await harness.finish('halfway', 'plan', planResult('events', 3));
  const indexOf = (pod: Pod) => Number(pod.metadata.annotations?.['batch.kubernetes.io/job-completion-index']);
  const endShard = async (pod: Pod) => {
    const records = { read: 4, ingested: 4, failed: 0, skipped: 0, warnings: 0 };
    const result = { version: 1, verb: 'shard', index: indexOf(pod), records, bytes: { input: 1, output: 1 } };
    await harness.endPod(pod, { exitCode: 0, message: JSON.stringify(result) });
  };
  const first = (await harness.pods('halfway', 'shard', 3)).find((pod) => indexOf(pod) === 1);
  if (first === undefined) throw new Error('no pod');
  await endShard(first);
  await harness.patch('Batch', 'halfway', { spec: { suspend: true } });
  await harness.until('Batch', 'halfway', 'Succeeded', 'Suspended');
  await eventually('the other pods gone', async () => {
    const labelSelector = 'ingest.forebay.dev/name=halfway,ingest.forebay.dev/verb=shard';
    const { items } = await harness.client.list(pods, {
      namespace: harness.namespace,
      labelSelector,
      ...harness.options(),
    });
    return items.every((pod) => indexOf(pod) === 1) || undefined;
  });
  await harness.patch('Batch', 'halfway', { spec: { suspend: false } });
  const rest = await harness.pods('halfway', 'shard', 2);
  expect(rest.map(indexOf).sort()).toEqual([0, 2]);
  for (const pod of rest) await endShard(pod);
  await harness.finish('halfway', 'finish', { version: 1, verb: 'finish', batch: outcome({ shards: 3 }) });
  await harness.until('Batch', 'halfway', 'Succeeded', 'Active');
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
