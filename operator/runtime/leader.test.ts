import { beforeEach, describe, expect, test } from 'vitest';
import { SimulatedApiServer, type SimulatedRequest } from '../../test/support/simulated-api-server.ts';
import { Client } from './client.ts';
import { SimulatedClock } from './clock.ts';
import { leases } from './core.ts';
import { LeadershipLostError } from './errors.ts';
import { type Leadership, lead } from './leader.ts';
import { silentLogger } from './logger.ts';
import { Registry } from './metrics.ts';

const never = new AbortController().signal;
const key = { namespace: 'system', name: 'operator' };

let clock: SimulatedClock;
let server: SimulatedApiServer;

beforeEach(() => {
  clock = new SimulatedClock('2026-01-01T00:00:00Z');
  server = new SimulatedApiServer();
});

interface Candidate {
  readonly metrics: Registry;
  readonly stop: AbortController;
  leadership?: Leadership;
  /** When it began to lead, in seconds. */
  since?: number;
}

/** A process that wants to lead; `fault` makes its own way to the server bad. */
async function candidate(identity: string): Promise<Candidate> {
  const client = new Client({
    connection: server.connection,
    clock,
    fieldManager: identity,
    userAgent: identity,
    random: () => 0,
  });
  const metrics = new Registry();
  const process: Candidate = { metrics, stop: new AbortController() };
  const status = metrics.gauge({ name: 'leader_election_master_status', help: 'h' });
  const options = { client, clock, log: silentLogger, ...key, identity, random: () => 0, status };
  lead(options, process.stop.signal).then(
    (leadership) => Object.assign(process, { leadership, since: clock.monotonic() / 1_000 }),
    () => {},
  );
  await clock.settle();
  return process;
}

/** From now on this process cannot reach the server. */
function cutOff(identity: string, how: 'refused' | 'silent' | 'lost' = 'refused'): void {
  server.fault = ({ headers }: SimulatedRequest) => (headers['user-agent'] === identity ? how : undefined);
}

function isLeading({ leadership }: Candidate): boolean {
  return leadership !== undefined && !leadership.lost.aborted;
}

describe('the lease', () => {
  test('goes to the first, who renews it every two seconds with times the API takes', async () => {
    const a = await candidate('a');
    expect(isLeading(a)).toBe(true);
    expect(server.get(leases, key)?.spec).toEqual({
      holderIdentity: 'a',
      leaseDurationSeconds: 15,
      leaseTransitions: 0,
      acquireTime: '2026-01-01T00:00:00.000000Z',
      renewTime: '2026-01-01T00:00:00.000000Z',
    });
    await clock.advance(4_000);
    expect(server.get(leases, key)?.spec).toMatchObject({
      acquireTime: '2026-01-01T00:00:00.000000Z',
      renewTime: '2026-01-01T00:00:04.000000Z',
    });
  });

  test('stays where it is for as long as it is renewed', async () => {
    const a = await candidate('a');
    const b = await candidate('b');
    await clock.advance(120_000);
    expect([isLeading(a), isLeading(b)]).toEqual([true, false]);
  });

  test('goes to one of many that ask at once', async () => {
    const all = await Promise.all(['a', 'b', 'c', 'd'].map(candidate));
    await clock.advance(20_000);
    expect(all.filter(isLeading)).toHaveLength(1);
  });

  test('is taken 15 s after its holder was last seen alive, not earlier', async () => {
    await candidate('a');
    const b = await candidate('b');
    await clock.advance(11_000);
    cutOff('a');
    const last = Date.parse(server.get(leases, key)?.spec?.renewTime ?? '');
    await clock.advance(30_000);
    const taken = (b.since ?? 0) - (last - Date.parse('2026-01-01T00:00:00Z')) / 1_000;
    expect(taken).toBeGreaterThanOrEqual(15);
    expect(taken).toBeLessThanOrEqual(19);
    expect(server.get(leases, key)?.spec).toMatchObject({ holderIdentity: 'b', leaseTransitions: 1 });
  });

  test.each([-86_400_000, 86_400_000])('does not move because a clock is %i ms off', async (off) => {
    const a = await candidate('a');
    clock.jump(off);
    const b = await candidate('b');
    await clock.advance(60_000);
    expect([isLeading(a), isLeading(b)]).toEqual([true, false]);
  });

  test('waits as long as its holder promised, not as long as the candidate would', async () => {
    server.put(leases, { metadata: key, spec: { holderIdentity: 'old', leaseDurationSeconds: 40 } });
    const b = await candidate('b');
    await clock.advance(39_000);
    expect(isLeading(b)).toBe(false);
    await clock.advance(4_000);
    expect(isLeading(b)).toBe(true);
  });

  test('that was given back is taken at once', async () => {
    const a = await candidate('a');
    const b = await candidate('b');
    await a.leadership?.release();
    expect(server.get(leases, key)?.spec?.holderIdentity).toBe('');
    await clock.advance(2_000);
    expect(isLeading(b)).toBe(true);
  });

  test('of an earlier life is not waited for when the identity is the same', async () => {
    server.put(leases, { metadata: key, spec: { holderIdentity: 'a', leaseDurationSeconds: 15 } });
    expect(isLeading(await candidate('a'))).toBe(true);
  });
});

