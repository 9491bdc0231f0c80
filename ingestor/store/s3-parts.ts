/**
 * A long listing, read in key ranges at the same time. A range ends with an object's key, so that the listing of one
 * goes on where that of the one before ends, in whatever order the server has: by bytes as S3 says, or by folder
 * (`a/b` before `a-b`) as others do. A wrong border costs time and never an object.
 */
import { compareByFolder, compareKeys } from './keys.ts';
import type { ListPage } from './s3-page.ts';
import type { ObjectFacts } from './store.ts';

export interface PageRequest {
  /** Instead of the listing's own prefix. */
  readonly below?: string;
  readonly after?: string;
  readonly token?: string;
  /** Objects asked for, where it is not a usual page. */
  readonly most?: number;
}

/** Keys that begin with the listing's prefix, as the server sorts them. */
export type ReadPage = (request: PageRequest) => Promise<ListPage>;

export interface PartsOptions {
  /** Pages asked for at the same time. */
  readonly atOnce: number;
  /** A range is cut into more after so many pages, where less than `atOnce` are under way. */
  readonly pagesBetweenCuts: number;
}

/** After `after`, up to and with `to`. */
interface Range {
  readonly after?: string;
  readonly to?: string;
  readonly token?: string;
  /** Last key that was read. */
  readonly last?: string;
  readonly pages: number;
}

type Step =
  | { readonly kind: 'page'; readonly range: Range; readonly page: ListPage }
  | { readonly kind: 'cut'; readonly ranges: readonly Range[] }
  | { readonly kind: 'thrown'; readonly thrown: unknown };

/**
 * Every object, in no order; one may come twice. A server that sorts in neither order, or does not begin where it is
 * told to, is listed from one end to the other.
 */
export async function* listInParts(readPage: ReadPage, options: PartsOptions): AsyncGenerator<ObjectFacts> {
  const order = new Order();
  const waiting: Range[] = [{ pages: 0 }];
  const running = new Map<number, Promise<{ id: number; step: Step }>>();
  let started = 0;
  const start = (work: () => Promise<Step>) => {
    started += 1;
    const id = started;
    const step = work().catch((thrown: unknown): Step => ({ kind: 'thrown', thrown }));
    running.set(
      id,
      step.then((ended) => ({ id, step: ended })),
    );
  };
  for (;;) {
    for (const range of waiting.splice(0, options.atOnce - running.size)) {
      const isCut = range.pages > 0 && range.pages % options.pagesBetweenCuts === 0;
      const isIdle = running.size + waiting.length < options.atOnce / 2;
      if (isCut && isIdle) start(async () => ({ kind: 'cut', ranges: await cut(range, readPage, options) }));
      else start(async () => ({ kind: 'page', range, page: await readPage(requestOf(range)) }));
    }
    if (running.size === 0) return;
    const { id, step } = await Promise.race(running.values());
    running.delete(id);
    if (step.kind === 'thrown') throw step.thrown;
    if (step.kind === 'cut') {
      waiting.push(...step.ranges);
      continue;
    }
    const { range, page } = step;
    const taken = order.take(range, page);
    if (taken === undefined) break;
    yield* taken.objects;
    if (!taken.ends) waiting.push(next(range, page));
  }
  yield* listThrough(readPage);
}

/** From one end to the other. */
export async function* listThrough(readPage: ReadPage): AsyncGenerator<ObjectFacts> {
  for (let token: string | undefined; ; ) {
    const page = await readPage(token === undefined ? {} : { token });
    yield* page.objects;
    if (!page.isTruncated) return;
    token = page.token;
  }
}

function requestOf({ after, token }: Range): PageRequest {
  if (token !== undefined) return { token };
  return after === undefined ? {} : { after };
}

function next(range: Range, page: ListPage): Range {
  const last = page.objects.at(-1)?.key ?? range.last;
  return {
    ...range,
    pages: range.pages + 1,
    ...(page.token === undefined ? {} : { token: page.token }),
    ...(last === undefined ? {} : { last }),
  };
}

/** What the server's order can be, by the keys it gave. */
class Order {
  #isByBytes = true;
  #isByFolder = true;

  /** The objects of a page that are its range's, and whether the range ends with it. Undefined: the order is another. */
  take(range: Range, page: ListPage): { objects: readonly ObjectFacts[]; ends: boolean } | undefined {
    let last = range.last ?? range.after;
    const objects: ObjectFacts[] = [];
    for (const object of page.objects) {
      // A key that only one of the orders has in the range is taken: better twice than not at all.
      if (last !== undefined && !this.#follows(last, object.key)) return undefined;
      if (range.to !== undefined && isPast(object.key, range.to)) return { objects, ends: true };
      objects.push(object);
      last = object.key;
      if (object.key === range.to) return { objects, ends: true };
    }
    return { objects, ends: !page.isTruncated };
  }

  #follows(a: string, b: string): boolean {
    this.#isByBytes &&= compareKeys(a, b) < 0;
    this.#isByFolder &&= compareByFolder(a, b) < 0;
    return this.#isByBytes || this.#isByFolder;
  }
}

