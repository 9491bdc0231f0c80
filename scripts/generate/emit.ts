import { readFile, writeFile } from 'node:fs/promises';

/** Writes a generated file; with --check on the command line, fails instead when the file differs. */
export async function emit(path: string, text: string): Promise<void> {
  if (!process.argv.includes('--check')) return writeFile(path, text);
  const present = await readFile(path, 'utf8').catch(() => '');
  if (present === text) return;
  console.error(`${path} is not what its source gives: run make generate`);
  process.exitCode = 1;
}
