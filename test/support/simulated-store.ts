/**
 * A bucket in memory with the troubles of a real one, for tests and simulations: time is given (simulated-time.ts),
 * chance comes from a seed, so a run that fails fails again.
 *
 * Several stores may be open on one bucket, each as the process that uses it: `crash` ends one of them. What a client
 * repeats by itself (s3.ts: 5xx, 409, lost answers) is part of the store here: a fault is what is left after that.
 */
import { createHash } from 'node:crypto';
import type { Clock, Random } from '../../ingestor/contract/environment.ts';
import { ForebayError } from '../../ingestor/contract/errors.ts';
import { compareKeys, toBytes } from '../../ingestor/store/keys.ts';
import type {
  CallOptions,
  ConditionalOutcome,
  ListOptions,
  ObjectFacts,
  ReadOptions,
  Store,
  StoredObject,
  Upload,
} from '../../ingestor/store/store.ts';

/** How often, of all calls (0 to 1), each thing happens. At most one of them to a call; all but `slow` fail it or lie. */
export interface SimulatedFaults {
  /** Nothing was done (of a delete: not all), and the caller is told that it is unclear (5xx, 409 to the end). */
  readonly unavailable?: number;
  /** It was done; the caller is told that it is unclear. */
  readonly lost?: number;
  /** A write is done later, when the caller was told long ago that it is unclear. */
  readonly late?: number;
  /** A write was done, its answer lost, and the client asked again: a create is refused for one's own object. */
  readonly repeated?: number;
  /** A write is done, the caller is told so, and it is done once more later. */
  readonly twice?: number;
  /** The call takes up to `slowMilliseconds`. */
  readonly slow?: number;
  /** Default ten minutes. */
  readonly lateMilliseconds?: number;
  /** Default one minute. */
  readonly slowMilliseconds?: number;
}

export interface SimulatedBucketOptions {
  /** The server's. */
  readonly clock: Clock;
  readonly random: Random;
  /** May be changed at any time by giving a getter. */
  readonly faults?: SimulatedFaults;
  /** Of listings: `byte` as S3 says (default), `folder` as SeaweedFS does. */
  readonly order?: 'byte' | 'folder';
  /** Objects in one page of a listing, at most. Default 1,000. */
  readonly pageSize?: number;
  /** Longest time of a call that is not slow. Default 20 ms. */
  readonly latencyMilliseconds?: number;
  /** Told of each write right after it was done, in order. */
  readonly onWrite?: (write: SimulatedWrite) => void;
}

/** The process that calls: it may be asleep, or dead. */
export interface SimulatedClient {
  /** Resolves when the process goes on; never when it is dead. Undefined: it is awake. */
  paused(): Promise<void> | undefined;
}

/** What happened to the bucket, in order; for oracles. */
export interface SimulatedWrite {
  readonly time: number;
  readonly kind: 'created' | 'overwritten' | 'deleted';
  readonly key: string;
  readonly before: StoredObject | undefined;
  readonly after: StoredObject | undefined;
}

export class SimulatedBucket {
  /** By whole key. Tests may look and change. */
  readonly objects: Map<string, StoredObject>;
  readonly writes: SimulatedWrite[] = [];
  readonly #options: SimulatedBucketOptions;

  constructor(options: SimulatedBucketOptions, objects = new Map<string, StoredObject>()) {
    this.#options = options;
    this.objects = objects;
  }

  get clock(): Clock {
    return this.#options.clock;
  }

  open(prefix = '', client?: SimulatedClient): SimulatedStore {
    return new SimulatedStore(this, this.#options, prefix, client);
  }

  set(key: string, body: Uint8Array | string): string {
    const bytes = Buffer.from(toBytes(body));
    // As S3: by content, so that an ETag comes back with the content.
    const etag = `"${createHash('md5').update(bytes).digest('hex')}"`;
    const before = this.objects.get(key);
    const lastModified = toSecond(this.clock.now());
    const after = { key, body: bytes, size: bytes.length, etag, lastModified };
    this.objects.set(key, after);
    this.#tell({ kind: before === undefined ? 'created' : 'overwritten', key, before, after });
    return etag;
  }

  delete(key: string): void {
    const before = this.objects.get(key);
    if (this.objects.delete(key)) this.#tell({ kind: 'deleted', key, before, after: undefined });
  }

  #tell(facts: Omit<SimulatedWrite, 'time'>): void {
    const write = { time: this.clock.now(), ...facts };
    this.writes.push(write);
    this.#options.onWrite?.(write);
  }
}

const alwaysAwake: SimulatedClient = { paused: () => undefined };

export class SimulatedStore implements Store {
  readonly url: string;
  readonly #bucket: SimulatedBucket;
  readonly #prefix: string;
  readonly #options: SimulatedBucketOptions;
  readonly #client: SimulatedClient;
  #closed = false;
  #crashed = false;

