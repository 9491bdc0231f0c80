/** One column chunk: the pages of a leaf are compressed and appended to a file, and what readers must know of them is kept. */
import { crc32 } from 'node:zlib';
import type { LeafType } from '../kernel/shape.ts';
import { compareBounds, cutLower, cutUpper } from './bounds.ts';
import type { Codec } from './compress.ts';
import type { EncodedColumn, EncodedDataPage, EncodedPage } from './encoded.ts';
import {
  type Bound,
  type BoundaryOrder,
  type ChunkFacts,
  columnIndex,
  offsetIndex,
  type PageBounds,
  type PagePlace,
  pageHeader,
} from './footer.ts';
import type { SinkWriter } from './sinkwriter.ts';

/** Of text, statistics and page bounds have so many bytes at most, as other writers' do. */
const boundLimit = { bytes: 64, characters: Number.POSITIVE_INFINITY };

/** The pages lie in the kernel's memory, so nobody may call it meanwhile. `worked` is told of each page's bytes before compression. */
export async function appendColumn(
  type: LeafType,
  encoded: EncodedColumn,
  codec: Codec,
  out: SinkWriter,
  worked: (bytes: number) => Promise<void>,
): Promise<ChunkFacts> {
  const { dictionary, pages } = encoded;
  const start = out.offset;
  let headerBytes = 0;
  const append = async ({ encoding, entries, bytes: page }: EncodedPage, isDictionary: boolean): Promise<void> => {
    const bytes = page.length;
    const compressed = codec.compress(page);
    const checksum = crc32(compressed);
    const header = pageHeader({ isDictionary, encoding, entries, bytes, compressedBytes: compressed.length, checksum });
    headerBytes += header.length;
    out.append(header);
    out.append(compressed);
    if (out.isFull) await out.flush();
    await worked(bytes);
  };
  if (dictionary) await append(dictionary, true);
  const dataOffset = out.offset;
  const places: PagePlace[] = [];
  let firstRow = 0;
  for (const page of pages) {
    const offset = out.offset;
    await append(page, false);
    places.push({ offset, length: out.offset - offset, firstRow });
    firstRow += page.rows;
  }
  const bytes = [dictionary, ...pages].reduce((sum, page) => sum + (page?.bytes.length ?? 0), headerBytes);
  return {
    encoding: pages[0]?.encoding ?? 0,
    pages: pages.length,
    entries: encoded.entries,
    nulls: encoded.nulls,
    min: bound(encoded.min, isText(type) ? cutLower : undefined),
    max: bound(encoded.max, isText(type) ? cutUpper : undefined),
    bytes,
    compressedBytes: out.offset - start,
    dictionaryOffset: dictionary && start,
    dataOffset,
    bloomFilter: undefined,
    columnIndex: indexOf(type, pages),
    offsetIndex: offsetIndex(places),
  };
}

type Cut = typeof cutUpper;

function isText(type: LeafType): boolean {
  return type === 'string' || type === 'json';
}

function bound(value: Uint8Array | undefined, cut: Cut | undefined): Bound | undefined {
  if (!value || !cut) return value && { bytes: value, isExact: true };
  const bytes = cut(value, boundLimit);
  // A copy, where it is the start of a long text.
  return bytes && { bytes: new Uint8Array(bytes), isExact: bytes === value };
}

/** Undefined where a page has values and no bounds: NaN alone, or text that nothing short is greater than. */
function indexOf(type: LeafType, pages: readonly EncodedDataPage[]): Uint8Array | undefined {
  const bounds = pages.map((page) => pageBounds(type, page));
  if (bounds.some((bound, index) => !bound && !holdsNullsAlone(pages[index]))) return undefined;
  const nulls = pages.map((page) => page.nulls);
  return columnIndex(
    bounds,
    nulls,
    orderOf(
      type,
      bounds.filter((bound) => bound !== undefined),
    ),
  );
}

function pageBounds(type: LeafType, { min, max }: EncodedDataPage): PageBounds | undefined {
  if (!min || !max) return undefined;
  if (!isText(type)) return { min, max };
  const upper = cutUpper(max, boundLimit);
  return upper && { min: cutLower(min, boundLimit), max: upper };
}

function holdsNullsAlone(page: EncodedDataPage | undefined): boolean {
  return page !== undefined && page.nulls === page.entries;
}

function orderOf(type: LeafType, bounds: readonly PageBounds[]): BoundaryOrder {
  let [ascending, descending] = [true, true];
  for (const [index, { min, max }] of bounds.slice(1).entries()) {
    const before = bounds[index];
    if (!before) break;
    const [lower, upper] = [compareBounds(type, before.min, min), compareBounds(type, before.max, max)];
    if (lower > 0 || upper > 0) ascending = false;
    if (lower < 0 || upper < 0) descending = false;
  }
  return ascending ? 'ascending' : descending ? 'descending' : 'unordered';
}
