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
import type { Upload } from './store.ts';

/** S3 wants at least 5 MiB, but for the last part. */
const firstPartBytes = 8 << 20;
/** Parts double after this many, so that 10,000 (the most S3 takes) hold 8 TiB, more than an object may have. */
const partsOfOneSize = 1_000;
/** Parts on their way: with the one being filled, what an upload holds in memory (24 MiB until 8 GiB are written). */
const partsInFlight = 2;

/** Runs a call of the store: retries what may be retried, translates what is thrown. */
type Caller = <T>(work: (abort: { readonly abortSignal?: AbortSignal }) => Promise<T>) => Promise<T>;

/** An object smaller than one part is a single PutObject; a larger one a multipart upload. */
export class S3Upload implements Upload {
  readonly key: string;
  readonly #client: S3Client;
  readonly #at: { readonly Bucket: string; readonly Key: string };
  readonly #call: Caller;
  readonly #pending = new Set<Promise<void>>();
  readonly #parts: CompletedPart[] = [];
  #chunks: Uint8Array[] = [];
  #chunkBytes = 0;
  #size = 0;
  #begun = 0;
  #uploadID: Promise<string> | undefined;
  #failure: unknown;

  constructor(client: S3Client, at: { readonly Bucket: string; readonly Key: string }, key: string, call: Caller) {
    this.#client = client;
    this.#at = at;
    this.key = key;
    this.#call = call;
  }

  async write(bytes: Uint8Array): Promise<void> {
    this.#chunks.push(bytes);
    this.#chunkBytes += bytes.length;
    this.#size += bytes.length;
    if (this.#chunkBytes >= this.#partBytes()) await this.#sendPart();
    if (this.#failure !== undefined) throw this.#failure;
  }

  async complete(): Promise<number> {
    if (this.#uploadID === undefined) {
      const Body = this.#takeChunks();
      await this.#call((abort) => this.#client.send(new PutObjectCommand({ ...this.#at, Body }), abort));
      return this.#size;
    }
    if (this.#chunkBytes > 0) await this.#sendPart();
    await Promise.all(this.#pending);
    if (this.#failure !== undefined) throw this.#failure;
    await this.#completeParts(await this.#uploadID);
    return this.#size;
  }

  async abort(): Promise<void> {
    this.#chunks = [];
    await Promise.allSettled(this.#pending);
    if (this.#uploadID === undefined) return;
    try {
      const UploadId = await this.#uploadID;
      await this.#client.send(new AbortMultipartUploadCommand({ ...this.#at, UploadId }));
    } catch {
      // What is left is garbage: the bucket's lifecycle or maintain removes it.
    }
  }

  #partBytes(): number {
    return firstPartBytes * 2 ** Math.floor(this.#begun / partsOfOneSize);
  }

  #takeChunks(): Buffer {
    const body = Buffer.concat(this.#chunks, this.#chunkBytes);
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
  }

  async #create(): Promise<string> {
    const { UploadId } = await this.#call((abort) =>
      this.#client.send(new CreateMultipartUploadCommand(this.#at), abort),
    );
    if (UploadId === undefined)
      throw new ForebayError('StoreUnavailable', 'the store gave no id for a multipart upload');
    return UploadId;
  }

  async #uploadPart(UploadId: string, PartNumber: number, Body: Buffer): Promise<void> {
    const command = () => new UploadPartCommand({ ...this.#at, UploadId, PartNumber, Body });
    const { ETag } = await this.#call((abort) => this.#client.send(command(), abort));
    this.#parts.push({ PartNumber, ...(ETag === undefined ? {} : { ETag }) });
  }

  /** A lost answer is followed by a repeat, which finds no upload any more: then the object itself tells. */
  async #completeParts(UploadId: string): Promise<void> {
    const Parts = this.#parts.sort((a, b) => (a.PartNumber ?? 0) - (b.PartNumber ?? 0));
    await this.#call(async (abort) => {
      try {
        const command = new CompleteMultipartUploadCommand({ ...this.#at, UploadId, MultipartUpload: { Parts } });
        await this.#client.send(command, abort);
      } catch (thrown) {
        if (!(thrown instanceof Error) || thrown.name !== 'NoSuchUpload') throw thrown;
        const { ContentLength } = await this.#client.send(new HeadObjectCommand(this.#at), abort);
        if (ContentLength !== this.#size) throw thrown;
      }
    });
  }
}
