/**
 * The store: the one place where ingested data and the objects that decide about it live. Three implementations share
 * this contract and its conformance test: S3 (`s3.ts`), a local folder (`local.ts`) and a simulated one for tests.
 *
 * Keys are relative to the store's prefix, with `/` between segments and none at either end.
 *
 * An answer is a clear yes, a clear no, or a thrown `ForebayError`. A thrown StoreUnavailable means "unknown": the
 * request may have landed, or may still land. Since a lost answer may be followed by a repeat inside the store, a clear
 * no of `putIfAbsent` may be for one's own object: who cares reads it and looks for its own nonce.
 */
export interface Store {
  /** For people and for status: `s3://bucket/prefix` or `file:///folder`; no credentials, no query. */
  readonly url: string;

  /** The whole object, or undefined when there is none. For small objects. */
  get(key: string, options?: CallOptions): Promise<StoredObject | undefined>;

  /**
   * The bytes of an object, or of its range (`end` exclusive), as a stream; a broken connection is resumed where it
   * broke. A range past the end is cut. Each piece is the reader's own, who may free its memory. Throws FileChanged when the object is gone, or when it has another ETag than
   * `ifMatch` or than when the reading began.
   */
  read(key: string, options?: ReadOptions): AsyncIterable<Uint8Array>;

  /** Facts of an object, or undefined when there is none. */
  head(key: string, options?: CallOptions): Promise<ObjectFacts | undefined>;

  /**
   * All objects whose key starts with `prefix`, in the store's own order (byte order or folder order) unless it does not
   * matter, paged inside.
   */
  list(prefix: string, options?: ListOptions): AsyncIterable<ObjectFacts>;

  /** Creates the object; `created: false` when one of that key exists already. */
  putIfAbsent(key: string, body: Uint8Array | string, options?: CallOptions): Promise<ConditionalOutcome>;

  /** Overwrites the object of exactly this ETag; `created: false` when it has another or is gone. */
  putIfMatch(key: string, body: Uint8Array | string, etag: string, options?: CallOptions): Promise<ConditionalOutcome>;

  /** Creates or overwrites without looking. */
  put(key: string, body: Uint8Array | string, options?: CallOptions): Promise<void>;

  /** A large object written piece by piece; nothing is visible before `complete`. */
  upload(key: string, options?: CallOptions): Upload;

  /** Removes objects; those that are gone already count as removed. */
  delete(keys: readonly string[], options?: CallOptions): Promise<void>;

  /**
   * Drops uploads to keys that start with `prefix` which began before `olderThan`, by the store's clock, and were never
   * ended; answers how many. An upload that still goes on fails. A store that cannot list them answers 0.
   */
  abandonUploads(prefix: string, olderThan: number, options?: CallOptions): Promise<number>;

  /** Milliseconds since 1970 by the clock that `lastModified` is of; exact to a second. For ages, never for order. */
  now(options?: CallOptions): Promise<number>;

  /** Frees sockets. Calls after it fail. */
  close(): Promise<void>;
}

export interface CallOptions {
  readonly signal?: AbortSignal;
}

export interface ReadOptions extends CallOptions {
  /** Byte offset of the first byte; 0 when absent. */
  readonly start?: number;
  /** Byte offset after the last byte; the object's end when absent. */
  readonly end?: number;
  readonly ifMatch?: string;
}

export interface ListOptions extends CallOptions {
  /** Most objects asked for in one page; a check reads one page only. Default 1,000. */
  readonly pageSize?: number;
  /** The store may list several parts at the same time: objects come in no order, and one may come twice. */
  readonly anyOrder?: boolean;
}

export interface ObjectFacts {
  readonly key: string;
  /** Bytes. */
  readonly size: number;
  /** Opaque, with the quotes the store gave. */
  readonly etag: string;
  /** By the store's clock, milliseconds since 1970. */
  readonly lastModified: number;
}

export interface StoredObject extends ObjectFacts {
  readonly body: Uint8Array;
}

export interface ConditionalOutcome {
  readonly created: boolean;
  /** Of the object now there, when this call made it. */
  readonly etag?: string;
}

/** Its calls follow on each other: the next one comes when the last one is done, but for `abort`. */
export interface Upload {
  readonly key: string;
  /** Takes the bytes over, and may free their memory; resolves when more may come (back-pressure). */
  write(bytes: Uint8Array): Promise<void>;
  /** Makes the object visible; answers its size in bytes. */
  complete(): Promise<number>;
  /** Drops what was written. Never throws: what stays behind is garbage that `maintain` finds. */
  abort(): Promise<void>;
}
