import { PutObjectCommand } from '@aws-sdk/client-s3';
import { afterEach, beforeEach, expect, inject, test } from 'vitest';
import { s3Client } from '../servers/s3.ts';
import { listKeys } from '../support/lake.ts';
import { InletPlace, type InletProcess } from './support/inlet.ts';
import { Tunnel } from './support/tunnel.ts';

let place: InletPlace;
let tunnel: Tunnel;

beforeEach(async () => {
  const address = inject('s3');
  tunnel = await Tunnel.open(address.endpoint);
  place = await InletPlace.make(address);
});
afterEach(async () => {
  tunnel.close();
  await place.close();
});

async function post(inlet: InletProcess, record: object): Promise<Response> {
  const headers = { 'Content-Type': 'application/json' };
  const url = `http://127.0.0.1:${inlet.ports.data}/collection/ns/clicks`;
  return await fetch(url, { method: 'POST', headers, body: JSON.stringify(record) });
}

async function isInFlight(inlet: InletProcess): Promise<boolean> {
  return !/forebay_inlet_in_flight_bytes 0\n/.test(await (await inlet.get('/metrics')).text());
}

async function until(fits: () => Promise<boolean>): Promise<void> {
  for (const end = Date.now() + 30_000; !(await fits()); ) if (Date.now() > end) throw new Error('it never was');
}

test('while the store does not answer, who is new is told to come again and who waits is answered later', async () => {
  const inlet = await place.start({ silentMilliseconds: 200 }, tunnel.endpoint);
  expect((await post(inlet, { _id: 'before', n: 1 })).status).toBe(200);
  tunnel.block();
  const waiting = [post(inlet, { _id: 'during', n: 2 })];
  await until(async () => await isInFlight(inlet));
  await until(async () => {
    waiting.push(post(inlet, { _id: `late-${waiting.length}`, n: 3 }));
    return (await (await inlet.get('/metrics')).text()).includes('{code="503"}');
  });
  tunnel.unblock();
  const answers = await Promise.all(waiting);
  expect(answers[0]?.status).toBe(200);
  const refused = answers.filter(({ status }) => status === 503);
  expect(refused.map(({ headers }) => headers.get('retry-after'))).toContain('5');
  await inlet.progressUntil(({ records }) => records.pending === 0 && records.ingested > 0);
  const rows = await place.rows();
  expect([rows.get('before'), rows.get('during')]).toEqual([1, 1]);
});

test('when it stays unclear whether a segment is there, the process ends and tells who waits', async () => {
  const inlet = await place.start({ unclearMilliseconds: 1_000 }, tunnel.endpoint);
  tunnel.block();
  const response = await post(inlet, { _id: 'a', n: 1 });
  expect(response.status).toBe(503);
  expect(response.headers.get('retry-after')).toBeTruthy();
  expect(await inlet.exit()).toBe(10);
});

test('a full inlet says so at once, and takes more when there is room', async () => {
  const limits = { ...place.task.limits, maxInFlightBytes: 4_000 };
  Object.assign(place.task, { limits });
  const inlet = await place.start({}, tunnel.endpoint);
  tunnel.block();
  const first = post(inlet, { _id: 'x'.repeat(3_000), n: 1 });
  await until(async () => await isInFlight(inlet));
  const second = await post(inlet, { _id: 'y'.repeat(3_000), n: 1 });
  expect(second.status).toBe(503);
  expect(second.headers.get('retry-after')).toBe('1');
  tunnel.unblock();
  expect((await first).status).toBe(200);
  expect((await post(inlet, { _id: 'y'.repeat(3_000), n: 1 })).status).toBe(200);
});

test('totals outlive all processes', async () => {
  const first = await place.start();
  await post(first, { _id: 'a', n: 1 });
  await post(first, { _id: 'b', n: 'bad' });
  expect(await first.end()).toBe(0);
  const second = await place.start();
  expect(await second.progress()).toMatchObject({
    sequence: 1,
    records: { received: 2, ingested: 1, failed: 1, skipped: 0, pending: 0 },
    errors: [{ code: 'WrongType', path: '/n', count: 1 }],
    lagSeconds: 0,
  });
  await post(second, { _id: 'c', n: 3 });
  await second.progressUntil(({ records }) => records.ingested === 2);
  expect(await second.progress()).toMatchObject({ sequence: 2, records: { received: 3, ingested: 2, failed: 1 } });
});

test('a damaged segment is counted and kept, and stops nothing', async () => {
  Object.assign(place.task, { commit: { ...place.task.commit, periodSeconds: 3_600 } });
  const inlet = await place.start();
  await post(inlet, { _id: 'damaged', n: 1 });
  await inlet.end('SIGKILL');
  const [key = ''] = await listKeys(place.table, `${place.path}/segments/`);
  const client = s3Client(place.table.address);
  const Key = `lake/${place.path}/segments/${key}`;
  await client.send(new PutObjectCommand({ Bucket: place.table.bucket, Key, Body: 'no segment' }));
  client.destroy();
  const next = await place.start();
  await post(next, { _id: 'good', n: 2 });
  expect(await next.end()).toBe(0);
  expect(await place.rows()).toEqual(new Map([['good', 1]]));
  expect(await listKeys(place.table, `${place.path}/rejects/unreadable/`)).toHaveLength(1);
});
