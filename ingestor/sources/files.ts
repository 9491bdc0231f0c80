/** A source of files: any place that a store opens on. Lists once what a selection takes, and reads it back unchanged. */
import picomatch from 'picomatch';
import type { PlanInput } from '../commit/documents.ts';
import type { FileSelection, StoreLocation } from '../contract/task.ts';
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
 * The files that the selection takes. Ages are by the store's clock. Names that end with a slash stand for folders and are passed over.
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
  const fits = glob === undefined ? () => true : picomatch(glob);
  const options = pageSize === undefined ? { signal } : { signal, pageSize };
  for await (const object of store.list(literalStart(glob), options)) {
    yield { object, matches: !object.key.endsWith('/') && fits(object.key) };
  }
}

/** Folders of the glob up to its first wildcard: no need to list anything else. */
function literalStart(glob: string | undefined): string {
  if (glob === undefined) return '';
  const { base, isGlob } = picomatch.scan(glob);
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

function toInputs(facts: readonly ObjectFacts[], location: StoreLocation): PlanInput[] {
  return facts
    .map(({ key, size, etag }) => ({ key, name: nameOf(location, key), size, etag }))
    .sort((a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : 0));
}

/** As users know it: the key below the bucket, or the path below the folder. */
export function nameOf(location: StoreLocation, key: string): string {
  return 's3' in location && location.s3.prefix !== '' ? `${location.s3.prefix}/${key}` : key;
}
