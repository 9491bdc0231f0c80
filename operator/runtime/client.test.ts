import { beforeEach, describe, expect, test } from 'vitest';
import { type Fault, SimulatedApiServer, type SimulatedRequest } from '../../test/support/simulated-api-server.ts';
import { Client } from './client.ts';
import { SimulatedClock } from './clock.ts';
import { configMaps, namespaces } from './core.ts';
import { ApiError, ConnectionError, isAlreadyExists, isConflict, isExpired, isNamespaceTerminating } from './errors.ts';
import { Registry } from './metrics.ts';

const key = { namespace: 'a', name: 'b' };
const configMap = { metadata: key, data: { colour: 'red' } };
const signal = new AbortController().signal;

let clock: SimulatedClock;
let server: SimulatedApiServer;
let client: Client;

beforeEach(() => {
  clock = new SimulatedClock();
  server = new SimulatedApiServer();
  client = new Client({ connection: server.connection, clock, fieldManager: 'tester', random: () => 0.5 });
});

/** Faults for the first requests, in order; none after. */
function failing(...faults: readonly (Fault | undefined)[]): void {
  let count = 0;
  server.fault = () => faults[count++];
}

function tooMany(retryAfter: string): Fault {
  return { status: 429, headers: { 'retry-after': retryAfter }, body: { code: 429, reason: 'TooManyRequests' } };
}

/** The outcome of a call after this much time, `waiting` when there is none yet. */
async function outcomeAfter(call: Promise<unknown>, milliseconds: number): Promise<unknown> {
  let outcome: unknown = 'waiting';
  call.then(
    (value) => {
      outcome = value;
    },
    (thrown: unknown) => {
      outcome = thrown;
    },
  );
  await clock.advance(milliseconds);
  return outcome;
}

describe('requests', () => {
  test('name group, version, namespace and kind as the API wants them', async () => {
    const seen: SimulatedRequest[] = [];
    server.fault = (request) => {
      seen.push(request);
      return undefined;
    };
    const things = { group: 'test.dev', version: 'v1', plural: 'things', kind: 'Thing', namespaced: true };
    await client.create(things, { metadata: { namespace: 'x', name: 'y' } }, { signal });
    await client.find(namespaces, { name: 'x' }, { signal });
    expect(server.requests).toEqual(['POST /apis/test.dev/v1/namespaces/x/things', 'GET /api/v1/namespaces/x']);
    expect(seen[0]?.body).toMatchObject({ apiVersion: 'test.dev/v1', kind: 'Thing' });
    expect(seen[0]?.query.get('fieldManager')).toBe('tester');
  });

  test('for a namespaced kind need a namespace', async () => {
    await expect(client.get(configMaps, { name: 'b' }, { signal })).rejects.toThrow('no namespace is given');
    await expect(client.create(configMaps, { metadata: { name: 'b' } }, { signal })).rejects.toThrow('no namespace');
  });

  test('to apply are forced and say who applies, in the media type of server-side apply', async () => {
    let seen: SimulatedRequest | undefined;
    server.fault = (request) => {
      seen = request;
      return undefined;
    };
    await client.apply(configMaps, configMap, { signal });
    expect(seen?.headers['content-type']).toBe('application/apply-patch+yaml');
    expect([seen?.query.get('fieldManager'), seen?.query.get('force')]).toEqual(['tester', 'true']);
  });

  test('to apply a status name the state of the object it was made from', async () => {
    const stored = server.put(configMaps, configMap);
    let seen: SimulatedRequest | undefined;
    server.fault = (request) => {
      seen = request;
      return undefined;
    };
    await client.applyStatus(configMaps as never, stored, { phase: 'Fine' } as never, { signal });
    expect(seen?.path).toBe('/api/v1/namespaces/a/configmaps/b/status');
    expect(seen?.body).toEqual({
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { ...key, resourceVersion: stored.metadata.resourceVersion },
      status: { phase: 'Fine' },
    });
  });
});

