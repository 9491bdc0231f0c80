/** What becomes of Iceberg tables on a cluster: batches in, out, in the place of others, checked, read once more. */
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import type { Batch } from '../../operator/api/types.gen.ts';
import { apply, eventually } from '../support/cluster.ts';
import { countRecords, listKeys, queryTable, readText } from '../support/lake.ts';
import { conditionOf, Workspace } from '../support/workspace.ts';

const schema = {
  type: 'object',
  properties: {
    id: { type: 'integer' },
    name: { type: 'string', maxLength: 10 },
    at: { type: 'string', format: 'date' },
  },
  required: ['id'],
};
const json = { type: 'JSONLines' };

let workspace: Workspace;
beforeAll(async () => {
  workspace = await Workspace.make('table', inject('clusterS3'));
});
afterAll(() => workspace.delete());

async function makeDataset(name: string, more: object = {}): Promise<void> {
  const spec = { schema: { inline: schema }, storage: { s3: workspace.s3(name) }, ...more };
  await workspace.apply('Dataset', name, spec);
  await workspace.until('Dataset', name, { type: 'Ready', status: 'True' });
}

/** Records with these ids, as lines of JSON. */
function lines(first: number, count: number, more: (id: number) => object = () => ({})): string {
  return Array.from({ length: count }, (_, index) => {
    const id = first + index;
    return `${JSON.stringify({ id, name: `n${id % 1_000}`, ...more(id) })}\n`;
  }).join('');
}

const inline = (data: string) => ({ input: { inline: { data } }, format: json });
const ended = { type: 'Succeeded', status: 'True', reason: 'Active' } as const;

async function commit(dataset: string, name: string, spec: object): Promise<Batch> {
  await workspace.apply('Batch', name, { datasetRef: { name: dataset }, ...spec });
  const batch = await eventually(`the end of ${name}`, async () => {
    const seen = await workspace.get('Batch', name);
    return seen.status.completionTime === undefined ? undefined : seen;
  });
  expect(conditionOf(batch, 'Succeeded')).toMatchObject({ status: 'True', reason: 'Active' });
  return batch;
}

async function idsOf(dataset: string): Promise<number[]> {
  const rows = await queryTable(workspace.table(dataset), 'SELECT id::DOUBLE AS id FROM records ORDER BY id');
  return rows.map(({ id }) => Number(id));
}

async function wish(batch: string, desiredState: string): Promise<void> {
  const patch = JSON.stringify({ spec: { desiredState } });
  await workspace.kubectl('patch', 'batch', batch, '--type=merge', '-p', patch);
}

test('a batch is one snapshot, and records lie in the partition of their own value', async () => {
  await makeDataset('parted', { table: { partitionBy: [{ field: 'at', transform: 'Month' }], sortBy: ['id'] } });
  const months = ['2026-01', '2026-02', '2026-03'];
  const data = lines(0, 30, (id) => ({ at: `${months[id % 3]}-0${1 + (id % 9)}` }));
  const { status } = await commit('parted', 'parted', inline(data));
  expect(status).toMatchObject({ records: { read: 30, ingested: 30 }, files: { output: 3 } });
  const dataset = await workspace.get('Dataset', 'parted');
  expect(dataset.status.table).toMatchObject({
    format: 'Iceberg',
    records: 30,
    files: 3,
    snapshotID: status.snapshotID,
  });
  expect(dataset.status.lastBatch?.batchID).toBe(`${workspace.name}/parted`);
  expect(await idsOf('parted')).toHaveLength(30);
  const location = String(dataset.status.table?.location).split('/').at(-1);
  const hint = await readText(workspace.table('parted'), `${location}/metadata/version-hint.text`);
  const metadata = JSON.parse(await readText(workspace.table('parted'), `${location}/metadata/v${hint}.metadata.json`));
  expect(metadata).toMatchObject({ 'format-version': 2, 'current-schema-id': expect.any(Number) });
});

test('a committed batch is taken out, stays out, and comes in again on request', async () => {
  await makeDataset('reverted');
  await commit('reverted', 'stays', inline(lines(100, 2)));
  await commit('reverted', 'goes', inline(lines(0, 3)));
  expect(await idsOf('reverted')).toEqual([0, 1, 2, 100, 101]);
  await wish('goes', 'Reverted');
  await workspace.until('Batch', 'goes', { type: 'Succeeded', status: 'False', reason: 'Reverted' });
  await workspace.until('Batch', 'goes', { type: 'Ready', status: 'True' });
  expect(await idsOf('reverted')).toEqual([100, 101]);
  await wish('goes', 'Active');
  await workspace.until('Batch', 'goes', { type: 'Stalled', status: 'True', reason: 'Reverted' });
  await workspace.kubectl('annotate', 'batch', 'goes', 'ingest.forebay.dev/requestedAt=1');
  const { status } = await workspace.until('Batch', 'goes', ended);
  expect(status).toMatchObject({ run: 2, attempts: 2 });
  expect(await idsOf('reverted')).toEqual([0, 1, 2, 100, 101]);
});

