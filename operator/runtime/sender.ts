/** Requests to the API server, tried again where that is right; refusals as ApiError, silence as ConnectionError. */
import { fetch, type Response } from 'undici';
import type { ClientOptions } from './client.ts';
import { type Clock, Deadline } from './clock.ts';
import type { Connection } from './connection.ts';
import { ApiError, ConnectionError, type Status } from './errors.ts';
import type { Counter } from './metrics.ts';

export type Query = Readonly<Record<string, string | number | boolean | undefined>>;

export interface Request {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  readonly path: string;
  readonly query?: Query;
  readonly body?: string;
  readonly contentType?: string;
  /** A repeat of one that may have arrived would be refused. */
  readonly isOnce?: boolean;
}

/** When the server is overloaded or not there they take about half a minute in all. */
const defaultAttempts = 8;
const firstPauseMilliseconds = 200;
const longestPauseMilliseconds = 8_000;
/** A server that asks for more is asked again after this. */
const longestRetryAfterSeconds = 30;

interface AttemptOptions {
  readonly signal: AbortSignal;
  readonly timeoutSeconds?: number;
  readonly mostAttempts?: number;
}

export class Sender {
  readonly #connection: Connection;
  readonly #clock: Clock;
  readonly #random: () => number;
  readonly #requests: Counter | undefined;
  readonly #userAgent: string;
  readonly #timeoutSeconds: number;

  constructor(options: ClientOptions) {
    this.#connection = options.connection;
    this.#clock = options.clock;
    this.#random = options.random ?? Math.random;
    this.#requests = options.requests;
    this.#userAgent = options.userAgent ?? 'node';
    this.#timeoutSeconds = options.requestTimeoutSeconds ?? 30;
  }

  /** The object in the answer. */
  async object<T>(request: Request, options: AttemptOptions): Promise<T> {
    const { signal, mostAttempts = defaultAttempts } = options;
    for (let attempt = 1; ; attempt += 1) {
      try {
        return await this.#withTimeout(request, options, async (limited) => {
          const response = await this.#answered(request, limited);
          // What the API server stores is what its schema says.
          return (await response.json()) as T;
        });
      } catch (thrown) {
        signal.throwIfAborted();
        const pause = attempt < mostAttempts ? this.#pauseAfter(thrown, request, attempt) : undefined;
        if (pause === undefined) throw thrown;
        await this.#clock.sleep(pause, signal);
      }
    }
  }

  /** The answer line by line, as it comes; one attempt. */
  async *lines(request: Request, signal: AbortSignal): AsyncGenerator<string, void, undefined> {
    const response = await this.#answered(request, signal);
    if (response.body === null) return;
    const decoder = new TextDecoder();
    let rest = '';
    try {
      for await (const chunk of response.body) {
        const lines = (rest + decoder.decode(chunk, { stream: true })).split('\n');
        rest = lines.pop() ?? '';
        yield* lines.filter((line) => line !== '');
      }
    } catch (thrown) {
      signal.throwIfAborted();
      throw new ConnectionError(describe(request), thrown);
    }
  }

  async #withTimeout<T>(
    request: Request,
    { signal, timeoutSeconds = this.#timeoutSeconds }: AttemptOptions,
    work: (limited: AbortSignal) => Promise<T>,
  ): Promise<T> {
    using limit = new Deadline(this.#clock, timeoutSeconds * 1_000, `no answer in ${timeoutSeconds} s`);
    try {
      return await work(AbortSignal.any([signal, limit.signal]));
    } catch (thrown) {
      signal.throwIfAborted();
      if (thrown instanceof ApiError) throw thrown;
      if (thrown instanceof ConnectionError && !limit.signal.aborted) throw thrown;
      throw new ConnectionError(describe(request), limit.signal.aborted ? limit.signal.reason : thrown);
    }
  }

  /** A good answer. Credentials that were refused are renewed once. */
  async #answered(request: Request, signal: AbortSignal): Promise<Response> {
    const response = await this.#fetch(request, signal, false);
    if (response.status !== 401) return await this.#accepted(request, response);
    await response.body?.cancel();
    return await this.#accepted(request, await this.#fetch(request, signal, true));
  }

  async #accepted(request: Request, response: Response): Promise<Response> {
    if (response.ok) return response;
    const text = await response.text();
    const status = statusOf(parsed(text), response.status, text);
    const retryAfter = Number(response.headers.get('retry-after'));
    const after = status.retryAfterSeconds ?? (retryAfter > 0 ? retryAfter : undefined);
    throw new ApiError(describe(request), { ...status, ...(after !== undefined && { retryAfterSeconds: after }) });
  }

  async #fetch(request: Request, signal: AbortSignal, renew: boolean): Promise<Response> {
    const { method, path, query = {}, body, contentType = 'application/json' } = request;
    const url = new URL(`${this.#connection.server}${path}`);
    for (const [name, value] of Object.entries(query)) {
      if (value !== undefined) url.searchParams.set(name, String(value));
    }
    try {
      const { headers, dispatcher } = await this.#connection.authorise(renew);
      const response = await fetch(url, {
        method,
        signal,
        headers: {
          ...headers,
          accept: 'application/json',
          'user-agent': this.#userAgent,
          ...(body !== undefined && { 'content-type': contentType }),
        },
        ...(body !== undefined && { body }),
        ...(dispatcher && { dispatcher }),
      });
      this.#requests?.increment({ method, code: String(response.status) });
      return response;
    } catch (thrown) {
      signal.throwIfAborted();
      this.#requests?.increment({ method, code: '<error>' });
      throw new ConnectionError(describe(request), thrown);
    }
  }

  /** Milliseconds, or undefined where another attempt is not right. */
  #pauseAfter(thrown: unknown, { isOnce = false }: Request, attempt: number): number | undefined {
    const backOff = Math.min(firstPauseMilliseconds * 2 ** (attempt - 1), longestPauseMilliseconds);
    const jittered = backOff * (0.75 + this.#random() / 2);
    if (thrown instanceof ConnectionError) return isOnce && !thrown.isUnsent ? undefined : jittered;
    if (!(thrown instanceof ApiError)) return undefined;
    const { code, retryAfterSeconds } = thrown.status;
    if (code !== 429 && code !== 503) return undefined;
    if (retryAfterSeconds === undefined) return jittered;
    // Spread, or all that were refused together come back together.
    return Math.min(retryAfterSeconds, longestRetryAfterSeconds) * 1_000 * (1 + this.#random() / 4);
  }
}

/** For messages: no query. */
export function describe({ method, path }: Request): string {
  return `${method} ${path}`;
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Of the API server's `Status`; of what a proxy answered, its first words. */
export function statusOf(value: unknown, code: number, text = ''): Status {
  const status = isRecord(value) ? value : {};
  const details = isRecord(status.details) ? status.details : {};
  const causes = Array.isArray(details.causes) ? details.causes.filter(isRecord) : [];
  const fallback = text === '' ? `HTTP ${code}` : text.slice(0, 200);
  return {
    code: typeof status.code === 'number' ? status.code : code,
    reason: stringOf(status.reason) ?? '',
    message: stringOf(status.message) ?? fallback,
    causes: causes.map(({ reason, message, field }) => ({
      ...(typeof reason === 'string' && { reason }),
      ...(typeof message === 'string' && { message }),
      ...(typeof field === 'string' && { field }),
    })),
    ...(typeof details.retryAfterSeconds === 'number' && { retryAfterSeconds: details.retryAfterSeconds }),
  };
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function stringOf(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined;
}
