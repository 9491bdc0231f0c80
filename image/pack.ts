/**
 * Packs folders into an OCI image archive, without a container engine: `ctr images import`, `kind load image-archive`
 * and `docker load` read it. The same input gives the same bytes: times are zero, owners are root, names are sorted.
 * Layers are not compressed, since the archive mostly travels within one machine.
 *
 *     node image/pack.ts --tag NAME:TAG --out FILE.tar [--entrypoint WORD]... [--user UID] FOLDER...
 *
 * A name needs a domain (forebay.test/app): a bare one would be taken for a name of a public registry.
 */
import { createHash } from 'node:crypto';
import {
  closeSync,
  lstatSync,
  openSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  renameSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';

export type ImageConfig = {
  Entrypoint?: string[];
  Cmd?: string[];
  Env?: string[];
  User?: string;
  WorkingDir?: string;
  Labels?: Record<string, string>;
};

/** `layers`: folders, the lowest first; each becomes one layer. */
export type Image = { tag: string; layers: string[]; config: ImageConfig };

type Blob = { descriptor: { mediaType: string; digest: string; size: number }; content: Buffer };

export function packImage(image: Image, out: string): void {
  const layers = image.layers.map((folder) =>
    blob('application/vnd.oci.image.layer.v1.tar', Buffer.concat([...tarOfFolder(folder), endOfTar])),
  );
  const config = jsonBlob('application/vnd.oci.image.config.v1+json', {
    architecture: process.arch === 'x64' ? 'amd64' : process.arch,
    os: 'linux',
    config: image.config,
    rootfs: { type: 'layers', diff_ids: layers.map((layer) => layer.descriptor.digest) },
  });
  const manifest = jsonBlob('application/vnd.oci.image.manifest.v1+json', {
    schemaVersion: 2,
    mediaType: 'application/vnd.oci.image.manifest.v1+json',
    config: config.descriptor,
    layers: layers.map((layer) => layer.descriptor),
  });
  const index = {
    schemaVersion: 2,
    manifests: [
      {
        ...manifest.descriptor,
        annotations: {
          'io.containerd.image.name': image.tag,
          'org.opencontainers.image.ref.name': image.tag.slice(image.tag.lastIndexOf(':') + 1),
        },
      },
    ],
  };

  const part = `${out}.part`;
  const file = openSync(part, 'w');
  const write = (name: string, content: Buffer) => {
    for (const piece of tarOfFile(name, 0o644, content)) writeSync(file, piece);
  };
  write('oci-layout', Buffer.from('{"imageLayoutVersion":"1.0.0"}'));
  write('index.json', Buffer.from(JSON.stringify(index)));
  for (const { descriptor, content } of [...layers, config, manifest]) {
    write(`blobs/${descriptor.digest.replace(':', '/')}`, content);
  }
  writeSync(file, endOfTar);
  closeSync(file);
  renameSync(part, out);
}

function jsonBlob(mediaType: string, value: unknown): Blob {
  return blob(mediaType, Buffer.from(JSON.stringify(value)));
}

function blob(mediaType: string, content: Buffer): Blob {
  const digest = `sha256:${createHash('sha256').update(content).digest('hex')}`;
  return { descriptor: { mediaType, digest, size: content.length }, content };
}

const blockSize = 512;
const endOfTar = Buffer.alloc(2 * blockSize);

function* tarOfFolder(folder: string, below = ''): Generator<Buffer> {
  for (const name of readdirSync(join(folder, below)).sort()) {
    const path = below ? `${below}/${name}` : name;
    const stat = lstatSync(join(folder, path));
    const mode = stat.mode & 0o7777;
    if (stat.isDirectory()) {
      yield tarHeader({ name: `${path}/`, mode, type: '5' });
      yield* tarOfFolder(folder, path);
    } else if (stat.isSymbolicLink()) {
      yield tarHeader({ name: path, mode: 0o777, type: '2', target: readlinkSync(join(folder, path)) });
    } else {
      yield* tarOfFile(path, mode, readFileSync(join(folder, path)));
    }
  }
}

function* tarOfFile(name: string, mode: number, content: Buffer): Generator<Buffer> {
  yield tarHeader({ name, mode, type: '0', size: content.length });
  yield content;
  yield Buffer.alloc((blockSize - (content.length % blockSize)) % blockSize);
}

type TarEntry = { name: string; mode: number; type: '0' | '2' | '5'; size?: number; target?: string };

/** A header of POSIX.1-1988 "ustar": https://pubs.opengroup.org/onlinepubs/9799919799/utilities/pax.html */
function tarHeader({ name, mode, type, size = 0, target = '' }: TarEntry): Buffer {
  const header = Buffer.alloc(blockSize);
  const text = (value: string, offset: number, length: number) => {
    if (Buffer.byteLength(value) > length) throw new Error(`${name}: too long for a tar archive`);
    header.write(value, offset);
  };
  const octal = (value: number, offset: number, length: number) =>
    text(value.toString(8).padStart(length - 1, '0'), offset, length);
  // A name of over 100 bytes is cut at a slash into a prefix and the rest.
  const cut = Buffer.byteLength(name) > 100 ? name.indexOf('/', name.length - 101) : -1;
  text(name.slice(cut + 1), 0, 100);
  octal(mode, 100, 8);
  octal(0, 108, 8);
  octal(0, 116, 8);
  octal(size, 124, 12);
  octal(0, 136, 12);
  header.fill(' ', 148, 156);
  text(type, 156, 1);
  text(target, 157, 100);
  text('ustar\0', 257, 6);
  text('00', 263, 2);
  text(cut > 0 ? name.slice(0, cut) : '', 345, 155);
  const sum = header.reduce((total, byte) => total + byte, 0);
  text(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 8);
  return header;
}

if (import.meta.main) {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      tag: { type: 'string' },
      out: { type: 'string' },
      entrypoint: { type: 'string', multiple: true },
      user: { type: 'string' },
    },
  });
  const { tag, out, entrypoint, user } = values;
  if (!tag || !out || positionals.length === 0) throw new Error('usage: see the head of image/pack.ts');
  packImage({ tag, layers: positionals, config: { Entrypoint: entrypoint, User: user } }, out);
}
