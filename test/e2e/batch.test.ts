import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { eventually, kubectl } from '../support/cluster.ts';
import { operatorNamespace } from '../support/install.ts';
import { countRecords, listKeys, queryTable } from '../support/lake.ts';
import { conditionOf, Workspace } from '../support/workspace.ts';

const schema = {
  type: 'object',
  properties: { id: { type: 'integer' }, name: { type: 'string' } },
  required: ['id'],
};

let workspace: Workspace;
beforeAll(async () => {
  workspace = await Workspace.make('batch', inject('clusterS3'));
});
afterAll(() => workspace.delete());

/** A Dataset that is ready, with a prefix of its own name. */
async function makeDataset(name: string, table: object = {}): Promise<void> {
  const spec = { schema: { inline: schema }, storage: { s3: workspace.s3(name) }, table };
  await workspace.apply('Dataset', name, spec);
  await workspace.until('Dataset', name, { type: 'Ready', status: 'True' });
}

/** Rows `id,name` with these ids. */
function csv(first: number, count: number): string {
  const rows = Array.from({ length: count }, (_, index) => `${first + index},name ${first + index}`);
  return `id,name\n${rows.join('\n')}\n`;
}

function batchOf(dataset: string, place: string, more: object = {}): object {
  return { datasetRef: { name: dataset }, input: { s3: workspace.s3(place) }, format: { type: 'CSV' }, ...more };
}

/** Several files, each a shard of its own, which take pods some seconds to read. */
async function putShards(place: string, shards: number, rows: number): Promise<void> {
  for (let shard = 0; shard < shards; shard++) {
    await workspace.putObject(`${place}/${shard}.csv`, csv(shard * rows, rows));
  }
}

test.each(['Iceberg', 'Parquet'])(
  '%s: good rows are in the table, bad ones kept, and the counts add up',
  async (format) => {
    const name = `counted-${format.toLowerCase()}`;
    await makeDataset(name, { format });
    await workspace.putObject(`${name}-in/a.csv`, `${csv(0, 997)}x,not a number\n,no id\n1,2,ragged\n`);
    await workspace.apply('Batch', name, batchOf(name, `${name}-in`, { errorPolicy: { maxFailed: 3 } }));
    const { status } = await workspace.until('Batch', name, { type: 'Succeeded', status: 'True' });
    expect(status.records).toMatchObject({ read: 1000, ingested: 997, failed: 3, skipped: 0 });
    expect(status.errors?.map(({ code }) => code).sort()).toEqual(['RaggedRow', 'RequiredMissing', 'WrongType']);
    expect(await countRecords(workspace.table(name))).toBe(997);
    const [row] = await queryTable(workspace.table(name), 'SELECT name FROM records WHERE id = 500');
    expect(row).toEqual({ name: 'name 500' });
    const rejects = await listKeys(workspace.table(name), 'ingest/batches/');
    expect(rejects.filter((key) => key.includes('/rejects/'))).toHaveLength(1);
  },
);

test('past the error threshold nothing goes in', async () => {
  await makeDataset('threshold');
  await workspace.putObject('threshold-in/a.csv', `${csv(0, 10)}x,not a number\n`);
  await workspace.apply('Batch', 'threshold', batchOf('threshold', 'threshold-in'));
  const wanted = { type: 'Succeeded', status: 'False', reason: 'TooManyFailed' } as const;
  const { status } = await workspace.until('Batch', 'threshold', wanted);
  expect(status.records).toMatchObject({ read: 11, ingested: 0, failed: 1 });
  expect(await countRecords(workspace.table('threshold'))).toBe(0);
});

test('a batch of several shards survives that its pods and the operator are killed', async () => {
  const [shards, rows] = [4, 40_000];
  await makeDataset('killed');
  await putShards('killed-in', shards, rows);
  await workspace.apply('Batch', 'killed', batchOf('killed', 'killed-in', { shardSizeMiB: 1, parallelism: 2 }));
  const pod = await eventually('running a shard', async () => {
    const selector = 'ingest.forebay.dev/name=killed,ingest.forebay.dev/verb=shard';
    const running = '--field-selector=status.phase=Running';
    return (await workspace.kubectl('get', 'pods', '-l', selector, running, '-o', 'name')).split('\n')[0] || undefined;
  });
  await workspace.kubectl('delete', pod, '--grace-period=0', '--force');
  await kubectl(['delete', 'pods', '--all', '--grace-period=0', '--force', '--namespace', operatorNamespace]);

  const { status } = await workspace.until('Batch', 'killed', { type: 'Succeeded', status: 'True' }, 240);
  expect(status.records).toMatchObject({ read: shards * rows, ingested: shards * rows, failed: 0 });
  expect(status.plan?.shards).toBe(shards);
  const sums = 'SELECT count(*)::DOUBLE AS rows, count(DISTINCT id)::DOUBLE AS ids FROM records';
  expect(await queryTable(workspace.table('killed'), sums)).toEqual([{ rows: shards * rows, ids: shards * rows }]);
});

