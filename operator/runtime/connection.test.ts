import { KubeConfig } from '@kubernetes/client-node';
import { beforeEach, describe, expect, test } from 'vitest';
import { SimulatedClock } from './clock.ts';
import { type Connection, connectionFrom } from './connection.ts';

let clock: SimulatedClock;
let tokens: number;

beforeEach(() => {
  clock = new SimulatedClock(0);
  tokens = 0;
});

/** Each look at the credentials gives another token. */
function connect(server = 'https://127.0.0.1:1/'): Connection {
  const config = new KubeConfig();
  config.addAuthenticator({
    isAuthProvider: () => true,
    applyAuthentication: async (_user, options) => {
      tokens += 1;
      options.headers = { ...options.headers, Authorization: `Bearer ${tokens}` };
    },
  });
  config.loadFromOptions({
    clusters: [{ name: 'c', server, skipTLSVerify: true }],
    users: [{ name: 'u' }],
    contexts: [{ name: 'x', cluster: 'c', user: 'u', namespace: 'home' }],
    currentContext: 'x',
  });
  return connectionFrom(config, clock);
}

describe('a connection', () => {
  test('knows server and namespace', () => {
    expect(connect()).toMatchObject({ server: 'https://127.0.0.1:1', namespace: 'home' });
  });

  test('without a cluster says so', () => {
    expect(() => connectionFrom(new KubeConfig(), clock)).toThrow('no current cluster');
  });

  test('looks at the credentials once a minute, however many ask', async () => {
    const connection = connect();
    const ask = async () => (await connection.authorise(false)).headers.Authorization;
    expect(await Promise.all([ask(), ask(), ask()])).toEqual(['Bearer 1', 'Bearer 1', 'Bearer 1']);
    await clock.advance(59_000);
    expect(await ask()).toBe('Bearer 1');
    await clock.advance(1_000);
    expect(await Promise.all([ask(), ask()])).toEqual(['Bearer 2', 'Bearer 2']);
  });

  test('keeps its dispatcher for ten minutes, and closes the one that it leaves', async () => {
    const connection = connect();
    const { dispatcher } = await connection.authorise(false);
    await clock.advance(599_000);
    expect((await connection.authorise(false)).dispatcher).toBe(dispatcher);
    await clock.advance(61_000);
    const next = (await connection.authorise(false)).dispatcher;
    expect(next).not.toBe(dispatcher);
    await expect(dispatcher?.request({ origin: 'https://127.0.0.1:1', path: '/', method: 'GET' })).rejects.toThrow(
      /closed|destroyed/,
    );
    await next?.close();
  });

  test('takes everything anew when the server refused it', async () => {
    const connection = connect();
    const first = await connection.authorise(false);
    const second = await connection.authorise(true);
    expect(second.headers.Authorization).toBe('Bearer 2');
    expect(second.dispatcher).not.toBe(first.dispatcher);
  });
});
