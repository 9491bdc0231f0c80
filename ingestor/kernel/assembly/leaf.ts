/** Where things lie: of each leaf a record of what it holds, and beside it, in a table of their own, its counts. */
import { allocate } from './memory';

/** Physical types of Parquet. */
export const typeBoolean: u32 = 0;
export const typeInt: u32 = 1;
export const typeLong: u32 = 2;
export const typeDouble: u32 = 5;
export const typeText: u32 = 6;

/** 16 bytes, so that one vector holds them: what a record that is taken back takes back. */
export const entryCount: usize = 0;
export const valueCount: usize = 4;
/** Of text: where the next one goes; 0 before the first. */
export const textEnd: usize = 8;
/** Of text: the distinct values of its dictionary. */
export const distinctCount: usize = 12;

export const entryCapacity: usize = 0;
export const valueCapacity: usize = 4;
export const definitions: usize = 8;
/** Of a leaf that is not repeated the same block as its definitions: what is written here first is overwritten. */
export const repetitions: usize = 12;
/** Of text: of each value its number in the dictionary, or where it lies once there is none. */
export const values: usize = 16;
export const maxDefinition: usize = 20;
export const maxRepetition: usize = 24;
export const leafType: usize = 28;
/** A value takes `1 << valueShift` bytes. */
export const valueShift: usize = 32;
/** 1: the type is text and has no dictionary any more, or never had one. */
export const isPlain: usize = 36;
/** The hash table of the dictionary: 0 before the first value, and when there is none. */
export const table: usize = 40;
/** Its slots less one. */
export const tableMask: usize = 44;
/** Where the dictionary's values lie, by their number. */
export const distinct: usize = 48;
export const distinctCapacity: usize = 52;
/** The chunk that text goes to, its end, and the sizes of those before it. */
export const chunk: usize = 56;
export const chunkEnd: usize = 60;
export const earlierChunks: usize = 64;
/** What picking rows needs to know, and of which version of the rows it is (see places.ts). */
export const ranks: usize = 68;
export const ranksSize: usize = 72;
export const ranksVersion: usize = 76;
export const rowStarts: usize = 80;
export const rowStartsSize: usize = 84;
export const rowStartsVersion: usize = 88;

const leafShift: usize = 7;

export let leafCount: u32 = 0;
let leaves: usize = 0;
export let counts: usize = 0;
/** The counts as they were when the row at hand began. */
export let countsBefore: usize = 0;

export function makeLeaves(count: u32): void {
  leafCount = count;
  leaves = allocate(<usize>count << leafShift);
  counts = allocate(<usize>count << 4);
  countsBefore = allocate(<usize>count << 4);
  memory.fill(leaves, 0, <usize>count << leafShift);
  memory.fill(counts, 0, <usize>count << 4);
  memory.fill(countsBefore, 0, <usize>count << 4);
}

@inline
export function leafAt(leaf: u32): usize {
  return leaves + (<usize>leaf << leafShift);
}

@inline
export function countsOf(leaf: u32): usize {
  return counts + (<usize>leaf << 4);
}

@inline
export function countsBeforeOf(leaf: u32): usize {
  return countsBefore + (<usize>leaf << 4);
}
