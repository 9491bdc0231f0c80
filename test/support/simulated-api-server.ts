/**
 * An API server within the process, for tests that move time by hand: real requests of the real client, answered without
 * a socket, so that everything that can happen has happened once the simulated clock has settled. It stores objects,
 * lists in pages, watches, checks resource versions, and fails on demand. What it cannot (validation, server-side apply
 * beyond a merge, admission) is tested on a real one.
 */
import { Dispatcher } from 'undici';
import type { Connection } from '../../operator/runtime/connection.ts';
import {
  apiVersionOf,
  type KubeObject,
  keyString,
  type ObjectKey,
  type ResourceType,
} from '../../operator/runtime/objects.ts';

export interface SimulatedRequest {
  readonly method: string;
  readonly path: string;
  readonly query: URLSearchParams;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: unknown;
}

export interface Reply {
  readonly status: number;
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
}

/**
 * `refused`: no connection comes about. `lost`: the request is carried out, its answer never arrives, the connection
 * breaks. `silent`: nothing comes back at all. A promise: carried out at once, answered when it resolves. A reply: this
 * instead of the real one.
 */
export type Fault = 'refused' | 'lost' | 'silent' | Promise<void> | Reply;

interface Happening {
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED';
  readonly version: number;
  readonly at: Place;
  readonly object: KubeObject;
}

interface Place {
  /** `/apis/GROUP/VERSION`, `/api/VERSION`. */
  readonly root: string;
  readonly plural: string;
  readonly namespace?: string;
  readonly name?: string;
}

export class SimulatedApiServer {
  readonly connection: Connection;
  /** What was asked, like `GET /api/v1/namespaces/a/configmaps/b`; a watch is a `WATCH`. */
  readonly requests: string[] = [];
  /** Asked before each request. */
  fault: (request: SimulatedRequest) => Fault | undefined = () => undefined;
  readonly #objects = new Map<string, { readonly at: Place; readonly object: KubeObject }>();
  readonly #watches = new Set<Watch>();
  #history: Happening[] = [];
  #version = 1;
  #oldest = 0;

