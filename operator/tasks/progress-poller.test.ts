import { createServer, type Server } from 'node:http';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { TaskProgress } from '../../ingestor/contract/progress.ts';
import { SimulatedClock } from '../runtime/clock.ts';
import type { Pod } from '../runtime/core.ts';
import { pods as podType } from '../runtime/core.ts';
import { Store } from '../runtime/store.ts';
import { examplePod } from './examples.ts';
import { ProgressPoller } from './progress-poller.ts';

const report: TaskProgress = {
  version: 1,
  verb: 'plan',
  phase: 'Running',
  records: { read: 5, ingested: 5, failed: 0, skipped: 0, warnings: 0 },
  bytes: { input: 50, output: 0 },
  totalInputBytes: 100,
};

/** An address of this machine that nothing else listens on; the port is the contract's. */
const address = '127.0.9.64';

let server: Server;
let answer = '';
let asked = 0;
const clock = new SimulatedClock();
const store = new Store<Pod>();
const stop = new AbortController();

beforeEach(async () => {
  server = createServer((_request, response) => {
    asked += 1;
    response.end(answer);
  });
  await new Promise<void>((resolve) => server.listen(9464, address, resolve));
});
afterEach(async () => {
  stop.abort();
  await new Promise((resolve) => server.close(resolve));
});

function running(name: string): Pod {
  const pod = examplePod({ name, running: true });
  const labels = {
    'ingest.forebay.dev/kind': 'Batch',
    'ingest.forebay.dev/name': 'day-1',
    'ingest.forebay.dev/verb': 'plan',
  };
  return { ...pod, metadata: { ...pod.metadata, labels }, status: { ...pod.status, podIP: address } };
}

test('a running pod is asked until it ends; its last answer is kept as long as it is there', async () => {
  const poller = new ProgressPoller({
    clock,
    pods: { type: podType, synced: Promise.resolve(), hasSynced: true, store },
    progressSeconds: 5,
    inletReportSeconds: 30,
  });
  const told: unknown[] = [];
  let next = Promise.withResolvers<void>();
  poller.onReport((kind, resource) => {
    told.push([kind, resource]);
    next.resolve();
  });
  void poller.run(stop.signal);
  const pod = running('pod-1');

  answer = JSON.stringify(report);
  store.set(pod);
  await clock.advance(5_000);
  await next.promise;
  expect(told).toEqual([['Batch', { namespace: 'shop', name: 'day-1' }]]);
  expect(poller.of(pod)).toEqual({ report, at: clock.now() });

  next = Promise.withResolvers();
  answer = JSON.stringify({ ...report, records: { ...report.records, read: 6, ingested: 6 } });
  await clock.advance(5_000);
  await next.promise;
  expect(poller.of(pod)?.report).toMatchObject({ records: { read: 6 } });

  const ended = examplePod({ name: 'pod-1', exit: { code: 0 } });
  store.set({ ...ended, metadata: { ...ended.metadata, labels: pod.metadata.labels ?? {}, resourceVersion: '2' } });
  await clock.advance(60_000);
  expect(asked).toBe(2);
  expect(poller.of(pod)?.report).toMatchObject({ records: { read: 6 } });

  store.delete({ namespace: 'shop', name: 'pod-1' });
  expect(poller.of(pod)).toBeUndefined();
});
