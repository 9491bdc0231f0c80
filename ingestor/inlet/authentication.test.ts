import { mkdir, mkdtemp, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { silentLog } from '../contract/environment.ts';
import { createAuthenticator } from './authentication.ts';

let folder = '';
let now = 1_000_000;
const clock = { now: () => now, sleep: async () => {} };

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'forebay-keys-'));
});
afterEach(async () => {
  await rm(folder, { recursive: true });
});

/** As the kubelet does it: files are links through `..data`, which is swapped at once. */
async function project(version: string, keys: Record<string, string>): Promise<void> {
  await mkdir(join(folder, version));
  for (const [name, key] of Object.entries(keys)) await writeFile(join(folder, version, name), key);
  await symlink(version, join(folder, '..data_tmp'));
  await rename(join(folder, '..data_tmp'), join(folder, '..data'));
  for (const name of Object.keys(keys)) {
    await rm(join(folder, name), { force: true });
    await symlink(join('..data', name), join(folder, name));
  }
}

async function open() {
  return await createAuthenticator([{ apiKey: { path: folder } }], clock, silentLog);
}

describe('API keys', () => {
  test('come as a bearer token or in a header of their own, and each file holds one', async () => {
    await project('..1', { one: 'first-key\n', two: 'second-key', empty: '' });
    const authenticator = await open();
    expect(await authenticator.refuse({ authorization: 'Bearer first-key' })).toBeUndefined();
    expect(await authenticator.refuse({ authorization: 'bearer second-key' })).toBeUndefined();
    expect(await authenticator.refuse({ 'x-api-key': 'second-key' })).toBeUndefined();
    expect(await authenticator.refuse({ authorization: 'Bearer other', 'x-api-key': 'first-key' })).toBeUndefined();
  });

  test.each([
    [{}],
    [{ authorization: 'Bearer wrong' }],
    [{ authorization: 'Bearer ' }],
    [{ authorization: 'Basic first-key' }],
    [{ 'x-api-key': '' }],
    [{ 'x-api-key': 'first-ke' }],
  ])('%j is refused with a challenge', async (headers) => {
    await project('..1', { one: 'first-key', empty: '\n' });
    const refusal = await (await open()).refuse(headers);
    expect(refusal).toMatchObject({ status: 401, headers: { 'WWW-Authenticate': expect.stringMatching(/^Bearer/) } });
  });

  test('a key that is added works without a restart, one that is taken out ends within ten seconds', async () => {
    await project('..1', { one: 'old-key' });
    const authenticator = await open();
    await project('..2', { one: 'new-key' });
    now += 2_000;
    expect(await authenticator.refuse({ 'x-api-key': 'new-key' })).toBeUndefined();
    expect(await authenticator.refuse({ 'x-api-key': 'old-key' })).toMatchObject({ status: 401 });
    await project('..3', { one: 'third-key' });
    expect(await authenticator.refuse({ 'x-api-key': 'new-key' })).toBeUndefined();
    now += 10_000;
    expect(await authenticator.refuse({ 'x-api-key': 'new-key' })).toMatchObject({ status: 401 });
  });

  test('the known keys stay when the folder cannot be read', async () => {
    await project('..1', { one: 'a-key' });
    const authenticator = await open();
    await rename(folder, `${folder}-away`);
    now += 60_000;
    expect(await authenticator.refuse({ 'x-api-key': 'a-key' })).toBeUndefined();
    await rename(`${folder}-away`, folder);
  });

  test('a folder that is not there ends the process with a message', async () => {
    const open = createAuthenticator([{ apiKey: { path: join(folder, 'none') } }], clock, silentLog);
    await expect(open).rejects.toMatchObject({ code: 'InvalidTask' });
  });
});

test('anonymous lets all in', async () => {
  const authenticator = await createAuthenticator([{ anonymous: {} }], clock, silentLog);
  expect(await authenticator.refuse({})).toBeUndefined();
});
