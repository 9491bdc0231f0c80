/** What is to be encoded of a leaf: all that it holds, as it lies there, or a copy of some rows in another order. */
import { clearColumns, reserve, rows, setRows } from './columns';
import { addRecord, fillTable } from './dictionary';
import {
  countsBeforeOf,
  countsOf,
  definitions,
  distinct,
  distinctCount,
  entryCount,
  leafAt,
  leafCount,
  leafType,
  maxDefinition,
  maxRepetition,
  repetitions,
  table,
  tableMask,
  textEnd,
  typeText,
  valueCount,
  values,
  valueShift,
} from './leaf';
import { hasAllValues, makeRanks, makeRowStarts, valuesBefore } from './places';
import { scratch, scratchDefinitions, scratchDistinct, scratchRepetitions, scratchSeen, scratchValues } from './scratch';
import { distinctHead, lengthBytes, releaseChunks, roomFor, takeChunks, writeText } from './texts';

export let pickedDefinitions: usize = 0;
export let pickedRepetitions: usize = 0;
export let pickedEntries: u32 = 0;
export let pickedRows: u32 = 0;
/** Of text with a dictionary their numbers in it, else where they lie. */
export let pickedValues: usize = 0;
export let pickedPresent: u32 = 0;
/** Where the dictionary's values lie, by number; each is picked at least once. */
export let pickedDistinct: usize = 0;
export let pickedDistinctCount: u32 = 0;

/** `wanted`: numbers of rows; 0: all of them. */
export function pick(leaf: u32, wanted: usize, count: u32): void {
  const column = leafAt(leaf);
  if (wanted == 0) {
    takeAll(leaf);
    return;
  }
  if (load<u32>(column, maxRepetition) == 0) pickEntries(leaf, wanted, count);
  else pickLists(leaf, wanted, count);
  pickedRows = count;
  pickedDistinctCount = 0;
  if (load<usize>(column, table) != 0) renumber(column, load<u32>(countsOf(leaf), distinctCount));
}

function takeAll(leaf: u32): void {
  const column = leafAt(leaf);
  const count = countsOf(leaf);
  pickedDefinitions = load<usize>(column, definitions);
  pickedRepetitions = load<usize>(column, repetitions);
  pickedEntries = load<u32>(count, entryCount);
  pickedRows = rows();
  pickedValues = load<usize>(column, values);
  pickedPresent = load<u32>(count, valueCount);
  pickedDistinct = load<usize>(column, distinct);
  pickedDistinctCount = load<u32>(count, distinctCount);
}

function pickEntries(leaf: u32, wanted: usize, count: u32): void {
  const column = leafAt(leaf);
  const shift = load<u32>(column, valueShift);
  const from = load<usize>(column, definitions);
  const present = load<u32>(column, maxDefinition);
  const isWhole = hasAllValues(leaf);
  if (!isWhole) makeRanks(leaf);
  makeRoom(count, 0, <usize>count << shift);
  let to = pickedValues;
  for (let index: u32 = 0; index < count; index++) {
    const row = load<u32>(wanted + (<usize>index << 2));
    const definition = load<u8>(from + row);
    store<u8>(pickedDefinitions + index, definition);
    if (definition != present) continue;
    to = copyValue(column, isWhole ? row : valuesBefore(column, row), shift, to);
  }
  pickedEntries = count;
  pickedPresent = <u32>((to - pickedValues) >> shift);
}

function pickLists(leaf: u32, wanted: usize, count: u32): void {
  const column = leafAt(leaf);
  const shift = load<u32>(column, valueShift);
  const present = load<u32>(column, maxDefinition);
  const starts = makeRowStarts(leaf, rows());
  makeRanks(leaf);
  let entries: u32 = 0;
  for (let index: u32 = 0; index < count; index++) {
    const row = starts + (<usize>load<u32>(wanted + (<usize>index << 2)) << 2);
    entries += load<u32>(row, 4) - load<u32>(row);
  }
  makeRoom(entries, entries, <usize>entries << shift);
  const fromDefinitions = load<usize>(column, definitions);
  const fromRepetitions = load<usize>(column, repetitions);
  let to = pickedValues;
  let at: usize = 0;
  for (let index: u32 = 0; index < count; index++) {
    const row = starts + (<usize>load<u32>(wanted + (<usize>index << 2)) << 2);
    const end = load<u32>(row, 4);
    let value = valuesBefore(column, load<u32>(row));
    for (let entry = load<u32>(row); entry < end; entry++) {
      const definition = load<u8>(fromDefinitions + entry);
      store<u8>(pickedDefinitions + at, definition);
      store<u8>(pickedRepetitions + at, load<u8>(fromRepetitions + entry));
      at++;
      if (definition == present) to = copyValue(column, value++, shift, to);
    }
  }
  pickedEntries = entries;
  pickedPresent = <u32>((to - pickedValues) >> shift);
}

