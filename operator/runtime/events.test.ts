import { beforeEach, describe, expect, test } from 'vitest';
import { SimulatedApiServer, type SimulatedRequest } from '../../test/support/simulated-api-server.ts';
import { Client } from './client.ts';
import { SimulatedClock } from './clock.ts';
import { configMaps } from './core.ts';
import { type EventNote, EventRecorder } from './events.ts';
import { silentLogger } from './logger.ts';

const never = new AbortController().signal;
const note: EventNote = { type: 'Warning', reason: 'BucketMissing', action: 'Reconcile', note: 'there is no bucket b' };

let clock: SimulatedClock;
let server: SimulatedApiServer;
let recorder: EventRecorder;
let sent: { method: string; path: string; body: Record<string, unknown> }[];

beforeEach(() => {
  clock = new SimulatedClock('2026-01-01T00:00:00Z');
  server = new SimulatedApiServer();
  sent = [];
  server.fault = ({ method, path, body }: SimulatedRequest) => {
    sent.push({ method, path, body: body as Record<string, unknown> });
    return undefined;
  };
  const client = new Client({ connection: server.connection, clock, fieldManager: 'tester' });
  recorder = new EventRecorder({
    client,
    clock,
    log: silentLogger,
    controller: 'test.dev/operator',
    instance: 'pod-1',
  });
});

const thing = { metadata: { namespace: 'n', name: 'thing', uid: 'u1', resourceVersion: '7' } };

function record(changes: Partial<EventNote> = {}, of = thing): void {
  recorder.record(configMaps, of, { ...note, ...changes });
}

describe('an event', () => {
  test('tells who saw what of which object, in the shape of events.k8s.io/v1', async () => {
    record();
    await clock.settle();
    expect(sent).toHaveLength(1);
    expect(sent[0]).toMatchObject({ method: 'POST', path: '/apis/events.k8s.io/v1/namespaces/n/events' });
    expect(sent[0]?.body).toMatchObject({
      metadata: { namespace: 'n', name: expect.stringMatching(/^thing\.[0-9a-f]+$/) },
      eventTime: '2026-01-01T00:00:00.000000Z',
      type: 'Warning',
      reason: 'BucketMissing',
      action: 'Reconcile',
      note: 'there is no bucket b',
      reportingController: 'test.dev/operator',
      reportingInstance: 'pod-1',
      regarding: {
        apiVersion: 'v1',
        kind: 'ConfigMap',
        namespace: 'n',
        name: 'thing',
        uid: 'u1',
        resourceVersion: '7',
      },
    });
    expect(sent[0]?.body).not.toHaveProperty('series');
  });

  test('with a note that is too long is cut, at a border of characters', async () => {
    record({ note: 'ü'.repeat(600) });
    await clock.settle();
    const text = String(sent[0]?.body.note);
    expect(Buffer.byteLength(text)).toBeLessThanOrEqual(1_024);
    expect(text).toMatch(/^ü+\.\.\.$/);
  });

  test('of an object without a namespace goes to default', async () => {
    record({}, { metadata: { ...thing.metadata, namespace: undefined } } as never);
    await clock.settle();
    expect(sent[0]?.path).toBe('/apis/events.k8s.io/v1/namespaces/default/events');
  });

  test.each([{ reason: 'Other' }, { note: 'something else' }, { type: 'Normal' as const }])(
    'that differs in %j is another',
    async (changes) => {
      record();
      record(changes);
      await clock.settle();
      expect(sent.map(({ method }) => method)).toEqual(['POST', 'POST']);
    },
  );
});

describe('an event that happens again', () => {
  test('is a series of one event, counted at most every half minute, and completely in the end', async () => {
    for (let second = 0; second < 65; second++) {
      record();
      await clock.advance(1_000);
    }
    await clock.advance(60_000);
    expect(sent.map(({ method, body }) => [method, body.series])).toEqual([
      ['POST', undefined],
      ['PATCH', { count: 30, lastObservedTime: '2026-01-01T00:00:29.000000Z' }],
      ['PATCH', { count: 60, lastObservedTime: '2026-01-01T00:00:59.000000Z' }],
      ['PATCH', { count: 65, lastObservedTime: '2026-01-01T00:01:04.000000Z' }],
    ]);
    expect(new Set(sent.slice(1).map(({ path }) => path)).size).toBe(1);
    expect(clock.pendingTimers).toBe(0);
  });

  test('before it could be sent is sent once, with its count', async () => {
    record({ reason: 'Earlier' });
    record();
    record();
    record();
    await clock.settle();
    expect(sent.map(({ body }) => body.series)).toEqual([
      undefined,
      { count: 3, lastObservedTime: '2026-01-01T00:00:00.000000Z' },
    ]);
  });

  test('after six quiet minutes is a new one', async () => {
    record();
    await clock.advance(361_000);
    record();
    await clock.settle();
    expect(sent.map(({ method }) => method)).toEqual(['POST', 'POST']);
  });
});

describe('a recorder', () => {
  test('drops what the server refuses and goes on with the rest', async () => {
    let count = 0;
    server.fault = ({ path }) => {
      sent.push({ method: 'POST', path, body: {} });
      return count++ === 0 ? { status: 403, body: { code: 403, reason: 'Forbidden' } } : undefined;
    };
    record();
    record({ reason: 'Other' });
    await clock.advance(600_000);
    expect(sent).toHaveLength(2);
    record();
    await clock.settle();
    expect(sent).toHaveLength(3);
  });

  test('sends what waits when it is closed, then nothing more, and leaves no timer', async () => {
    record();
    await clock.settle();
    record();
    record({ reason: 'Last' });
    await recorder.close(never);
    expect(sent.map(({ method }) => method)).toEqual(['POST', 'POST', 'PATCH']);
    record({ reason: 'TooLate' });
    await clock.settle();
    expect(sent).toHaveLength(3);
    expect(clock.pendingTimers).toBe(0);
  });

  test('gives up what it cannot send in time when it is closed', async () => {
    server.fault = () => 'silent';
    record();
    const limit = new AbortController();
    const closing = recorder.close(limit.signal);
    await clock.settle();
    limit.abort();
    await closing;
    expect(clock.pendingTimers).toBe(0);
  });
});
