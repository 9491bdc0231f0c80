/**
 * An API server of the test's own, which it may kill: etcd and kube-apiserver from the test cluster's programs, nothing
 * else. Where the cluster is kind's there are no such programs: `hasOwnApiServer` tells.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createWriteStream, existsSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { KubeConfig } from '@kubernetes/client-node';
import { Client, type Connection, connectionFrom } from '../../../../operator/runtime/index.ts';
import { clusterEnvironment, eventually } from '../../../support/cluster.ts';
import { clock } from './connect.ts';

const [programs = ''] = (clusterEnvironment.PATH ?? '').split(delimiter);

export const hasOwnApiServer = ['etcd', 'kube-apiserver'].every((name) => existsSync(join(programs, name)));

export class OwnApiServer {
  readonly server: string;
  readonly #folder: string;
  readonly #etcd: ChildProcess;
  readonly #command: readonly string[];
  readonly #token: string;
  #process: ChildProcess | undefined;

  private constructor(ports: Ports, folder: string, token: string) {
    this.server = `https://127.0.0.1:${ports.secure}`;
    this.#folder = folder;
    this.#token = token;
    this.#etcd = this.#spawn('etcd', etcdOptions(ports, folder));
    this.#command = apiServerOptions(ports, folder);
  }

  static async start(): Promise<OwnApiServer> {
    const folder = await mkdtemp(join(tmpdir(), 'forebay-api-'));
    const [secure, etcd, etcdPeer] = await Promise.all([freePort(), freePort(), freePort()]);
    const token = randomBytes(16).toString('hex');
    await writeFile(join(folder, 'tokens.csv'), `${token},admin,admin,system:masters\n`);
    const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2_048 });
    await writeFile(join(folder, 'sa.key'), privateKey.export({ type: 'pkcs8', format: 'pem' }));
    const own = new OwnApiServer({ secure, etcd, etcdPeer }, folder, token);
    await own.restart().catch(async (thrown: unknown) => {
      await own.stop();
      throw thrown;
    });
    return own;
  }

  client(server = this.server): Client {
    return new Client({ connection: this.connection(server), clock, fieldManager: 'tester' });
  }

  connection(server = this.server): Connection {
    const config = new KubeConfig();
    config.loadFromClusterAndUser({ name: 'own', server, skipTLSVerify: true }, { name: 'admin', token: this.#token });
    return connectionFrom(config, clock);
  }

  /** As when the machine loses it: nobody is told. */
  async kill(): Promise<void> {
    if (this.#process === undefined) return;
    this.#process.kill('SIGKILL');
    await once(this.#process, 'close');
    this.#process = undefined;
  }

  async restart(): Promise<void> {
    this.#process = this.#spawn('kube-apiserver', this.#command);
    const client = this.client();
    const namespace = { group: '', version: 'v1', plural: 'namespaces', kind: 'Namespace', namespaced: false };
    await eventually('the API server answers', async () => {
      const signal = AbortSignal.timeout(5_000);
      return await client.find(namespace, { name: 'default' }, { signal, mostAttempts: 1 });
    });
  }

  async stop(): Promise<void> {
    await this.kill();
    this.#etcd.kill('SIGKILL');
    await once(this.#etcd, 'close');
    await rm(this.#folder, { recursive: true, force: true });
  }

  #spawn(program: string, options: readonly string[]): ChildProcess {
    const child = spawn(join(programs, program), options, { stdio: ['ignore', 'pipe', 'pipe'] });
    const log = createWriteStream(join(this.#folder, `${program}.log`), { flags: 'a' });
    child.stdout.pipe(log, { end: false });
    child.stderr.pipe(log, { end: false });
    process.once('exit', () => child.kill('SIGKILL'));
    return child;
  }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  if (address === null || typeof address === 'string') throw new Error('no port');
  return address.port;
}

interface Ports {
  readonly secure: number;
  readonly etcd: number;
  readonly etcdPeer: number;
}

function etcdOptions({ etcd, etcdPeer }: Ports, folder: string): string[] {
  const clients = `http://127.0.0.1:${etcd}`;
  const peers = `http://127.0.0.1:${etcdPeer}`;
  return [
    ...['--name=own', `--data-dir=${join(folder, 'etcd')}`, '--unsafe-no-fsync', '--log-level=warn'],
    ...[`--listen-client-urls=${clients}`, `--advertise-client-urls=${clients}`],
    ...[`--listen-peer-urls=${peers}`, `--initial-advertise-peer-urls=${peers}`, `--initial-cluster=own=${peers}`],
  ];
}

function apiServerOptions({ secure, etcd }: Ports, folder: string): string[] {
  const key = join(folder, 'sa.key');
  return [
    ...[`--etcd-servers=http://127.0.0.1:${etcd}`, `--secure-port=${secure}`, '--bind-address=127.0.0.1'],
    ...[`--cert-dir=${join(folder, 'certificates')}`, `--token-auth-file=${join(folder, 'tokens.csv')}`],
    ...['--authorization-mode=RBAC', '--service-cluster-ip-range=10.222.0.0/16', '--endpoint-reconciler-type=none'],
    ...['--service-account-issuer=https://own.test', `--service-account-signing-key-file=${key}`],
    ...[`--service-account-key-file=${key}`, '--disable-admission-plugins=ServiceAccount'],
  ];
}
