/** Thrift's compact protocol, as far as the structures of Parquet are written in it. Fields that are undefined are left out. */

/** Numbers of types, as lists name those of their items. */
export const thriftTypes = { boolean: 1, int32: 5, int64: 6, bytes: 8, struct: 12 } as const;

const [typeTrue, typeFalse, typeInt16, typeList] = [1, 2, 4, 9] as const;

export class ThriftWriter {
  #buffer = Buffer.allocUnsafe(256);
  #length = 0;
  /** Number of the field before, in the struct at hand. */
  #last = 0;

  /** What was written, in a buffer of its own: part of a larger one would keep all of that. */
  bytes(): Uint8Array {
    return new Uint8Array(this.#buffer.subarray(0, this.#length));
  }

  /** The fields of a struct that is not a field itself: the outermost, or an item of a list. */
  fields(write: () => void): void {
    const outer = this.#last;
    this.#last = 0;
    write();
    this.#byte(0);
    this.#last = outer;
  }

  struct(field: number, write: () => void): void {
    this.#head(field, thriftTypes.struct);
    this.fields(write);
  }

  boolean(field: number, value: boolean | undefined): void {
    if (value !== undefined) this.#head(field, value ? typeTrue : typeFalse);
  }

  int16(field: number, value: number | undefined): void {
    this.#number(field, typeInt16, value);
  }

  int32(field: number, value: number | undefined): void {
    this.#number(field, thriftTypes.int32, value);
  }

  /** As far as numbers are exact. */
  int64(field: number, value: number | undefined): void {
    this.#number(field, thriftTypes.int64, value);
  }

  bytesField(field: number, value: Uint8Array | string | undefined): void {
    if (value === undefined) return;
    this.#head(field, thriftTypes.bytes);
    this.bytesItem(value);
  }

  /** `write` writes one item: with `fields`, or with one of those below. */
  list<T>(field: number, type: number, items: readonly T[] | undefined, write: (item: T) => void): void {
    if (!items) return;
    this.#head(field, typeList);
    const { length } = items;
    if (length < 15) {
      this.#byte((length << 4) | type);
    } else {
      this.#byte(0xf0 | type);
      this.#varint(length);
    }
    for (const item of items) write(item);
  }

  booleanItem(value: boolean): void {
    this.#byte(value ? typeTrue : typeFalse);
  }

  /** Of 32 or 64 bits. */
  intItem(value: number): void {
    this.#zigzag(value);
  }

  bytesItem(value: Uint8Array | string): void {
    const bytes = typeof value === 'string' ? Buffer.from(value) : value;
    this.#varint(bytes.length);
    this.#room(bytes.length);
    this.#buffer.set(bytes, this.#length);
    this.#length += bytes.length;
  }

  #number(field: number, type: number, value: number | undefined): void {
    if (value === undefined) return;
    this.#head(field, type);
    this.#zigzag(value);
  }

  #head(field: number, type: number): void {
    const step = field - this.#last;
    if (step > 0 && step < 16) {
      this.#byte((step << 4) | type);
    } else {
      this.#byte(type);
      this.#zigzag(field);
    }
    this.#last = field;
  }

  #zigzag(value: number): void {
    if (Math.abs(value) < 2 ** 52) this.#varint(value < 0 ? -2 * value - 1 : 2 * value);
    else throw new RangeError(`${value} is too large for a file's metadata`);
  }

  #varint(value: number): void {
    let rest = value;
    while (rest >= 0x80) {
      this.#byte((rest % 0x80) | 0x80);
      rest = Math.floor(rest / 0x80);
    }
    this.#byte(rest);
  }

  #byte(value: number): void {
    this.#room(1);
    this.#buffer[this.#length] = value;
    this.#length += 1;
  }

  #room(bytes: number): void {
    const needed = this.#length + bytes;
    if (needed <= this.#buffer.length) return;
    const larger = Buffer.allocUnsafe(Math.max(needed, 2 * this.#buffer.length));
    larger.set(this.#buffer.subarray(0, this.#length));
    this.#buffer = larger;
  }
}
