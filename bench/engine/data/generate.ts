/** Input files, made once and kept in the cache. */
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, open, readFile, rename, writeFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { Chance } from '../../../test/support/chance.ts';
import type { BenchInput } from './input.ts';
import { inputNamed } from './inputs.ts';

export interface MadeFile {
  readonly path: string;
  /** At most as many as were asked for. */
  readonly bytes: number;
  readonly records: number;
  /** Of the records, those that the schema refuses. */
  readonly bad: number;
  readonly sha256: string;
}

/** Another one when what the generators make changes, so that files of an older one are not taken for the same. */
const generation = 1;
const seed = 20_260_101;

export const cacheFolder = join(process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'forebay', 'bench');

/** The file of an input of nearly `bytes` bytes: the one in the cache, else made now. */
export async function madeFile(name: string, bytes: number): Promise<MadeFile> {
  const input = inputNamed(name);
  const path = join(cacheFolder, `${name}-${bytes / 1e6}mb-${generation}.${input.format === 'CSV' ? 'csv' : 'jsonl'}`);
  const facts = `${path}.facts.json`;
  if (existsSync(facts)) return JSON.parse(await readFile(facts, 'utf8'));
  await mkdir(cacheFolder, { recursive: true });
  const made = await make(input, bytes, path);
  await writeFile(facts, JSON.stringify(made));
  return made;
}

const writeBytes = 4 * 1024 * 1024;

async function make(input: BenchInput, bytes: number, path: string): Promise<MadeFile> {
  const next = input.records(new Chance(seed));
  const hash = createHash('sha256');
  await using file = await open(`${path}.part`, 'w');
  let [written, records, bad, told] = [0, 0, 0, bytes / 5];
  let pending: string[] = [input.head];
  let waiting = Buffer.byteLength(input.head);
  const flush = async () => {
    const chunk = Buffer.from(pending.join(''));
    hash.update(chunk);
    await file.writeFile(chunk);
    written += chunk.length;
    pending = [];
    waiting = 0;
    if (written < told) return;
    process.stderr.write(`${input.name}: ${Math.round(written / 1e6)} of ${bytes / 1e6} MB made\n`);
    told += bytes / 5;
  };
  for (;;) {
    const record = next();
    const size = Buffer.byteLength(record.text);
    if (written + waiting + size > bytes) break;
    pending.push(record.text);
    waiting += size;
    records += 1;
    if (record.bad) bad += 1;
    if (waiting >= writeBytes) await flush();
  }
  await flush();
  await rename(`${path}.part`, path);
  return { path, bytes: written, records, bad, sha256: hash.digest('hex') };
}
