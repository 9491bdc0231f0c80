import { createHash } from 'node:crypto';
import { cp, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { request } from 'node:http';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { silentLog, systemClock, systemRandom } from '../contract/environment.ts';
import type { InletTask } from '../contract/task.ts';
import { openStore } from '../store/open.ts';
import type { Environment } from '../tasks/environment.ts';
import { runPrepare } from '../tasks/prepare.ts';
import { runInlet } from './main.ts';
import type { ProcessSettings } from './settings.ts';

const schema = {
  type: 'object',
  properties: { _id: { type: 'string' }, n: { type: 'integer' }, big: { type: 'integer' } },
  required: ['_id'],
  additionalProperties: false,
};
const id = createHash('sha256').update('shop/clicks').digest('hex');
const json = { 'Content-Type': 'application/json' };

const owner = { installation: 'test', namespace: 'shop', name: 'events' };

let prepared = '';
let folder = '';
let stops: (() => Promise<void>)[] = [];

beforeAll(async () => {
  prepared = await mkdtemp(join(tmpdir(), 'forebay-prepared-'));
  const target = { owner, storage: { local: { path: prepared } } };
  const table = { format: 'Parquet', compression: 'Zstd', targetFileSizeBytes: 1_000_000 } as const;
  const text = JSON.stringify(schema);
  const environment = makeEnvironment(new AbortController().signal);
  await runPrepare(
    { version: 1, verb: 'prepare', dataset: target, schema: text, behavior: 'Record', table },
    environment,
  );
});
afterAll(async () => {
  await rm(prepared, { recursive: true });
});
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'forebay-inlet-'));
  await cp(prepared, join(folder, 'lake'), { recursive: true });
});
afterEach(async () => {
  for (const stop of stops) await stop();
  stops = [];
  await rm(folder, { recursive: true });
});

interface Running {
  readonly url: string;
  readonly port: number;
  readonly status: string;
}

function makeEnvironment(signal: AbortSignal): Environment {
  const waiting = { clock: systemClock, random: systemRandom, signal };
  return {
    ...waiting,
    log: silentLog,
    progress: () => {},
    openStore: async (location) => await openStore(location, { ...waiting, log: silentLog }),
  };
}

/** An inlet over a folder, whose rounds run when it stops. */
async function start(change: Partial<InletTask> = {}, settings: Partial<ProcessSettings> = {}): Promise<Running> {
  const storage = { local: { path: join(folder, 'lake') } };
  const stop = new AbortController();
  const task: InletTask = {
    version: 1,
    verb: 'inlet',
    dataset: { owner, storage },
    inlet: { namespace: 'shop', name: 'clicks', id },
    authentication: [{ anonymous: {} }],
    envelope: 'Auto',
    validation: 'Async',
    mapping: [],
    limits: { maxRequestBytes: 2_000, maxRecordBytes: 500, maxInFlightBytes: 1_000_000 },
    durability: { maxDelayMilliseconds: 0, maxSegmentBytes: 1_000_000 },
    commit: { periodSeconds: 3_600, maxBytes: 1_000_000, maxRecords: 1_000_000 },
    port: 0,
    ...change,
  };
  const host = '127.0.0.1';
  return await new Promise<Running>((resolve, reject) => {
    const running = runInlet(task, {
      ...makeEnvironment(stop.signal),
      settings: { host, statusPort: 0, ...settings },
      listening: ({ data, status }) => {
        resolve({ url: `http://${host}:${data}`, port: data, status: `http://${host}:${status}` });
      },
    });
    running.catch(reject);
    stops.push(async () => {
      stop.abort();
      await running.catch(() => {});
    });
  });
}

interface Sent {
  readonly status: number;
  readonly headers: Headers;
  readonly body: unknown;
}

async function post(url: string, body: string | Buffer, headers: Record<string, string> = json): Promise<Sent> {
  const response = await fetch(url, { method: 'POST', headers, body });
  return { status: response.status, headers: response.headers, body: await response.json() };
}

