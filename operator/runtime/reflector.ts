import type { Client, Selection } from './client.ts';
import type { Clock } from './clock.ts';
import { isExpired } from './errors.ts';
import type { Logger } from './logger.ts';
import { type KubeObject, keyOf, type ObjectMeta, type ResourceType } from './objects.ts';
import { type IndexFunction, Store } from './store.ts';

export interface InformerOptions<T extends KubeObject> extends Selection {
  readonly indexes?: Readonly<Record<string, IndexFunction<T>>>;
  /** Cuts away what nobody reads before it is kept. Managed fields always go. */
  readonly trim?: (object: T) => T;
}

export interface ReflectorOptions<T extends KubeObject> extends InformerOptions<T> {
  readonly client: Client;
  readonly clock: Clock;
  readonly log: Logger;
  readonly random?: () => number;
}

/** With the jitter, 0.8 to 30 s: client-go's. */
const firstPauseMilliseconds = 800;
const longestPauseMilliseconds = 20_000;
const jitter = 0.5;
/** Watches end after this less up to a tenth, so that they do not all end at once. */
const watchSeconds = 290;
/** A watch that ends sooner without a word was no watch: a proxy that hangs up, a server that is about to go. */
const shortestWatchMilliseconds = 1_000;

/** Keeps a store equal to what the API server holds, whatever happens to either: list, watch, resume, list again. */
export class Reflector<T extends KubeObject> {
  readonly type: ResourceType<T>;
  readonly store: Store<T>;
  /** Resolves after the first complete list. */
  readonly synced: Promise<void>;
  readonly #options: ReflectorOptions<T>;
  readonly #log: Logger;
  readonly #firstList = Promise.withResolvers<void>();
  #hasSynced = false;
  /** Where the watch goes on; absent: list first. */
  #resourceVersion: string | undefined;
  #failures = 0;

  constructor(type: ResourceType<T>, options: ReflectorOptions<T>) {
    this.type = type;
    this.#options = options;
    this.#log = options.log.child({ resource: type.plural });
    this.store = new Store<T>(options.indexes, (thrown) => {
      this.#log.error(
        { error: thrown instanceof Error ? thrown.stack : String(thrown) },
        'cache: a listener or index failed',
      );
    });
    this.synced = this.#firstList.promise;
  }

  get hasSynced(): boolean {
    return this.#hasSynced;
  }

  /** Until the signal aborts; resolves then. */
  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      try {
        this.#resourceVersion ??= await this.#list(signal);
        await this.#watch(this.#resourceVersion, signal);
      } catch (thrown) {
        if (signal.aborted) return;
        if (isExpired(thrown)) this.#resourceVersion = undefined;
        if (!isExpired(thrown) || this.#failures > 0) await this.#pauseAfter(thrown, signal);
        else this.#failures = 1;
      }
    }
  }

  /** Answers the resource version of the list. When paging took so long that it expired, all begins anew. */
  async #list(signal: AbortSignal): Promise<string> {
    const objects: T[] = [];
    let resourceVersion = '';
    for await (const page of this.#options.client.pages(this.type, { ...this.#selection(), signal })) {
      objects.push(...page.items.map((item) => this.#kept(item)));
      resourceVersion = page.resourceVersion;
    }
    this.store.replace(objects);
    if (!this.#hasSynced) this.#log.debug({ objects: objects.length }, 'cache is filled');
    this.#hasSynced = true;
    this.#firstList.resolve();
    return resourceVersion;
  }

  /** Until the server ends it. Every event moves the place to go on from. */
  async #watch(resourceVersion: string, signal: AbortSignal): Promise<void> {
    const { client, clock, random = Math.random } = this.#options;
    const began = clock.monotonic();
    const timeoutSeconds = Math.round(watchSeconds * (1 - random() / 10));
    const options = { ...this.#selection(), resourceVersion, timeoutSeconds, signal };
    let isSilent = true;
    for await (const event of client.watch(this.type, options)) {
      isSilent = false;
      this.#failures = 0;
      if (event.type === 'BOOKMARK') {
        this.#resourceVersion = event.resourceVersion;
        continue;
      }
      this.#resourceVersion = event.object.metadata.resourceVersion ?? this.#resourceVersion;
      if (event.type === 'DELETED') this.store.delete(keyOf(event.object));
      else this.store.set(this.#kept(event.object));
    }
    if (isSilent && clock.monotonic() - began < shortestWatchMilliseconds) throw new Error('the watch ended at once');
    this.#failures = 0;
  }

  /** An expired version and a broken connection are everyday matters; what lasts is told as a warning. */
  async #pauseAfter(thrown: unknown, signal: AbortSignal): Promise<void> {
    const { clock, random = Math.random } = this.#options;
    const error = thrown instanceof Error ? thrown.message : String(thrown);
    const pause = Math.min(firstPauseMilliseconds * 2 ** this.#failures, longestPauseMilliseconds);
    this.#failures += 1;
    if (this.#failures > 2) this.#log.warn({ error, failures: this.#failures }, 'cache cannot be kept up to date');
    else this.#log.debug({ error }, 'watch ended');
    await clock.sleep(pause * (1 + random() * jitter), signal).catch(() => {});
  }

  #selection(): Selection {
    const { namespace, labelSelector, fieldSelector } = this.#options;
    return {
      ...(namespace !== undefined && { namespace }),
      ...(labelSelector !== undefined && { labelSelector }),
      ...(fieldSelector !== undefined && { fieldSelector }),
    };
  }

  #kept(object: T): T {
    const { managedFields: _, ...metadata } = object.metadata as ObjectMeta & { managedFields?: unknown };
    const lean = { ...object, metadata };
    return this.#options.trim?.(lean) ?? lean;
  }
}

/** What others see of a reflector: a read-only cache. */
export type Informer<T extends KubeObject> = Pick<Reflector<T>, 'type' | 'synced' | 'hasSynced'> & {
  readonly store: Pick<Store<T>, 'get' | 'list' | 'byIndex' | 'size' | 'subscribe'>;
};
