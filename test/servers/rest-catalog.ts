/**
 * An Iceberg REST catalog on loopback, for tests: Apache Iceberg's own handlers and JDBC catalog (SQLite), metadata
 * files in a bucket of the S3 server it is given. Fetched from Maven Central once for each version of its sources.
 */
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createWriteStream, existsSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rename, rm } from 'node:fs/promises';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout } from 'node:timers/promises';
import { promisify } from 'node:util';
import { freePorts, type S3Address, startSeaweedFS } from './s3.ts';

const run = promisify(execFile);
const sources = join(import.meta.dirname, 'rest-catalog');
const program = 'RestCatalogServer.java';
const cache = join(process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'forebay', 'servers');

/** Plain data, so that it can be handed to test files. */
export type CatalogAddress = { uri: string; clientID: string; clientSecret: string; warehouse?: string };

export type CatalogServer = {
  address: CatalogAddress;
  /** As a node that dies: what it knew is in its files. */
  kill: () => Promise<void>;
  /** At the same address, with what it had. */
  restart: () => Promise<void>;
  /** Every token that was given becomes too old. */
  expireTokens: () => Promise<void>;
  stop: () => Promise<void>;
};

/** Asks for a token of `address`. */
export async function startRestCatalog(s3: S3Address): Promise<CatalogServer> {
  const installed = await installRestCatalog();
  const folder = await mkdtemp(join(tmpdir(), 'forebay-catalog-'));
  const identity = { clientID: 'forebay', clientSecret: 'catalog-secret' };
  const server = new Server(installed, folder, {
    ...identity,
    uri: `jdbc:sqlite:${join(folder, 'catalog.db')}`,
    warehouse: 's3://warehouse/',
    'jdbc.schema-version': 'V1',
    // SQLite takes one writer at a time.
    clients: '1',
    'io-impl': 'org.apache.iceberg.aws.s3.S3FileIO',
    's3.endpoint': s3.endpoint,
    's3.access-key-id': s3.admin.accessKeyID,
    's3.secret-access-key': s3.admin.secretAccessKey,
    's3.path-style-access': 'true',
    'client.region': s3.region,
  });
  const port = await server.start(0);
  const uri = `http://127.0.0.1:${port}`;
  return {
    address: { uri, ...identity },
    kill: () => server.kill(),
    restart: async () => {
      await server.start(port);
    },
    expireTokens: async () => {
      await fetch(`${uri}/test/expire-tokens`, { method: 'POST' });
    },
    stop: async () => {
      await server.kill();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/**
 * The catalog of SeaweedFS, another implementation of the protocol, with the bucket `tables`. The bucket takes nothing
 * but tables, so that no dataset can lie in it: for the client only.
 */
export async function startSeaweedCatalog(): Promise<Pick<CatalogServer, 'address' | 'stop'>> {
  const [port = 0] = await freePorts(1);
  const bucket = 'tables';
  const { address, stop } = await startSeaweedFS({ bucket, port });
  const uri = `http://127.0.0.1:${port}`;
  const warehouse = `s3://${bucket}`;
  const { accessKeyID: clientID, secretAccessKey: clientSecret } = address.admin;
  // The bucket comes some time after the server.
  for (const until = Date.now() + 60_000; !(await hasBucket(uri, bucket, clientID, clientSecret)); ) {
    if (Date.now() > until) throw new Error('the catalog of SeaweedFS did not come up');
    await setTimeout(100);
  }
  return { address: { uri, clientID, clientSecret, warehouse }, stop };
}

async function hasBucket(uri: string, bucket: string, clientID: string, clientSecret: string): Promise<boolean> {
  const form = { grant_type: 'client_credentials', client_id: clientID, client_secret: clientSecret, scope: 'catalog' };
  try {
    const answer = await fetch(`${uri}/v1/oauth/tokens`, { method: 'POST', body: new URLSearchParams(form) });
    const { access_token: token }: { access_token?: string } = JSON.parse(await answer.text());
    const headers = { authorization: `Bearer ${token}` };
    return (await fetch(`${uri}/v1/${bucket}/namespaces`, { headers })).ok;
  } catch {
    return false;
  }
}

class Server {
  readonly #installed: string;
  readonly #folder: string;
  readonly #settings: Readonly<Record<string, string>>;
  #child: ChildProcess | undefined;

  constructor(installed: string, folder: string, settings: Readonly<Record<string, string>>) {
    this.#installed = installed;
    this.#folder = folder;
    this.#settings = settings;
  }

  /** Gives the port it listens on. */
  async start(port: number): Promise<number> {
    const log = join(this.#folder, 'server.log');
    const classes = [join(this.#installed, 'classes'), join(this.#installed, 'lib', '*')].join(':');
    // A small heap and no second compiler: it starts in a second and leaves the processor to the tests.
    const machine = ['-Xmx256m', '-XX:TieredStopAtLevel=1', '-Dorg.slf4j.simpleLogger.defaultLogLevel=warn'];
    const settings = Object.entries({ ...this.#settings, port: String(port) }).map(
      ([name, value]) => `${name}=${value}`,
    );
    const command = [...machine, '-cp', classes, 'org.apache.iceberg.rest.RestCatalogServer', ...settings];
    const child = spawn('java', command, { stdio: ['pipe', 'pipe', 'pipe'], cwd: this.#folder });
    this.#child = child;
    child.stderr.pipe(createWriteStream(log, { flags: 'a' }));
    const { promise, resolve, reject } = Promise.withResolvers<number>();
    createInterface(child.stdout).on('line', (line) => {
      if (line.startsWith('port ')) resolve(Number(line.slice('port '.length)));
    });
    child.once('error', reject);
    child.once('exit', () => reject(new Error(`the REST catalog did not come up: see ${log}`)));
    return await promise;
  }

  async kill(): Promise<void> {
    const child = this.#child;
    this.#child = undefined;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const exit = once(child, 'exit');
    child.kill('SIGKILL');
    await exit;
  }
}

/** Gives the folder with `lib` and `classes`. */
async function installRestCatalog(): Promise<string> {
  const names = ['pom.xml', program];
  const texts = await Promise.all(names.map((name) => readFile(join(sources, name))));
  const digest = createHash('sha256').update(Buffer.concat(texts)).digest('hex').slice(0, 12);
  const folder = join(cache, `rest-catalog-${digest}`);
  if (existsSync(folder)) return folder;
  console.error('servers: fetching an Iceberg REST catalog from Maven Central, once on this machine (20 s, 100 MB)');
  await mkdir(cache, { recursive: true });
  const part = await mkdtemp(`${folder}.part-`);
  const lib = join(part, 'lib');
  const copy = ['-q', '-B', '-f', join(sources, 'pom.xml'), 'dependency:copy-dependencies', '-DincludeScope=runtime'];
  await run('mvn', [...copy, `-DoutputDirectory=${lib}`], { cwd: part }).catch(needs('Maven (Debian: maven)'));
  const compile = ['-proc:none', '-cp', join(lib, '*'), '-d', join(part, 'classes'), join(sources, program)];
  await run('javac', compile).catch(needs('a JDK of version 17 or newer (Debian: openjdk-17-jdk-headless)'));
  // Last, so that an installation that was broken off is made anew; another test run may have been faster.
  await rename(part, folder).catch(async (thrown: unknown) => {
    if (!existsSync(folder)) throw thrown;
    await rm(part, { recursive: true });
  });
  return folder;
}

function needs(what: string): (cause: unknown) => never {
  return (cause) => {
    throw new Error(`servers: the REST catalog needs ${what}`, { cause });
  };
}
