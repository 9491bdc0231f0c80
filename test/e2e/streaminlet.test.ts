import { setTimeout } from 'node:timers/promises';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { eventually, type Forward, forward } from '../support/cluster.ts';
import { countRecords, queryTable } from '../support/lake.ts';
import { Workspace } from '../support/workspace.ts';

const apiKey = 'a-key-of-some-length';

let workspace: Workspace;
beforeAll(async () => {
  workspace = await Workspace.make('inlet', inject('clusterS3'));
  await workspace.putSecret('keys', { sender: apiKey });
});
afterAll(() => workspace.delete());

/** An inlet that takes records, with a Dataset of its own name, reachable from here. */
async function makeInlet(name: string, more: object = {}): Promise<{ send: Sender; forwarded: Forward }> {
  const properties = { id: { type: 'integer' } };
  const inline = { type: 'object', properties, required: ['id'] };
  const storage = { s3: workspace.s3(name) };
  await workspace.apply('Dataset', name, { schema: { inline }, storage });
  await workspace.apply('StreamInlet', name, {
    datasetRef: { name },
    authentication: [{ apiKey: { secretRef: { name: 'keys' } } }],
    commit: { periodSeconds: 2 },
    ...more,
  });
  const { status } = await workspace.until('StreamInlet', name, { type: 'Ready', status: 'True' });
  const url = new URL(status?.urls?.[0] ?? '');
  const port = Number(url.port || 80);
  const forwarded = await forward({ namespace: workspace.name, target: `service/${name}`, port });
  const send: Sender = (record, key = apiKey) =>
    fetch(`${forwarded.url}/collection/${workspace.name}/${name}`, {
      method: 'POST',
      headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
      body: JSON.stringify(record),
    });
  return { send, forwarded };
}

type Sender = (record: object, key?: string) => Promise<Response>;

test('records that were answered with 200 become rows, bad ones are counted', async () => {
  const { send, forwarded } = await makeInlet('clicks');
  for (let id = 0; id < 20; id++) expect((await send({ id })).status).toBe(200);
  expect((await send({ id: 'no number' })).status).toBe(200);
  expect((await send({ id: 1 }, 'wrong')).status).toBe(401);
  const counts = await eventually('all in status', async () => {
    const { status } = await workspace.get('StreamInlet', 'clicks');
    const { ingested, pending } = status?.records ?? {};
    return ingested === 20 && pending === 0 ? status?.records : undefined;
  });
  expect(counts).toMatchObject({ received: 21, ingested: 20, failed: 1, pending: 0 });
  expect(await countRecords(workspace.table('clicks'))).toBe(20);
  await forwarded.stop();
});

test('what was acknowledged is in the table though pods were killed', async () => {
  const { send, forwarded } = await makeInlet('killed', { replicas: 2 });
  const acknowledged = new Set<number>();
  let stopped = false;
  const sendAll = async () => {
    for (let id = 0; !stopped; id++) {
      const answer = await send({ id }).catch(() => undefined);
      if (answer?.ok) acknowledged.add(id);
      else await setTimeout(100);
    }
  };
  const sending = sendAll();
  const killAfter = async (records: number) => {
    await eventually(`${records} records sent`, async () => acknowledged.size >= records || undefined);
    await workspace.kubectl('delete', 'pods', '--all', '--grace-period=0', '--force');
    await workspace.until('StreamInlet', 'killed', { type: 'Ready', status: 'True' });
    return acknowledged.size;
  };
  const afterFirst = await killAfter(50);
  const afterSecond = await killAfter(afterFirst + 50);
  await eventually('more records sent', async () => acknowledged.size >= afterSecond + 50 || undefined);
  stopped = true;
  await sending;

  await eventually('all rounds committed', async () => {
    const { status } = await workspace.get('StreamInlet', 'killed');
    const { received = 0, ingested = 0, pending = 0 } = status?.records ?? {};
    return (received >= acknowledged.size && pending === 0 && ingested === received) || undefined;
  });
  const rows = await queryTable(workspace.table('killed'), 'SELECT DISTINCT id::DOUBLE AS id FROM records');
  const found = new Set(rows.map(({ id }) => id));
  expect([...acknowledged].filter((id) => !found.has(id))).toEqual([]);
  await forwarded.stop();
});

test('scaling to 0 closes the inlet', async () => {
  const { forwarded } = await makeInlet('closed');
  await forwarded.stop();
  await workspace.kubectl('scale', 'streaminlet/closed', '--replicas=0');
  await workspace.until('StreamInlet', 'closed', { type: 'Ready', status: 'True', reason: 'Closed' });
  await eventually('no pods', async () => {
    const pods = await workspace.kubectl(
      'get',
      'pods',
      '-l',
      'ingest.forebay.dev/name=closed,ingest.forebay.dev/kind=StreamInlet',
      '-o',
      'name',
    );
    return pods === '' || undefined;
  });
});
