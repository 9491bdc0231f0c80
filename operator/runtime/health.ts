import type { Registry } from './metrics.ts';

/** Undefined: fine. Otherwise what is wrong, in a line. */
export type Check = () => string | undefined;

export interface HealthServerOptions {
  readonly host?: string;
  /** 0: any free one. */
  readonly port: number;
  readonly metrics: Registry;
  readonly live?: Readonly<Record<string, Check>>;
  readonly ready?: Readonly<Record<string, Check>>;
}

export interface HealthServer {
  readonly port: number;
  close(): Promise<void>;
}

/** Serves /healthz, /readyz and /metrics. */
export function startHealthServer(_options: HealthServerOptions): Promise<HealthServer> {
  throw new Error('not implemented');
}
