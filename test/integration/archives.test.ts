/** Archives and compressed files as Python's own library and the usual programs write them: nobody here wrote those. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { ingestAll } from '../../ingestor/engine/testing.ts';

const zipKinds = ['stored', 'deflated', 'bzip2', 'streamed'].map((kind) => `zip-${kind}`);
const tarKinds = ['ustar', 'gnu', 'pax'].flatMap((kind) => ['', '-gz', '-bz2'].map((suffix) => `tar-${kind}${suffix}`));

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'forebay-archives-'));
  execFileSync('python3', [join(import.meta.dirname, 'archives.py'), folder]);
});
afterAll(() => rmSync(folder, { recursive: true }));

async function read(name: string, inputCompression: 'Auto' | 'Deflate' = 'Auto') {
  const schema = { properties: { id: { type: 'integer' }, text: { type: 'string' } }, required: ['id', 'text'] };
  return await ingestAll(schema, [readFileSync(join(folder, name))], { inputCompression });
}

test.each(['gzip', 'gzip-members', 'bzip2', 'bzip2-level-1', 'bzip2-streams', ...zipKinds, ...tarKinds])(
  '%s is read whole',
  async (name) => {
    const { rows, output } = await read(name);
    expect(output.records).toMatchObject({ read: 20_000, ingested: 20_000 });
    expect(rows.map(({ id }) => id)).toEqual(Array.from({ length: 20_000 }, (_, id) => id));
  },
);

test.each(['zlib', 'deflate'])('%s is read whole where the task says Deflate', async (name) => {
  expect((await read(name, 'Deflate')).output.records).toMatchObject({ ingested: 20_000 });
});