function isPast(key: string, end: string): boolean {
  return compareKeys(key, end) > 0 && compareByFolder(key, end) > 0;
}

/** Comes after every other character. */
const lastCharacter = '\u{10FFFF}';

/** The first key after all that begin with `group`, unless it is `end` or comes after it. */
type FirstAfter = (group: string, end: string | undefined) => Promise<string | undefined>;

/**
 * Cuts what is left of a range where keys begin to differ, so that ranges are about alike where names are: the first
 * keys of other groups (`2026-02...` where the range was left in `2026-01...`) are found by asking for one object each.
 */
async function cut(range: Range, readPage: ReadPage, { atOnce }: PartsOptions): Promise<Range[]> {
  const { last, to } = range;
  const rest = { ...range, pages: range.pages + 1 };
  if (last === undefined) return [rest];
  const limit = atMost(atOnce);
  const firstAfter: FirstAfter = async (group, end) => {
    const { objects } = await limit(() => readPage({ after: group + lastCharacter, most: 1 }));
    const key = objects[0]?.key;
    return key !== undefined && isBetween(key, group, end) ? key : undefined;
  };
  let groups: readonly Group[] = [{ first: last, end: to, common: to === undefined ? 0 : commonLength(last, to) }];
  while (groups.length < atOnce) {
    const finer = (await Promise.all(groups.map((group) => divide(group, firstAfter)))).flat();
    if (finer.length === groups.length) break;
    groups = finer;
  }
  const firsts = groups.slice(1).map(({ first }) => first);
  const areFolders = await Promise.all(firsts.map((key) => limit(() => isFolder(key, readPage))));
  const borders = firsts.filter((_, index) => !areFolders[index]);
  return [
    withEnd(rest, borders[0] ?? to),
    ...borders.map((after, n) => withEnd({ after, pages: 1 }, borders[n + 1] ?? to)),
  ];
}

/** SeaweedFS leaves out what lies below a key that a listing begins after. */
async function isFolder(key: string, readPage: ReadPage): Promise<boolean> {
  return (await readPage({ below: `${key}/`, most: 1 })).objects.length > 0;
}

function withEnd(range: Range, to: string | undefined): Range {
  return to === undefined ? range : { ...range, to };
}

/** Keys from `first` on and before `end`; they begin alike for `common` characters. */
interface Group {
  readonly first: string;
  readonly end: string | undefined;
  readonly common: number;
}

/** Positions asked about at the same time. */
const positionsAtOnce = 4;
/** Most groups that one position makes; the last takes the rest, and may be cut again. */
const mostGroups = 16;

/** By the first character that differs within the group; the group itself where none does. */
async function divide(group: Group, firstAfter: FirstAfter): Promise<readonly Group[]> {
  const { first, end, common } = group;
  const ends = characterEnds(first).filter((position) => position > common);
  for (let index = 0; index < ends.length; index += positionsAtOnce) {
    const some = ends.slice(index, index + positionsAtOnce);
    const found = await Promise.all(some.map((position) => firstAfter(first.slice(0, position), end)));
    const at = found.findIndex((key) => key !== undefined);
    if (at === -1) continue;
    const position = some[at] ?? first.length;
    const firsts = [first];
    for (let key = found[at]; key !== undefined && firsts.length < mostGroups; ) {
      firsts.push(key);
      const same = characterEnds(key).find((length) => length >= position);
      key = await firstAfter(key.slice(0, same), end);
    }
    return firsts.map((key, n) => ({ first: key, end: firsts[n + 1] ?? end, common: position }));
  }
  return [group];
}

/** Where each character ends, in code units. */
function characterEnds(text: string): number[] {
  const ends: number[] = [];
  for (const character of text) ends.push((ends.at(-1) ?? 0) + character.length);
  return ends;
}

function commonLength(a: string, b: string): number {
  let length = 0;
  while (length < a.length && a[length] === b[length]) length += 1;
  return length;
}

/** In both orders: a border that is seen so is never read past. */
function isBetween(key: string, after: string, end: string | undefined): boolean {
  if (compareKeys(key, after) <= 0 || compareByFolder(key, after) <= 0) return false;
  return end === undefined || (compareKeys(key, end) < 0 && compareByFolder(key, end) < 0);
}

/** Lets so many calls be under way. */
function atMost(most: number): <T>(call: () => Promise<T>) => Promise<T> {
  const waiting: (() => void)[] = [];
  let running = 0;
  return async (call) => {
    if (running >= most) await new Promise<void>((resolve) => waiting.push(resolve));
    else running += 1;
    try {
      return await call();
    } finally {
      const next = waiting.shift();
      if (next === undefined) running -= 1;
      else next();
    }
  };
}