test('a batch takes the place of others, of resources that are there and that are gone', async () => {
  await makeDataset('replaced');
  await commit('replaced', 'first', inline(lines(0, 3)));
  await commit('replaced', 'second', { externalID: 'crm-2', ...inline(lines(10, 3)) });
  await workspace.kubectl('delete', 'batch', 'second');
  const before = await workspace.get('Dataset', 'replaced');
  const replaces = [`${workspace.name}/first`, 'crm-2'];
  await commit('replaced', 'mended', { replaces, ...inline(lines(20, 2)) });
  expect(await idsOf('replaced')).toEqual([20, 21]);
  await workspace.until('Batch', 'first', { type: 'Succeeded', status: 'False', reason: 'Replaced' });
  const after = await workspace.get('Dataset', 'replaced');
  expect((after.status.table?.sequence ?? 0) - (before.status.table?.sequence ?? 0)).toBe(1);

  const { status } = await commit('replaced', 'out', { replaces: [`${workspace.name}/mended`] });
  expect(status.records).toMatchObject({ read: 0, ingested: 0 });
  expect(await idsOf('replaced')).toEqual([]);
  await workspace.apply('Batch', 'twice', { datasetRef: { name: 'replaced' }, replaces: [`${workspace.name}/mended`] });
  const wanted = { type: 'Succeeded', status: 'False', reason: 'NothingToReplace' } as const;
  expect(conditionOf(await workspace.until('Batch', 'twice', wanted), 'Succeeded')?.message).toContain('mended');
});

test('a batch is checked first, and ingests what it told when it is asked to', async () => {
  await makeDataset('checked');
  const spec = {
    datasetRef: { name: 'checked' },
    errorPolicy: { maxFailed: 1 },
    ...inline(`${lines(0, 4)}{"id": "x"}\n`),
  };
  await workspace.apply('Batch', 'checked', { ...spec, validateOnly: true });
  const checked = await workspace.until('Batch', 'checked', { type: 'Ready', status: 'True', reason: 'Validated' });
  expect(checked.status.records).toMatchObject({ read: 5, ingested: 0, failed: 1, skipped: 4 });
  expect(await countRecords(workspace.table('checked'))).toBe(0);
  await workspace.apply('Batch', 'checked', { ...spec, validateOnly: false });
  const { status } = await workspace.until('Batch', 'checked', ended);
  expect(status.records).toMatchObject({ read: 5, ingested: 4, failed: 1 });
  expect(await countRecords(workspace.table('checked'))).toBe(4);
});

test('refused records come in once the schema was mended', async () => {
  const putSchema = async (text: object) =>
    apply(workspace.name, [
      { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'mended' }, data: { 's.json': JSON.stringify(text) } },
    ]);
  await putSchema(schema);
  await makeDataset('refused', { schema: { configMapRef: { name: 'mended', key: 's.json' } } });
  const data = `${lines(0, 3)}${lines(50, 2, () => ({ name: 'longer than ten' }))}{"id": "x"}\n`;
  const { status } = await commit('refused', 'partly', { errorPolicy: { maxFailed: '100%' }, ...inline(data) });
  expect(status.records).toMatchObject({ ingested: 3, failed: 3 });

  await putSchema({ ...schema, properties: { ...schema.properties, name: { type: 'string' } } });
  const digest = (await workspace.get('Dataset', 'refused')).status.schema?.digest;
  await workspace.kubectl('annotate', 'dataset', 'refused', 'ingest.forebay.dev/requestedAt=1');
  await expect
    .poll(async () => (await workspace.get('Dataset', 'refused')).status.schema?.digest, { timeout: 60_000 })
    .not.toBe(digest);
  const input = { rejects: { batchID: `${workspace.name}/partly` } };
  const again = await commit('refused', 'once-more', { input, format: json, errorPolicy: { maxFailed: 1 } });
  expect(again.status.records).toMatchObject({ read: 3, ingested: 2, failed: 1 });
  expect(await idsOf('refused')).toEqual([0, 1, 2, 50, 51]);
});

test('a large file of JSON lines is cut, and counted as if it were whole', async () => {
  await makeDataset('cut');
  const [good, bad] = [150_000, 100_001];
  const text = lines(0, good).split('\n');
  text.splice(bad - 1, 0, '{"id": "no number"}');
  await workspace.putObject('cut-in/large.jsonl', text.join('\n'));
  const { status } = await commit('cut', 'cut', {
    input: { s3: workspace.s3('cut-in') },
    format: json,
    compression: 'None',
    shardSizeMiB: 1,
    parallelism: 2,
    errorPolicy: { maxFailed: 1 },
  });
  expect(status.plan?.shards).toBeGreaterThan(2);
  expect(status.records).toMatchObject({ read: good + 1, ingested: good, failed: 1 });
  expect(status.files).toMatchObject({ input: 1 });
  expect(status.errors).toMatchObject([{ code: 'WrongType', path: '/id', count: 1 }]);
  const sums = 'SELECT count(*)::DOUBLE AS rows, count(DISTINCT id)::DOUBLE AS ids FROM records';
  expect(await queryTable(workspace.table('cut'), sums)).toEqual([{ rows: good, ids: good }]);
  const rejects = await listKeys(workspace.table('cut'), 'ingest/batches/');
  expect(rejects.filter((key) => key.includes('/rejects/'))).toHaveLength(1);
});

test('twenty batches at once are all in, none twice', async () => {
  await makeDataset('crowded');
  const names = Array.from({ length: 20 }, (_, index) => `crowd-${index}`);
  await apply(
    workspace.name,
    names.map((name, index) => ({
      apiVersion: 'ingest.forebay.dev/v1alpha1',
      kind: 'Batch',
      metadata: { name },
      spec: { datasetRef: { name: 'crowded' }, ...inline(lines(index * 10, 10)) },
    })),
  );
  const snapshots = new Set<string | undefined>();
  for (const name of names) snapshots.add((await workspace.until('Batch', name, ended, 240)).status.snapshotID);
  expect(snapshots.size).toBe(20);
  expect(await idsOf('crowded')).toEqual(Array.from({ length: 200 }, (_, id) => id));
  const { status } = await workspace.get('Dataset', 'crowded');
  expect(status).toMatchObject({ batches: { succeeded: 20, failed: 0 }, records: { ingested: 200 } });
});
