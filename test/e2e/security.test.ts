import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { eventually, kubectl } from '../support/cluster.ts';
import { operatorNamespace } from '../support/install.ts';
import { Workspace } from '../support/workspace.ts';

let workspace: Workspace;
beforeAll(async () => {
  workspace = await Workspace.make('security', inject('clusterS3'));
});
afterAll(() => workspace.delete());

test.each(['get', 'list', 'watch', 'create', 'update', 'patch', 'delete'])(
  "the operator's account may not %s Secrets",
  async (verb) => {
    const account = await kubectl([
      'get',
      'deployments',
      '-n',
      operatorNamespace,
      '-o',
      'jsonpath={.items[0].spec.template.spec.serviceAccountName}',
    ]);
    const user = `system:serviceaccount:${operatorNamespace}:${account}`;
    const answer = await kubectl(['auth', 'can-i', verb, 'secrets', '--all-namespaces', '--as', user]).catch(String);
    expect(answer).not.toMatch(/^yes/);
  },
);

test('pods of the ingestor hold no token', async () => {
  const inline = { type: 'object', properties: { id: { type: 'integer' } } };
  const storage = { s3: workspace.s3('tokenless') };
  await workspace.apply('Dataset', 'tokenless', { schema: { inline }, storage, table: { format: 'Parquet' } });
  const pod = await eventually('a pod of the Dataset', async () => {
    const pods = JSON.parse(await workspace.kubectl('get', 'pods', '-o', 'json'));
    return pods.items[0];
  });
  expect(pod.spec.automountServiceAccountToken).toBe(false);
  const mounts = pod.spec.containers[0].volumeMounts.map(({ mountPath }: { mountPath: string }) => mountPath);
  expect(mounts).not.toContain('/var/run/secrets/kubernetes.io/serviceaccount');
});
