import type { Clock, Timer } from './clock.ts';
import type { Connection } from './connection.ts';
import { ApiError, ConnectionError, isConflict, isNotFound } from './errors.ts';
import type { Counter } from './metrics.ts';
import { apiVersionOf, type KubeObject, keyOf, type ObjectKey, type ResourceType } from './objects.ts';
import { describe, type Query, type Request, Sender, statusOf } from './sender.ts';

export interface CallOptions {
  readonly signal: AbortSignal;
  /** Each attempt is given up after this. Default: the client's. */
  readonly timeoutSeconds?: number;
  /** Default 8; 1 for a caller that has its own rhythm. */
  readonly mostAttempts?: number;
}

export interface WriteOptions extends CallOptions {
  /** Default: the client's. */
  readonly fieldManager?: string;
  /** Check only, store nothing. */
  readonly dryRun?: boolean;
}

export interface ApplyOptions extends WriteOptions {
  /** Take fields that another manager owns. Default true, as controllers should. */
  readonly force?: boolean;
}

export interface PatchOptions extends WriteOptions {
  readonly subresource?: 'status' | 'scale';
}

export interface DeleteOptions extends CallOptions {
  /** Default Background. */
  readonly propagation?: 'Background' | 'Foreground' | 'Orphan';
  /** Conflict unless the object still is this one. */
  readonly preconditions?: { readonly uid?: string; readonly resourceVersion?: string };
  readonly gracePeriodSeconds?: number;
}

export interface Selection {
  /** Absent: all namespaces. */
  readonly namespace?: string;
  readonly labelSelector?: string;
  readonly fieldSelector?: string;
}

export interface ListOptions extends CallOptions, Selection {
  /** Most objects in one answer. Default 500. */
  readonly limit?: number;
  readonly continueToken?: string;
}

export interface ListPage<T> {
  readonly items: T[];
  readonly resourceVersion: string;
  /** Present when there is more. */
  readonly continueToken?: string;
}

export interface WatchOptions extends Selection {
  readonly signal: AbortSignal;
  readonly resourceVersion: string;
  /** After this the server ends the watch. Default 290. */
  readonly timeoutSeconds?: number;
}

export type WatchEvent<T> =
  | { readonly type: 'ADDED' | 'MODIFIED' | 'DELETED'; readonly object: T }
  | { readonly type: 'BOOKMARK'; readonly resourceVersion: string };

export interface ClientOptions {
  readonly connection: Connection;
  readonly clock: Clock;
  /** Who owns the fields that are applied. */
  readonly fieldManager: string;
  readonly userAgent?: string;
  /** Each attempt of a call (not a watch) is given up after this. Default 30. */
  readonly requestTimeoutSeconds?: number;
  /** 0..1, for jitter. Default Math.random. */
  readonly random?: () => number;
  /** `rest_client_requests_total`, labels code and method. */
  readonly requests?: Counter;
}

/**
 * Calls of the API server, for any resource. Objects come back with apiVersion and kind, dates as strings.
 *
 * 429 and 503 are tried again after Retry-After, as are calls whose connection failed - except create and update when
 * they may have arrived: a repeated one would be answered with AlreadyExists or Conflict because of itself.
 * Throws ApiError when the server refuses, ConnectionError when it does not answer, the signal's reason when aborted.
 */
export class Client {
  readonly #sender: Sender;
  readonly #clock: Clock;
  readonly #fieldManager: string;

  constructor(options: ClientOptions) {
    this.#sender = new Sender(options);
    this.#clock = options.clock;
    this.#fieldManager = options.fieldManager;
  }

  async get<T extends KubeObject>(type: ResourceType<T>, key: ObjectKey, options: CallOptions): Promise<T> {
    return await this.#sender.object<T>({ method: 'GET', path: objectPath(type, key) }, options);
  }

  /** As `get`, but undefined when there is no such object. */
  async find<T extends KubeObject>(
    type: ResourceType<T>,
    key: ObjectKey,
    options: CallOptions,
  ): Promise<T | undefined> {
    return await this.get(type, key, options).catch(ifNotFound);
  }

