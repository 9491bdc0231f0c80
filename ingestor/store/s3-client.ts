/** The S3 client: how it connects, how long it waits, and where its credentials come from. */
import { readFile } from 'node:fs/promises';
import { Agent as HttpAgent } from 'node:http';
import { Agent as HttpsAgent } from 'node:https';
import { join } from 'node:path';
import { getCACertificates } from 'node:tls';
import { S3Client } from '@aws-sdk/client-s3';
import { ForebayError } from '../contract/errors.ts';
import type { S3Location } from '../contract/task.ts';

const connectMilliseconds = 5_000;
/** A connection on which nothing moves for so long is given up, also in the midst of a body. */
const idleMilliseconds = 60_000;
/** For the client's own repeats after 5xx, throttling and lost connections; it waits about 2 s in all between them. */
const attempts = 5;
/** Callers bound what they do at a time; this bounds what they do together. */
const sockets = 128;

export async function openClient(location: S3Location): Promise<S3Client> {
  const { credentialsPath, endpoint, caPath, forcePathStyle = false } = location;
  const ca = caPath === undefined ? undefined : [...getCACertificates('default'), await readCertificates(caPath)];
  const agent = { keepAlive: true, maxSockets: sockets };
  return new S3Client({
    region: regionOf(location),
    followRegionRedirects: endpoint === undefined,
    forcePathStyle,
    ...(endpoint === undefined ? {} : { endpoint }),
    ...(credentialsPath === undefined ? {} : { credentials: () => readCredentials(credentialsPath) }),
    // Other servers refuse checksums in trailers, or leave them in the object.
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
    // With the header the client opens a connection of its own for each body, which does not know our certificates.
    expectContinueHeader: false,
    maxAttempts: attempts,
    requestHandler: {
      connectionTimeout: connectMilliseconds,
      socketTimeout: idleMilliseconds,
      throwOnRequestTimeout: true,
      socketAcquisitionWarningTimeout: idleMilliseconds,
      httpAgent: new HttpAgent(agent),
      httpsAgent: new HttpsAgent({ ...agent, ...(ca === undefined ? {} : { ca }) }),
    },
  });
}

/** Servers other than AWS mostly take any region, but sign for one; AWS tells the right one when it is asked in another. */
function regionOf({ region, endpoint }: S3Location): string {
  const fallback = 'us-east-1';
  return region ?? (endpoint === undefined ? process.env.AWS_REGION : undefined) ?? fallback;
}

async function readCertificates(path: string): Promise<string> {
  const text = await readFile(path, 'utf8').catch((cause: unknown) => {
    throw new ForebayError('UntrustedCertificate', `the CA certificates at ${path} cannot be read`, { cause });
  });
  if (text.includes('-----BEGIN CERTIFICATE-----')) return text;
  throw new ForebayError('UntrustedCertificate', `the file ${path} holds no PEM certificate`);
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
    throw new ForebayError('CredentialsRefused', `the Secret with the store's credentials has no key ${missing}`);
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
