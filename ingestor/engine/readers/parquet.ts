/** The rows of a Parquet file as records. Fields that are null are left out, as nothing tells them from missing ones. */
import { setOwn } from '../../parquet/assembler.ts';
import { GuardedFile } from '../../parquet/guardedfile.ts';
import { type Batch, openParquet, type RowGroupFacts } from '../../parquet/reader.ts';
import type { ColumnPlan } from '../columns.ts';
import type { EngineInput } from '../engine.ts';
import { hasBigInt, stringifyExact } from '../exact.ts';
import { applyMoves, type Move } from '../mapping.ts';
import { compileNulls } from '../nulls.ts';
import type { RecordError } from '../schema.ts';
import { appendPointer, type JsonObject } from '../schemadocument.ts';
import { type RecordSink, type RecordSource, unreadable } from './reader.ts';

export interface ParquetRecords {
  readonly columns: readonly ColumnPlan[];
  readonly moves: readonly Move[];
  readonly sink: RecordSink;
}

/**
 * Reads the row groups of the input's range, or all. `read` tells how many bytes were fetched, `before` how many records
 * lie before the first one.
 */
export async function readParquet(
  input: EngineInput,
  records: ParquetRecords,
  read: (bytes: number) => void,
  before: (records: number) => void,
): Promise<void> {
  const source = new GuardedFile(input, read);
  const { names, rowGroups, rows, batches } = await source.guard(openParquet(source));
  const reader = new RowReader(names, records);
  const { start, end } = input.range ?? { start: 0, end: rowGroups.length };
  if (end > rowGroups.length) throw unreadable(`has ${rowGroups.length} row groups, not ${end}`);
  const all = rowsIn(rowGroups);
  if (all !== rows) throw unreadable(`row groups have ${all} rows where the file has ${rows}`);
  before(rowsIn(rowGroups.slice(0, start)));
  const iterator = batches({ start, end });
  let seen = 0;
  for (let next = await source.guard(iterator.next()); !next.done; next = await source.guard(iterator.next())) {
    reader.take(next.value);
    seen += next.value.rows;
    await records.sink.drain();
  }
  const expected = rowsIn(rowGroups.slice(start, end));
  if (seen !== expected) throw unreadable(`row groups have ${seen} rows where the file has ${expected}`);
}

function rowsIn(rowGroups: readonly RowGroupFacts[]): number {
  return rowGroups.reduce((sum, { rows }) => sum + rows, 0);
}

class RowReader implements RecordSource {
  readonly offset = undefined;
  readonly #names: readonly string[];
  readonly #records: ParquetRecords;
  readonly #give: GiveRow;
  #record: Record<string, unknown> = {};

  constructor(names: readonly string[], records: ParquetRecords) {
    this.#names = names;
    this.#records = records;
    this.#give = rowGiver(records);
  }

  get size(): number {
    return this.raw().length;
  }

  raw(): Uint8Array {
    return Buffer.from(stringifyExact(this.#record));
  }

  take({ rows, columns }: Batch): void {
    const fields = columns.map(({ values, hasBig }, index) => ({ name: this.#names[index] ?? '', values, hasBig }));
    for (let row = 0; row < rows; row += 1) {
      const record: Record<string, unknown> = {};
      let [exact, binary] = [false, ''];
      for (const { name, values, hasBig } of fields) {
        const value = values[row];
        if (value === null || value === undefined) continue;
        setOwn(record, name, value);
        if (value instanceof Uint8Array) binary = name;
        else if (hasBig && !exact) exact = hasBigInt(value);
      }
      this.#record = record;
      if (binary !== '') this.#records.sink.refuse(bytesWithoutText(binary), this);
      else this.#give(record, exact, this);
    }
  }
}

/** `exact`: there are bigints in it. */
export type GiveRow = (record: JsonObject, exact: boolean, source: RecordSource) => void;

/** Moves the fields of a row and adds the nulls that it cannot have. */
export function rowGiver({ columns, moves, sink }: ParquetRecords): GiveRow {
  const fillNulls = compileNulls(columns);
  return (record, exact, source) => {
    const { record: moved, overwrote } = applyMoves(record, moves);
    const mapped = fillNulls ? { ...moved } : moved;
    fillNulls?.(mapped);
    if (exact) sink.acceptExact(mapped, source, overwrote);
    else sink.accept(mapped, source, overwrote);
  };
}

export function bytesWithoutText(name: string): RecordError {
  return { code: 'InvalidEncoding', path: appendPointer('', name), message: 'holds bytes that are no UTF-8 text' };
}
