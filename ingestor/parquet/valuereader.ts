/** Values of a page in their order, decoded piece by piece. */
import type { Encoding, ParquetType } from 'hyparquet';
import { ByteCursor } from './bits.ts';
import { DeltaReader, endOfDeltas } from './delta.ts';
import { HybridReader } from './hybrid.ts';

export interface ValueReader {
  /** Puts the next `count` values there. Throws Error when there are fewer. */
  read(output: unknown[], from: number, count: number): void;
}

/** What a column's stored values become. */
export interface ValueType {
  readonly type: ParquetType;
  /** Bytes of a FIXED_LEN_BYTE_ARRAY. */
  readonly length: number;
  /** From a number, a boolean, or a bigint: INT64 past 2^53, INT96 (low 64 bits first). Absent: they stay. */
  readonly fromNumber: ((value: unknown) => unknown) | undefined;
  /** From the bytes between two places of a page, which are not kept. */
  readonly fromBytes: (page: Buffer, start: number, end: number) => unknown;
  /** There may be bigints among the values, or in them. */
  readonly mayBeBig: boolean;
}

/** The bytes of a page that hold its values. */
export interface ValueBytes {
  readonly page: Buffer;
  readonly start: number;
}

/** Throws Error for what no writer writes, or is not known. */
export function valueReader(
  encoding: Encoding | undefined,
  { page, start }: ValueBytes,
  type: ValueType,
  dictionary: Dictionary | undefined,
): ValueReader {
  switch (encoding) {
    case 'PLAIN':
      return plainReader(page, start, type);
    case 'PLAIN_DICTIONARY':
    case 'RLE_DICTIONARY':
      if (!dictionary) throw new Error('a page needs a dictionary that is not there');
      return new DictionaryReader(page, start, dictionary);
    case 'RLE':
      return new BooleanRunReader(page, start, type);
    case 'DELTA_BINARY_PACKED':
      return new DeltaNumberReader(page, start, type);
    case 'DELTA_LENGTH_BYTE_ARRAY':
      return new DeltaLengthReader(page, start, type);
    case 'DELTA_BYTE_ARRAY':
      return new DeltaPrefixReader(page, start, type);
    case 'BYTE_STREAM_SPLIT':
      return new SplitReader(page, start, type);
    default:
      throw new Error(`pages of encoding ${encoding} are not read`);
  }
}

/** Whose values can be had in any order. */
interface PlainReader extends ValueReader {
  /** The next value is the one of this number. */
  seek(index: number): void;
}

function plainReader(page: Buffer, start: number, type: ValueType): PlainReader {
  if (type.type === 'BYTE_ARRAY') return new PlainTextReader(page, start, type);
  if (type.type === 'BOOLEAN') return new PlainBooleanReader(page, start, type);
  return new PlainNumberReader(page, start, type);
}

/** Booleans are one bit each. */
class PlainBooleanReader implements PlainReader {
  readonly #page: Buffer;
  readonly #start: number;
  readonly #convert: ValueType['fromNumber'];
  #index = 0;

  constructor(page: Buffer, start: number, { fromNumber }: ValueType) {
    this.#page = page;
    this.#start = start;
    this.#convert = fromNumber;
  }

  seek(index: number): void {
    this.#index = index;
  }

