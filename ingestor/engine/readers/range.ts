/** What a reader of a part of a file is given. */
import { ForebayError } from '../../contract/errors.ts';
import type { CsvOptions } from '../../contract/task.ts';
import type { EngineInput, InputRange } from '../engine.ts';
import type { Bytes } from './reader.ts';

/** Bytes fetched past the end of a range for its last record, twice as many each time. 64 KiB hold nearly all records. */
const firstExtra = 64 * 1024;

/** The bytes from `start` to `end`, and then, as long as they are asked for, those after it. */
export async function* bytesOfRange(input: EngineInput, start: number, end: number): Bytes {
  let at = Math.min(end, input.size);
  yield* input.read(start, at);
  for (let extra = firstExtra; at < input.size; extra *= 2) {
    const next = Math.min(input.size, at + extra);
    yield* input.read(at, next);
    at = next;
  }
}

/** A range past the start of the file has no header: the plan brings it. */
export function columnsOfRange(csv: CsvOptions, { start, columns }: InputRange): CsvOptions {
  if (start === 0) return csv;
  if (!columns) throw new ForebayError('InvalidTask', `a range of CSV from byte ${start} on has no columns`);
  return { ...csv, header: false, skipLines: 0, columns: [...columns] };
}
