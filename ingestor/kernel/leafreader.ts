/** Values of a leaf that is not repeated, by row, as `convert` gives them. */
import type { Kernel } from './kernel.ts';
import type { ShapeLeaf } from './shape.ts';

/** Good until rows are added or dropped. Null where a row has no value. */
export function leafReader(kernel: Kernel, { index, type }: ShapeLeaf): (row: number) => unknown {
  const places = placesOf(kernel, index);
  const read = valueReader(kernel, index, type);
  return (row) => {
    const place = places[row] ?? -1;
    return place < 0 ? null : read(place);
  };
}

/** Of each row the number of its value, or -1. */
function placesOf({ run }: Kernel, leaf: number): Int32Array {
  const rows = run.rows();
  const block = run.allocate(rows * 4) >>> 0;
  run.placeValues(leaf, block);
  const places = new Int32Array(run.memory.buffer, block, rows).slice();
  run.release(block, rows * 4);
  return places;
}

function valueReader(kernel: Kernel, leaf: number, type: ShapeLeaf['type']): (place: number) => unknown {
  const { run } = kernel;
  const at = run.valuesAt(leaf) >>> 0;
  switch (type) {
    case 'string':
    case 'json':
      return textReader(kernel, at, run.distinctAt(leaf) >>> 0);
    case 'boolean':
      return (place) => kernel.bytes[at + place] === 1;
    case 'int':
    case 'date':
      return (place) => kernel.bytes.readInt32LE(at + place * 4);
    case 'double':
      return (place) => kernel.bytes.readDoubleLE(at + place * 8);
    case 'long':
    case 'timestamptz':
      return (place) => readLong(kernel.bytes, at + place * 8);
  }
}

const twoTo32 = 2 ** 32;
/** Upper halves of integers that doubles hold. */
const mostHigh = 2 ** 21;

/** A number, or a bigint past 2^53. */
function readLong(bytes: Buffer, at: number): number | bigint {
  const high = bytes.readInt32LE(at + 4);
  const low = bytes.readUInt32LE(at);
  const isSafe = high < mostHigh && (high > -mostHigh || (high === -mostHigh && low > 0));
  return isSafe ? high * twoTo32 + low : bytes.readBigInt64LE(at);
}

/** Of a dictionary each value is decoded once. */
function textReader(kernel: Kernel, values: number, distinct: number): (place: number) => string {
  if (distinct === 0) return (place) => readText(kernel.bytes, kernel.bytes.readUInt32LE(values + place * 4));
  const known: (string | undefined)[] = [];
  return (place) => {
    const number = kernel.bytes.readUInt32LE(values + place * 4);
    const text = known[number] ?? readText(kernel.bytes, kernel.bytes.readUInt32LE(distinct + number * 4));
    known[number] = text;
    return text;
  };
}

function readText(bytes: Buffer, record: number): string {
  return bytes.toString('utf8', record + 4, record + 4 + bytes.readUInt32LE(record));
}
