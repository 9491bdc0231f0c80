/** Jobs that use up their retries: the Job controller's own pauses make these tests take a minute, side by side. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { batches } from '../../../operator/api/resources.ts';
import { configMaps, jobs, pods, services } from '../../../operator/runtime/index.ts';
import { eventually } from '../../support/cluster.ts';
import { batchSpec, conditionsOf, failure, Harness, outcome, planResult } from './harness.ts';

let harness: Harness;
beforeAll(async () => {
  harness = await Harness.start('op-retries');
  await harness.makeDataset('events');
});
afterAll(() => harness.end());

const minutes = 200_000;

/** All pods of a Job, until it gives up: the first and three more. */
async function failFourTimes(name: string, verb: string, end: Parameters<Harness['endPod']>[1]): Promise<void> {
  for (let count = 0; count < 4; count++) {
    const [pod] = await harness.pods(name, verb);
    if (pod !== undefined) await harness.endPod(pod, end);
  }
}

test.concurrent(
  'a store that is away is asked again by another Job, for as long as it takes',
  async () => {
    await harness.create('Batch', 'away', batchSpec('events'));
    const result = failure('plan', 'StoreUnavailable', 'the store does not answer');
    await failFourTimes('away', 'plan', { exitCode: 10, message: JSON.stringify(result) });
    const batch = await harness.until('Batch', 'away', 'Succeeded', 'Retrying');
    expect(batch.status?.conditions?.[0]?.message).toMatch(/^the store does not answer; the next try is at 20/);
    harness.advance(31);
    await harness.poke('away');
    await harness.finish('away', 'plan', planResult('events', 1, outcome()));
    await harness.until('Batch', 'away', 'Succeeded', 'Active');
    expect(await harness.jobNames('away')).toHaveLength(1);
  },
  minutes,
);

test.concurrent(
  'a pod that dies without a word ends the batch through the bucket, which knows how far it came',
  async () => {
    await harness.create('Batch', 'hungry', batchSpec('events'));
    const [pod] = await harness.pods('hungry', 'plan');
    if (pod !== undefined) await harness.endPod(pod, { exitCode: 137, reason: 'OOMKilled' });
    await eventually('the death told of', async () => {
      const { status } = await harness.get('Batch', 'hungry');
      return status?.conditions?.[0]?.message.includes('OOMKilled') ? true : undefined;
    });
    for (let count = 0; count < 3; count++) {
      const [next] = await harness.pods('hungry', 'plan');
      if (next !== undefined) await harness.endPod(next, { exitCode: 137, reason: 'OOMKilled' });
    }
    const [last] = await harness.pods('hungry', 'finish');
    if (last === undefined) throw new Error('no pod');
    expect(await harness.taskOf(last)).toMatchObject({
      abort: { reason: 'JobFailed', message: expect.stringMatching(/ran out of memory/) },
      request: { token: '' },
    });
    const aborted = outcome({ outcome: 'Aborted', reason: 'JobFailed' });
    await harness.finish('hungry', 'finish', { version: 1, verb: 'finish', batch: aborted });
    const batch = await harness.until('Batch', 'hungry', 'Succeeded', 'JobFailed');
    expect(conditionsOf(batch)).toMatchObject({ Succeeded: 'False', Stalled: 'True' });
  },
  minutes,
);

test.concurrent(
  'a quota that lets no pod in is told of, and the batch goes on when it is gone',
  async () => {
    const other = await Harness.start('op-quota');
    try {
      await other.makeDataset('events');
      const quota = { apiVersion: 'v1', kind: 'ResourceQuota', metadata: { name: 'none', namespace: other.namespace } };
      await other.client.create(resourceQuotas, { ...quota, spec: { hard: { pods: '0' } } }, other.options());
      await other.create('Batch', 'kept-out', batchSpec('events'));
      const batch = await other.until('Batch', 'kept-out', 'Succeeded', 'FailedCreate');
      expect(batch.status?.conditions?.[0]?.message).toMatch(/no pod can be made: .*quota/);
      await other.client.delete(resourceQuotas, { namespace: other.namespace, name: 'none' }, other.options());
      await other.finish('kept-out', 'plan', planResult('events', 1, outcome()));
      await other.until('Batch', 'kept-out', 'Succeeded', 'Active');
    } finally {
      await other.end();
    }
  },
  minutes,
);

const resourceQuotas = { group: '', version: 'v1', plural: 'resourcequotas', kind: 'ResourceQuota', namespaced: true };

test.concurrent(
  'deleting a batch takes its Job, pods and task along',
  async () => {
    await harness.create('Batch', 'dropped', batchSpec('events'));
    await harness.pods('dropped', 'plan');
    const key = { namespace: harness.namespace, name: 'dropped' };
    await harness.client.delete(batches, key, harness.options());
    await eventually('nothing left', async () => {
      const labelSelector = 'ingest.forebay.dev/name=dropped';
      const selection = { namespace: harness.namespace, labelSelector, ...harness.options() };
      const lists = await Promise.all(
        [jobs, pods, configMaps, services].map((type) => harness.client.list(type, selection)),
      );
      return lists.every(({ items }) => items.length === 0) ? true : undefined;
    });
  },
  minutes,
);
