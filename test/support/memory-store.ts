/** A store in memory, for tests that go through a task hundreds of times; see FaultyStore for what may go wrong. */
import { ForebayError } from '../../ingestor/contract/errors.ts';
import type {
  ConditionalOutcome,
  ListOptions,
  ObjectFacts,
  ReadOptions,
  Store,
  StoredObject,
  Upload,
} from '../../ingestor/store/store.ts';

export class MemoryStore implements Store {
  readonly url: string;
  /** The bucket: several stores may be opened on one. */
  readonly objects: Map<string, StoredObject>;
  readonly #now: () => number;

  constructor(
    objects = new Map<string, StoredObject>(),
    now: () => number = () => Date.now(),
    url = 'memory://bucket',
  ) {
    this.url = url;
    this.objects = objects;
    this.#now = now;
  }

  async get(key: string): Promise<StoredObject | undefined> {
    return this.objects.get(key);
  }

  async *read(key: string, { start = 0, end, ifMatch }: ReadOptions = {}): AsyncGenerator<Uint8Array> {
    const object = this.objects.get(key);
    if (object === undefined || (ifMatch !== undefined && object.etag !== ifMatch)) {
      throw new ForebayError('FileChanged', `${key} changed or is gone`);
    }
    yield object.body.subarray(start, end);
  }

  async head(key: string): Promise<ObjectFacts | undefined> {
    return this.objects.get(key);
  }

  async *list(prefix: string, _options?: ListOptions): AsyncGenerator<ObjectFacts> {
    const keys = [...this.objects.keys()].filter((key) => key.startsWith(prefix)).sort();
    for (const key of keys) {
      const object = this.objects.get(key);
      if (object !== undefined) yield object;
    }
  }

  async putIfAbsent(key: string, body: Uint8Array | string): Promise<ConditionalOutcome> {
    if (this.objects.has(key)) return { created: false };
    return { created: true, etag: this.#set(key, body) };
  }

  async putIfMatch(key: string, body: Uint8Array | string, etag: string): Promise<ConditionalOutcome> {
    if (this.objects.get(key)?.etag !== etag) return { created: false };
    return { created: true, etag: this.#set(key, body) };
  }

  async put(key: string, body: Uint8Array | string): Promise<void> {
    this.#set(key, body);
  }

  upload(key: string): Upload {
    const parts: Uint8Array[] = [];
    return {
      key,
      write: async (bytes) => {
        parts.push(bytes.slice());
      },
      complete: async () => {
        const body = Buffer.concat(parts);
        this.#set(key, body);
        return body.length;
      },
      abort: async () => {},
    };
  }

  async delete(keys: readonly string[]): Promise<void> {
    for (const key of keys) this.objects.delete(key);
  }

  /** Unfinished uploads lie with who writes them. */
  async abandonUploads(): Promise<number> {
    return 0;
  }

  async now(): Promise<number> {
    return this.#now();
  }

  async close(): Promise<void> {}

  #set(key: string, body: Uint8Array | string): string {
    const bytes = Buffer.from(body);
    const etag = `"${nextEtag()}"`;
    this.objects.set(key, { key, body: bytes, size: bytes.length, etag, lastModified: this.#now() });
    return etag;
  }
}

let etags = 0;
function nextEtag(): number {
  etags += 1;
  return etags;
}
