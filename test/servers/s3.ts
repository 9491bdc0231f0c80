/**
 * S3-compatible servers on loopback, for tests: SeaweedFS, and moto's as a second opinion where servers differ
 * (SeaweedFS lists by folder and turns `a//b` into `a/b`; moto lists in byte order, and lets any key in).
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { CreateBucketCommand, S3Client } from '@aws-sdk/client-s3';
import { installServers } from './install.ts';

export type Identity = { accessKeyID: string; secretAccessKey: string };

/** Plain data, so that it can be handed to test files. */
export type S3Address = { endpoint: string; region: string; admin: Identity; reader: Identity };

export type S3Server = { address: S3Address; stop: () => Promise<void> };

/** `reader` may get and list, nothing else. */
export const identities = {
  admin: { accessKeyID: 'admin', secretAccessKey: 'admin-secret' },
  reader: { accessKeyID: 'reader', secretAccessKey: 'reader-secret' },
} satisfies Record<string, Identity>;

/** SeaweedFS's list of identities. */
export function seaweedIdentities(): string {
  const identity = (name: keyof typeof identities, actions: string[]) => ({
    name,
    credentials: [{ accessKey: identities[name].accessKeyID, secretKey: identities[name].secretAccessKey }],
    actions,
  });
  return JSON.stringify({
    identities: [
      identity('admin', ['Admin', 'Read', 'Write', 'List', 'Tagging']),
      identity('reader', ['Read', 'List']),
    ],
  });
}

/** All in one process ("mini"), with nothing but the S3 gateway in front. */
export function seaweedOptions(folder: string, config: string): string[] {
  const off = [
    '-s3.port.iceberg=0',
    '-s3.port.lance=0',
    '-webdav=false',
    '-admin.ui=false',
    '-s3.autoCreateBucket=false',
  ];
  return ['mini', `-dir=${folder}`, `-s3.config=${config}`, ...off];
}

/**
 * Strict about keys; its data is deleted when it stops. `tables`: a bucket whose tables its Iceberg REST catalog keeps, and
 * the port of that.
 */
export async function startSeaweedFS(tables?: { bucket: string; port: number }): Promise<S3Server> {
  const [s3 = 0, s3Grpc, master, masterGrpc, volume, volumeGrpc, filer, filerGrpc, admin, adminGrpc] =
    await freePorts(10);
  const folder = await mkdtemp(join(tmpdir(), 'forebay-s3-'));
  const config = join(folder, 'identities.json');
  await writeFile(config, seaweedIdentities());
  const program = join(await installServers(), 'weed');
  const server = [program, '-v=0', ...seaweedOptions(folder, config), '-ip=127.0.0.1', '-ip.bind=127.0.0.1'];
  server.push(`-master.port=${master}`, `-master.port.grpc=${masterGrpc}`);
  server.push(`-volume.port=${volume}`, `-volume.port.grpc=${volumeGrpc}`);
  server.push(`-filer.port=${filer}`, `-filer.port.grpc=${filerGrpc}`);
  server.push(`-admin.port=${admin}`, `-admin.port.grpc=${adminGrpc}`);
  server.push(`-s3.port=${s3}`, `-s3.port.grpc=${s3Grpc}`);
  if (tables !== undefined) server.push(`-s3.port.iceberg=${tables.port}`, `-tableBucket=${tables.bucket}`);
  return start(server, s3, folder);
}

/** In memory; lets any key in. */
export async function startMoto(): Promise<S3Server> {
  const [port = 0] = await freePorts(1);
  const folder = await mkdtemp(join(tmpdir(), 'forebay-moto-'));
  return start([join(await installServers(), 'moto_server'), '-H', '127.0.0.1', '-p', `${port}`], port, folder);
}

export function s3Client(address: S3Address, identity: Identity = address.admin): S3Client {
  return new S3Client({
    endpoint: address.endpoint,
    region: address.region,
    forcePathStyle: true,
    credentials: { accessKeyId: identity.accessKeyID, secretAccessKey: identity.secretAccessKey },
  });
}

export async function createBucket(address: S3Address, name: string): Promise<void> {
  const client = s3Client(address);
  await client.send(new CreateBucketCommand({ Bucket: name }));
  client.destroy();
}

async function start(command: string[], port: number, folder: string): Promise<S3Server> {
  const [program = '', ...options] = command;
  const log = join(folder, 'server.log');
  const server = spawn(program, options, { stdio: ['ignore', 'pipe', 'pipe'], cwd: folder });
  const endWithUs = () => server.kill('SIGKILL');
  process.once('exit', endWithUs);
  server.once('exit', () => process.off('exit', endWithUs));
  const output = createWriteStream(log);
  server.stdout.pipe(output);
  server.stderr.pipe(output);
  const stop = async () => {
    await end(server);
    await rm(folder, { recursive: true, force: true });
  };
  const address = { endpoint: `http://127.0.0.1:${port}`, region: 'us-east-1', ...identities };
  await answers(server, address, log).catch(async (cause: unknown) => {
    await end(server);
    throw cause;
  });
  return { address, stop };
}

/** Waits until the server takes a bucket: it listens a while before it can. */
async function answers(server: ChildProcess, address: S3Address, log: string): Promise<void> {
  for (const until = Date.now() + 60_000; ; await setTimeout(50)) {
    try {
      return await createBucket(address, 'ready');
    } catch (cause) {
      const ended = server.exitCode !== null || server.signalCode !== null;
      if (ended || Date.now() > until) throw new Error(`the S3 server did not come up: see ${log}`, { cause });
    }
  }
}

async function end(server: ChildProcess): Promise<void> {
  if (server.exitCode !== null || server.signalCode !== null) return;
  const exit = once(server, 'exit');
  server.kill('SIGKILL'); // its data goes away with it
  await exit;
}

/** All held at the same time, so that they differ. */
export async function freePorts(count: number): Promise<number[]> {
  const servers = await Promise.all(
    Array.from({ length: count }, async () => {
      const server = createServer().listen(0, '127.0.0.1');
      await once(server, 'listening');
      return server;
    }),
  );
  return Promise.all(
    servers.map(async (server) => {
      const address = server.address();
      server.close();
      await once(server, 'close');
      if (address === null || typeof address === 'string') throw new Error('no port');
      return address.port;
    }),
  );
}
