/** The structures of a Parquet file's metadata (parquet.thrift of the Parquet format, version 2), in Thrift's bytes. */
import type { SchemaElement } from 'hyparquet';
import { ThriftWriter, thriftTypes } from './thrift.ts';

/** Numbers that parquet.thrift gives. */
const physicalTypes = { BOOLEAN: 0, INT32: 1, INT64: 2, DOUBLE: 5, BYTE_ARRAY: 6 } as const;
const repetitions = { REQUIRED: 0, OPTIONAL: 1, REPEATED: 2 } as const;
const convertedTypes = { UTF8: 0, MAP: 1, LIST: 3, DATE: 6, TIMESTAMP_MICROS: 10 } as const;
const logicalTypes = { STRING: 1, MAP: 2, LIST: 3, DATE: 6, TIMESTAMP: 8 } as const;
const pageTypes = { data: 0, dictionary: 2 } as const;
const [plainEncoding, levelEncoding] = [0, 3];

export interface PageFacts {
  readonly isDictionary: boolean;
  readonly encoding: number;
  /** Of its values. */
  readonly entries: number;
  readonly bytes: number;
  readonly compressedBytes: number;
  /** CRC-32 of the compressed bytes. */
  readonly checksum: number;
}

export function pageHeader({
  isDictionary,
  encoding,
  entries,
  bytes,
  compressedBytes,
  checksum,
}: PageFacts): Uint8Array {
  const out = new ThriftWriter();
  out.fields(() => {
    out.int32(1, isDictionary ? pageTypes.dictionary : pageTypes.data);
    out.int32(2, bytes);
    out.int32(3, compressedBytes);
    out.int32(4, checksum | 0);
    if (isDictionary) {
      out.struct(7, () => {
        out.int32(1, entries);
        out.int32(2, encoding);
      });
      return;
    }
    out.struct(5, () => {
      out.int32(1, entries);
      out.int32(2, encoding);
      out.int32(3, levelEncoding);
      out.int32(4, levelEncoding);
    });
  });
  return out.bytes();
}

export interface Bound {
  readonly bytes: Uint8Array;
  /** False: it was cut, so it may lie beyond all values. */
  readonly isExact: boolean;
}

export interface ChunkFacts {
  /** Of data pages. */
  readonly encoding: number;
  /** Data pages. */
  readonly pages: number;
  readonly entries: number;
  readonly nulls: number;
  readonly min: Bound | undefined;
  readonly max: Bound | undefined;
  /** Bytes with the headers of pages. */
  readonly bytes: number;
  readonly compressedBytes: number;
  /** Where pages begin in the file. */
  readonly dictionaryOffset: number | undefined;
  readonly dataOffset: number;
  /** Undefined: there is none. */
  bloomFilter: Span | undefined;
  readonly columnIndex: Uint8Array | undefined;
  readonly offsetIndex: Uint8Array;
}

export interface Span {
  readonly offset: number;
  readonly length: number;
}

export interface RowGroupFacts {
  readonly rows: number;
  /** One for each leaf. */
  readonly chunks: readonly ChunkFacts[];
}

export interface FileFacts {
  readonly elements: readonly SchemaElement[];
  readonly codec: number;
  readonly rowGroups: readonly RowGroupFacts[];
  /** Leaves by which the rows of each row group are in order, ascending, nulls first. */
  readonly sortedBy: readonly number[];
  readonly createdBy: string;
}

/** Where the indexes of a column chunk are. */
export interface IndexPlaces {
  readonly columnIndex: Span | undefined;
  readonly offsetIndex: Span;
}

