/** S3 and what speaks its protocol. Conditions are put on single PutObject requests only: see docs/stores.md. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { rootCertificates } from 'node:tls';
import {
  DeleteObjectsCommand,
  GetObjectCommand,
  type GetObjectCommandOutput,
  HeadObjectCommand,
  ListObjectsV2Command,
  type ListObjectsV2CommandOutput,
  PutObjectCommand,
  S3Client,
} from '@aws-sdk/client-s3';
import { type Clock, type Log, silentLog, systemClock } from '../contract/environment.ts';
import { ForebayError } from '../contract/errors.ts';
import type { S3Location } from '../contract/task.ts';
import type { OpenStoreOptions } from './open.ts';
import { httpStatus, S3Errors } from './s3-errors.ts';
import { S3Upload } from './s3-upload.ts';
import type {
  CallOptions,
  ConditionalOutcome,
  ListOptions,
  ObjectFacts,
  ReadOptions,
  Store,
  StoredObject,
  Upload,
} from './store.ts';

/** Refused keys are read again for this long: a mounted Secret follows its change within about 90 s. */
const refusedForMilliseconds = 120_000;
const refusedPauseMilliseconds = 5_000;
/** A read that breaks this often in a row without a byte between gives up. */
const mostBrokenReads = 5;
const breakPauseMilliseconds = 200;
/** Of DeleteObjects, by its specification. */
const deleteBatch = 1_000;

export async function openS3Store(location: S3Location, options: OpenStoreOptions = {}): Promise<Store> {
  return new S3Store(await openClient(location), location, options);
}

async function openClient(location: S3Location): Promise<S3Client> {
  const { credentialsPath, endpoint, forcePathStyle = false, caPath } = location;
  const ca = caPath === undefined ? undefined : [...rootCertificates, await readCertificates(caPath)];
  return new S3Client({
    region: location.region ?? process.env.AWS_REGION ?? 'us-east-1',
    forcePathStyle,
    ...(endpoint === undefined ? {} : { endpoint }),
    ...(credentialsPath === undefined ? {} : { credentials: () => readCredentials(credentialsPath) }),
    // Other servers refuse checksums in trailers, or leave them in the object.
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
    maxAttempts: 5,
    requestHandler: {
      connectionTimeout: 5_000,
      requestTimeout: 60_000,
      socketAcquisitionWarningTimeout: 60_000,
      httpAgent: { keepAlive: true, maxSockets: 64 },
      httpsAgent: { keepAlive: true, maxSockets: 64, ...(ca === undefined ? {} : { ca }) },
    },
  });
}

async function readCertificates(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (cause) {
    throw new ForebayError('CredentialsRefused', `the certificates at ${path} cannot be read`, { cause });
  }
}

/** Read for every request that is signed: a rotated key is used at once. Expired from the start, so never kept. */
async function readCredentials(folder: string) {
  const [accessKeyId, secretAccessKey, sessionToken] = await Promise.all([
    readKey(folder, 'accessKeyID'),
    readKey(folder, 'secretAccessKey'),
    readKey(folder, 'sessionToken'),
  ]);
  if (!accessKeyId || !secretAccessKey) {
    const missing = accessKeyId ? 'secretAccessKey' : 'accessKeyID';
    throw new ForebayError('CredentialsRefused', `the Secret of the store has no key ${missing}`);
  }
  return { accessKeyId, secretAccessKey, ...(sessionToken ? { sessionToken } : {}), expiration: new Date() };
}

async function readKey(folder: string, name: string): Promise<string | undefined> {
  try {
    return (await readFile(join(folder, name), 'utf8')).trim();
  } catch {
    return undefined;
  }
}

class S3Store implements Store {
  readonly url: string;
  readonly #client: S3Client;
  readonly #bucket: string;
  readonly #prefix: string;
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #errors: S3Errors;
  readonly #refusedFor: number;

  constructor(client: S3Client, location: S3Location, options: OpenStoreOptions) {
    this.#client = client;
    this.#bucket = location.bucket;
    this.#prefix = location.prefix === '' ? '' : `${location.prefix}/`;
    this.#clock = options.clock ?? systemClock;
    this.#log = options.log ?? silentLog;
    this.#errors = new S3Errors(location);
    this.#refusedFor = options.credentialsPatienceMilliseconds ?? refusedForMilliseconds;
    this.url = `s3://${location.bucket}${location.prefix === '' ? '' : `/${location.prefix}`}`;
  }

