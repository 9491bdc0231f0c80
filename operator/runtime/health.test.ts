import { afterEach, describe, expect, test } from 'vitest';
import { type HealthServer, startHealthServer } from './health.ts';
import { Registry } from './metrics.ts';

let server: HealthServer | undefined;

afterEach(async () => {
  await server?.close();
});

async function get(path: string): Promise<{ status: number; type: string | null; body: string }> {
  const response = await fetch(`http://127.0.0.1:${server?.port}${path}`);
  return { status: response.status, type: response.headers.get('content-type'), body: await response.text() };
}

describe('the health server', () => {
  test('is healthy and ready while all checks are fine', async () => {
    server = await startHealthServer({
      host: '127.0.0.1',
      port: 0,
      metrics: new Registry(),
      ready: { a: () => undefined },
    });
    expect(await get('/healthz')).toMatchObject({ status: 200 });
    expect(await get('/readyz?verbose')).toMatchObject({ status: 200, body: 'ok a\n' });
  });

  test('says which check fails and why, and tells ready from alive', async () => {
    const ready = { a: () => undefined, caches: () => 'not filled yet: jobs' };
    server = await startHealthServer({ host: '127.0.0.1', port: 0, metrics: new Registry(), ready });
    expect(await get('/readyz')).toMatchObject({ status: 503, body: 'ok a\nfailed caches: not filled yet: jobs\n' });
    expect((await get('/healthz')).status).toBe(200);
  });

  test('serves the metrics in the text format', async () => {
    const metrics = new Registry();
    metrics.counter({ name: 'c', help: 'C', initial: [{}] });
    server = await startHealthServer({ host: '127.0.0.1', port: 0, metrics });
    expect(await get('/metrics')).toEqual({
      status: 200,
      type: 'text/plain; version=0.0.4; charset=utf-8',
      body: '# HELP c C\n# TYPE c counter\nc 0\n',
    });
  });

  test('knows nothing else', async () => {
    server = await startHealthServer({ host: '127.0.0.1', port: 0, metrics: new Registry() });
    expect((await get('/')).status).toBe(404);
  });

  test('that finds its port taken says so', async () => {
    server = await startHealthServer({ host: '127.0.0.1', port: 0, metrics: new Registry() });
    const second = startHealthServer({ host: '127.0.0.1', port: server.port, metrics: new Registry() });
    await expect(second).rejects.toThrow('EADDRINUSE');
  });
});