test('a batch deleted and applied again reports its outcome and ingests nothing', async () => {
  await makeDataset('again');
  await workspace.putObject('again-in/a.csv', csv(0, 10));
  const spec = batchOf('again', 'again-in');
  await workspace.apply('Batch', 'again', spec);
  const first = await workspace.until('Batch', 'again', { type: 'Succeeded', status: 'True' });
  await workspace.kubectl('delete', 'batch', 'again');
  await workspace.apply('Batch', 'again', spec);
  const second = await workspace.until('Batch', 'again', { type: 'Succeeded', status: 'True' });
  expect(second.metadata.uid).not.toBe(first.metadata.uid);
  expect(second.status.records).toEqual(first.status.records);
  expect(await countRecords(workspace.table('again'))).toBe(10);
});

test('a missing Secret is told, and the batch goes on when it comes', async () => {
  await makeDataset('secret');
  await workspace.putObject('secret-in/a.csv', csv(0, 10));
  const spec = batchOf('secret', 'secret-in');
  await workspace.apply('Batch', 'secret', { ...spec, input: { s3: workspace.s3('secret-in', 'late-key') } });
  await eventually('the Secret named in the condition', async () => {
    const message = conditionOf(await workspace.get('Batch', 'secret'), 'Succeeded')?.message;
    return message?.includes('late-key') || undefined;
  });
  await workspace.putSecret('late-key', inject('clusterS3').inCluster.admin);
  await workspace.until('Batch', 'secret', { type: 'Succeeded', status: 'True' }, 240);
});

test('a truncated archive fails the batch and names the file', async () => {
  await makeDataset('truncated');
  const { gzipSync } = await import('node:zlib');
  const archive = gzipSync(csv(0, 1000));
  await workspace.putObject('truncated-in/a.csv.gz', archive.subarray(0, archive.length / 2));
  await workspace.apply('Batch', 'truncated', batchOf('truncated', 'truncated-in'));
  const wanted = { type: 'Succeeded', status: 'False', reason: 'UnreadableFile' } as const;
  const batch = await workspace.until('Batch', 'truncated', wanted);
  expect(conditionOf(batch, 'Succeeded')?.message).toContain('a.csv.gz');
});

test('a zip archive of CSV files and an Avro file go in, each refused record with its file', async () => {
  await makeDataset('packed');
  const { zipOf } = await import('../../ingestor/engine/archives/testing.ts');
  const { writeAvro } = await import('../../ingestor/table/iceberg/avro.ts');
  const files = [
    { name: 'north/a.csv', data: csv(0, 500) },
    { name: '__MACOSX/north/._a.csv', data: 'nothing of ours' },
    { name: 'south/b.csv', data: `name,id\nsouth,500\nbad,x\n` },
  ];
  await workspace.putObject('packed-zip/all.zip', zipOf(files));
  const record = {
    type: 'record',
    name: 'Person',
    fields: [
      { name: 'id', type: 'long' },
      { name: 'name', type: ['null', 'string'] },
    ],
  };
  const people = Array.from({ length: 400 }, (_, index) => ({
    id: 501 + index,
    name: index % 2 === 0 ? null : 'even',
  }));
  await workspace.putObject('packed-avro/people.avro', await writeAvro(record, {}, people, Buffer.alloc(16, 7)));

  await workspace.apply('Batch', 'zipped', batchOf('packed', 'packed-zip', { errorPolicy: { maxFailed: 1 } }));
  await workspace.apply('Batch', 'avro', batchOf('packed', 'packed-avro', { format: { type: 'Avro' } }));
  const { status } = await workspace.until('Batch', 'zipped', { type: 'Succeeded', status: 'True' });
  expect(status.records).toMatchObject({ read: 502, ingested: 501, failed: 1 });
  expect(status.errors).toMatchObject([
    { code: 'WrongType', sample: { file: 'packed-zip/all.zip/south/b.csv', record: 2 } },
  ]);
  const avro = await workspace.until('Batch', 'avro', { type: 'Succeeded', status: 'True' });
  expect(avro.status.records).toMatchObject({ read: 400, ingested: 400 });
  const sums = 'SELECT count(*)::DOUBLE AS rows, count(name)::DOUBLE AS names, max(id)::DOUBLE AS last FROM records';
  expect(await queryTable(workspace.table('packed'), sums)).toEqual([{ rows: 901, names: 701, last: 900 }]);
});
