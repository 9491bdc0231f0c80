/** The test cluster as tests, the demo and benchmarks use it. */
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout } from 'node:timers/promises';

const scripts = join(import.meta.dirname, '..', 'cluster');
const cache = join(process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'forebay', 'cluster');
const programs = process.env.CLUSTER_BIN ?? join(cache, 'bin');

/** Path of the cluster's kubeconfig, there or not. */
export const kubeconfig = join(process.env.CLUSTER_STATE ?? join(cache, 'state'), 'kubeconfig');

/** What a child process needs to use the cluster as a user does: PATH and KUBECONFIG. */
export const clusterEnvironment = { ...process.env, PATH: `${programs}:${process.env.PATH}`, KUBECONFIG: kubeconfig };

/** Starts the cluster if none runs; the first time on a machine this takes minutes and says so. */
export async function startCluster(): Promise<void> {
  await runVisibly(join(scripts, 'up'), []);
}

/** Puts an image archive on the cluster's node. */
export async function loadImage(archive: string): Promise<void> {
  await runVisibly(join(scripts, 'load'), [archive]);
}

/** Runs a program and gives its output; what it says on its error output is the message when it fails. */
export async function run(program: string, options: string[], input = ''): Promise<string> {
  return new Promise((resolve, reject) => {
    const command = [program, ...options].join(' ');
    const limits = { env: clusterEnvironment, maxBuffer: 256 * 1024 * 1024 };
    const child = execFile(program, options, limits, (failure, output, errors) => {
      if (failure) reject(new Error(`${command}: ${errors.trim() || failure.message}`, { cause: failure }));
      else resolve(output);
    });
    child.stdin?.end(input);
  });
}

/** Runs a program whose progress a person wants to see. */
export async function runVisibly(program: string, options: string[]): Promise<void> {
  const child = spawn(program, options, { env: clusterEnvironment, stdio: ['ignore', 'ignore', 'inherit'] });
  const [code] = await once(child, 'exit');
  if (code !== 0) throw new Error(`${program} ended with ${code}`);
}

export async function kubectl(options: string[], input?: string): Promise<string> {
  return run('kubectl', options, input);
}

export async function helm(options: string[]): Promise<string> {
  return run('helm', options);
}

/** Applies manifests: YAML text, or objects. */
export async function apply(namespace: string, manifests: string | object[]): Promise<void> {
  const text =
    typeof manifests === 'string' ? manifests : manifests.map((manifest) => JSON.stringify(manifest)).join('\n---\n');
  await kubectl(['apply', '--server-side', '--namespace', namespace, '-f', '-'], text);
}

/** Makes a namespace of the caller's own that enforces the `restricted` pod security standard, and gives its name. */
export async function makeNamespace(purpose: string): Promise<string> {
  const name = `${purpose}-${Math.random().toString(36).slice(2, 8)}`;
  const labels = { 'pod-security.kubernetes.io/enforce': 'restricted' };
  await kubectl(
    ['create', '-f', '-'],
    JSON.stringify({ apiVersion: 'v1', kind: 'Namespace', metadata: { name, labels } }),
  );
  return name;
}

export async function deleteNamespace(name: string): Promise<void> {
  await kubectl(['delete', 'namespace', name, '--wait=false']);
}

/** Waits until `probe` gives something, and gives that. What it last threw or lacked is told when time is up. */
export async function eventually<T>(what: string, probe: () => Promise<T | undefined>, seconds = 120): Promise<T> {
  let last: unknown;
  for (const until = Date.now() + seconds * 1000; Date.now() < until; await setTimeout(300)) {
    try {
      const found = await probe();
      if (found !== undefined) return found;
    } catch (failure) {
      last = failure;
    }
  }
  throw new Error(`within ${seconds} s: not ${what}`, { cause: last });
}

export type Forward = { url: string; stop: () => Promise<void> };

type ForwardTarget = { namespace: string; target: `${'service' | 'pod'}/${string}`; port: number };

/** Makes a port of a pod or service reachable from here. One whose pod has gone is connected to the next, under the
 * same address. */
export async function forward({ namespace, target, port }: ForwardTarget): Promise<Forward> {
  let stopped = false;
  let child: ChildProcess;
  const connect = async (localPort: string): Promise<string> => {
    const options = ['port-forward', '--namespace', namespace, target, `${localPort}:${port}`];
    child = spawn('kubectl', options, { env: clusterEnvironment, stdio: ['ignore', 'pipe', 'pipe'] });
    return firstMatch(child, /^Forwarding from 127\.0\.0\.1:(\d+)/);
  };
  const localPort = await connect('');
  process.once('exit', () => child.kill());
  const keepConnected = async () => {
    while (!stopped) {
      if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
      if (!stopped) await connect(localPort).catch(() => setTimeout(300));
    }
  };
  void keepConnected();
  return {
    url: `http://127.0.0.1:${localPort}`,
    stop: async () => {
      stopped = true;
      child.kill();
    },
  };
}

/** Reads the child's output until a line fits, then goes on reading so that the child never waits for us. */
async function firstMatch(child: ChildProcess, pattern: RegExp): Promise<string> {
  const { stdout, stderr } = child;
  if (!stdout || !stderr) throw new Error('the output must be piped');
  const errors: string[] = [];
  stderr.on('data', (chunk) => errors.push(String(chunk)));
  return new Promise((resolve, reject) => {
    createInterface(stdout).on('line', (line) => {
      const found = pattern.exec(line)?.[1];
      if (found) resolve(found);
    });
    child.once('error', reject);
    child.once('exit', () => reject(new Error(errors.join('').trim())));
  });
}
