/** The counts that every document speaks of. Records and files are whole numbers; bytes are bytes. */
import { type Static, Type } from 'typebox';

const count = Type.Integer({ minimum: 0 });

/**
 * `read = ingested + failed + skipped`, for each file, shard, batch and stream. `warnings` are records among those
 * ingested. Good records of a batch that failed as a whole are skipped.
 */
export const RecordCounts = Type.Object({
  read: count,
  ingested: count,
  failed: count,
  skipped: count,
  warnings: count,
});
export type RecordCounts = Static<typeof RecordCounts>;

/**
 * `input`: all that were found. Of these, `skipped` were known to the ledger already or changed while they were read,
 * and `failed` could not be read and were set aside. `output`: data files in the table.
 */
export const FileCounts = Type.Object({ input: count, skipped: count, failed: count, output: count });
export type FileCounts = Static<typeof FileCounts>;

/** `input` is what was read from the source (compressed), `output` what was written to the table. */
export const ByteCounts = Type.Object({ input: count, output: count });
export type ByteCounts = Static<typeof ByteCounts>;

/**
 * Why records were refused: one class per code and schema path, counted exactly.
 * `path` is a JSON pointer into the record with `*` for array indexes; `sample` names one such record, never its content.
 */
export const ErrorClass = Type.Object({
  code: Type.String(),
  message: Type.String(),
  path: Type.Optional(Type.String()),
  count,
  sample: Type.Optional(Type.Object({ file: Type.String(), record: count })),
});
export type ErrorClass = Static<typeof ErrorClass>;

/** Most error classes that a document carries; the rest is summed up in one class `Other`. */
export const maxErrorClasses = 20;

export function zeroRecords(): RecordCounts {
  return { read: 0, ingested: 0, failed: 0, skipped: 0, warnings: 0 };
}

export function addRecords(a: RecordCounts, b: RecordCounts): RecordCounts {
  return {
    read: a.read + b.read,
    ingested: a.ingested + b.ingested,
    failed: a.failed + b.failed,
    skipped: a.skipped + b.skipped,
    warnings: a.warnings + b.warnings,
  };
}

/** True when every record that was read is accounted for. */
export function addsUp(counts: RecordCounts): boolean {
  return counts.read === counts.ingested + counts.failed + counts.skipped;
}

/** Adds up classes of the same code and path; most frequent first, ties by code and path so that twins agree. */
export function mergeErrorClasses(lists: readonly (readonly ErrorClass[])[], most = maxErrorClasses): ErrorClass[] {
  const classes = new Map<string, ErrorClass>();
  for (const entry of lists.flat()) {
    const key = `${entry.code}\n${entry.path ?? ''}`;
    const known = classes.get(key);
    classes.set(key, known ? { ...known, count: known.count + entry.count } : entry);
  }
  const sorted = [...classes.values()].sort(
    (a, b) => b.count - a.count || compare(a.code, b.code) || compare(a.path ?? '', b.path ?? ''),
  );
  return cutErrorClasses(sorted, most);
}

/** Keeps the first `most` classes and sums up the rest in one class `Other`: classes are cut, counts never. */
export function cutErrorClasses(sorted: readonly ErrorClass[], most: number): ErrorClass[] {
  if (sorted.length <= most) return [...sorted];
  // A list that was cut before brings its own.
  const named = sorted.filter(({ code }) => code !== 'Other');
  const kept = named.slice(0, most - 1);
  const count = sum(sorted) - sum(kept);
  return [...kept, { code: 'Other', message: 'further kinds of errors; see the diagnostics', count }];
}

function sum(classes: readonly ErrorClass[]): number {
  return classes.reduce((total, { count }) => total + count, 0);
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
