/** Requests to a catalog: every one ends, whatever the other side does, and no answer is larger than asked for. */
import { readFile } from 'node:fs/promises';
import {
  type ClientRequest,
  Agent as HttpAgent,
  request as httpRequest,
  type IncomingHttpHeaders,
  type IncomingMessage,
} from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https';
import { getCACertificates } from 'node:tls';
import { ForebayError } from '../contract/errors.ts';

/** How long is waited for the other side, in milliseconds. */
export interface HttpPatience {
  /** Until there is a connection, encrypted where it is to be. */
  readonly connect: number;
  /** While nothing moves: a catalog may write metadata before it answers. */
  readonly idle: number;
  /** From the beginning to the last byte of the answer. */
  readonly whole: number;
}
const defaultPatience: HttpPatience = { connect: 5_000, idle: 60_000, whole: 180_000 };
/** One table has few requests under way; this bounds what a defect could open. */
const sockets = 8;

export interface HttpCall {
  readonly method: 'GET' | 'POST' | 'DELETE';
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string;
}

export interface HttpAnswer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
}

/** No clear answer came; what was asked for may have been done. `reason` is a system error's code or a few words. */
export class NoAnswer extends Error {
  readonly reason: string;
  constructor(reason: string, options?: ErrorOptions) {
    super(reason, options);
    this.name = 'NoAnswer';
    this.reason = reason;
  }
}

export interface HttpSettings {
  /** A file with PEM certificates to trust beside the usual ones. */
  readonly caPath?: string | undefined;
  readonly maxResponseBytes: number;
  readonly patience?: HttpPatience;
}

export class Http {
  readonly #agents: { readonly http: HttpAgent; readonly https: HttpsAgent };
  readonly #maxResponseBytes: number;
  readonly #patience: HttpPatience;

  private constructor(ca: string[] | undefined, { maxResponseBytes, patience = defaultPatience }: HttpSettings) {
    const agent = { keepAlive: true, maxSockets: sockets, timeout: patience.idle };
    this.#agents = { http: new HttpAgent(agent), https: new HttpsAgent({ ...agent, ...(ca && { ca }) }) };
    this.#maxResponseBytes = maxResponseBytes;
    this.#patience = patience;
  }

  /** Throws UntrustedCertificate when the file of certificates cannot be used. */
  static async open(settings: HttpSettings): Promise<Http> {
    const { caPath } = settings;
    const ca = caPath === undefined ? undefined : [...getCACertificates('default'), await readCertificates(caPath)];
    return new Http(ca, settings);
  }

  /** Throws NoAnswer, and the signal's reason. Redirects are answers. */
  async send(call: HttpCall, signal: AbortSignal): Promise<HttpAnswer> {
    signal.throwIfAborted();
    const whole = AbortSignal.timeout(this.#patience.whole);
    try {
      const response = await this.#begin(call, AbortSignal.any([signal, whole]));
      const text = await this.#collect(response);
      return { status: response.statusCode ?? 0, headers: response.headers, text };
    } catch (thrown) {
      signal.throwIfAborted();
      throw toNoAnswer(thrown, whole.aborted);
    }
  }

  #begin({ method, url, headers, body }: HttpCall, signal: AbortSignal): Promise<IncomingMessage> {
    const isSecure = url.protocol === 'https:';
    const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>();
    const options = { method, headers, signal, agent: isSecure ? this.#agents.https : this.#agents.http };
    const request = (isSecure ? httpsRequest : httpRequest)(url, options, resolve);
    request.on('error', reject);
    request.on('timeout', () => request.destroy(new NoAnswer('silent for too long')));
    boundConnecting(request, isSecure, this.#patience.connect);
    request.end(body);
    return promise;
  }

  async #collect(response: IncomingMessage): Promise<string> {
    const pieces: Uint8Array[] = [];
    let bytes = 0;
    for await (const piece of response) {
      bytes += piece.length;
      // Leaving the loop ends the connection.
      if (bytes > this.#maxResponseBytes) throw new NoAnswer(`more than ${this.#maxResponseBytes} bytes`);
      pieces.push(piece);
    }
    return Buffer.concat(pieces, bytes).toString('utf8');
  }
}

/** A server that speaks another protocol may wait for ever for what it understands. */
function boundConnecting(request: ClientRequest, isSecure: boolean, milliseconds: number): void {
  request.on('socket', (socket) => {
    if (!socket.connecting) return;
    const giveUp = () => request.destroy(new NoAnswer('no connection in time'));
    const timer = setTimeout(giveUp, milliseconds);
    socket.once(isSecure ? 'secureConnect' : 'connect', () => clearTimeout(timer));
    request.once('close', () => clearTimeout(timer));
  });
}

async function readCertificates(path: string): Promise<string> {
  const text = await readFile(path, 'utf8').catch((cause: unknown) => {
    throw new ForebayError('UntrustedCertificate', `the CA certificates at ${path} cannot be read`, { cause });
  });
  if (text.includes('-----BEGIN CERTIFICATE-----')) return text;
  throw new ForebayError('UntrustedCertificate', `the file ${path} holds no PEM certificate`);
}

function toNoAnswer(thrown: unknown, wasTooLong: boolean): NoAnswer {
  if (thrown instanceof NoAnswer) return thrown;
  if (wasTooLong) return new NoAnswer('no whole answer in time', { cause: thrown });
  const code = thrown instanceof Error && 'code' in thrown && typeof thrown.code === 'string' ? thrown.code : 'unknown';
  return new NoAnswer(code, { cause: thrown });
}
