/** Manifests from files and folders, as kubectl takes them: YAML or JSON, several documents a file, List kinds opened. */
import { readdir, readFile, stat } from 'node:fs/promises';
import { extname, join } from 'node:path';
import { readYaml } from '../../operator/api/yaml.ts';

export interface Manifest {
  /** Path as given on the command line, and the number of the document in it, from 1. */
  readonly file: string;
  readonly document: number;
  readonly value: unknown;
}

export interface LoadedManifests {
  readonly manifests: readonly Manifest[];
  /** One line each: file, document, place, what is wrong. */
  readonly problems: readonly string[];
}

/** Reads all files named, and all manifests in the folders named (not below them), in order of name. */
export async function loadManifests(paths: readonly string[]): Promise<LoadedManifests> {
  const files = (await Promise.all(paths.map(manifestFiles))).flat();
  const loaded = await Promise.all(files.map(loadFile));
  return {
    manifests: loaded.flatMap((file) => file.manifests),
    problems: loaded.flatMap((file) => file.problems),
  };
}

const extensions = new Set(['.yaml', '.yml', '.json']);

async function manifestFiles(path: string): Promise<string[]> {
  if (!(await stat(path)).isDirectory()) return [path];
  const names = (await readdir(path)).filter((name) => extensions.has(extname(name)));
  return names.sort().map((name) => join(path, name));
}

async function loadFile(file: string): Promise<LoadedManifests> {
  const manifests: Manifest[] = [];
  const problems: string[] = [];
  for (const { document, value, problems: found } of readYaml(await readFile(file, 'utf8'))) {
    problems.push(...found.map((problem) => `${file}, document ${document}: ${problem}`));
    if (found.length === 0) manifests.push(...openList(value).map((item) => ({ file, document, value: item })));
  }
  return { manifests, problems };
}

function openList(value: unknown): unknown[] {
  if (value === null || value === undefined) return [];
  if (typeof value !== 'object' || !('kind' in value) || !('items' in value)) return [value];
  return value.kind === 'List' && Array.isArray(value.items) ? value.items : [value];
}
