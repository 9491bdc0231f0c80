/** What a table can be made or changed to, looked at before anything is written. */
import { ForebayError } from '../contract/errors.ts';
import type { TableSettings } from '../contract/task.ts';
import type { Column } from '../engine/schema.ts';
import { createSortOrder, createSpec } from './iceberg/partition.ts';
import { createSchema } from './iceberg/schema.ts';

/**
 * Throws PartitionFieldInvalid for a field of `partitionBy` or `sortBy` that the columns have not or that does not fit,
 * InvalidSchema for columns that an Iceberg table cannot have.
 */
export function checkTable(columns: readonly Column[], settings: TableSettings): void {
  const { format, partitionBy = [], sortBy = [] } = settings;
  if (format === 'Iceberg') {
    const { schema } = createSchema(columns);
    createSpec(schema, partitionBy);
    createSortOrder(schema, sortBy);
  } else if (partitionBy.length > 0 || sortBy.length > 0) {
    throw new ForebayError('PartitionFieldInvalid', 'table.partitionBy and table.sortBy need table.format Iceberg');
  }
}

/** Refuses to begin a table in a place that was claimed for another format. */
export function requireFormat(settings: TableSettings | undefined, format: TableSettings['format']): void {
  if (settings === undefined || settings.format === format) return;
  throw new ForebayError(
    'SchemaIncompatible',
    `table.format was ${format} when the place was claimed, and cannot become ${settings.format}`,
  );
}

/** What of the asked settings can never be had, as a message; the table keeps its own then. */
export function findFixedSetting(now: TableSettings, asked: TableSettings): string | undefined {
  if (now.format !== asked.format) {
    return `table.format is ${now.format} and cannot become ${asked.format}: make a new Dataset for it`;
  }
  const [before, after] = [now, asked].map(({ partitionBy = [] }) => partitionBy.map(describe).join(', ') || 'nothing');
  if (before === after) return undefined;
  return `table.partitionBy is ${before} and cannot become ${after}: make a new Dataset for it`;
}

export function isSameSettings(a: TableSettings, b: TableSettings): boolean {
  const text = ({ format, compression, targetFileSizeBytes, partitionBy = [], sortBy = [] }: TableSettings) =>
    JSON.stringify([format, compression, targetFileSizeBytes, partitionBy.map(describe), sortBy]);
  return text(a) === text(b);
}

function describe({ field, transform, parameter }: NonNullable<TableSettings['partitionBy']>[number]): string {
  return `${field} by ${transform}${parameter === undefined ? '' : `(${parameter})`}`;
}
