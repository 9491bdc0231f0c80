/** What the runtime throws, and how to tell it apart. */

export interface StatusCause {
  readonly reason?: string;
  readonly message?: string;
  readonly field?: string;
}

/** The API server's `Status` for a refused request. */
export interface Status {
  /** HTTP status code. */
  readonly code: number;
  /** `NotFound`, `Conflict`, ...; '' when the answer named none (a proxy in between). */
  readonly reason: string;
  readonly message: string;
  readonly causes: readonly StatusCause[];
  readonly retryAfterSeconds?: number;
}

/** The API server refused a request. The message says which one. */
export class ApiError extends Error {
  readonly status: Status;
  constructor(request: string, status: Status) {
    super(`${request}: ${status.message}`);
    this.name = 'ApiError';
    this.status = status;
  }
}

/** No answer: the API server could not be reached, the connection broke or stayed silent. */
export class ConnectionError extends Error {
  /** The request cannot have arrived: there was no connection to send it over. */
  readonly isUnsent: boolean;
  constructor(request: string, cause: unknown) {
    super(`${request}: ${causeMessage(cause)}`, { cause });
    this.name = 'ConnectionError';
    this.isUnsent = connectCodes.has(causeCode(cause));
  }
}

/** Of Node's sockets and undici, for a connection that was not made. */
const connectCodes: ReadonlySet<unknown> = new Set([
  'ECONNREFUSED',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ENOTFOUND',
  'EAI_AGAIN',
  'UND_ERR_CONNECT_TIMEOUT',
  'UND_ERR_CLOSED',
]);

/** Thrown by a reconcile: retrying cannot help before someone changes something. Say why in a condition as well. */
export class TerminalError extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'TerminalError';
  }
}

/** Another process holds the lease now: this one must stop at once and exit with a code that is not 0. */
export class LeadershipLostError extends Error {
  constructor(lease: string) {
    super(`lost the lease ${lease}`);
    this.name = 'LeadershipLostError';
  }
}

export function isNotFound(error: unknown): error is ApiError {
  return hasCode(error, 404);
}

/** The object changed since it was read, or another field manager owns a field. */
export function isConflict(error: unknown): error is ApiError {
  return hasCode(error, 409) && !isAlreadyExists(error);
}

export function isAlreadyExists(error: unknown): error is ApiError {
  return hasCode(error, 409) && error.status.reason === 'AlreadyExists';
}

export function isForbidden(error: unknown): error is ApiError {
  return hasCode(error, 403);
}

/** The object breaks its schema or a validation rule. */
export function isInvalid(error: unknown): error is ApiError {
  return hasCode(error, 422);
}

/** The resource version or the continue token is too old: list again. */
export function isExpired(error: unknown): error is ApiError {
  return hasCode(error, 410);
}

/** Nothing can be created in this namespace any more: it is being deleted. */
export function isNamespaceTerminating(error: unknown): error is ApiError {
  return hasCode(error, 403) && error.status.causes.some((cause) => cause.reason === 'NamespaceTerminating');
}

function hasCode(error: unknown, code: number): error is ApiError {
  return error instanceof ApiError && error.status.code === code;
}

/** `fetch` says only "fetch failed"; what happened is in the cause. */
function causeMessage(thrown: unknown): string {
  if (!(thrown instanceof Error)) return String(thrown);
  return thrown.cause instanceof Error ? causeMessage(thrown.cause) : thrown.message;
}

function causeCode(thrown: unknown): unknown {
  if (!(thrown instanceof Error)) return undefined;
  if (thrown.cause instanceof Error) return causeCode(thrown.cause);
  return 'code' in thrown ? thrown.code : undefined;
}
