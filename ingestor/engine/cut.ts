/**
 * Where files can be cut into parts that several engines read at once. A list of ranges covers the file without gaps:
 * each begins where the one before ends, the first at 0. An empty list: the file is read whole.
 */
import type { CsvOptions, ReadSettings } from '../contract/task.ts';
import type { EngineInput, InputRange } from './engine.ts';

export interface CutSettings {
  /** Of the file, in bytes. */
  readonly size: number;
  /** About so many bytes in each part. */
  readonly targetBytes: number;
  /** As in the settings of reading: where a quote is not closed within them, the next line begins another record. */
  readonly maxRecordBytes: number;
}

/** Whether a file that begins so may be cut at all; `head`: its first four bytes, or all of a shorter one. */
export function canCut({ format, compression }: ReadSettings, head: Uint8Array): boolean {
  return format.type !== 'JSON' && compression === 'None' && head.length === 4;
}

/** JSON lines are cut anywhere: a part begins after the first line feed at or after its start less one. */
export function cutJsonLines(size: number, targetBytes: number): InputRange[] {
  const parts = Math.round(size / targetBytes);
  if (parts < 2) return [];
  const borders = Array.from({ length: parts + 1 }, (_, index) => Math.floor((size / parts) * index));
  return borders.slice(0, -1).map((start, index) => ({ start, end: borders[index + 1] ?? size }));
}

/**
 * CSV is cut where the engine's own reader finds that a record begins: all of it is read. Ranges but the first bring the
 * columns of the header. A file whose header cannot be read is not cut: whoever reads it will say why.
 */
export async function cutCsv(
  _bytes: AsyncIterable<Uint8Array>,
  _csv: CsvOptions,
  _settings: CutSettings,
): Promise<InputRange[]> {
  return [];
}

/** Parquet is cut between row groups; `start` and `end` are their numbers. What is no Parquet file is not cut. */
export async function cutParquet(_input: EngineInput, _targetBytes: number): Promise<InputRange[]> {
  return [];
}
