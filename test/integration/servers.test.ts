import { GetObjectCommand, PutObjectCommand } from '@aws-sdk/client-s3';
import { describe, expect, inject, test } from 'vitest';
import { createBucket, s3Client } from '../servers/s3.ts';

describe.each(['s3', 'moto'] as const)('the server behind inject(%j)', (name) => {
  test('refuses to create an object that is there', async () => {
    const address = inject(name);
    await createBucket(address, 'servers-test');
    const create = new PutObjectCommand({ Bucket: 'servers-test', Key: 'once', Body: 'first', IfNoneMatch: '*' });
    await s3Client(address).send(create);
    await expect(s3Client(address).send(create)).rejects.toMatchObject({ name: 'PreconditionFailed' });
  });
});

test('the reader of SeaweedFS reads and does not write', async () => {
  const address = inject('s3');
  await createBucket(address, 'reader-test');
  const object = { Bucket: 'reader-test', Key: 'object' };
  await s3Client(address).send(new PutObjectCommand({ ...object, Body: 'text' }));
  const reader = s3Client(address, address.reader);
  const { Body } = await reader.send(new GetObjectCommand(object));
  expect(await Body?.transformToString()).toBe('text');
  await expect(reader.send(new PutObjectCommand({ ...object, Body: '' }))).rejects.toMatchObject({
    name: 'AccessDenied',
  });
});
