import { ForebayError } from '../contract/errors.ts';

/** By the bytes of their UTF-8 form, as S3 sorts; JavaScript's own order differs outside the basic plane. */
export function compareKeys(a: string, b: string): number {
  const length = Math.min(a.length, b.length);
  for (let i = 0; i < length; i += 1) {
    const x = a.charCodeAt(i);
    const y = b.charCodeAt(i);
    if (x !== y) return rank(x) - rank(y);
  }
  return a.length - b.length;
}

/** Sorts in place, in byte order; each key once. */
export function sortByKey<T extends { readonly key: string }>(items: T[]): T[] {
  return items.sort((a, b) => compareKeys(a.key, b.key)).filter(({ key }, n) => key !== items[n - 1]?.key);
}

/** As some servers sort: a folder's name as a whole, so that the slash comes before every other character. */
export function compareByFolder(a: string, b: string): number {
  const length = Math.min(a.length, b.length);
  for (let i = 0; i < length; i += 1) {
    const x = a.charCodeAt(i);
    const y = b.charCodeAt(i);
    if (x !== y) return x === slash ? -1 : y === slash ? 1 : rank(x) - rank(y);
  }
  return a.length - b.length;
}

const slash = 0x2f;

/** Surrogates stand for what comes after everything of the basic plane. */
function rank(unit: number): number {
  return unit >= 0xd800 && unit <= 0xdfff ? unit + 0x1_0000 : unit;
}

/** Refuses a key that would leave the folder it is below, or that names no file there. */
export function checkPathKey(url: string, key: string): void {
  const isPath = key !== '' && key.split('/').every((segment) => segment !== '' && segment !== '.' && segment !== '..');
  if (!isPath || key.includes('\0')) {
    throw new ForebayError('InvalidKey', `${JSON.stringify(key)} is no path of a file below ${url}`);
  }
}

export function toBytes(body: Uint8Array | string): Uint8Array {
  return typeof body === 'string' ? Buffer.from(body) : body;
}
