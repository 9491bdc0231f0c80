import { execFile } from 'node:child_process';
import { randomBytes, randomUUID } from 'node:crypto';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { ListMultipartUploadsCommand } from '@aws-sdk/client-s3';
import { afterAll, afterEach, beforeAll, describe, expect, inject, test, vi } from 'vitest';
import { silentLog } from '../../ingestor/contract/environment.ts';
import type { S3Location } from '../../ingestor/contract/task.ts';
import { digest, listAll, readAll, textOf } from '../../ingestor/store/conformance.ts';
import { type OpenStoreOptions, openStore } from '../../ingestor/store/open.ts';
import { proveConditionalWrites } from '../../ingestor/store/prove.ts';
import type { Store } from '../../ingestor/store/store.ts';
import { createBucket, type Identity, s3Client } from '../servers/s3.ts';
import { testWaiting, virtualClock } from '../support/waiting.ts';
import { s3Location, writeCredentials } from './support/s3-location.ts';
import { S3Proxy } from './support/s3-proxy.ts';

const address = inject('s3');
const bucket = `faults-${randomUUID()}`;
const wrong: Identity = { accessKeyID: address.admin.accessKeyID, secretAccessKey: 'not-the-secret' };
const stores: Store[] = [];

beforeAll(() => createBucket(address, bucket));
afterEach(async () => {
  for (const store of stores.splice(0)) await store.close();
});

/** At once refused, where a test is not about waiting. */
async function open(
  change: Partial<S3Location> = {},
  { identity = address.admin, ...options }: OpenStoreOptions & { identity?: Identity } = {},
): Promise<Store> {
  const s3 = await s3Location(address, { bucket, ...change }, identity);
  const store = await openStore({ s3 }, { credentialsPatienceMilliseconds: 0, ...options });
  stores.push(store);
  return store;
}

function throughProxy(proxy: S3Proxy): Promise<Store> {
  return open({ endpoint: proxy.endpoint });
}

/** The first so many requests that fit go wrong. */
function first<F>(most: number, fits: (method: string, path: string) => boolean, fault: F) {
  let count = 0;
  return ({ method, path }: { method: string; path: string }): F | undefined => {
    if (!fits(method, path) || count >= most) return undefined;
    count += 1;
    return fault;
  };
}

