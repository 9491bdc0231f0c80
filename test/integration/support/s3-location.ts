/** Locations as pods know them: credentials are files of a folder. */
import { mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { S3Location } from '../../../ingestor/contract/task.ts';
import type { Identity, S3Address } from '../../servers/s3.ts';

export async function s3Location(
  address: S3Address,
  location: { bucket: string } & Partial<S3Location>,
  identity: Identity = address.admin,
): Promise<S3Location> {
  return {
    prefix: '',
    endpoint: address.endpoint,
    forcePathStyle: true,
    credentialsPath: await credentialsFolder(identity),
    ...location,
  };
}

export async function credentialsFolder(identity: Identity): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'forebay-credentials-'));
  await writeCredentials(folder, identity);
  return folder;
}

/** With a line end, as `echo` and many editors leave one. */
export async function writeCredentials(folder: string, { accessKeyID, secretAccessKey }: Identity): Promise<void> {
  await writeFile(join(folder, 'accessKeyID'), `${accessKeyID}\n`);
  await writeFile(join(folder, 'secretAccessKey'), `${secretAccessKey}\n`);
}
