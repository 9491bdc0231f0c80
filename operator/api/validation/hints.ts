/** Guesses at what a person meant. */
import type { Path, StructuralSchema } from './schema.ts';

/** The candidate that differs only in case, or by a slip or two of the keyboard. */
export function closest(word: string, candidates: readonly string[]): string | undefined {
  const plain = (text: string) => text.toLowerCase().replaceAll(/[-_ ]/g, '');
  const same = candidates.find((candidate) => plain(candidate) === plain(word));
  if (same) return same;
  const most = Math.min(2, Math.floor(word.length / 3));
  const distances = candidates.map((candidate) => ({
    candidate,
    distance: editDistance(plain(word), plain(candidate)),
  }));
  return distances.filter(({ distance }) => distance <= most).toSorted((a, b) => a.distance - b.distance)[0]?.candidate;
}

/** Insertions, deletions, changes and swaps of neighbours that turn one word into the other. */
function editDistance(a: string, b: string): number {
  let beforeLast: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i += 1) {
    const row = [i];
    for (let j = 1; j <= b.length; j += 1) {
      const change = (last[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      const swapped = a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1] ? (beforeLast[j - 2] ?? 0) + 1 : change;
      row.push(Math.min(change, swapped, (last[j] ?? 0) + 1, (row[j - 1] ?? 0) + 1));
    }
    beforeLast = last;
    last = row;
  }
  return last[b.length] ?? 0;
}

/** Where in the spec a field of this name is declared, nearest to the root first. Pod templates have fields of all names. */
export function places(root: StructuralSchema, name: string): Path[] {
  const found: Path[] = [];
  const queue: { schema: StructuralSchema; path: Path }[] = [{ schema: root, path: [] }];
  for (const { schema, path } of queue) {
    for (const [key, property] of Object.entries(schema.properties ?? {})) {
      if (path.length === 0 && key !== 'spec') continue;
      const place = [...path, key];
      if (key === name) found.push(place);
      if (key !== 'podTemplate') queue.push({ schema: property, path: place });
    }
  }
  return found;
}