/** `places` of each chunk of each row group. */
export function fileMetadata(file: FileFacts, places: readonly (readonly IndexPlaces[])[]): Uint8Array {
  const leaves = leavesOf(file.elements);
  const out = new ThriftWriter();
  out.fields(() => {
    out.int32(1, 2);
    out.list(2, thriftTypes.struct, file.elements, (element) => writeElement(out, element));
    out.int64(
      3,
      file.rowGroups.reduce((sum, { rows }) => sum + rows, 0),
    );
    out.list(4, thriftTypes.struct, [...file.rowGroups.entries()], ([index, rowGroup]) =>
      out.fields(() => writeRowGroup(out, file, rowGroup, index, leaves, places[index] ?? [])),
    );
    out.bytesField(6, file.createdBy);
    // Each column is ordered as its type is.
    out.list(7, thriftTypes.struct, leaves, () => out.fields(() => out.struct(1, () => {})));
  });
  return out.bytes();
}

interface FileLeaf {
  readonly path: readonly string[];
  readonly type: number;
}

/** The columns of the file in their order, with the groups that only Parquet has in their paths. */
function leavesOf(elements: readonly SchemaElement[]): FileLeaf[] {
  const leaves: FileLeaf[] = [];
  let next = 1;
  const visit = (children: number, path: readonly string[]): void => {
    for (let child = 0; child < children; child += 1) {
      const element = elements[next];
      next += 1;
      if (!element) throw new Error('the schema ends early');
      const own = [...path, element.name];
      if (element.num_children === undefined) leaves.push({ path: own, type: numberOf(physicalTypes, element.type) });
      else visit(element.num_children, own);
    }
  };
  visit(elements[0]?.num_children ?? 0, []);
  return leaves;
}

function writeElement(out: ThriftWriter, element: SchemaElement): void {
  const { type, repetition_type: repetition, converted_type: converted, logical_type: logical } = element;
  out.fields(() => {
    out.int32(1, type && numberOf(physicalTypes, type));
    out.int32(3, repetition && numberOf(repetitions, repetition));
    out.bytesField(4, element.name);
    out.int32(5, element.num_children);
    out.int32(6, converted && numberOf(convertedTypes, converted));
    out.int32(9, element.field_id);
    if (!logical) return;
    out.struct(10, () => {
      out.struct(numberOf(logicalTypes, logical.type), () => {
        if (logical.type === 'TIMESTAMP') writeMicroseconds(out);
      });
    });
  });
}

/** Since 1970 in UTC: the one kind of timestamp that is written. */
function writeMicroseconds(out: ThriftWriter): void {
  out.boolean(1, true);
  out.struct(2, () => out.struct(2, () => {}));
}

function numberOf(numbers: Readonly<Record<string, number>>, name: string | undefined): number {
  const found = numbers[name ?? ''];
  if (found === undefined) throw new Error(`no ${name} is written`);
  return found;
}

function writeRowGroup(
  out: ThriftWriter,
  { codec, sortedBy }: FileFacts,
  { rows, chunks }: RowGroupFacts,
  index: number,
  leaves: readonly FileLeaf[],
  places: readonly IndexPlaces[],
): void {
  out.list(1, thriftTypes.struct, [...chunks.entries()], ([leaf, chunk]) =>
    out.fields(() => {
      // Metadata stands here and nowhere else, so there is no offset of it.
      out.int64(2, 0);
      out.struct(3, () => writeChunk(out, chunk, leaves[leaf], codec));
      const { columnIndex, offsetIndex } = places[leaf] ?? {};
      out.int64(4, offsetIndex?.offset);
      out.int32(5, offsetIndex?.length);
      out.int64(6, columnIndex?.offset);
      out.int32(7, columnIndex?.length);
    }),
  );
  const [first] = chunks;
  out.int64(2, sumOf(chunks, 'bytes'));
  out.int64(3, rows);
  if (sortedBy.length > 0) {
    out.list(4, thriftTypes.struct, sortedBy, (leaf) =>
      out.fields(() => {
        out.int32(1, leaf);
        out.boolean(2, false);
        out.boolean(3, true);
      }),
    );
  }
  out.int64(5, first && startOf(first));
  out.int64(6, sumOf(chunks, 'compressedBytes'));
  if (index < 2 ** 15) out.int16(7, index);
}

export function startOf({ dictionaryOffset, dataOffset }: ChunkFacts): number {
  return dictionaryOffset ?? dataOffset;
}

