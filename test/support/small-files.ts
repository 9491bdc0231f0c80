/** Data files of simulations: a mark, then a row a line, as JSON. */
import type { PartitionValue, TableLayout } from '../../ingestor/contract/layout.ts';
import type { ByteSink, DataFile } from '../../ingestor/engine/engine.ts';

/** Some seeds use the engine in force; a thread simulates one seed at a time. */
export const inForce = { isReal: false };

/** First line of a data file. */
const mark = 'rows';

export interface SmallRow {
  readonly id: string;
  readonly n?: number;
}

/** Undefined for a record that the schema of simulations refuses. */
export function parseRow(text: string): SmallRow | undefined {
  const value = parseJSON(text);
  if (typeof value !== 'object' || value === null || !('id' in value) || typeof value.id !== 'string') return undefined;
  return { id: value.id, ...('n' in value && typeof value.n === 'number' ? { n: value.n } : {}) };
}

function parseJSON(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** The rows of a data file; undefined for one of a real format. */
export function readSmallFile(text: string): SmallRow[] | undefined {
  const [first, ...lines] = text.trimEnd().split('\n');
  return first === mark ? lines.map((line) => JSON.parse(line)) : undefined;
}

export interface SmallFileSettings {
  readonly layout?: TableLayout | undefined;
  readonly targetFileSizeBytes: number;
  openDataFile(k: number): ByteSink;
}

export async function writeSmallFiles(settings: SmallFileSettings, rows: readonly SmallRow[]): Promise<DataFile[]> {
  const files: DataFile[] = [];
  for (const [partition, ofPartition] of toPartitions(settings, rows)) {
    for (const body of toBodies(ofPartition, settings.targetFileSizeBytes)) {
      const text = [mark, ...body].map((line) => `${line}\n`).join('');
      const { key, bytes } = await writeWhole(settings.openDataFile(files.length), text);
      files.push({ key, bytes, rows: body.length, ...(partition === '' ? {} : { partition: JSON.parse(partition) }) });
    }
  }
  return files;
}

/** By the values of the layout's partition fields, as JSON; one without name where there are none. */
function toPartitions({ layout }: SmallFileSettings, rows: readonly SmallRow[]): Map<string, SmallRow[]> {
  const partitions = new Map<string, SmallRow[]>();
  const fields = layout?.partitionBy ?? [];
  for (const row of rows) {
    const values: PartitionValue[] = fields.map(({ field }) => (field === 'id' ? row.id.slice(0, 1) : null));
    const name = fields.length === 0 ? '' : JSON.stringify(values);
    partitions.set(name, [...(partitions.get(name) ?? []), row]);
  }
  return partitions;
}

/** A file is closed when it has grown to the target size. */
function toBodies(rows: readonly SmallRow[], target: number): string[][] {
  const bodies: string[][] = [];
  let bytes = Number.POSITIVE_INFINITY;
  for (const row of rows) {
    const line = JSON.stringify(row);
    if (bytes >= target) {
      bodies.push([]);
      bytes = 0;
    }
    bodies.at(-1)?.push(line);
    bytes += line.length;
  }
  return bodies;
}

export async function writeWhole(sink: ByteSink, body: Uint8Array | string): Promise<{ key: string; bytes: number }> {
  await sink.write(Buffer.from(body));
  return { key: sink.key, bytes: await sink.complete() };
}