  async get(key: string, options?: CallOptions): Promise<StoredObject | undefined> {
    return await this.#call(key, options, async (abort) => {
      const answer = await this.#client.send(new GetObjectCommand(this.#at(key)), abort).catch(ifMissing);
      if (!answer?.Body) return undefined;
      return { ...factsOf(key, answer), body: await answer.Body.transformToByteArray() };
    });
  }

  async *read(key: string, options: ReadOptions = {}): AsyncGenerator<Uint8Array> {
    let { start = 0, ifMatch } = options;
    const { end, signal } = options;
    let broken = 0;
    while (end === undefined || start < end) {
      const opened = await this.#call(key, options, (abort) => this.#openRange(key, start, end, ifMatch, abort));
      if (opened === undefined) return;
      ifMatch = opened.etag;
      try {
        for await (const chunk of opened.body) {
          start += chunk.length;
          broken = 0;
          yield chunk;
        }
        return;
      } catch (thrown) {
        signal?.throwIfAborted();
        broken += 1;
        if (broken >= mostBrokenReads) throw this.#errors.translate(thrown, key);
        await this.#clock.sleep(breakPauseMilliseconds * broken, signal);
      }
    }
  }

  async #openRange(key: string, start: number, end: number | undefined, ifMatch: string | undefined, abort: Abort) {
    const range =
      start === 0 && end === undefined ? {} : { Range: `bytes=${start}-${end === undefined ? '' : end - 1}` };
    const match = ifMatch === undefined ? {} : { IfMatch: ifMatch };
    try {
      const answer = await this.#client.send(new GetObjectCommand({ ...this.#at(key), ...range, ...match }), abort);
      const { Body, ETag } = answer;
      if (!Body || ETag === undefined) return undefined;
      return { body: bytesOf(Body), etag: ETag };
    } catch (thrown) {
      const status = httpStatus(thrown);
      if (status === 416) return undefined;
      if (status === 412 || isMissing(thrown)) {
        throw new ForebayError('FileChanged', `${this.url}/${key} was changed or is gone`, { cause: thrown });
      }
      throw thrown;
    }
  }

  async head(key: string, options?: CallOptions): Promise<ObjectFacts | undefined> {
    return await this.#call(key, options, async (abort) => {
      const answer = await this.#client.send(new HeadObjectCommand(this.#at(key)), abort).catch(ifMissing);
      return answer ? factsOf(key, answer) : undefined;
    });
  }

  async *list(prefix: string, options: ListOptions = {}): AsyncGenerator<ObjectFacts> {
    let token: string | undefined;
    do {
      const page: ListObjectsV2CommandOutput = await this.#call(prefix, options, (abort) =>
        this.#client.send(
          new ListObjectsV2Command({
            Bucket: this.#bucket,
            Prefix: this.#prefix + prefix,
            MaxKeys: options.pageSize ?? 1_000,
            ...(token === undefined ? {} : { ContinuationToken: token }),
          }),
          abort,
        ),
      );
      for (const { Key, Size, ETag, LastModified } of page.Contents ?? []) {
        if (Key === undefined) continue;
        const key = Key.slice(this.#prefix.length);
        yield factsOf(key, { ContentLength: Size, ETag, LastModified });
      }
      token = page.IsTruncated ? page.NextContinuationToken : undefined;
    } while (token !== undefined);
  }

  async putIfAbsent(key: string, body: Uint8Array | string, options?: CallOptions): Promise<ConditionalOutcome> {
    return await this.#conditionalPut(key, body, { IfNoneMatch: '*' }, options);
  }

  async putIfMatch(
    key: string,
    body: Uint8Array | string,
    etag: string,
    options?: CallOptions,
  ): Promise<ConditionalOutcome> {
    return await this.#conditionalPut(key, body, { IfMatch: etag }, options);
  }

  async #conditionalPut(
    key: string,
    body: Uint8Array | string,
    condition: { readonly IfNoneMatch: string } | { readonly IfMatch: string },
    options: CallOptions | undefined,
  ): Promise<ConditionalOutcome> {
    return await this.#call(key, options, async (abort) => {
      try {
        const command = new PutObjectCommand({ ...this.#at(key), Body: body, ...condition });
        const { ETag } = await this.#client.send(command, abort);
        return { created: true, ...(ETag === undefined ? {} : { etag: ETag }) };
      } catch (thrown) {
        // A missing object does not match either. 409 is a race and proves nothing: it is thrown.
        if (httpStatus(thrown) === 412) return { created: false };
        if ('IfMatch' in condition && isMissing(thrown)) return { created: false };
        throw thrown;
      }
    });
  }

  async put(key: string, body: Uint8Array | string, options?: CallOptions): Promise<void> {
    await this.#call(key, options, async (abort) => {
      await this.#client.send(new PutObjectCommand({ ...this.#at(key), Body: body }), abort);
    });
  }

  upload(key: string, options?: CallOptions): Upload {
    return new S3Upload(this.#client, this.#at(key), key, (work) => this.#call(key, options, work));
  }

  async delete(keys: readonly string[], options?: CallOptions): Promise<void> {
    for (let first = 0; first < keys.length; first += deleteBatch) {
      const batch = keys.slice(first, first + deleteBatch);
      const Objects = batch.map((key) => ({ Key: this.#prefix + key }));
      const command = new DeleteObjectsCommand({ Bucket: this.#bucket, Delete: { Objects, Quiet: true } });
      const { Errors } = await this.#call(batch[0] ?? '', options, (abort) => this.#client.send(command, abort));
      const failed = Errors?.find((error) => error.Code !== 'NoSuchKey');
      if (failed)
        throw this.#errors.translate(Object.assign(new Error(failed.Message), { name: failed.Code }), batch[0]);
    }
  }

  /** The Date header of an answer. */
  async now(options?: CallOptions): Promise<number> {
    let date: string | undefined;
    const command = new ListObjectsV2Command({ Bucket: this.#bucket, Prefix: this.#prefix, MaxKeys: 1 });
    command.middlewareStack.add(
      (next) => async (args) => {
        const result = await next(args);
        date = dateHeader(result.response);
        return result;
      },
      { step: 'deserialize', name: 'dateOfAnswer', priority: 'low' },
    );
    await this.#call('', options, (abort) => this.#client.send(command, abort));
    const now = Date.parse(date ?? '');
    if (Number.isNaN(now)) throw new ForebayError('StoreUnavailable', `${this.url} gives no Date in its answers`);
    return now;
  }

  async close(): Promise<void> {
    this.#client.destroy();
  }

  #at(key: string) {
    return { Bucket: this.#bucket, Key: this.#prefix + key };
  }

  /** Errors become ours; refused credentials are tried again for a while, since their files may be about to change. */
  async #call<T>(key: string, options: CallOptions | undefined, work: (abort: Abort) => Promise<T>): Promise<T> {
    const signal = options?.signal;
    const began = this.#clock.now();
    for (;;) {
      signal?.throwIfAborted();
      try {
        return await work(signal ? { abortSignal: signal } : {});
      } catch (thrown) {
        signal?.throwIfAborted();
        const error = this.#errors.translate(thrown, key);
        const waited = this.#clock.now() - began;
        if (error.code !== 'CredentialsRefused' || waited + refusedPauseMilliseconds > this.#refusedFor) throw error;
        this.#log.warn({ store: this.url, reason: error.message }, 'credentials refused, reading them again');
        await this.#clock.sleep(refusedPauseMilliseconds, signal);
      }
    }
  }
}

function dateHeader(response: unknown): string | undefined {
  if (typeof response !== 'object' || response === null || !('headers' in response)) return undefined;
  const { headers } = response;
  if (typeof headers !== 'object' || headers === null || !('date' in headers)) return undefined;
  return typeof headers.date === 'string' ? headers.date : undefined;
}

interface Abort {
  readonly abortSignal?: AbortSignal;
}

function factsOf(
  key: string,
  answer: { ContentLength?: number | undefined; ETag?: string | undefined; LastModified?: Date | undefined },
): ObjectFacts {
  const { ContentLength = 0, ETag = '', LastModified } = answer;
  return { key, size: ContentLength, etag: ETag, lastModified: LastModified?.getTime() ?? 0 };
}

function isMissing(thrown: unknown): boolean {
  return httpStatus(thrown) === 404 && !(thrown instanceof Error && thrown.name === 'NoSuchBucket');
}

function ifMissing(thrown: unknown): undefined {
  if (isMissing(thrown)) return undefined;
  throw thrown;
}

/** In Node.js the body is a readable stream of buffers. */
async function* bytesOf(body: NonNullable<GetObjectCommandOutput['Body']>): AsyncGenerator<Uint8Array> {
  if (!(Symbol.asyncIterator in body)) throw new ForebayError('InternalError', 'the S3 client gave no stream');
  for await (const chunk of body) {
    if (chunk instanceof Uint8Array) yield chunk;
  }
}
