/**
 * Parquet files to batches of values as JSON has them, by ranged reads. A row group is read whole only where it is small;
 * else each column is read piece by piece, so that memory depends on the number of columns and not on the file.
 */
import { brotliDecompressSync, gunzipSync, zstdDecompressSync } from 'node:zlib';
import type {
  Compressors,
  DecodedArray,
  FileMetaData,
  ParquetParsers,
  RowGroup,
  SchemaElement,
  SchemaTree,
} from 'hyparquet';
import { parquetMetadataAsync, parquetSchema } from 'hyparquet';
import { assembleNested } from 'hyparquet/src/assemble.js';
import { DEFAULT_PARSERS } from 'hyparquet/src/convert.js';
import { getTreePath, isListLike, isMapLike } from 'hyparquet/src/schema.js';
import { LeafCursor } from './leaf.ts';
import { decodedElement, jsonParsers, valueConverter } from './logicaltypes.ts';
import { type RangedFile, RangeReader, readRange } from './rangedfile.ts';

export interface ParquetFile {
  /** Names of the top-level columns. */
  readonly names: readonly string[];
  /** The columns as they stand in the file. */
  readonly tree: SchemaTree;
  readonly rows: number;
  readonly rowGroups: readonly RowGroupFacts[];
  /** All rows in their order, or those of some row groups. Throws Error for what is no Parquet or is damaged. */
  batches(firstRowGroup?: number, endRowGroup?: number): AsyncGenerator<Batch>;
}

export interface RowGroupFacts {
  readonly rows: number;
  /** As stored. */
  readonly bytes: number;
}

/** How values leave the file. */
export interface Decoding {
  /** The element as hyparquet should decode it. */
  element(element: SchemaElement): SchemaElement;
  readonly parsers: Partial<ParquetParsers>;
  /** What is left to do with a decoded value of a leaf; undefined when nothing is. */
  converter(element: SchemaElement): Convert | undefined;
  /** What is left to do with a value of a nested column. */
  cleaner(tree: SchemaTree): Convert;
}

type Convert = (value: unknown) => unknown;

export interface Batch {
  readonly rows: number;
  /** One array of values for each top-level column; null or undefined where there is none. */
  readonly columns: readonly ArrayLike<unknown>[];
}

/** Values as JSON has them. */
const asJson: Decoding = { element: decodedElement, parsers: jsonParsers, converter: valueConverter, cleaner };

/** Reads the footer. Throws Error for what is no Parquet. */
export async function openParquet(file: RangedFile, decoding: Decoding = asJson): Promise<ParquetFile> {
  if (file.size < 12) throw new Error('file is too short');
  const metadata = await readMetadata(file);
  const compressors = await loadCompressors(metadata);
  const schema = metadata.schema.map(decoding.element);
  const root = parquetSchema({ ...metadata, schema });
  const original = parquetSchema(metadata);
  const context = { file, decoding, root, original, compressors };
  return {
    names: root.children.map((child) => child.element.name),
    tree: original,
    rows: Number(metadata.num_rows),
    rowGroups: metadata.row_groups.map((rowGroup) => ({
      rows: Number(rowGroup.num_rows),
      bytes: storedBytes(rowGroup),
    })),
    async *batches(first = 0, end = metadata.row_groups.length) {
      for (const rowGroup of metadata.row_groups.slice(first, end)) yield* readRowGroup(rowGroup, context);
    },
  };
}

function storedBytes({ columns }: RowGroup): number {
  return columns.reduce((sum, { meta_data: meta }) => sum + Number(meta?.total_compressed_size ?? 0n), 0);
}

interface Context {
  readonly file: RangedFile;
  readonly decoding: Decoding;
  /** The schema as hyparquet should decode it, and as it stands in the file. */
  readonly root: SchemaTree;
  readonly original: SchemaTree;
  readonly compressors: Compressors;
}

/** A row group up to this size is read with one request. 32 MiB. */
const wholeGroupBytes = 32 * 1024 * 1024;
/** Else all its columns together hold this much, each at least and at most so much. */
const allPiecesBytes = 64 * 1024 * 1024;
const [leastPieceBytes, mostPieceBytes] = [64 * 1024, 4 * 1024 * 1024];
/** Most rows of a batch: enough to make its overhead small. */
const batchRows = 4096;

