/**
 * A REST catalog in this process, behind HTTP, for troubles that a real one does not show when asked to: requests that
 * are done though the answer says otherwise, or later, or not answered at all. From the specification of the protocol;
 * what it does with a request is in `catalog-model.ts`.
 */
import { once } from 'node:events';
import {
  createServer,
  type IncomingHttpHeaders,
  type IncomingMessage,
  type Server,
  type ServerResponse,
} from 'node:http';
import { createServer as createSecureServer } from 'node:https';
import type { CatalogCommit } from '../../ingestor/table/iceberg/catalog.ts';
import { printJSON } from '../../ingestor/table/iceberg/json.ts';
import type { TableCreation } from '../../ingestor/table/iceberg/spec.ts';
import { CatalogModel, type ModelAnswer, tableName } from './catalog-model.ts';
import { seededRandom } from './waiting.ts';

export interface StandInRequest {
  readonly method: string;
  /** With the query, as it came. */
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
}

/** What happens to a request instead of what should. */
export interface Trouble {
  /** Whether it is done: before the answer (default), not at all, or when `finishLate` is called. */
  readonly done?: 'yes' | 'no' | 'later';
  /** Instead of the answer. */
  readonly answer?: {
    readonly status: number;
    readonly headers?: Readonly<Record<string, string>>;
    readonly text?: string;
  };
  /** The connection breaks instead of an answer. */
  readonly cut?: boolean;
}

export interface StandInOptions {
  /** Answered to GET v1/config. */
  readonly config?: object;
  readonly tls?: { readonly key: string; readonly cert: string };
  readonly replaysKeys?: boolean;
}

interface Answer {
  readonly status: number;
  readonly body: unknown;
}

export class CatalogStandIn {
  readonly uri: string;
  readonly model: CatalogModel;
  readonly requests: StandInRequest[] = [];
  readonly namespaces = new Set<string>();
  /** Authorization headers that are let in; undefined: all are. */
  authorized: Set<string> | undefined;
  /** Asked about each request; undefined: none. */
  trouble: (request: StandInRequest) => Trouble | undefined = () => undefined;
  /** Answers requests for tokens. */
  token: (form: URLSearchParams) => Answer = () => ({ status: 404, body: '' });
  readonly #server: Server;
  readonly #config: object;
  readonly #late: (() => void)[] = [];

  private constructor(server: Server, uri: string, options: StandInOptions) {
    this.#server = server;
    this.uri = uri;
    this.#config = options.config ?? { defaults: {}, overrides: {} };
    const { replaysKeys = true } = options;
    this.model = new CatalogModel({ now: () => Date.now(), random: seededRandom(1), replaysKeys });
    server.on('request', (request, response) => void this.#handle(request, response));
  }

  static async start(options: StandInOptions = {}): Promise<CatalogStandIn> {
    const server = options.tls === undefined ? createServer() : createSecureServer(options.tls);
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const address = server.address();
    if (address === null || typeof address === 'string') throw new Error('no port');
    const scheme = options.tls === undefined ? 'http' : 'https';
    return new CatalogStandIn(server, `${scheme}://127.0.0.1:${address.port}`, options);
  }

  /** Does what was put off, in the order it came. */
  finishLate(): void {
    for (const act of this.#late.splice(0)) act();
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, 'close');
  }

  async #handle(incoming: IncomingMessage, response: ServerResponse): Promise<void> {
    const pieces: Uint8Array[] = [];
    for await (const piece of incoming) pieces.push(piece);
    const { method = '', url = '', headers } = incoming;
    const request = { method, path: url, headers, text: Buffer.concat(pieces).toString() };
    this.requests.push(request);
    const { done = 'yes', answer: other, cut = false } = this.trouble(request) ?? {};
    if (done === 'later') this.#late.push(() => this.#answer(request));
    const answer = done === 'yes' ? this.#answer(request) : { status: 500, body: errorBody(500, 'Failure', 'trouble') };
    if (cut) {
      response.destroy();
      return;
    }
    const {
      status,
      headers: own,
      text,
    } = other ?? { status: answer.status, text: answer.body === undefined ? '' : printJSON(answer.body) };
    response.writeHead(status, { 'content-type': 'application/json', ...own }).end(text);
  }

  #answer({ method, path, headers, text }: StandInRequest): Answer {
    const [route = ''] = path.split('?');
    if (route === '/v1/oauth/tokens') return this.token(new URLSearchParams(text));
    if (this.authorized !== undefined && !this.authorized.has(headers.authorization ?? '')) {
      return { status: 401, body: errorBody(401, 'NotAuthorizedException', 'not authorized') };
    }
    if (route === '/v1/config') return { status: 200, body: this.#config };
    const parts = route.slice(route.indexOf('/namespaces') + 1).split('/');
    const [, encoded, , table] = parts;
    const body = parseBody(text);
    if (encoded === undefined) return this.#createNamespace(body.namespace);
    const namespace = encoded.split('%1F').map(decodeURIComponent);
    const isThere = this.namespaces.has(namespace.join('.'));
    if (!isThere) return { status: 404, body: errorBody(404, 'NoSuchNamespaceException', 'no such namespace') };
    if (parts.length === 2) return { status: 200, body: { namespace } };
    const key = headers['idempotency-key'];
    const once = typeof key === 'string' ? key : undefined;
    if (table === undefined) return toHTTP(this.model.create(tableName(namespace, body.name), body, once));
    const name = tableName(namespace, decodeURIComponent(table));
    if (method === 'DELETE') {
      const answer = this.model.load(name);
      this.model.drop(name);
      return 'missing' in answer ? toHTTP(answer) : { status: 204, body: undefined };
    }
    return toHTTP(method === 'GET' ? this.model.load(name) : this.model.commit(name, body, once));
  }

  #createNamespace(namespace: string[]): Answer {
    const name = namespace.join('.');
    if (this.namespaces.has(name)) return { status: 409, body: errorBody(409, 'AlreadyExistsException', name) };
    this.namespaces.add(name);
    return { status: 200, body: { namespace } };
  }
}

/** What the two requests with a body may hold. */
interface RequestBody extends Omit<TableCreation, 'uuid' | 'time'>, Omit<CatalogCommit, 'time'> {
  readonly name: string;
  readonly namespace: string[];
}

/** Integers that a number does not hold become bigint. */
function parseBody(text: string): RequestBody {
  return JSON.parse(text === '' ? '{}' : text, (_name, value: unknown, context?: { source?: string }) =>
    typeof value === 'number' && Number.isInteger(value) && !Number.isSafeInteger(value) && context?.source
      ? BigInt(context.source)
      : value,
  );
}

function toHTTP(answer: ModelAnswer): Answer {
  if ('loaded' in answer) {
    const { metadata, location } = answer.loaded;
    return { status: 200, body: { 'metadata-location': location, metadata, config: {} } };
  }
  if ('conflict' in answer) return { status: 409, body: errorBody(409, 'CommitFailedException', answer.conflict) };
  if ('refused' in answer) return { status: 400, body: errorBody(400, 'ValidationException', answer.refused) };
  return { status: 404, body: errorBody(404, 'NoSuchTableException', answer.missing) };
}

export function errorBody(code: number, type: string, message: string): object {
  return { error: { code, type, message } };
}
