/** A file that is read by ranges. Errors of its source pass as they are, so that they are not taken for damaged data. */
export interface RangedFile {
  /** Bytes. */
  readonly size: number;
  /** The bytes from `start` to `end` (exclusive). */
  read(start: number, end: number): AsyncIterable<Uint8Array>;
}

/** The whole range in one buffer of its own. Throws when the file ends early. */
export async function readRange(file: RangedFile, start: number, end: number): Promise<Uint8Array<ArrayBuffer>> {
  const bytes = new Uint8Array(end - start);
  let at = 0;
  for await (const chunk of file.read(start, end)) {
    if (at + chunk.length > bytes.length) throw new Error(`more bytes than asked for from ${start} to ${end}`);
    bytes.set(chunk, at);
    at += chunk.length;
  }
  if (at < bytes.length) throw new Error(`file ends at byte ${start + at}, ${bytes.length - at} bytes early`);
  return bytes;
}

/** Consecutive bytes of a range, fetched piece by piece. */
export class RangeReader {
  readonly #file: RangedFile;
  readonly #end: number;
  readonly #pieceBytes: number;
  /** The bytes at hand begin at `#start` in the file. */
  #bytes: Uint8Array<ArrayBuffer>;
  #start: number;
  /** Position in the file. */
  #at: number;

  constructor(file: RangedFile, start: number, end: number, pieceBytes: number, known?: Uint8Array<ArrayBuffer>) {
    this.#file = file;
    this.#start = start;
    this.#at = start;
    this.#end = end;
    this.#pieceBytes = pieceBytes;
    this.#bytes = known ?? new Uint8Array(0);
  }

  get done(): boolean {
    return this.#at >= this.#end;
  }

  /** At least `size` bytes from here on where the range has them; fewer at its end. */
  async peek(size: number): Promise<Uint8Array<ArrayBuffer>> {
    const wanted = Math.min(size, this.#end - this.#at);
    const from = this.#at - this.#start;
    if (this.#bytes.length - from < wanted) {
      const end = Math.min(this.#end, this.#at + Math.max(wanted, this.#pieceBytes));
      this.#bytes = await readRange(this.#file, this.#at, end);
      this.#start = this.#at;
      return this.#bytes;
    }
    return this.#bytes.subarray(from);
  }

  skip(size: number): void {
    this.#at += size;
  }
}
