/** What the S3 client throws, as our errors: which code, and a message that names place and cure and no secret. */
import { ForebayError } from '../contract/errors.ts';
import type { S3Location } from '../contract/task.ts';

export class S3Errors {
  readonly #bucket: string;
  readonly #prefix: string;
  readonly #server: string;

  constructor(location: S3Location) {
    this.#bucket = location.bucket;
    this.#prefix = location.prefix === '' ? '' : `${location.prefix}/`;
    this.#server = location.endpoint === undefined ? 'AWS S3' : new URL(location.endpoint).host;
  }

  translate(thrown: unknown, key = ''): ForebayError {
    if (thrown instanceof ForebayError) return thrown;
    const name = nameOf(thrown);
    const status = httpStatus(thrown);
    const place = `s3://${this.#bucket}/${this.#prefix}${key}`;
    const because = (code: ForebayError['code'], message: string) => new ForebayError(code, message, { cause: thrown });
    if (name === 'NoSuchBucket') {
      return because(
        'BucketNotFound',
        `bucket ${this.#bucket} does not exist at ${this.#server}: create it or mend its name`,
      );
    }
    if (name === 'CredentialsProviderError') {
      return because(
        'CredentialsRefused',
        `no credentials for ${this.#server}: name a Secret in credentialsSecretRef, or a service account with an identity of its own`,
      );
    }
    if (status === 401 || status === 403) {
      return because(
        'CredentialsRefused',
        `${this.#server} refused the credentials for ${place} (${name}): mend the Secret, or give its key the right`,
      );
    }
    if (name.includes('CERT') || name.includes('SELF_SIGNED') || name.includes('ERR_TLS')) {
      return because(
        'StoreUnavailable',
        `the certificate of ${this.#server} is not trusted (${name}): name its authority in caConfigMapRef`,
      );
    }
    if (status !== undefined && status >= 300 && status < 500 && ![404, 408, 409, 429].includes(status)) {
      return because(
        'StoreRefused',
        `${this.#server} refused a request for ${place} as invalid (${status} ${name}): check bucket, region, endpoint and forcePathStyle`,
      );
    }
    const answer = status === undefined ? `cannot be reached (${name})` : `answers ${status} (${name})`;
    return because('StoreUnavailable', `${this.#server} ${answer} for ${place}`);
  }
}

export function httpStatus(thrown: unknown): number | undefined {
  if (!(thrown instanceof Error) || !('$metadata' in thrown)) return undefined;
  const metadata = thrown.$metadata;
  if (typeof metadata !== 'object' || metadata === null || !('httpStatusCode' in metadata)) return undefined;
  return typeof metadata.httpStatusCode === 'number' ? metadata.httpStatusCode : undefined;
}

/** The code of a system error (ECONNREFUSED) says more than its class; those of S3 are names. */
function nameOf(thrown: unknown): string {
  if (!(thrown instanceof Error)) return String(thrown);
  if ('code' in thrown && typeof thrown.code === 'string') return thrown.code;
  if (thrown.name === 'Error' && thrown.cause !== undefined) return nameOf(thrown.cause);
  return thrown.name;
}
