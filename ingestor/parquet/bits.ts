/** Little-endian bits and numbers of variable length, which levels, indices and deltas are made of. */

/** The `width` (0 to 32) bits that begin `shift` (0 to 7) bits into the byte at `at`; past the end there are zeros. */
export function bitsAt(bytes: Uint8Array, at: number, shift: number, width: number): number {
  const word =
    (bytes[at] ?? 0) | ((bytes[at + 1] ?? 0) << 8) | ((bytes[at + 2] ?? 0) << 16) | ((bytes[at + 3] ?? 0) << 24);
  if (width + shift <= 24) return (word >>> shift) & ((1 << width) - 1);
  const high = shift === 0 ? 0 : (bytes[at + 4] ?? 0) << (32 - shift);
  const value = (word >>> shift) | high;
  return (width === 32 ? value : value & ((1 << width) - 1)) >>> 0;
}

/** A position in bytes from which numbers are read. Each method throws Error where the bytes end early. */
export class ByteCursor {
  readonly bytes: Uint8Array;
  readonly end: number;
  at: number;

  constructor(bytes: Uint8Array, at: number, end: number) {
    this.bytes = bytes;
    this.at = at;
    this.end = end;
  }

  byte(): number {
    if (this.at >= this.end) throw new Error('a page ends early');
    const byte = this.bytes[this.at] ?? 0;
    this.at += 1;
    return byte;
  }

  /** Of at most 32 bits (unsigned LEB128). */
  varint(): number {
    let value = 0;
    for (let scale = 1; scale <= 2 ** 28; scale *= 128) {
      const byte = this.byte();
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) return value;
    }
    throw new Error('a number of more than 32 bits');
  }

  /** Of at most 64 bits (zigzag LEB128). */
  zigzag(): bigint {
    let value = 0n;
    for (let shift = 0n; shift < 70n; shift += 7n) {
      const byte = this.byte();
      value |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return BigInt.asIntN(64, (value >> 1n) ^ -(value & 1n));
    }
    throw new Error('a number of more than 64 bits');
  }

  uint32(): number {
    if (this.at + 4 > this.end) throw new Error('a page ends early');
    const value = bitsAt(this.bytes, this.at, 0, 32);
    this.at += 4;
    return value;
  }
}