describe('a leader', () => {
  test.each(['refused', 'silent'] as const)(
    'whose connection is %s gives up after 10 s, before another may take over',
    async (how) => {
      const a = await candidate('a');
      const b = await candidate('b');
      await clock.advance(20_000);
      cutOff('a', how);
      let lostAt = 0;
      a.leadership?.lost.addEventListener('abort', () => {
        lostAt = clock.monotonic() / 1_000;
      });
      await clock.advance(60_000);
      expect(a.leadership?.lost.reason).toBeInstanceOf(LeadershipLostError);
      expect(lostAt).toBeLessThanOrEqual(30);
      expect(lostAt).toBeLessThan(b.since ?? 0);
    },
  );

  test('lives through a few seconds without a server', async () => {
    const a = await candidate('a');
    cutOff('a');
    await clock.advance(7_000);
    server.fault = () => undefined;
    await clock.advance(20_000);
    expect(isLeading(a)).toBe(true);
  });

  test('lives through one request that gets no answer', async () => {
    const a = await candidate('a');
    await clock.advance(1_000);
    let count = 0;
    server.fault = () => (count++ === 0 ? 'silent' : undefined);
    await clock.advance(20_000);
    expect(isLeading(a)).toBe(true);
  });

  test('lives through renewals whose answers are lost', async () => {
    const a = await candidate('a');
    let count = 0;
    server.fault = ({ method }) => (method === 'PUT' && count++ % 2 === 0 ? 'lost' : undefined);
    await clock.advance(20_000);
    expect(isLeading(a)).toBe(true);
  });

  test('counts the lease from before it asked, not from the answer', async () => {
    server.put(leases, { metadata: key, spec: { holderIdentity: '' } });
    server.fault = ({ method }) => (method === 'PUT' ? clock.sleep(2_000, never) : undefined);
    const a = await candidate('a');
    await clock.advance(2_000);
    expect(isLeading(a)).toBe(true);
    cutOff('a');
    await clock.advance(7_999);
    expect(isLeading(a)).toBe(true);
    await clock.advance(1);
    expect(isLeading(a)).toBe(false);
  });

  test('gives up at once when another holds the lease', async () => {
    const a = await candidate('a');
    const lease = server.get(leases, key);
    server.put(leases, { metadata: key, spec: { ...lease?.spec, holderIdentity: 'usurper' } });
    await clock.advance(2_000);
    expect(a.leadership?.lost.aborted).toBe(true);
  });

  test('takes the lease anew when someone deletes it', async () => {
    const a = await candidate('a');
    server.remove(leases, key);
    await clock.advance(2_000);
    expect([isLeading(a), server.get(leases, key)?.spec?.holderIdentity]).toEqual([true, 'a']);
  });

  test('that releases does not take from another what it no longer has', async () => {
    const a = await candidate('a');
    server.put(leases, { metadata: key, spec: { holderIdentity: 'b', leaseDurationSeconds: 15 } });
    await a.leadership?.release();
    expect(server.get(leases, key)?.spec?.holderIdentity).toBe('b');
  });

  test('releases in the end though the server is away, and leaves no timer', async () => {
    const a = await candidate('a');
    cutOff('a', 'silent');
    const releasing = a.leadership?.release();
    await clock.advance(5_000);
    await releasing;
    expect(clock.pendingTimers).toBe(0);
  });

  test('is told in the metrics', async () => {
    const a = await candidate('a');
    const b = await candidate('b');
    const line = (value: number) => `leader_election_master_status{name="operator"} ${value}\n`;
    expect([a.metrics.text().includes(line(1)), b.metrics.text().includes(line(0))]).toEqual([true, true]);
    await a.leadership?.release();
    expect(a.metrics.text()).toContain(line(0));
  });
});

test('a candidate that is stopped leaves no timer behind', async () => {
  const a = await candidate('a');
  const b = await candidate('b');
  b.stop.abort();
  await a.leadership?.release();
  await clock.settle();
  expect(clock.pendingTimers).toBe(0);
});

test('a deadline that is not shorter than the lease is refused', async () => {
  const client = new Client({ connection: server.connection, clock, fieldManager: 'a' });
  const options = { client, clock, log: silentLogger, ...key, identity: 'a', renewDeadlineSeconds: 15 };
  await expect(lead(options, new AbortController().signal)).rejects.toThrow('renewDeadlineSeconds must be less');
});
