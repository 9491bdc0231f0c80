/** For tests: an engine whose files are in memory, and what is in them. */
import { zstdDecompressSync } from 'node:zlib';
import type { TableLayout } from '../contract/layout.ts';
import type { InputCompression, ReadSettings } from '../contract/task.ts';
import { formatPath } from '../parquet/fields.ts';
import { openParquet } from '../parquet/reader.ts';
import type { ByteSink, EngineInput, EngineOutput, EngineSettings, IngestedInput, RejectedRecord } from './engine.ts';
import { createEngine } from './index.ts';
import type { Path } from './mapping.ts';
import { type Column, compileSchema } from './schema.ts';

export type Row = Readonly<Record<string, unknown>>;

export interface Ingested {
  readonly output: EngineOutput;
  readonly inputs: readonly IngestedInput[];
  /** Of all data files; fields that are null are left out. */
  readonly rows: readonly Row[];
  readonly rejects: readonly RejectedRecord[];
  /** By key. */
  readonly files: ReadonlyMap<string, Buffer>;
}

export type Options = Partial<Omit<EngineSettings, 'schema' | 'read'>> &
  Partial<Omit<ReadSettings, 'compression'>> & { readonly inputCompression?: InputCompression };

/** Runs the inputs, named `file-0`, `file-1` ..., through one engine. */
export async function ingestAll(
  schema: object,
  inputs: readonly (string | Uint8Array)[],
  options: Options = {},
): Promise<Ingested> {
  const files = new Map<string, Buffer>();
  const engine = createEngine(engineSettings(schema, files, options));
  const ingested: IngestedInput[] = [];
  for (const [index, data] of inputs.entries()) ingested.push(await engine.ingest(inputOf(data, `file-${index}`)));
  const output = await engine.finish();
  const rows: Row[] = [];
  for (const { key } of output.dataFiles) {
    for (const row of await rowsOf(files.get(key) ?? Buffer.alloc(0))) rows.push(row);
  }
  return { output, inputs: ingested, rows, rejects: rejectsOf(files.get('rejects')), files };
}

export function engineSettings(schema: object, files: Map<string, Buffer>, options: Options = {}): EngineSettings {
  const {
    format = { type: 'JSONLines' },
    mapping = [],
    maxRecordBytes = 1024 * 1024,
    inputCompression,
    ...rest
  } = options;
  return {
    schema: JSON.stringify(schema),
    read: { format, mapping, maxRecordBytes, compression: inputCompression ?? 'Auto' },
    compression: 'Zstd',
    targetFileSizeBytes: 128 * 1024 * 1024,
    signal: new AbortController().signal,
    openDataFile: (k) => memorySink(`data-${k}`, files),
    openRejectFile: () => memorySink('rejects', files),
    ...rest,
  };
}

/** An input that comes in pieces of the given size. */
export function inputOf(data: string | Uint8Array, name = 'file-0', pieceBytes = 64 * 1024): EngineInput {
  const bytes = Buffer.from(data);
  return {
    name,
    size: bytes.length,
    async *read(start = 0, end = bytes.length) {
      for (let at = start; at < end; at += pieceBytes)
        yield Buffer.from(bytes.subarray(at, Math.min(end, at + pieceBytes)));
    },
  };
}

/** Keeps what was written once it is complete. */
export function memorySink(key: string, files: Map<string, Buffer>): ByteSink {
  const chunks: Uint8Array[] = [];
  return {
    key,
    write: async (bytes) => {
      chunks.push(bytes);
    },
    complete: async () => {
      const all = Buffer.concat(chunks);
      files.set(key, all);
      return all.length;
    },
    abort: async () => {
      chunks.length = 0;
    },
  };
}

/** All rows of a Parquet file, as values of JSON. */
export async function rowsOf(bytes: Uint8Array): Promise<Row[]> {
  const file = await openParquet({ size: bytes.length, read: (start, end) => inputOf(bytes).read(start, end) });
  const rows: Row[] = [];
  for await (const batch of file.batches()) {
    for (let row = 0; row < batch.rows; row += 1) {
      const fields = file.names.map((name, index): [string, unknown] => [name, batch.columns[index]?.values[row]]);
      rows.push(Object.fromEntries(fields.filter(([, value]) => value !== null && value !== undefined)));
    }
  }
  return rows;
}

export function rejectsOf(bytes: Buffer | undefined): RejectedRecord[] {
  if (!bytes) return [];
  const lines = zstdDecompressSync(bytes).toString().split('\n').slice(0, -1);
  return lines.map((line) => JSON.parse(line));
}

/** A layout with ids from 1 on for every place of the schema, depth first. */
export function layoutOf(schema: object, rest: Partial<Omit<TableLayout, 'fieldIDs'>> = {}): TableLayout {
  const paths = (columns: readonly Column[], parent: Path): Path[] =>
    columns.flatMap((column) => [[...parent, column.name], ...paths(column.children, [...parent, column.name])]);
  const { columns } = compileSchema(JSON.stringify(schema), 'Record');
  const fieldIDs = Object.fromEntries(paths(columns, []).map((path, index) => [formatPath(path), index + 1]));
  return { fieldIDs, partitionBy: [], sortBy: [], ...rest };
}
