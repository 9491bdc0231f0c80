import type { Clock } from './clock.ts';
import type { Connection } from './connection.ts';
import type { Counter } from './metrics.ts';
import type { KubeObject, ObjectKey, ResourceType } from './objects.ts';

export interface CallOptions {
  readonly signal: AbortSignal;
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

export interface WatchOptions extends CallOptions, Selection {
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
 * they may have arrived: a repeated one would answer AlreadyExists or Conflict to its own first attempt.
 * Throws ApiError when the server refuses, ConnectionError when it does not answer, the signal's reason when aborted.
 */
export class Client {
  constructor(_options: ClientOptions) {}

  get<T extends KubeObject>(_type: ResourceType<T>, _key: ObjectKey, _options: CallOptions): Promise<T> {
    throw new Error('not implemented');
  }

  /** As `get`, but undefined when there is no such object. */
  find<T extends KubeObject>(_type: ResourceType<T>, _key: ObjectKey, _options: CallOptions): Promise<T | undefined> {
    throw new Error('not implemented');
  }

  /** One page. */
  list<T extends KubeObject>(_type: ResourceType<T>, _options: ListOptions): Promise<ListPage<T>> {
    throw new Error('not implemented');
  }

  /** All pages, each as soon as it is there. ApiError Expired when the paging took so long that the token died. */
  pages<T extends KubeObject>(
    _type: ResourceType<T>,
    _options: Omit<ListOptions, 'continueToken'>,
  ): AsyncGenerator<ListPage<T>, void, undefined> {
    throw new Error('not implemented');
  }

  /** Ends when the server ends it (timeoutSeconds); ApiError Expired when the resource version is too old. */
  watch<T extends KubeObject>(
    _type: ResourceType<T>,
    _options: WatchOptions,
  ): AsyncGenerator<WatchEvent<T>, void, undefined> {
    throw new Error('not implemented');
  }

  create<T extends KubeObject>(_type: ResourceType<T>, _object: T, _options: WriteOptions): Promise<T> {
    throw new Error('not implemented');
  }

  /** Replaces the whole object; Conflict when its resourceVersion is not the stored one's. */
  update<T extends KubeObject>(_type: ResourceType<T>, _object: T, _options: WriteOptions): Promise<T> {
    throw new Error('not implemented');
  }

  /** Server-side apply: all fields this manager wants, and no others. Creates the object when there is none. */
  apply<T extends KubeObject>(_type: ResourceType<T>, _object: T, _options: ApplyOptions): Promise<T> {
    throw new Error('not implemented');
  }

  /**
   * Server-side apply of the whole status. `of` names the object; when it has a uid, a later object of the same name
   * is refused (Conflict). NotFound when there is none.
   */
  applyStatus<T extends KubeObject & { status?: unknown }>(
    _type: ResourceType<T>,
    _of: KubeObject,
    _status: NonNullable<T['status']>,
    _options: ApplyOptions,
  ): Promise<T> {
    throw new Error('not implemented');
  }

  /** JSON merge patch: null removes a field, a list is replaced whole. */
  patch<T extends KubeObject>(
    _type: ResourceType<T>,
    _key: ObjectKey,
    _patch: object,
    _options: PatchOptions,
  ): Promise<T> {
    throw new Error('not implemented');
  }

  /** False when there was nothing to delete. */
  delete(_type: ResourceType, _key: ObjectKey, _options: DeleteOptions): Promise<boolean> {
    throw new Error('not implemented');
  }
}
