/** What the kernel makes of one leaf of one row group: pages that are encoded and not compressed yet. */

export interface EncodedPage {
  /** The page's bytes without header: of a data page (version 1) levels and values. In the kernel's memory: good until its next call. */
  readonly bytes: Uint8Array;
  /** Parquet's number of the encoding of its values (`Encoding` in parquet.thrift). */
  readonly encoding: number;
  /** Entries, nulls and empty lists among them; of a dictionary page, its values. */
  readonly entries: number;
}

export interface EncodedDataPage extends EncodedPage {
  /** Rows that begin in it; each page begins with one. */
  readonly rows: number;
  readonly nulls: number;
  /** Least and greatest value as `PLAIN` encodes one (of text, its bytes; of a boolean, 0 or 1); absent where all are null, or NaN. */
  readonly min?: Uint8Array;
  readonly max?: Uint8Array;
}

export interface EncodedColumn {
  readonly dictionary?: EncodedPage;
  readonly pages: readonly EncodedDataPage[];
  readonly entries: number;
  readonly nulls: number;
  /** Of doubles. */
  readonly nans: number;
  readonly min?: Uint8Array;
  readonly max?: Uint8Array;
}

/** Which rows, and how they are encoded. */
export interface EncodeSettings {
  /** Numbers of rows in the order in which they are written; absent: all, as they came. */
  readonly rows?: Uint32Array;
  /** Data pages end at about this many bytes, at the end of a row. */
  readonly pageBytes: number;
  /** Data pages have at most this many rows. */
  readonly pageRows: number;
}
