import {
  AbortMultipartUploadCommand,
  type CompletedPart,
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  HeadObjectCommand,
  PutObjectCommand,
  type S3Client,
  UploadPartCommand,
} from '@aws-sdk/client-s3';
import { ForebayError } from '../contract/errors.ts';
import { release } from '../contract/memory.ts';
import { nameOf } from './s3-errors.ts';
import type { Upload } from './store.ts';

/** S3 wants at least 5 MiB, but for the last part. */
const firstPartBytes = 8 << 20;
/** Parts double after this many, so that 10,000 (the most S3 takes) hold 8 TiB, more than an object may have. */
const partsOfOneSize = 1_000;
/** Parts on their way: with the one being filled, what an upload holds in memory (32 MiB until 8 GiB are written). */
const partsInFlight = 3;

/** Runs a call of the store with a signal: retries what may be retried, translates what is thrown. */
type Caller = <T>(
  signal: AbortSignal,
  work: (options: { readonly abortSignal: AbortSignal }) => Promise<T>,
) => Promise<T>;

/**
 * An object smaller than one part is a single PutObject; a larger one a multipart upload. All parts but the last of one
 * size are of exactly that size: some servers want them equal.
 */
export class S3Upload implements Upload {
  readonly key: string;
  readonly #client: S3Client;
  readonly #at: { readonly Bucket: string; readonly Key: string };
  readonly #call: Caller;
  readonly #abort = new AbortController();
  readonly #signal: AbortSignal;
  readonly #pending = new Set<Promise<void>>();
  readonly #parts: CompletedPart[] = [];
  #chunks: Uint8Array[] = [];
  #chunkBytes = 0;
  #size = 0;
  #begun = 0;
  #uploadID: Promise<string> | undefined;
  #failure: unknown;
  #ended = false;

  constructor(
    client: S3Client,
    at: { readonly Bucket: string; readonly Key: string },
    key: string,
    signal: AbortSignal | undefined,
    call: Caller,
  ) {
    this.#client = client;
    this.#at = at;
    this.key = key;
    this.#signal = signal === undefined ? this.#abort.signal : AbortSignal.any([signal, this.#abort.signal]);
    this.#call = call;
  }

  async write(bytes: Uint8Array): Promise<void> {
    this.#check();
    this.#size += bytes.length;
    for (let rest = bytes; rest.length > 0; ) {
      const space = this.#partBytes() - this.#chunkBytes;
      this.#chunks.push(rest.subarray(0, space));
      this.#chunkBytes += Math.min(space, rest.length);
      rest = rest.subarray(space);
      if (this.#chunkBytes === this.#partBytes()) await this.#sendPart();
    }
  }

  async complete(): Promise<number> {
    this.#check();
    if (this.#uploadID === undefined) {
      const Body = this.#takeChunks();
      await this.#send((options) => this.#client.send(new PutObjectCommand({ ...this.#at, Body }), options));
    } else {
      if (this.#chunkBytes > 0) await this.#sendPart();
      await Promise.all(this.#pending);
      if (this.#failure !== undefined) throw this.#failure;
      await this.#completeParts(await this.#uploadID);
    }
    this.#ended = true;
    return this.#size;
  }

  async abort(): Promise<void> {
    if (this.#ended) return;
    this.#ended = true;
    this.#chunks = [];
    // First nothing may be on its way any more: a part that arrives later would stay.
    this.#abort.abort(new Error(`the upload of ${this.key} was aborted`));
    await Promise.allSettled(this.#pending);
    if (this.#uploadID === undefined) return;
    try {
      const UploadId = await this.#uploadID;
      await this.#client.send(new AbortMultipartUploadCommand({ ...this.#at, UploadId }));
    } catch {
      // What is left is garbage: the bucket's lifecycle rule removes it.
    }
  }

  #check(): void {
    this.#signal.throwIfAborted();
    if (this.#ended) throw new Error(`the upload of ${this.key} has ended`);
    if (this.#failure !== undefined) throw this.#failure;
  }

  #send<T>(work: (options: { readonly abortSignal: AbortSignal }) => Promise<T>): Promise<T> {
    return this.#call(this.#signal, work);
  }

  #partBytes(): number {
    return firstPartBytes * 2 ** Math.floor(this.#begun / partsOfOneSize);
  }

  #takeChunks(): Buffer {
    const body = Buffer.concat(this.#chunks, this.#chunkBytes);
    for (const chunk of this.#chunks) release(chunk);
    this.#chunks = [];
    this.#chunkBytes = 0;
    return body;
  }

  async #sendPart(): Promise<void> {
    const Body = this.#takeChunks();
    this.#begun += 1;
    const PartNumber = this.#begun;
    this.#uploadID ??= this.#create();
    const sent = this.#uploadPart(await this.#uploadID, PartNumber, Body)
      .catch((thrown: unknown) => {
        this.#failure ??= thrown;
      })
      .finally(() => this.#pending.delete(sent));
    this.#pending.add(sent);
    if (this.#pending.size >= partsInFlight) await Promise.race(this.#pending);
    if (this.#failure !== undefined) throw this.#failure;
  }

  async #create(): Promise<string> {
    const command = new CreateMultipartUploadCommand(this.#at);
    const { UploadId } = await this.#send((options) => this.#client.send(command, options));
    if (UploadId === undefined) {
      throw new ForebayError('StoreUnavailable', 'the store gave no id for a multipart upload');
    }
    return UploadId;
  }

  async #uploadPart(UploadId: string, PartNumber: number, Body: Buffer): Promise<void> {
    const command = new UploadPartCommand({ ...this.#at, UploadId, PartNumber, Body });
    const { ETag } = await this.#send((options) => this.#client.send(command, options));
    release(Body);
    this.#parts.push({ PartNumber, ...(ETag === undefined ? {} : { ETag }) });
  }

  /** A lost answer is followed by a repeat, which finds no upload any more: then the object itself tells. */
  async #completeParts(UploadId: string): Promise<void> {
    const Parts = this.#parts.sort((a, b) => (a.PartNumber ?? 0) - (b.PartNumber ?? 0));
    await this.#send(async (options) => {
      try {
        const command = new CompleteMultipartUploadCommand({ ...this.#at, UploadId, MultipartUpload: { Parts } });
        await this.#client.send(command, options);
      } catch (thrown) {
        if (nameOf(thrown) !== 'NoSuchUpload') throw thrown;
        const { ContentLength } = await this.#client.send(new HeadObjectCommand(this.#at), options);
        if (ContentLength !== this.#size) throw thrown;
      }
    });
  }
}