  constructor() {
    const dispatcher = new InProcess((exchange) => this.#answer(exchange));
    this.connection = { server: 'http://api.test', authorise: async () => ({ headers: {}, dispatcher }) };
  }

  /** Stores an object as another client would. */
  put<T extends KubeObject>(type: ResourceType<T>, object: T): T {
    // What is stored is what was given, with metadata filled in.
    return this.#store(placeOf(type, object.metadata), { ...object }) as T;
  }

  remove(type: ResourceType, key: ObjectKey): void {
    this.#remove(placeOf(type, key));
  }

  get<T extends KubeObject>(type: ResourceType<T>, key: ObjectKey): T | undefined {
    return this.#objects.get(placeKey(placeOf(type, key)))?.object as T | undefined;
  }

  /** Forgets the past: who would go on from there gets 410. */
  compact(): void {
    this.#history = [];
    this.#oldest = this.#version;
  }

  /** Moves all watches on without an event for them. */
  bookmark(): void {
    this.#version += 1;
    for (const { exchange } of this.#watches) exchange.line({ type: 'BOOKMARK', object: this.#bookmarked() });
  }

  /** Ends all watches: as at their timeout, or as when the server is killed. */
  endWatches(how: 'timeout' | 'killed'): void {
    for (const { exchange } of this.#watches) how === 'timeout' ? exchange.end() : exchange.fail('ECONNRESET');
    this.#watches.clear();
  }

  get openWatches(): number {
    return this.#watches.size;
  }

  #answer(exchange: Exchange): void {
    const { request } = exchange;
    const isWatch = request.query.get('watch') === 'true';
    this.requests.push(`${isWatch ? 'WATCH' : request.method} ${request.path}`);
    const fault = this.fault(request);
    if (fault === 'silent') return;
    if (fault === 'refused') exchange.fail('ECONNREFUSED');
    else if (typeof fault === 'object' && 'status' in fault) exchange.reply(fault);
    else if (isWatch) this.#watch(exchange);
    else this.#carryOut(exchange, fault);
  }

  #carryOut(exchange: Exchange, fault: 'lost' | Promise<void> | undefined): void {
    const reply = this.#handle(exchange.request);
    if (fault === 'lost') exchange.fail('ECONNRESET');
    else if (fault === undefined) exchange.reply(reply);
    else void fault.then(() => exchange.reply(reply));
  }

  #handle(request: SimulatedRequest): Reply {
    const at = parsePath(request.path);
    if (request.method === 'GET' && at.name === undefined) return this.#list(at, request.query);
    const object = toObject(request.body);
    if (request.method === 'POST') return this.#create({ ...at, name: object.metadata.name }, object);
    const known = this.#objects.get(placeKey(at))?.object;
    if (request.method === 'PATCH') return this.#patch(at, known, request);
    if (known === undefined) return refusal(404, 'NotFound');
    if (request.method === 'GET') return { status: 200, body: known };
    if (request.method === 'DELETE') return { status: 200, body: this.#remove(at) };
    const expected = object.metadata.resourceVersion ?? known.metadata.resourceVersion;
    if (expected !== known.metadata.resourceVersion) return refusal(409, 'Conflict');
    return { status: 200, body: this.#store(at, object) };
  }

  #create(at: Place, object: KubeObject): Reply {
    if (this.#objects.has(placeKey(at))) return refusal(409, 'AlreadyExists');
    return { status: 201, body: this.#store(at, object) };
  }

  #patch(at: Place, known: KubeObject | undefined, request: SimulatedRequest): Reply {
    const isApply = request.headers['content-type'] === 'application/apply-patch+yaml';
    if (known === undefined && !(isApply && !request.path.endsWith('/status'))) return refusal(404, 'NotFound');
    return { status: 200, body: this.#store(at, toObject(merged(known ?? {}, request.body))) };
  }

  #list(at: Place, query: URLSearchParams): Reply {
    const all = [...this.#objects.values()].filter((entry) => isWithin(entry.at, at)).map(({ object }) => object);
    const [start = 0, version = this.#version] = (query.get('continue') ?? '').split('@').filter(Boolean).map(Number);
    if (version < this.#oldest) return refusal(410, 'Expired');
    const end = start + Number(query.get('limit') ?? all.length);
    const more = end < all.length ? { continue: `${end}@${version}` } : {};
    return {
      status: 200,
      body: { metadata: { resourceVersion: `${version}`, ...more }, items: all.slice(start, end) },
    };
  }

  #watch(exchange: Exchange): void {
    const from = Number(exchange.request.query.get('resourceVersion'));
    exchange.start(200);
    if (from < this.#oldest) {
      exchange.line({ type: 'ERROR', object: refusal(410, 'Expired').body });
      exchange.end();
      return;
    }
    const watch = { exchange, at: parsePath(exchange.request.path) };
    for (const event of this.#history) if (event.version > from) tell(watch, event);
    this.#watches.add(watch);
    exchange.onAbort = () => this.#watches.delete(watch);
  }

  #store(at: Place, given: KubeObject): KubeObject {
    const known = this.#objects.get(placeKey(at))?.object;
    this.#version += 1;
    const { creationTimestamp = '2026-01-01T00:00:00Z', uid = `uid-${this.#version}` } =
      known?.metadata ?? given.metadata;
    const metadata = { ...given.metadata, uid, creationTimestamp, resourceVersion: `${this.#version}` };
    const object = { ...given, metadata };
    this.#objects.set(placeKey(at), { at, object });
    this.#happened({ type: known === undefined ? 'ADDED' : 'MODIFIED', version: this.#version, at, object });
    return object;
  }

  #remove(at: Place): KubeObject | undefined {
    const known = this.#objects.get(placeKey(at))?.object;
    if (known === undefined) return undefined;
    this.#version += 1;
    this.#objects.delete(placeKey(at));
    const object = { ...known, metadata: { ...known.metadata, resourceVersion: `${this.#version}` } };
    this.#happened({ type: 'DELETED', version: this.#version, at, object });
    return object;
  }

  #happened(event: Happening): void {
    this.#history.push(event);
    for (const watch of this.#watches) tell(watch, event);
  }

  #bookmarked(): object {
    return { metadata: { resourceVersion: `${this.#version}` } };
  }
}

interface Watch {
  readonly exchange: Exchange;
  readonly at: Place;
}

function tell({ exchange, at }: Watch, { type, object, at: where }: Happening): void {
  if (isWithin(where, at)) exchange.line({ type, object });
}

function placeOf(type: ResourceType, { namespace, name }: ObjectKey): Place {
  const version = apiVersionOf(type);
  const root = type.group === '' ? `/api/${version}` : `/apis/${version}`;
  return { root, plural: type.plural, name, ...(namespace !== undefined && { namespace }) };
}

function parsePath(path: string): Place {
  const match = /^(\/api\/[^/]+|\/apis\/[^/]+\/[^/]+)(?:\/namespaces\/([^/]+))?\/([^/]+)(?:\/([^/]+))?/.exec(path);
  const [, root = '', namespace, plural = '', name] = match ?? [];
  return { root, plural, ...(namespace !== undefined && { namespace }), ...(name !== undefined && { name }) };
}

function placeKey({ root, plural, namespace, name = '' }: Place): string {
  return `${root}/${plural} ${keyString({ name, ...(namespace !== undefined && { namespace }) })}`;
}

function isWithin(place: Place, selection: Place): boolean {
  const { root, plural, namespace } = selection;
  return place.root === root && place.plural === plural && (namespace === undefined || place.namespace === namespace);
}

function refusal(code: number, reason: string): Reply {
  return { status: code, body: { kind: 'Status', apiVersion: 'v1', status: 'Failure', code, reason, message: reason } };
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function toObject(value: unknown): KubeObject {
  const metadata = isRecord(value) && isRecord(value.metadata) ? value.metadata : {};
  return { ...(isRecord(value) ? value : {}), metadata: { ...metadata, name: String(metadata.name ?? '') } };
}

/** RFC 7386. */
function merged(into: unknown, patch: unknown): unknown {
  if (!isRecord(patch)) return patch;
  const result: Record<string, unknown> = { ...(isRecord(into) ? into : {}) };
  for (const [name, value] of Object.entries(patch)) {
    if (value === null) delete result[name];
    else result[name] = merged(result[name], value);
  }
  return result;
}

/** Hands requests over without a network. */
class InProcess extends Dispatcher {
  readonly #answer: (exchange: Exchange) => void;

  constructor(answer: (exchange: Exchange) => void) {
    super();
    this.#answer = answer;
  }

  override dispatch(options: Dispatcher.DispatchOptions, handler: Dispatcher.DispatchHandler): boolean {
    void this.#exchange(options, handler);
    return true;
  }

  async #exchange(options: Dispatcher.DispatchOptions, handler: Dispatcher.DispatchHandler): Promise<void> {
    const url = new URL(options.path, 'http://api.test');
    const text = await textOf(options.body);
    const request = {
      method: options.method,
      path: url.pathname,
      query: url.searchParams,
      headers: headersOf(options.headers),
      body: text === '' ? undefined : JSON.parse(text),
    };
    const exchange = new Exchange(request, handler);
    if (!exchange.isOver) this.#answer(exchange);
  }
}

/** One request and what is sent back, by and by. */
class Exchange implements Dispatcher.DispatchController {
  readonly request: SimulatedRequest;
  onAbort: () => void = () => {};
  readonly #handler: Dispatcher.DispatchHandler;
  isOver = false;
  aborted = false;
  paused = false;
  reason: Error | null = null;
  rawHeaders: Buffer[] = [];

  constructor(request: SimulatedRequest, handler: Dispatcher.DispatchHandler) {
    this.request = request;
    this.#handler = handler;
    handler.onRequestStart?.(this, {});
  }

  start(status: number, headers: Readonly<Record<string, string>> = {}): void {
    if (this.isOver) return;
    this.rawHeaders = Object.entries(headers).flatMap(([name, value]) => [Buffer.from(name), Buffer.from(value)]);
    this.#handler.onResponseStart?.(this, status, { ...headers }, '');
  }

  line(value: object): void {
    this.#data(`${JSON.stringify(value)}\n`);
  }

  reply({ status, body, headers }: Reply): void {
    this.start(status, headers);
    this.#data(typeof body === 'string' ? body : JSON.stringify(body ?? {}));
    this.end();
  }

  end(): void {
    if (this.isOver) return;
    this.isOver = true;
    this.#handler.onResponseEnd?.(this, {});
  }

  fail(code: string): void {
    if (this.isOver) return;
    this.isOver = true;
    this.#handler.onResponseError?.(this, Object.assign(new Error(code), { code }));
  }

  abort(reason: Error): void {
    if (this.isOver) return;
    this.isOver = true;
    this.aborted = true;
    this.reason = reason;
    this.onAbort();
    this.#handler.onResponseError?.(this, reason);
  }

  pause(): void {
    this.paused = true;
  }

  resume(): void {
    this.paused = false;
  }

  #data(text: string): void {
    if (!this.isOver) this.#handler.onResponseData?.(this, Buffer.from(text));
  }
}

/** What `fetch` makes of a text: pieces to iterate over. */
async function textOf(body: unknown): Promise<string> {
  if (typeof body !== 'object' || body === null || !(Symbol.asyncIterator in body)) return '';
  const pieces: Uint8Array[] = [];
  for await (const piece of body as AsyncIterable<Uint8Array>) pieces.push(piece);
  return Buffer.concat(pieces).toString('utf8');
}

function headersOf(headers: unknown): Record<string, string> {
  return isRecord(headers)
    ? Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, String(value)]))
    : {};
}
