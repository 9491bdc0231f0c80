import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { packImage } from './pack.ts';

let folder = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'forebay-pack-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

/** Names in a tar archive with their content, read by the format's fixed offsets. */
function untar(archive: Buffer): Map<string, Buffer> {
  const entries = new Map<string, Buffer>();
  const text = (offset: number, length: number) =>
    archive.toString('utf8', offset, offset + length).split('\0')[0] ?? '';
  for (let offset = 0; archive[offset]; ) {
    const size = Number.parseInt(text(offset + 124, 12), 8);
    const prefix = text(offset + 345, 155);
    const name = (prefix ? `${prefix}/` : '') + text(offset, 100);
    entries.set(name, archive.subarray(offset + 512, offset + 512 + size));
    offset += 512 + Math.ceil(size / 512) * 512;
  }
  return entries;
}

function pack(layer: string): Map<string, Buffer> {
  const out = join(folder, 'image.tar');
  packImage({ tag: 'forebay.test/it:dev', layers: [layer], config: { User: '65532' } }, out);
  return untar(readFileSync(out));
}

function document(blobs: Map<string, Buffer>, name: string) {
  return JSON.parse(String(blobs.get(name)));
}

test('index, manifest and configuration lead to a layer that holds the folder', () => {
  const layer = join(folder, 'layer');
  const deep = join('a'.repeat(90), 'b'.repeat(90));
  mkdirSync(join(layer, deep), { recursive: true });
  writeFileSync(join(layer, deep, 'file'), 'content');
  symlinkSync('file', join(layer, 'link'));

  const blobs = pack(layer);
  const blob = (digest: string) => `blobs/${digest.replace(':', '/')}`;
  const manifest = document(blobs, blob(document(blobs, 'index.json').manifests[0].digest));
  const config = document(blobs, blob(manifest.config.digest));
  expect(config.config.User).toBe('65532');
  expect(config.rootfs.diff_ids).toEqual([manifest.layers[0].digest]);
  const content = untar(blobs.get(blob(manifest.layers[0].digest)) ?? Buffer.alloc(0));
  expect(String(content.get(`${deep}/file`))).toBe('content');
  expect([...content.keys()]).toContain('link');
});

test('times and the order of creation do not change a byte', () => {
  const makeLayer = (name: string, files: string[], time: number) => {
    const layer = join(folder, name);
    mkdirSync(layer);
    chmodSync(layer, 0o755);
    for (const file of files) {
      writeFileSync(join(layer, file), file);
      utimesSync(join(layer, file), time, time);
    }
    return layer;
  };
  expect(pack(makeLayer('one', ['x', 'y'], 1))).toEqual(pack(makeLayer('two', ['y', 'x'], 2)));
});

test('a name that does not fit is refused', () => {
  const layer = join(folder, 'layer');
  mkdirSync(layer);
  writeFileSync(join(layer, 'n'.repeat(120)), '');
  expect(() => pack(layer)).toThrow('too long');
});
