/** S3 and what speaks its protocol. Conditions are put on single PutObject requests only: see docs/stores.md. */
import { Readable } from 'node:stream';
import {
  AbortMultipartUploadCommand,
  DeleteObjectCommand,
  DeleteObjectsCommand,
  GetObjectCommand,
  type GetObjectCommandOutput,
  HeadObjectCommand,
  ListMultipartUploadsCommand,
  type ListMultipartUploadsCommandOutput,
  ListObjectsV2Command,
  type MultipartUpload,
  PutObjectCommand,
  type S3Client,
} from '@aws-sdk/client-s3';
import { type Clock, type Log, type Random, silentLog, systemClock, systemRandom } from '../contract/environment.ts';
import { ForebayError } from '../contract/errors.ts';
import type { S3Location } from '../contract/task.ts';
import { toBytes } from './keys.ts';
import type { OpenStoreOptions } from './open.ts';
import { openClient } from './s3-client.ts';
import { type Action, httpStatus, nameOf, S3Errors } from './s3-errors.ts';
import { decodeKey, type ListPage, parseListPage } from './s3-page.ts';
import { listInParts, listThrough, type PageRequest, type ReadPage } from './s3-parts.ts';
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
/** Races for one object (409) are run again so often, with pauses up to the longest. */
const mostConflicts = 10;
const conflictPauseMilliseconds = 500;
/** A read that breaks this often in a row without a byte between gives up. */
const mostBrokenReads = 5;
const breakPauseMilliseconds = 200;
/** For calls with a small body: a server that does not begin to answer by then is given up. */
const answerMilliseconds = 20_000;
const smallBody = 1 << 20;
/** Of DeleteObjects, by its specification. */
const deleteBatch = 1_000;
/** Where a server knows no DeleteObjects. */
const deletesAtOnce = 16;
/** S3 has known multipart uploads since the end of 2010: a server that tells an earlier time does not know when. */
const firstUploads = Date.UTC(2011, 0);
/** Of one long listing. */
const pagesAtOnce = 8;
const pagesBetweenCuts = 4;
/** Clocks that differ by more are worth a word: the client makes up for it, logs and schedules do not. */
const skewMilliseconds = 60_000;

export async function openS3Store(location: S3Location, options: OpenStoreOptions = {}): Promise<Store> {
  return new S3Store(await openClient(location), location, options);
}

class S3Store implements Store {
  readonly url: string;
  readonly #client: S3Client;
  readonly #bucket: string;
  readonly #prefix: string;
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #log: Log;
  readonly #errors: S3Errors;
  readonly #refusedFor: number;
  #deletesBatches = true;
  #toldOfSkew = false;
  #closed = false;

  constructor(client: S3Client, location: S3Location, options: OpenStoreOptions) {
    this.#client = client;
    this.#bucket = location.bucket;
    this.#prefix = location.prefix === '' ? '' : `${location.prefix}/`;
    this.#clock = options.clock ?? systemClock;
    this.#random = options.random ?? systemRandom;
    this.#log = options.log ?? silentLog;
    this.#errors = new S3Errors(location);
    this.#refusedFor = options.credentialsPatienceMilliseconds ?? refusedForMilliseconds;
    this.url = `s3://${location.bucket}${location.prefix === '' ? '' : `/${location.prefix}`}`;
  }

