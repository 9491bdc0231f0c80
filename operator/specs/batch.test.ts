import { describe, expect, test } from 'vitest';
import type { Batch } from '../api/types.gen.ts';
import { attemptDigest, batchRequest, finishTask, planTask, requestDigest, resolveInput } from './batch.ts';
import { datasetPlace } from './dataset.ts';
import { exampleBatch, exampleConnection, exampleDataset } from './examples.ts';

const place = datasetPlace(exampleDataset(), 'main');

describe('a batch reads', () => {
  test('and its request sorts after those of earlier attempts, and of earlier resources of the name', () => {
    const orderOf = (creationTimestamp: string, attempts?: number) => {
      const batch = exampleBatch();
      const metadata = { ...batch.metadata, creationTimestamp };
      const status = { ...batch.status, ...(attempts && { attempts }) };
      return batchRequest({ ...batch, metadata, status }, resolveInput(batch, undefined), '').requestOrder ?? '';
    };
    const orders = [orderOf('2026-01-01T00:00:00Z'), orderOf('2026-01-01T00:00:00Z', 2)];
    orders.push(orderOf('2026-01-01T00:00:00Z', 10), orderOf('2026-01-02T00:00:00Z', 1));
    expect(orders.toSorted()).toEqual(orders);
    expect(new Set(orders).size).toBe(4);
  });

  test('files of a bucket, with its own format', () => {
    const { input, read, ledger } = resolveInput(exampleBatch(), undefined);
    expect(input).toMatchObject({
      files: { location: { s3: { bucket: 'landing', prefix: 'day-1' } }, selection: { glob: '*.csv' } },
    });
    expect(read).toMatchObject({
      format: { type: 'CSV', csv: { delimiter: ',', header: true } },
      compression: 'Auto',
      mapping: [],
    });
    expect(ledger).toBeUndefined();
  });

  test('what may come of compressed files, where it says so', () => {
    const readOf = (spec: Partial<Batch['spec']>) => resolveInput(exampleBatch(spec), undefined).read;
    expect(readOf({})).not.toHaveProperty('decompression');
    expect(readOf({ decompression: { maxRatio: 5 } }).decompression).toEqual({ maxRatio: 5, maxBytes: 2 ** 40 });
    expect(readOf({ decompression: { maxSizeGiB: 3 } }).decompression).toEqual({
      maxRatio: 1000,
      maxBytes: 3 * 2 ** 30,
    });
  });

  test('named keys of a bucket', () => {
    const batch = exampleBatch({ input: { s3: { bucket: 'landing', prefix: '', keys: ['a/b.csv'] } } });
    expect(resolveInput(batch, undefined).input).toEqual({
      files: { location: { s3: { bucket: 'landing', prefix: '' } }, selection: { keys: ['a/b.csv'] } },
    });
  });

  test('inline text, for which nothing is mounted', () => {
    const resolved = resolveInput(exampleBatch({ input: { inline: { data: 'a\n1\n' } } }), undefined);
    expect(resolved).toMatchObject({ input: { inline: { data: 'a\n1\n' } }, projections: [] });
  });

  test('through a connection: its place, selection, format and ledger', () => {
    const { format: _, ...spec } = exampleBatch({ input: { connection: { name: 'crm' } } }).spec;
    const resolved = resolveInput({ ...exampleBatch(), spec }, exampleConnection());
    expect(resolved).toMatchObject({
      input: {
        files: {
          location: { s3: { bucket: 'landing', prefix: 'crm/daily' } },
          selection: { glob: '*.json', minAgeSeconds: 60 },
        },
      },
      read: { format: { type: 'JSONLines' }, compression: 'Gzip', mapping: [{ source: 'a', destination: 'b' }] },
      ledger: { source: 's3://landing/crm/daily' },
    });
  });

  test('chosen files of a connection, which its ledger knows from then on', () => {
    const batch = exampleBatch({ input: { connection: { name: 'crm', paths: ['1.json'] } } });
    const { input, ledger, read } = resolveInput(batch, exampleConnection());
    expect(input).toMatchObject({ files: { selection: { keys: ['1.json'] } } });
    expect(ledger).toEqual({ source: 's3://landing/crm/daily' });
    expect(read).toMatchObject({ format: { type: 'CSV' }, compression: 'Auto' });
  });

  test('the refused records of a batch, by its ID as people write it', () => {
    const of = (batchID: string) => resolveInput(exampleBatch({ input: { rejects: { batchID } } }), undefined);
    expect(of('shop/day-1')).toMatchObject({
      input: { rejects: { batch: { kind: 'resource', id: 'shop/day-1' } } },
      read: { format: { type: 'CSV' } },
      projections: [],
    });
    expect(of('crm-1').input).toEqual({ rejects: { batch: { kind: 'external', id: 'crm-1' } } });
  });

  test('nothing, when it only takes rows out', () => {
    const { input: _, format: __, ...spec } = exampleBatch({ replaces: ['shop/day-1', 'crm-1'] }).spec;
    const batch = { ...exampleBatch(), spec };
    const request = batchRequest(batch, resolveInput(batch, undefined), '');
    expect(request).not.toHaveProperty('input');
    expect(request.replaces).toEqual([
      { kind: 'resource', id: 'shop/day-1' },
      { kind: 'external', id: 'crm-1' },
    ]);
  });
});

