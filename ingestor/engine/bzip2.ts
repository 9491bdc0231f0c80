/**
 * Bzip2, whose blocks stand by themselves: each is decoded in one go from bytes that are all there, and given out piece by
 * piece, since repeated bytes can make 46 MB of it. The format: https://github.com/dsnet/compress, doc/bzip2-format.pdf.
 */
import { type Bytes, unreadable } from './readers/reader.ts';

/** Throws UnreadableFile when the data is damaged, ends early, or is followed by something else. */
export async function* bunzip2(bytes: Bytes): AsyncGenerator<Uint8Array> {
  const bits = new BitReader();
  const decoder = new BlockDecoder(bits);
  const iterator = bytes[Symbol.asyncIterator]();
  let atEnd = false;
  let streams = 0;
  try {
    for (;;) {
      while (!atEnd && bits.bytesLeft < mostBlockBytes) {
        const next = await iterator.next();
        if (next.done) atEnd = true;
        else bits.append(next.value);
      }
      if (!decoder.inStream) {
        if (streams > 0 && bits.bytesLeft === 0) return;
        decoder.beginStream(streams > 0);
        streams += 1;
      }
      if (!decoder.nextBlock()) continue;
      for (let piece = decoder.next(); piece; piece = decoder.next()) yield piece;
    }
  } finally {
    await iterator.return?.();
  }
}

/**
 * A block of 900,000 symbols of at most 20 bits, 32,767 selectors of 6 bits, and 6 * 258 code lengths that change by one or
 * two as a rule: 2.3 MB. What claims more runs out of bytes, and is damaged.
 */
const mostBlockBytes = 2_500_000;
/** Given out at once. 256 KiB. */
const pieceBytes = 256 * 1024;

/** `BZh`, before the digit that tells the size of blocks. */
const signature = 0x425a68;
const [magicOfBlock, magicOfEnd] = [0x314159265359, 0x177245385090];
const symbolsPerGroup = 50;
const mostSelectors = 18_002;
const mostCodeBits = 20;
/** Codes up to so many bits are looked up at once. */
const lookupBits = 10;

class BlockDecoder {
  readonly #bits: BitReader;
  inStream = false;
  #blockSize = 0;
  #streamCrc = 0;
  /** Bytes of the block, and for each (from bit 8 on) where the one after it stands: the Burrows-Wheeler transform. */
  #chain = new Uint32Array(0);
  readonly #selectors = new Uint8Array(mostSelectors);
  readonly #codes = Array.from({ length: 6 }, () => new Code());
  readonly #unused = new Uint8Array(256);
  /** Of the block that is given out: bytes left, the next one's place, the checksum. */
  #left = 0;
  #place = 0;
  #crc = 0;
  #expectedCrc = 0;
  /** The byte before, how often it came in a row, and how often it is still to be repeated. */
  #last = -1;
  #inRow = 0;
  #repeats = 0;

  constructor(bits: BitReader) {
    this.#bits = bits;
  }

  beginStream(another: boolean): void {
    const bits = this.#bits;
    const level = bits.peek(24) === signature ? this.#readLevel() : 0;
    if (level < 1 || level > 9) {
      throw unreadable(`Bzip2 data is ${another ? 'followed by something else' : 'damaged'} at byte ${bits.offset}`);
    }
    this.#blockSize = level * 100_000;
    if (this.#chain.length < this.#blockSize) this.#chain = new Uint32Array(this.#blockSize);
    this.#streamCrc = 0;
    this.inStream = true;
  }

  #readLevel(): number {
    this.#bits.skip(24);
    return this.#bits.read(8) - 0x30;
  }