async function readMetadata(file: RangedFile): Promise<FileMetaData> {
  return await parquetMetadataAsync(
    { byteLength: file.size, slice: async (start, end) => (await readRange(file, start, end ?? file.size)).buffer },
    { geoparquet: false },
  );
}

/** Node's own where it has them; the others load WebAssembly, so only when they are needed. */
async function loadCompressors(metadata: FileMetaData): Promise<Compressors> {
  const codecs = new Set(
    metadata.row_groups.flatMap(({ columns }) => columns.map((column) => column.meta_data?.codec)),
  );
  const others = [...codecs].some((codec) => ['SNAPPY', 'LZ4', 'LZ4_RAW'].includes(codec ?? ''));
  return {
    ...(others ? (await import('hyparquet-compressors')).compressors : {}),
    GZIP: (bytes, length) => gunzipSync(bytes, limit(length)),
    ZSTD: (bytes, length) => zstdDecompressSync(bytes, limit(length)),
    BROTLI: (bytes, length) => brotliDecompressSync(bytes, limit(length)),
  };
}

/** A page may not become larger than its header says. */
function limit(length: number): { readonly maxOutputLength: number; readonly chunkSize: number } {
  return { maxOutputLength: Math.max(1, length), chunkSize: Math.max(64, length) };
}

async function* readRowGroup(rowGroup: RowGroup, context: Context): AsyncGenerator<Batch> {
  const rows = Number(rowGroup.num_rows);
  if (rows === 0) return;
  const leaves = await openLeaves(rowGroup, context);
  const tops = context.root.children.map((child) => new TopColumn(child, leaves, context));
  let done = 0;
  while (done < rows) {
    let count = Math.min(batchRows, rows - done);
    for (const leaf of leaves.values()) count = Math.min(count, await leaf.available());
    if (count === 0) throw new Error(`a column has ${done} rows where its row group has ${rows}`);
    yield { rows: count, columns: tops.map((top) => top.take(count)) };
    done += count;
  }
}

async function openLeaves(rowGroup: RowGroup, context: Context): Promise<Map<string, LeafCursor>> {
  const chunks = rowGroup.columns.map(chunkOf);
  const first = Math.min(...chunks.map((chunk) => chunk.start));
  const last = Math.max(...chunks.map((chunk) => chunk.end));
  const whole = last - first <= wholeGroupBytes ? await readRange(context.file, first, last) : undefined;
  const piece = Math.min(mostPieceBytes, Math.max(leastPieceBytes, Math.floor(allPiecesBytes / chunks.length)));
  return new Map(
    chunks.map(({ meta, start, end }) => {
      const schemaPath = getTreePath(context.root, meta.path_in_schema);
      const element = schemaPath.at(-1)?.element ?? { name: '' };
      const decoder = {
        pathInSchema: meta.path_in_schema,
        type: meta.type,
        element,
        schemaPath,
        codec: meta.codec,
        parsers: { ...DEFAULT_PARSERS, ...context.decoding.parsers },
        compressors: context.compressors,
        utf8: false,
      };
      const bytes = new RangeReader(context.file, start, end, piece, whole?.subarray(start - first, end - first));
      return [keyOf(meta.path_in_schema), new LeafCursor(decoder, schemaPath, bytes)];
    }),
  );
}

function chunkOf({ meta_data: meta, file_path: elsewhere }: RowGroup['columns'][number]) {
  if (!meta || elsewhere) throw new Error('column chunk without metadata, or in another file');
  const start = Number(meta.dictionary_page_offset || meta.data_page_offset);
  return { meta, start, end: start + Number(meta.total_compressed_size) };
}

