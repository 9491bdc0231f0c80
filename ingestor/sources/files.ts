/** A source of files: any place that a store opens on. Lists once what a selection takes, and reads it back unchanged. */
import picomatch from 'picomatch';
import type { PlanInput } from '../commit/documents.ts';
import type { FileSelection, StoreLocation } from '../contract/task.ts';
import { compareKeys } from '../store/keys.ts';
import type { ObjectFacts, Store } from '../store/store.ts';

/** Keys asked about at the same time. */
const headAhead = 16;

export interface FoundFiles {
  /** Sorted by key, so that twins plan alike. */
  readonly files: readonly PlanInput[];
  /** Keys that were named and are not there. */
  readonly missing: readonly string[];
}

/**
 * The files that the selection takes, by key in byte order whatever order the store lists in. Ages are by the store's
 * clock, told before the listing begins, so that a file written meanwhile is younger. Marks of folders are no files.
 */
export async function findFiles(
  store: Store,
  location: StoreLocation,
  selection: FileSelection,
  signal: AbortSignal,
): Promise<FoundFiles> {
  const { minAgeSeconds = 0 } = selection;
  const newest = minAgeSeconds === 0 ? Number.POSITIVE_INFINITY : (await store.now({ signal })) - minAgeSeconds * 1000;
  const isOldEnough = ({ lastModified }: ObjectFacts) => lastModified <= newest;
  if (selection.keys !== undefined) return await findNamed(store, location, selection.keys, isOldEnough, signal);
  const facts: ObjectFacts[] = [];
  for await (const { object, matches } of listMatching(store, selection.glob, signal)) {
    if (matches && isOldEnough(object)) facts.push(object);
  }
  return { files: toInputs(facts, location), missing: [] };
}

/** All there is where the glob looks, and whether it fits; without a glob everything does. `pageSize`: see ListOptions. */
export async function* listMatching(
  store: Store,
  glob: string | undefined,
  signal: AbortSignal,
  pageSize?: number,
): AsyncGenerator<{ readonly object: ObjectFacts; readonly matches: boolean }> {
  const fits = glob === undefined ? () => true : picomatch(glob, globOptions);
  const options = pageSize === undefined ? { signal } : { signal, pageSize };
  for await (const object of store.list(literalStart(glob), options)) {
    yield { object, matches: !isMark(object) && fits(object.key) };
  }
}

/** `!` at the start is part of a name. As in a shell, `*` and `**` take no name that begins with a dot. */
const globOptions = { nonegate: true, windows: false } as const;

/** What tools leave for a folder or a finished job: without a byte, so nothing is lost. Named as a key it is a file. */
function isMark({ key, size }: ObjectFacts): boolean {
  return size === 0 && (key.endsWith('/') || key.endsWith('_$folder$') || /(^|\/)_SUCCESS$/.test(key));
}

/** Folders of the glob up to its first wildcard: no need to list anything else. */
function literalStart(glob: string | undefined): string {
  // A backslash makes the next character literal: then the start is not what stands there.
  if (glob === undefined || glob.includes('\\')) return '';
  const { base, isGlob } = picomatch.scan(glob, globOptions);
  return isGlob && base !== '' ? `${base}/` : base;
}

async function findNamed(
  store: Store,
  location: StoreLocation,
  keys: readonly string[],
  isOldEnough: (object: ObjectFacts) => boolean,
  signal: AbortSignal,
): Promise<FoundFiles> {
  const facts: ObjectFacts[] = [];
  const missing: string[] = [];
  const distinct = [...new Set(keys)];
  for (let first = 0; first < distinct.length; first += headAhead) {
    const some = distinct.slice(first, first + headAhead);
    const heads = await Promise.all(some.map((key) => store.head(key, { signal })));
    for (const [index, key] of some.entries()) {
      const head = heads[index];
      if (head === undefined) missing.push(key);
      else if (isOldEnough(head)) facts.push(head);
    }
  }
  return { files: toInputs(facts, location), missing };
}

/** Once each: a listing that changes while it is read may show a file twice. Sorts in place: there may be a million. */
function toInputs(facts: ObjectFacts[], location: StoreLocation): PlanInput[] {
  return facts
    .sort((a, b) => compareKeys(a.key, b.key))
    .filter(({ key }, index) => key !== facts[index - 1]?.key)
    .map(({ key, size, etag }) => ({ key, name: nameOf(location, key), size, etag }));
}

/** As users know it: the key below the bucket, or the path below the folder. */
export function nameOf(location: StoreLocation, key: string): string {
  return 's3' in location && location.s3.prefix !== '' ? `${location.s3.prefix}/${key}` : key;
}
