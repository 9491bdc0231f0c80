/**
 * Where files can be cut into parts that several engines read at once. A list of ranges covers the file without gaps:
 * each begins where the one before ends. An empty list: the file is read whole.
 */
import { ForebayError } from '../contract/errors.ts';
import type { CsvOptions, ReadSettings } from '../contract/task.ts';
import { GuardedFile } from '../parquet/guardedfile.ts';
import { openParquet, type RowGroupFacts } from '../parquet/reader.ts';
import { compressionOf } from './decompress.ts';
import type { EngineInput, InputRange } from './engine.ts';
import { type RowTaker, readCsv } from './readers/csv.ts';
import type { Bytes, RecordSink, RecordSource } from './readers/reader.ts';

export { headBytes } from './decompress.ts';

export interface CutRange extends InputRange {
  readonly columns?: string[];
  /** Stored bytes of the range. */
  readonly bytes: number;
}

export interface CutSettings {
  /** Of the file, in bytes. */
  readonly size: number;
  /** About so many bytes in each part. */
  readonly targetBytes: number;
  /** As in the settings of reading: where a quote is not closed within them, the next line begins another record. */
  readonly maxRecordBytes: number;
}

/**
 * Whether a file that begins so may be cut at all: JSON lines and CSV as they are, and any Parquet. `head`: its first
 * `headBytes`, or all of a shorter one.
 */
export function canCut({ format, compression }: ReadSettings, head: Uint8Array): boolean {
  if (format.type === 'Parquet') return true;
  if (format.type === 'JSON' || format.type === 'Avro') return false;
  return compression === 'None' || (compression === 'Auto' && compressionOf(head) === 'None');
}

/** JSON lines are cut anywhere: a part begins after the first line feed at or after its start less one. */
export function cutJsonLines(size: number, targetBytes: number): CutRange[] {
  const borders = [0, ...evenBorders(size, targetBytes), size];
  return toRanges(
    borders.slice(0, -1).map((start) => ({ start })),
    size,
  );
}

/**
 * CSV is cut where the engine's own reader finds that a record begins, for which all of it is read. Ranges but the first
 * bring the columns, and how many records and lines lie before them. A file whose header cannot be read is not cut:
 * whoever reads it will say why.
 */
export async function cutCsv(bytes: Bytes, csv: CsvOptions, settings: CutSettings): Promise<CutRange[]> {
  const cutter = new CsvCutter(evenBorders(settings.size, settings.targetBytes));
  try {
    await readCsv(cutter.watched(bytes), csv, settings.maxRecordBytes, cutter, cutter);
  } catch (error) {
    if (error instanceof ForebayError && error.code === 'UnreadableFile') return [];
    throw error;
  }
  return toRanges(cutter.starts, settings.size);
}

/**
 * Parquet is cut between row groups; `start` and `end` are their numbers. What cannot be read as Parquet is not cut:
 * whoever reads it will say why; errors of the source are thrown.
 */
export async function cutParquet(input: EngineInput, targetBytes: number): Promise<CutRange[]> {
  const source = new GuardedFile(input);
  try {
    const { rowGroups } = await source.guard(openParquet(source));
    return packRowGroups(rowGroups, targetBytes);
  } catch (error) {
    if (error instanceof ForebayError && error.code === 'UnreadableFile') return [];
    throw error;
  }
}

function packRowGroups(rowGroups: readonly RowGroupFacts[], targetBytes: number): CutRange[] {
  const ranges: { start: number; end: number; records: number; bytes: number }[] = [];
  let records = 0;
  for (const [index, { rows, bytes }] of rowGroups.entries()) {
    const last = ranges.at(-1);
    if (last && last.bytes + bytes <= targetBytes) {
      last.end += 1;
      last.bytes += bytes;
    } else {
      ranges.push({ start: index, end: index + 1, records, bytes });
    }
    records += rows;
  }
  return ranges.length > 1 ? ranges : [];
}

/** Places between parts of the same size, about the target. */
function evenBorders(size: number, targetBytes: number): number[] {
  const parts = Math.max(1, Math.round(size / targetBytes));
  return Array.from({ length: parts - 1 }, (_, index) => Math.floor((size / parts) * (index + 1)));
}

function toRanges(starts: readonly Start[], size: number): CutRange[] {
  if (starts.length < 2) return [];
  return starts.map((start, index) => {
    const end = starts[index + 1]?.start ?? size;
    return { ...start, end, bytes: end - start.start };
  });
}

type Start = Omit<CutRange, 'end' | 'bytes'>;

/** Told of each record, whether it is a good one or not, it notes those with which a part begins. */
class CsvCutter implements RowTaker, RecordSink {
  readonly starts: Start[] = [{ start: 0, records: 0, lines: 0 }];
  readonly #borders: readonly number[];
  readonly #lines = new LineCounter();
  #columns: readonly string[] = [];
  #records = 0;
  #passed = 0;

  constructor(borders: readonly number[]) {
    this.#borders = borders;
  }

  async *watched(bytes: Bytes): Bytes {
    for await (const chunk of bytes) {
      this.#lines.push(chunk);
      yield chunk;
    }
  }

  header(names: readonly string[]): void {
    this.#columns = names;
  }

  row(_fields: readonly (string | null)[], { offset }: RecordSource): void {
    this.#begins(offset ?? 0);
  }

  refuse(_error: unknown, { offset }: RecordSource): void {
    this.#begins(offset ?? 0);
  }

  accept(): void {}
  acceptExact(): void {}
  async drain(): Promise<void> {}

  #begins(offset: number): void {
    const lines = this.#lines.before(offset);
    const border = this.#borders[this.#passed];
    if (border !== undefined && offset >= border && offset > 0) {
      this.starts.push({ start: offset, columns: [...this.#columns], records: this.#records, lines });
      while ((this.#borders[this.#passed] ?? Number.POSITIVE_INFINITY) <= offset) this.#passed += 1;
    }
    this.#records += 1;
  }
}

const lineFeed = 0x0a;

/** Counts line feeds up to places that only rise, and keeps the bytes after the last of them. */
class LineCounter {
  #chunks: Buffer[] = [];
  /** Offset of the first chunk, and how far of it was counted. */
  #start = 0;
  #at = 0;
  #count = 0;

  push(chunk: Uint8Array): void {
    // The chunk may be written over once it was read.
    this.#chunks.push(Buffer.from(chunk));
  }

  before(offset: number): number {
    for (let [chunk] = this.#chunks; chunk !== undefined; [chunk] = this.#chunks) {
      const end = Math.min(chunk.length, offset - this.#start);
      for (let found = chunk.indexOf(lineFeed, this.#at); found >= 0 && found < end; ) {
        this.#count += 1;
        found = chunk.indexOf(lineFeed, found + 1);
      }
      this.#at = end;
      if (end < chunk.length) break;
      this.#chunks.shift();
      this.#start += chunk.length;
      this.#at = 0;
    }
    return this.#count;
  }
}
