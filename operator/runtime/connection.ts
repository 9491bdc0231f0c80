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

/** From a kubeconfig of the client library, which brings tokens, certificates, exec plugins and proxies. */
export function connectionFrom(_config: KubeConfig, _clock: Clock): Connection {
  throw new Error('not implemented');
}

/** KUBECONFIG, ~/.kube/config or the pod's service account, in this order. Loads the client library (0.3 s, 90 MB). */
export async function defaultConnection(_clock: Clock): Promise<Connection> {
  throw new Error('not implemented');
}
