import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { type Client, type ConfigMap, configMaps, Reflector, silentLogger } from '../../../operator/runtime/index.ts';
import { deleteNamespace, eventually, makeNamespace } from '../../support/cluster.ts';
import { clock, clusterClient, clusterConnection, rewriting } from './support/connect.ts';

const signal = new AbortController().signal;
const client = clusterClient();

let namespace: string;
let stop: AbortController;
let running: Promise<void>;

beforeAll(async () => {
  namespace = await makeNamespace('runtime-reflector');
});

afterAll(async () => {
  await deleteNamespace(namespace);
});

beforeEach(() => {
  stop = new AbortController();
  running = Promise.resolve();
});

afterEach(async () => {
  stop.abort();
  await running;
});

async function reflect(label: string, through: Client): Promise<Reflector<ConfigMap>> {
  const labelSelector = `test=${label}`;
  const reflector = new Reflector(configMaps, { client: through, clock, log: silentLogger, namespace, labelSelector });
  running = reflector.run(stop.signal);
  await reflector.synced;
  return reflector;
}

async function put(name: string, label: string, colour: string): Promise<void> {
  const metadata = { namespace, name, labels: { test: label } };
  await client.apply(configMaps, { metadata, data: { colour } }, { signal });
}

function colours(reflector: Reflector<ConfigMap>): Record<string, string | undefined> {
  return Object.fromEntries(reflector.store.list().map(({ metadata, data }) => [metadata.name, data?.colour]));
}

async function untilColours(reflector: Reflector<ConfigMap>, expected: Record<string, string>): Promise<void> {
  const isThere = () => JSON.stringify(colours(reflector)) === JSON.stringify(expected);
  await eventually(JSON.stringify(expected), async () => (isThere() ? true : undefined), 30);
}

describe('a reflector on a real API server', () => {
  test('sees what is there, what comes, changes and goes, of its labels alone', async () => {
    await put('a', 'follow', 'red');
    await put('x', 'else', 'red');
    const reflector = await reflect('follow', client);
    expect(colours(reflector)).toEqual({ a: 'red' });
    await put('b', 'follow', 'blue');
    await put('a', 'follow', 'green');
    await untilColours(reflector, { a: 'green', b: 'blue' });
    await client.delete(configMaps, { namespace, name: 'a' }, { signal });
    await untilColours(reflector, { b: 'blue' });
  });

  test('sees an object go whose labels no longer fit', async () => {
    await put('c', 'relabel', 'red');
    const reflector = await reflect('relabel', client);
    await put('c', 'elsewhere', 'red');
    await untilColours(reflector, {});
  });

  test('gets dates as strings in lists and in watches', async () => {
    await put('listed', 'dates', 'red');
    const reflector = await reflect('dates', client);
    await put('watched', 'dates', 'red');
    await untilColours(reflector, { listed: 'red', watched: 'red' });
    const times = reflector.store.list().map(({ metadata }) => metadata.creationTimestamp);
    expect(times).toEqual([expect.stringMatching(/^\d{4}-.*Z$/), expect.stringMatching(/^\d{4}-.*Z$/)]);
  });

  test('goes on where it was after the server has ended the watch', async () => {
    await put('f', 'resumed', 'red');
    const { connection, watches } = rewriting(clusterConnection(), (path) =>
      path.replace(/timeoutSeconds=\d+/, 'timeoutSeconds=2'),
    );
    const reflector = await reflect('resumed', clusterClient('tester', connection));
    await eventually('three watches', async () => (watches.length > 2 ? true : undefined));
    await put('g', 'resumed', 'blue');
    await untilColours(reflector, { f: 'red', g: 'blue' });
  });
});
