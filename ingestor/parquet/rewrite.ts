/** Rows of the table's data files, put into other files: for compaction. */
import type { TableLayout } from '../contract/layout.ts';
import type { Compression } from '../contract/task.ts';
import type { ByteSink, DataFile } from '../engine/engine.ts';
import type { Column } from '../engine/schema.ts';

export interface RewriteSettings {
  /** Of the schema in force. */
  readonly columns: readonly Column[];
  readonly layout: TableLayout;
  readonly compression: Compression;
  readonly targetFileSizeBytes: number;
  readonly signal: AbortSignal;
  /** Opens the k-th data file (0, 1, ...); called only when there is a row for it. */
  openDataFile(k: number): ByteSink;
}

/** A data file of the table. */
export interface TableInput {
  /** For messages. */
  readonly name: string;
  readonly size: number;
  /** The bytes from `start` to `end` (exclusive). */
  read(start: number, end: number): AsyncIterable<Uint8Array>;
}

/**
 * Writes the rows of these files, in their order, as the table has them now: columns are found by field id (by name in
 * files without ids), those that a file lacks are null, ints may have become longs and required columns optional. Nothing
 * is judged: values are taken as they are, exactly. Throws UnreadableFile for what cannot be read, and leaves nothing
 * open; objects that were completed before stay, their keys are those that `openDataFile` gave.
 */
export async function rewriteFiles(
  _settings: RewriteSettings,
  _inputs: Iterable<TableInput> | AsyncIterable<TableInput>,
): Promise<readonly DataFile[]> {
  throw new Error('not there yet');
}