describe('one record', () => {
  test.each(['/collection/shop/clicks', `/collection/${id}`])(
    'sent to %s is answered as the reference does',
    async (path) => {
      const { url } = await start();
      expect(await post(url + path, '{"_id": "a"}')).toMatchObject({
        status: 200,
        body: {
          inletId: id,
          xactionId: expect.stringMatching(/^\d+:[0-9a-f]{32}:1:0$/),
          receivedTimeMs: expect.any(Number),
          syncValidation: { skipped: true },
        },
      });
    },
  );

  test('is checked on demand, and refused with all its reasons', async () => {
    const { url } = await start();
    const path = `${url}/collection/shop/clicks?syncValidation=true`;
    expect(await post(path, '{"_id": "a", "big": 9007199254740993}')).toMatchObject({
      status: 200,
      body: { syncValidation: { status: 'pass' } },
    });
    const refused = await post(path, '{"n": "text", "other": 1}');
    expect(refused.headers.get('content-type')).toBe('application/problem+json');
    expect(refused).toMatchObject({
      status: 400,
      body: {
        type: 'urn:forebay:inlet:InvalidRecord',
        status: 400,
        title: 'Invalid Message Format',
        report: { message: `inletId: [${id}] Message is invalid`, cause: { _streamingValidation: [{}] } },
      },
    });
    const text = JSON.stringify(refused.body);
    for (const keyword of ['RequiredMissing', 'WrongType', 'UnknownField']) expect(text).toContain(keyword);
    expect(text).toContain('"pointerToViolation":"#/n"');
  });

  test('is checked as the round would, after the mapping', async () => {
    const { url } = await start({ mapping: [{ source: 'key', destination: '_id' }], validation: 'Sync' });
    expect((await post(`${url}/collection/shop/clicks`, '{"key": "a"}')).status).toBe(200);
    expect((await post(`${url}/collection/shop/clicks`, '{"key": 1}')).status).toBe(400);
  });

  test.each([
    ['{"_id":', 400, 'InvalidMessage'],
    ['[1]', 400, 'InvalidMessage'],
    [`{"_id":"${'x'.repeat(500)}"}`, 413, 'RecordTooLarge'],
    [`{"_id":"${'x'.repeat(2_000)}"}`, 413, 'RequestTooLarge'],
    [Buffer.from('{"_id":"\xff"}', 'latin1'), 400, 'InvalidEncoding'],
  ])('%s is refused with %i', async (body, status, code) => {
    const { url } = await start();
    const answer = await post(`${url}/collection/shop/clicks`, body);
    expect(answer).toMatchObject({ status, body: { status, type: `urn:forebay:inlet:${code}` } });
  });
});

describe('a batch', () => {
  test('is answered 207, with a response for each message in its place', async () => {
    const { url } = await start();
    const xdm = { header: { schemaRef: { id: 'x' } }, body: { xdmEntity: { _id: 'b' } } };
    const answer = await post(
      `${url}/collection/batch/shop/clicks`,
      JSON.stringify({ messages: [{ _id: 'a' }, 5, xdm] }),
    );
    expect(answer).toMatchObject({
      status: 207,
      body: {
        inletId: id,
        batchId: expect.any(String),
        receivedTimeMs: expect.any(Number),
        responses: [
          { xactionId: expect.stringMatching(/:1:0$/) },
          { statusCode: 400, message: expect.any(String) },
          { xactionId: expect.stringMatching(/:1:1$/) },
        ],
      },
    });
  });

  test.each(['application/x-ndjson', 'application/jsonl; charset=utf-8'])('may be lines of %s', async (type) => {
    const { url } = await start();
    const answer = await post(`${url}/collection/batch/${id}`, '{"_id":"a"}\n{"_id":\n\n{"_id":"b"}\n', {
      'Content-Type': type,
    });
    expect(answer).toMatchObject({ status: 207, body: { responses: [{}, { statusCode: 400 }, {}] } });
  });

  test('of bad messages alone is answered all the same', async () => {
    const { url } = await start({ validation: 'Sync' });
    const answer = await post(`${url}/collection/batch/shop/clicks`, '{"messages":[{"n":1},[]]}');
    expect(answer).toMatchObject({ status: 207, body: { responses: [{ statusCode: 400 }, { statusCode: 400 }] } });
  });

  test('must be one, and not too large', async () => {
    const { url } = await start({}, { maxMessages: 3 });
    const path = `${url}/collection/batch/shop/clicks`;
    expect((await post(path, '[]')).status).toBe(400);
    expect((await post(path, '{"messages":[1,2,3,4]}')).status).toBe(413);
  });
});

