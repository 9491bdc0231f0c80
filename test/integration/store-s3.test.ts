import { randomUUID } from 'node:crypto';
import { inject } from 'vitest';
import { describeStore } from '../../ingestor/store/conformance.ts';
import { openStore } from '../../ingestor/store/open.ts';
import { createBucket } from '../servers/s3.ts';
import { s3Location } from './support/s3-location.ts';

// moto does not tell when an upload began.
for (const [name, server, order, keepsUploads] of [
  ['SeaweedFS as a store', 's3', 'folder', true],
  ['moto as a store', 'moto', 'byte', false],
] as const) {
  const bucket = `conformance-${randomUUID()}`;
  let created: Promise<void> | undefined;
  // A prefix, so that it is seen to be put before every key and taken off again.
  describeStore(name, { order, takesAnyKey: true, keepsUploads }, async () => {
    created ??= createBucket(inject(server), bucket);
    await created;
    return openStore({ s3: await s3Location(inject(server), { bucket, prefix: 'some/prefix' }) });
  });
}
