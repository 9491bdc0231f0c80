/**
 * What the S3 client throws, as our errors: which code, and a message that names the place and the cure. Messages are
 * ours: a server's own may repeat what was sent, and the client's errors carry signed requests with session tokens.
 */
import { type ErrorCode, ForebayError } from '../contract/errors.ts';
import type { S3Location } from '../contract/task.ts';

/** What was asked for, in the words of a message, and the right it needs. */
const rights = {
  read: 's3:GetObject, and s3:ListBucket, without which an object that is not there looks refused',
  list: 's3:ListBucket',
  write: 's3:PutObject',
  upload: 's3:PutObject and s3:AbortMultipartUpload',
  delete: 's3:DeleteObject',
} as const;
export type Action = keyof typeof rights;

export class S3Errors {
  readonly #location: S3Location;
  readonly #server: string;

  constructor(location: S3Location) {
    this.#location = location;
    this.#server = location.endpoint === undefined ? 'AWS S3' : (URL.parse(location.endpoint)?.host ?? 'the endpoint');
  }

  translate(thrown: unknown, action: Action, key: string): ForebayError {
    if (thrown instanceof ForebayError) return thrown;
    const { code, message } = this.#describe(thrown, action, this.#place(key));
    return new ForebayError(code, message, { cause: withoutRequest(thrown) });
  }

  #describe(thrown: unknown, action: Action, place: string): { code: ErrorCode; message: string } {
    const name = nameOf(thrown);
    const status = httpStatus(thrown);
    const server = this.#server;
    if (name === 'NoSuchBucket') {
      const { bucket } = this.#location;
      return {
        code: 'BucketNotFound',
        message: `bucket ${bucket} does not exist at ${server}: create it or mend its name`,
      };
    }
    if (name === 'CredentialsProviderError') return { code: 'CredentialsRefused', message: noCredentials(server) };
    if (isSkewed(thrown)) {
      return {
        code: 'StoreUnavailable',
        message: `${server} refused to ${action} ${place}: the clock here and the server's differ too much (${name})`,
      };
    }
    if (isRefused(thrown)) {
      const message = `${server} refused to ${action} ${place} (${name}): ${cureOf(name, action)}`;
      return { code: 'CredentialsRefused', message };
    }
    if (isAboutCertificate(name)) {
      const message = `the certificate of ${server} is not trusted (${name}): ${certificateCure(name)}`;
      return { code: 'UntrustedCertificate', message };
    }
    if (name === 'EPROTO' || name.startsWith('HPE_')) {
      const message = `${server} does not speak the protocol of the endpoint (${name}): check http and https`;
      return { code: 'StoreUnavailable', message };
    }
    if (name === 'KeyTooLongError') {
      return { code: 'InvalidKey', message: `${place} is too long for a key of ${server}` };
    }
    if (status !== undefined && isFinal(status)) {
      const cure = 'check bucket, region, endpoint and forcePathStyle';
      const message = `${server} refused to ${action} ${place} as invalid (${status} ${name}): ${cure}`;
      return { code: 'StoreRefused', message };
    }
    const answer = status === undefined ? `cannot be reached (${name})` : `answers ${status} (${name})`;
    return { code: 'StoreUnavailable', message: `${server} ${answer}: ${action} ${place}` };
  }

  #place(key: string): string {
    const { bucket, prefix } = this.#location;
    return `s3://${[bucket, prefix, key].filter((part) => part !== '').join('/')}`;
  }
}

export function httpStatus(thrown: unknown): number | undefined {
  if (!(thrown instanceof Error) || !('$metadata' in thrown)) return undefined;
  const metadata = thrown.$metadata;
  if (typeof metadata !== 'object' || metadata === null || !('httpStatusCode' in metadata)) return undefined;
  return typeof metadata.httpStatusCode === 'number' ? metadata.httpStatusCode : undefined;
}

/** The code of a system error (ECONNREFUSED) says more than its class; those of S3 are names. */
export function nameOf(thrown: unknown): string {
  if (!(thrown instanceof Error)) return 'unknown';
  if ('code' in thrown && typeof thrown.code === 'string') return thrown.code;
  if (thrown.cause !== undefined) return nameOf(thrown.cause);
  return thrown.name;
}

/** S3 answers 400 to a session token that has expired. */
const refusedTokens = ['ExpiredToken', 'InvalidToken', 'TokenRefreshRequired'];

function isRefused(thrown: unknown): boolean {
  const status = httpStatus(thrown);
  return status === 401 || status === 403 || refusedTokens.includes(nameOf(thrown));
}

/** The client learns the server's time from its answers and signs anew; this is when that did not help. */
function isSkewed(thrown: unknown): boolean {
  return ['RequestTimeTooSkewed', 'RequestExpired', 'RequestInTheFuture'].includes(nameOf(thrown));
}

function cureOf(name: string, action: Action): string {
  if (name === 'InvalidAccessKeyId') return 'it does not know this access key; mend the Secret';
  if (name === 'SignatureDoesNotMatch') return 'the secret key is not that of the access key; mend the Secret';
  if (refusedTokens.includes(name)) return 'the session token has expired; renew the Secret';
  return `mend the Secret, or give its key the right ${rights[action]}`;
}

function noCredentials(server: string): string {
  return `no credentials for ${server}: name a Secret in credentialsSecretRef, or a service account with an identity of its own`;
}

/** Codes of OpenSSL's verification, and of Node's check of the host name. */
function isAboutCertificate(name: string): boolean {
  return /CERT|SELF_SIGNED|UNABLE_TO_|ISSUER|HOSTNAME_MISMATCH/.test(name);
}

function certificateCure(name: string): string {
  if (name === 'CERT_HAS_EXPIRED') return 'it has expired';
  if (name === 'ERR_TLS_CERT_ALTNAME_INVALID') return 'it is for another host; mend the endpoint';
  return 'name its authority in caConfigMapRef';
}

/** To ask again would get the same answer: not for 404 (what is missing may come), timeouts, races, throttling. */
function isFinal(status: number): boolean {
  return (status >= 300 && status < 500 && ![404, 408, 409, 425, 429].includes(status)) || status === 501;
}

/** Errors of S3 carry the canonical request, and with it session tokens. */
function withoutRequest(thrown: unknown): unknown {
  const status = httpStatus(thrown);
  return status === undefined ? thrown : new Error(`${nameOf(thrown)} (HTTP status ${status})`);
}