  /** One page. */
  async list<T extends KubeObject>(type: ResourceType<T>, options: ListOptions): Promise<ListPage<T>> {
    const { limit = 500, continueToken } = options;
    const query = { ...selectionQuery(options), limit, continue: continueToken };
    const path = collectionPath(type, options.namespace);
    const list = await this.#sender.object<ListAnswer<T>>({ method: 'GET', path, query }, options);
    const names = { apiVersion: apiVersionOf(type), kind: type.kind };
    const { resourceVersion = '', continue: more } = list.metadata;
    return {
      items: list.items.map((item) => ({ ...names, ...item })),
      resourceVersion,
      ...(more !== undefined && more !== '' && { continueToken: more }),
    };
  }

  /** All pages, each as soon as it is there. ApiError Expired when the paging took so long that the token died. */
  async *pages<T extends KubeObject>(
    type: ResourceType<T>,
    options: Omit<ListOptions, 'continueToken'>,
  ): AsyncGenerator<ListPage<T>, void, undefined> {
    for (let page = await this.list(type, options); ; ) {
      yield page;
      const { continueToken } = page;
      if (continueToken === undefined) return;
      page = await this.list(type, { ...options, continueToken });
    }
  }

  /** Ends when the server ends it (timeoutSeconds); ApiError Expired when the resource version is too old. */
  async *watch<T extends KubeObject>(
    type: ResourceType<T>,
    options: WatchOptions,
  ): AsyncGenerator<WatchEvent<T>, void, undefined> {
    const { resourceVersion, timeoutSeconds = 290 } = options;
    const query = {
      ...selectionQuery(options),
      watch: true,
      allowWatchBookmarks: true,
      resourceVersion,
      timeoutSeconds,
    };
    const request: Request = { method: 'GET', path: collectionPath(type, options.namespace), query };
    using guard = new SilenceGuard(this.#clock, silentSeconds * 1_000);
    const signal = AbortSignal.any([options.signal, guard.signal]);
    try {
      for await (const line of this.#sender.lines(request, signal)) {
        guard.heard();
        yield watchEvent<T>(describe(request), line);
      }
    } catch (thrown) {
      options.signal.throwIfAborted();
      throw guard.signal.aborted ? new ConnectionError(describe(request), guard.signal.reason) : thrown;
    }
  }

  async create<T extends KubeObject>(type: ResourceType<T>, object: T, options: WriteOptions): Promise<T> {
    const { namespace, name } = object.metadata;
    if (type.namespaced && namespace === undefined) throw new TypeError(`${type.kind} ${name}: no namespace is given`);
    const path = collectionPath(type, namespace);
    const body = JSON.stringify(named(type, object));
    const query = this.#writeQuery(options);
    return await this.#sender.object<T>({ method: 'POST', path, query, body, isOnce: true }, options);
  }

  /** Replaces the whole object; Conflict when its resourceVersion is not the stored one's. */
  async update<T extends KubeObject>(type: ResourceType<T>, object: T, options: WriteOptions): Promise<T> {
    const path = objectPath(type, keyOf(object));
    const body = JSON.stringify(named(type, object));
    const query = this.#writeQuery(options);
    return await this.#sender.object<T>({ method: 'PUT', path, query, body, isOnce: true }, options);
  }

  /** Server-side apply: all fields this manager wants, and no others. Creates the object when there is none. */
  async apply<T extends KubeObject>(type: ResourceType<T>, object: T, options: ApplyOptions): Promise<T> {
    return await this.#apply<T>(objectPath(type, keyOf(object)), named(type, object), options);
  }

  /**
   * Server-side apply of the whole status. `of` is the object that the status was made from; another one that has its
   * name by now is refused (Conflict). NotFound when there is none.
   *
   * Status requests ignore a uid, so it is the resource version that tells. When the object only changed, it is written
   * all the same: what changed has its own reconcile.
   */
  async applyStatus<T extends KubeObject & { status?: unknown }>(
    type: ResourceType<T>,
    of: KubeObject,
    status: NonNullable<T['status']>,
    options: ApplyOptions,
  ): Promise<T> {
    const { name, namespace, uid, resourceVersion } = of.metadata;
    const body = named(type, { metadata: { name, namespace, resourceVersion }, status });
    try {
      return await this.#apply<T>(`${objectPath(type, keyOf(of))}/status`, body, options);
    } catch (thrown) {
      if (!isConflict(thrown)) throw thrown;
      const now = await this.get(type, keyOf(of), options);
      const hasOnlyChanged = now.metadata.uid === uid && now.metadata.resourceVersion !== resourceVersion;
      if (!hasOnlyChanged) throw thrown;
      return await this.applyStatus(type, now, status, options);
    }
  }

  /** JSON merge patch: null removes a field, a list is replaced whole. */
  async patch<T extends KubeObject>(
    type: ResourceType<T>,
    key: ObjectKey,
    patch: object,
    options: PatchOptions,
  ): Promise<T> {
    const { subresource } = options;
    const path = `${objectPath(type, key)}${subresource === undefined ? '' : `/${subresource}`}`;
    const contentType = 'application/merge-patch+json';
    const query = this.#writeQuery(options);
    return await this.#sender.object<T>(
      { method: 'PATCH', path, query, body: JSON.stringify(patch), contentType },
      options,
    );
  }

