/**
 * Reads an Iceberg table's list of files as the specification says, sharing no code with those who write it. For tests
 * and oracles: what is not as it should be throws.
 */
import { once } from 'node:events';
import avro from 'avsc';

/** An object of the table's place by its URL, or undefined. */
export type ReadObject = (url: string) => Uint8Array | undefined | Promise<Uint8Array | undefined>;

/** A data file that a snapshot holds. */
export interface LiveFile {
  /** URL. */
  readonly path: string;
  readonly rows: bigint;
  readonly bytes: bigint;
  readonly partition: Readonly<Record<string, unknown>>;
  readonly sequenceNumber: bigint;
  /** The snapshot that brought it. */
  readonly snapshotID: bigint;
}

type Row = Readonly<Record<string, unknown>>;

/** The files of the snapshot whose manifest list this is. */
export async function readLiveFiles(read: ReadObject, manifestList: string): Promise<LiveFile[]> {
  const files: LiveFile[] = [];
  for (const manifest of await readAvro(read, manifestList)) {
    if (manifest.content !== undefined && Number(manifest.content) !== 0) {
      throw new Error(`${manifest.manifest_path} holds deletes`);
    }
    const entries = await readAvro(read, String(manifest.manifest_path));
    files.push(...entries.flatMap((entry) => toLiveFile(manifest, entry)));
  }
  const paths = new Set(files.map(({ path }) => path));
  if (paths.size !== files.length) throw new Error(`${manifestList} names a file twice`);
  return files;
}

/** Added entries take number and snapshot of their manifest where they say none themselves. */
function toLiveFile(manifest: Row, entry: Row): LiveFile[] {
  if (Number(entry.status) === 2) return [];
  const file = entry.data_file;
  if (!isRow(file)) throw new Error('an entry without a data file');
  if (entry.sequence_number === null && Number(entry.status) !== 1) throw new Error('an old entry without a number');
  return [
    {
      path: String(file.file_path),
      rows: toBigInt(file.record_count),
      bytes: toBigInt(file.file_size_in_bytes),
      partition: isRow(file.partition) ? file.partition : {},
      sequenceNumber: toBigInt(entry.sequence_number ?? manifest.sequence_number),
      snapshotID: toBigInt(entry.snapshot_id ?? manifest.added_snapshot_id),
    },
  ];
}

/** All rows of an Avro object container file; 64-bit numbers as bigint. */
export async function readAvro(read: ReadObject, url: string): Promise<Row[]> {
  const bytes = await read(url);
  if (bytes === undefined) throw new Error(`${url} is named and not there`);
  const decoder = new avro.streams.BlockDecoder({
    parseHook: (schema) => avro.Type.forSchema(schema, { registry: { long }, wrapUnions: false }),
  });
  const rows: Row[] = [];
  decoder.on('data', (row: Row) => rows.push(row));
  decoder.end(Buffer.from(bytes));
  await once(decoder, 'end');
  return rows;
}

const long = avro.types.LongType.__with({
  fromBuffer: (buffer: Buffer) => buffer.readBigInt64LE(),
  toBuffer: (value: bigint) => {
    const buffer = Buffer.alloc(8);
    buffer.writeBigInt64LE(value);
    return buffer;
  },
  fromJSON: BigInt,
  toJSON: Number,
  isValid: (value: unknown) => typeof value === 'bigint',
  compare: (a: bigint, b: bigint) => (a === b ? 0 : a < b ? -1 : 1),
});

function toBigInt(value: unknown): bigint {
  if (typeof value === 'bigint' || typeof value === 'number') return BigInt(value);
  throw new Error(`${String(value)} is no number`);
}

function isRow(value: unknown): value is Row {
  return typeof value === 'object' && value !== null;
}
