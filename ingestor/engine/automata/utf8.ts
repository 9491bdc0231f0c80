/** UTF-8 of sets of code points: a tree of ranges of bytes. */
import type { CodePoints } from './codepoints.ts';

/** Edges that leave a place inside of a character, sorted and disjoint; `to` is undefined where the character ends. */
export type ByteTree = readonly ByteEdge[];
export interface ByteEdge {
  readonly first: number;
  readonly last: number;
  readonly to: ByteTree | undefined;
}

/** All characters of the set; surrogates have no UTF-8. Equal parts of the tree are one and the same object. */
export function byteTreeOf(set: CodePoints): ByteTree {
  const sequences = set.flatMap(([first, last]) => [...sequencesOf(first, last)]);
  return treeOf(sequences, 0, new Map());
}

/** For each byte of a character, its range: any byte of the first may be followed by any of the second, and so on. */
type Sequence = readonly (readonly [number, number])[];

/** The last code points that one, two, three and four bytes hold, surrogates cut out. */
const pieces = [
  [0, 0x7f],
  [0x80, 0x7ff],
  [0x800, 0xd7ff],
  [0xe000, 0xffff],
  [0x10000, 0x10ffff],
] as const;

function* sequencesOf(first: number, last: number): Generator<Sequence> {
  for (const [from, to] of pieces) {
    if (first <= to && last >= from) yield* sameLength(Math.max(first, from), Math.min(last, to));
  }
}

/** Cuts where the bytes before the last, the last two, the last three differ, until each piece is a sequence. */
function* sameLength(first: number, last: number): Generator<Sequence> {
  for (const bits of [6, 12, 18]) {
    const low = 2 ** bits - 1;
    if (last <= 0x7f || Math.floor(first / 2 ** bits) === Math.floor(last / 2 ** bits)) continue;
    if ((first & low) !== 0) {
      yield* sameLength(first, first | low);
      yield* sameLength((first | low) + 1, last);
      return;
    }
    if ((last & low) !== low) {
      yield* sameLength(first, (last & ~low) - 1);
      yield* sameLength(last & ~low, last);
      return;
    }
  }
  const [low, high] = [Buffer.from(String.fromCodePoint(first)), Buffer.from(String.fromCodePoint(last))];
  yield Array.from(low, (byte, index): [number, number] => [byte, high[index] ?? byte]);
}

/** Sequences of disjoint sets: where their ranges of the byte at `depth` meet, they are the same. */
function treeOf(sequences: readonly Sequence[], depth: number, known: Map<string, ByteTree>): ByteTree {
  const key = sequences.map((sequence) => sequence.slice(depth).join('-')).join(' ');
  const same = known.get(key);
  if (same) return same;
  const tree: ByteEdge[] = [];
  for (let at = 0; at < sequences.length; ) {
    const [first, last] = sequences[at]?.[depth] ?? [0, 0];
    let next = at + 1;
    while (sequences[next]?.[depth]?.[0] === first) next += 1;
    const ends = sequences[at]?.length === depth + 1;
    tree.push({ first, last, to: ends ? undefined : treeOf(sequences.slice(at, next), depth + 1, known) });
    at = next;
  }
  known.set(key, tree);
  return tree;
}
