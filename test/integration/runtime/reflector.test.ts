import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import {
  type Client,
  type ConfigMap,
  type Connection,
  configMaps,
  isExpired,
  Reflector,
  silentLogger,
} from '../../../operator/runtime/index.ts';
import { deleteNamespace, eventually, makeNamespace } from '../../support/cluster.ts';
import { clock, clusterClient, clusterConnection } from './support/connect.ts';

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

/** The way to the API server, on which the paths of watches can be changed. */
function rewriting(rewrite: (path: string) => string): { connection: Connection; watches: string[] } {
  const real = clusterConnection();
  const watches: string[] = [];
  const connection: Connection = {
    ...real,
    authorise: async (renew) => {
      const { headers, dispatcher } = await real.authorise(renew);
      if (dispatcher === undefined) throw new Error('the cluster is reached over TLS');
      const rewritten = dispatcher.compose((dispatch) => (options, handler) => {
        if (!options.path.includes('watch=true')) return dispatch(options, handler);
        watches.push(options.path);
        return dispatch({ ...options, path: rewrite(options.path) }, handler);
      });
      return { headers, dispatcher: rewritten };
    },
  };
  return { connection, watches };
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

  test('lists anew when the version to go on from is too old', async () => {
    await put('d', 'expired', 'red');
    let old = 1;
    const { connection, watches } = rewriting((path) => {
      const isFirst = old-- > 0;
      return isFirst ? path.replace(/resourceVersion=\d+/, 'resourceVersion=1') : path;
    });
    const reflector = await reflect('expired', clusterClient('tester', connection));
    await eventually('a second watch', async () => (watches.length > 1 ? true : undefined));
    await put('e', 'expired', 'blue');
    await untilColours(reflector, { d: 'red', e: 'blue' });
  });

  test('goes on where it was after the server has ended the watch', async () => {
    await put('f', 'resumed', 'red');
    const { connection, watches } = rewriting((path) => path.replace(/timeoutSeconds=\d+/, 'timeoutSeconds=2'));
    const reflector = await reflect('resumed', clusterClient('tester', connection));
    await eventually('three watches', async () => (watches.length > 2 ? true : undefined));
    await put('g', 'resumed', 'blue');
    await untilColours(reflector, { f: 'red', g: 'blue' });
  });
});

test('a watch from a version that is too old is refused as expired', async () => {
  const watching = client.watch(configMaps, { namespace, resourceVersion: '1', signal }).next();
  const thrown = await watching.catch((error: unknown) => error);
  expect(isExpired(thrown)).toBe(true);
});
