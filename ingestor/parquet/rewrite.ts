/** Rows of the table's data files, put into other files: for compaction. */
import type { SchemaTree } from 'hyparquet';
import { ForebayError } from '../contract/errors.ts';
import type { TableLayout } from '../contract/layout.ts';
import type { Compression } from '../contract/task.ts';
import type { ByteSink, DataFile } from '../engine/engine.ts';
import { unreadable } from '../engine/readers/reader.ts';
import type { Column } from '../engine/schema.ts';
import { fieldIDs } from './fields.ts';
import { GuardedFile } from './guardedfile.ts';
import { type Batch, openParquet } from './reader.ts';
import { tableShapes } from './tablefile.ts';
import { DataWriter } from './writer.ts';

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
  settings: RewriteSettings,
  inputs: Iterable<TableInput> | AsyncIterable<TableInput>,
): Promise<readonly DataFile[]> {
  const { columns, layout, compression, targetFileSizeBytes } = settings;
  const open = (k: number) => settings.openDataFile(k);
  const writer = new DataWriter({ columns, compression, layout, targetFileSizeBytes, open });
  try {
    for await (const input of inputs) await copyRows(settings, input, writer);
    return await writer.finish();
  } catch (error) {
    await writer.abort();
    throw error;
  }
}

async function copyRows(
  { columns, layout, signal }: RewriteSettings,
  input: TableInput,
  writer: DataWriter,
): Promise<void> {
  const source = new GuardedFile(input);
  try {
    const file = await source.guard(openParquet(source));
    const shapes = await source.guard(shapesOf(columns, file.tree, layout));
    const batches = file.batches({ shapes });
    let rows = 0;
    for (let next = await source.guard(batches.next()); !next.done; next = await source.guard(batches.next())) {
      if (signal.aborted) throw new ForebayError('Interrupted', `stopped in the middle of ${input.name}`);
      addRows(next.value, writer);
      rows += next.value.rows;
      if (writer.isFull) await writer.flush();
    }
    if (rows !== file.rows) throw unreadable(`its row groups have ${rows} rows, its footer says ${file.rows}`);
  } catch (error) {
    if (!(error instanceof ForebayError) || error.code !== 'UnreadableFile') throw error;
    throw new ForebayError('UnreadableFile', `${input.name}: ${error.message}`, { cause: error.cause });
  }
}

async function shapesOf(columns: readonly Column[], tree: SchemaTree, layout: TableLayout) {
  return tableShapes(columns, tree, fieldIDs(layout));
}

function addRows({ rows, columns }: Batch, writer: DataWriter): void {
  const row: unknown[] = [];
  for (let at = 0; at < rows; at += 1) {
    for (const [index, { values }] of columns.entries()) row[index] = values[at] ?? null;
    writer.add(row);
  }
}