/** A top-level column: one leaf, or the leaves of a nested type put together. */
class TopColumn {
  readonly #tree: SchemaTree;
  readonly #leaves: readonly {
    readonly path: string;
    readonly cursor: LeafCursor;
    readonly convert: Convert | undefined;
  }[];
  readonly #clean: Convert | undefined;

  constructor(tree: SchemaTree, cursors: ReadonlyMap<string, LeafCursor>, { decoding, original }: Context) {
    this.#tree = withKeys(tree);
    this.#leaves = leafElements(original, tree.path).map(({ path, element }) => {
      const cursor = cursors.get(path);
      if (!cursor) throw new Error(`column ${path} is not in the row group`);
      return { path, cursor, convert: decoding.converter(element) };
    });
    const nested = tree.children.length > 0 || tree.element.repetition_type === 'REPEATED';
    this.#clean = nested ? decoding.cleaner(tree) : undefined;
  }

  take(count: number): ArrayLike<unknown> {
    const taken = this.#leaves.map(({ path, cursor, convert }) => {
      const values = cursor.take(count);
      return [path, convert ? convertDeep(values, convert) : values] as const;
    });
    if (!this.#clean) return taken[0]?.[1] ?? [];
    const leaves = new Map<string, DecodedArray>(taken.map(([path, values]) => [path, Array.from(values)]));
    assembleNested(leaves, this.#tree, DEFAULT_PARSERS);
    return Array.from(leaves.get(keyOf(this.#tree.path)) ?? [], this.#clean);
  }
}

/** hyparquet tells columns apart by their names with dots between, which names may have too. */
function keyOf(path: readonly string[]): string {
  return path.map(withoutDots).join('.');
}

function withoutDots(name: string): string {
  return name.replaceAll('.', '\u0000');
}

/** A tree whose places hyparquet calls as `keyOf` does; elements keep their names. */
function withKeys(tree: SchemaTree): SchemaTree {
  return { ...tree, path: tree.path.map(withoutDots), children: tree.children.map(withKeys) };
}

function leafElements(root: SchemaTree, path: readonly string[]): { path: string; element: SchemaElement }[] {
  const found: { path: string; element: SchemaElement }[] = [];
  const visit = (tree: SchemaTree): void => {
    if (tree.children.length === 0) found.push({ path: keyOf(tree.path), element: tree.element });
    else for (const child of tree.children) visit(child);
  };
  const tree = getTreePath(root, [...path]).at(-1);
  if (tree) visit(tree);
  return found;
}

/** Lists are arrays in arrays before they are put together. */
function convertDeep(values: DecodedArray, convert: Convert): unknown[] {
  return Array.from(values, (value: unknown) => {
    if (value === null || value === undefined) return value;
    return Array.isArray(value) ? convertDeep(value, convert) : convert(value);
  });
}

/** Leaves the fields of structs out that are null. */
function cleaner(tree: SchemaTree): Convert {
  if (isListLike(tree)) {
    const repeated = tree.children[0];
    const element = repeated?.children.length === 1 ? repeated.children[0] : repeated;
    return listCleaner(element);
  }
  if (isMapLike(tree)) {
    const value = tree.children[0]?.children[1];
    const clean = value ? cleaner(value) : (one: unknown) => one;
    return (map) => (isPlainObject(map) ? mapValues(map, (one) => (one === undefined ? null : clean(one))) : map);
  }
  const single = tree.children.length > 0 ? structCleaner(tree) : (value: unknown) => value;
  return tree.element.repetition_type === 'REPEATED'
    ? (list) => (Array.isArray(list) ? list.map(single) : list)
    : single;
}

function listCleaner(element: SchemaTree | undefined): Convert {
  const inner = element
    ? cleaner({ ...element, element: { ...element.element, repetition_type: 'REQUIRED' } })
    : undefined;
  return (list) =>
    Array.isArray(list) ? list.map((item) => (item === undefined ? null : (inner?.(item) ?? item))) : list;
}

function structCleaner(tree: SchemaTree): Convert {
  const fields = tree.children.map((child) => ({ name: child.element.name, clean: cleaner(child) }));
  return (struct) => {
    if (!isPlainObject(struct)) return struct;
    const present = fields
      .map(({ name, clean }): [string, unknown] => [name, clean(struct[name])])
      .filter(([, value]) => value !== null && value !== undefined);
    return Object.fromEntries(present);
  };
}

function mapValues(map: Readonly<Record<string, unknown>>, change: Convert): unknown {
  return Object.fromEntries(Object.entries(map).map(([key, value]) => [key, change(value)]));
}

function isPlainObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof Uint8Array);
}