  /** A broken answer is asked for again from its start: objects that are read so are small. */
  async get(key: string, options?: CallOptions): Promise<StoredObject | undefined> {
    for (let broken = 1; ; broken += 1) {
      const answer = await this.#call('read', key, options, (quick) =>
        this.#client.send(new GetObjectCommand(this.#at(key)), quick).catch(ifMissing),
      );
      if (answer === undefined) return undefined;
      try {
        const body = await collect(answer);
        return { ...factsOf(key, answer), body };
      } catch (thrown) {
        await this.#afterBreak(thrown, broken, key, options);
      }
    }
  }

  async *read(key: string, options: ReadOptions = {}): AsyncGenerator<Uint8Array> {
    let { start = 0, ifMatch } = options;
    for (let broken = 0; options.end === undefined || start < options.end; ) {
      const range = { start, end: options.end, ifMatch };
      const part = await this.#call('read', key, options, (quick) => this.#openRange(key, range, quick));
      if (part === undefined) return;
      ifMatch = part.etag;
      try {
        for await (const chunk of part.body) {
          start += chunk.length;
          broken = 0;
          yield chunk;
        }
        if (start >= part.end) return;
        throw new Error('the answer is too short');
      } catch (thrown) {
        broken += 1;
        await this.#afterBreak(thrown, broken, key, options);
      }
    }
  }

  /** Undefined when the range begins at or after the end. */
  async #openRange(key: string, { start, end, ifMatch }: Range, quick: SendOptions): Promise<Part | undefined> {
    const isWhole = start === 0 && end === undefined;
    const request = {
      ...this.#at(key),
      ...(isWhole ? {} : { Range: `bytes=${start}-${end === undefined ? '' : end - 1}` }),
      ...(ifMatch === undefined ? {} : { IfMatch: ifMatch }),
    };
    try {
      const answer = await this.#client.send(new GetObjectCommand(request), quick);
      if (answer.ETag === undefined) return undefined;
      if (!isWhole && start > 0 && answer.ContentRange === undefined) {
        throw new ForebayError('StoreUnsuitable', `${this.url}/${key}: the store gives no ranges of objects`);
      }
      return { body: bytesOf(answer.Body), etag: answer.ETag, end: start + (answer.ContentLength ?? 0) };
    } catch (thrown) {
      const status = httpStatus(thrown);
      if (status === 416) return undefined;
      if (status === 412 || isMissing(thrown)) {
        throw new ForebayError('FileChanged', `${this.url}/${key} was changed or is gone`);
      }
      throw thrown;
    }
  }

  /** Waits before a read goes on where it broke. */
  async #afterBreak(thrown: unknown, broken: number, key: string, options: CallOptions | undefined): Promise<void> {
    options?.signal?.throwIfAborted();
    if (thrown instanceof ForebayError) throw thrown;
    if (broken >= mostBrokenReads) throw this.#errors.translate(thrown, 'read', key);
    this.#log.debug({ store: this.url, key, reason: nameOf(thrown) }, 'reading broke, going on');
    await this.#clock.sleep(breakPauseMilliseconds * broken, options?.signal);
  }

  async head(key: string, options?: CallOptions): Promise<ObjectFacts | undefined> {
    return await this.#call('read', key, options, async (quick) => {
      const answer = await this.#client.send(new HeadObjectCommand(this.#at(key)), quick).catch(ifMissing);
      return answer ? factsOf(key, answer) : undefined;
    });
  }

  async *list(prefix: string, options: ListOptions = {}): AsyncGenerator<ObjectFacts> {
    const start = this.#prefix + prefix;
    const readPage: ReadPage = (request) => this.#page(start, request, options);
    const objects = options.anyOrder
      ? listInParts(readPage, { atOnce: pagesAtOnce, pagesBetweenCuts })
      : listThrough(readPage);
    for await (const object of objects) {
      // Some servers list other objects too.
      if (!object.key.startsWith(start)) continue;
      yield { ...object, key: object.key.slice(this.#prefix.length) };
    }
  }

  async #page(prefix: string, { below, after, token, most }: PageRequest, options: ListOptions): Promise<ListPage> {
    const command = new ListObjectsV2Command({
      Bucket: this.#bucket,
      Prefix: below ?? prefix,
      MaxKeys: most ?? options.pageSize ?? 1_000,
      // XML cannot say every key.
      EncodingType: 'url',
      ...(after === undefined ? {} : { StartAfter: after }),
      ...(token === undefined ? {} : { ContinuationToken: token }),
    });
    let page: ListPage | undefined;
    readsAnswer(command, (xml) => {
      page = parseListPage(xml);
    });
    await this.#call('list', prefix.slice(this.#prefix.length), options, (quick) => this.#client.send(command, quick));
    if (page === undefined) throw new ForebayError('InternalError', 'the S3 client gave no answer to a listing');
    // Else a listing would be taken for whole that is not, or have no end.
    if (page.isTruncated && (page.token === undefined || page.token === token)) {
      throw new ForebayError('StoreUnsuitable', `${this.url} lists objects in pages that lead nowhere`);
    }
    return page;
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
    const command = new PutObjectCommand({ ...this.#at(key), Body: toBytes(body), ...condition });
    return await this.#call('write', key, options, async (quick) => {
      try {
        const { ETag } = await this.#client.send(command, forBody(body, quick));
        return { created: true, ...(ETag === undefined ? {} : { etag: ETag }) };
      } catch (thrown) {
        // A missing object does not match either.
        if (httpStatus(thrown) === 412) return { created: false };
        if ('IfMatch' in condition && isMissing(thrown)) return { created: false };
        if (httpStatus(thrown) === 501) throw unconditional(this.url);
        throw thrown;
      }
    });
  }

  async put(key: string, body: Uint8Array | string, options?: CallOptions): Promise<void> {
    const command = new PutObjectCommand({ ...this.#at(key), Body: toBytes(body) });
    await this.#call('write', key, options, (quick) => this.#client.send(command, forBody(body, quick)));
  }

  upload(key: string, options?: CallOptions): Upload {
    return new S3Upload(this.#client, this.#at(key), key, options?.signal, (signal, work) =>
      this.#call('upload', key, { signal }, () => work({ abortSignal: signal })),
    );
  }

  async delete(keys: readonly string[], options?: CallOptions): Promise<void> {
    options?.signal?.throwIfAborted();
    for (let first = 0; first < keys.length; first += deleteBatch) {
      const batch = keys.slice(first, first + deleteBatch);
      if (batch.length === 1 || !(await this.#deleteBatch(batch, options))) await this.#deleteEach(batch, options);
    }
  }

  /** False where the server has no such call, or wants a header that the client does not send any more. */
  async #deleteBatch(keys: readonly string[], options: CallOptions | undefined): Promise<boolean> {
    if (!this.#deletesBatches) return false;
    const Objects = keys.map((key) => ({ Key: this.#prefix + key }));
    const command = new DeleteObjectsCommand({ Bucket: this.#bucket, Delete: { Objects, Quiet: true } });
    const answer = await this.#call('delete', keys[0] ?? '', options, (quick) =>
      this.#client.send(command, quick).catch(ifUnknownCall),
    );
    if (answer === undefined) {
      this.#deletesBatches = false;
      return false;
    }
    // Those that failed are asked for one by one: for another try, or for an answer that says why.
    const failed = new Set((answer.Errors ?? []).map(({ Key }) => Key));
    if (failed.size > 0)
      await this.#deleteEach(
        keys.filter((key) => failed.has(this.#prefix + key)),
        options,
      );
    return true;
  }

  async #deleteEach(keys: readonly string[], options: CallOptions | undefined): Promise<void> {
    await eachOf(keys, deletesAtOnce, async (key) => {
      await this.#call('delete', key, options, (quick) =>
        this.#client.send(new DeleteObjectCommand(this.#at(key)), quick).catch(ifMissing),
      );
    });
  }

  /** All are found before the first is dropped: the pages of a listing that changes may leave some out. */
  async abandonUploads(prefix: string, olderThan: number, options?: CallOptions): Promise<number> {
    const abandoned: { readonly Key: string; readonly UploadId: string }[] = [];
    for await (const { Key = '', UploadId, Initiated } of this.#unfinished(prefix, options)) {
      if (UploadId === undefined || Initiated === undefined) continue;
      if (Initiated.getTime() < firstUploads || Initiated.getTime() >= olderThan) continue;
      if (Key.startsWith(this.#prefix + prefix)) abandoned.push({ Key, UploadId });
    }
    await eachOf(abandoned, deletesAtOnce, async (upload) => {
      const command = new AbortMultipartUploadCommand({ Bucket: this.#bucket, ...upload });
      await this.#call('upload', upload.Key.slice(this.#prefix.length), options, (quick) =>
        this.#client.send(command, quick).catch(ifMissing),
      );
    });
    return abandoned.length;
  }

  /** None where the server has no such call, or its key no right to it. */
  async *#unfinished(prefix: string, options: CallOptions | undefined): AsyncGenerator<MultipartUpload> {
    for (let from: Pick<ListMultipartUploadsCommandOutput, 'NextKeyMarker' | 'NextUploadIdMarker'> = {}; ; ) {
      const command = new ListMultipartUploadsCommand({
        Bucket: this.#bucket,
        Prefix: this.#prefix + prefix,
        EncodingType: 'url',
        ...(from.NextKeyMarker === undefined ? {} : { KeyMarker: from.NextKeyMarker }),
        ...(from.NextUploadIdMarker === undefined ? {} : { UploadIdMarker: from.NextUploadIdMarker }),
      });
      const page = await this.#call('list', prefix, options, (quick) =>
        this.#client.send(command, quick).catch((thrown: unknown) => {
          if (httpStatus(thrown) !== 403) return ifUnknownCall(thrown);
          this.#log.warn({ store: this.url }, 'no right to s3:ListBucketMultipartUploads: unfinished uploads stay');
          return undefined;
        }),
      );
      if (page === undefined) return;
      for (const upload of page.Uploads ?? []) yield { ...upload, Key: decode(upload.Key ?? '', page) };
      const isSame = page.NextKeyMarker === from.NextKeyMarker && page.NextUploadIdMarker === from.NextUploadIdMarker;
      if (!page.IsTruncated || page.NextKeyMarker === undefined || isSame) return;
      from = { ...page, NextKeyMarker: decode(page.NextKeyMarker, page) };
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
    await this.#call('list', '', options, (quick) => this.#client.send(command, quick));
    const now = Date.parse(date ?? '');
    if (Number.isNaN(now)) throw new ForebayError('StoreUnavailable', `${this.url} gives no Date in its answers`);
    return now;
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#client.destroy();
  }

  #at(key: string) {
    return { Bucket: this.#bucket, Key: this.#prefix + key };
  }

  /**
   * One call, whose errors become ours. Refused credentials are tried again for a while, since their files may be about
   * to change; a race for an object (409) is run again, since it proves nothing.
   */
  async #call<T>(
    action: Action,
    key: string,
    options: CallOptions | undefined,
    work: (quick: SendOptions) => Promise<T>,
  ): Promise<T> {
    if (this.#closed) throw new Error(`the store ${this.url} is closed`);
    const signal = options?.signal;
    const began = this.#clock.now();
    for (let conflicts = 1; ; ) {
      signal?.throwIfAborted();
      try {
        return await work({ requestTimeout: answerMilliseconds, ...(signal ? { abortSignal: signal } : {}) });
      } catch (thrown) {
        signal?.throwIfAborted();
        const error = this.#errors.translate(thrown, action, key);
        if (error.code === 'CredentialsRefused') {
          await this.#waitForCredentials(error, began, signal);
        } else if (httpStatus(thrown) === 409 && conflicts < mostConflicts) {
          conflicts += 1;
          await this.#clock.sleep(this.#random.number() * conflictPauseMilliseconds, signal);
        } else {
          throw error;
        }
      } finally {
        this.#tellSkew();
      }
    }
  }

  async #waitForCredentials(error: ForebayError, began: number, signal: AbortSignal | undefined): Promise<void> {
    const left = this.#refusedFor - (this.#clock.now() - began);
    if (left <= 0) throw error;
    this.#log.warn({ store: this.url, reason: error.message }, 'credentials refused, reading them again');
    await this.#clock.sleep(Math.min(refusedPauseMilliseconds, left), signal);
  }

  /** The client learns the server's time from every answer, and signs by it. */
  #tellSkew(): void {
    const { systemClockOffset } = this.#client.config;
    if (this.#toldOfSkew || Math.abs(systemClockOffset) < skewMilliseconds) return;
    this.#toldOfSkew = true;
    const seconds = Math.round(systemClockOffset / 1000);
    this.#log.warn({ store: this.url, seconds }, 'the clock of the store differs from the one here');
  }
}

interface SendOptions {
  readonly abortSignal?: AbortSignal;
  /** Milliseconds until the answer begins. */
  readonly requestTimeout?: number;
}

interface Range {
  readonly start: number;
  readonly end: number | undefined;
  readonly ifMatch: string | undefined;
}

interface Part {
  readonly body: AsyncIterable<Uint8Array>;
  readonly etag: string;
  /** Where it ends in the object. */
  readonly end: number;
}

/** A large body takes as long as it takes, while something moves. */
function forBody(body: Uint8Array | string, { requestTimeout, ...options }: SendOptions): SendOptions {
  return body.length > smallBody || requestTimeout === undefined ? options : { ...options, requestTimeout };
}

/** So many at a time. */
async function eachOf<T>(items: readonly T[], most: number, work: (item: T) => Promise<void>): Promise<void> {
  const rest = items.values();
  const worker = async () => {
    for (const item of rest) await work(item);
  };
  await Promise.all(Array.from({ length: Math.min(most, items.length) }, worker));
}

function unconditional(url: string): ForebayError {
  return new ForebayError('StoreUnsuitable', `${url}: the store knows no conditional writes`);
}

/** Takes the body of a good answer before the client reads it, which is then left nothing to read. */
function readsAnswer(command: ListObjectsV2Command, take: (xml: string) => void): void {
  command.middlewareStack.add(
    (next) => async (args) => {
      const result = await next(args);
      const { response } = result;
      if (isGood(response)) {
        const chunks: Uint8Array[] = [];
        for await (const chunk of response.body) if (chunk instanceof Uint8Array) chunks.push(chunk);
        take(Buffer.concat(chunks).toString());
        response.body = Readable.from([]);
      }
      return result;
    },
    { step: 'deserialize', name: 'bodyOfAnswer', priority: 'low' },
  );
}

interface Answer {
  readonly statusCode: number;
  body: AsyncIterable<unknown>;
}

function isGood(response: unknown): response is Answer {
  if (typeof response !== 'object' || response === null || !('statusCode' in response)) return false;
  if (!('body' in response) || typeof response.body !== 'object' || response.body === null) return false;
  return response.statusCode === 200 && Symbol.asyncIterator in response.body;
}

function decode(key: string, { EncodingType }: ListMultipartUploadsCommandOutput): string {
  return EncodingType === 'url' ? decodeKey(key) : key;
}

function dateHeader(response: unknown): string | undefined {
  if (typeof response !== 'object' || response === null || !('headers' in response)) return undefined;
  const { headers } = response;
  if (typeof headers !== 'object' || headers === null || !('date' in headers)) return undefined;
  return typeof headers.date === 'string' ? headers.date : undefined;
}

function factsOf(
  key: string,
  answer: { ContentLength?: number | undefined; ETag?: string | undefined; LastModified?: Date | undefined },
): ObjectFacts {
  const { ContentLength = 0, ETag = '', LastModified } = answer;
  return { key, size: ContentLength, etag: ETag, lastModified: LastModified?.getTime() ?? 0 };
}

function isMissing(thrown: unknown): boolean {
  return httpStatus(thrown) === 404 && nameOf(thrown) !== 'NoSuchBucket';
}

function ifMissing(thrown: unknown): undefined {
  if (!isMissing(thrown)) throw thrown;
}

function ifUnknownCall(thrown: unknown): undefined {
  if (![400, 405, 411, 501].includes(httpStatus(thrown) ?? 0)) throw thrown;
}

/** Where the length is told each byte is held once: some objects have megabytes. */
async function collect({ Body, ContentLength }: GetObjectCommandOutput): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  const all = Buffer.allocUnsafe(ContentLength ?? 0);
  let length = 0;
  for await (const chunk of bytesOf(Body)) {
    length += chunk.length;
    if (ContentLength === undefined) chunks.push(chunk);
    else if (length <= ContentLength) all.set(chunk, length - chunk.length);
  }
  if (ContentLength === undefined) return Buffer.concat(chunks);
  if (length !== ContentLength) throw new Error('the answer has another length than it said');
  return all;
}

/** In Node.js the body is a readable stream of buffers. */
async function* bytesOf(body: GetObjectCommandOutput['Body']): AsyncGenerator<Uint8Array> {
  if (body === undefined) return;
  if (!(Symbol.asyncIterator in body)) throw new ForebayError('InternalError', 'the S3 client gave no stream');
  for await (const chunk of body) {
    if (chunk instanceof Uint8Array) yield chunk;
  }
}
