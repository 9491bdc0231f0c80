/** A way to an S3 server on which requests go wrong as the test says. */
import { once } from 'node:events';
import { createServer, type IncomingMessage, request, type Server, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';

/**
 * `answer`: the request does not reach the server, this status and S3 code come back; `lose`: it reaches the server, its
 * answer is lost; `cut`: the answer breaks after so many bytes of its body.
 */
export type Fault =
  | { readonly answer: number; readonly code: string }
  | { readonly lose: true }
  | { readonly cut: number }
  | undefined;

export interface Request {
  readonly method: string;
  /** Path and query. */
  readonly path: string;
  readonly range: string | undefined;
}

export interface Certificate {
  readonly key: string;
  readonly cert: string;
}

export class S3Proxy {
  readonly endpoint: string;
  /** Asked before each request is passed on. */
  decide: (request: Request) => Fault = () => undefined;
  readonly requests: Request[] = [];
  readonly #server: Server;
  readonly #to: URL;

  private constructor(server: Server, scheme: string, port: number, to: string) {
    this.#server = server;
    this.endpoint = `${scheme}://127.0.0.1:${port}`;
    this.#to = new URL(to);
    server.on('request', (incoming, outgoing) => this.#pass(incoming, outgoing));
  }

  static async open(to: string, certificate?: Certificate): Promise<S3Proxy> {
    const server = certificate === undefined ? createServer() : createTlsServer({ ...certificate });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const address = server.address();
    if (address === null || typeof address === 'string') throw new Error('no port');
    return new S3Proxy(server, certificate === undefined ? 'http' : 'https', address.port, to);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    this.#server.close();
  }

  #pass(incoming: IncomingMessage, outgoing: ServerResponse): void {
    const asked = { method: incoming.method ?? '', path: incoming.url ?? '', range: incoming.headers.range };
    this.requests.push(asked);
    const fault = this.decide(asked);
    if (fault !== undefined && 'answer' in fault) {
      incoming.resume().on('end', () => {
        outgoing.writeHead(fault.answer, { 'content-type': 'application/xml' });
        outgoing.end(asked.method === 'HEAD' ? '' : `<Error><Code>${fault.code}</Code><Message>no</Message></Error>`);
      });
      return;
    }
    // With the Host header as it came: it is signed.
    const { hostname, port } = this.#to;
    const { method, url: path, headers } = incoming;
    const far = request({ hostname, port, method, path, headers }, (answer) => {
      if (fault !== undefined && 'lose' in fault) {
        answer.resume().on('end', () => outgoing.destroy());
        return;
      }
      outgoing.writeHead(answer.statusCode ?? 502, answer.headers);
      if (fault === undefined) answer.pipe(outgoing);
      else cutAfter(fault.cut, answer, outgoing);
    });
    far.on('error', () => outgoing.destroy());
    incoming.pipe(far);
  }
}

function cutAfter(bytes: number, answer: IncomingMessage, outgoing: ServerResponse): void {
  let left = bytes;
  outgoing.flushHeaders();
  answer.on('data', (chunk: Buffer) => {
    if (left <= 0) return;
    const part = chunk.subarray(0, left);
    left -= part.length;
    outgoing.write(part, () => {
      if (left <= 0) outgoing.destroy();
    });
  });
  if (bytes === 0) outgoing.destroy();
}