test.each([
  ['POST', '/collection/shop/other', {}, 404],
  ['POST', '/collection/other/clicks', {}, 404],
  ['POST', '/', {}, 404],
  ['GET', '/collection/shop/clicks', {}, 405],
  ['PUT', '/collection/batch/shop/clicks', json, 405],
  ['POST', '/collection/shop/clicks', {}, 415],
  ['POST', '/collection/shop/clicks', { 'Content-Type': 'application/x-ndjson' }, 415],
  ['POST', '/collection/shop/clicks', { 'Content-Type': 'application/json; charset=iso-8859-1' }, 415],
  ['POST', '/collection/shop/clicks', { ...json, 'Content-Encoding': 'br' }, 415],
])('%s %s with %j is answered %i', async (method, path, headers, status) => {
  const { url } = await start();
  const body = method === 'GET' ? undefined : Buffer.from('{"_id":"a"}');
  const response = await fetch(url + path, { method, headers, ...(body && { body }) });
  expect(response.status).toBe(status);
  if (status === 405) expect(response.headers.get('allow')).toBe('POST');
});

describe('packed bodies', () => {
  const record = '{"_id":"packed"}';

  test.each([
    ['gzip', gzipSync(record)],
    ['GZIP', gzipSync(record)],
    ['zstd', zstdCompressSync(record)],
    ['identity', Buffer.from(record)],
  ])('of %s are read', async (coding, body) => {
    const { url } = await start();
    const answer = await post(`${url}/collection/shop/clicks`, body, { ...json, 'Content-Encoding': coding });
    expect(answer.status).toBe(200);
  });

  test.each([
    ['gzip', gzipSync(Buffer.alloc(10_000_000, 0x20)), 413],
    ['zstd', zstdCompressSync(Buffer.alloc(10_000_000, 0x20)), 413],
    ['gzip', gzipSync(record).subarray(0, -9), 400],
    ['zstd', zstdCompressSync(record).subarray(0, -3), 400],
    ['gzip', Buffer.from(record), 400],
  ])('of %s that are bombs or broken are refused', async (coding, body, status) => {
    const { url } = await start({
      limits: { maxRequestBytes: 20_000, maxRecordBytes: 500, maxInFlightBytes: 1_000_000 },
    });
    const answer = await post(`${url}/collection/shop/clicks`, body, { ...json, 'Content-Encoding': coding });
    expect(answer.status).toBe(status);
  });
});

test('keys of the folder let senders in, nothing else does', async () => {
  const keys = await mkdtemp(join(folder, 'keys-'));
  await writeFile(join(keys, 'one'), 'secret-key\n');
  const { url } = await start({ authentication: [{ apiKey: { path: keys } }] });
  const path = `${url}/collection/shop/clicks`;
  expect((await post(path, '{"_id":"a"}', { ...json, Authorization: 'Bearer secret-key' })).status).toBe(200);
  expect((await post(path, '{"_id":"a"}', { ...json, 'x-api-key': 'secret-key' })).status).toBe(200);
  const refused = await post(path, '{"_id":"a"}', { ...json, 'x-api-key': 'secret' });
  expect(refused.status).toBe(401);
  expect(refused.headers.get('www-authenticate')).toContain('Bearer');
});