describe('the digest of a request', () => {
  const digest = (spec: Partial<Batch['spec']>) => requestDigest(exampleBatch(spec));

  test('changes with input, format, mapping and policy', () => {
    const changed: Partial<Batch['spec']>[] = [
      { input: { s3: { bucket: 'landing', prefix: 'day-2', glob: '*.csv' } } },
      { format: { type: 'JSON' } },
      { compression: 'Zip' },
      { decompression: { maxRatio: 5 } },
      { mapping: [{ source: 'a', destination: 'b' }] },
      { errorPolicy: { maxFailed: '1%' } },
      { input: { rejects: { batchID: 'shop/day-0' } } },
      { replaces: ['shop/day-0'] },
      { validateOnly: true },
    ];
    expect(new Set([digest({}), ...changed.map(digest)]).size).toBe(10);
  });

  test('does not change with credentials, speed, time to live and podTemplate', () => {
    const s3 = { bucket: 'landing', prefix: 'day-1', glob: '*.csv', credentialsSecretRef: { name: 'other' } };
    const same = { input: { s3 }, parallelism: 1, shardSizeMiB: 1, suspend: true, ttlSecondsAfterFinished: 1 };
    expect(digest({ ...same, podTemplate: { spec: { priorityClassName: 'x' } } })).toBe(digest({}));
    expect(digest({ desiredState: 'Reverted', validateOnly: false })).toBe(digest({}));
  });

  test('stays what earlier versions made it: what they committed is not refused, what failed is not tried again', () => {
    expect(digest({})).toBe('671230f34e9fdc78c9cee8d2941c4a8dfbfcbaca662c33c2975385ece1fe36cb');
    expect(attemptDigest(exampleBatch())).toBe('27a5c285eaa8fecb1bdf47fcafa2e347181769dcc02065763ffb29b506358471');
  });
});

test('an attempt differs by credentials and podTemplate too, not by what can be changed while it runs', () => {
  const digest = (spec: Partial<Batch['spec']>) => attemptDigest(exampleBatch(spec));
  expect(digest({ podTemplate: { spec: { priorityClassName: 'x' } } })).not.toBe(digest({}));
  const mutable = { parallelism: 1, suspend: true, ttlSecondsAfterFinished: 1, desiredState: 'Aborted' } as const;
  expect(digest(mutable)).toBe(digest({}));
});

test('a batch is known by its external id, else by namespace and name', () => {
  const id = (spec: Partial<Batch['spec']>) =>
    batchRequest(exampleBatch(spec), resolveInput(exampleBatch(), undefined), '').batch;
  expect(id({})).toEqual({ kind: 'resource', id: 'shop/day-1' });
  expect(id({ externalID: 'day-1' })).toEqual({ kind: 'external', id: 'day-1' });
});

test('a planning pod is given the keys of both places', () => {
  const batch = exampleBatch();
  const { document, projections } = planTask(place, batch, resolveInput(batch, undefined), 'token');
  expect(document).toMatchObject({
    verb: 'plan',
    request: { requestToken: 'token', shardBytes: 256 * 2 ** 20, maxFailed: 0 },
  });
  expect(projections.flatMap(({ secret }) => secret?.name ?? [])).toEqual([
    'lake-key',
    'lake-key',
    'landing-key',
    'landing-key',
  ]);
});

test('giving up says why, and names the request whose run it ends', () => {
  const abort = { reason: 'JobFailed', message: 'a pod ran out of memory', token: 't' };
  expect(finishTask(place, exampleBatch(), 1, abort).document).toMatchObject({
    abort: { reason: 'JobFailed', message: 'a pod ran out of memory' },
    request: { token: 't', digest: requestDigest(exampleBatch()) },
  });
  expect(finishTask(place, exampleBatch(), 1, abort).document).not.toHaveProperty('revert');
  expect(finishTask(place, exampleBatch(), 1, { ...abort, revert: true }).document).toMatchObject({ revert: true });
  expect(finishTask(place, exampleBatch(), 1, undefined).document).not.toHaveProperty('abort');
});
