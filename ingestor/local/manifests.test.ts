import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { loadManifests } from './manifests.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'manifests-'));
});
afterEach(() => rm(folder, { recursive: true }));

async function file(name: string, text: string): Promise<string> {
  const path = join(folder, name);
  await writeFile(path, text);
  return path;
}

test('a folder gives its manifests in order of name, and nothing else', async () => {
  await file('b.yaml', 'kind: B');
  await file('a.json', '{"kind": "A"}');
  await file('notes.txt', 'kind: Notes');
  const { manifests } = await loadManifests([folder]);
  expect(manifests.map((manifest) => manifest.value)).toEqual([{ kind: 'A' }, { kind: 'B' }]);
});

test('documents of a file are numbered, empty ones are passed over', async () => {
  const path = await file('a.yaml', 'kind: A\n---\n# nothing\n---\nkind: C\n');
  const { manifests } = await loadManifests([path]);
  expect(manifests.map(({ document, value }) => [document, value])).toEqual([
    [1, { kind: 'A' }],
    [3, { kind: 'C' }],
  ]);
});

test('a List is opened', async () => {
  const path = await file('a.yaml', 'kind: List\nitems: [{kind: A}, {kind: B}]\n');
  const { manifests } = await loadManifests([path]);
  expect(manifests.map((manifest) => manifest.value)).toEqual([{ kind: 'A' }, { kind: 'B' }]);
});

test('broken YAML is a problem with file, document and line; the other documents are read', async () => {
  const path = await file('a.yaml', 'kind: A\n---\nkind: [B\n---\nkind: C\n');
  const { manifests, problems } = await loadManifests([path]);
  expect(manifests.map((manifest) => manifest.value)).toEqual([{ kind: 'A' }, { kind: 'C' }]);
  expect(problems[0]).toContain(`${path}, document 2: line `);
});