  /** False when there was nothing to delete. */
  async delete(type: ResourceType, key: ObjectKey, options: DeleteOptions): Promise<boolean> {
    const { propagation = 'Background', preconditions, gracePeriodSeconds } = options;
    const body = JSON.stringify({
      apiVersion: 'v1',
      kind: 'DeleteOptions',
      propagationPolicy: propagation,
      preconditions,
      gracePeriodSeconds,
    });
    const path = objectPath(type, key);
    return (await this.#sender.object({ method: 'DELETE', path, body }, options).catch(ifNotFound)) !== undefined;
  }

  async #apply<T>(path: string, object: object, options: ApplyOptions): Promise<T> {
    const query = { ...this.#writeQuery(options), force: options.force ?? true };
    // JSON is YAML.
    const contentType = 'application/apply-patch+yaml';
    return await this.#sender.object<T>(
      { method: 'PATCH', path, query, body: JSON.stringify(object), contentType },
      options,
    );
  }

  #writeQuery({ fieldManager = this.#fieldManager, dryRun = false }: WriteOptions): Query {
    return { fieldManager, dryRun: dryRun ? 'All' : undefined };
  }
}

/** Bookmarks come about once a minute: a watch silent for longer is dead, whatever TCP says. */
const silentSeconds = 150;

class SilenceGuard implements Disposable {
  readonly #controller = new AbortController();
  readonly #clock: Clock;
  readonly #milliseconds: number;
  #timer: Timer;

  constructor(clock: Clock, milliseconds: number) {
    this.#clock = clock;
    this.#milliseconds = milliseconds;
    this.#timer = this.#start();
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  heard(): void {
    this.#timer.cancel();
    this.#timer = this.#start();
  }

  [Symbol.dispose](): void {
    this.#timer.cancel();
  }

  #start(): Timer {
    return this.#clock.setTimer(this.#milliseconds, () =>
      this.#controller.abort(new Error(`silent for ${this.#milliseconds / 1_000} s`)),
    );
  }
}

interface ListAnswer<T> {
  readonly metadata: { readonly resourceVersion?: string; readonly continue?: string };
  readonly items: readonly T[];
}

function collectionPath(type: ResourceType, namespace: string | undefined): string {
  const root = type.group === '' ? `/api/${type.version}` : `/apis/${type.group}/${type.version}`;
  const place = type.namespaced && namespace !== undefined ? `/namespaces/${encodeURIComponent(namespace)}` : '';
  return `${root}${place}/${type.plural}`;
}

function objectPath(type: ResourceType, { namespace, name }: ObjectKey): string {
  if (type.namespaced && namespace === undefined) throw new TypeError(`${type.kind} ${name}: no namespace is given`);
  return `${collectionPath(type, namespace)}/${encodeURIComponent(name)}`;
}

function selectionQuery({ labelSelector, fieldSelector }: Selection): Query {
  return { labelSelector, fieldSelector };
}

function named(type: ResourceType, object: object): object {
  return { ...object, apiVersion: apiVersionOf(type), kind: type.kind };
}

function ifNotFound(error: unknown): undefined {
  if (isNotFound(error)) return undefined;
  throw error;
}

/** Lines of a watch are events; an ERROR carries a Status. */
function watchEvent<T extends KubeObject>(request: string, line: string): WatchEvent<T> {
  const event: { type: string; object: unknown } = JSON.parse(line);
  if (event.type === 'ERROR') throw new ApiError(request, statusOf(event.object, 500));
  const { type, object } = event as WatchEvent<T> & { object: T };
  if (type !== 'BOOKMARK') return { type, object };
  return { type, resourceVersion: object.metadata.resourceVersion ?? '' };
}
