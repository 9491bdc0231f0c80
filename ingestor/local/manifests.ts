/** Manifests from files and folders, as kubectl takes them: YAML or JSON, several documents a file, List kinds opened. */
import { readdir, readFile, stat } from 'node:fs/promises';
import { extname, join } from 'node:path';
import { LineCounter, parseAllDocuments } from 'yaml';

export interface Manifest {
  /** Path as given on the command line, and the number of the document in it, from 1. */
  readonly file: string;
  readonly document: number;
  readonly value: unknown;
}

export interface ManifestProblem {
  readonly file: string;
  readonly document: number;
  readonly message: string;
}

export interface LoadedManifests {
  readonly manifests: readonly Manifest[];
  readonly problems: readonly ManifestProblem[];
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
  const problems: ManifestProblem[] = [];
  const lines = new LineCounter();
  const documents = parseAllDocuments(await readFile(file, 'utf8'), { lineCounter: lines, prettyErrors: true });
  for (const [index, parsed] of [...documents].entries()) {
    const document = index + 1;
    for (const error of parsed.errors) problems.push({ file, document, message: firstLine(error.message) });
    if (parsed.errors.length > 0) continue;
    const value: unknown = parsed.toJS();
    for (const item of openList(value)) manifests.push({ file, document, value: item });
  }
  return { manifests, problems };
}

function firstLine(text: string): string {
  return text.split('\n', 1)[0]?.replace(/:$/, '') ?? text;
}

function openList(value: unknown): unknown[] {
  if (value === null || value === undefined) return [];
  if (typeof value !== 'object' || !('kind' in value) || !('items' in value)) return [value];
  return value.kind === 'List' && Array.isArray(value.items) ? value.items : [value];
}
