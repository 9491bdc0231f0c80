import { beforeEach, describe, expect, test } from 'vitest';
import { SimulatedApiServer } from '../../test/support/simulated-api-server.ts';
import { Client } from './client.ts';
import { SimulatedClock } from './clock.ts';
import { configMaps, leases } from './core.ts';
import { LeadershipLostError } from './errors.ts';
import { silentLogger } from './logger.ts';
import { Manager, type ManagerOptions } from './manager.ts';
import { Registry } from './metrics.ts';
import { primary } from './sources.ts';

const leaseKey = { namespace: 'system', name: 'operator' };
const leader = { ...leaseKey, identity: 'me' };

let clock: SimulatedClock;
let server: SimulatedApiServer;
let stop: AbortController;

beforeEach(() => {
  clock = new SimulatedClock(0);
  server = new SimulatedApiServer();
  stop = new AbortController();
});

function managerWith(options: Partial<ManagerOptions> = {}): Manager {
  const client = new Client({ connection: server.connection, clock, fieldManager: 'tester', random: () => 0 });
  return new Manager({ client, clock, log: silentLogger, metrics: new Registry(), ...options });
}

/** Runs it; the outcome is `running` until it has ended. */
async function run(manager: Manager): Promise<{ outcome: () => unknown }> {
  let outcome: unknown = 'running';
  manager.run(stop.signal).then(
    () => {
      outcome = 'stopped';
    },
    (thrown: unknown) => {
      outcome = thrown;
    },
  );
  await clock.settle();
  return { outcome: () => outcome };
}

/** A controller of ConfigMaps that records what it is asked. */
function withController(manager: Manager, work: (signal: AbortSignal) => Promise<void> = async () => {}): string[] {
  const seen: string[] = [];
  const informer = manager.informer(configMaps);
  manager.controller({
    name: 'test',
    sources: [primary(informer)],
    reconcile: async ({ name }, { signal }) => {
      seen.push(name);
      await work(signal);
    },
  });
  return seen;
}

const configMap = { metadata: { namespace: 'n', name: 'a' } };

describe('a manager', () => {
  test('works only once it leads and its caches are filled', async () => {
    server.put(leases, { metadata: leaseKey, spec: { holderIdentity: 'other', leaseDurationSeconds: 15 } });
    server.put(configMaps, configMap);
    server.fault = ({ path }) => (path.endsWith('/configmaps') ? { status: 500 } : undefined);
    const manager = managerWith({ leader });
    const seen = withController(manager);
    await run(manager);
    await clock.advance(20_000);
    expect([server.get(leases, leaseKey)?.spec?.holderIdentity, seen]).toEqual(['me', []]);
    server.fault = () => undefined;
    await clock.advance(40_000);
    expect(seen).toEqual(['a']);
  });

  test('waits for its lease without working', async () => {
    server.put(leases, { metadata: leaseKey, spec: { holderIdentity: 'other', leaseDurationSeconds: 15 } });
    server.put(configMaps, configMap);
    const manager = managerWith({ leader });
    const seen = withController(manager);
    const { outcome } = await run(manager);
    await clock.advance(10_000);
    expect(seen).toEqual([]);
    stop.abort();
    await clock.settle();
    expect(outcome()).toBe('stopped');
    expect([server.openWatches, clock.pendingTimers]).toEqual([0, 0]);
  });

  test('without a lease works at once', async () => {
    server.put(configMaps, configMap);
    const manager = managerWith();
    const seen = withController(manager);
    await run(manager);
    expect(seen).toEqual(['a']);
  });
});

