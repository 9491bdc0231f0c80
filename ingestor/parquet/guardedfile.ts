import { unreadable } from '../engine/readers/reader.ts';
import type { RangedFile } from './rangedfile.ts';

/** A file of Parquet whose reading tells errors of its source from damage of the data in it. */
export class GuardedFile implements RangedFile {
  readonly size: number;
  readonly #file: RangedFile;
  readonly #counted: (bytes: number) => void;
  #failed: { readonly error: unknown } | undefined;

  /** `counted` is told of the bytes that are fetched. */
  constructor(file: RangedFile, counted: (bytes: number) => void = () => {}) {
    this.size = file.size;
    this.#file = file;
    this.#counted = counted;
  }

  async *read(start: number, end: number): AsyncGenerator<Uint8Array> {
    try {
      for await (const chunk of this.#file.read(start, end)) {
        this.#counted(chunk.length);
        yield chunk;
      }
    } catch (error) {
      this.#failed = { error };
      throw error;
    }
  }

  /** What hyparquet throws means that the file is damaged (UnreadableFile), unless the source had failed. */
  async guard<T>(decoding: Promise<T>): Promise<T> {
    try {
      return await decoding;
    } catch (error) {
      if (this.#failed) throw this.#failed.error;
      const problem = error instanceof Error ? error.message : String(error);
      throw unreadable(`is no Parquet file that can be read: ${problem}`, error);
    }
  }
}
