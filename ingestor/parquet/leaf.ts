/** The values of one leaf column in one row group, page by page: only the page at hand and the dictionary are in memory. */
import type { Compressors, DecodedArray, SchemaTree } from 'hyparquet';
import { parquetHeader, readPage } from 'hyparquet/src/column.js';
import { convert } from 'hyparquet/src/convert.js';
import { getMaxRepetitionLevel } from 'hyparquet/src/schema.js';
import type { ColumnDecoder, PageHeader } from 'hyparquet/src/types.js';
import type { RangeReader } from './rangedfile.ts';

export type LeafDecoder = ColumnDecoder & { readonly compressors: Compressors };

/** A page larger than this is taken for damage: writers aim at 1 MiB, dictionaries at a few. 256 MiB. */
const maxPageBytes = 256 * 1024 * 1024;
/** A page header is some 50 bytes, more with statistics of long texts. */
const headerBytes = 16 * 1024;

export class LeafCursor {
  readonly decoder: LeafDecoder;
  readonly #bytes: RangeReader;
  readonly #repeated: boolean;
  #dictionary: DecodedArray | undefined;
  /** Rows that were decoded and not taken yet: those from `#at` on. */
  #rows: DecodedArray = [];
  #at = 0;

  constructor(decoder: LeafDecoder, schemaPath: readonly SchemaTree[], bytes: RangeReader) {
    this.decoder = decoder;
    this.#bytes = bytes;
    this.#repeated = getMaxRepetitionLevel([...schemaPath]) > 0;
  }

  /** Number of whole rows that can be taken at once; 0 at the end. */
  async available(): Promise<number> {
    while (this.#whole() === 0 && !this.#bytes.done) await this.#readPage();
    return this.#whole();
  }

  take(count: number): DecodedArray {
    const rows = this.#rows.slice(this.#at, this.#at + count);
    this.#at += count;
    return rows;
  }

  /** The last row of a repeated column may go on in the next page. */
  #whole(): number {
    const rows = this.#rows.length - this.#at;
    return this.#repeated && !this.#bytes.done ? Math.max(0, rows - 1) : rows;
  }

  async #readPage(): Promise<void> {
    const [header, size] = await this.#header();
    const { compressed_page_size: bodySize, uncompressed_page_size: fullSize } = header;
    if (bodySize < 0 || Math.max(bodySize, fullSize) > maxPageBytes) throw new Error(`page of ${fullSize} bytes`);
    const bytes = await this.#bytes.peek(size + bodySize);
    if (bytes.length < size + bodySize) throw new Error('page is longer than its column chunk');
    this.#bytes.skip(size + bodySize);
    const reader = { view: new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength), offset: size };
    if (header.type === 'INDEX_PAGE') return;
    const rest = this.#repeated ? Array.from(this.#rows).slice(this.#at) : undefined;
    const { data } = readPage(reader, header, this.decoder, this.#dictionary, rest, 0);
    if (header.type === 'DICTIONARY_PAGE') {
      this.#dictionary = data && convert(data, this.decoder);
      return;
    }
    this.#rows = data ?? rest ?? [];
    this.#at = 0;
  }

  async #header(): Promise<[PageHeader, number]> {
    for (let size = headerBytes; ; size *= 4) {
      const bytes = await this.#bytes.peek(size);
      const reader = { view: new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength), offset: 0 };
      try {
        return [parquetHeader(reader), reader.offset];
      } catch (error) {
        // A header with long statistics may not have been there whole.
        if (bytes.length < size || size > maxPageBytes) throw error;
      }
    }
  }
}
