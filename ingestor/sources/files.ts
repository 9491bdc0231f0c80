/** A source of files: any place that a store opens on. Lists once what a selection takes, and reads it back unchanged. */
import picomatch from 'picomatch';
import type { PlanInput } from '../commit/documents.ts';
import type { FileSelection, StoreLocation } from '../contract/task.ts';
import { sortByKey } from '../store/keys.ts';
import type { ListOptions, ObjectFacts, Store } from '../store/store.ts';

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
  if (selection.keys !== undefined) return await findNamed(store, location, selection, selection.keys, signal);
  const files: PlanInput[] = [];
  for await (const file of listFiles(store, location, selection, signal)) files.push(file);
  return { files: sortByKey(files), missing: [] };
}

/** As `findFiles`, of a selection without keys: in no order, and one may come twice. There may be millions. */
export async function* listFiles(
  store: Store,
  location: StoreLocation,
  selection: FileSelection,
  signal: AbortSignal,
): AsyncGenerator<PlanInput> {
  const isOldEnough = await olderThan(store, selection, signal);
  for await (const { object, matches } of listMatching(store, selection.glob, { signal, anyOrder: true })) {
    if (matches && isOldEnough(object)) yield toInput(object, location);
  }
}

async function olderThan(
  store: Store,
  { minAgeSeconds = 0 }: FileSelection,
  signal: AbortSignal,
): Promise<(object: ObjectFacts) => boolean> {
  if (minAgeSeconds === 0) return () => true;
  const newest = (await store.now({ signal })) - minAgeSeconds * 1000;
  return ({ lastModified }) => lastModified <= newest;
}

/** All there is where the glob looks, and whether it fits; without a glob everything does. */
export async function* listMatching(
  store: Store,
  glob: string | undefined,
  options: ListOptions,
): AsyncGenerator<{ readonly object: ObjectFacts; readonly matches: boolean }> {
  const fits = glob === undefined ? () => true : picomatch(glob, globOptions);
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
  selection: FileSelection,
  keys: readonly string[],
  signal: AbortSignal,
): Promise<FoundFiles> {
  const isOldEnough = await olderThan(store, selection, signal);
  const files: PlanInput[] = [];
  const missing: string[] = [];
  const distinct = [...new Set(keys)];
  for (let first = 0; first < distinct.length; first += headAhead) {
    const some = distinct.slice(first, first + headAhead);
    const heads = await Promise.all(some.map((key) => store.head(key, { signal })));
    for (const [index, key] of some.entries()) {
      const head = heads[index];
      if (head === undefined) missing.push(key);
      else if (isOldEnough(head)) files.push(toInput(head, location));
    }
  }
  return { files: sortByKey(files), missing };
}

function toInput({ key, size, etag }: ObjectFacts, location: StoreLocation): PlanInput {
  return { key, name: nameOf(location, key), size, etag };
}

/** As users know it: the key below the bucket, or the path below the folder. */
export function nameOf(location: StoreLocation, key: string): string {
  return 's3' in location && location.s3.prefix !== '' ? `${location.s3.prefix}/${key}` : key;
}
