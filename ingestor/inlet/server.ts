/** HTTP around collection.ts: sockets, time limits, refusals of bodies that are not read. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import type { Log } from '../contract/environment.ts';
import { type CollectionParts, collect } from './collection.ts';
import { type Answer, problem } from './problem.ts';

export interface ServerSettings {
  /** From a request's first byte to its last. */
  readonly requestMilliseconds: number;
  /** Of its head. */
  readonly headersMilliseconds: number;
  /** An idle connection is kept for so long: longer than load balancers keep theirs (60 s). */
  readonly keepAliveMilliseconds: number;
  readonly maxConnections: number;
}

export interface Parts extends CollectionParts {
  /** True once the process is to end: connections are closed with their next answer. */
  isStopping(): boolean;
}

export function createCollectionServer(parts: Parts, settings: ServerSettings): Server {
  const server = createServer({
    requestTimeout: settings.requestMilliseconds,
    headersTimeout: settings.headersMilliseconds,
    keepAliveTimeout: settings.keepAliveMilliseconds,
    connectionsCheckingInterval: 1_000,
  });
  server.maxConnections = settings.maxConnections;
  server.on('request', (request, response) => void serve(parts, request, response, () => {}));
  // A sender that asks first is told no before it sends what is too large anyway.
  server.on('checkContinue', (request, response) => {
    void serve(parts, request, response, () => response.writeContinue());
  });
  server.on('clientError', (error, socket) => refuseSocket(parts, error, socket));
  return server;
}

async function serve(
  parts: Parts,
  request: IncomingMessage,
  response: ServerResponse,
  startBody: () => void,
): Promise<void> {
  const answer = await collect(parts, request, startBody).catch((thrown: unknown) => failure(parts.log, thrown));
  parts.metrics.countRequest(answer?.status ?? goneAway);
  if (answer === undefined) return;
  if (parts.isStopping()) response.setHeader('Connection', 'close');
  if (request.complete) send(response, answer);
  else await sendEarly(request, response, answer);
}
const goneAway = 499;

function failure(log: Log, thrown: unknown): Answer {
  log.error({ error: thrown instanceof Error ? thrown.name : 'unknown' }, 'a request failed');
  return problem(500, 'InternalError', 'The inlet failed to handle the request.');
}

function send(response: ServerResponse, answer: Answer): void {
  const body = writeHead(response, answer);
  response.end(body);
}

function writeHead(response: ServerResponse, { status, body, headers }: Answer): Buffer {
  const bytes = Buffer.from(JSON.stringify(body));
  response.writeHead(status, { 'Content-Type': 'application/json', ...headers, 'Content-Length': bytes.length });
  return bytes;
}

/** A body that nobody wants is still read for a while: a connection closed on a sender in the middle loses the answer. */
const lingerBytes = 4 * 1024 * 1024;

async function sendEarly(request: IncomingMessage, response: ServerResponse, answer: Answer): Promise<void> {
  const rest = Number(request.headers['content-length'] ?? Number.POSITIVE_INFINITY);
  // Expect: 100-continue, and no for an answer: the body never comes, and what does is another request.
  if (rest > lingerBytes || request.headers.expect !== undefined) response.setHeader('Connection', 'close');
  response.write(writeHead(response, answer));
  await discard(request, lingerBytes);
  response.end();
}

async function discard(request: IncomingMessage, most: number): Promise<void> {
  if (request.headers.expect !== undefined) return;
  await new Promise<void>((resolve) => {
    let bytes = 0;
    request.on('data', (chunk: Buffer) => {
      bytes += chunk.length;
      if (bytes > most) resolve();
    });
    request.on('end', resolve);
    request.on('close', resolve);
    request.on('error', resolve);
    request.resume();
  });
}

/** What is no HTTP, or too slow. */
function refuseSocket(parts: Parts, error: Error & { code?: string }, socket: Duplex): void {
  if (error.code === 'ECONNRESET' || !socket.writable) {
    socket.destroy();
    return;
  }
  const [status, title] = socketProblems[error.code ?? ''] ?? [400, 'Bad Request'];
  parts.metrics.countRequest(status);
  socket.end(`HTTP/1.1 ${status} ${title}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`);
}

const socketProblems: Readonly<Record<string, readonly [number, string]>> = {
  ERR_HTTP_REQUEST_TIMEOUT: [408, 'Request Timeout'],
  HPE_HEADER_OVERFLOW: [431, 'Request Header Fields Too Large'],
};
