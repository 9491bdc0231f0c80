/**
 * Parquet files to batches of values, by ranged reads. A row group is read whole only where it is small; else each column
 * is read piece by piece, so that memory depends on the number of columns and the size of their pages, not on the file.
 */
import type { FileMetaData, RowGroup, SchemaTree } from 'hyparquet';
import { parquetMetadataAsync, parquetSchema } from 'hyparquet';
import { type Assembler, assemblerOf, type Levels, leavesOf, levelsOf, type Shape } from './assembler.ts';
import { jsonShape } from './jsonshape.ts';
import { heldOf, LeafCursor } from './leaf.ts';
import { type RangedFile, RangeReader, readRange } from './rangedfile.ts';
import type { ValueType } from './valuereader.ts';

export interface ParquetFile {
  /** Names of the top-level columns. */
  readonly names: readonly string[];
  /** The columns as they stand in the file. */
  readonly tree: SchemaTree;
  readonly rows: number;
  readonly rowGroups: readonly RowGroupFacts[];
  /** Rows in their order, as many at a time as memory allows. Throws Error for what is no Parquet or is damaged. */
  batches(selection?: Selection): AsyncGenerator<Batch>;
}

export interface RowGroupFacts {
  readonly rows: number;
  /** As stored. */
  readonly bytes: number;
}

export interface Selection {
  /** What is made of the columns. Default: of each one, values as JSON has them. Undefined: nulls. */
  readonly shapes?: readonly (Shape | undefined)[];
  /** Row groups, by their numbers. Default: all. */
  readonly start?: number;
  readonly end?: number;
}

export interface Batch {
  readonly rows: number;
  /** One for each shape. */
  readonly columns: readonly BatchColumn[];
}

export interface BatchColumn {
  /** Null or undefined where there is none. */
  readonly values: readonly unknown[];
  /** There may be bigints among them, or in them. */
  readonly hasBig: boolean;
}

/** Reads the footer. Throws Error for what is no Parquet. */
export async function openParquet(file: RangedFile): Promise<ParquetFile> {
  if (file.size < 12) throw new Error('file is too short');
  const metadata = await readMetadata(file);
  const tree = parquetSchema(metadata);
  return {
    names: tree.children.map(({ element }) => element.name),
    tree,
    rows: Number(metadata.num_rows),
    rowGroups: metadata.row_groups.map((rowGroup) => ({
      rows: Number(rowGroup.num_rows),
      bytes: storedBytes(rowGroup),
    })),
    async *batches({ shapes = tree.children.map(jsonShape), start = 0, end = metadata.row_groups.length } = {}) {
      const context = { file, shapes, levels: levelsOf(tree) };
      for (const rowGroup of metadata.row_groups.slice(start, end)) yield* readRowGroup(rowGroup, context);
    },
  };
}

function storedBytes({ columns }: RowGroup): number {
  return columns.reduce((sum, { meta_data: meta }) => sum + Number(meta?.total_compressed_size ?? 0n), 0);
}

interface Context {
  readonly file: RangedFile;
  readonly shapes: readonly (Shape | undefined)[];
  readonly levels: ReadonlyMap<SchemaTree, Levels>;
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

async function* readRowGroup(rowGroup: RowGroup, context: Context): AsyncGenerator<Batch> {
  const rows = Number(rowGroup.num_rows);
  if (rows === 0) return;
  const cursors = await openLeaves(rowGroup, context);
  const leaves = [...cursors.values()];
  const columns = context.shapes.map((shape) => shape && new TopColumn(shape, cursors, context.levels));
  let done = 0;
  while (done < rows) {
    let count = Math.min(batchRows, rows - done);
    for (const leaf of leaves) {
      if (leaf.rows === 0) await leaf.fill();
      count = Math.min(count, leaf.rows);
    }
    if (count === 0) throw new Error(`a column has ${done} rows where its row group has ${rows}`);
    yield { rows: count, columns: columns.map((column) => column?.take(count) ?? noColumn) };
    for (const leaf of leaves) leaf.took(count);
    done += count;
  }
  for (const leaf of leaves) leaf.finish();
}

const noColumn: BatchColumn = { values: [], hasBig: false };

async function openLeaves(
  rowGroup: RowGroup,
  { file, shapes, levels }: Context,
): Promise<ReadonlyMap<SchemaTree, LeafCursor>> {
  const chunks = chunksOf(rowGroup, shapes);
  const first = chunks.reduce((least, { start }) => Math.min(least, start), file.size);
  const last = chunks.reduce((most, { end }) => Math.max(most, end), 0);
  const whole = last > first && last - first <= wholeGroupBytes ? await readRange(file, first, last) : undefined;
  const piece = Math.min(mostPieceBytes, Math.max(leastPieceBytes, Math.floor(allPiecesBytes / chunks.length)));
  const held = heldOf(chunks.length);
  const cursors = new Map<SchemaTree, LeafCursor>();
  for (const { tree, values, codec, start, end } of chunks) {
    const own = levels.get(tree);
    const column = {
      values,
      maxDefinition: own?.definition ?? 0,
      maxRepetition: own?.repetition ?? 0,
      codec,
    };
    const bytes = new RangeReader(file, start, end, piece, whole?.subarray(start - first, end - first));
    cursors.set(tree, new LeafCursor(`column ${tree.path.join('.')}`, column, bytes, held));
  }
  return cursors;
}

/** The column chunks that the shapes need. */
function chunksOf({ columns }: RowGroup, shapes: readonly (Shape | undefined)[]) {
  const found = new Map(columns.map((chunk) => [keyOf(chunk.meta_data?.path_in_schema ?? []), chunk]));
  if (found.size < columns.length) throw new Error('a column is there twice');
  return shapes
    .flatMap((shape) => (shape ? leavesOf(shape) : []))
    .map(({ tree, values }: { readonly tree: SchemaTree; readonly values: ValueType }) => {
      const { meta_data: meta, file_path: elsewhere } = found.get(keyOf(tree.path)) ?? {};
      if (!meta || elsewhere) throw new Error(`column ${tree.path.join('.')} is not in the row group`);
      if (meta.type !== tree.element.type)
        throw new Error(`column ${tree.path.join('.')} is ${meta.type} in a row group`);
      const start = Number(meta.dictionary_page_offset || meta.data_page_offset);
      const end = start + Number(meta.total_compressed_size);
      if (!(start >= 0 && end >= start)) throw new Error(`column ${tree.path.join('.')} has no place in the file`);
      return { tree, values, codec: meta.codec, start, end };
    });
}

/** Names may have dots, and any other character. */
function keyOf(path: readonly string[]): string {
  return JSON.stringify(path);
}

class TopColumn {
  readonly #assembler: Assembler;
  readonly #leaves: readonly LeafCursor[];

  constructor(shape: Shape, cursors: ReadonlyMap<SchemaTree, LeafCursor>, levels: ReadonlyMap<SchemaTree, Levels>) {
    this.#assembler = assemblerOf(shape, { cursors, levels });
    this.#leaves = leavesOf(shape).flatMap(({ tree }) => cursors.get(tree) ?? []);
  }

  take(count: number): BatchColumn {
    const values: unknown[] = [];
    for (let row = 0; row < count; row += 1) values.push(this.#assembler.next(0));
    return { values, hasBig: this.#leaves.some(({ hasBig }) => hasBig) };
  }
}