describe('answers', () => {
  test('of a list have their kind filled in', async () => {
    server.put(configMaps, configMap);
    const { items } = await client.list(configMaps, { signal });
    expect(items[0]).toMatchObject({ apiVersion: 'v1', kind: 'ConfigMap' });
  });

  test('come in pages', async () => {
    for (const name of ['a', 'b', 'c', 'd', 'e']) server.put(configMaps, { metadata: { namespace: 'n', name } });
    const sizes: number[] = [];
    for await (const page of client.pages(configMaps, { signal, limit: 2 })) sizes.push(page.items.length);
    expect(sizes).toEqual([2, 2, 1]);
  });

  test('of a get that finds nothing are an error, of a find undefined, of a delete false', async () => {
    await expect(client.get(configMaps, key, { signal })).rejects.toThrow('GET /api/v1/namespaces/a/configmaps/b');
    expect(await client.find(configMaps, key, { signal })).toBeUndefined();
    expect(await client.delete(configMaps, key, { signal })).toBe(false);
    server.put(configMaps, configMap);
    expect(await client.delete(configMaps, key, { signal })).toBe(true);
  });

  test('that refuse tell apart what exists and what has changed', async () => {
    const stored = server.put(configMaps, configMap);
    server.put(configMaps, { ...configMap, data: { colour: 'blue' } });
    const creating = await client.create(configMaps, configMap, { signal }).catch((thrown: unknown) => thrown);
    const updating = await client.update(configMaps, stored, { signal }).catch((thrown: unknown) => thrown);
    expect([isAlreadyExists(creating), isConflict(creating)]).toEqual([true, false]);
    expect([isAlreadyExists(updating), isConflict(updating)]).toEqual([false, true]);
  });

  test('that refuse because the namespace goes away say so', async () => {
    const details = { causes: [{ reason: 'NamespaceTerminating', message: 'a is being terminated' }] };
    failing({ status: 403, body: { code: 403, reason: 'Forbidden', message: 'no', details } });
    const thrown = await client.create(configMaps, configMap, { signal }).catch((error: unknown) => error);
    expect(isNamespaceTerminating(thrown)).toBe(true);
  });

  test('of something else than an API server still give a message', async () => {
    failing({ status: 502, body: '<html>Bad gateway</html>' });
    await expect(client.get(configMaps, key, { signal })).rejects.toThrow(/configmaps\/b: .*Bad gateway/);
  });
});

describe('a call that fails for a while', () => {
  test('is tried again after Retry-After', async () => {
    server.put(configMaps, configMap);
    failing(tooMany('2'), tooMany('2'));
    const call = client.get(configMaps, key, { signal });
    expect(await outcomeAfter(call, 2_000)).toBe('waiting');
    expect(await outcomeAfter(call, 3_000)).toMatchObject(configMap);
    expect(server.requests).toHaveLength(3);
  });

  test('does not wait longer than half a minute or so, whatever Retry-After says', async () => {
    server.put(configMaps, configMap);
    failing(tooMany('86400'));
    expect(await outcomeAfter(client.get(configMaps, key, { signal }), 40_000)).toMatchObject(configMap);
  });

  test('is given up after eight tries', async () => {
    server.fault = () => ({ status: 503, body: 'starting' });
    expect(await outcomeAfter(client.get(configMaps, key, { signal }), 60_000)).toBeInstanceOf(ApiError);
    expect(server.requests).toHaveLength(8);
  });

  test('is not tried again when the server has made up its mind', async () => {
    failing({ status: 422, body: { code: 422, reason: 'Invalid', message: 'spec.x is wrong' } });
    await expect(client.create(configMaps, configMap, { signal })).rejects.toThrow('spec.x is wrong');
    expect(server.requests).toHaveLength(1);
  });

  test('is tried again when its connection broke, also after the server has done it', async () => {
    failing('lost');
    expect(await outcomeAfter(client.apply(configMaps, configMap, { signal }), 1_000)).toMatchObject(configMap);
  });

  test('is tried again when no answer comes', async () => {
    server.put(configMaps, configMap);
    failing('silent');
    const call = client.get(configMaps, key, { signal, timeoutSeconds: 3 });
    expect(await outcomeAfter(call, 2_900)).toBe('waiting');
    expect(await outcomeAfter(call, 1_000)).toMatchObject(configMap);
  });

  test('stops at once when it is aborted while it waits, with the reason', async () => {
    failing(tooMany('10'));
    const controller = new AbortController();
    const call = client.get(configMaps, key, { signal: controller.signal });
    expect(await outcomeAfter(call, 100)).toBe('waiting');
    controller.abort(new Error('not needed any more'));
    expect(await outcomeAfter(call, 0)).toEqual(new Error('not needed any more'));
    expect(clock.pendingTimers).toBe(0);
  });

  test('leaves no timer behind', async () => {
    failing('refused', tooMany('1'));
    await outcomeAfter(client.apply(configMaps, configMap, { signal }), 10_000);
    expect(clock.pendingTimers).toBe(0);
  });
});

