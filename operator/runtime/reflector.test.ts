import { beforeEach, describe, expect, test } from 'vitest';
import { SimulatedApiServer } from '../../test/support/simulated-api-server.ts';
import { Client } from './client.ts';
import { SimulatedClock } from './clock.ts';
import { type ConfigMap, configMaps } from './core.ts';
import { silentLogger } from './logger.ts';
import { type InformerOptions, Reflector } from './reflector.ts';

let clock: SimulatedClock;
let server: SimulatedApiServer;
let stop: AbortController;

beforeEach(() => {
  clock = new SimulatedClock(0);
  server = new SimulatedApiServer();
  stop = new AbortController();
});

function object(name: string, colour = 'red'): ConfigMap {
  return { metadata: { namespace: 'n', name }, data: { colour } };
}

/** A reflector that runs, and has had time to list and watch. */
async function running(options: InformerOptions<ConfigMap> = {}): Promise<Reflector<ConfigMap>> {
  const client = new Client({ connection: server.connection, clock, fieldManager: 'tester', random: () => 0 });
  const reflector = new Reflector(configMaps, { ...options, client, clock, log: silentLogger, random: () => 0 });
  void reflector.run(stop.signal);
  await clock.settle();
  return reflector;
}

function names(reflector: Reflector<ConfigMap>): string[] {
  return reflector.store
    .list()
    .map((o) => o.metadata.name)
    .sort();
}

function requestsSince(start: number): string[] {
  return server.requests.slice(start).map((request) => request.split(' ')[0] ?? '');
}

