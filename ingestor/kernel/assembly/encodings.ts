/** Values to the bytes of a data page. */
import { bitsOf, copyBytes } from './bytes';
import { deltasBound, writeIntDeltas, writeLongDeltas } from './deltas';
import { mixed } from './hash';
import { typeBoolean, typeInt, typeText } from './leaf';
import { runsBound, writeNumbers } from './runs';
import { scratch, scratchDistinct, scratchLengths, scratchNumbers, scratchTable } from './scratch';
import { lengthBytes } from './texts';

/** Numbers of `Encoding` in parquet.thrift. */
export const plain: u32 = 0;
export const deltas: u32 = 5;
export const deltaLengths: u32 = 6;
export const dictionary: u32 = 8;

/** What `writeValues` writes at most; `textBytes` is what `PLAIN` takes for the texts. */
export function valuesBound(encoding: u32, shift: u32, count: u32, textBytes: usize): usize {
  if (encoding == dictionary) return runsBound(count, 32);
  if (encoding == deltas) return deltasBound(count, (<usize>1) << shift);
  if (encoding == deltaLengths) return deltasBound(count, 4) + textBytes;
  return (<usize>count << shift) + textBytes;
}

/** Where they end. `width`: bits of a number of the dictionary. */
export function writeValues(encoding: u32, type: u32, shift: u32, from: usize, count: u32, width: u32, to: usize): usize {
  if (encoding == dictionary) {
    store<u8>(to, width);
    return writeNumbers(from, count, width, to + 1);
  }
  if (encoding == deltas) return type == typeInt ? writeIntDeltas(from, count, to) : writeLongDeltas(from, count, to);
  if (encoding == deltaLengths) return writeDeltaLengths(from, count, to);
  if (type == typeText) return writeTexts(from, count, to);
  if (type == typeBoolean) return writeBooleans(from, count, to);
  const bytes = <usize>count << shift;
  memory.copy(to, from, bytes);
  return to + bytes;
}

/** Of records, as `PLAIN` has them. */
export function writeTexts(from: usize, count: u32, to: usize): usize {
  for (const end = from + (<usize>count << 2); from < end; from += 4) {
    const record = load<usize>(from);
    const bytes = lengthBytes + load<u32>(record);
    copyBytes(to, record, bytes);
    to += bytes;
  }
  return to;
}

function writeDeltaLengths(from: usize, count: u32, to: usize): usize {
  const bytes = <usize>count << 2;
  const lengths = scratch(scratchLengths, bytes);
  for (let at: usize = 0; at < bytes; at += 4) store<u32>(lengths + at, load<u32>(load<usize>(from + at)));
  to = writeIntDeltas(lengths, count, to);
  for (let at: usize = 0; at < bytes; at += 4) {
    const record = load<usize>(from + at);
    const length = load<u32>(record);
    copyBytes(to, record + lengthBytes, length);
    to += length;
  }
  return to;
}

function writeBooleans(from: usize, count: u32, to: usize): usize {
  const end = to + ((count + 7) >> 3);
  for (const last = from + count; from < last; from += 16) {
    store<u16>(to, i8x16.bitmask(i8x16.shl(v128.load(from), 7)));
    to += 2;
  }
  if (count & 7) store<u8>(end - 1, <u32>load<u8>(end - 1) & ((1 << (count & 7)) - 1));
  return end;
}

/** Of `findDistinct`: numbers of the values, in their order, and the values by number. */
export let distinctNumbers: usize = 0;
export let distinctValues: usize = 0;
export let distinctFound: u32 = 0;

/** A dictionary of integers or doubles, by their bits. False where there are more than `most`. */
export function findDistinct(from: usize, count: u32, shift: u32, most: u32): bool {
  const slots: u32 = 2 << bitsOf(most);
  const mask = slots - 1;
  const taken = scratch(scratchTable, <usize>slots << 2);
  memory.fill(taken, 0, <usize>slots << 2);
  distinctNumbers = scratch(scratchNumbers, <usize>count << 2);
  distinctValues = scratch(scratchDistinct, <usize>(most + 1) << shift);
  distinctFound = 0;
  for (let index: u32 = 0; index < count; index++) {
    const at = from + (<usize>index << shift);
    const value: u64 = shift == 3 ? load<u64>(at) : <u64>load<u32>(at);
    let slot = <u32>mixed(value) & mask;
    let number: u32 = 0;
    for (;;) {
      number = load<u32>(taken + (<usize>slot << 2));
      if (number == 0) break;
      const known = distinctValues + (<usize>(number - 1) << shift);
      if ((shift == 3 ? load<u64>(known) : <u64>load<u32>(known)) == value) break;
      slot = (slot + 1) & mask;
    }
    if (number == 0) {
      if (distinctFound == most) return false;
      if (shift == 3) store<u64>(distinctValues + (<usize>distinctFound << 3), value);
      else store<u32>(distinctValues + (<usize>distinctFound << 2), <u32>value);
      number = ++distinctFound;
      store<u32>(taken + (<usize>slot << 2), number);
    }
    store<u32>(distinctNumbers + (<usize>index << 2), number - 1);
  }
  return true;
}
