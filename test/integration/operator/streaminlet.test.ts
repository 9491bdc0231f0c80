import { afterAll, beforeAll, expect, test } from 'vitest';
import { deployments, podDisruptionBudgets, services } from '../../../operator/runtime/index.ts';
import { eventually, kubectl } from '../../support/cluster.ts';
import { conditionsOf, Harness } from './harness.ts';

let harness: Harness;
beforeAll(async () => {
  harness = await Harness.start('op-inlet');
  await harness.makeDataset('events');
});
afterAll(() => harness.end());

const inletSpec = { datasetRef: { name: 'events' }, authentication: [{ anonymous: {} }] };

async function deploymentOf(name: string) {
  const labelSelector = `ingest.forebay.dev/name=${name}`;
  const { items } = await harness.client.list(deployments, {
    namespace: harness.namespace,
    labelSelector,
    ...harness.options(),
  });
  return items[0];
}

test('an inlet is a Deployment, a Service of its name, and a budget from two replicas on', async () => {
  await harness.create('StreamInlet', 'clicks', { ...inletSpec, replicas: 2 });
  const inlet = await harness.until('StreamInlet', 'clicks', 'Ready', 'Unschedulable');
  expect(inlet.status).toMatchObject({
    selector: expect.stringContaining('ingest.forebay.dev/name=clicks'),
    urls: [`http://clicks.${harness.namespace}.svc/collection/${harness.namespace}/clicks`],
    inletID: expect.stringMatching(/^[0-9a-f]{64}$/),
    replicas: 2,
  });
  const key = { namespace: harness.namespace, name: 'clicks' };
  expect((await harness.client.get(services, key, harness.options())).spec?.ports).toMatchObject([{ port: 80 }]);
  const budgets = () =>
    harness.client.list(podDisruptionBudgets, { namespace: harness.namespace, ...harness.options() });
  expect((await budgets()).items).toHaveLength(1);

  await kubectl(['--namespace', harness.namespace, 'scale', 'streaminlet/clicks', '--replicas=1']);
  await eventually('one replica and no budget', async () => {
    const isScaled = (await deploymentOf('clicks'))?.spec?.replicas === 1;
    return isScaled && (await budgets()).items.length === 0 ? true : undefined;
  });
});

test('without replicas it is closed, as asked', async () => {
  await harness.create('StreamInlet', 'closed', { ...inletSpec, replicas: 0 });
  expect(conditionsOf(await harness.until('StreamInlet', 'closed', 'Ready', 'Closed'))).toEqual({ Ready: 'True' });
});

test('what another changed is set right', async () => {
  await harness.create('StreamInlet', 'kept', inletSpec);
  const deployment = await eventually('the Deployment', () => deploymentOf('kept'));
  const key = { namespace: harness.namespace, name: deployment.metadata.name };
  await harness.client.patch(
    deployments,
    key,
    { spec: { replicas: 7 } },
    { ...harness.options(), fieldManager: 'someone' },
  );
  await eventually('one replica again', async () =>
    (await deploymentOf('kept'))?.spec?.replicas === 1 ? true : undefined,
  );
});

test('a Service of its name that is not its own is left alone, and told of', async () => {
  const service = {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name: 'taken', namespace: harness.namespace },
    spec: { ports: [{ port: 1 }] },
  };
  await harness.client.create(services, service, harness.options());
  await harness.create('StreamInlet', 'taken', inletSpec);
  const inlet = await harness.until('StreamInlet', 'taken', 'Ready', 'NameTaken');
  expect(inlet.status?.conditions?.[0]?.message).toMatch(/Service taken exists/);
  const found = await harness.client.get(services, { namespace: harness.namespace, name: 'taken' }, harness.options());
  expect(found.spec?.ports).toMatchObject([{ port: 1 }]);
});

test('an edit rolls the pods to a new task', async () => {
  await harness.create('StreamInlet', 'rolled', inletSpec);
  const taskOf = async () => {
    const volumes = (await deploymentOf('rolled'))?.spec?.template.spec?.volumes;
    return volumes?.find(({ name }) => name === 'task')?.projected?.sources?.[0]?.configMap?.name;
  };
  const first = await eventually('a task', taskOf);
  await harness.patch('StreamInlet', 'rolled', { spec: { envelope: 'Raw' } });
  const second = await eventually('another task', async () => {
    const task = await taskOf();
    return task === first ? undefined : task;
  });
  expect(second).toMatch(/^rolled-inlet-/);
});