describe('a manager that is told to stop', () => {
  test('lets work under way end, gives the lease back and leaves nothing behind', async () => {
    server.put(configMaps, configMap);
    const gate = Promise.withResolvers<void>();
    const manager = managerWith({ leader });
    withController(manager, () => gate.promise);
    const { outcome } = await run(manager);
    stop.abort();
    await clock.advance(20_000);
    expect([outcome(), server.get(leases, leaseKey)?.spec?.holderIdentity]).toEqual(['running', 'me']);
    gate.resolve();
    await clock.settle();
    expect([outcome(), server.get(leases, leaseKey)?.spec?.holderIdentity]).toEqual(['stopped', '']);
    expect([server.openWatches, clock.pendingTimers]).toEqual([0, 0]);
  });

  test('cuts work short after half a minute', async () => {
    server.put(configMaps, configMap);
    const manager = managerWith();
    withController(manager, (signal) => clock.sleep(3_600_000, signal));
    const { outcome } = await run(manager);
    stop.abort();
    await clock.advance(29_000);
    expect(outcome()).toBe('running');
    await clock.advance(1_000);
    expect([outcome(), clock.pendingTimers]).toEqual(['stopped', 0]);
  });

  test('does not wait for work that heeds no signal', async () => {
    server.put(configMaps, configMap);
    const manager = managerWith();
    withController(manager, () => new Promise(() => {}));
    const { outcome } = await run(manager);
    stop.abort();
    await clock.advance(32_000);
    expect(outcome()).toBe('stopped');
  });
});

describe('a manager that loses its lease', () => {
  test('stops work at once and ends with an error', async () => {
    server.put(configMaps, configMap);
    const manager = managerWith({ leader });
    const reasons: unknown[] = [];
    withController(manager, (signal) =>
      clock.sleep(3_600_000, signal).catch((reason: unknown) => void reasons.push(reason)),
    );
    const { outcome } = await run(manager);
    server.put(leases, { metadata: leaseKey, spec: { holderIdentity: 'other', leaseDurationSeconds: 15 } });
    await clock.advance(2_000);
    expect(reasons[0]).toBeInstanceOf(LeadershipLostError);
    expect(outcome()).toBeInstanceOf(LeadershipLostError);
    expect(server.get(leases, leaseKey)?.spec?.holderIdentity).toBe('other');
  });

  test('ends also when work heeds no signal', async () => {
    server.put(configMaps, configMap);
    const manager = managerWith({ leader });
    withController(manager, () => new Promise(() => {}));
    const { outcome } = await run(manager);
    server.put(leases, { metadata: leaseKey, spec: { holderIdentity: 'other', leaseDurationSeconds: 15 } });
    await clock.advance(5_000);
    expect(outcome()).toBeInstanceOf(LeadershipLostError);
  });
});

describe('what runs beside the controllers', () => {
  test('runs while this process leads, and is told to stop', async () => {
    const manager = managerWith({ leader });
    const seen: string[] = [];
    manager.add({
      name: 'beside',
      run: async (signal) => {
        seen.push('began');
        await clock.sleep(3_600_000, signal).catch(() => {});
        seen.push('ended');
      },
    });
    const { outcome } = await run(manager);
    stop.abort();
    await clock.settle();
    expect([seen, outcome()]).toEqual([['began', 'ended'], 'stopped']);
  });

  test('stops everything when it throws, and the lease is given back', async () => {
    const manager = managerWith({ leader });
    manager.add({
      name: 'beside',
      run: async (signal) => clock.sleep(1_000, signal).then(() => Promise.reject(new Error('broken'))),
    });
    const { outcome } = await run(manager);
    await clock.advance(1_000);
    expect(outcome()).toEqual(new Error('broken'));
    expect(server.get(leases, leaseKey)?.spec?.holderIdentity).toBe('');
  });
});

describe('the health of a manager', () => {
  test('is ready when its caches are filled, alive before', async () => {
    server.fault = () => ({ status: 500 });
    const manager = managerWith({ health: { host: '127.0.0.1', port: 0 } });
    manager.informer(configMaps);
    manager.addHealthCheck('own', () => undefined);
    const running = manager.run(stop.signal);
    const get = async (path: string) => {
      const response = await fetch(`http://127.0.0.1:${manager.healthPort}${path}`);
      return { status: response.status, body: await response.text() };
    };
    while (manager.healthPort === undefined) await clock.settle();
    expect((await get('/healthz')).status).toBe(200);
    expect(await get('/readyz')).toEqual({ status: 503, body: 'ok own\nfailed caches: not filled yet: configmaps\n' });
    server.fault = () => undefined;
    await clock.advance(60_000);
    expect((await get('/readyz')).status).toBe(200);
    stop.abort();
    await running;
    expect(manager.healthPort).toBeDefined();
  });
});