  constructor(
    bucket: SimulatedBucket,
    options: SimulatedBucketOptions,
    prefix: string,
    client: SimulatedClient = alwaysAwake,
    url = 'simulated://bucket',
  ) {
    this.#bucket = bucket;
    this.#options = options;
    this.#client = client;
    this.#prefix = prefix === '' ? '' : `${prefix}/`;
    this.url = `${url}${prefix === '' ? '' : `/${prefix}`}`;
  }

  /** The process dies: what it waits for never comes. Requests on their way still land. */
  crash(): void {
    this.#crashed = true;
  }

  async get(key: string, options?: CallOptions): Promise<StoredObject | undefined> {
    return await this.#call('read', key, options, () => {
      const object = this.#object(key);
      return object && { ...object, body: Buffer.from(object.body) };
    });
  }

  async *read(key: string, options: ReadOptions = {}): AsyncGenerator<Uint8Array> {
    let { start = 0, ifMatch } = options;
    const pieceBytes = 64 * 1024;
    for (;;) {
      const piece = await this.#call('read', key, options, () => {
        const object = this.#object(key);
        if (object === undefined || (ifMatch !== undefined && object.etag !== ifMatch)) {
          throw new ForebayError('FileChanged', `${this.url}/${key} was changed or is gone`);
        }
        ifMatch = object.etag;
        const end = Math.min(options.end ?? object.size, object.size, start + pieceBytes);
        return Buffer.from(object.body.subarray(start, Math.max(start, end)));
      });
      if (piece.length === 0) return;
      start += piece.length;
      yield piece;
    }
  }

  async head(key: string, options?: CallOptions): Promise<ObjectFacts | undefined> {
    return await this.#call('read', key, options, () => {
      const object = this.#object(key);
      return object && factsOf(object);
    });
  }

  /** Each page shows the bucket as it is then. */
  async *list(prefix: string, options: ListOptions = {}): AsyncGenerator<ObjectFacts> {
    const pageSize = Math.min(options.pageSize ?? 1_000, this.#options.pageSize ?? 1_000);
    const compare = this.#options.order === 'folder' ? compareByFolder : compareKeys;
    for (let last: string | undefined; ; ) {
      const after = last;
      const page = await this.#call('read', prefix, options, () =>
        [...this.#bucket.objects.keys()]
          .filter((key) => key.startsWith(this.#prefix + prefix) && (after === undefined || compare(key, after) > 0))
          .sort(compare)
          .slice(0, pageSize)
          .map((key) => this.#object(key.slice(this.#prefix.length)))
          .filter((object) => object !== undefined),
      );
      for (const object of page) yield factsOf(object);
      if (page.length < pageSize) return;
      last = this.#prefix + (page.at(-1)?.key ?? '');
    }
  }

  async putIfAbsent(key: string, body: Uint8Array | string, options?: CallOptions): Promise<ConditionalOutcome> {
    return await this.#call('write', key, options, () =>
      this.#object(key) === undefined ? this.#set(key, body) : { created: false },
    );
  }

  async putIfMatch(
    key: string,
    body: Uint8Array | string,
    etag: string,
    options?: CallOptions,
  ): Promise<ConditionalOutcome> {
    return await this.#call('write', key, options, () =>
      this.#object(key)?.etag === etag ? this.#set(key, body) : { created: false },
    );
  }

  async put(key: string, body: Uint8Array | string, options?: CallOptions): Promise<void> {
    await this.#call('write', key, options, () => this.#set(key, body));
  }

  upload(key: string, options?: CallOptions): Upload {
    const pieces: Uint8Array[] = [];
    let ended = false;
    const check = () => {
      options?.signal?.throwIfAborted();
      if (ended) throw new Error(`the upload of ${key} has ended`);
    };
    return {
      key,
      write: async (bytes) => {
        check();
        pieces.push(Buffer.from(bytes));
      },
      complete: async () => {
        check();
        ended = true;
        const body = Buffer.concat(pieces);
        await this.#call('write', key, options, () => this.#set(key, body));
        return body.length;
      },
      abort: async () => {
        ended = true;
        pieces.length = 0;
      },
    };
  }

  /** In requests of up to 1,000 keys, as S3 has it. */
  async delete(keys: readonly string[], options?: CallOptions): Promise<void> {
    for (let first = 0; first < keys.length; first += 1_000) {
      const some = keys.slice(first, first + 1_000);
      const remove = (count = some.length) => {
        for (const key of some.slice(0, count)) this.#bucket.delete(this.#prefix + key);
      };
      const removeSome = () => remove(Math.floor(this.#options.random.number() * some.length));
      await this.#call('write', some[0] ?? '', options, remove, removeSome);
    }
  }

  /** Unfinished uploads lie with who writes them. */
  async abandonUploads(prefix: string, _olderThan: number, options?: CallOptions): Promise<number> {
    return await this.#call('read', prefix, options, () => 0);
  }

  async now(options?: CallOptions): Promise<number> {
    return await this.#call('read', '', options, () => toSecond(this.#bucket.clock.now()));
  }

  async close(): Promise<void> {
    this.#closed = true;
  }

  #object(key: string): StoredObject | undefined {
    const object = this.#bucket.objects.get(this.#prefix + key);
    return object && { ...object, key };
  }

  #set(key: string, body: Uint8Array | string): ConditionalOutcome {
    return { created: true, etag: this.#bucket.set(this.#prefix + key, body) };
  }

  /**
   * The request travels, `effect` happens at the server at one moment, the answer travels. Once the request is under
   * way it lands, whether the caller gives up or not. `part`: what a failed request may have done of it.
   */
  async #call<T>(
    kind: 'read' | 'write',
    key: string,
    options: CallOptions | undefined,
    effect: () => T,
    part?: () => void,
  ): Promise<T> {
    if (this.#closed) throw new Error(`the store ${this.url} is closed`);
    options?.signal?.throwIfAborted();
    await this.#client.paused();
    const fault = this.#fault(kind);
    const answer = this.#send(fault, kind, key, effect, part);
    const told = await (options?.signal === undefined ? answer : unlessAborted(answer, options.signal));
    if (this.#crashed) await new Promise(() => {});
    await this.#client.paused();
    if ('thrown' in told) throw told.thrown;
    return told.value;
  }

  async #send<T>(
    fault: keyof SimulatedFaults | undefined,
    kind: string,
    key: string,
    effect: () => T,
    part: (() => void) | undefined,
  ): Promise<Told<T>> {
    await this.#travel(fault);
    if (fault === 'late') this.#later(effect);
    if (fault === 'unavailable') part?.();
    if (fault === 'late' || fault === 'unavailable') return { thrown: this.#unclear(kind, key) };
    let told = attempt(effect);
    if (fault === 'repeated') told = attempt(effect);
    if (fault === 'twice') this.#later(effect);
    await this.#travel(fault);
    return fault === 'lost' ? { thrown: this.#unclear(kind, key) } : told;
  }

  #fault(kind: 'read' | 'write'): keyof SimulatedFaults | undefined {
    const { faults = {}, random } = this.#options;
    const names = kind === 'write' ? writeFaults : readFaults;
    let chance = random.number();
    for (const name of names) {
      chance -= faults[name] ?? 0;
      if (chance < 0) return name;
    }
    return undefined;
  }

  async #travel(fault: keyof SimulatedFaults | undefined): Promise<void> {
    const { faults = {}, random, latencyMilliseconds = 20 } = this.#options;
    const longest = fault === 'slow' ? (faults.slowMilliseconds ?? 60_000) : latencyMilliseconds;
    await this.#options.clock.sleep((random.number() * longest) / 2);
  }

  /** Whatever becomes of the caller. */
  #later(effect: () => unknown): void {
    const { faults = {}, random, clock } = this.#options;
    void clock.sleep(random.number() * (faults.lateMilliseconds ?? 600_000)).then(() => attempt(effect));
  }

  #unclear(kind: string, key: string): ForebayError {
    return new ForebayError('StoreUnavailable', `the simulated store gave no clear answer: ${kind} ${this.url}/${key}`);
  }
}

type Told<T> = { readonly value: T } | { readonly thrown: unknown };

function attempt<T>(effect: () => T): Told<T> {
  try {
    return { value: effect() };
  } catch (thrown) {
    return { thrown };
  }
}

async function unlessAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  const { promise, resolve, reject } = Promise.withResolvers<T>();
  const giveUp = () => reject(signal.reason);
  signal.addEventListener('abort', giveUp, { once: true });
  work.then(resolve, reject);
  return await promise.finally(() => signal.removeEventListener('abort', giveUp));
}

const readFaults = ['unavailable', 'slow'] as const;
const writeFaults = ['unavailable', 'lost', 'late', 'repeated', 'twice', 'slow'] as const;

function factsOf({ key, size, etag, lastModified }: StoredObject): ObjectFacts {
  return { key, size, etag, lastModified };
}

/** Servers tell times in HTTP's form. */
function toSecond(time: number): number {
  return Math.floor(time / 1000) * 1000;
}

/** A folder's name sorts as a whole: the slash comes before every other character. */
function compareByFolder(a: string, b: string): number {
  return compareKeys(a.replaceAll('/', '\0'), b.replaceAll('/', '\0'));
}