function makeRoom(entries: usize, repeated: usize, bytes: usize): void {
  pickedDefinitions = scratch(scratchDefinitions, entries);
  pickedRepetitions = scratch(scratchRepetitions, repeated);
  pickedValues = scratch(scratchValues, bytes);
}

@inline
function copyValue(column: usize, value: u32, shift: u32, to: usize): usize {
  const from = load<usize>(column, values) + (<usize>value << shift);
  if (shift == 3) {
    store<u64>(to, load<u64>(from));
    return to + 8;
  }
  if (shift == 2) {
    store<u32>(to, load<u32>(from));
    return to + 4;
  }
  store<u8>(to, load<u8>(from));
  return to + 1;
}

/** Numbers anew the values of the dictionary that were picked, in the order in which they come. */
function renumber(column: usize, held: u32): void {
  const records = load<usize>(column, distinct);
  const seen = scratch(scratchSeen, <usize>held << 2);
  pickedDistinct = scratch(scratchDistinct, <usize>held << 2);
  for (let index: u32 = 0; index < pickedPresent; index++) {
    const at = pickedValues + (<usize>index << 2);
    const number = <usize>load<u32>(at) << 2;
    let next = load<u32>(seen + number);
    if (next == 0) {
      store<usize>(pickedDistinct + (<usize>pickedDistinctCount << 2), load<usize>(records + number));
      next = ++pickedDistinctCount;
      store<u32>(seen + number, next);
    }
    store<u32>(at, next - 1);
  }
  for (let index: u32 = 0; index < pickedDistinctCount; index++) {
    const record = load<usize>(pickedDistinct + (<usize>index << 2));
    store<u32>(seen + (<usize>load<u32>(record - distinctHead) << 2), 0);
  }
}

/** Values of a text leaf by where they lie, for encodings without a dictionary. */
export function forgetNumbers(): void {
  const numbers = pickedValues;
  pickedValues = scratch(scratchValues, <usize>pickedPresent << 2);
  for (let index: usize = 0; index < <usize>pickedPresent << 2; index += 4) {
    const number = <usize>load<u32>(numbers + index) << 2;
    store<usize>(pickedValues + index, load<usize>(pickedDistinct + number));
  }
  pickedDistinctCount = 0;
}

/** Forgets all rows but these, which become the only ones, in this order. */
export function keepRows(wanted: usize, count: u32): void {
  if (count == 0) {
    clearColumns();
    return;
  }
  for (let leaf: u32 = 0; leaf < leafCount; leaf++) keepInLeaf(leaf, wanted, count);
  setRows(count);
}

function keepInLeaf(leaf: u32, wanted: usize, count: u32): void {
  const column = leafAt(leaf);
  const counts = countsOf(leaf);
  pick(leaf, wanted, count);
  store<u64>(counts, 0, entryCount);
  reserve(leaf, pickedEntries, pickedPresent);
  memory.copy(load<usize>(column, definitions), pickedDefinitions, pickedEntries);
  if (load<u32>(column, maxRepetition) != 0) {
    memory.copy(load<usize>(column, repetitions), pickedRepetitions, pickedEntries);
  }
  const bytes = <usize>pickedPresent << load<u32>(column, valueShift);
  memory.copy(load<usize>(column, values), pickedValues, bytes);
  store<u32>(counts, pickedEntries, entryCount);
  store<u32>(counts, pickedPresent, valueCount);
  if (load<u32>(column, leafType) == typeText) keepTexts(leaf);
  v128.store(countsBeforeOf(leaf), v128.load(counts));
}

/** Copies the texts that are still there close together, and gives back all others. */
function keepTexts(leaf: u32): void {
  const column = leafAt(leaf);
  const count = countsOf(leaf);
  const last = takeChunks(column, count);
  if (load<usize>(column, table) != 0) {
    store<u32>(count, 0, distinctCount);
    for (let index: u32 = 0; index < pickedDistinctCount; index++) {
      const record = load<usize>(pickedDistinct + (<usize>index << 2));
      addRecord(column, count, record + lengthBytes, load<u32>(record), load<i32>(record - distinctHead, 4));
    }
    memory.fill(load<usize>(column, table), 0, (<usize>load<u32>(column, tableMask) + 1) << 3);
    fillTable(column, pickedDistinctCount);
  } else {
    const held = load<usize>(column, values);
    for (let index: usize = 0; index < <usize>pickedPresent << 2; index += 4) {
      const record = load<usize>(held + index);
      const length = load<u32>(record);
      const to = roomFor(column, count, lengthBytes + length);
      store<usize>(count, writeText(to, record + lengthBytes, length), textEnd);
      store<usize>(held + index, to);
    }
  }
  releaseChunks(last);
}
