/** What is ingested: how its bytes are made, the schema it is checked against, and how DuckDB reads the same. */

import type { Mapping } from '../../../ingestor/contract/task.ts';
import type { Chance } from '../../../test/support/chance.ts';

export interface MadeRecord {
  /** With its line end. */
  readonly text: string;
  /** The schema refuses it. */
  readonly bad: boolean;
}

export interface BenchInput {
  readonly name: string;
  readonly format: 'CSV' | 'JSONLines';
  readonly schema: object;
  readonly mapping: Mapping;
  /** What stands before the first record: the header. */
  readonly head: string;
  records(chance: Chance): () => MadeRecord;
  /** Names and types of the columns as DuckDB reads them. */
  readonly duckdbColumns: Readonly<Record<string, string>>;
  /** What it selects of them, to get the columns of the schema. */
  readonly duckdbSelect: string;
  /** A column whose values tell records apart, in what is written. */
  readonly key: string;
}

/** A field of CSV, quoted where it must be. */
export function csvField(value: string | number | boolean | null): string {
  if (value === null) return '';
  const text = String(value);
  return typeof value === 'string' && /[",\n\r]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
