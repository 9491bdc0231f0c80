/** Connections that fall silent without being closed, as behind a firewall that forgets or a node that is gone. */
import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { Client, configMaps, connectionFrom, lead, namespaces, silentLogger } from '../../../operator/runtime/index.ts';
import { deleteNamespace, makeNamespace } from '../../support/cluster.ts';
import { clock, clusterConfig } from './support/connect.ts';

const signal = new AbortController().signal;

/** The way to the API server; what has come through so far can be made silent, new connections are not. */
class Passage {
  readonly #server: Server;
  readonly #open = new Set<Socket>();
  readonly #silent = new WeakSet<Socket>();

  private constructor(to: number) {
    this.#server = createServer((near) => this.#join(near, connect(to, '127.0.0.1')));
  }

  static async to(port: number): Promise<{ passage: Passage; port: number }> {
    const passage = new Passage(port);
    passage.#server.listen(0, '127.0.0.1');
    await once(passage.#server, 'listening');
    const address = passage.#server.address();
    if (address === null || typeof address === 'string') throw new Error('no port');
    return { passage, port: address.port };
  }

  silence(): void {
    for (const near of this.#open) this.#silent.add(near);
  }

  get connections(): number {
    return this.#open.size;
  }

  close(): void {
    for (const near of this.#open) near.destroy();
    this.#server.close();
  }

  #join(near: Socket, far: Socket): void {
    this.#open.add(near);
    near.on('data', (data) => void (this.#silent.has(near) || far.write(data)));
    far.on('data', (data) => void (this.#silent.has(near) || near.write(data)));
    for (const [one, other] of [
      [near, far],
      [far, near],
    ] as const) {
      one.on('error', () => other.destroy());
      one.on('close', () => other.destroy());
    }
    near.on('close', () => this.#open.delete(near));
  }
}

let passage: Passage;
let client: Client;

beforeEach(async () => {
  const config = clusterConfig();
  const [cluster] = config.clusters;
  if (cluster === undefined) throw new Error('the kubeconfig has no cluster');
  const opened = await Passage.to(Number(new URL(cluster.server).port));
  passage = opened.passage;
  config.clusters = [{ ...cluster, server: `https://127.0.0.1:${opened.port}` }];
  client = new Client({ connection: connectionFrom(config, clock), clock, fieldManager: 'tester' });
});

afterEach(() => {
  passage.close();
});

test('a silent connection costs one attempt, not the client', async () => {
  await client.list(namespaces, { signal });
  passage.silence();
  const { items } = await client.list(namespaces, { signal, timeoutSeconds: 0.5, mostAttempts: 4 });
  expect(items.length).toBeGreaterThan(0);
});

test('a watch has a connection of its own, and gives it back when it ends', async () => {
  const stop = new AbortController();
  const { resourceVersion } = await client.list(namespaces, { signal });
  const options = { resourceVersion, signal: stop.signal };
  const watches = [client.watch(namespaces, options).next(), client.watch(configMaps, options).next()];
  const outcomes = Promise.allSettled(watches);
  while (passage.connections < 2) await clock.sleep(20, signal);
  stop.abort();
  await outcomes;
  while (passage.connections > 1) await clock.sleep(20, signal);
});

test('a leader whose connection falls silent keeps its lease', async () => {
  const namespace = await makeNamespace('runtime-silence');
  const times = { leaseDurationSeconds: 8, renewDeadlineSeconds: 6, retryPeriodSeconds: 0.5 };
  const options = { client, clock, log: silentLogger, namespace, name: 'silent', identity: 'me', ...times };
  const { lost, release } = await lead(options, signal);
  passage.silence();
  await clock.sleep(7_000, AbortSignal.any([signal, lost])).catch(() => {});
  expect(lost.aborted).toBe(false);
  await release();
  await deleteNamespace(namespace);
});