describe('a reflector', () => {
  test('lists, is synced, then follows what changes', async () => {
    server.put(configMaps, object('a'));
    const reflector = await running();
    await reflector.synced;
    expect(reflector.hasSynced).toBe(true);
    server.put(configMaps, object('b'));
    server.put(configMaps, object('a', 'blue'));
    await clock.settle();
    expect(names(reflector)).toEqual(['a', 'b']);
    expect(reflector.store.get('n/a')?.data?.colour).toBe('blue');
    server.remove(configMaps, { namespace: 'n', name: 'a' });
    await clock.settle();
    expect(names(reflector)).toEqual(['b']);
    expect(requestsSince(0)).toEqual(['GET', 'WATCH']);
  });

  test('keeps to its namespace', async () => {
    server.put(configMaps, object('a'));
    server.put(configMaps, { metadata: { namespace: 'other', name: 'b' } });
    expect(names(await running({ namespace: 'n' }))).toEqual(['a']);
  });

  test('keeps no managed fields, and only what the trim leaves', async () => {
    server.put<ConfigMap>(configMaps, {
      ...object('a'),
      metadata: { ...object('a').metadata, ...{ managedFields: [] } },
    });
    const reflector = await running({ trim: ({ metadata }) => ({ metadata }) });
    expect(Object.keys(reflector.store.get('n/a') ?? {})).toEqual(['metadata']);
    expect(reflector.store.get('n/a')?.metadata).not.toHaveProperty('managedFields');
  });

  test('goes on where it was when the server ends the watch', async () => {
    const reflector = await running();
    server.endWatches('timeout');
    server.put(configMaps, object('meanwhile'));
    await clock.advance(2_000);
    expect(names(reflector)).toEqual(['meanwhile']);
    expect(requestsSince(0)).toEqual(['GET', 'WATCH', 'WATCH']);
  });

  test('resumes from a bookmark though the past is forgotten', async () => {
    await running();
    server.bookmark();
    await clock.settle();
    server.compact();
    server.endWatches('timeout');
    await clock.advance(2_000);
    expect(requestsSince(0)).toEqual(['GET', 'WATCH', 'WATCH']);
    expect(server.openWatches).toBe(1);
  });

  test('lists again at once when the version it stopped at has expired', async () => {
    server.put(configMaps, object('gone'));
    server.put(configMaps, object('stays'));
    const reflector = await running();
    await clock.advance(5_000);
    server.endWatches('timeout');
    server.remove(configMaps, { namespace: 'n', name: 'gone' });
    server.put(configMaps, object('new'));
    server.compact();
    await clock.settle();
    expect(requestsSince(2)).toEqual(['WATCH', 'GET', 'WATCH']);
    expect(names(reflector)).toEqual(['new', 'stays']);
  });

  test('does not storm the server when every version it gets has expired at once', async () => {
    await running();
    const expired = { status: 410, body: { code: 410, reason: 'Expired', message: 'too old' } };
    server.fault = ({ query }) => (query.has('watch') ? expired : undefined);
    server.endWatches('killed');
    await clock.advance(120_000);
    expect(requestsSince(2).length).toBeLessThan(30);
  });

  test.each([
    ['the connection breaks', () => server.endWatches('killed')],
    ['the server is away', () => Object.assign(server, { fault: () => 'refused' }).endWatches('killed')],
    ['it is forbidden', () => Object.assign(server, { fault: () => ({ status: 403 }) }).endWatches('killed')],
    ['the server is broken', () => Object.assign(server, { fault: () => ({ status: 500 }) }).endWatches('killed')],
    [
      'the answer is no JSON',
      () => Object.assign(server, { fault: () => ({ status: 200, body: '<html>\n' }) }).endWatches('killed'),
    ],
  ])('comes back by itself when %s', async (_what, fail) => {
    const reflector = await running();
    fail();
    await clock.advance(600_000);
    server.fault = () => undefined;
    server.put(configMaps, object('later'));
    await clock.advance(40_000);
    expect(names(reflector)).toEqual(['later']);
  });

  test('waits longer after each failure, between 0.8 and 30 s', async () => {
    await running();
    const times: number[] = [];
    server.fault = () => {
      times.push(clock.now());
      return { status: 500 };
    };
    server.endWatches('killed');
    await clock.advance(120_000);
    const waits = times.map((time, index) => time - (times[index - 1] ?? 0));
    expect(waits.slice(0, 7)).toEqual([800, 1_600, 3_200, 6_400, 12_800, 20_000, 20_000]);
  });

  test('that cannot list at first is not synced, and is once it can', async () => {
    server.fault = () => ({ status: 403 });
    const reflector = await running();
    await clock.advance(30_000);
    expect(reflector.hasSynced).toBe(false);
    server.fault = () => undefined;
    await clock.advance(30_000);
    expect(reflector.hasSynced).toBe(true);
  });

  test('begins a list anew whose pages expired on the way', async () => {
    for (let i = 0; i < 600; i++) server.put(configMaps, object(`a${i}`));
    let isFirst = true;
    server.fault = ({ query }) => {
      if (!query.get('continue') || !isFirst) return undefined;
      isFirst = false;
      return { status: 410, body: { code: 410, reason: 'Expired' } };
    };
    const reflector = await running();
    await clock.advance(2_000);
    expect(reflector.store.size).toBe(600);
  });

  test('leaves a connection that has fallen silent', async () => {
    const reflector = await running();
    server.fault = ({ query }) => (query.has('watch') ? 'silent' : undefined);
    server.endWatches('timeout');
    await clock.advance(100_000);
    server.fault = () => undefined;
    server.put(configMaps, object('unheard'));
    await clock.advance(100_000);
    expect(names(reflector)).toEqual(['unheard']);
  });

  test('does not spin when watches end as soon as they begin', async () => {
    await running();
    server.fault = ({ query }) => (query.has('watch') ? { status: 200, body: '' } : undefined);
    server.endWatches('killed');
    await clock.advance(60_000);
    expect(requestsSince(0).length).toBeLessThan(12);
  });

  test('goes on when one object upsets an index or a listener', async () => {
    const reflector = await running({
      indexes: {
        colour: (o) => {
          if (o.data?.colour === 'poison') throw new Error('no colour');
          return [o.data?.colour ?? ''];
        },
      },
    });
    reflector.store.subscribe(({ after }) => {
      if (after?.data?.colour === 'poison') throw new Error('no listener');
    });
    server.put(configMaps, object('a', 'poison'));
    server.put(configMaps, object('b', 'red'));
    await clock.settle();
    expect(names(reflector)).toEqual(['a', 'b']);
    expect(reflector.store.byIndex('colour', 'red')).toHaveLength(1);
    expect(requestsSince(0)).toEqual(['GET', 'WATCH']);
  });

  test('ends with its signal and leaves neither watch nor timer', async () => {
    await running();
    stop.abort();
    await clock.settle();
    expect([server.openWatches, clock.pendingTimers]).toEqual([0, 0]);
  });
});
