import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { Registry } from './metrics.ts';

/** Undefined: fine. Otherwise what is wrong, in a line. */
export type Check = () => string | undefined;

export interface HealthServerOptions {
  readonly host?: string;
  /** 0: any free one. */
  readonly port: number;
  readonly metrics: Registry;
  readonly live?: Readonly<Record<string, Check>>;
  readonly ready?: Readonly<Record<string, Check>>;
}

export interface HealthServer {
  readonly port: number;
  close(): Promise<void>;
}

/** Serves /healthz, /readyz and /metrics. */
export async function startHealthServer(options: HealthServerOptions): Promise<HealthServer> {
  const server = createServer((request, response) => answer(request, response, options));
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  server.once('error', reject);
  server.listen({ port: options.port, host: options.host }, resolve);
  await promise;
  const address = server.address();
  return {
    port: typeof address === 'object' && address !== null ? address.port : options.port,
    close: async () => {
      server.closeAllConnections();
      const closed = Promise.withResolvers<void>();
      server.close(() => closed.resolve());
      await closed.promise;
    },
  };
}

function answer(request: IncomingMessage, response: ServerResponse, options: HealthServerOptions): void {
  const [path] = (request.url ?? '').split('?');
  if (path === '/healthz') checked(response, options.live);
  else if (path === '/readyz') checked(response, options.ready);
  else if (path === '/metrics') {
    send(response, 200, options.metrics.text(), 'text/plain; version=0.0.4; charset=utf-8');
  } else send(response, 404, 'not found: /healthz, /readyz and /metrics are\n');
}

function checked(response: ServerResponse, checks: Readonly<Record<string, Check>> = {}): void {
  const lines = Object.entries(checks).map(([name, check]) => ({ name, problem: check() }));
  const isFine = lines.every(({ problem }) => problem === undefined);
  const text = lines.map(
    ({ name, problem }) => `${problem === undefined ? 'ok' : 'failed'} ${name}${problem ? `: ${problem}` : ''}\n`,
  );
  send(response, isFine ? 200 : 503, text.join('') || 'ok\n');
}

function send(response: ServerResponse, status: number, body: string, type = 'text/plain; charset=utf-8'): void {
  response.writeHead(status, { 'Content-Type': type, 'Content-Length': Buffer.byteLength(body) });
  response.end(body);
}