function sumOf(chunks: readonly ChunkFacts[], member: 'bytes' | 'compressedBytes'): number {
  return chunks.reduce((sum, chunk) => sum + chunk[member], 0);
}

function writeChunk(out: ThriftWriter, chunk: ChunkFacts, leaf: FileLeaf | undefined, codec: number): void {
  const { encoding, pages, dictionaryOffset, bloomFilter } = chunk;
  const encodings = dictionaryOffset === undefined ? [encoding] : [plainEncoding, encoding];
  out.int32(1, leaf?.type);
  out.list(2, thriftTypes.int32, [...encodings, levelEncoding], (one) => out.intItem(one));
  out.list(3, thriftTypes.bytes, leaf?.path, (name) => out.bytesItem(name));
  out.int32(4, codec);
  out.int64(5, chunk.entries);
  out.int64(6, chunk.bytes);
  out.int64(7, chunk.compressedBytes);
  out.int64(9, chunk.dataOffset);
  out.int64(11, dictionaryOffset);
  out.struct(12, () => writeStatistics(out, chunk));
  const dictionaries = { type: pageTypes.dictionary, encoding: plainEncoding, count: 1 };
  const data = { type: pageTypes.data, encoding, count: pages };
  out.list(13, thriftTypes.struct, dictionaryOffset === undefined ? [data] : [dictionaries, data], (one) =>
    out.fields(() => {
      out.int32(1, one.type);
      out.int32(2, one.encoding);
      out.int32(3, one.count);
    }),
  );
  out.int64(14, bloomFilter?.offset);
  out.int32(15, bloomFilter?.length);
}

function writeStatistics(out: ThriftWriter, { nulls, min, max }: ChunkFacts): void {
  out.int64(3, nulls);
  out.bytesField(5, max?.bytes);
  out.bytesField(6, min?.bytes);
  out.boolean(7, max?.isExact);
  out.boolean(8, min?.isExact);
}

export interface PageBounds {
  readonly min: Uint8Array;
  readonly max: Uint8Array;
}

export type BoundaryOrder = 'unordered' | 'ascending' | 'descending';

const boundaryOrders = { unordered: 0, ascending: 1, descending: 2 } as const;

/** `bounds` of each page; undefined: it holds nulls alone. */
export function columnIndex(
  bounds: readonly (PageBounds | undefined)[],
  nulls: readonly number[],
  order: BoundaryOrder,
): Uint8Array {
  const nothing = new Uint8Array();
  const out = new ThriftWriter();
  out.fields(() => {
    out.list(1, thriftTypes.boolean, bounds, (page) => out.booleanItem(page === undefined));
    out.list(2, thriftTypes.bytes, bounds, (page) => out.bytesItem(page?.min ?? nothing));
    out.list(3, thriftTypes.bytes, bounds, (page) => out.bytesItem(page?.max ?? nothing));
    out.int32(4, boundaryOrders[order]);
    out.list(5, thriftTypes.int64, nulls, (count) => out.intItem(count));
  });
  return out.bytes();
}

export interface PagePlace {
  readonly offset: number;
  /** With its header. */
  readonly length: number;
  readonly firstRow: number;
}

export function offsetIndex(pages: readonly PagePlace[]): Uint8Array {
  const out = new ThriftWriter();
  out.fields(() => {
    out.list(1, thriftTypes.struct, pages, ({ offset, length, firstRow }) =>
      out.fields(() => {
        out.int64(1, offset);
        out.int32(2, length);
        out.int64(3, firstRow);
      }),
    );
  });
  return out.bytes();
}

/** What stands before the bits: the one algorithm, hash and compression that the format has. */
export function bloomFilterHeader(bytes: number): Uint8Array {
  const out = new ThriftWriter();
  const only = (field: number) => out.struct(field, () => out.struct(1, () => {}));
  out.fields(() => {
    out.int32(1, bytes);
    only(2);
    only(3);
    only(4);
  });
  return out.bytes();
}
