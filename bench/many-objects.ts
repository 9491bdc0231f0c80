/** Puts a million small objects into an S3 bucket in minutes: a client that signs and does nothing else. */
import { createHash, createHmac } from 'node:crypto';
import { Agent, request } from 'node:http';
import type { S3Address } from '../test/servers/s3.ts';

const atOnce = 48;
/** A signature is good for minutes; made anew now and then. */
const signedForMilliseconds = 60_000;

export interface NewObject {
  readonly key: string;
  readonly body: string;
}

export async function putAll(
  address: S3Address,
  bucket: string,
  count: number,
  objectAt: (n: number) => NewObject,
): Promise<void> {
  const agent = new Agent({ keepAlive: true, maxSockets: atOnce });
  let signer = new Signer(address);
  let done = 0;
  const worker = async () => {
    while (done < count) {
      const n = done;
      done += 1;
      if (n % 50_000 === 0 && n > 0) process.stderr.write(`${n} of ${count} objects\n`);
      if (signer.isOld()) signer = new Signer(address);
      const { key, body } = objectAt(n);
      await put(agent, signer, `/${bucket}/${key.split('/').map(encodeURIComponent).join('/')}`, body);
    }
  };
  try {
    await Promise.all(Array.from({ length: atOnce }, worker));
  } finally {
    agent.destroy();
  }
}

async function put(agent: Agent, signer: Signer, path: string, body: string): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    const { hostname, port } = signer.url;
    const headers = { ...signer.headers(path), 'content-length': Buffer.byteLength(body) };
    const sent = request({ agent, hostname, port, method: 'PUT', path, headers }, (answer) => {
      answer.resume();
      answer.once('end', () => {
        if (answer.statusCode === 200) resolve();
        else reject(new Error(`PUT ${path}: ${answer.statusCode}`));
      });
    });
    sent.once('error', reject);
    sent.end(body);
  });
}

/** Signature version 4 of a PUT whose body is not signed. */
class Signer {
  readonly url: URL;
  readonly #address: S3Address;
  readonly #made = Date.now();
  readonly #time: string;
  readonly #scope: string;
  readonly #key: Buffer;

  constructor(address: S3Address) {
    this.url = new URL(address.endpoint);
    this.#address = address;
    this.#time = new Date(this.#made).toISOString().replace(/[:-]|\.[0-9]{3}/g, '');
    const day = this.#time.slice(0, 8);
    this.#scope = `${day}/${address.region}/s3/aws4_request`;
    const parts = [day, address.region, 's3', 'aws4_request'];
    this.#key = parts.reduce<Buffer>(hmac, Buffer.from(`AWS4${address.admin.secretAccessKey}`));
  }

  isOld(): boolean {
    return Date.now() - this.#made > signedForMilliseconds;
  }

  headers(path: string): Record<string, string> {
    const signed = 'host;x-amz-content-sha256;x-amz-date';
    const canonical = [
      'PUT',
      path,
      '',
      `host:${this.url.host}`,
      'x-amz-content-sha256:UNSIGNED-PAYLOAD',
      `x-amz-date:${this.#time}`,
      '',
      signed,
      'UNSIGNED-PAYLOAD',
    ].join('\n');
    const digest = createHash('sha256').update(canonical).digest('hex');
    const signature = hmac(this.#key, `AWS4-HMAC-SHA256\n${this.#time}\n${this.#scope}\n${digest}`).toString('hex');
    const credential = `${this.#address.admin.accessKeyID}/${this.#scope}`;
    return {
      'x-amz-date': this.#time,
      'x-amz-content-sha256': 'UNSIGNED-PAYLOAD',
      authorization: `AWS4-HMAC-SHA256 Credential=${credential}, SignedHeaders=${signed}, Signature=${signature}`,
    };
  }
}

function hmac(key: Buffer, text: string): Buffer {
  return createHmac('sha256', key).update(text).digest();
}
