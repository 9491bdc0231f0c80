/** From the text of a JSON Schema to columns and a judge of records. */
import { createHash } from 'node:crypto';
import { type ErrorCode, ForebayError } from '../contract/errors.ts';
import type { PrepareTask } from '../contract/task.ts';

export type Behavior = PrepareTask['behavior'];

export type ColumnType =
  | 'string'
  | 'boolean'
  | 'int'
  | 'long'
  | 'double'
  | 'date'
  | 'timestamptz'
  | 'json'
  | 'struct'
  | 'map'
  | 'list';

export interface Column {
  readonly name: string;
  readonly type: ColumnType;
  /** True: the column holds no nulls wherever its parent is there. */
  readonly required: boolean;
  /** struct: its fields; list: one, `element`; map: two, `key` and `value`; else none. */
  readonly children: readonly Column[];
  /** JSON pointer into the schema's text to the place that describes the column. */
  readonly path: string;
}

/** Why a record is refused. `path` is a JSON pointer into the record; `message` holds no record content. */
export interface RecordError {
  readonly code: ErrorCode;
  readonly path: string;
  readonly message: string;
}

export interface CompiledSchema {
  /** SHA-256 of the schema's text as given (UTF-8), as hexadecimal digits. */
  readonly digest: string;
  /** Top-level columns, in the order of `properties`. */
  readonly columns: readonly Column[];
  /** Number of leaf fields: what a flat table of the same data would have as columns. */
  readonly fields: number;
  /** All reasons to refuse the record; empty when it is accepted. Never throws. */
  check(record: unknown): readonly RecordError[];
}

/** Throws ForebayError InvalidSchema, which names the JSON pointer and the keyword. */
export function compileSchema(text: string, _behavior: Behavior): CompiledSchema {
  const digest = createHash('sha256').update(text).digest('hex');
  throw new ForebayError('InvalidSchema', `not implemented yet (${digest})`);
}
