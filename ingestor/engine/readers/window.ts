/** The bytes of a stream that are still needed, in one buffer: appended at the end, dropped from the start. */
/** Read at once, so that what is done once for many records is done seldom. */
const gatheredBytes = 512 * 1024;

const leastBytes = 256 * 1024;

export class Window {
  buffer: Buffer = Buffer.alloc(0);
  /** The bytes in use are `buffer[start..end)`. */
  start = 0;
  end = 0;
  /** Offset in the file of `buffer[0]`. */
  #base: number;

  /** `base`: where in the file the first byte that is appended stands. */
  constructor(base = 0) {
    this.#base = base;
  }

  /** Takes bytes for its own in place of all that it has. */
  adopt(bytes: Uint8Array): void {
    this.buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
    this.start = 0;
    this.end = bytes.length;
  }

  /** Positions in `buffer` from before are off by `moved` afterwards. */
  append(chunk: Uint8Array): { readonly moved: number } {
    const moved = this.#makeRoom(chunk.length);
    this.buffer.set(chunk, this.end);
    this.end += chunk.length;
    return { moved };
  }

  dropTo(position: number): void {
    this.start = position;
  }

  offsetOf(position: number): number {
    return this.#base + position;
  }

  /** May lie outside of what is at hand. */
  positionOf(offset: number): number {
    return offset - this.#base;
  }

  get length(): number {
    return this.end - this.start;
  }

  /** It should get more bytes before it is read: not when it has a record's worth, or all of a part that ends at `partEnd`. */
  waits(partEnd: number, maxRecordBytes: number): boolean {
    return this.length < Math.min(gatheredBytes, maxRecordBytes) && this.offsetOf(this.end) < partEnd;
  }

  #makeRoom(size: number): number {
    if (this.end + size <= this.buffer.length) return 0;
    const moved = this.start;
    // Doubling keeps the copying of a record that comes in many chunks linear.
    const needed = this.length + size;
    const target =
      needed <= this.buffer.length
        ? this.buffer
        : Buffer.allocUnsafe(Math.max(needed, leastBytes, 2 * this.buffer.length));
    this.buffer.copy(target, 0, this.start, this.end);
    this.buffer = target;
    this.#base += moved;
    this.end -= moved;
    this.start = 0;
    return moved;
  }
}
