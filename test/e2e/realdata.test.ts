/** Whole files of the vega-datasets package, through the cluster and through `forebay run`: the same counts. */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { parseAllDocuments } from 'yaml';
import type { Batch, BatchSpec, Dataset } from '../../operator/api/types.gen.ts';
import { apply } from '../support/cluster.ts';
import { queryTable } from '../support/lake.ts';
import { Workspace } from '../support/workspace.ts';

const project = join(import.meta.dirname, '..', '..');
const examples = join(project, 'examples', 'local');
const manifests = parseAllDocuments(readFileSync(join(examples, 'ingest.yaml'), 'utf8')).map((parsed) => parsed.toJS());
const datasets: Pick<Dataset, 'metadata' | 'spec'>[] = manifests.filter(({ kind }) => kind === 'Dataset');
const batches: { metadata: { name: string }; spec: BatchSpec & { input: { local: { path: string } } } }[] =
  manifests.filter(({ kind }) => kind === 'Batch');

let workspace: Workspace;
beforeAll(async () => {
  workspace = await Workspace.make('realdata', inject('clusterS3'));
});
afterAll(() => workspace.delete());

/** What the command tells of each batch. */
async function runLocally(): Promise<Map<string, Batch>> {
  const lake = await mkdtemp(join(tmpdir(), 'realdata-'));
  const args = ['run', '-f', examples, '--lake', `file://${lake}`, '-o', 'json'];
  const output = execFileSync(process.execPath, [join(project, 'ingestor', 'main.ts'), ...args], {
    maxBuffer: 1 << 26,
  });
  await rm(lake, { recursive: true });
  const { items }: { items: Batch[] } = JSON.parse(output.toString());
  return new Map(items.filter(({ kind }) => kind === 'Batch').map((batch) => [batch.metadata.name, batch]));
}

async function runOnCluster(): Promise<void> {
  await apply(workspace.name, await readFile(join(examples, 'schemas.yaml'), 'utf8'));
  for (const { metadata, spec } of datasets) {
    await workspace.apply('Dataset', metadata.name, { ...spec, storage: { s3: workspace.s3(metadata.name) } });
  }
  for (const { metadata, spec } of batches) {
    const file = join(examples, spec.input.local.path);
    const key = `in/${metadata.name}`;
    await workspace.putObject(key, await readFile(file));
    const { prefix: _, ...place } = workspace.s3('');
    await workspace.apply('Batch', metadata.name, { ...spec, input: { s3: { ...place, keys: [key] } } });
  }
}

test('four files, three formats, 3.2 million records: the cluster, the command and an independent reader agree', {
  timeout: 400_000,
}, async () => {
  await runOnCluster();
  const local = await runLocally();
  let ingested = 0;
  for (const { metadata } of batches) {
    const { status } = await workspace.until('Batch', metadata.name, { type: 'Succeeded', status: 'True' }, 300);
    const here = local.get(metadata.name)?.status;
    expect(status.records).toEqual(here?.records);
    const classes = (errors: Batch['status']['errors']) =>
      errors?.map(({ code, path, count }) => ({ code, path, count }));
    expect(classes(status.errors)).toEqual(classes(here?.errors));
    ingested += status.records?.ingested ?? 0;
  }
  const count = 'SELECT count(*)::DOUBLE AS records FROM records';
  const tables = await Promise.all(datasets.map(({ metadata }) => queryTable(workspace.table(metadata.name), count)));
  expect(tables.reduce((sum, [row]) => sum + Number(row?.records), 0)).toBe(ingested);
  expect(ingested).toBe(3189 + 3376 + 200_000 + 3_000_000);
});