  read(output: unknown[], from: number, count: number): void {
    if (this.#start + (this.#index + count) / 8 > this.#page.length) throw endsEarly();
    for (let at = from; at < from + count; at += 1) {
      const value = (((this.#page[this.#start + (this.#index >>> 3)] ?? 0) >>> (this.#index & 7)) & 1) === 1;
      output[at] = this.#convert ? this.#convert(value) : value;
      this.#index += 1;
    }
  }
}

/** One value of a fixed size. */
type ReadOne = (page: Buffer, view: DataView, at: number) => unknown;

/** Numbers, and bytes of a fixed length. */
class PlainNumberReader implements PlainReader {
  readonly #page: Buffer;
  readonly #view: DataView;
  readonly #start: number;
  readonly #width: number;
  readonly #readOne: ReadOne;
  #at: number;

  constructor(page: Buffer, start: number, type: ValueType) {
    this.#page = page;
    this.#view = new DataView(page.buffer, page.byteOffset, page.byteLength);
    this.#start = start;
    this.#at = start;
    this.#width = widthOf(type);
    this.#readOne = readOneOf(type);
  }

  seek(index: number): void {
    this.#at = this.#start + index * this.#width;
  }

  read(output: unknown[], from: number, count: number): void {
    if (this.#at + count * this.#width > this.#page.length) throw endsEarly();
    for (let index = from; index < from + count; index += 1) {
      output[index] = this.#readOne(this.#page, this.#view, this.#at);
      this.#at += this.#width;
    }
  }
}

function widthOf({ type, length }: ValueType): number {
  const width = { BOOLEAN: 0, INT32: 4, INT64: 8, INT96: 12, FLOAT: 4, DOUBLE: 8, BYTE_ARRAY: 0 };
  const found = type === 'FIXED_LEN_BYTE_ARRAY' ? length : width[type];
  if (found > 0) return found;
  throw new Error(type === 'FIXED_LEN_BYTE_ARRAY' ? `values of ${length} bytes` : `no ${type} can be stored like this`);
}

function readOneOf({ type, length, fromNumber, fromBytes }: ValueType): ReadOne {
  if (type === 'FIXED_LEN_BYTE_ARRAY') return (page, _view, at) => fromBytes(page, at, at + length);
  const read = numberReaders[type];
  if (!read) throw new Error(`no ${type} can be stored like this`);
  return fromNumber ? (page, view, at) => fromNumber(read(page, view, at)) : read;
}

const numberReaders: Readonly<Partial<Record<ParquetType, ReadOne>>> = {
  INT32: (_page, view, at) => view.getInt32(at, true),
  INT64: (_page, view, at) => readLong(view, at),
  INT96: (_page, view, at) => (BigInt(view.getInt32(at + 8, true)) << 64n) | view.getBigUint64(at, true),
  FLOAT: (_page, view, at) => view.getFloat32(at, true),
  DOUBLE: (_page, view, at) => view.getFloat64(at, true),
};

function readLong(view: DataView, at: number): number | bigint {
  const value = view.getInt32(at + 4, true) * 2 ** 32 + view.getUint32(at, true);
  return Number.isSafeInteger(value) ? value : view.getBigInt64(at, true);
}

/** Bytes with their length before them. */
class PlainTextReader implements PlainReader {
  readonly #page: Buffer;
  readonly #start: number;
  readonly #convert: ValueType['fromBytes'];
  #at: number;
  /** Where values begin, once any of them was asked for. */
  #places: Uint32Array | undefined;

  constructor(page: Buffer, start: number, { fromBytes }: ValueType) {
    this.#page = page;
    this.#start = start;
    this.#at = start;
    this.#convert = fromBytes;
  }

  seek(index: number): void {
    this.#places ??= this.#findPlaces();
    this.#at = this.#places[index] ?? this.#page.length;
  }

  read(output: unknown[], from: number, count: number): void {
    const page = this.#page;
    for (let index = from; index < from + count; index += 1) {
      const start = this.#at + 4;
      const end = start + lengthAt(page, this.#at);
      if (end > page.length) throw endsEarly();
      output[index] = this.#convert(page, start, end);
      this.#at = end;
    }
  }

  #findPlaces(): Uint32Array {
    const places = new Uint32Array((this.#page.length - this.#start) >>> 2);
    let count = 0;
    for (let at = this.#start; at + 4 <= this.#page.length; at += 4 + lengthAt(this.#page, at)) {
      places[count] = at;
      count += 1;
    }
    return places.slice(0, count);
  }
}

function lengthAt(page: Buffer, at: number): number {
  if (at + 4 > page.length) throw endsEarly();
  const high = page[at + 3] ?? 0;
  return high * 2 ** 24 + ((page[at] ?? 0) | ((page[at + 1] ?? 0) << 8) | ((page[at + 2] ?? 0) << 16));
}

/** Values by their number. */
export class Dictionary {
  readonly #values: unknown[] = [];
  readonly #plain: PlainReader;
  readonly #count: number;

  /** Throws Error when there are fewer than `count`. */
  constructor({ page, start }: ValueBytes, count: number, type: ValueType) {
    this.#plain = plainReader(page, start, type);
    this.#count = count;
    if (page.length <= mostKeptBytes && count <= mostKept) this.#plain.read(this.#values, 0, count);
  }

  get(index: number): unknown {
    if (index >= this.#count) throw new Error(`a dictionary of ${this.#count} values is asked for value ${index}`);
    if (index < this.#values.length) return this.#values[index];
    const one: unknown[] = [];
    this.#plain.seek(index);
    this.#plain.read(one, 0, 1);
    return one[0];
  }
}

/** Of a larger dictionary than writers make, values are decoded each time: 8 MiB, 262,144 values. */
const mostKeptBytes = 8 * 1024 * 1024;
const mostKept = 2 ** 18;

class DictionaryReader implements ValueReader {
  readonly #dictionary: Dictionary;
  readonly #indices: HybridReader;
  #scratch = new Uint32Array(0);

  constructor(page: Buffer, start: number, dictionary: Dictionary) {
    this.#dictionary = dictionary;
    // A page of nulls alone may be empty.
    this.#indices = new HybridReader(page, start + 1, page.length, page[start] ?? 0);
  }

  read(output: unknown[], from: number, count: number): void {
    if (this.#scratch.length < count) this.#scratch = new Uint32Array(count);
    this.#indices.read(this.#scratch, 0, count);
    for (let at = 0; at < count; at += 1) output[from + at] = this.#dictionary.get(this.#scratch[at] ?? 0);
  }
}

class BooleanRunReader implements ValueReader {
  readonly #page: Buffer;
  readonly #start: number;
  readonly #convert: ValueType['fromNumber'];
  #runs: HybridReader | undefined;
  #scratch = new Uint8Array(0);

  constructor(page: Buffer, start: number, { type, fromNumber }: ValueType) {
    if (type !== 'BOOLEAN') throw new Error(`no ${type} can be stored like this`);
    this.#page = page;
    this.#start = start;
    this.#convert = fromNumber;
  }

  read(output: unknown[], from: number, count: number): void {
    if (count === 0) return;
    this.#runs ??= hybridWithLength(new ByteCursor(this.#page, this.#start, this.#page.length), 1);
    if (this.#scratch.length < count) this.#scratch = new Uint8Array(count);
    this.#runs.read(this.#scratch, 0, count);
    for (let at = 0; at < count; at += 1) {
      const value = this.#scratch[at] === 1;
      output[from + at] = this.#convert ? this.#convert(value) : value;
    }
  }
}

/** Runs with the length of them all before them; the cursor is behind them then. */
export function hybridWithLength(cursor: ByteCursor, width: number): HybridReader {
  const length = cursor.uint32();
  const end = cursor.at + length;
  if (end > cursor.end) throw endsEarly();
  const reader = new HybridReader(cursor.bytes, cursor.at, end, width);
  cursor.at = end;
  return reader;
}

class DeltaNumberReader implements ValueReader {
  readonly #page: Buffer;
  readonly #start: number;
  readonly #bits: 32 | 64;
  readonly #convert: ValueType['fromNumber'];
  #deltas: DeltaReader | undefined;

  constructor(page: Buffer, start: number, { type, fromNumber }: ValueType) {
    if (type !== 'INT32' && type !== 'INT64') throw new Error(`no ${type} can be stored like this`);
    this.#page = page;
    this.#start = start;
    this.#bits = type === 'INT32' ? 32 : 64;
    this.#convert = fromNumber;
  }

  read(output: unknown[], from: number, count: number): void {
    if (count === 0) return;
    this.#deltas ??= new DeltaReader(this.#page, this.#start, this.#page.length, this.#bits);
    for (let at = from; at < from + count; at += 1) {
      const value = this.#deltas.next();
      output[at] = this.#convert ? this.#convert(value) : value;
    }
  }
}

/** The lengths of all values, then their bytes. */
class DeltaLengthReader implements ValueReader {
  readonly #page: Buffer;
  readonly #start: number;
  readonly #convert: ValueType['fromBytes'];
  #lengths: DeltaReader | undefined;
  #at = 0;

  constructor(page: Buffer, start: number, { type, fromBytes }: ValueType) {
    if (type !== 'BYTE_ARRAY') throw new Error(`no ${type} can be stored like this`);
    this.#page = page;
    this.#start = start;
    this.#convert = fromBytes;
  }

  read(output: unknown[], from: number, count: number): void {
    if (count === 0) return;
    const page = this.#page;
    if (!this.#lengths) {
      this.#at = endOfDeltas(page, this.#start, page.length).at;
      this.#lengths = new DeltaReader(page, this.#start, page.length, 32);
    }
    for (let index = from; index < from + count; index += 1) {
      const end = this.#at + Number(this.#lengths.next());
      if (end < this.#at || end > page.length) throw endsEarly();
      output[index] = this.#convert(page, this.#at, end);
      this.#at = end;
    }
  }
}

/** A value may be no longer than pages are: 256 MiB, which each of its neighbours could repeat. */
const mostSharedBytes = 256 * 1024 * 1024;

/** How much of the value before each value begins with, the lengths of the rests, then their bytes. */
class DeltaPrefixReader implements ValueReader {
  readonly #page: Buffer;
  readonly #start: number;
  readonly #type: ValueType;
  #prefixes: DeltaReader | undefined;
  #suffixes: DeltaReader | undefined;
  #at = 0;
  #value: Buffer = Buffer.alloc(64);
  #length = 0;
  /** Bytes that were not in the page: a page must not become without bound larger than it is. */
  #shared = 0;

  constructor(page: Buffer, start: number, type: ValueType) {
    if (type.type !== 'BYTE_ARRAY' && type.type !== 'FIXED_LEN_BYTE_ARRAY')
      throw new Error(`no ${type.type} can be stored like this`);
    this.#page = page;
    this.#start = start;
    this.#type = type;
  }

  read(output: unknown[], from: number, count: number): void {
    if (count === 0) return;
    for (let index = from; index < from + count; index += 1) {
      this.#next();
      output[index] = this.#type.fromBytes(this.#value, 0, this.#length);
    }
  }

  #next(): void {
    const page = this.#page;
    if (!this.#prefixes || !this.#suffixes) {
      const { at } = endOfDeltas(page, this.#start, page.length);
      this.#prefixes = new DeltaReader(page, this.#start, at, 32);
      this.#suffixes = new DeltaReader(page, at, page.length, 32);
      this.#at = endOfDeltas(page, at, page.length).at;
    }
    const [prefix, suffix] = [Number(this.#prefixes.next()), Number(this.#suffixes.next())];
    const end = this.#at + suffix;
    if (prefix < 0 || prefix > this.#length || suffix < 0 || end > page.length) throw endsEarly();
    this.#shared += prefix;
    if (this.#shared > mostSharedBytes) throw new Error(`a page of more than ${mostSharedBytes} bytes`);
    const length = prefix + suffix;
    if (length > this.#value.length) {
      const larger = Buffer.alloc(Math.max(length, 2 * this.#value.length));
      larger.set(this.#value.subarray(0, prefix));
      this.#value = larger;
    }
    this.#value.set(page.subarray(this.#at, end), prefix);
    this.#at = end;
    this.#length = length;
    const { type, length: fixed } = this.#type;
    if (type === 'FIXED_LEN_BYTE_ARRAY' && length !== fixed)
      throw new Error(`a value of ${length} bytes, not ${fixed}`);
  }
}

/** The first bytes of all values, then their second ones, and so on. */
class SplitReader implements ValueReader {
  readonly #page: Buffer;
  readonly #start: number;
  readonly #width: number;
  readonly #count: number;
  readonly #readOne: ReadOne;
  readonly #one: Buffer;
  readonly #view: DataView;
  #index = 0;

  constructor(page: Buffer, start: number, type: ValueType) {
    this.#page = page;
    this.#start = start;
    this.#width = widthOf(type);
    this.#count = Math.floor((page.length - start) / this.#width);
    this.#readOne = readOneOf(type);
    this.#one = Buffer.alloc(this.#width);
    this.#view = new DataView(this.#one.buffer, this.#one.byteOffset, this.#width);
  }

  read(output: unknown[], from: number, count: number): void {
    if (this.#index + count > this.#count) throw endsEarly();
    for (let at = from; at < from + count; at += 1) {
      let place = this.#start + this.#index;
      for (let byte = 0; byte < this.#width; byte += 1) {
        this.#one[byte] = this.#page[place] ?? 0;
        place += this.#count;
      }
      output[at] = this.#readOne(this.#one, this.#view, 0);
      this.#index += 1;
    }
  }
}

function endsEarly(): Error {
  return new Error('a page has fewer values than it says');
}
