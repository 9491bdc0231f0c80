/** What compressed bytes of Snappy and LZ4 are made of: bytes as they are, and bytes that were there before. */

export function viewOf({ buffer, byteOffset, byteLength }: Uint8Array): DataView {
  return new DataView(buffer, byteOffset, byteLength);
}

/** Beyond this a call copies faster. */
const shortBytes = 64;

/** Copies bytes from one view to another, in both of which they are. */
export function copyLiteral(input: DataView, at: number, output: DataView, to: number, length: number): void {
  if (length > shortBytes) {
    bytesOf(output, to, length).set(bytesOf(input, at, length));
    return;
  }
  let index = 0;
  for (; index + 4 <= length; index += 4) output.setUint32(to + index, input.getUint32(at + index));
  for (; index < length; index += 1) output.setUint8(to + index, input.getUint8(at + index));
}

function bytesOf({ buffer, byteOffset }: DataView, at: number, length: number): Uint8Array {
  return new Uint8Array(buffer, byteOffset + at, length);
}

/** Copies what begins `offset` bytes before `to`; it may reach into what it makes. Throws Error for what lies outside. */
export function copyBack(output: DataView, to: number, offset: number, length: number): void {
  if (offset === 0 || offset > to || to + length > output.byteLength) throw damaged();
  const from = to - offset;
  if (length > shortBytes && offset >= length) {
    bytesOf(output, to, length).set(bytesOf(output, from, length));
    return;
  }
  let index = 0;
  if (offset >= 4) {
    for (; index + 4 <= length; index += 4) output.setUint32(to + index, output.getUint32(from + index));
  }
  for (; index < length; index += 1) output.setUint8(to + index, output.getUint8(from + index));
}

export function damaged(): Error {
  return new Error('compressed bytes are damaged');
}
