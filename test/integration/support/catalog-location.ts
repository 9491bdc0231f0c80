/** Credentials of a catalog as pods know them: files of a folder. */
import { mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { CatalogAddress } from '../../servers/rest-catalog.ts';

export async function catalogCredentials({ clientID, clientSecret }: CatalogAddress): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'forebay-credentials-'));
  await writeFile(join(folder, 'clientID'), `${clientID}\n`);
  await writeFile(join(folder, 'clientSecret'), `${clientSecret}\n`);
  return folder;
}
