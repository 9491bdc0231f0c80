/** From the text of a JSON Schema to columns and a judge of records. */
import { createHash } from 'node:crypto';
import type { ErrorCode } from '../contract/errors.ts';
import type { PrepareTask } from '../contract/task.ts';
import { countFields } from './columns.ts';
import { hasBigInt } from './exact.ts';
import { createExaminer, notAnObject } from './examine.ts';
import { invalidSchema, isObject, parseSchemaDocument } from './schemadocument.ts';

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
  /**
   * All reasons to refuse the record; empty when it is accepted. Never throws. Integers past 2^53 are judged exactly
   * where they are bigints (`parseExact`), else as JSON.parse rounded them.
   */
  check(record: unknown): readonly RecordError[];
}

/**
 * Throws ForebayError InvalidSchema, whose message names the JSON pointer and the keyword. A TimeSeries must list `_id`
 * (text) and `timestamp` (date-time) as required fields, so that the schema alone says what a record is.
 */
export function compileSchema(text: string, behavior: Behavior): CompiledSchema {
  const examiner = createExaminer(parseSchemaDocument(text));
  const { columns } = examiner;
  if (behavior === 'TimeSeries') checkTimeSeries(columns);
  return {
    digest: createHash('sha256').update(text).digest('hex'),
    columns,
    fields: countFields(columns),
    check(record) {
      if (!isObject(record)) return [notAnObject];
      return hasBigInt(record) ? examiner.examineExact(record, []) : examiner.examine(record, []);
    },
  };
}

function checkTimeSeries(columns: readonly Column[]): void {
  for (const [name, type, what] of [
    ['_id', 'string', 'text'],
    ['timestamp', 'timestamptz', 'a date-time'],
  ]) {
    const column = columns.find((one) => one.name === name);
    if (!column) throw invalidSchema('', 'properties', `a TimeSeries has a field "${name}", which is ${what}`);
    if (column.type !== type) throw invalidSchema(column.path, 'type', `"${name}" of a TimeSeries is ${what}`);
    if (!column.required) throw invalidSchema('', 'required', `"${name}" of a TimeSeries is required and never null`);
  }
}
