/**
 * Files as the ledger remembers them: 128 bits each, so that a million are 16 MB. An object holds groups, one for each
 * claim that holds for good, and each group its digests in ascending order:
 *
 *     "FBL1"  groups  digests                             each number 32 bits, little-endian
 *     for each group: batch (16 bytes)  run  entry  count
 *     for each digest: 4 numbers
 */
import { createHash, hash } from 'node:crypto';
import { ForebayError } from '../contract/errors.ts';

/** Numbers of 32 bits in a digest. */
const words = 4;
const magic = 0x31_4c_42_46;
const headerWords = 3;
const groupWords = 7;

/** What one claim of a run took. */
export interface ClaimGroup {
  /** Digest of the batch. */
  readonly batch: string;
  readonly run: number;
  /** Number of the ledger's entry. */
  readonly entry: number;
  /** Ascending, each once; four numbers each. */
  readonly digests: Uint32Array;
}

/** Place, key, size and ETag: a file that was changed is a new one. By the whole path: a connection whose prefix is moved
 * up or down knows its files again. */
export function fileDigest(source: string, file: { key: string; size: number; etag: string }): Uint32Array {
  const bytes = hash('sha256', JSON.stringify([`${source}/${file.key}`, file.size, file.etag]), 'buffer');
  return Uint32Array.of(bytes.readUInt32LE(0), bytes.readUInt32LE(4), bytes.readUInt32LE(8), bytes.readUInt32LE(12));
}

/** Sorted, each once. */
export function toDigests(files: readonly Uint32Array[]): Uint32Array {
  const sorted = [...files].sort((a, b) => compareDigests(a, 0, b, 0));
  const distinct = sorted.filter((digest, n) => n === 0 || compareDigests(digest, 0, sorted[n - 1] ?? digest, 0) !== 0);
  const digests = new Uint32Array(distinct.length * words);
  for (const [n, digest] of distinct.entries()) digests.set(digest, n * words);
  return digests;
}

export function countDigests({ digests }: Pick<ClaimGroup, 'digests'>): number {
  return digests.length / words;
}

/** Offsets are in numbers. */
function compareDigests(a: Uint32Array, atA: number, b: Uint32Array, atB: number): number {
  for (let n = 0; n < words; n += 1) {
    const difference = (a[atA + n] ?? 0) - (b[atB + n] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}

export function packGroups(groups: readonly ClaimGroup[]): Uint8Array {
  const count = groups.reduce((sum, group) => sum + countDigests(group), 0);
  const packed = new Uint32Array(headerWords + groups.length * groupWords + count * words);
  packed.set([magic, groups.length, count]);
  let at = headerWords;
  for (const group of groups) {
    packed.set([...batchWords(group.batch), group.run, group.entry, countDigests(group)], at);
    at += groupWords;
  }
  for (const { digests } of groups) {
    packed.set(digests, at);
    at += digests.length;
  }
  return new Uint8Array(packed.buffer);
}

function batchWords(batch: string): number[] {
  const bytes = Buffer.from(batch, 'hex');
  return [bytes.readUInt32LE(0), bytes.readUInt32LE(4), bytes.readUInt32LE(8), bytes.readUInt32LE(12)];
}

/** `where` names the object in the message of DamagedDocument. */
export function unpackGroups(bytes: Uint8Array, where: string): ClaimGroup[] {
  const packed = toNumbers(bytes);
  const [kind, groups = 0, count = 0] = packed;
  const firstDigest = headerWords + groups * groupWords;
  if (kind !== magic || packed.length !== firstDigest + count * words) throw damaged(where, 'it has another length');
  const unpacked: ClaimGroup[] = [];
  let at = firstDigest;
  for (let group = 0; group < groups; group += 1) {
    const head = headerWords + group * groupWords;
    const [run = 0, entry = 0, size = 0] = packed.subarray(head + words, head + groupWords);
    const batch = Buffer.from(packed.buffer, packed.byteOffset + head * 4, 16).toString('hex');
    const digests = packed.subarray(at, at + size * words);
    for (let n = words; n < digests.length; n += words) {
      if (compareDigests(digests, n - words, digests, n) >= 0) throw damaged(where, 'its digests are out of order');
    }
    unpacked.push({ batch, run, entry, digests });
    at += size * words;
  }
  if (at !== packed.length) throw damaged(where, 'its groups do not add up');
  return unpacked;
}

/** Copies only what is not at an address that numbers can be read from. None for a part of a number. */
function toNumbers(bytes: Uint8Array): Uint32Array {
  if (bytes.byteLength % 4 !== 0) return new Uint32Array();
  const { buffer, byteOffset, byteLength } = bytes.byteOffset % 4 === 0 ? bytes : Uint8Array.from(bytes);
  return new Uint32Array(buffer, byteOffset, byteLength / 4);
}

export function checksum(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

export function damaged(where: string, why: string): ForebayError {
  return new ForebayError('DamagedDocument', `${where} is damaged: ${why}`);
}

/** Digests to look files up in. Where each is found is a table of places, of which at most half are taken. */
export class KnownFiles {
  readonly #lists: readonly Uint32Array[];
  /** Number of the first digest of each list. */
  readonly #firsts: number[] = [];
  /** 0: free; else the digest's number, from 1. */
  readonly #places: Uint32Array;
  readonly #mask: number;
  readonly #met: Uint8Array;

  constructor(groups: readonly Pick<ClaimGroup, 'digests'>[]) {
    this.#lists = groups.map(({ digests }) => digests);
    const count = groups.reduce((sum, group) => sum + countDigests(group), 0);
    const places = 2 ** Math.ceil(Math.log2(Math.max(2, count * 2)));
    this.#places = new Uint32Array(places);
    this.#mask = places - 1;
    this.#met = new Uint8Array(count);
    let number = 0;
    for (const list of this.#lists) {
      this.#firsts.push(number);
      for (let at = 0; at < list.length; at += words) {
        number += 1;
        this.#put(list, at, number);
      }
    }
  }

  /** Says whether the file is known, and whether it was asked for before. */
  look(digest: Uint32Array): 'unknown' | 'known' | 'known again' {
    const number = this.#find(digest);
    if (number === 0) return 'unknown';
    const again = this.#met[number - 1] === 1;
    this.#met[number - 1] = 1;
    return again ? 'known again' : 'known';
  }

  #put(list: Uint32Array, at: number, number: number): void {
    let place = (list[at] ?? 0) & this.#mask;
    while (this.#places[place] !== 0) place = (place + 1) & this.#mask;
    this.#places[place] = number;
  }

  #find(digest: Uint32Array): number {
    for (let place = (digest[0] ?? 0) & this.#mask; ; place = (place + 1) & this.#mask) {
      const number = this.#places[place] ?? 0;
      if (number === 0 || this.#isAt(number - 1, digest)) return number;
    }
  }

  #isAt(number: number, digest: Uint32Array): boolean {
    const list = this.#listOf(number);
    const at = (number - (this.#firsts[list] ?? 0)) * words;
    return compareDigests(this.#lists[list] ?? digest, at, digest, 0) === 0;
  }

  /** The last list that begins at or before the number; lists may be empty. */
  #listOf(number: number): number {
    let low = 0;
    let high = this.#firsts.length - 1;
    while (low < high) {
      const middle = Math.ceil((low + high) / 2);
      if ((this.#firsts[middle] ?? 0) <= number) low = middle;
      else high = middle - 1;
    }
    return low;
  }
}