  /** Reads the next block; false when the stream ends instead. */
  nextBlock(): boolean {
    const bits = this.#bits;
    const magic = bits.read(24) * 2 ** 24 + bits.read(24);
    const crc = bits.readWord();
    if (magic === magicOfEnd) {
      if (crc !== this.#streamCrc) throw damaged(bits);
      bits.align();
      this.inStream = false;
      return false;
    }
    if (magic !== magicOfBlock) throw damaged(bits);
    this.#expectedCrc = crc;
    this.#readBlock();
    return true;
  }

  /** The next piece of the block; undefined when all of it was given out. */
  next(): Uint8Array | undefined {
    if (this.#left === 0 && this.#repeats === 0) {
      if (~this.#crc >>> 0 !== this.#expectedCrc) throw damaged(this.#bits);
      this.#streamCrc = (((this.#streamCrc << 1) | (this.#streamCrc >>> 31)) ^ this.#expectedCrc) >>> 0;
      return undefined;
    }
    const piece = Buffer.allocUnsafe(pieceBytes);
    return piece.subarray(0, this.#fill(piece));
  }

  /** Four equal bytes in a row are followed by how many more there are. */
  #fill(piece: Uint8Array): number {
    const chain = this.#chain;
    let [at, left, place, crc] = [0, this.#left, this.#place, this.#crc];
    let [last, inRow, repeats] = [this.#last, this.#inRow, this.#repeats];
    while (at < pieceBytes) {
      if (repeats > 0) {
        repeats -= 1;
        crc = (crc << 8) ^ (crcTable[(crc >>> 24) ^ last] ?? 0);
        piece[at] = last;
        at += 1;
        continue;
      }
      if (left === 0) break;
      const link = chain[place] ?? 0;
      const byte = link & 0xff;
      place = link >>> 8;
      left -= 1;
      if (inRow === 4) {
        inRow = 0;
        repeats = byte;
        continue;
      }
      inRow = byte === last ? inRow + 1 : 1;
      last = byte;
      crc = (crc << 8) ^ (crcTable[(crc >>> 24) ^ byte] ?? 0);
      piece[at] = byte;
      at += 1;
    }
    [this.#left, this.#place, this.#crc] = [left, place, crc];
    [this.#last, this.#inRow, this.#repeats] = [last, inRow, repeats];
    return at;
  }

  #readBlock(): void {
    const bits = this.#bits;
    if (bits.read(1) === 1) throw unreadable('Bzip2 data is randomised, as versions before 0.9.5 wrote it');
    const origin = bits.read(24);
    const used = this.#readUsedBytes();
    this.#readCodes(used + 2);
    const length = this.#readSymbols(used + 1);
    if (origin >= length) throw damaged(bits);
    this.#linkChain(length);
    this.#left = length;
    this.#place = (this.#chain[origin] ?? 0) >>> 8;
    this.#crc = -1;
    [this.#last, this.#inRow, this.#repeats] = [-1, 0, 0];
  }

  /** Which bytes there are in the block, and how many. */
  #readUsedBytes(): number {
    const ranges = this.#bits.read(16);
    let used = 0;
    for (let range = 0; range < 16; range += 1) {
      if (((ranges >>> (15 - range)) & 1) === 0) continue;
      const map = this.#bits.read(16);
      for (let low = 0; low < 16; low += 1) {
        if (((map >>> (15 - low)) & 1) === 0) continue;
        this.#unused[used] = range * 16 + low;
        used += 1;
      }
    }
    if (used === 0) throw damaged(this.#bits);
    return used;
  }

  /** The codes, and which of them each group of 50 symbols is written in. */
  #readCodes(symbols: number): void {
    const bits = this.#bits;
    const codes = bits.read(3);
    const selectors = bits.read(15);
    if (codes < 2 || codes > 6 || selectors === 0) throw damaged(bits);
    const recent = Array.from({ length: codes }, (_, code) => code);
    for (let index = 0; index < selectors; index += 1) {
      let place = 0;
      while (bits.read(1) === 1) {
        place += 1;
        if (place >= codes) throw damaged(bits);
      }
      const [code = 0] = recent.splice(place, 1);
      recent.unshift(code);
      // Some writers round their number up; more than a block can use are passed over.
      if (index < mostSelectors) this.#selectors[index] = code;
    }
    this.#selectors.fill(0xff, selectors);
    for (const code of this.#codes.slice(0, codes)) code.read(bits, symbols);
  }

  /** The bytes of the block, before the transform is undone; `end` is the symbol that ends it. Answers how many. */
  #readSymbols(end: number): number {
    const bits = this.#bits;
    const chain = this.#chain;
    const recent = this.#unused;
    let code = this.#codes[0] ?? new Code();
    let [group, inGroup] = [0, 0];
    let [length, run, runBit] = [0, 0, 1];
    for (;;) {
      if (inGroup === 0) {
        const next = this.#codes[this.#selectors[group] ?? 0xff];
        if (!next) throw damaged(bits);
        code = next;
        group += 1;
        inGroup = symbolsPerGroup;
      }
      inGroup -= 1;
      const symbol = code.decode(bits);
      // Symbols 0 and 1 are the digits 1 and 2 of how often the byte at the front comes, the lowest first.
      if (symbol < 2) {
        run += runBit << symbol;
        runBit <<= 1;
        if (run > this.#blockSize) throw damaged(bits);
        continue;
      }
      if (run > 0) {
        if (length + run > this.#blockSize) throw damaged(bits);
        chain.fill(recent[0] ?? 0, length, length + run);
        length += run;
        [run, runBit] = [0, 1];
      }
      if (symbol === end) return length;
      if (length >= this.#blockSize) throw damaged(bits);
      const byte = recent[symbol - 1] ?? 0;
      for (let at = symbol - 1; at > 0; at -= 1) recent[at] = recent[at - 1] ?? 0;
      recent[0] = byte;
      chain[length] = byte;
      length += 1;
    }
  }

  #linkChain(length: number): void {
    const chain = this.#chain;
    const counts = new Uint32Array(256);
    for (let at = 0; at < length; at += 1) {
      const byte = (chain[at] ?? 0) & 0xff;
      counts[byte] = (counts[byte] ?? 0) + 1;
    }
    // Where the first place of each byte is, in the order of the bytes.
    const places = new Uint32Array(256);
    for (let byte = 1; byte < 256; byte += 1) places[byte] = (places[byte - 1] ?? 0) + (counts[byte - 1] ?? 0);
    for (let at = 0; at < length; at += 1) {
      const byte = (chain[at] ?? 0) & 0xff;
      const place = places[byte] ?? 0;
      places[byte] = place + 1;
      chain[place] = (chain[place] ?? 0) | (at << 8);
    }
  }
}

/** A Huffman code: lengths of up to 20 bits, codes of one length in the order of their symbols. */
class Code {
  /** For each lookup of bits: the symbol, and in its low five bits how many bits it took; 0: a longer code. */
  readonly #lookup = new Uint16Array(1 << lookupBits);
  /** For each length: the first code past it, and what is to be added to a code for its place in `#symbols`. */
  readonly #limits = new Int32Array(mostCodeBits + 2);
  readonly #offsets = new Int32Array(mostCodeBits + 2);
  readonly #symbols = new Uint16Array(258);
  readonly #lengths = new Uint8Array(258);
  #longest = 0;

  read(bits: BitReader, symbols: number): void {
    let length = bits.read(5);
    for (let symbol = 0; symbol < symbols; symbol += 1) {
      for (;;) {
        if (length < 1 || length > mostCodeBits) throw damaged(bits);
        if (bits.read(1) === 0) break;
        length += bits.read(1) === 0 ? 1 : -1;
      }
      this.#lengths[symbol] = length;
    }
    this.#build(symbols);
  }

  #build(symbols: number): void {
    this.#lookup.fill(0);
    let [code, place] = [0, 0];
    for (let length = 1; length <= mostCodeBits; length += 1) {
      this.#offsets[length] = place - code;
      for (let symbol = 0; symbol < symbols; symbol += 1) {
        if (this.#lengths[symbol] !== length) continue;
        this.#symbols[place] = symbol;
        this.#longest = length;
        if (length <= lookupBits) {
          const from = code << (lookupBits - length);
          this.#lookup.fill((symbol << 5) | length, from, from + (1 << (lookupBits - length)));
        }
        place += 1;
        code += 1;
      }
      this.#limits[length] = code;
      code <<= 1;
    }
  }

  decode(bits: BitReader): number {
    const found = this.#lookup[bits.peek(lookupBits)] ?? 0;
    if (found !== 0) {
      bits.skip(found & 31);
      return found >>> 5;
    }
    for (let length = lookupBits + 1; length <= this.#longest; length += 1) {
      const code = bits.peek(length);
      if (code < (this.#limits[length] ?? 0)) {
        bits.skip(length);
        return this.#symbols[code + (this.#offsets[length] ?? 0)] ?? 0;
      }
    }
    throw damaged(bits);
  }
}

/** Bits of bytes, the highest first. */
class BitReader {
  #bytes: Uint8Array = new Uint8Array(0);
  /** Of the next byte that is not among the held bits; the first byte's place in the file. */
  #at = 0;
  #start = 0;
  #end = 0;
  #held = 0;
  #count = 0;

  append(chunk: Uint8Array): void {
    const left = this.#end - this.#at;
    if (this.#end + chunk.length > this.#bytes.length) {
      const target = left + chunk.length > this.#bytes.length ? new Uint8Array(2 * (left + chunk.length)) : this.#bytes;
      target.set(this.#bytes.subarray(this.#at, this.#end));
      this.#bytes = target;
      this.#start += this.#at;
      this.#at = 0;
      this.#end = left;
    }
    this.#bytes.set(chunk, this.#end);
    this.#end += chunk.length;
  }

  /** Whole bytes that were not read. */
  get bytesLeft(): number {
    return this.#end - this.#at + (this.#count >> 3);
  }

  /** Of the next byte in the file. */
  get offset(): number {
    return this.#start + this.#at - (this.#count >> 3);
  }

  /** The next bits, at most 24; zeros after the end. */
  peek(count: number): number {
    while (this.#count < count) {
      this.#held = (this.#held << 8) | (this.#at < this.#end ? (this.#bytes[this.#at] ?? 0) : 0);
      this.#at += 1;
      this.#count += 8;
    }
    return (this.#held >>> (this.#count - count)) & ((1 << count) - 1);
  }

  skip(count: number): void {
    this.#count -= count;
    if (this.#at - (this.#count >> 3) > this.#end) throw unreadable('Bzip2 data ends early');
  }

  read(count: number): number {
    const value = this.peek(count);
    this.skip(count);
    return value;
  }

  readWord(): number {
    return this.read(16) * 2 ** 16 + this.read(16);
  }

  /** Passes over what is left of a byte. */
  align(): void {
    this.#count -= this.#count & 7;
  }
}

/** Most significant bit first, polynomial 0x04c11db7. */
const crcTable = Int32Array.from({ length: 256 }, (_, byte) => {
  let crc = byte << 24;
  for (let bit = 0; bit < 8; bit += 1) crc = crc < 0 ? (crc << 1) ^ 0x04c11db7 : crc << 1;
  return crc;
});

function damaged(bits: BitReader): Error {
  return unreadable(`Bzip2 data is damaged before byte ${bits.offset}`);
}
