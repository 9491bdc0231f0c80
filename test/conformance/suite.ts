/** The format of the official JSON-Schema-Test-Suite: files by keyword, groups of one schema, cases of one instance. */
import { readdir, readFile } from 'node:fs/promises';
import { join, relative } from 'node:path';
import type { JsonObject } from '../../ingestor/engine/schemadocument.ts';

export type Draft = 'draft-07' | '2020-12';

/** Where the suite keeps them, below `tests`. */
const folders: Readonly<Record<Draft, string>> = { 'draft-07': 'draft7', '2020-12': 'draft2020-12' };

export interface SuiteFile {
  readonly draft: Draft;
  /** Below the draft's folder, without ending: `items`, `optional/format/uri`. */
  readonly name: string;
  readonly groups: readonly Group[];
}

/** Numbers in `schema` and `data` are JSON text as it stood (`1.0` is not `1`): JSON.stringify writes them so. */
export interface Group {
  readonly description: string;
  readonly schema: boolean | JsonObject;
  readonly tests: readonly Case[];
}

export interface Case {
  readonly description: string;
  readonly data: unknown;
  readonly valid: boolean;
}

export async function readSuite(suite: string): Promise<SuiteFile[]> {
  const drafts = Object.keys(folders).filter((name): name is Draft => Object.hasOwn(folders, name));
  return (await Promise.all(drafts.map((draft) => readDraft(suite, draft)))).flat();
}

async function readDraft(suite: string, draft: Draft): Promise<SuiteFile[]> {
  const folder = join(suite, 'tests', folders[draft]);
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const paths = entries
    .filter((entry) => entry.name.endsWith('.json'))
    .map(({ parentPath, name }) => join(parentPath, name));
  return await Promise.all(
    paths.sort().map(async (path) => ({
      draft,
      name: relative(folder, path).replace(/\.json$/, ''),
      groups: groupsOf(parseKeepingNumbers(await readFile(path, 'utf8')), path),
    })),
  );
}

function groupsOf(value: unknown, path: string): Group[] {
  if (!Array.isArray(value)) throw new Error(`${path} holds no groups of cases`);
  return value;
}

/** JSON.parse with source text access (ES2026), which Node has and the types do not. */
interface JsonWithSource {
  parse(
    text: string,
    reviver: (key: string, value: unknown, context: { readonly source?: string }) => unknown,
  ): unknown;
  rawJSON(text: string): unknown;
  isRawJSON(value: unknown): boolean;
}
const json = JSON as unknown as JsonWithSource;

function parseKeepingNumbers(text: string): unknown {
  return json.parse(text, (_key, value, { source }) => {
    return typeof value === 'number' && source !== undefined ? json.rawJSON(source) : value;
  });
}

export function isRawNumber(value: unknown): boolean {
  return json.isRawJSON(value);
}
