import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { eventually } from '../support/cluster.ts';
import { countRecords } from '../support/lake.ts';
import { Workspace } from '../support/workspace.ts';

let workspace: Workspace;
beforeAll(async () => {
  workspace = await Workspace.make('source', inject('clusterS3'));
});
afterAll(() => workspace.delete());

async function makeSource(name: string, more: object = {}): Promise<void> {
  const inline = { type: 'object', properties: { id: { type: 'integer' } }, required: ['id'] };
  const storage = { s3: workspace.s3(name) };
  await workspace.apply('Dataset', name, { schema: { inline }, storage });
  await workspace.apply('SourceConnection', name, {
    datasetRef: { name },
    source: { s3: workspace.s3(`${name}-in`) },
    format: { type: 'JSONLines' },
    ...more,
  });
}

function lines(first: number, count: number): string {
  return Array.from({ length: count }, (_, index) => `${JSON.stringify({ id: first + index })}\n`).join('');
}

async function succeededRuns(name: string, runs: number): Promise<void> {
  await eventually(`${runs} runs succeeded`, async () => {
    const { status } = await workspace.get('SourceConnection', name);
    return status?.runs?.succeeded === runs || undefined;
  });
}

test('each run on request takes the files that are new', async () => {
  await makeSource('landing');
  await workspace.until('SourceConnection', 'landing', { type: 'Connected', status: 'True' });
  await workspace.putObject('landing-in/1.jsonl', `${lines(0, 10)}no JSON\n`);
  await workspace.kubectl('annotate', 'sourceconnection', 'landing', 'ingest.forebay.dev/requestedAt=first');
  await succeededRuns('landing', 1);
  await workspace.putObject('landing-in/2.jsonl', lines(10, 5));
  await workspace.kubectl(
    'annotate',
    '--overwrite',
    'sourceconnection',
    'landing',
    'ingest.forebay.dev/requestedAt=second',
  );
  await succeededRuns('landing', 2);
  const { status } = await workspace.get('SourceConnection', 'landing');
  expect(status.records).toMatchObject({ read: 16, ingested: 15, failed: 1, skipped: 0 });
  expect(await countRecords(workspace.table('landing'))).toBe(15);
  const runs = await workspace.kubectl('get', 'batch', '-l', 'ingest.forebay.dev/source=landing', '-o', 'name');
  expect(runs.trim().split('\n')).toHaveLength(2);
});

test('a schedule starts runs', async () => {
  await workspace.putObject('scheduled-in/1.jsonl', lines(0, 3));
  await makeSource('scheduled', { schedule: { cron: '* * * * *', timeZone: 'Europe/Berlin' } });
  await eventually('a run by the schedule', async () => {
    const { status } = await workspace.get('SourceConnection', 'scheduled');
    return status?.records?.ingested === 3 || undefined;
  });
  expect((await workspace.get('SourceConnection', 'scheduled')).status.nextRunTime).toMatch(/:00Z$/);
});

test('a key that the source refuses is told', async () => {
  await workspace.putSecret('wrong-key', { accessKeyID: 'admin', secretAccessKey: 'wrong' });
  await makeSource('refused', { source: { s3: workspace.s3('refused-in', 'wrong-key') } });
  const wanted = { type: 'Connected', status: 'False', reason: 'CredentialsRefused' } as const;
  await workspace.until('SourceConnection', 'refused', wanted, 240);
});
