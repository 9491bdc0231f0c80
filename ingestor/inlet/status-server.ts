/** GET /healthz, /readyz, /progress and /metrics, for the kubelet, the operator and Prometheus. */
import { createServer, type Server, type ServerResponse } from 'node:http';
import type { InletProgress, TaskProgress } from '../contract/progress.ts';

export interface StatusParts {
  isHealthy(): boolean;
  isReady(): boolean;
  /** Undefined while nothing is known. */
  progress(): InletProgress | TaskProgress | undefined;
  metrics(): string;
}

export function createStatusServer(parts: StatusParts): Server {
  return createServer((request, response) => {
    const [path] = (request.url ?? '').split('?');
    if (request.method !== 'GET' && request.method !== 'HEAD') send(response, 405, 'text/plain', 'GET only\n');
    else if (path === '/healthz') yesOrNo(response, parts.isHealthy());
    else if (path === '/readyz') yesOrNo(response, parts.isReady());
    else if (path === '/progress') sendProgress(response, parts.progress());
    else if (path === '/metrics') send(response, 200, 'text/plain; version=0.0.4; charset=utf-8', parts.metrics());
    else send(response, 404, 'text/plain', 'not found\n');
  });
}

function yesOrNo(response: ServerResponse, yes: boolean): void {
  send(response, yes ? 200 : 503, 'text/plain', yes ? 'ok\n' : 'no\n');
}

function sendProgress(response: ServerResponse, progress: InletProgress | TaskProgress | undefined): void {
  if (progress === undefined) send(response, 503, 'text/plain', 'not known yet\n');
  else send(response, 200, 'application/json', JSON.stringify(progress));
}

function send(response: ServerResponse, status: number, type: string, body: string): void {
  response.writeHead(status, { 'Content-Type': type, 'Content-Length': Buffer.byteLength(body) });
  response.end(body);
}
