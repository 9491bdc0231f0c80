import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';

const main = join(import.meta.dirname, '..', 'main.ts');

// Each command is a process of its own.
vi.setConfig({ testTimeout: 60_000 });

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'cli-'));
  await mkdir(join(folder, 'manifests'));
});
afterEach(() => rm(folder, { recursive: true }));

interface Ended {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** The command as a user starts it, in a process of its own. */
function forebay(...args: string[]): Promise<Ended> {
  return new Promise((resolve) => {
    execFile(process.execPath, [main, ...args], (error, stdout, stderr) => {
      resolve({ code: typeof error?.code === 'number' ? error.code : 0, stdout, stderr });
    });
  });
}

function run(...args: string[]): Promise<Ended> {
  return forebay('run', '-f', join(folder, 'manifests'), '--lake', `file://${folder}/lake`, ...args);
}

const dataset = `
apiVersion: ingest.forebay.dev/v1alpha1
kind: Dataset
metadata: {name: people}
spec:
  schema:
    inline:
      type: object
      required: [name]
      properties: {name: {type: string}, age: {type: integer}}
`;

function batch(name: string, input: string, rest = ''): string {
  return `
apiVersion: ingest.forebay.dev/v1alpha1
kind: Batch
metadata: {name: ${name}}
spec:
  datasetRef: {name: people}
  input: ${input}
  format: {type: JSONLines}
${rest}`;
}

async function manifests(...documents: string[]): Promise<void> {
  await writeFile(join(folder, 'manifests', 'all.yaml'), documents.join('\n---\n'));
}

test('run ingests a file next to the manifest and says so in the status that a cluster would show', async () => {
  await writeFile(join(folder, 'manifests', 'people.jsonl'), '{"name": "A", "age": 5}\n{"name": "B"}\n');
  await manifests(dataset, batch('first', '{local: {path: people.jsonl}}'));
  const { code, stdout } = await run('-o', 'json');
  expect(code).toBe(0);
  const { items } = JSON.parse(stdout);
  expect(items[0].status).toMatchObject({ records: { ingested: 2, failed: 0 }, batches: { succeeded: 1 } });
  expect(items[1].status).toMatchObject({
    batchID: 'default/first',
    records: { read: 2, ingested: 2, failed: 0, skipped: 0 },
    progressPercent: 100,
  });
  expect(items[1].status.conditions).toContainEqual(
    expect.objectContaining({ type: 'Succeeded', status: 'True', reason: 'Active' }),
  );
});

test('the same batch again ingests nothing and reports the same', async () => {
  await manifests(dataset, batch('first', `{inline: {data: '{"name": "A"}'}}`));
  const first = JSON.parse((await run('-o', 'json')).stdout);
  const second = JSON.parse((await run('-o', 'json')).stdout);
  expect(second.items[1].status.records).toEqual(first.items[1].status.records);
  expect(second.items[1].status.snapshotID).toEqual(first.items[1].status.snapshotID);
  expect(second.items[0].status.table.records).toBe(1);
});

test('a refused record fails the batch by default: exit code 1, with code, path and place', async () => {
  await manifests(dataset, batch('bad', `{inline: {data: '{"name": 7}'}}`));
  const { code, stdout } = await run();
  expect(code).toBe(1);
  expect(stdout).toMatch(/Batch\/bad\s+no\s+TooManyFailed\s+1\s+0\s+1/);
  expect(stdout).toMatch(/1\s+WrongType\s+\/name\s+.*inline, record 1/);
});

test('what manifests wish of batches is done: checked only, replaced, taken out, and in again on request', async () => {
  const inline = (name: string) => `{inline: {data: '{"name": "${name}"}'}}`;
  const reasons = async (...documents: string[]) => {
    await manifests(dataset, ...documents);
    const { stdout, code } = await run('-o', 'json');
    const { items } = JSON.parse(stdout);
    const told = items.slice(1).map(({ status }: { status: { conditions: { type: string; reason: string }[] } }) => {
      return status.conditions.find(({ type }) => type === 'Succeeded')?.reason;
    });
    return [...told, items[0].status.table.records, code];
  };
  expect(await reasons(batch('a', inline('A')), batch('b', inline('B'), '  validateOnly: true'))).toEqual([
    'Active',
    'Validated',
    1,
    0,
  ]);
  const replacing = batch('c', inline('C'), '  replaces: [default/a]');
  expect(await reasons(replacing, batch('a', inline('A')))).toEqual(['Active', 'Replaced', 1, 0]);
  const reverted = batch('c', inline('C'), '  replaces: [default/a]\n  desiredState: Reverted');
  expect(await reasons(reverted)).toEqual(['Reverted', 0, 0]);
  expect(await reasons(batch('d', inline('D')))).toEqual(['Active', 1, 0]);
  const again = batch('d', inline('D')).replace(
    '{name: d}',
    '{name: d, annotations: {ingest.forebay.dev/requestedAt: x}}',
  );
  expect(await reasons(batch('d', inline('D'), '  desiredState: Reverted'))).toEqual(['Reverted', 0, 0]);
  expect(await reasons(batch('d', inline('D')))).toEqual(['Reverted', 0, 1]);
  expect(await reasons(again)).toEqual(['Active', 1, 0]);
});

test('rows are taken out of a batch whose manifest is gone', async () => {
  await manifests(dataset, batch('a', `{inline: {data: '{"name": "A"}'}}`));
  await run();
  const onlyReplaces = batch('out', '').replace(
    '  input: \n  format: {type: JSONLines}\n',
    '  replaces: [default/a]\n',
  );
  await manifests(dataset, onlyReplaces);
  const { items } = JSON.parse((await run('-o', 'json')).stdout);
  expect(items[0].status.table.records).toBe(0);
  expect(items[1].status.records).toMatchObject({ read: 0, ingested: 0 });
});

test('a batch whose dataset is missing stops no other', async () => {
  const orphan = batch('orphan', `{inline: {data: '{"name": "A"}'}}`).replace('{name: people}', '{name: nobody}');
  await manifests(dataset, orphan, batch('good', `{inline: {data: '{"name": "A"}'}}`));
  const { code, stdout } = await run();
  expect(code).toBe(1);
  expect(stdout).toMatch(/Batch\/orphan\s+no\s+DatasetNotPrepared/);
  expect(stdout).toMatch(/Batch\/good\s+yes\s+Active/);
});

test('wrong manifests are told of with file, document and cure, and nothing runs', async () => {
  await manifests(dataset, batch('b', `{inline: {data: 'x'}}`, '  comression: Gzip'));
  const { code, stderr, stdout } = await run();
  expect(code).toBe(1);
  expect(stderr).toMatch(/all\.yaml, document 2, Batch\/b: spec\.comression: .*compression/);
  expect(stdout).toBe('');
});

test('validate accepts for a cluster only what a cluster knows', async () => {
  await manifests(dataset, batch('b', '{local: {path: people.jsonl}}'));
  const path = join(folder, 'manifests');
  expect(await forebay('validate', '-f', path)).toMatchObject({ code: 1 });
  expect(await forebay('validate', '-f', path, '--local')).toMatchObject({
    code: 0,
    stdout: '2 resources are valid\n',
  });
});

test.each([
  [['run'], '-f is required'],
  [['run', '-f', 'x', '--lkae', 'y'], "Unknown option '--lkae'"],
  [['run', '-f', 'x', '-o', 'yaml'], '--output is yaml'],
  [['rnu'], 'there is no command "rnu"'],
])('called wrongly (%j): exit code 2, what is wrong and where help is', async (args, message) => {
  const { code, stderr } = await forebay(...args);
  expect(code).toBe(2);
  expect(stderr).toContain(message);
  expect(stderr).toContain('--help');
});

test.each(['run', 'validate', 'version'])('%s --help tells its use', async (command) => {
  const { code, stdout } = await forebay(command, '--help');
  expect(code).toBe(0);
  expect(stdout).toContain(`Usage: forebay ${command}`);
});
