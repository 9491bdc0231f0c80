import type { KubeConfig } from '@kubernetes/client-node';
import type { Dispatcher } from 'undici';
import type { Clock } from './clock.ts';

/** How to reach an API server: the client knows nothing of files, tokens and TLS. */
export interface Connection {
  /** `https://host:port`, perhaps with a path. */
  readonly server: string;
  /** The namespace the credentials are for, when they say. */
  readonly namespace?: string;
  /** Headers and dispatcher for the next request; `renew` when the server refused the last ones (401). */
  authorise(renew: boolean): Promise<Authorisation>;
}

export interface Authorisation {
  readonly headers: Readonly<Record<string, string>>;
  readonly dispatcher?: Dispatcher;
}

/** Tokens in files are rotated well before they expire; reading them costs little. */
const headersMilliseconds = 60_000;
/** A dispatcher holds the client certificate it began with, and plugins rotate those too. */
const dispatcherMilliseconds = 10 * 60_000;

/** From a kubeconfig of the client library, which brings tokens, certificates, exec plugins and proxies. */
export function connectionFrom(config: KubeConfig, clock: Clock): Connection {
  const cluster = config.getCurrentCluster();
  if (cluster === null) throw new Error('the kubeconfig names no current cluster');
  const namespace = config.getContextObject(config.getCurrentContext())?.namespace;
  const credentials = new Credentials(config, clock);
  return {
    server: cluster.server.replace(/\/+$/, ''),
    ...(namespace !== undefined && { namespace }),
    authorise: (renew) => credentials.current(renew),
  };
}

/** KUBECONFIG, ~/.kube/config or the pod's service account, in this order. Loads the client library (0.3 s, 90 MB). */
export async function defaultConnection(clock: Clock): Promise<Connection> {
  const { KubeConfig } = await import('@kubernetes/client-node');
  const config = new KubeConfig();
  config.loadFromDefault();
  return connectionFrom(config, clock);
}

interface Known {
  readonly authorisation: Authorisation;
  readonly headersAt: number;
  readonly dispatcherAt: number;
}

/**
 * The library makes a dispatcher, and with it connections, for every request: here one is kept, and left to finish what
 * it has when another takes its place. Calls at the same time share one look at the files.
 */
class Credentials {
  readonly #config: KubeConfig;
  readonly #clock: Clock;
  #known: Known | undefined;
  #pending: Promise<Authorisation> | undefined;

  constructor(config: KubeConfig, clock: Clock) {
    this.#config = config;
    this.#clock = clock;
  }

  async current(renew: boolean): Promise<Authorisation> {
    const known = this.#known;
    if (known !== undefined && !renew && this.#age(known.headersAt) < headersMilliseconds) return known.authorisation;
    this.#pending ??= this.#load(renew).finally(() => {
      this.#pending = undefined;
    });
    return await this.#pending;
  }

  async #load(renew: boolean): Promise<Authorisation> {
    const loaded = new LoadedRequest();
    // The library takes its own request context; this is the part of it that is filled in.
    await this.#config.applySecurityAuthentication(loaded as never);
    const now = this.#clock.monotonic();
    const known = this.#known;
    const isKept = known !== undefined && !renew && this.#age(known.dispatcherAt) < dispatcherMilliseconds;
    const fresh = loaded.dispatcher && overHTTP1(loaded.dispatcher);
    const dispatcher = isKept ? known.authorisation.dispatcher : fresh;
    const replaced = isKept ? fresh : known?.authorisation.dispatcher;
    if (replaced !== dispatcher) void replaced?.close().catch(() => {});
    const authorisation = { headers: loaded.headers, ...(dispatcher && { dispatcher }) };
    this.#known = { authorisation, headersAt: now, dispatcherAt: isKept ? known.dispatcherAt : now };
    return authorisation;
  }

  #age(time: number): number {
    return this.#clock.monotonic() - time;
  }
}

/**
 * With HTTP/2 all requests share a connection, and one that falls silent keeps it: every retry goes the same dead way
 * until a ping fails a minute later, long after the lease is lost. With HTTP/1.1 a request that is given up takes its
 * connection with it, and watches do not suffer from each other.
 */
function overHTTP1(dispatcher: Dispatcher): Dispatcher {
  return dispatcher.compose((dispatch) => (options, handler) => {
    const withoutH2: Dispatcher.DispatchOptions & { allowH2: boolean } = { ...options, allowH2: false };
    return dispatch(withoutH2, handler);
  });
}

/** What the library fills in. */
class LoadedRequest {
  readonly headers: Record<string, string> = {};
  dispatcher: Dispatcher | undefined;

  setHeaderParam(name: string, value: string): void {
    this.headers[name] = value;
  }

  setDispatcher(dispatcher: Dispatcher): void {
    this.dispatcher = dispatcher;
  }
}