describe('a create', () => {
  test('that may have arrived is not sent twice', async () => {
    failing('lost');
    expect(await outcomeAfter(client.create(configMaps, configMap, { signal }), 60_000)).toBeInstanceOf(
      ConnectionError,
    );
    expect(server.requests).toHaveLength(1);
  });

  test('that found no connection is sent again', async () => {
    failing('refused', 'refused');
    expect(await outcomeAfter(client.create(configMaps, configMap, { signal }), 5_000)).toMatchObject(configMap);
  });
});

describe('credentials', () => {
  test('that are refused are renewed once', async () => {
    server.put(configMaps, configMap);
    const renewals: boolean[] = [];
    const connection = {
      ...server.connection,
      authorise: (renew: boolean) => {
        renewals.push(renew);
        return server.connection.authorise(renew);
      },
    };
    client = new Client({ connection, clock, fieldManager: 'tester' });
    const refused = { status: 401, body: { code: 401, reason: 'Unauthorized', message: 'who are you' } };
    failing(refused);
    expect(await client.get(configMaps, key, { signal })).toMatchObject(configMap);
    failing(refused, refused);
    await expect(client.get(configMaps, key, { signal })).rejects.toThrow('who are you');
    expect(renewals).toEqual([false, true, false, true]);
  });
});

describe('a watch', () => {
  test('tells of every change from a version on, until the server ends it', async () => {
    server.put(configMaps, configMap);
    const seen: string[] = [];
    const watching = (async () => {
      for await (const event of client.watch(configMaps, { signal, resourceVersion: '1' })) seen.push(event.type);
    })();
    await clock.settle();
    server.put(configMaps, { ...configMap, data: {} });
    server.bookmark();
    server.remove(configMaps, key);
    server.endWatches('timeout');
    await watching;
    expect(seen).toEqual(['ADDED', 'MODIFIED', 'BOOKMARK', 'DELETED']);
  });

  test('from a version that is too old says so', async () => {
    server.put(configMaps, configMap);
    server.compact();
    const thrown = await client
      .watch(configMaps, { signal, resourceVersion: '1' })
      .next()
      .catch((error: unknown) => error);
    expect(isExpired(thrown)).toBe(true);
  });

  test.each(['killed', 'silent'] as const)('whose connection is %s is an error that can be told', async (how) => {
    const next = client.watch(configMaps, { signal, resourceVersion: '1' }).next();
    await clock.settle();
    if (how === 'killed') server.endWatches('killed');
    expect(await outcomeAfter(next, how === 'killed' ? 0 : 151_000)).toBeInstanceOf(ConnectionError);
    expect(clock.pendingTimers).toBe(0);
  });

  test('is not silent while bookmarks come', async () => {
    const seen: unknown[] = [];
    const controller = new AbortController();
    const watching = (async () => {
      for await (const event of client.watch(configMaps, { signal: controller.signal, resourceVersion: '1' }))
        seen.push(event);
    })();
    for (let minute = 0; minute < 10; minute++) {
      await clock.advance(60_000);
      server.bookmark();
    }
    await clock.settle();
    expect(seen).toHaveLength(10);
    controller.abort(new Error('enough'));
    await expect(watching).rejects.toThrow('enough');
    expect(server.openWatches).toBe(0);
  });
});

test('requests are counted by method and status code', async () => {
  const registry = new Registry();
  const requests = registry.counter({ name: 'requests', help: 'Requests' });
  client = new Client({ connection: server.connection, clock, fieldManager: 'tester', requests });
  await client.find(configMaps, key, { signal });
  failing('refused');
  await outcomeAfter(client.find(configMaps, key, { signal }), 1_000);
  expect(registry.text()).toContain('requests{code="404",method="GET"} 2\nrequests{code="<error>",method="GET"} 1');
});
