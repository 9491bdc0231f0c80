import { isDeepStrictEqual } from 'node:util';
import type { Outcome } from './outcome.ts';

/** In what two outcomes of one trial differ, one line each; empty: in nothing. With several threads rows have no order. */
export function differences(a: Outcome, b: Outcome, ordered: boolean): string[] {
  const found: string[] = [];
  if (!isDeepStrictEqual(a.failure, b.failure)) return [`failure: ${show(a.failure)} / ${show(b.failure)}`];
  if (a.failure) return [];
  for (const part of ['counts', 'inputs', 'errors'] as const) {
    if (!isDeepStrictEqual(a[part], b[part])) found.push(`${part}: ${show(a[part])} / ${show(b[part])}`);
  }
  found.push(...listDifference('reject', a.rejects, b.rejects));
  found.push(
    ...listDifference(
      'row',
      ...((ordered ? [a.rows, b.rows] : [sorted(a.rows), sorted(b.rows)]) as [unknown[], unknown[]]),
    ),
  );
  if (found.length === 0 && ordered && !isDeepStrictEqual(a.digests, b.digests))
    found.push('files: other bytes, the same rows');
  return found;
}

/** The first item that differs. */
function listDifference(name: string, a: readonly unknown[], b: readonly unknown[]): string[] {
  for (let index = 0; index < Math.max(a.length, b.length); index += 1) {
    if (!isDeepStrictEqual(a[index], b[index])) return [`${name} ${index}: ${show(a[index])} / ${show(b[index])}`];
  }
  return [];
}

function sorted(rows: readonly unknown[]): unknown[] {
  return [...rows].sort((a, b) => (show(a) < show(b) ? -1 : 1));
}

export function show(value: unknown): string {
  const text = JSON.stringify(value, (_key, item: unknown) => {
    if (typeof item === 'bigint') return `${item}n`;
    return Object.is(item, -0) ? '-0' : item;
  });
  return text ?? 'nothing';
}