test('over its rate an inlet asks senders to wait', async () => {
  const limits = { maxRequestBytes: 2_000, maxRecordBytes: 500, maxInFlightBytes: 1_000_000, requestsPerSecond: 1 };
  const { url } = await start({ limits });
  const path = `${url}/collection/shop/clicks`;
  const answers = await Promise.all([post(path, '{"_id":"a"}'), post(path, '{"_id":"b"}'), post(path, '{"_id":"c"}')]);
  expect(answers.map(({ status }) => status).sort()).toEqual([200, 429, 429]);
  const refused = answers.find(({ status }) => status === 429);
  expect(Number(refused?.headers.get('retry-after'))).toBeGreaterThan(0);
});

describe('a sender', () => {
  test('that asks before it sends is told no before it has sent', async () => {
    const { port } = await start();
    const status = await new Promise<number | undefined>((resolve, reject) => {
      const headers = { ...json, 'Content-Length': 5_000, Expect: '100-continue' };
      const sending = request({ port, path: '/collection/shop/clicks', method: 'POST', headers });
      sending.on('continue', () => reject(new Error('it was told to go on')));
      sending.on('response', (response) => resolve(response.statusCode));
      sending.on('error', reject);
      sending.flushHeaders();
    });
    expect(status).toBe(413);
  });

  test('that asks before it sends is told to go on when all is well', async () => {
    const { port } = await start();
    const status = await new Promise<number | undefined>((resolve, reject) => {
      const sending = request({
        port,
        path: '/collection/shop/clicks',
        method: 'POST',
        headers: { ...json, Expect: '100-continue' },
      });
      sending.on('continue', () => sending.end('{"_id":"a"}'));
      sending.on('response', (response) => resolve(response.statusCode));
      sending.on('error', reject);
      sending.flushHeaders();
    });
    expect(status).toBe(200);
  });

  test('that is too slow is cut off', async () => {
    const { port } = await start({}, { requestMilliseconds: 300, headersMilliseconds: 300 });
    const answer = await new Promise<string>((resolve, reject) => {
      const socket = connect(port, '127.0.0.1');
      socket.on('data', (data) => resolve(String(data)));
      socket.on('error', reject);
      socket.write(
        'POST /collection/shop/clicks HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 99\r\n\r\n{',
      );
    });
    expect(answer).toMatch(/^HTTP\/1\.1 408 /);
  });

  test('that sends a long body nobody wants still hears why', async () => {
    const { url } = await start();
    expect((await post(`${url}/collection/shop/clicks`, Buffer.alloc(3_000_000, 0x20))).status).toBe(413);
  });

  test('that goes away in the middle leaves no room taken', async () => {
    const { port, status } = await start();
    await new Promise<void>((resolve) => {
      const socket = connect(port, '127.0.0.1');
      socket.on('close', () => resolve());
      socket.write(
        'POST /collection/shop/clicks HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 99\r\n\r\n{',
        () => {
          socket.destroy();
        },
      );
    });
    let metrics = '';
    while (!metrics.includes('{code="499"} 1')) metrics = await (await fetch(`${status}/metrics`)).text();
    expect(metrics).toContain('forebay_inlet_in_flight_bytes 0\n');
  });
});

test('its status port tells health, readiness, progress and numbers', async () => {
  const { url, status } = await start();
  await post(`${url}/collection/shop/clicks`, '{"_id":"a"}');
  await post(`${url}/collection/shop/clicks`, 'broken');
  expect((await fetch(`${status}/healthz`)).status).toBe(200);
  expect((await fetch(`${status}/readyz`)).status).toBe(200);
  expect(await (await fetch(`${status}/progress`)).json()).toMatchObject({
    version: 1,
    verb: 'inlet',
    sequence: 0,
    records: { received: 1, ingested: 0, failed: 0, skipped: 0, pending: 1 },
  });
  const metrics = await (await fetch(`${status}/metrics`)).text();
  for (const line of [
    'forebay_inlet_requests_total{code="200"} 1',
    'forebay_inlet_requests_total{code="400"} 1',
    'forebay_inlet_records_total 1',
    'forebay_inlet_segment_latency_seconds_count 1',
    'forebay_inlet_pending_records 1',
  ]) {
    expect(metrics).toContain(`${line}\n`);
  }
});