describe('places and keys that do not fit', () => {
  const calls: [string, (store: Store) => Promise<unknown>][] = [
    ['get', (store) => store.get('key')],
    ['read', (store) => readAll(store, 'key')],
    ['list', (store) => listAll(store, '')],
    ['putIfAbsent', (store) => store.putIfAbsent('key', '')],
    ['put', (store) => store.put('key', '')],
    ['delete', (store) => store.delete(['key', 'other'])],
    ['now', (store) => store.now()],
  ];

  test.each(calls.filter(([name]) => name !== 'delete'))('a missing bucket is told by %s', async (_, call) => {
    await expect(call(await open({ bucket: 'no-such-bucket' }))).rejects.toMatchObject({
      code: 'BucketNotFound',
      message: expect.stringContaining('bucket no-such-bucket does not exist at 127.0.0.1:'),
    });
  });

  test.each(calls)('a wrong secret key is refused by %s', async (_, call) => {
    await expect(call(await open({}, { identity: wrong }))).rejects.toMatchObject({ code: 'CredentialsRefused' });
  });

  test('a refusal names the place, the reason and the cure, and no secret', async () => {
    const refused = await (await open({ prefix: 'in' }, { identity: wrong })).put('key', '').catch((e: unknown) => e);
    expect(refused).toMatchObject({
      message: expect.stringMatching(
        /^127\.0\.0\.1:\d+ refused to write s3:\/\/faults-[^ ]+\/in\/key \(SignatureDoesNotMatch\): the secret key is not/,
      ),
    });
    expect(inspectAll(refused)).not.toContain(wrong.secretAccessKey);
    expect(inspectAll(refused)).not.toContain('AWS4-HMAC');
  });

  test('an unknown access key is told as such', async () => {
    const store = await open({}, { identity: { accessKeyID: 'nobody', secretAccessKey: 'nothing' } });
    await expect(store.get('key')).rejects.toMatchObject({
      code: 'CredentialsRefused',
      message: expect.stringContaining('does not know this access key'),
    });
  });

  test('a key that may only read is refused when it writes, and the right is named', async () => {
    await (await open()).put('readable', 'text');
    const store = await open({}, { identity: address.reader });
    expect(textOf((await store.get('readable'))?.body)).toBe('text');
    await expect(store.putIfAbsent('new', '')).rejects.toMatchObject({
      code: 'CredentialsRefused',
      message: expect.stringContaining('s3:PutObject'),
    });
    const upload = store.upload('new');
    await expect(upload.write(randomBytes(9 << 20))).rejects.toMatchObject({ code: 'CredentialsRefused' });
    await upload.abort();
    await expect(store.delete(['readable', 'other'])).rejects.toMatchObject({
      code: 'CredentialsRefused',
      message: expect.stringContaining('s3:DeleteObject'),
    });
  });

  test('an endpoint where nobody listens is named with its port', async () => {
    const store = await open({ endpoint: 'http://127.0.0.1:9' });
    await expect(store.get('key')).rejects.toMatchObject({
      code: 'StoreUnavailable',
      message: expect.stringMatching(/^127\.0\.0\.1:9 cannot be reached \(ECONNREFUSED\): read s3:\/\//),
    });
  });

  test('a host name that nobody knows is told as such', async () => {
    const store = await open({ endpoint: 'http://store.invalid:9000' });
    await expect(store.get('key')).rejects.toMatchObject({
      code: 'StoreUnavailable',
      message: expect.stringContaining('store.invalid:9000 cannot be reached'),
    });
  });

  test('a redirect to elsewhere is for a person to mend', async () => {
    await using proxy = await S3Proxy.open(address.endpoint);
    proxy.decide = () => ({ answer: 301, code: 'PermanentRedirect' });
    await expect((await throughProxy(proxy)).get('key')).rejects.toMatchObject({
      code: 'StoreRefused',
      message: expect.stringContaining('check bucket, region, endpoint'),
    });
  });
});

describe('credentials', () => {
  test('are read again for two minutes before they count as refused', async () => {
    const clock = virtualClock();
    const began = clock.now();
    const store = await open({}, { identity: wrong, clock, credentialsPatienceMilliseconds: 120_000 });
    await expect(store.put('key', '')).rejects.toMatchObject({ code: 'CredentialsRefused' });
    expect(clock.now() - began).toBe(120_000);
  });

  test('that are mended meanwhile go on with the call', async () => {
    const location = await s3Location(address, { bucket }, wrong);
    const folder = location.credentialsPath ?? '';
    let waits = 0;
    const clock = virtualClock();
    const mending = {
      ...clock,
      sleep: async (milliseconds: number) => {
        waits += 1;
        if (waits === 3) await writeCredentials(folder, address.admin);
        await clock.sleep(milliseconds);
      },
    };
    const store = await openStore({ s3: location }, { clock: mending });
    stores.push(store);
    await store.put('mended', 'text');
    expect(waits).toBe(3);
    expect(textOf((await store.get('mended'))?.body)).toBe('text');
  });

  test('that are changed while the process runs are used at once', async () => {
    const location = await s3Location(address, { bucket });
    const store = await openStore({ s3: location }, { credentialsPatienceMilliseconds: 0 });
    stores.push(store);
    await store.put('rotated', '');
    await writeCredentials(location.credentialsPath ?? '', address.reader);
    await expect(store.put('rotated', '')).rejects.toMatchObject({ code: 'CredentialsRefused' });
    await writeCredentials(location.credentialsPath ?? '', address.admin);
    await store.put('rotated', '');
  });

  test('whose file is missing are told by its name', async () => {
    const location = await s3Location(address, { bucket });
    await rm(join(location.credentialsPath ?? '', 'secretAccessKey'));
    const store = await openStore({ s3: location }, { credentialsPatienceMilliseconds: 0 });
    stores.push(store);
    await expect(store.get('key')).rejects.toMatchObject({
      code: 'CredentialsRefused',
      message: expect.stringContaining('no key secretAccessKey'),
    });
  });

  test('that nobody gives are asked for', async () => {
    vi.stubEnv('AWS_EC2_METADATA_DISABLED', 'true');
    vi.stubEnv('AWS_SHARED_CREDENTIALS_FILE', '/nonexistent');
    vi.stubEnv('AWS_CONFIG_FILE', '/nonexistent');
    const { credentialsPath: _, ...location } = await s3Location(address, { bucket });
    const store = await openStore({ s3: location }, { credentialsPatienceMilliseconds: 0 });
    stores.push(store);
    await expect(store.get('key')).rejects.toMatchObject({
      code: 'CredentialsRefused',
      message: expect.stringContaining('name a Secret in credentialsSecretRef'),
    });
    vi.unstubAllEnvs();
  });

  test('are taken from the environment where no Secret is named', async () => {
    vi.stubEnv('AWS_ACCESS_KEY_ID', address.admin.accessKeyID);
    vi.stubEnv('AWS_SECRET_ACCESS_KEY', address.admin.secretAccessKey);
    const { credentialsPath: _, ...location } = await s3Location(address, { bucket });
    const store = await openStore({ s3: location });
    stores.push(store);
    await store.put('by-environment', '');
    expect(await store.head('by-environment')).toMatchObject({ size: 0 });
    vi.unstubAllEnvs();
  });
});

describe('a clock that is an hour off', () => {
  afterEach(() => vi.useRealTimers());

  test.each([-3_600_000, 3_600_000])('by %i ms is made up for, and told once', async (offset) => {
    const real = Date.now();
    vi.useFakeTimers({ toFake: ['Date'], now: real + offset });
    const told: { store: string; seconds: number }[] = [];
    const log = { ...silentLog, warn: (facts: object) => told.push(facts as (typeof told)[number]) };
    const store = await open({}, { log });
    await store.put('skewed', 'text');
    expect(textOf((await store.get('skewed'))?.body)).toBe('text');
    expect(Math.abs((await store.now()) - real)).toBeLessThan(60_000);
    expect(told).toHaveLength(1);
    const [{ store: place, seconds } = { store: '', seconds: 0 }] = told;
    expect(place).toBe(`s3://${bucket}`);
    expect(Math.abs(seconds * 1000 + offset)).toBeLessThan(60_000);
  });
});

describe('connections that break', () => {
  const size = (12 << 20) + 7;
  const bytes = randomBytes(size);
  beforeAll(async () => {
    await (await open()).put('large', bytes);
  });
  const isGet = (method: string) => method === 'GET';

  test('a read goes on where it broke', async () => {
    await using proxy = await S3Proxy.open(address.endpoint);
    const store = await throughProxy(proxy);
    proxy.decide = first(8, isGet, { cut: 1_000_000 });
    expect(digest(await readAll(store, 'large'))).toBe(digest(bytes));
    expect(proxy.requests).toHaveLength(9);
    expect(proxy.requests.map(({ range }) => range)).toContain('bytes=8000000-');
    expect(digest(await readAll(store, 'large', { start: 5, end: 9_000_000 }))).toBe(
      digest(bytes.subarray(5, 9_000_000)),
    );
  });

  test('a range that breaks goes on within the range', async () => {
    await using proxy = await S3Proxy.open(address.endpoint);
    const store = await throughProxy(proxy);
    proxy.decide = first(3, isGet, { cut: 1_000_000 });
    const read = await readAll(store, 'large', { start: 100, end: 5_000_100 });
    expect(digest(read)).toBe(digest(bytes.subarray(100, 5_000_100)));
    expect(proxy.requests.at(-1)?.range).toBe('bytes=3000100-5000099');
  });

  test('an object that changes while it is read is not mixed with the new one', async () => {
    await using proxy = await S3Proxy.open(address.endpoint);
    const store = await throughProxy(proxy);
    await store.put('mixed', randomBytes(2 << 20));
    proxy.decide = first(1, isGet, { cut: 500_000 });
    const reading = async () => {
      let seen = 0;
      for await (const piece of store.read('mixed')) {
        if (seen === 0) await store.put('mixed', randomBytes(2 << 20));
        seen += piece.length;
      }
    };
    await expect(reading()).rejects.toMatchObject({ code: 'FileChanged' });
  });

  test('a read that breaks again and again at one place gives up', async () => {
    await using proxy = await S3Proxy.open(address.endpoint);
    proxy.decide = first(1_000, isGet, { cut: 0 });
    const reading = readAll(await throughProxy(proxy), 'large');
    await expect(reading).rejects.toMatchObject({ code: 'StoreUnavailable' });
  });

  test('a small object is asked for again', async () => {
    await using proxy = await S3Proxy.open(address.endpoint);
    proxy.decide = first(2, isGet, { cut: 100_000 });
    const object = await (await throughProxy(proxy)).get('large');
    expect(digest(object?.body ?? Buffer.alloc(0))).toBe(digest(bytes));
  });
});

describe('answers that are lost', () => {
  const isPut = (method: string) => method === 'PUT';

  test('a create that landed without its answer is told as one that exists, and the object is its own', async () => {
    await using proxy = await S3Proxy.open(address.endpoint);
    const store = await throughProxy(proxy);
    proxy.decide = first(1, isPut, { lose: true });
    expect(await store.putIfAbsent('lost', 'own nonce')).toEqual({ created: false });
    expect(textOf((await store.get('lost'))?.body)).toBe('own nonce');
  });

  test('a create whose answers are all lost is unclear', async () => {
    await using proxy = await S3Proxy.open(address.endpoint);
    const store = await throughProxy(proxy);
    proxy.decide = first(1_000, isPut, { lose: true });
    await expect(store.putIfAbsent('all-lost', 'text')).rejects.toMatchObject({ code: 'StoreUnavailable' });
    expect(textOf((await (await open()).get('all-lost'))?.body)).toBe('text');
  });

  test('an upload whose completion was lost is complete', async () => {
    await using proxy = await S3Proxy.open(address.endpoint);
    const store = await throughProxy(proxy);
    const isComplete = (method: string, path: string) => method === 'POST' && path.includes('uploadId=');
    proxy.decide = first(1, isComplete, { lose: true });
    const body = randomBytes(10 << 20);
    const upload = store.upload('completed');
    await upload.write(body);
    expect(await upload.complete()).toBe(body.length);
    expect(digest(await readAll(store, 'completed'))).toBe(digest(body));
  });
});

describe('a server in trouble', () => {
  test('that answers 503 for a while is asked again', async () => {
    await using proxy = await S3Proxy.open(address.endpoint);
    proxy.decide = first(3, () => true, { answer: 503, code: 'SlowDown' });
    expect(await (await throughProxy(proxy)).putIfAbsent('slow-down', '')).toMatchObject({ created: true });
  });

  test('that goes on so is unavailable', async () => {
    await using proxy = await S3Proxy.open(address.endpoint);
    proxy.decide = () => ({ answer: 500, code: 'InternalError' });
    await expect((await throughProxy(proxy)).put('key', '')).rejects.toMatchObject({
      code: 'StoreUnavailable',
      message: expect.stringContaining('answers 500 (InternalError): write s3://'),
    });
  });

  test('a race that the server breaks off with 409 is run again', async () => {
    await using proxy = await S3Proxy.open(address.endpoint);
    proxy.decide = first(4, () => true, { answer: 409, code: 'ConditionalRequestConflict' });
    expect(await (await throughProxy(proxy)).putIfAbsent('conflict', '')).toMatchObject({ created: true });
    expect(proxy.requests).toHaveLength(5);
  });

  test('a server that knows no conditions is unsuitable', async () => {
    await using proxy = await S3Proxy.open(address.endpoint);
    proxy.decide = () => ({ answer: 501, code: 'NotImplemented' });
    const put = (await throughProxy(proxy)).putIfAbsent('key', '');
    await expect(put).rejects.toMatchObject({ code: 'StoreUnsuitable' });
  });

  test('a server that knows no deletes of many is asked for each', async () => {
    await using proxy = await S3Proxy.open(address.endpoint);
    const store = await throughProxy(proxy);
    const keys = Array.from({ length: 40 }, (_, i) => `each/${i}`);
    for (const key of keys) await store.put(key, '');
    proxy.decide = ({ method }) => (method === 'POST' ? { answer: 400, code: 'MissingContentMD5' } : undefined);
    await store.delete([...keys, 'each/never-there']);
    expect(await listAll(store, 'each/')).toEqual([]);
  });
});

describe('uploads that fail', () => {
  const isPart = (_: string, path: string) => path.includes('partNumber=2');

  test('throw what went wrong, and leave no parts when they are aborted', async () => {
    await using proxy = await S3Proxy.open(address.endpoint);
    const store = await throughProxy(proxy);
    proxy.decide = first(1_000, isPart, { answer: 500, code: 'InternalError' });
    const upload = store.upload('failed');
    const writing = async () => {
      for (let i = 0; i < 8; i += 1) await upload.write(randomBytes(8 << 20));
      await upload.complete();
    };
    await expect(writing()).rejects.toMatchObject({ code: 'StoreUnavailable' });
    await upload.abort();
    expect(await uploadsOf('failed')).toEqual([]);
    expect(await store.head('failed')).toBeUndefined();
  });

  test('whose parts fail for a while arrive whole', async () => {
    await using proxy = await S3Proxy.open(address.endpoint);
    const store = await throughProxy(proxy);
    proxy.decide = first(3, isPart, { lose: true });
    const body = randomBytes((25 << 20) + 1);
    const upload = store.upload('mended-parts');
    await upload.write(body);
    await upload.complete();
    expect(digest(await readAll(store, 'mended-parts'))).toBe(digest(body));
    expect(await uploadsOf('mended-parts')).toEqual([]);
  });

  test('end with the reason of their signal', async () => {
    const stop = new AbortController();
    const store = await open();
    const upload = store.upload('stopped', { signal: stop.signal });
    await upload.write(randomBytes(9 << 20));
    stop.abort(new Error('told to stop'));
    await expect(upload.write(randomBytes(1))).rejects.toThrow('told to stop');
    await upload.abort();
    expect(await uploadsOf('stopped')).toEqual([]);
  });

  async function uploadsOf(key: string): Promise<unknown[]> {
    const client = s3Client(address);
    const { Uploads = [] } = await client.send(new ListMultipartUploadsCommand({ Bucket: bucket, Prefix: key }));
    client.destroy();
    return Uploads;
  }
});

describe('certificates', () => {
  let folder: string;
  let own: { key: string; cert: string };
  let caPath: string;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'forebay-certificate-'));
    caPath = join(folder, 'cert.pem');
    const key = join(folder, 'key.pem');
    const subject = ['-subj', '/CN=127.0.0.1', '-addext', 'subjectAltName=IP:127.0.0.1', '-days', '2'];
    const request = ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-keyout', key, '-out', caPath, ...subject];
    await promisify(execFile)('openssl', request);
    own = { key: await readFile(key, 'utf8'), cert: await readFile(caPath, 'utf8') };
  });
  afterAll(() => rm(folder, { recursive: true }));

  test('that nobody vouches for are refused', async () => {
    await using proxy = await S3Proxy.open(address.endpoint, own);
    await expect((await throughProxy(proxy)).get('key')).rejects.toMatchObject({
      code: 'UntrustedCertificate',
      message: expect.stringContaining('name its authority in caConfigMapRef'),
    });
  });

  test('of a named authority are trusted, for large bodies too', async () => {
    await using proxy = await S3Proxy.open(address.endpoint, own);
    const store = await open({ endpoint: proxy.endpoint, caPath });
    const body = randomBytes(18 << 20);
    const upload = store.upload('over-tls');
    await upload.write(body);
    await upload.complete();
    expect(digest(await readAll(store, 'over-tls'))).toBe(digest(body));
  });

  test('for another host are refused', async () => {
    await using proxy = await S3Proxy.open(address.endpoint, own);
    const endpoint = proxy.endpoint.replace('127.0.0.1', 'localhost');
    await expect((await open({ endpoint, caPath })).get('key')).rejects.toMatchObject({
      code: 'UntrustedCertificate',
      message: expect.stringContaining('mend the endpoint'),
    });
  });

  test('are asked for by name where the file holds none', async () => {
    await writeFile(join(folder, 'none.pem'), 'nothing');
    await expect(open({ caPath: join(folder, 'none.pem') })).rejects.toMatchObject({ code: 'UntrustedCertificate' });
    await expect(open({ caPath: join(folder, 'missing') })).rejects.toMatchObject({ code: 'UntrustedCertificate' });
  });

  test('are not what https at a port of http is about', async () => {
    const store = await open({ endpoint: address.endpoint.replace('http:', 'https:') });
    await expect(store.get('key')).rejects.toMatchObject({
      code: 'StoreUnavailable',
      message: expect.stringContaining('check http and https'),
    });
  });
});

test.each(['s3', 'moto'] as const)('the server behind inject(%j) is proven, and left clean', async (name) => {
  const place = inject(name);
  const fresh = `proof-${randomUUID()}`;
  await createBucket(place, fresh);
  const store = await openStore({ s3: await s3Location(place, { bucket: fresh }) });
  stores.push(store);
  await proveConditionalWrites(store, 'proof/', testWaiting());
  expect(await listAll(store, '')).toEqual([]);
});

/** With all that an error carries: its causes and their members. */
function inspectAll(thrown: unknown): string {
  const { inspect } = process.getBuiltinModule('node:util');
  return inspect(thrown, { depth: 10, showHidden: true });
}
